# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of normalization in integers: a difference over a root, rounded correctly, without either of them.

For n integers x with the sum S and the sum of squares Q, and E, which stands for the epsilon of the network:

=======  =================  ============  =======================
kind     numerator N of y²  W             E in steps of x
=======  =================  ============  =======================
layer    (n·x - S)²         n·Q - S² + E  n² · epsilon / step²
rms      n · x²             Q + E         n · epsilon / step²
=======  =================  ============  =======================

The value is y = ±√(N / W), and what is put out is the integer nearest to y·2^f, ties away from zero: half of y' + 1,
without its last bit, where y' is the largest integer with y'²·W <= N·4^(f+1).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt, log2
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Array = NDArray[Any]

Kind = Literal["layer", "rms"]

EPSILON_BITS_AT_MOST = 31
"""Bits of the integer that stands for E."""

EPSILON_TOLERANCE = 2.0**-8
"""How far, in steps of the output, a value before its rounding may move when E is rounded."""

FLOAT_BITS = 46
"""Bits that a float64 quotient and root of integers of 62 bits are surely right to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """Normalization of groups of ``size`` integers to ``fraction_bits`` bits behind the point; E = epsilon·2^exponent.

    Raises ValueError for constants that cannot be.
    """

    kind: Kind
    size: int
    fraction_bits: int
    epsilon: int
    exponent: int

    def __post_init__(self) -> None:
        least = 2 if self.kind == "layer" else 1
        if self.size < least:
            raise ValueError(f"groups of {self.size}, wanted at least {least}")
        if self.fraction_bits < 0:
            raise ValueError(f"it has {self.fraction_bits} fraction bits, wanted 0 or more")
        if not 0 < self.epsilon < 1 << EPSILON_BITS_AT_MOST:
            raise ValueError(f"its epsilon is {self.epsilon}, wanted 1 to {(1 << EPSILON_BITS_AT_MOST) - 1}")

    @property
    def finer(self) -> int:
        """The bits by which N and W are shifted up so that E is an integer."""
        return max(0, -self.exponent)

    @property
    def epsilon_term(self) -> int:
        """E beside the W that is shifted up."""
        return self.epsilon << max(0, self.exponent)

    @property
    def up(self) -> int:
        """The bits by which the numerator N of y² is shifted up in all, in front of the digits of y'."""
        return self.finer + 2 * (self.fraction_bits + 1)

    def fits(self, largest: int) -> bool:
        """Say whether N and W of integers up to ``largest`` in size fit 62 bits before they are shifted."""
        return (2 * self.size * largest) ** 2 < 1 << 62

    def terms(self, x: Array) -> tuple[Array, Array, Array]:
        """Return the signed value (n·x - S, or x), N and W without E, for (..., size) integers; W is (..., 1)."""
        squares = (x * x).sum(axis=-1, keepdims=True)
        if self.kind == "rms":
            return x, self.size * x * x, squares
        total = x.sum(axis=-1, keepdims=True)
        value = self.size * x - total
        return value, value * value, self.size * squares - total * total

    def __call__(self, x: Integers) -> Integers:
        """Return the normalized integers (..., size) of (..., size) ones."""
        largest = int(max(-int(x.min(initial=0)), int(x.max(initial=0))))
        if not self.fits(largest):
            value, top, below = self.terms(x.astype(object))
            return _signed(value, self._exactly(top, np.broadcast_to(below, top.shape)))
        value, top, below = self.terms(x.astype(np.int64))
        below = np.broadcast_to(below, top.shape)
        float_epsilon = self.epsilon * 2.0**self.exponent
        near = np.sqrt(top / (below + float_epsilon)) * 2.0**self.fraction_bits
        found = np.asarray(np.floor(near + 0.5), np.int64)
        close = np.abs(near - np.floor(near) - 0.5) <= (near + 1) * 2.0**-FLOAT_BITS
        if close.any():
            found[close] = self._exactly(top[close].astype(object), below[close].astype(object))
        return _signed(value, found)

    def _exactly(self, top: Array, below: Array) -> Integers:
        """Return the rounded sizes for N and W in Python's integers."""
        up, finer, epsilon = self.up, self.finer, self.epsilon_term

        def rounded(n: int, w: int) -> int:
            return (isqrt((n << up) // ((w << finer) + epsilon)) + 1) >> 1

        return np.asarray(np.frompyfunc(rounded, 2, 1)(top, below), np.int64)

    def reach(self, numerator: int) -> int:
        """Return the largest y' for a signed value (n·x - S, or x) of this size at most: it grows with it.

        For layer normalization W is at least value²/(n-1) + E (Samuelson's inequality), for the other one x² + E.
        """
        square = numerator * numerator
        n, epsilon = self.size, self.epsilon_term
        if self.kind == "rms":
            return isqrt((n * square << self.up) // ((square << self.finer) + epsilon))
        return isqrt(((n - 1) * square << self.up) // ((square << self.finer) + (n - 1) * epsilon))

    def ends(self, low: Integers, high: Integers) -> tuple[Integers, Integers]:
        """Return the least and the greatest output for each of (..., size) integers from ``low`` to ``high``."""
        smallest, largest = low.astype(object), high.astype(object)
        if self.kind == "layer":
            n = self.size
            smallest, largest = (
                n * here - here - (there.sum(axis=-1, keepdims=True) - there)
                for here, there in ((smallest, largest), (largest, smallest))
            )
        rounded = np.frompyfunc(lambda v: (self.reach(abs(v)) + 1 >> 1) * (1 if v >= 0 else -1), 1, 1)
        # what cannot be negative may be as small as 0 whatever the others are
        least = np.asarray(np.minimum(rounded(smallest), 0), np.int64)
        return least, np.asarray(np.maximum(rounded(largest), 0), np.int64)


def _signed(value: Array, size: Integers) -> Integers:
    return np.asarray(np.where(value < 0, -size, size), np.int64)


def epsilon_of(exact: Fraction, kind: Kind, size: int, fraction_bits: int) -> tuple[int, int]:
    """Return (epsilon, exponent) for the exact E > 0: as few bits as move no output by more than the tolerance.

    A group that is constant gives 0 whatever E is; every other one has W of n - 1 at least (layer), or 1 (rms).
    ValueError where E has no such form.
    """
    least, top = (size - 1, size - 1) if kind == "layer" else (1, size)
    worst = max(float(least), float(exact) / 2)
    slope = 2.0**fraction_bits * (top * worst) ** 0.5 / (worst + float(exact)) ** 1.5 / 2
    exponent = -ceil(log2(slope / (2 * EPSILON_TOLERANCE)))  # a rounding is half a step
    while exact < Fraction(2) ** (exponent - 1):
        exponent -= 1
    epsilon = round(exact / Fraction(2) ** exponent)
    zeros = (epsilon & -epsilon).bit_length() - 1
    epsilon, exponent = epsilon >> zeros, exponent + zeros
    if epsilon >> EPSILON_BITS_AT_MOST:
        raise ValueError(
            f"its epsilon is {float(exact):.3g} in squared steps of its input, which takes {epsilon.bit_length()} bits"
        )
    return epsilon, exponent
