# SPDX-License-Identifier: Apache-2.0
"""The gearbox at integer and odd ratios, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_width.v"

PARAMETERS = [
    {"IN_LANES": 2, "OUT_LANES": 2, "BITS": 2},
    {"IN_LANES": 3, "OUT_LANES": 1, "BITS": 2},
    {"IN_LANES": 1, "OUT_LANES": 3, "BITS": 1},
    {"IN_LANES": 6, "OUT_LANES": 2, "BITS": 1},
    {"IN_LANES": 2, "OUT_LANES": 3, "BITS": 2},
    {"IN_LANES": 3, "OUT_LANES": 2, "BITS": 1},
    {"IN_LANES": 3, "OUT_LANES": 5, "BITS": 1},
    {"IN_LANES": 5, "OUT_LANES": 3, "BITS": 1},
    {"IN_LANES": 4, "OUT_LANES": 6, "BITS": 1},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "equal: overwritten while stalled": (
        "if (advance) out_q <= s_axis_tdata;",
        "out_q <= s_axis_tdata;",
        {"IN_LANES": 2, "OUT_LANES": 2, "BITS": 1},
    ),
    "narrow: word lost": (
        "left_q <= FINAL[COUNT_BITS-1:0];",
        "left_q <= FINAL[COUNT_BITS-1:0] - 1'b1;",
        {"IN_LANES": 3, "OUT_LANES": 1, "BITS": 1},
    ),
    "wide: wrong order": (
        "out_q <= {s_axis_tdata, out_q[OUT_LANES*BITS-1:CHUNK]};",
        "out_q <= {out_q[OUT_LANES*BITS-CHUNK-1:0], s_axis_tdata};",
        {"IN_LANES": 1, "OUT_LANES": 3, "BITS": 1},
    ),
    "ratio: held lanes overwritten": (
        "if (put) hold_q <=",
        "hold_q <=",
        {"IN_LANES": 3, "OUT_LANES": 5, "BITS": 1},
    ),
    "ratio: written too late": (
        "q < START + IN_CHUNKS && (q >= START || START < IN_CHUNKS)",
        "q < START + IN_CHUNKS && q >= START",
        {"IN_LANES": 3, "OUT_LANES": 5, "BITS": 1},
    ),
    "ratio: changes while stalled": (
        "assign write = {OUT_CHUNKS{advance}};",
        "assign write = {OUT_CHUNKS{1'b1}};",
        {"IN_LANES": 5, "OUT_LANES": 3, "BITS": 1},
    ),
    "ratio: input word lost": (
        "assign s_axis_tready = advance && need;",
        "assign s_axis_tready = advance;",
        {"IN_LANES": 5, "OUT_LANES": 3, "BITS": 1},
    ),
    "ratio: wrong turn of the pattern": (
        "localparam integer FINAL_WORD = IN_CHUNKS - 1;",
        "localparam integer FINAL_WORD = IN_CHUNKS - 2;",
        {"IN_LANES": 5, "OUT_LANES": 3, "BITS": 1},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_width_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_width", parameters=parameters, depth=3, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_width_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
