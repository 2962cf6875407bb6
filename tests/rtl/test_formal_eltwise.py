# SPDX-License-Identifier: Apache-2.0
"""Element-wise sum and product, one and two stages, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_eltwise.v"

PARAMETERS = [
    {
        "LANES": 2,
        "A_BITS": 3,
        "A_SIGNED": 1,
        "B_BITS": 2,
        "B_SIGNED": 0,
        "A_FACTOR": 1,
        "B_FACTOR": -2,
        "OUT_BITS": 6,
    },
    {
        "LANES": 1,
        "A_BITS": 3,
        "A_SIGNED": 0,
        "B_BITS": 3,
        "B_SIGNED": 1,
        "A_FACTOR": -11,
        "B_FACTOR": 1,
        "OUT_BITS": 8,
    },
    {
        "LANES": 1,
        "A_BITS": 3,
        "A_SIGNED": 0,
        "B_BITS": 3,
        "B_SIGNED": 1,
        "A_FACTOR": 1365,
        "B_FACTOR": -2147483648,
        "OUT_BITS": 36,
    },
    {"OPERATION": 1, "LANES": 2, "A_BITS": 3, "A_SIGNED": 1, "B_BITS": 2, "B_SIGNED": 0, "OUT_BITS": 5},
    {"OPERATION": 1, "LANES": 1, "A_BITS": 2, "A_SIGNED": 0, "B_BITS": 2, "B_SIGNED": 0, "OUT_BITS": 6},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "overwritten while stalled": (
        "if (enable) out_q <= a_term + b_term;",
        "out_q <= a_term + b_term;",
        {},
    ),
    "word of one input lost": (
        "assign s0_axis_tready = enable && s1_axis_tvalid;",
        "assign s0_axis_tready = enable;",
        {},
    ),
    "result doubled": (
        "if (rst) valid_q <= 1'b0;\n                else if (enable) valid_q <= put;",
        "if (rst) valid_q <= 1'b0;\n                else if (put) valid_q <= 1'b1;",
        {},
    ),
    "sign forgotten": (
        "assign b_signed = b_q;",
        "assign b_signed = {1'b0, b_q[B_WIDTH-2:0]};",
        {"OPERATION": 1},
    ),
    "word lost in the first stage": (
        "if (enable) begin\n                            a_term_q <= a_term;",
        "if (1'b1) begin\n                            a_term_q <= a_term;",
        {"A_FACTOR": 3, "OUT_BITS": 7},
    ),
    "factor wrong": (
        "shifts = shifts - (value << i)",
        "shifts = shifts + (value << i)",
        {"A_FACTOR": -1},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_eltwise_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE],
        top="tr_eltwise",
        parameters=parameters,
        depth=3,
        folder=tmp_path,
        timeout_seconds=60,
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_eltwise_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
