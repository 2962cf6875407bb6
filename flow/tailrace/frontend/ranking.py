# SPDX-License-Identifier: Apache-2.0
"""Integers in the order of the numbers that they stand for, so that the class can be read at the pins.

Channel c stands for ``scale[c] * q + offset[c]``, scale and offset being exact. What is wanted is ``factor[c] * q +
bias[c]`` in the same order, ties included, for all q that can occur, of as few bits as possible. With one scale for all
channels, the whole part of ``offset / scale`` moves q, and the fractional parts decide only between equal integers:
their rank is enough, appended as lowest bits. Otherwise factors and bias are those numbers times a power of two,
rounded: the smallest for which each pair of channels compares as it should at every integer that can occur, else the
exact multiples of the common step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.types import IntType
from tailrace.frontend.signals import Exact, common_step, objects

if TYPE_CHECKING:
    from fractions import Fraction

Integers = NDArray[np.int64]

RANK_BITS_AT_MOST = 56
"""Bits that integers in the order of the classes may need."""

PAIRS_AT_MOST = 1 << 23
"""Integers, summed over all pairs of channels, at which narrower factors are compared with the exact ones.

An eighth of it where the exact ones take more than 62 bits. Either takes some two seconds.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranks:
    """``factors * q + bias``, (channels,) each, is in the order of what the channels stand for."""

    factors: Integers
    bias: Integers

    @property
    def is_plain(self) -> bool:
        """Whether the integers are in this order as they are."""
        return bool((self.factors == 1).all() and (self.bias == self.bias[0]).all())


def ranks(scale: Exact, offset: Exact, low: Integers, high: Integers) -> Ranks | None:
    """Return how to bring (channels,) integers from ``low`` to ``high`` in order; None where that takes too many bits.

    ``scale`` (no zeros) and ``offset`` are exact, (channels,) each.
    """
    first = scale[0]
    factors, bias = (
        _of_one_scale(first, offset) if (scale == first).all() else _of_many(scale, offset, low, high)
    )
    ends = [
        f * int(e) + b for end in (low, high) for f, b, e in zip(factors, bias, end.tolist(), strict=True)
    ]
    middle = (min(ends) + max(ends) + 1) // 2  # what is the same for all channels orders nothing
    if (
        IntType.containing(min(ends) - middle, max(ends) - middle).bits
        >= IntType.containing(min(ends), max(ends)).bits
    ):
        middle = 0
    if max(abs(e - middle) for e in ends) >> RANK_BITS_AT_MOST:
        return None
    return Ranks(factors=np.array(factors, np.int64), bias=np.array([b - middle for b in bias], np.int64))


Form = tuple[list[int], list[int]]
"""Factors and bias of all channels."""


def _of_one_scale(scale: Fraction, offset: Exact) -> Form:
    moved = [v / abs(scale) for v in offset]
    whole = [v.numerator // v.denominator for v in moved]
    parts = [v - w for v, w in zip(moved, whole, strict=True)]
    numbers = {part: number for number, part in enumerate(sorted(set(parts)))}
    shift = (len(numbers) - 1).bit_length()
    bias = [(w << shift) + numbers[part] for w, part in zip(whole, parts, strict=True)]
    return [(1 if scale > 0 else -1) << shift] * len(bias), bias


def _of_many(scale: Exact, offset: Exact, low: Integers, high: Integers) -> Form:
    step = common_step(np.concatenate([scale, offset]))
    exact: Form = [int(v) for v in objects(scale / step)], [int(v) for v in objects(offset / step)]
    points = (high - low + 1).tolist()
    pairs = [(i, j) if points[i] <= points[j] else (j, i) for i, j in combinations(range(len(scale)), 2)]
    reach = max(abs(int(e)) for end in (low, high) for e in end)
    fits = 2 * (max(abs(v) for v in exact[0]) * reach + max(abs(v) for v in exact[1])) < 1 << 62
    if sum(points[i] for i, _ in pairs) > (PAIRS_AT_MOST if fits else PAIRS_AT_MOST // 8):
        return exact
    wanted = [_limits(exact, pair, (low, high), np.int64 if fits else object) for pair in pairs]
    largest = max(abs(v) for v in scale)
    for bits in range(max(abs(v) for v in exact[0]).bit_length() - 1):
        rounded = [[round(v * (1 << bits) / largest) for v in values] for values in (scale, offset)]
        form = rounded[0], rounded[1]
        if max(reach << bits, *(abs(v) for v in form[1])) >> 60:
            break
        if all(form[0]) and all(
            np.array_equal(_limits(form, pair, (low, high), np.int64), limits)
            for pair, limits in zip(pairs, wanted, strict=True)
        ):
            return form
    return exact


def _limits(
    form: Form, pair: tuple[int, int], ends: tuple[Integers, Integers], kind: type[Any]
) -> NDArray[Any]:
    """Return for each integer of one channel up to where those of the other are less, and whether one is equal.

    Twice the integer that is equal, or twice the one below plus 1; cut to what the other channel can be.
    """
    factors, bias = form
    (i, j), (low, high) = pair, ends
    x = np.arange(int(low[i]), int(high[i]) + 1).astype(kind) * factors[i] + (bias[i] - bias[j])
    below = x // factors[j]
    limits = 2 * below + (below * factors[j] != x)
    return np.asarray(np.clip(limits, 2 * int(low[j]) - 1, 2 * int(high[j]) + 1), np.int64)
