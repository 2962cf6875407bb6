# SPDX-License-Identifier: Apache-2.0
"""Padding, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, prove_image
from tailrace.blocks.pad import Pad

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def pad(height: int, width: int, channels: int, sides: tuple[int, int, int, int]) -> Pad:
    """``sides`` are top, bottom, left, right."""
    top, bottom, left, right = sides
    fields = image(height, width, channels, bits=2)
    return Pad(**fields, top=top, bottom=bottom, left=left, right=right, value=1)


BLOCKS = {
    "all sides but one": pad(2, 2, 2, (1, 1, 1, 0)),
    "columns": pad(2, 2, 1, (0, 0, 0, 1)),
    "below": pad(1, 2, 1, (0, 1, 0, 0)),
    "nothing": pad(2, 1, 1, (0, 0, 0, 0)),
}

# what is broken: (module, the text in it, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "overwritten while stalled": ("pad", "if (advance) out_q <=", "out_q <=", "columns"),
    "sent before there is a frame": ("pad", "(!in_image && begun_q)", "!in_image", "all sides but one"),
    "input word lost": (
        "pad",
        "assign s_axis_tready = advance && in_image;",
        "assign s_axis_tready = advance;",
        "columns",
    ),
    "a row too many": ("pad", "LAST_ROW = HEIGHT - 1;", "LAST_ROW = HEIGHT;", "columns"),
    "a word too few below": ("pad", "TAIL_LEFT = TAIL - 1;", "TAIL_LEFT = TAIL - 2;", "below"),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_pad_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_image("pad", BLOCKS[case].parameters(), folder=tmp_path, depth=2)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    module, text, replacement, case = MUTANTS[mutant]
    parameters = BLOCKS[case].parameters()
    proof = prove_image(
        "pad",
        parameters,
        folder=tmp_path,
        depth=10,
        mutant=(module, text, replacement),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
