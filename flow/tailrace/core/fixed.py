# SPDX-License-Identifier: Apache-2.0
"""Fixed-point formats with their rounding and overflow, as vectorized functions of integers.

The modes and their names are those of ``ap_fixed`` (AMD UG1399, "Arbitrary Precision Fixed-Point Data Types").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tailrace.core.types import IntType

Integers = NDArray[np.int64]
Array = NDArray[Any]

Rounding = Literal["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
"""Down; to zero; to the nearest, and a tie up, to zero, away from zero, down, to the even one."""

Overflow = Literal["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"]
"""The low bits; the nearest end; zero; the nearest end of a range as wide below zero as above."""

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)

SHIFT_INVARIANT: tuple[Rounding, ...] = ("TRN", "RND", "RND_MIN_INF", "RND_CONV")
"""Roundings of ``x + n`` that are those of ``x``, plus ``n``, for every even whole ``n``."""

LARGEST = 62
"""Bits of the integers that are computed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFormat:
    """``bits`` in all, ``fraction_bits`` of them behind the binary point (may be negative, or more than ``bits``)."""

    bits: int
    fraction_bits: int
    signed: bool
    rounding: Rounding = "TRN"
    overflow: Overflow = "WRAP"

    def __post_init__(self) -> None:
        IntType(self.bits, signed=self.signed)

    @property
    def low(self) -> int:
        """The smallest integer that is kept as it is."""
        symmetric = self.signed and self.overflow == "SAT_SYM" and self.bits > 1
        return IntType(self.bits, signed=self.signed).min + symmetric

    @property
    def high(self) -> int:
        """The largest integer that is kept as it is."""
        return IntType(self.bits, signed=self.signed).max

    @property
    def integer_bits(self) -> int:
        """The bits in front of the binary point, the sign included."""
        return self.bits - self.fraction_bits

    def __str__(self) -> str:
        modes = (
            "" if (self.rounding, self.overflow) == ("TRN", "WRAP") else f",{self.rounding},{self.overflow}"
        )
        return f"{'' if self.signed else 'u'}fixed<{self.bits},{self.integer_bits}{modes}>"

    def rounded(self, values: Integers, fraction_bits: int) -> Integers:
        """Return integers of ``fraction_bits`` on the grid of the format, before any overflow."""
        return shifted(values, fraction_bits - self.fraction_bits, self.rounding)

    def bounded(self, values: Integers) -> Integers:
        """Return integers on the grid of the format as it keeps them."""
        match self.overflow:
            case "WRAP":
                return np.asarray(((values - self.low) & ((1 << self.bits) - 1)) + self.low)
            case "SAT_ZERO":
                inside = (values >= self.low) & (values <= self.high)
                return np.where(inside, values, 0)
        return np.clip(values, self.low, self.high)

    def quantize(self, values: Integers, fraction_bits: int) -> Integers:
        """Return what the format keeps of integers of ``fraction_bits``: rounding, then overflow.

        Raises ValueError where a number on the way needs more than 62 bits.
        """
        if len(values) and fraction_bits < self.fraction_bits:
            most = max(abs(int(values.min())), abs(int(values.max())))
            if most.bit_length() + self.fraction_bits - fraction_bits > LARGEST:
                raise ValueError(f"{most} on the grid of {self} needs more than {LARGEST} bits")
        return self.bounded(self.rounded(values, fraction_bits))

    def from_floats(self, values: Array) -> Integers:
        """Return what the format keeps of finite floats."""
        scaled = np.ldexp(np.asarray(values, np.float64), self.fraction_bits)
        base = np.floor(scaled)
        rest = scaled - base
        base = np.fmod(base, 2.0**LARGEST) if self.overflow == "WRAP" else np.clip(base, -(2.0**61), 2.0**61)
        whole = base.astype(np.int64)
        return self.bounded(whole + _increment(whole, rest, self.rounding))


def shifted(values: Integers, shift: int, rounding: Rounding) -> Integers:
    """Return ``values / 2**shift`` rounded; a negative ``shift`` is a product and exact."""
    if shift <= 0:
        return values << -shift
    if shift > LARGEST:
        raise ValueError(f"a shift by {shift} is more than {LARGEST}")
    whole = values >> shift
    dropped = values - (whole << shift)
    half = np.int64(1) << (shift - 1)
    rest = np.where(dropped == 0, 0.0, np.where(dropped < half, 0.25, np.where(dropped == half, 0.5, 0.75)))
    return whole + _increment(whole, rest, rounding)


def _increment(whole: Integers, rest: Array, rounding: Rounding) -> Integers:
    """Return 1 where ``whole + rest`` (rest in [0, 1)) is rounded up, else 0."""
    negative, tie = whole < 0, rest == 0.5
    match rounding:
        case "TRN":
            up = np.zeros(whole.shape, bool)
        case "TRN_ZERO":
            up = negative & (rest > 0)
        case "RND":
            up = rest >= 0.5
        case "RND_MIN_INF":
            up = rest > 0.5
        case "RND_ZERO":
            up = (rest > 0.5) | (tie & negative)
        case "RND_INF":
            up = (rest > 0.5) | (tie & ~negative)
        case "RND_CONV":
            up = (rest > 0.5) | (tie & (whole & 1 == 1))
    return up.astype(np.int64)
