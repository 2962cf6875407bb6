# SPDX-License-Identifier: Apache-2.0
"""FIFO: numpy = HLS C++ = Verilog at every kind of depth, a word every cycle, one cycle later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.fifo import Fifo
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def fifo(*, depth: int, lanes: int = 1, bits: int = 5, words: int = 7, vectors: int = 1) -> Fifo:
    stream = Stream(lanes=lanes, type=IntType(bits, signed=False), words=words)
    return Fifo(stream=stream, depth=depth, vectors=vectors)


CASES = {
    "register": fifo(depth=1, bits=1, words=1),
    "pair": fifo(depth=2, lanes=3),
    "smallest memory": fifo(depth=3, lanes=3, bits=13),
    "odd": fifo(depth=6, vectors=3),
    "deepest asynchronous": fifo(depth=33, words=50),
    "shallowest synchronous": fifo(depth=34, words=50),
    "odd synchronous": fifo(depth=101, lanes=2, bits=20, words=150),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    run = check_rtl(CASES[case], folder=tmp_path, seed=seed, count=20)
    assert (np.diff(run.input_cycles[0]) == 1).all()
    assert (np.diff(run.output_cycles[0]) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_a_fifo_of_no_words_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        fifo(depth=0)
    assert str(caught.value) == ("a FIFO cannot hold 0 words\n  hint: give a depth of at least 1, or no FIFO")
