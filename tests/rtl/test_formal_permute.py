# SPDX-License-Identifier: Apache-2.0
"""Permute, proven by induction for any order; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import prove_image

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def parameters(words: int, first: int) -> dict[str, int]:
    return {"WIDTH": 1, "WORDS": words, "FIRST": first}


PARAMETERS = [
    parameters(words, first) for words in (1, 2, 3, 4, 5) for first in sorted({0, words // 2, words - 1})
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "overwritten while stalled": ("if (fetch) out_q <=", "out_q <=", parameters(2, 0)),
    "offered before it came": (
        "if (advance) valid_q <= there;",
        "if (advance) valid_q <= 1'b1;",
        parameters(2, 0),
    ),
    "read before it came": ("source_q < count_q;", "source_q <= count_q;", parameters(3, 1)),
    "waits for the whole frame": (
        "there = full_q != 2'd0 || source_q < count_q;",
        "there = full_q != 2'd0;",
        parameters(2, 0),
    ),
    "frame overwritten": (
        "assign s_axis_tready = full_q != 2'd2;",
        "assign s_axis_tready = 1'b1;",
        parameters(2, 1),
    ),
    "one frame only": (
        "assign s_axis_tready = full_q != 2'd2;",
        "assign s_axis_tready = full_q == 2'd0;",
        parameters(1, 0),
    ),
    "written to the wrong frame": ("odd_q ^ full_q[0]}", "odd_q}", parameters(2, 1)),
    "read from the wrong frame": ("{source_q, odd_q};", "{source_q, !odd_q};", parameters(2, 0)),
    "frames miscounted": ("if (frame_out && !frame_in)", "if (frame_out)", parameters(1, 0)),
    "the frame ends a word early": (
        "fetch && after_q == SECOND[PLACE_BITS-1:0]",
        "fetch && after_q == {PLACE_BITS{1'b0}}",
        parameters(3, 0),
    ),
    "the order is not read ahead": ("fetch || !ahead_q;", "fetch;", parameters(3, 0)),
    "the order goes on while stalled": ("fetch || !ahead_q;", "1'b1;", parameters(3, 0)),
    "the order starts with any word": (
        "source_q <= FIRST[PLACE_BITS-1:0];",
        "source_q <= {PLACE_BITS{1'b0}};",
        parameters(3, 1),
    ),
    "a word late in the order": (
        "after_q  <= SECOND[PLACE_BITS-1:0];",
        "after_q  <= {PLACE_BITS{1'b0}};",
        parameters(3, 0),
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_permute_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_image("permute", parameters, folder=tmp_path, depth=3)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_image(
        "permute",
        parameters,
        folder=tmp_path,
        depth=14,
        mutant=("permute", text, replacement),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
