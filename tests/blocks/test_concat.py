# SPDX-License-Identifier: Apache-2.0
"""Concat: numpy = HLS C++ = Verilog, pixel by pixel, a word every cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.concat import Concat
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def concat(*, lanes: int, bits: int, channels: tuple[int, int], pixels: int, signed: bool = False) -> Concat:
    lane = IntType(bits, signed=signed)
    a, b = (Stream(lanes=lanes, type=lane, words=pixels * count // lanes) for count in channels)
    return Concat(a=a, b=b, a_channels=channels[0], b_channels=channels[1])


CASES = {
    "one bit and one bit": concat(lanes=1, bits=1, channels=(1, 1), pixels=5),
    "three words and one": concat(lanes=1, bits=5, channels=(3, 1), pixels=4, signed=True),
    "one word and five": concat(lanes=3, bits=12, channels=(3, 15), pixels=3, signed=True),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    run = check_rtl(CASES[case], folder=tmp_path, seed=seed, count=20)
    assert (np.diff(run.output_cycles[0]) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, (got,) in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(got, case.block.evaluate(*case.frames), strict=True)


def test_pixels_are_joined_channel_by_channel() -> None:
    block = concat(lanes=1, bits=8, channels=(2, 1), pixels=2)
    joined = block.evaluate(np.array([[1, 2, 3, 4]], np.int64), np.array([[10, 20]], np.int64))
    assert joined.tolist() == [[1, 2, 10, 3, 4, 20]]


def test_lanes_across_both_sides_are_refused() -> None:
    with pytest.raises(MappingError, match="4 lanes do not divide the 6 channels") as error:
        concat(lanes=4, bits=2, channels=(8, 6), pixels=2)
    assert error.value.hint == "use one of 1, 2"


def test_streams_that_do_not_belong_together_are_refused() -> None:
    block = CASES["three words and one"]
    with pytest.raises(ValueError, match="a has 1 lanes of int5, b 1 of uint5"):
        replace(block, b=replace(block.b, type=IntType(5, signed=False)))
    with pytest.raises(ValueError, match="12 words of 3 channels and 5 of 1 are not the same number"):
        replace(block, b=replace(block.b, words=5))
    with pytest.raises(ValueError, match="13 words of 3 channels and 4 of 1 are not the same number"):
        replace(block, a=replace(block.a, words=13))
