# SPDX-License-Identifier: Apache-2.0
"""The output edge, proven by induction; broken ones are found, tlast off by one among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_frame.v"

PARAMETERS = [
    {"LANES": 2, "BITS": 3, "SIGNED": 1, "PAD_BITS": 8, "WORDS": 3},
    {"LANES": 1, "BITS": 8, "SIGNED": 0, "PAD_BITS": 8, "WORDS": 1},
    {"LANES": 3, "BITS": 1, "SIGNED": 0, "PAD_BITS": 8, "WORDS": 4},
    {"LANES": 1, "BITS": 9, "SIGNED": 1, "PAD_BITS": 16, "WORDS": 2},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "tlast a word early": (
        "localparam integer FINAL = WORDS - 1;",
        "localparam integer FINAL = WORDS - 2;",
        {"WORDS": 3},
    ),
    "tlast changes while stalled": (
        "end else if (s_axis_tready) begin\n                    last_q <= final_word;",
        "end else if (s_axis_tready || 1'b1) begin\n                    last_q <= final_word;",
        {"WORDS": 3},
    ),
    "words counted while none came": (
        "if (s_axis_tvalid)\n                        index_q",
        "if (1'b1)\n                        index_q",
        {"WORDS": 3},
    ),
    "word lost": (
        "assign s_axis_tready = !valid_q || m_axis_tready;",
        "assign s_axis_tready = 1'b1;",
        {},
    ),
    "overwritten while stalled": (
        "if (s_axis_tready) word_q <=",
        "word_q <=",
        {},
    ),
    "sign forgotten": (
        "SIGNED != 0 && word_q",
        "SIGNED == 2 && word_q",
        {"SIGNED": 1},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_frame_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_frame", parameters=parameters, depth=3, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_frame_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
