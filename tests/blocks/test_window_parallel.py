# SPDX-License-Identifier: Apache-2.0
"""Parallel window: numpy = HLS C++ = Verilog edge by edge, a pixel every cycle, frame after frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, image, parts_of
from rtl_harness import random_frames
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.targets.families import FAMILIES
from tailrace.tools.yosys import synthesize

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.core.resources import Resources


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


def synthesized(block: WindowParallel, family: str, folder: Path) -> Resources:
    result = synthesize(
        top="tr_window_parallel",
        sources=[data_folder("rtl") / "tr_window_parallel.v", *parts_of("window_parallel")],
        folder=folder,
        family=FAMILIES[family],
        parameters=block.parameters(),
    )
    return result.resources


COSTS = {
    "rows in block RAM": window(130, 130, 64, bits=2, kernel=(3, 3)),
    "rows in LUTs": window(28, 28, bits=8, kernel=(5, 5)),
    "wide and short rows": window(34, 34, 16, bits=4, kernel=(3, 3), stride=(2, 2)),
    "dilated": window(20, 20, 4, bits=4, kernel=(3, 3), dilation=(4, 4)),
    "signal": window(1, 128, 16, bits=4, kernel=(1, 5)),
}


@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5", "ice40"])
@pytest.mark.parametrize("case", COSTS)
def test_the_cost_is_that_of_yosys(case: str, family: str, tmp_path: Path) -> None:
    block = COSTS[case]
    actual, estimate = synthesized(block, family, tmp_path), block.cost(FAMILIES[family])
    assert estimate.bram18 == actual.bram18
    assert estimate.lut == pytest.approx(actual.lut, rel=0.3)
    assert estimate.ff == pytest.approx(actual.ff, rel=0.3)
    assert estimate.carry == pytest.approx(actual.carry, abs=1)


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
def test_a_signal_pays_for_no_rows(family: str, tmp_path: Path) -> None:
    block = window(1, 1000, 8, kernel=(1, 3))
    actual = synthesized(block, family, tmp_path)
    assert actual.bram18 == 0
    assert actual.lut < 40
    assert actual.ff == 3 * 8 * 3 + 10 + 2 + 1  # three pixels, the column, the pixels before a window, valid


def test_a_part_of_a_pixel_a_word_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        WindowParallel(**image(4, 4, 6, lanes=2), kernel=(2, 2))
    assert str(caught.value) == (
        "2 lanes are a part of a pixel of 6 channels\n"
        "  hint: put a width block of 6 lanes before it, or use window"
    )


def test_a_kernel_that_is_too_large_is_refused() -> None:
    with pytest.raises(
        MappingError, match="a kernel that covers 5 x 9 pixels does not fit an image of 4 x 9"
    ):
        window(4, 9, kernel=(3, 3), dilation=(2, 4))


def test_words_that_are_no_image_are_refused() -> None:
    fields = image(2, 3, 4, lanes=4) | {"height": 3}
    with pytest.raises(ValueError, match="6 words of 4 values are no image of 3 x 3 x 4"):
        WindowParallel(**fields, kernel=(1, 1))
