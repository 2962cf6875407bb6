# SPDX-License-Identifier: Apache-2.0
"""Parallel windows, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, prove_image
from tailrace.blocks.window_parallel import WindowParallel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def window(
    height: int,
    width: int,
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    bits: int = 1,
) -> WindowParallel:
    return WindowParallel(
        **image(height, width, 1, bits=bits), kernel=kernel, stride=stride, dilation=dilation
    )


BLOCKS = {
    "square": window(3, 3, (2, 2)),
    "three rows": window(4, 2, (3, 2), bits=2),
    "strided": window(4, 5, (2, 2), stride=(2, 2)),
    "stride beyond the kernel": window(4, 4, (2, 1), stride=(3, 3)),
    "dilated": window(5, 4, (2, 2), dilation=(2, 2)),
    "signal": window(1, 6, (1, 3), stride=(1, 2), bits=2),
    "column": window(5, 1, (3, 1)),
    "single pixel": window(1, 1, (1, 1)),
}

# what is broken: (module, the text in it, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "pixel lost": (
        "window_parallel",
        "assign s_axis_tready = advance;",
        "assign s_axis_tready = 1'b1;",
        "square",
    ),
    "window lost": (
        "window_parallel",
        "wire                          advance = !valid_q || m_axis_tready;",
        "wire                          advance = 1'b1;",
        "square",
    ),
    "window doubled": (
        "window_parallel",
        "else if (advance) valid_q <= s_axis_tvalid && keep_row && keep_column;",
        "else if (take) valid_q <= keep_row && keep_column;",
        "square",
    ),
    "windows across the end of a row": (
        "window_parallel",
        "valid_q <= s_axis_tvalid && keep_row && keep_column;",
        "valid_q <= s_axis_tvalid && keep_row;",
        "square",
    ),
    "windows across the end of an image": (
        "window_parallel",
        "valid_q <= s_axis_tvalid && keep_row && keep_column;",
        "valid_q <= s_axis_tvalid && keep_column;",
        "square",
    ),
    "changed while stalled": (
        "window_parallel",
        "if (take) columns_q",
        "if (s_axis_tvalid) columns_q",
        "signal",
    ),
    "moves without a pixel": ("window_parallel", "if (take) columns_q", "if (advance) columns_q", "signal"),
    "columns the other way round": (
        "window_parallel",
        "localparam integer PLACE = tap % KERNEL_W * DILATION_W * KERNEL_H",
        "localparam integer PLACE = (KERNEL_W - 1 - tap % KERNEL_W) * DILATION_W * KERNEL_H",
        "signal",
    ),
    "rows the other way round": (
        "window_parallel",
        "KERNEL_H + tap / KERNEL_W;",
        "KERNEL_H + KERNEL_H - 1 - tap / KERNEL_W;",
        "three rows",
    ),
    "not dilated": (
        "window_parallel",
        "tap % KERNEL_W * DILATION_W * KERNEL_H",
        "tap % KERNEL_W * KERNEL_H",
        "dilated",
    ),
    "a row without its dilation": (
        "window_parallel",
        "localparam integer DELAY  = DILATION_H * WIDTH;",
        "localparam integer DELAY  = WIDTH;",
        "dilated",
    ),
    "a line that is too short": (
        "window_parallel",
        "FINAL = DELAY - 1;",
        "FINAL = DELAY - 2;",
        "square",
    ),
    "line written without a pixel": (
        "window_parallel",
        "if (take) words[write_q]",
        "if (s_axis_tvalid) words[write_q]",
        "square",
    ),
    "line read without a pixel": (
        "window_parallel",
        "if (take) above_q <= words",
        "above_q <= words",
        "square",
    ),
    "lines that are not joined": (
        "window_parallel",
        "words[write_q] <= column[COLUMN-1:PIXEL];",
        "words[write_q] <= {(KERNEL_H - 1) {s_axis_tdata}};",
        "three rows",
    ),
    "pile moved without a pixel": (
        "window_parallel",
        "if (take) above_q <= column",
        "above_q <= column",
        "column",
    ),
    "first window too early": ("axis", "FIRST_GAP = FIRST;", "FIRST_GAP = FIRST - 1;", "strided"),
    "wrong stride": ("axis", "GROUP_GAP = GROUP_STEP - 1;", "GROUP_GAP = GROUP_STEP;", "strided"),
    "gap kept at the end of a row": (
        "axis",
        "if (rst || (step && at_end)) gap_q",
        "if (rst) gap_q",
        "strided",
    ),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_window_parallel_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_image("window_parallel", BLOCKS[case].parameters(), folder=tmp_path, depth=2)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_found(mutant: str, tmp_path: Path) -> None:
    module, text, replacement, case = MUTANTS[mutant]
    proof = prove_image(
        "window_parallel",
        BLOCKS[case].parameters(),
        folder=tmp_path,
        depth=14,
        mutant=(module, text, replacement),
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
