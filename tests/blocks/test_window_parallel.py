# SPDX-License-Identifier: Apache-2.0
"""Parallel window: numpy = HLS C++ = Verilog edge by edge, a pixel every cycle, frame after frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, image, parts_of
from rtl_harness import random_frames
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.data import data_folder
from tailrace.errors import MappingError
from tailrace.tools.yosys import Synthesis, synthesize

if TYPE_CHECKING:
    from pathlib import Path


def window(
    height: int,
    width: int,
    channels: int = 1,
    *,
    kernel: tuple[int, int],
    bits: int = 3,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> WindowParallel:
    fields = image(height, width, channels, lanes=channels, bits=bits)
    return WindowParallel(**fields, kernel=kernel, stride=stride, dilation=dilation)


CASES = {
    "square": window(5, 6, 2, kernel=(3, 3)),
    "one bit": window(4, 5, 3, bits=1, kernel=(2, 2)),
    "rows of a power of two": window(5, 8, 2, kernel=(2, 3), bits=5),
    "pooling": window(4, 6, 2, kernel=(2, 2), stride=(2, 2), bits=9),
    "strided": window(7, 7, 3, kernel=(3, 3), stride=(2, 2)),
    "stride beyond the kernel": window(8, 9, 2, kernel=(2, 2), stride=(3, 4)),
    "stride beyond the image": window(4, 5, kernel=(2, 2), stride=(6, 9)),
    "dilated": window(7, 6, 2, kernel=(3, 2), dilation=(2, 3)),
    "stride and dilation": window(9, 9, kernel=(3, 2), stride=(2, 3), dilation=(2, 4)),
    "signal": window(1, 12, 6, kernel=(1, 4)),
    "dilated signal": window(1, 13, 2, kernel=(1, 3), stride=(1, 2), dilation=(1, 3)),
    "column": window(9, 1, 2, kernel=(3, 1), stride=(2, 1)),
    "dilated column": window(9, 1, 2, kernel=(3, 1), dilation=(2, 1)),
    "two columns": window(5, 2, kernel=(3, 2)),
    "tall": window(6, 5, 2, kernel=(3, 1)),
    "wide": window(3, 7, 2, kernel=(1, 3)),
    "as large as the image": window(3, 4, 2, kernel=(3, 4)),
    "single pixel": window(1, 1, 3, bits=7, kernel=(1, 1)),
    "every other pixel": window(5, 6, 4, kernel=(1, 1), stride=(2, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    np.testing.assert_array_equal(run.input_cycles[0], np.arange(6 * block.stream.words))
    np.testing.assert_array_equal(run.output_cycles[0], np.flatnonzero(np.tile(block.ends(), 6)) + 1)


@pytest.mark.parametrize("kernel", [(1, 2), (2, 1), (2, 2), (3, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
def test_every_kernel_is_the_same_in_numpy_and_verilog(
    kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], tmp_path: Path, seed: int
) -> None:
    block = window(6, 5, 2, kernel=kernel, stride=stride, dilation=dilation)
    check_image_rtl(block, folder=tmp_path, seed=seed, stalls=(0.5,))


def test_a_window_is_that_of_window_in_one_word() -> None:
    for block in CASES.values():
        one_by_one = Window(
            **image(block.height, block.width, block.channels, bits=block.stream.type.bits),
            kernel=block.kernel,
            stride=block.stride,
            dilation=block.dilation,
        )
        numbers = np.arange(block.height * block.width * block.channels)[None]
        expected = one_by_one.evaluate(numbers)
        np.testing.assert_array_equal(block.evaluate(numbers), expected)
        (windows,) = block.outputs
        assert windows.words * windows.lanes == expected.size
        assert windows.lanes == block.kernel[0] * block.kernel[1] * block.channels


def test_a_window_ends_on_the_pixel_that_is_its_last() -> None:
    for block in CASES.values():
        pixels = np.arange(block.stream.words).repeat(block.channels)[None]
        windows = block.evaluate(pixels).reshape(block.outputs[0].words, -1)
        np.testing.assert_array_equal(np.flatnonzero(block.ends()), windows[:, -1])


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)
