# SPDX-License-Identifier: Apache-2.0
"""Concat, proven by induction for a word of either input; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_concat.v"

THREE_AND_TWO = {"LANES": 1, "BITS": 2, "A_CHANNELS": 3, "B_CHANNELS": 2}
PARAMETERS = [
    {"LANES": 1, "BITS": 1, "A_CHANNELS": 1, "B_CHANNELS": 1},
    {"LANES": 2, "BITS": 1, "A_CHANNELS": 2, "B_CHANNELS": 6},
    THREE_AND_TWO,
]

# what is broken: (the text in the module, what replaces it)
MUTANTS = {
    "word doubled": (
        "assign s0_axis_tready = enable && !b_turn_q;",
        "assign s0_axis_tready = !valid_q && !b_turn_q;",
    ),
    "word lost": ("assign s1_axis_tready = enable && b_turn_q;", "assign s1_axis_tready = b_turn_q;"),
    "both at once": ("assign s1_axis_tready = enable && b_turn_q;", "assign s1_axis_tready = enable;"),
    "overwritten while stalled": ("if (enable) out_q <=", "out_q <="),
    "the wrong input": ("out_q <= b_turn_q ?", "out_q <= !b_turn_q ?"),
    "as many words of both": (
        "(b_turn_q ? B_LAST[WORD_BITS-1:0] : A_LAST[WORD_BITS-1:0])",
        "A_LAST[WORD_BITS-1:0]",
    ),
    "counts words that are not there": ("            if (offer) begin", "            begin"),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_concat_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_concat", parameters=parameters, depth=4, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_concat_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=THREE_AND_TWO, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
