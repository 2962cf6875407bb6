# SPDX-License-Identifier: Apache-2.0
"""Upsampling, proven by induction; broken copies are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, prove_image
from tailrace.blocks.upsample import Upsample

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def upsample(width: int, channels: int, factor: tuple[int, int]) -> Upsample:
    return Upsample(**image(1, width, channels, bits=1), factor=factor)


BLOCKS = {
    "rows": upsample(2, 1, (2, 1)),
    "signal": upsample(2, 2, (1, 2)),
    "square": upsample(2, 1, (2, 2)),
    "single word": upsample(1, 1, (3, 1)),
}

# what is broken: (module, the text in it, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "freed before the last copy of the row": ("upsample", "last[1] && last[3]}", "last[1]}", "rows"),
    "freed before the last copy of the pixel": ("upsample", "last[1] && last[3]}", "last[3]}", "square"),
    "pixels in the wrong order": (
        "upsample",
        ".STRIDE_1  (0),",
        ".STRIDE_1  (1),",
        "signal",
    ),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_upsample_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_image("upsample", BLOCKS[case].parameters(), folder=tmp_path, depth=2)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    module, text, replacement, case = MUTANTS[mutant]
    parameters = BLOCKS[case].parameters()
    proof = prove_image(
        "upsample",
        parameters,
        folder=tmp_path,
        depth=10,
        mutant=(module, text, replacement),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
