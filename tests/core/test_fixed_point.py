# SPDX-License-Identifier: Apache-2.0
"""Fixed-point arithmetic on whole arrays equals the definitions, number by number."""

from __future__ import annotations

from fractions import Fraction
from math import floor, frexp

import numpy as np
import pytest
from tailrace.core.fixed_point import (
    Multiplier,
    exp_of_negative,
    high_multiply,
    multiplier_of,
    reciprocal_of_one_plus,
    rounding_shift,
    saturating_shift,
    scaled,
    scaled_wide,
    wrapped,
)

LOW, HIGH = -(1 << 31), (1 << 31) - 1


def nearest(value: Fraction) -> int:
    """The nearest whole number, ties away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def numbers(rng: np.random.Generator, count: int) -> np.ndarray:
    corners = np.array([LOW, LOW + 1, -2, -1, 0, 1, 2, HIGH - 1, HIGH, 1 << 30, -(1 << 30)])
    wide = rng.integers(LOW, HIGH, count, endpoint=True)
    return np.concatenate([corners, wide, wide >> rng.integers(0, 31, count)])


def test_a_high_product_is_the_half_of_it_rounded_away_from_zero_and_saturated():
    rng = np.random.default_rng(1)
    a, b = numbers(rng, 300), rng.permutation(numbers(rng, 300))
    for x, y, got in zip(a.tolist(), b.tolist(), high_multiply(a, b).tolist(), strict=True):
        exact = Fraction(x * y, 1 << 31)
        wanted = nearest(exact) if exact >= 0 else -floor(-exact + Fraction(1, 2) - Fraction(1, 1 << 31))
        assert got == min(wanted, HIGH), (x, y)
    assert high_multiply(np.array([-(1 << 15)]), -(1 << 15), 16).tolist() == [(1 << 15) - 1]


def test_a_rounding_shift_rounds_ties_away_from_zero():
    x = np.array([-12, -10, -6, -2, -1, 0, 1, 2, 6, 10, 12])
    assert rounding_shift(x, 2).tolist() == [nearest(Fraction(v, 4)) for v in x.tolist()]
    assert rounding_shift(x, 0).tolist() == x.tolist()
    assert rounding_shift(x, np.arange(11)).tolist() == [
        nearest(Fraction(v, 1 << i)) for i, v in enumerate(x.tolist())
    ]


@pytest.mark.parametrize("factor", [0.0, 1e-12, 2.0**-32, 0.5, 0.75, 1.0, 1.5, 3e-4, 0.9999999999, 12345.678])
def test_a_multiplier_is_the_factor_with_31_bits(factor):
    mantissa, shift = multiplier_of(factor)
    if factor < 2.0**-32 or factor == 0:
        assert (mantissa, shift) == Multiplier(0, 0)
        return
    assert 1 << 30 <= mantissa < 1 << 31
    assert abs(Fraction(mantissa) * Fraction(2) ** (shift - 31) / Fraction(factor) - 1) <= Fraction(
        1, 1 << 30
    )
    assert shift in (frexp(factor)[1], frexp(factor)[1] + 1)


def test_a_scaled_accumulator_is_shifted_multiplied_and_shifted():
    rng = np.random.default_rng(2)
    x = rng.integers(-(1 << 20), 1 << 20, 200)
    for factor in (0.0003, 0.31, 0.999, 1.7, 100.0):
        mantissa, shift = multiplier_of(factor)
        got = scaled(x, mantissa, shift)
        assert np.abs(got - x * factor).max() <= 1
        assert (np.diff(scaled(np.arange(-999, 999), mantissa, shift)) >= 0).all()
    assert scaled(np.array([1 << 30]), 1 << 30, 2).tolist() == [
        0
    ]  # what a left shift takes out of 32 bits is gone


def test_a_wide_accumulator_is_rounded_once():
    x = np.array([-(1 << 40), -3, 0, 3, 1 << 40])
    mantissa, shift = multiplier_of(2.0**-20)
    assert scaled_wide(x, mantissa, shift).tolist() == [-(1 << 20), 0, 0, 0, 1 << 20]
    assert scaled_wide(np.array([1]), HIGH, 0).tolist() == [1]  # 0x7FFF of 2**15


def test_shifts_saturate_and_wrap():
    x = np.array([LOW, -5, 5, HIGH])
    assert saturating_shift(x, 3).tolist() == [LOW, -40, 40, HIGH]
    assert saturating_shift(np.array([20000]), 1, 16).tolist() == [32767]
    assert wrapped(np.array([1 << 31, -(1 << 31) - 1, 7])).tolist() == [LOW, HIGH, 7]


def test_the_exponential_and_the_reciprocal_are_near_the_real_ones():
    x = -np.arange(0, 1 << 31, 999_983)
    assert np.abs(exp_of_negative(x) / 2.0**31 - np.exp(x / 2.0**26)).max() < 2e-7
    y = np.arange(0, 1 << 31, 999_983)
    assert np.abs(reciprocal_of_one_plus(y) / 2.0**31 - 1 / (1 + y / 2.0**31)).max() < 4e-9
