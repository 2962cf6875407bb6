# SPDX-License-Identifier: Apache-2.0
"""Shuffling, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, prove_image
from tailrace.blocks.shuffle import Shuffle

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def shuffle(height: int, width: int, channels: int, mode: str, *, lanes: int = 1) -> Shuffle:
    return Shuffle(**image(height, width, channels, lanes=lanes, bits=1), block=2, mode=mode)


BLOCKS = {
    "dcr": shuffle(1, 1, 4, "dcr"),
    "crd": shuffle(1, 1, 4, "crd"),
    "crd, two lanes": shuffle(1, 1, 8, "crd", lanes=2),
    "space to depth": shuffle(2, 2, 1, "space_to_depth"),
}

# what is broken: (module, the text in it, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "freed too early": ("shuffle", "assign freed = last[3] && last[1] ?", "assign freed = last[1] ?", "dcr"),
    "wrong order": ("shuffle", ".STRIDE_1  (MODE == 1 ? 1 : PART),", ".STRIDE_1  (BLOCK),", "crd"),
    "group overwritten": (
        "shuffle",
        "assign s_axis_tready = !complete || empty;",
        "assign s_axis_tready = 1'b1;",
        "crd, two lanes",
    ),
    "lanes changed while stalled": (
        "shuffle",
        "else if (ready) out_q",
        "else out_q",
        "crd, two lanes",
    ),
    "columns for rows": (
        "shuffle",
        "MODE == 2 ? COLUMNS * BLOCK * PART : PIXEL",
        "MODE == 2 ? PART : PIXEL",
        "space to depth",
    ),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_shuffle_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_image("shuffle", BLOCKS[case].parameters(), folder=tmp_path, depth=2)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    module, text, replacement, case = MUTANTS[mutant]
    parameters = BLOCKS[case].parameters()
    proof = prove_image(
        "shuffle",
        parameters,
        folder=tmp_path,
        depth=16 if mutant == "group overwritten" else 12,
        mutant=(module, text, replacement),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
