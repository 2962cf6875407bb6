# SPDX-License-Identifier: Apache-2.0
"""Skid: numpy = HLS C++ = Verilog, a word every cycle, one cycle later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.skid import Skid
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def skid(*, lanes: int, bits: int, words: int, vectors: int = 1) -> Skid:
    return Skid(stream=Stream(lanes=lanes, type=IntType(bits, signed=True), words=words), vectors=vectors)


CASES = {
    "one bit": skid(lanes=1, bits=1, words=1),
    "odd": skid(lanes=3, bits=7, words=5, vectors=2),
    "wider than 32 bits": skid(lanes=5, bits=11, words=2),
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
