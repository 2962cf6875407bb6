# SPDX-License-Identifier: Apache-2.0
"""Fixed-point arithmetic on 32 and on 16 bits as integer-only inference defines it, on whole arrays.

Source: B. Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference
(CVPR 2018), section 2.2 and appendix B, in the form that TensorFlow Lite's reference kernels give it. Arrays are int64
throughout and hold what the kernels have in 32 bits.
"""

from __future__ import annotations

from math import floor, frexp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

INT32_MAX = (1 << 31) - 1
INT32_MIN = -(1 << 31)


class Multiplier(NamedTuple):
    """A positive real factor ``mantissa * 2**(shift - 31)``; the mantissa has 31 bits, or is 0."""

    mantissa: int
    shift: int


def multiplier_of(factor: float) -> Multiplier:
    """Return a real factor (0 or more, float64) as a fixed-point one; below about 2**-32 it is 0."""
    if factor == 0:
        return Multiplier(0, 0)
    fraction, shift = frexp(factor)
    mantissa = floor(fraction * (1 << 31) + 0.5)
    if mantissa == 1 << 31:
        mantissa, shift = mantissa // 2, shift + 1
    return Multiplier(0, 0) if shift < -31 else Multiplier(mantissa, shift)


def high_multiply(a: Integers, b: Integers | int, bits: int = 32) -> Integers:
    """Return the rounded high half of ``2 * a * b``, ties away from zero, saturated (of ``bits`` bits each)."""
    product = np.asarray(a * b, np.int64)
    half = np.int64(1) << (bits - 2)
    magnitude = np.where(product >= 0, product + half, -product - 1 + half) >> (bits - 1)
    result = np.where(product >= 0, magnitude, -magnitude)
    return np.minimum(result, (1 << (bits - 1)) - 1)


def rounding_shift(x: Integers, bits: Integers | int) -> Integers:
    """Return ``x / 2**bits`` rounded to the nearest, ties away from zero."""
    mask = (np.int64(1) << np.asarray(bits, np.int64)) - 1
    threshold = (mask >> 1) + (x < 0)
    return np.asarray((x >> bits) + ((x & mask) > threshold), np.int64)


def saturating_shift(x: Integers, bits: int, width: int = 32) -> Integers:
    """Return ``x * 2**bits`` within ``width`` bits."""
    top = (1 << (width - 1)) - 1
    return np.asarray(np.clip(x << bits, -top - 1, top), np.int64)


def scaled(x: Integers, mantissa: Integers | int, shift: Integers | int) -> Integers:
    """Return a 32-bit accumulator times a multiplier: shifted left, multiplied, shifted right, each with its rounding.

    Multiplier and shift broadcast against ``x``. A left shift that leaves the 32 bits wraps.
    """
    left, right = np.maximum(shift, 0), np.maximum(-np.asarray(shift), 0)
    return rounding_shift(high_multiply(wrapped(x << left), mantissa), right)


def scaled_wide(x: Integers, mantissa: Integers | int, shift: Integers | int) -> Integers:
    """Return a 64-bit accumulator (below 2**47) times a multiplier of 15 bits, rounded once, ties upwards."""
    wide = np.asarray(mantissa, np.int64)
    reduced = np.where(wide < 0x7FFF0000, (wide + (1 << 15)) >> 16, 0x7FFF)
    total = 15 - np.asarray(shift, np.int64)
    return wrapped((x * reduced + (np.int64(1) << (total - 1))) >> total)


def wrapped(x: Integers) -> Integers:
    """Return what 32 bits keep of ``x``."""
    return np.asarray(((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31), np.int64)


def half_sum(a: Integers, b: int) -> Integers:
    """Return ``(a + b) / 2``, ties away from zero."""
    total = a + b
    return np.where(total >= 0, (total + 1) >> 1, -((1 - total) >> 1))


def exp_of_negative(x: Integers) -> Integers:
    """Return exp(x / 2**26) as 31 bits behind the point (1 is 2**31 - 1), for ``x`` of 0 or less above -2**31.

    Between -1/4 and 0 it is a polynomial of fourth degree about -1/8; a factor for each bit above takes it further.
    """
    quarter = 1 << 24
    inside = (x & (quarter - 1)) - quarter
    result = _exp_of_last_quarter(saturating_shift(inside, 5))
    above = inside - x
    for exponent, factor in enumerate(EXP_OF_POWERS, start=-2):
        bit = (above >> (26 + exponent)) & 1
        result = np.where(bit == 1, high_multiply(result, factor), result)
    return np.where(x == 0, INT32_MAX, result)


EXP_OF_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-2**e) for e = -2 to 4, 31 bits behind the point."""

EXP_OF_AN_EIGHTH = 1895147668
"""exp(-1/8), 31 bits behind the point."""

THIRD = 715827883
"""1/3, 31 bits behind the point."""


def _exp_of_last_quarter(x: Integers) -> Integers:
    """Return exp for -1/4 <= x < 0, both with 31 bits behind the point."""
    x = x + (1 << 28)
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    tail = rounding_shift(high_multiply(rounding_shift(x4, 2) + x3, THIRD) + x2, 1)
    return EXP_OF_AN_EIGHTH + high_multiply(x + tail, EXP_OF_AN_EIGHTH)


def reciprocal_of_one_plus(x: Integers) -> Integers:
    """Return 1 / (1 + x) for 0 <= x < 1, both with 31 bits behind the point: three steps of Newton and Raphson."""
    half = half_sum(x, INT32_MAX)
    y = 1515870810 + high_multiply(half, -1010580540)  # 48/17 - 32/17 d, 29 bits behind the point
    for _ in range(3):
        rest = (1 << 29) - high_multiply(half, y)
        y = y + saturating_shift(high_multiply(y, rest), 2)
    return saturating_shift(y, 1)
