# SPDX-License-Identifier: Apache-2.0
"""Width: numpy = HLS C++ = Verilog at integer and odd ratios, no bubble on the side with more words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.width import Width
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def width(*, lanes: tuple[int, int], words_in: int, bits: int = 4, vectors: int = 1) -> Width:
    return Width(
        type=IntType(bits, signed=True),
        in_lanes=lanes[0],
        out_lanes=lanes[1],
        words_in=words_in,
        vectors=vectors,
    )


CASES = {
    "equal": width(lanes=(3, 3), words_in=2),
    "one bit": width(lanes=(1, 2), words_in=2, bits=1),
    "1 to 7": width(lanes=(1, 7), words_in=14, vectors=2),
    "7 to 1": width(lanes=(7, 1), words_in=3, bits=3),
    "6 to 2": width(lanes=(6, 2), words_in=1),
    "3 to 5": width(lanes=(3, 5), words_in=5, vectors=3),
    "5 to 3": width(lanes=(5, 3), words_in=3, bits=1),
    "4 to 6": width(lanes=(4, 6), words_in=6, bits=9),
    "16 to 6": width(lanes=(16, 6), words_in=3),
    "2 to 9": width(lanes=(2, 9), words_in=9, bits=5),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_rtl(block, folder=tmp_path, seed=seed, count=20)
    busier = run.input_cycles[0] if block.words_in >= block.words_out else run.output_cycles[0]
    assert (np.diff(busier) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_between_takes_the_lanes_of_a_stream() -> None:
    stream = Stream(lanes=4, type=IntType(3, signed=True), words=6)
    block = Width.between(stream, 3)
    assert block.inputs == (stream,)
    assert block.outputs == (Stream(lanes=3, type=IntType(3, signed=True), words=8),)


def test_lanes_that_do_not_divide_a_vector_are_refused() -> None:
    with pytest.raises(MappingError) as caught:
        Width.between(Stream(lanes=4, type=IntType(3, signed=True), words=3), 5)
    assert str(caught.value) == (
        "5 lanes do not divide the 12 values of a vector\n  hint: use one of 1, 2, 3, 4, 6, 12"
    )
