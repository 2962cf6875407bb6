# SPDX-License-Identifier: Apache-2.0
"""Replay: numpy = HLS C++ = Verilog, an output word every cycle from the first on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.replay import Replay
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def replay(*, words: int, times: int, lanes: int = 2, bits: int = 3, vectors: int = 1) -> Replay:
    vector = Stream(lanes=lanes, type=IntType(bits, signed=True), words=words)
    return Replay(vector=vector, times=times, vectors=vectors)


CASES = {
    "once": replay(words=3, times=1, vectors=2),
    "one word of one bit": replay(words=1, times=2, lanes=1, bits=1),
    "one word": replay(words=1, times=5, lanes=7, bits=9),
    "odd": replay(words=5, times=3, vectors=2),
    "twice": replay(words=4, times=2),
    "in block RAM": replay(words=130, times=4, bits=10),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    run = check_rtl(CASES[case], folder=tmp_path, seed=seed, count=12)
    assert (np.diff(run.output_cycles[0]) == 1).all()


def test_two_vectors_come_in_at_once_and_the_third_when_the_first_is_done(tmp_path: Path, seed: int) -> None:
    block = replay(words=4, times=3)
    came = check_rtl(block, folder=tmp_path, seed=seed, stalls=()).input_cycles[0]
    # two vectors without a pause; the first is read on edges 1 to 12, then there is room again
    assert came[: 3 * 4].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 16]


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_no_copies_are_refused() -> None:
    with pytest.raises(ValueError, match="words=4, times=0 and vectors=1 must be at least 1"):
        replay(words=4, times=0)
