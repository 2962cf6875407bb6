# SPDX-License-Identifier: Apache-2.0
"""Windows, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, prove_image
from tailrace.blocks.window import Window

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def window(
    height: int, width: int, channels: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> Window:
    return Window(**image(height, width, channels, bits=1), kernel=kernel, stride=stride)


BLOCKS = {
    "square": window(2, 3, 1, (2, 2), (1, 1)),
    "column": window(3, 2, 1, (2, 1), (1, 1)),
    "signal": window(1, 5, 1, (1, 2), (1, 1)),
    "rows and columns are skipped": window(3, 3, 1, (2, 1), (1, 2)),
    "in order": window(3, 4, 2, (1, 1), (2, 2)),
    "in order, groups of taps": window(1, 7, 1, (1, 2), (1, 3)),
}

# what is broken: (module, the text in it, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "freed too early": (
        "window",
        "wire [COUNT_BITS:0] freed = last[2:0] != 3'b111",
        "wire [COUNT_BITS:0] freed = last[1:0] != 2'b11",
        "square",
    ),
    "a row too few is freed": (
        "window",
        "FREED_ROW = MOVE_H * ROW",
        "FREED_ROW = MOVE_W * ROW - 1",
        "column",
    ),
    "word skipped": (
        "window",
        "assign keep = keep_column && keep_row;",
        "assign keep = keep_row;",
        "rows and columns are skipped",
    ),
    "in order: word lost": (
        "window",
        "assign s_axis_tready = advance || !keep;",
        "assign s_axis_tready = 1'b1;",
        "in order",
    ),
    "in order: wrong taps": (
        "axis",
        "GROUP_GAP = GROUP_STEP - 1;",
        "GROUP_GAP = GROUP_STEP;",
        "in order, groups of taps",
    ),
    "read before it came": ("ring", "advance && !ahead_q[COUNT_BITS];", "advance;", "signal"),
    "overwritten": ("ring", "assign in_ready  = !room_q[COUNT_BITS];", "assign in_ready  = 1'b1;", "signal"),
    "changed while stalled": ("ring", "if (fetch) out_q <=", "out_q <=", "signal"),
    "turned wrong": ("ring", "below[ADDRESS_BITS] ? read_q", "!below[ADDRESS_BITS] ? read_q", "column"),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_window_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_image("window", BLOCKS[case].parameters(), folder=tmp_path, depth=2)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    module, text, replacement, case = MUTANTS[mutant]
    parameters = BLOCKS[case].parameters()
    proof = prove_image(
        "window",
        parameters,
        folder=tmp_path,
        depth=10,
        mutant=(module, text, replacement),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
