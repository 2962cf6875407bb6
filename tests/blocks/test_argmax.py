# SPDX-License-Identifier: Apache-2.0
"""argmax: numpy = HLS C++ = Verilog, its schedule, ties, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import assert_frames_equal, build_rtl
from tailrace.blocks.argmax import ArgMax
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers


def argmax(
    channels: int, pe: int, bits: int, *, signed: bool, smallest: bool = False, vectors: int = 1
) -> ArgMax:
    return ArgMax(
        channels=channels, pe=pe, in_type=IntType(bits, signed=signed), smallest=smallest, vectors=vectors
    )


CASES = {
    "one value of one bit": argmax(1, 1, 1, signed=False),
    "one lane": argmax(10, 1, 13, signed=True),
    "two lanes": argmax(10, 2, 3, signed=False, vectors=2),
    "two bits": argmax(2, 2, 1, signed=True, smallest=True),
    "three lanes": argmax(9, 3, 2, signed=True, vectors=3),
    "five lanes": argmax(10, 5, 4, signed=False, smallest=True),
    "all lanes": argmax(10, 10, 3, signed=True, smallest=True),
    "many lanes": argmax(17, 17, 4, signed=True),
    "wide": argmax(6, 2, 40, signed=True, smallest=True),
}


def frames_of(block: ArgMax, *, seed: int, count: int = 60) -> Integers:
    """Return random frames with many ties; the first ones are all equal, rising and falling."""
    generator = np.random.default_rng(seed)
    low, high = block.in_type.min, block.in_type.max
    frames = generator.integers(low, high, (count, block.vectors, block.channels), np.int64, endpoint=True)
    frames[::4] = generator.integers(max(low, high - 2), high, frames[::4].shape, np.int64, endpoint=True)
    frames[0], frames[1] = low, high
    frames[2] = np.minimum(high, low + np.arange(block.channels))
    frames[3] = np.maximum(low, high - np.arange(block.channels))
    return frames.reshape(count, -1)


def by_definition(block: ArgMax, frames: Integers) -> Integers:
    """Return the indices as one would find them by hand."""
    indices = []
    for values in frames.reshape(-1, block.channels).tolist():
        best = min(values) if block.smallest else max(values)
        indices.append(values.index(best))
    return np.array(indices, np.int64).reshape(len(frames), block.vectors)


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_finds_the_index_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    frames = frames_of(block, seed=seed)
    expected = by_definition(block, frames)
    assert np.array_equal(expected, block.evaluate(frames))
    model = build_rtl(block, folder=tmp_path)
    run = model.run(frames)
    assert_frames_equal(expected, run)
    assert block.latency_cycles == run.latency_cycles
    assert block.interval_cycles == run.interval_cycles
    assert_frames_equal(expected, model.run(frames, stall=0.4, seed=seed))


def test_the_hls_finds_the_index(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=(frames_of(block, seed=seed),)) for block in CASES.values()]
    for case, (got,) in zip(cases, run_hls(cases, tmp_path), strict=True):
        assert np.array_equal(by_definition(case.block, case.frames[0]), got), dict(case.block.parameters())


def test_the_first_of_equals_wins() -> None:
    block = argmax(4, 2, 4, signed=True)
    assert block.evaluate(np.array([[3, 5, 5, 1], [-1, -1, -1, -1]])).tolist() == [[1], [0]]


def test_lanes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(MappingError, match="pe=3 does not divide the 10 channels") as error:
        argmax(10, 3, 8, signed=True)
    assert error.value.hint == "use one of 1, 2, 5, 10"
