# SPDX-License-Identifier: Apache-2.0
"""Upsample: numpy = HLS C++ = Verilog edge by edge, an output word every cycle from a ring of one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, edges_of, image
from rtl_harness import random_frames
from tailrace.blocks.upsample import Upsample

if TYPE_CHECKING:
    from pathlib import Path


def upsample(height: int, width: int, channels: int, factor: tuple[int, int], **stream: int) -> Upsample:
    return Upsample(**image(height, width, channels, **stream), factor=factor)


CASES = {
    "square": upsample(3, 4, 4, (2, 2), lanes=2),
    "odd": upsample(2, 3, 3, (3, 2), bits=7),
    "one bit": upsample(2, 1, 1, (2, 1), bits=1),
    "rows": upsample(2, 5, 3, (2, 1), lanes=3),
    "signal": upsample(1, 5, 2, (1, 3)),
    "single pixel": upsample(1, 1, 2, (5, 3)),
    "nothing": upsample(2, 3, 1, (1, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    edges = edges_of(block.ring(), frames=6)
    assert edges is not None
    np.testing.assert_array_equal(run.input_cycles[0], edges.taken)
    np.testing.assert_array_equal(run.output_cycles[0], edges.left)
    # a word a cycle, once the first row is in where it comes as slowly as it goes
    assert (np.diff(run.output_cycles[0]) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_the_schedule_is_the_function() -> None:
    for block in CASES.values():
        numbers = np.arange(block.stream.words * block.stream.lanes)[None]
        sources = block.evaluate(numbers)[0, :: block.stream.lanes] // block.stream.lanes
        np.testing.assert_array_equal(block.ring().sources, sources)
        assert block.ring().freed.sum() == block.stream.words


def test_the_ring_is_the_smallest_that_never_pauses() -> None:
    for block in CASES.values():
        for depth, exact in ((block.depth, True), (block.depth - 1, False)):
            edges = edges_of(block.ring(), frames=8, depth=depth)
            interval = edges.interval(block.outputs[0].words, 8) if edges else float("inf")
            assert exact == (interval == block.interval_cycles), (block, depth)


def test_numpy_repeats_the_same() -> None:
    block = upsample(2, 3, 2, (3, 2), bits=9)
    frames = np.arange(24).reshape(2, 12)
    repeated = frames.reshape(2, 2, 3, 2).repeat(3, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(block.evaluate(frames), repeated.reshape(2, -1))


def test_no_copies_are_refused() -> None:
    with pytest.raises(ValueError, match=r"factor=\(2, 0\) must be at least 1"):
        upsample(2, 2, 1, (2, 0))
