# SPDX-License-Identifier: Apache-2.0
"""Pool: numpy = HLS C++ = Verilog for maxima and sums, its schedule, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from group_harness import check_rtl, sources
from hls_harness import HlsCase, run_hls
from rtl_harness import assert_frames_equal, build_rtl, random_frames
from tailrace.blocks.pool import Pool
from tailrace.core.errors import MappingError, ToolError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers


def int_type(name: str) -> IntType:
    return IntType(int(name.lstrip("uint")), signed=not name.startswith("u"))


def pool(
    operation: Literal["maximum", "sum"],
    *,
    channels: int,
    pe: int,
    taps: int,
    x: str,
    out: str = "",
    vectors: int = 1,
) -> Pool:
    """Return a block whose result has the type of the input, or the smallest one that holds all sums."""
    in_type = int_type(x)
    out_type = in_type
    if operation == "sum":
        out_type = IntType.containing(taps * in_type.min, taps * in_type.max)
    return Pool(
        operation=operation,
        channels=channels,
        pe=pe,
        taps=taps,
        in_type=in_type,
        out_type=int_type(out) if out else out_type,
        vectors=vectors,
    )


CASES = {
    "maximum of one bit": pool("maximum", channels=1, pe=1, taps=2, x="uint1", vectors=3),
    "maximum, one group": pool("maximum", channels=3, pe=3, taps=4, x="int1", out="int3", vectors=2),
    "maximum, two groups": pool("maximum", channels=4, pe=2, taps=4, x="int5", vectors=3),
    "maximum, three groups": pool("maximum", channels=6, pe=2, taps=9, x="uint3", vectors=2),
    "maximum of one tap": pool("maximum", channels=6, pe=1, taps=1, x="int3", vectors=2),
    "sum, one group": pool("sum", channels=2, pe=2, taps=49, x="uint4", vectors=2),
    "sum, two groups": pool("sum", channels=2, pe=1, taps=5, x="int3", vectors=2),
    "sum, three groups, two taps": pool("sum", channels=3, pe=1, taps=2, x="int8", vectors=2),
    "sum, many groups": pool("sum", channels=34, pe=2, taps=3, x="uint5"),
    "wide sum": pool("sum", channels=6, pe=2, taps=3, x="int40"),
}


def by_definition(block: Pool, frames: Integers) -> Integers:
    """Return the results as one would find them by hand."""
    reduce = max if block.operation == "maximum" else sum
    values = frames.reshape(len(frames), block.vectors, block.taps, block.channels).tolist()
    return np.array(
        [[reduce(channel) for vector in frame for channel in zip(*vector, strict=True)] for frame in values],
        np.int64,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_reduces_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    (frames,) = random_frames(block, 12, seed=seed)
    expected = by_definition(block, frames)
    assert np.array_equal(expected, block.evaluate(frames))
    check_rtl(block, frames, expected, folder=tmp_path, seed=seed)


def test_the_cpp_reduces(tmp_path: Path, seed: int) -> None:
    narrow = replace(CASES["sum, two groups"], out_type=IntType(3, signed=False))  # modulo 8
    blocks = [*CASES.values(), narrow]
    cases = [HlsCase(block=block, frames=random_frames(block, 5, seed=seed)) for block in blocks]
    for case, (got,) in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(got, case.block.evaluate(*case.frames), strict=True)


def test_a_sum_too_wide_for_its_type_counts_modulo() -> None:
    block = Pool(
        operation="sum",
        channels=1,
        pe=1,
        taps=3,
        in_type=IntType(3, signed=True),
        out_type=IntType(3, signed=True),
    )
    assert block.evaluate(np.array([[3, 3, 3], [-4, -4, -1]], np.int64)).tolist() == [[1], [-1]]


def test_a_sum_may_leave_its_type_on_the_way_but_not_at_the_end(tmp_path: Path) -> None:
    block = replace(CASES["sum, two groups"], vectors=1, out_type=IntType(3, signed=True))
    model = build_rtl(block, folder=tmp_path, sources=sources("pool"))
    run = model.run(np.array([[3, -4, 3, -4, 3, 2, -4, 3, -4, 3]] * 3, np.int64))  # two channels of five taps
    assert_frames_equal(np.array([[3 + 3 + 3 - 4 - 4, -4 - 4 + 2 + 3 + 3]] * 3), run)
    with pytest.raises(ToolError, match="the result 4 does not fit 3 bits"):
        model.run(np.array([[1, 1, 1, 1, 1, 1, 0, 1, 0, 0]], np.int64))


def test_a_maximum_that_does_not_fit_stops_the_simulation(tmp_path: Path) -> None:
    block = pool("maximum", channels=4, pe=2, taps=3, x="uint4", out="uint3")
    with pytest.raises(ToolError, match="the result 9 does not fit 3 bits"):
        build_rtl(block, folder=tmp_path, sources=sources("pool")).run(np.full((2, 12), 9))


def test_lanes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(MappingError, match="pe=4 does not divide the 6 channels") as error:
        replace(CASES["maximum, three groups"], pe=4)
    assert error.value.hint == "use one of 1, 2, 3, 6"


def test_what_makes_no_sense_is_refused() -> None:
    block = CASES["maximum, three groups"]
    with pytest.raises(ValueError, match="taps=0 must be at least 1"):
        replace(block, taps=0)
    with pytest.raises(ValueError, match="operation 'mean' is neither 'maximum' nor 'sum'"):
        replace(block, operation="mean")  # type: ignore[arg-type]
    with pytest.raises(MappingError, match="the accumulator needs 63 bits, 62 are possible"):
        replace(block, out_type=IntType(63, signed=True))
