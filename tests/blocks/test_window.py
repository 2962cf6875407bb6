# SPDX-License-Identifier: Apache-2.0
"""Window: numpy = HLS C++ = Verilog edge by edge, no pause between frames, and no smaller ring would do."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, edges_of, image, parts_of
from rtl_harness import assert_frames_equal, build_rtl, random_frames
from tailrace.blocks.window import Window
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.targets.families import FAMILIES
from tailrace.tools.yosys import synthesize

if TYPE_CHECKING:
    from pathlib import Path


def window(
    height: int,
    width: int,
    channels: int = 1,
    *,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    **stream: int,
) -> Window:
    fields = image(height, width, channels, **stream)
    return Window(**fields, kernel=kernel, stride=stride, dilation=dilation)


CASES = {
    "square": window(5, 6, 4, lanes=2, kernel=(3, 3)),
    "all lanes, one bit": window(4, 5, 3, lanes=3, bits=1, kernel=(2, 2)),
    "a ring of a power of two": window(5, 8, 2, kernel=(2, 3), bits=5),
    "pooling": window(4, 6, 2, kernel=(2, 2), stride=(2, 2), bits=9),
    "strided": window(7, 7, 3, kernel=(3, 3), stride=(2, 2)),
    "stride beyond the kernel": window(8, 9, 2, kernel=(2, 2), stride=(3, 4)),
    "dilated": window(7, 6, 2, lanes=2, kernel=(3, 2), dilation=(2, 3)),
    "stride and dilation with a common divisor": window(9, 9, kernel=(3, 2), stride=(2, 2), dilation=(2, 4)),
    "stride and dilation, taps apart": window(8, 11, 2, kernel=(2, 2), stride=(3, 3), dilation=(1, 2)),
    "signal": window(1, 12, 6, lanes=2, kernel=(1, 4)),
    "column": window(9, 1, 2, kernel=(3, 1), stride=(2, 1)),
    "tall": window(6, 5, 2, kernel=(3, 1)),
    "as large as the image": window(3, 4, 2, kernel=(3, 4)),
    "single pixel": window(1, 1, 3, lanes=3, bits=7, kernel=(1, 1)),
    "every other pixel": window(5, 6, 4, lanes=2, kernel=(1, 1), stride=(2, 2)),
    "signal in pieces": window(1, 11, 2, kernel=(1, 3), stride=(1, 4), bits=2),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    if not block.in_order:
        edges = edges_of(block.ring(), frames=6)
        assert edges is not None
        np.testing.assert_array_equal(run.input_cycles[0], edges.taken)
        np.testing.assert_array_equal(run.output_cycles[0], edges.left)


def random_windows(count: int, seed: int) -> list[Window]:
    random = Random(seed)
    found: list[Window] = []
    while len(found) < count:
        kernel = (random.randint(1, 4), random.randint(1, 4))
        stride = (random.randint(1, 5), random.randint(1, 5))
        dilation = (random.randint(1, 3), random.randint(1, 3))
        height, width, channels = random.randint(1, 8), random.randint(1, 9), random.randint(1, 3)
        if (kernel[0] - 1) * dilation[0] < height and (kernel[1] - 1) * dilation[1] < width:
            found.append(
                window(height, width, channels, bits=20, kernel=kernel, stride=stride, dilation=dilation)
            )
    return found


def test_the_ring_is_the_smallest_that_never_pauses(seed: int) -> None:
    for block in [*CASES.values(), *random_windows(60, seed)]:
        if block.in_order:
            continue
        for depth, exact in ((block.depth, True), (block.depth - 1, block.depth == 2)):
            edges = edges_of(block.ring(), frames=8, depth=depth)
            interval = edges.interval(block.outputs[0].words, 8) if edges else float("inf")
            assert exact == (interval == block.interval_cycles), (block, depth)


def test_the_schedule_is_the_function(seed: int) -> None:
    for block in random_windows(100, seed):
        schedule = block.ring()
        numbers = np.arange(block.stream.words)[None]
        expected = block.evaluate(numbers)[0]
        np.testing.assert_array_equal(np.flatnonzero(schedule.kept)[schedule.sources], expected)
        assert schedule.freed.sum() == schedule.kept.sum()
        if block.in_order:
            np.testing.assert_array_equal(schedule.sources, np.arange(schedule.kept.sum()))


class Smaller(Window):
    """A window whose ring is as small as can be: it holds a window and nothing else."""

    @property
    def depth(self) -> int:
        return (self.kernel[0] - 1) * self.width + self.kernel[1]


def test_a_smaller_ring_costs_cycles_and_nothing_else(tmp_path: Path, seed: int) -> None:
    block = Smaller(**image(5, 6, 4, lanes=4), kernel=(3, 3))
    model = build_rtl(block, folder=tmp_path, sources=parts_of("window"))
    frames = random_frames(block, 6, seed=seed)
    run = model.run(frames)
    assert_frames_equal(block.evaluate(*frames), run)
    edges = edges_of(block.ring(), frames=6)
    assert edges is not None
    np.testing.assert_array_equal(run.output_cycles[0], edges.left)
    assert run.interval_cycles > block.interval_cycles


def test_a_signal_needs_no_rows() -> None:
    assert window(1, 1000, 8, kernel=(1, 5)).depth == 5 * 8 + 1
    assert window(1, 1000, 8, lanes=8, kernel=(1, 5)).depth == 6
    assert window(1, 1000, 8, kernel=(1, 5), stride=(1, 5)).depth == 0
    assert window(1, 1000, 8, kernel=(1, 5), stride=(1, 6)).depth == 0
    assert window(1, 1000, 8, kernel=(1, 3), dilation=(1, 4)).depth == 15 * 8 + 1


def test_between_two_images_the_ring_holds_the_overlap_of_both() -> None:
    # two rows of each, but for what comes while the windows at the border go
    block = window(34, 34, 64, lanes=64, kernel=(3, 3))
    assert block.depth == 4 * 34 - 2


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


@pytest.mark.parametrize(("family", "cells"), [("xc7", {"RAMB36E1": 1}), ("ecp5", {"DP16KD": 2})])
def test_the_rows_are_in_block_ram(family: str, cells: dict[str, int], tmp_path: Path) -> None:
    block = window(34, 34, 64, lanes=64, bits=1, kernel=(3, 3))
    result = synthesize(
        top="tr_window",
        sources=[data_folder("rtl") / "tr_window.v", *parts_of("window")],
        folder=tmp_path,
        family=FAMILIES[family],
        parameters=block.parameters(),
    )
    assert {cell: count for cell, count in result.cells.items() if "RAM" in cell or "DP" in cell} == cells
    estimate = block.cost(FAMILIES[family])
    assert estimate.bram18 == result.resources.bram18
    assert estimate.lut == pytest.approx(result.resources.lut, rel=0.3)
    assert estimate.ff == pytest.approx(result.resources.ff, rel=0.3)


def test_a_kernel_that_is_too_large_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        window(4, 9, kernel=(3, 3), dilation=(2, 4))
    assert str(caught.value) == (
        "a kernel that covers 5 x 9 pixels does not fit an image of 4 x 9\n"
        "  hint: pad the image, or use a smaller kernel or dilation"
    )


def test_lanes_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(MappingError) as caught:
        window(2, 2, 6, lanes=4, kernel=(1, 1))
    assert str(caught.value) == "4 lanes do not divide the 6 channels\n  hint: use one of 1, 2, 3, 6"


def test_words_that_are_no_image_are_refused() -> None:
    fields = image(2, 3, 4, lanes=2) | {"height": 3}
    with pytest.raises(ValueError, match="12 words of 2 values are no image of 3 x 3 x 4"):
        Window(**fields, kernel=(1, 1))
