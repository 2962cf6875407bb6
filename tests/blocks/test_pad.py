# SPDX-License-Identifier: Apache-2.0
"""Pad: numpy = HLS C++ = Verilog, an output word every cycle, nothing sent before a frame is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, image
from rtl_harness import random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.pad import Pad
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def pad(
    height: int, width: int, channels: int, sides: tuple[int, int, int, int], value: int = 0, **stream: int
) -> Pad:
    """``sides`` are top, bottom, left, right."""
    top, bottom, left, right = sides
    fields = image(height, width, channels, **stream)
    return Pad(**fields, top=top, bottom=bottom, left=left, right=right, value=value)


def wide() -> Pad:
    stream = Stream(lanes=1, type=IntType(40, signed=True), words=2)
    return Pad(stream=stream, height=1, width=2, channels=1, top=0, bottom=1, left=0, right=0, value=-3)


CASES = {
    "all sides": pad(3, 4, 4, (1, 1, 1, 1), value=-2, lanes=2),
    "odd": pad(2, 3, 3, (2, 1, 0, 3), value=3, lanes=3, bits=5),
    "one bit": pad(1, 1, 1, (1, 0, 0, 1), value=1, bits=1),
    "signal to the left": pad(1, 5, 2, (0, 0, 4, 0), value=1),
    "below": wide(),
    "columns only": pad(3, 1, 1, (0, 0, 1, 2), value=-1),
    "nothing": pad(2, 2, 2, (0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    words, groups = block.interval_cycles, block.groups
    np.testing.assert_array_equal(run.output_cycles[0], np.arange(1, 6 * words + 1))
    # a word is taken on the edge before the one on which it leaves
    places = np.arange(words).reshape(block.out_height, block.out_width * groups)
    of_image = places[block.top : block.top + block.height, block.left * groups :][:, : block.width * groups]
    expected = (np.arange(6)[:, None] * words + of_image.ravel()).ravel()
    np.testing.assert_array_equal(run.input_cycles[0], expected)
    assert expected[0] == block.lead_words


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_numpy_pads_the_same() -> None:
    block = pad(2, 3, 2, (1, 2, 3, 0), value=2)
    frames = np.arange(24).reshape(2, 12) % 4
    by_numpy = np.pad(frames.reshape(2, 2, 3, 2), ((0, 0), (1, 2), (3, 0), (0, 0)), constant_values=2)
    np.testing.assert_array_equal(block.evaluate(frames), by_numpy.reshape(2, -1))


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        pad(2, 2, 1, (1, 1, 1, 1), value=4)
    assert str(caught.value) == "the padding 4 does not fit int3\n  hint: use a value from -4 to 3"


def test_a_value_of_32_unsigned_bits_is_an_integer_in_verilog() -> None:
    stream = Stream(lanes=1, type=IntType(32, signed=False), words=1)
    block = Pad(
        stream=stream,
        height=1,
        width=1,
        channels=1,
        top=0,
        bottom=0,
        left=1,
        right=0,
        value=(1 << 32) - 5,
    )
    assert block.parameters()["VALUE"] == -5


def test_negative_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="top=0, bottom=-1, left=0 and right=0 must not be negative"):
        pad(2, 2, 1, (0, -1, 0, 0))
