# SPDX-License-Identifier: Apache-2.0
"""Slice: numpy = HLS C++ = Verilog edge by edge; a word that is dropped waits for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl
from rtl_harness import random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.slice import Slice
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES
from tailrace.tools.yosys import synthesize

if TYPE_CHECKING:
    from pathlib import Path


def sliced(
    channels: int, start: int, stop: int, *, pixels: int, lanes: int = 1, bits: int = 3, signed: bool = True
) -> Slice:
    stream = Stream(lanes=lanes, type=IntType(bits, signed=signed), words=pixels * channels // lanes)
    return Slice(stream=stream, channels=channels, start=start, stop=stop)


CASES = {
    "the middle": sliced(12, 4, 10, pixels=5, lanes=2),
    "one bit of three": sliced(3, 1, 2, pixels=4, bits=1, signed=False),
    "the first": sliced(7, 0, 5, pixels=3, bits=5),
    "the last": sliced(15, 6, 15, pixels=3, lanes=3, bits=12),
    "the last word": sliced(8, 4, 8, pixels=3, lanes=4),
    "all": sliced(6, 0, 6, pixels=2, lanes=2),
    "rows of an image": sliced(5 * 4 * 3, 1 * 4 * 3, 4 * 4 * 3, pixels=1, lanes=3),
    "columns of an image": sliced(4 * 3, 1 * 3, 2 * 3, pixels=5),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    np.testing.assert_array_equal(run.input_cycles[0], np.arange(6 * block.stream.words))
    kept = np.flatnonzero(np.tile(block.kept(), 6 * block.pixels))
    np.testing.assert_array_equal(run.output_cycles[0], kept + 1)


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("bits", [1, 4])
@pytest.mark.parametrize("part", [(0, 6), (0, 18), (6, 12), (12, 18)])
def test_every_part_is_the_same_in_numpy_and_verilog(
    lanes: int, bits: int, part: tuple[int, int], tmp_path: Path, seed: int
) -> None:
    block = sliced(18, *part, pixels=3, lanes=lanes, bits=bits, signed=False)
    check_image_rtl(block, folder=tmp_path, seed=seed, stalls=(0.5,))


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_a_slice_along_any_axis_is_one_of_channels() -> None:
    image = np.arange(2 * 5 * 4 * 3).reshape(2, 5, 4, 3)
    frames = image.reshape(2, -1)
    rows = sliced(5 * 4 * 3, 1 * 4 * 3, 3 * 4 * 3, pixels=1)
    columns = sliced(4 * 3, 2 * 3, 4 * 3, pixels=5)
    channels = sliced(3, 1, 2, pixels=20)
    np.testing.assert_array_equal(rows.evaluate(frames), image[:, 1:3].reshape(2, -1))
    np.testing.assert_array_equal(columns.evaluate(frames), image[:, :, 2:].reshape(2, -1))
    np.testing.assert_array_equal(channels.evaluate(frames), image[..., 1:2].reshape(2, -1))


def test_the_schedule_is_the_function() -> None:
    for block in CASES.values():
        numbers = np.arange(block.stream.words).repeat(block.stream.lanes)[None]
        kept = np.flatnonzero(np.tile(block.kept(), block.pixels))
        np.testing.assert_array_equal(kept, block.evaluate(numbers)[0, :: block.stream.lanes])


@pytest.mark.parametrize("family", ["xc7", "ecp5", "ice40"])
def test_the_cost_is_that_of_yosys(family: str, tmp_path: Path) -> None:
    block = sliced(28 * 28, 2 * 28, 26 * 28, pixels=1, bits=8)
    result = synthesize(
        top="tr_slice",
        sources=[data_folder("rtl") / "tr_slice.v"],
        folder=tmp_path,
        family=FAMILIES[family],
        parameters=block.parameters(),
    )
    estimate = block.cost(FAMILIES[family])
    assert estimate.lut == pytest.approx(result.resources.lut, rel=0.3)
    assert estimate.ff == pytest.approx(result.resources.ff, rel=0.3)


def test_lanes_across_the_ends_of_the_range_are_refused() -> None:
    for fields, what in (
        ((12, 4, 6), "stop=6"),
        ((12, 2, 8), "start=2"),
        ((14, 4, 8), "the 14 channels"),
    ):
        with pytest.raises(MappingError) as caught:
            sliced(*fields, pixels=2, lanes=4)
        assert str(caught.value) == f"4 lanes do not divide {what}\n  hint: use one of 1, 2"


@pytest.mark.parametrize(("start", "stop"), [(2, 2), (3, 2), (-1, 2), (0, 7)])
def test_a_range_that_is_none_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match=f"start={start} and stop={stop} are no range of the 6 channels"):
        sliced(6, start, stop, pixels=1)


def test_words_that_are_no_whole_pixels_are_refused() -> None:
    block = CASES["the first"]
    with pytest.raises(ValueError, match="20 words are no whole pixels of 7 channels"):
        replace(block, stream=replace(block.stream, words=20))
