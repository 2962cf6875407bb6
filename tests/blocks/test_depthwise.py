# SPDX-License-Identifier: Apache-2.0
"""depthwise: numpy = HLS C++ = Verilog, its schedule, its memories, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from group_harness import check_rtl, sources
from hls_harness import HlsCase, run_hls
from rtl_harness import assert_frames_equal, build_rtl, random_frames
from tailrace.blocks.depthwise import Depthwise
from tailrace.core.errors import MappingError, ToolError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers


def depthwise(
    *,
    channels: int,
    taps: int,
    pe: int,
    x: str,
    weight_bits: int,
    bias: bool = False,
    style: str = "auto",
    dsp: bool = False,
    vectors: int = 1,
) -> Depthwise:
    """Return a block with random weights that use their whole type, and the narrowest accumulator."""
    generator = np.random.default_rng(channels * 1000 + taps * 10 + weight_bits)
    weight_type = IntType(weight_bits, signed=True)
    in_type = IntType(int(x.lstrip("uint")), signed=not x.startswith("u"))
    weights = generator.integers(weight_type.min, weight_type.max, (channels, taps), np.int64, endpoint=True)
    weights[0, 0] = weight_type.min
    weights[-1, -1] = weight_type.max
    biases = generator.integers(-9, 9, channels, np.int64, endpoint=True) if bias else np.zeros(channels, int)
    ends = np.stack([weights * in_type.min, weights * in_type.max])
    low = int((ends.min(axis=0).sum(axis=1) + biases).min())
    high = int((ends.max(axis=0).sum(axis=1) + biases).max())
    return Depthwise(
        weights=weights,
        bias=biases if bias else None,
        pe=pe,
        in_type=in_type,
        out_type=IntType.containing(min(low, int(biases.min())), max(high, int(biases.max()))),
        style=style,
        dsp=dsp,
        vectors=vectors,
    )


CASES = {
    "one channel of one bit": depthwise(channels=1, taps=1, pe=1, x="uint1", weight_bits=1, vectors=2),
    "tables, one group": depthwise(channels=2, taps=9, pe=2, x="uint2", weight_bits=3, bias=True, vectors=3),
    "rows, two groups": depthwise(channels=6, taps=2, pe=3, x="int5", weight_bits=4, bias=True, vectors=2),
    "three groups": depthwise(channels=3, taps=2, pe=1, x="uint3", weight_bits=5, bias=True, vectors=2),
    "recoded inputs": depthwise(channels=10, taps=9, pe=2, x="int2", weight_bits=8, bias=True, vectors=2),
    "long products": depthwise(channels=8, taps=3, pe=2, x="uint8", weight_bits=8, style="registers"),
    "multiplier blocks, block memory": depthwise(
        channels=12, taps=3, pe=3, x="int9", weight_bits=7, style="block", dsp=True, bias=True, vectors=2
    ),
    "one tap, three groups": depthwise(
        channels=3, taps=1, pe=1, x="int6", weight_bits=5, dsp=True, style="distributed", vectors=2
    ),
}


def by_definition(block: Depthwise, frames: Integers) -> Integers:
    """Return the sums in Python's integers, one multiplication after the other."""
    bias = [0] * block.channels if block.bias is None else block.bias.tolist()
    weights = block.weights.tolist()
    vectors = frames.reshape(len(frames), block.vectors, block.taps, block.channels).tolist()
    return np.array(
        [
            [
                bias[c] + sum(weights[c][t] * vector[t][c] for t in range(block.taps))
                for vector in frame
                for c in range(block.channels)
            ]
            for frame in vectors
        ],
        np.int64,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_multiplies_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    (frames,) = random_frames(block, 12, seed=seed)
    expected = by_definition(block, frames)
    assert np.array_equal(expected, block.evaluate(frames))
    check_rtl(block, frames, expected, folder=tmp_path, seed=seed)


def test_the_cpp_multiplies(tmp_path: Path, seed: int) -> None:
    narrow = replace(CASES["rows, two groups"], out_type=IntType(5, signed=True))  # modulo 32
    blocks = [*CASES.values(), narrow]
    cases = [HlsCase(block=block, frames=random_frames(block, 5, seed=seed)) for block in blocks]
    for case, (got,) in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(got, case.block.evaluate(*case.frames), strict=True)


def test_the_verilog_reads_memories_written_by_hand(tmp_path: Path) -> None:
    block = Depthwise(
        weights=np.array([[1, -2], [3, -8], [5, -6], [7, 0]], np.int64),
        bias=np.array([1, -1, 7, -8], np.int64),
        pe=2,
        in_type=IntType(2, signed=False),
        out_type=IntType(8, signed=True),
    )
    # Word t * 2 + g holds the weights of tap t and channels 2 g and 2 g + 1, the lower channel in the lower bits.
    weights, bias = block.memories()
    assert weights.hex_lines().split() == ["31", "75", "8e", "0a"]
    assert bias.hex_lines().split() == ["ff01", "f807"]
    model = build_rtl(block, folder=tmp_path, sources=sources("depthwise"))
    run = model.run(np.array([[1, 2, 3, 0, 1, 2, 3, 2]], np.int64))
    assert run.frames[0].tolist() == [[1 - 2 + 1, 6 - 16 - 1, 15 - 18 + 7, -8]]


def test_a_bias_outside_the_accumulator_counts_modulo(tmp_path: Path) -> None:
    # The inputs are 2 or 3 here, so the sums are 0 to 3: two bits hold them, but not the bias.
    block = Depthwise(
        weights=np.array([[1, 1, 1]], np.int64),
        bias=np.array([-6], np.int64),
        pe=1,
        in_type=IntType(2, signed=False),
        out_type=IntType(2, signed=False),
    )
    assert block.parameters()["BIAS"] == 2
    frames = np.array([[2, 2, 2], [3, 2, 2], [2, 3, 3]], np.int64)
    assert block.evaluate(frames).tolist() == [[0], [1], [2]]
    run = build_rtl(block, folder=tmp_path, sources=sources("depthwise")).run(frames)
    assert_frames_equal(block.evaluate(frames), run)


def test_a_sum_may_leave_its_type_on_the_way_but_not_at_the_end(tmp_path: Path) -> None:
    block = Depthwise(
        weights=np.array([[3, 3, -3]] * 3, np.int64),
        bias=np.array([1, 0, 1], np.int64),
        pe=1,
        in_type=IntType(3, signed=False),
        out_type=IntType(5, signed=True),
    )
    model = build_rtl(block, folder=tmp_path, sources=sources("depthwise"))
    run = model.run(np.array([[5, 4, 5, 3, 4, 2, 4, 3, 3]], np.int64))
    assert run.frames[0].tolist() == [[1 + 15 + 9 - 12, 12 + 12 - 9, 1 + 15 + 6 - 9]]
    with pytest.raises(ToolError, match="does not fit 5 bits"):
        model.run(np.array([[5, 4, 7, 3, 4, 7, 0, 0, 0]], np.int64))


def test_lanes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(MappingError, match="pe=4 does not divide the 6 channels") as error:
        replace(CASES["rows, two groups"], pe=4)
    assert error.value.hint == "use one of 1, 2, 3, 6"


def test_what_makes_no_sense_is_refused() -> None:
    block = CASES["rows, two groups"]
    with pytest.raises(ValueError, match=r"weights must be \(channels, taps\), got the shape \(6,\)"):
        replace(block, weights=np.zeros(6, np.int64))
    with pytest.raises(ValueError, match=r"bias must have the shape \(6,\), got \(5,\)"):
        replace(block, bias=np.zeros(5, np.int64))
    with pytest.raises(MappingError, match="style='lut' is no place for weights") as error:
        replace(block, style="lut")
    assert error.value.hint == "use one of auto, registers, distributed, block"
    with pytest.raises(MappingError, match="the accumulator needs 63 bits, 62 are possible"):
        replace(block, out_type=IntType(63, signed=True))
