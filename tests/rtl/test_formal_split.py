# SPDX-License-Identifier: Apache-2.0
"""Split, proven by induction for either of its outputs; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_split.v"

THREE_AND_TWO = {"LANES": 1, "BITS": 2, "A_CHANNELS": 3, "B_CHANNELS": 2}
PARAMETERS = [
    {"LANES": 1, "BITS": 1, "A_CHANNELS": 1, "B_CHANNELS": 1},
    {"LANES": 2, "BITS": 1, "A_CHANNELS": 2, "B_CHANNELS": 6},
    THREE_AND_TWO,
]

# what is broken: (the text in the module, what replaces it)
MUTANTS = {
    "word doubled": ("(valid_q & ~m_axis_tready) | (turn", "(valid_q & ~{2{&m_axis_tready}}) | (turn"),
    "word lost": ("wire [           1:0] free = ~valid_q | m_axis_tready;", "wire [1:0] free = 2'b11;"),
    "waits for the other output": ("b_turn_q ? free[1] : free[0];", "&free;"),
    "overwritten while stalled": ("if (free[1] && turn[1]) b_q", "if (turn[1]) b_q"),
    "to the wrong output": ("turn = {b_turn_q, !b_turn_q}", "turn = {!b_turn_q, b_turn_q}"),
    "as many words to both": (
        "(b_turn_q ? B_LAST[WORD_BITS-1:0] : A_LAST[WORD_BITS-1:0])",
        "B_LAST[WORD_BITS-1:0]",
    ),
    "counts words that are not there": (
        "            if (put) begin\n                word_q",
        "            if (s_axis_tvalid) begin\n                word_q",
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_split_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_split", parameters=parameters, depth=4, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_split_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=THREE_AND_TWO, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
