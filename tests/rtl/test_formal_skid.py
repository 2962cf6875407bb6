# SPDX-License-Identifier: Apache-2.0
"""The skid buffer, proven by induction; five broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_skid.v"

PARAMETERS = [
    {"WIDTH": 1},
    {"WIDTH": 5},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "spare word overwritten": (
        "if (ready_q) spare_q <= s_axis_tdata;",
        "spare_q <= s_axis_tdata;",
        {"WIDTH": 2},
    ),
    "output overwritten while stalled": (
        "if (advance) out_q <=",
        "out_q <=",
        {"WIDTH": 2},
    ),
    "spare word lost": (
        "out_valid_q <= s_axis_tvalid || !ready_q;",
        "out_valid_q <= s_axis_tvalid;",
        {"WIDTH": 2},
    ),
    "spare word doubled": (
        "            ready_q     <= 1'b1;\n        end else if (s_axis_tvalid)",
        "        end else if (s_axis_tvalid)",
        {"WIDTH": 2},
    ),
    "wrong order": (
        "ready_q ? s_axis_tdata : spare_q",
        "!ready_q ? s_axis_tdata : spare_q",
        {"WIDTH": 2},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_skid_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_skid", parameters=parameters, depth=4, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_skid_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
