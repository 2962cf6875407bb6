# SPDX-License-Identifier: Apache-2.0
"""Multiply and shift: numpy = HLS C++ = Verilog, its schedule, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import check_hls, check_rtl, frames_of
from tailrace.blocks.base import Block
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path


def block_of(
    *,
    channels: int = 4,
    pe: int = 2,
    bits: int = 8,
    signed: bool = True,
    factors: list[int] | None = None,
    bias: list[int] | None = None,
    shift: int = 6,
    out: IntType | None = None,
    low: int | None = None,
    high: int | None = None,
    dsp: bool = True,
    vectors: int = 1,
) -> MultiplyShift:
    out = out or IntType(8, signed=True)
    return MultiplyShift(
        factors=np.array(factors or [37]),
        bias=np.array(bias or [0]),
        shift=shift,
        low=out.min if low is None else low,
        high=out.max if high is None else high,
        channels=channels,
        pe=pe,
        in_type=IntType(bits, signed=signed),
        out_type=out,
        dsp=dsp,
        vectors=vectors,
    )


UINT6 = IntType(6, signed=False)
WIDE = {
    "channels": 6,
    "pe": 2,
    "bits": 40,
    "factors": [-(1 << 23), (1 << 23) - 1, 1, -1, 0, 5_000_001],
    "bias": [1 << 61, -(1 << 62), 0, 99, -7, 1 << 40],
    "out": IntType(16, signed=True),
    "vectors": 2,
}
CASES = {
    "one lane one bit": block_of(channels=1, pe=1, bits=1, signed=False, factors=[-1], shift=0),
    "one bit of adders": block_of(channels=1, pe=1, bits=1, factors=[-1], shift=0, dsp=False),
    "constants": block_of(channels=3, pe=3, bits=11, factors=[100, -100, 3], bias=[-32, 0, 32], vectors=2),
    "constants of adders": block_of(channels=3, pe=3, bits=11, factors=[100, -100, 3], dsp=False, bias=[5]),
    "one factor for all": block_of(channels=6, pe=2, bits=12, bias=[32], shift=9, vectors=2),
    "memory": block_of(channels=6, pe=2, factors=[1, -2, 77, -128, 127, 0], bias=[9, 8, 7, -6, -5, -4]),
    "unsigned to narrow": block_of(
        channels=3, pe=1, bits=9, signed=False, factors=[3, 9, -4], out=UINT6, low=2, high=61
    ),
    "wide multipliers": block_of(**WIDE, shift=48),
    "wide adders": block_of(**WIDE, shift=47, dsp=False),
    "wide clip": block_of(
        channels=2,
        bits=20,
        factors=[1 << 25, -(1 << 24)],
        bias=[1 << 40, 5],
        shift=0,
        out=IntType(46, signed=True),
        low=-(1 << 42) - 7,
        high=(1 << 43) + 12345,
    ),
    "clip from below at 0": block_of(
        channels=2,
        bits=20,
        factors=[1 << 25, 3],
        bias=[-9, 1 << 40],
        shift=0,
        dsp=False,
        out=IntType(46, signed=False),
        low=0,
        high=(1 << 46) - 1,
    ),
    "shift beyond the number": block_of(bits=4, shift=30, bias=[-1, 700, 3, 0]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_multiplies_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    check_rtl(block, frames_of(block, seed=seed, count=60), folder=tmp_path, seed=seed)


def test_the_hls_multiplies(tmp_path: Path, seed: int) -> None:
    check_hls([*CASES.values()], folder=tmp_path, seed=seed)


@pytest.mark.parametrize("case", CASES)
def test_evaluate_is_exact(case: str, seed: int) -> None:
    block = CASES[case]
    frames = frames_of(block, seed=seed)
    factors = np.broadcast_to(block.factors, block.channels).tolist() * block.vectors
    bias = np.broadcast_to(block.bias, block.channels).tolist() * block.vectors
    expected = [
        [
            max(block.low, min(block.high, (x * factor + offset) >> block.shift))
            for x, factor, offset in zip(frame, factors, bias, strict=True)
        ]
        for frame in frames.tolist()
    ]
    assert expected == block.evaluate(frames).tolist()


def test_lanes_that_do_not_divide_the_channels_are_refused_with_those_that_do() -> None:
    with pytest.raises(MappingError) as caught:
        block_of(channels=9, pe=2)
    assert str(caught.value) == "pe=2 does not divide the 9 channels\n  hint: use one of 1, 3, 9"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shift": -1}, "is negative"),
        ({"high": 1000}, r"-128\.\.1000 does not lie in int8"),
        ({"out_type": IntType(64, signed=True), "high": 1 << 62}, "63-bit"),
        ({"factors": np.zeros(3, np.int64)}, r"factors has shape \(3,\), not \(4,\) or \(1,\)"),
        ({"bias": np.zeros((4, 1), np.int64)}, r"bias has shape \(4, 1\)"),
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(block_of(), **change)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5", "ice40"])
def test_it_is_a_block_that_costs_something_everywhere(case: str, family: str) -> None:
    block = CASES[case]
    assert isinstance(block, Block)
    cost = block.cost(FAMILIES[family])
    assert cost.lut > 0
    assert cost.ff > 0
