# SPDX-License-Identifier: Apache-2.0
"""Round and shift: numpy = HLS C++ = Verilog for nine roundings, its schedule, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import check_hls, check_rtl, frames_of
from tailrace.blocks.base import Block
from tailrace.blocks.round_shift import MODES, RoundShift
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def block_of(
    *,
    channels: int = 4,
    pe: int = 2,
    bits: int = 8,
    signed: bool = True,
    bias: list[int] | None = None,
    shift: int = 3,
    mode: str = "half_even",
    out: IntType | None = None,
    low: int | None = None,
    high: int | None = None,
    vectors: int = 1,
) -> RoundShift:
    out = out or IntType(5, signed=True)
    return RoundShift(
        bias=np.array(bias or [0]),
        shift=shift,
        mode=mode,
        low=out.min if low is None else low,
        high=out.max if high is None else high,
        channels=channels,
        pe=pe,
        in_type=IntType(bits, signed=signed),
        out_type=out,
        vectors=vectors,
    )


UINT4 = IntType(4, signed=False)
INT9 = IntType(9, signed=True)
CASES = {
    **{mode: block_of(mode=mode, pe=4, out=INT9, low=-20, high=17) for mode in MODES},
    "one lane one bit": block_of(
        channels=1, pe=1, bits=1, signed=False, shift=0, out=IntType(1, signed=False)
    ),
    "saturates at the type": block_of(channels=6, pe=3, bits=11, bias=[-1, 2, -3, 4, 500, -600], vectors=2),
    "relu": block_of(bits=12, shift=5, out=UINT4, mode="half_up", bias=[7]),
    "no shift": block_of(shift=0, bias=[1, -2, 3, -4], out=UINT4, low=1, high=13),
    "shift beyond the number": block_of(bits=4, shift=9, mode="half_away", bias=[-1, 700, 3, 0]),
    "floor without clipping": block_of(bits=8, shift=3, mode="floor"),
    "nothing to do": block_of(bits=5, shift=0),
    "wide words": block_of(bits=50, shift=37, mode="half_down", bias=[-(1 << 40), 5, 1 << 44, 0], out=INT9),
    "positive range": block_of(bits=7, signed=False, shift=1, out=IntType(8, signed=False), low=3, high=40),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_rounds_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    check_rtl(block, frames_of(block, seed=seed, count=60), folder=tmp_path, seed=seed)


def test_the_hls_rounds(tmp_path: Path, seed: int) -> None:
    wider = block_of(bits=62, shift=66, mode="ceil", bias=[(1 << 62) - 1, -(1 << 62), 0, 1], out=INT9)
    check_hls([*CASES.values(), wider], folder=tmp_path, seed=seed)


def to_decimal(value: Fraction, rounding: str) -> int:
    return int(
        (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(1), rounding=rounding)
    )


REFERENCES: dict[str, Callable[[Fraction], int]] = {
    "half_even": round,
    "half_up": lambda value: floor(value + Fraction(1, 2)),
    "half_down": lambda value: ceil(value - Fraction(1, 2)),
    "floor": floor,
    "ceil": ceil,
    "to_zero": int,
    "away_from_zero": lambda value: to_decimal(value, ROUND_UP),
    "half_to_zero": lambda value: to_decimal(value, ROUND_HALF_DOWN),
    "half_away": lambda value: to_decimal(value, ROUND_HALF_UP),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shift", [0, 1, 4, 11])
def test_evaluate_rounds_as_python_does(mode: str, shift: int) -> None:
    block = block_of(
        channels=1, pe=1, bits=8, shift=shift, mode=mode, bias=[3], out=INT9, low=-100, high=90, vectors=256
    )
    numbers = np.arange(-128, 128)
    exact = [REFERENCES[mode](Fraction(int(n) + 3, 1 << shift)) for n in numbers]
    expected = [max(-100, min(90, number)) for number in exact]
    assert block.evaluate(numbers[None]).tolist() == [expected]


def test_evaluate_is_exact_beyond_64_bits() -> None:
    ends = [(1 << 62) - 1, -(1 << 62)]
    block = block_of(channels=2, pe=1, bits=63, shift=60, bias=ends, mode="half_even")
    assert block.evaluate(np.array([ends, ends[::-1]])).tolist() == [[8, -8], [0, 0]]


def test_lanes_that_do_not_divide_the_channels_are_refused_with_those_that_do() -> None:
    with pytest.raises(MappingError) as caught:
        block_of(channels=9, pe=2)
    assert str(caught.value) == "pe=2 does not divide the 9 channels\n  hint: use one of 1, 3, 9"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "nearest"}, "'nearest' is none of half_even, half_up"),
        ({"shift": -1}, "is negative"),
        ({"high": 16}, r"-16\.\.16 does not lie in int5"),
        ({"low": 5, "high": 4}, r"5\.\.4"),
        ({"bias": np.zeros(3, np.int64)}, r"bias has shape \(3,\), not \(4,\) or \(1,\)"),
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
