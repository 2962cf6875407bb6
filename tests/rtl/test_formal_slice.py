# SPDX-License-Identifier: Apache-2.0
"""Slices, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import prove_image

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

MIDDLE = {"LANES": 1, "BITS": 2, "CHANNELS": 6, "START": 1, "STOP": 3}
PARAMETERS = [
    MIDDLE,
    {"LANES": 1, "BITS": 1, "CHANNELS": 2, "START": 1, "STOP": 2},
    {"LANES": 2, "BITS": 1, "CHANNELS": 10, "START": 0, "STOP": 6},
    {"LANES": 3, "BITS": 1, "CHANNELS": 15, "START": 6, "STOP": 15},
    {"LANES": 1, "BITS": 2, "CHANNELS": 3, "START": 0, "STOP": 3},
]

# what is broken: (the text in the module, what replaces it)
MUTANTS = {
    "word lost": ("assign s_axis_tready = advance || !keep;", "assign s_axis_tready = 1'b1;"),
    "dropped word waits": ("assign s_axis_tready = advance || !keep;", "assign s_axis_tready = advance;"),
    "dropped word leaves": ("valid_q <= s_axis_tvalid && keep;", "valid_q <= s_axis_tvalid;"),
    "word doubled": (
        "else if (advance) valid_q <= s_axis_tvalid && keep;",
        "else if (advance && s_axis_tvalid) valid_q <= keep;",
    ),
    "overwritten while stalled": ("if (advance) out_q", "out_q"),
    "overwritten by a dropped word": ("if (advance) out_q", "if (advance || !keep) out_q"),
    "a word too early": ("LEAD_LEFT = LEAD - 1;", "LEAD_LEFT = LEAD;"),
    "a word too many": ("KEPT_LEFT = KEPT - 1;", "KEPT_LEFT = KEPT;"),
    "a word too few dropped": ("GAP_LEFT = GAP - 1;", "GAP_LEFT = GAP - 2;"),
    "counts words that are not there": (
        "else if (s_axis_tvalid && s_axis_tready) begin\n                    keep_q",
        "else if (s_axis_tvalid) begin\n                    keep_q",
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_slice_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_image("slice", parameters, folder=tmp_path, depth=2)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    proof = prove_image(
        "slice",
        MIDDLE,
        folder=tmp_path,
        depth=10,
        mutant=("slice", *MUTANTS[mutant]),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
