# SPDX-License-Identifier: Apache-2.0
"""Normalization in integers: what it gives is the exact value, rounded; its bounds hold and are reached."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import isqrt
from random import Random

import numpy as np
import pytest
from tailrace.core.normalization import EPSILON_TOLERANCE, Kind, Normalization, epsilon_of

KINDS: tuple[Kind, ...] = ("layer", "rms")


def exactly(function: Normalization, values: list[int]) -> list[int]:
    """Return the results from fractions and a root of 200 bits more, ties away from zero, by no formula of the tool."""
    n, extra = function.size, 200
    mean = Fraction(sum(values), n) if function.kind == "layer" else Fraction(0)
    square = sum((v - mean) ** 2 for v in values) / n
    epsilon = Fraction(function.epsilon) * Fraction(2) ** function.exponent
    square += epsilon / n**2 if function.kind == "layer" else epsilon / n
    found = []
    for value in values:
        size = isqrt(int((value - mean) ** 2 / square * 4 ** (function.fraction_bits + extra)))
        rounded = (size + (1 << (extra - 1))) >> extra
        found.append(rounded if value >= mean else -rounded)
    return found


def by_digits(function: Normalization, values: list[int], digits: int) -> list[int]:
    """Return the results as the hardware finds them: a digit at a time, with shifts and additions only."""
    (signed, tops, below), found = function.terms(np.array(values, object)), []
    root = (int(below[0]) << function.finer) + function.epsilon_term
    for value, top in zip(signed, tops, strict=True):
        y, y_root, rest = 0, 0, int(top) << function.up
        for digit in reversed(range(digits)):
            trial = (y_root << (digit + 1)) + (root << 2 * digit)
            if trial <= rest:
                rest, y_root, y = rest - trial, y_root + (root << digit), y + (1 << digit)
        found.append((y + 1 >> 1) * (1 if value >= 0 else -1))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_all_vectors_of_small_cases_are_the_exact_values_rounded(kind: Kind) -> None:
    for size, fraction_bits, epsilon, exponent in ((2, 3, 1, 0), (3, 0, 5, -2), (4, 4, 3, 2), (3, 7, 1, -9)):
        function = Normalization(
            kind=kind, size=size, fraction_bits=fraction_bits, epsilon=epsilon, exponent=exponent
        )
        vectors = np.array(list(product(range(-3, 4), repeat=size)), np.int64)
        results = function(vectors)
        assert results.tolist() == [exactly(function, vector) for vector in vectors.tolist()]


def test_random_vectors_are_the_exact_values_rounded(seed: int) -> None:
    random = Random(seed)
    for _ in range(400):
        size, bits = random.choice([2, 3, 7, 12, 64, 192]), random.choice([1, 4, 8, 20, 30])
        function = Normalization(
            kind=random.choice(KINDS),
            size=size,
            fraction_bits=random.choice([0, 4, 8, 12, 16, 20]),
            epsilon=random.choice([1, 3, 12345]),
            exponent=random.choice([-20, -3, 0, 4]),
        )
        low, high = -(1 << bits), (1 << bits) - 1
        values = [random.randint(low, high) for _ in range(size)]
        if random.random() < 0.2:  # a vector that is constant but for one
            values = [values[0]] * (size - 1) + [values[-1]]
        got = function(np.array(values, np.int64)).tolist()
        assert got == exactly(function, values)
        digits = function.reach(2 * size * (1 << bits)).bit_length()
        assert got == by_digits(function, values, digits)
        least, most = function.ends(np.full(size, low), np.full(size, high))
        assert all(a <= v <= b for a, v, b in zip(least, got, most, strict=True))


def test_ties_go_away_from_zero() -> None:
    # (2 * 3)^2 = 36 and W = 36 + 28: 6 / 8 is three quarters, and one bit behind the point is kept
    function = Normalization(kind="layer", size=2, fraction_bits=1, epsilon=28, exponent=0)
    assert function(np.array([3, -3])).tolist() == [2, -2]
    assert exactly(function, [3, -3]) == [2, -2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "step", [Fraction(1, 8), Fraction(12345, 1 << 20), Fraction(1), Fraction(1, 1 << 20)]
)
@pytest.mark.parametrize("size", [2, 8, 192])
def test_a_rounded_epsilon_moves_no_result_by_more_than_the_tolerance(
    kind: Kind, step: Fraction, size: int, seed: int
) -> None:
    random = Random(seed)
    squares = size * size if kind == "layer" else size
    exact = squares * Fraction(float(np.float32(1e-5))) / step**2
    epsilon, exponent = epsilon_of(exact, kind, size, 16)
    assert epsilon < 1 << 31
    rounded = Fraction(epsilon) * Fraction(2) ** exponent
    for deviation in (1, 1, 2, 5, 1000):
        values = np.array([0] * (size - 1) + [deviation], object)
        for vector in (
            values,
            np.array([random.randint(-deviation, deviation) for _ in range(size)], object),
        ):
            _, tops, below = Normalization(
                kind=kind, size=size, fraction_bits=16, epsilon=1, exponent=0
            ).terms(vector)
            near, far = ([(top / (below[0] + e)) for top in tops] for e in (rounded, exact))
            moved = [abs(float(a) ** 0.5 - float(b) ** 0.5) * 2**16 for a, b in zip(near, far, strict=True)]
            assert max(moved) <= EPSILON_TOLERANCE


def test_an_epsilon_of_few_bits_is_exact() -> None:
    assert epsilon_of(Fraction(3, 8), "layer", 4, 16) == (3, -3)
    assert epsilon_of(Fraction(96), "rms", 4, 16) == (3, 5)


def test_constants_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="groups of 1, wanted at least 2"):
        Normalization(kind="layer", size=1, fraction_bits=4, epsilon=1, exponent=0)
    with pytest.raises(ValueError, match="its epsilon is 0, wanted 1 to 2147483647"):
        Normalization(kind="rms", size=1, fraction_bits=4, epsilon=0, exponent=0)
