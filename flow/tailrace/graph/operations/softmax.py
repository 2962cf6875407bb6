# SPDX-License-Identifier: Apache-2.0
"""Softmax in integers: a table of the exponential, an exact sum, and a rounded quotient."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import numpy as np

from tailrace.graph.operations.base import Evaluator, Operation, as_samples, only, require
from tailrace.graph.tensors import MAX_BITS, Integers, Range, Shape, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

DIGITS = 60
"""Decimal digits to which the exponential is computed before it is rounded to the table's integers."""

LONGEST_TABLE = 1 << 16
"""Entries that a table of the exponential may have: 64 Ki, which are 2 Mibit of memory in hardware."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Softmax(Operation):
    """The shares of the channels of each of ``groups`` groups at every position, as multiples of 2^-``bits``.

    With d = (the largest of the group) - x, e = ``table``[d], which is 0 from its end on, and r the sum of the group's
    e, the share is e / r, rounded to ``bits`` bits, halves up: floor((e * 2^(bits + 1) + r) / (2 * r)). It is between
    0 and 2^bits. ``closed`` (rows, channels of a group) is 1 where an entry takes no part and has the share 0; a row is
    a group at a position. ``table`` falls from ``table``[0], a power of two, on.
    ``docs/internals/softmax.md`` has the reasons.
    """

    reads = ("input",)
    role = "computes"

    input: str
    table: Integers
    bits: int
    groups: int = 1
    closed: Integers | None = None

    def __post_init__(self) -> None:
        if self.closed is not None:
            require(
                self.closed.ndim == 2 and bool(np.isin(self.closed, (0, 1)).all()),
                "closed is no table of 0 and 1",
            )
            require(not self.closed.all(axis=1).any(), "all of some row is closed")
        require(self.groups >= 1, f"it has {self.groups} groups")
        require(self.bits >= 1, f"its shares have {self.bits} bits")
        check_exponential(self.table)
        width = int(self.table[0]).bit_length() + self.bits
        require(
            width <= MAX_BITS,
            f"a table of {int(self.table[0]).bit_length()} bits and shares of {self.bits} bits need {width} bits, "
            f"wanted at most {MAX_BITS}",
        )

    @property
    def largest_step(self) -> float:
        """The largest step of the scores that could have given the table; 0.0 where it has one entry only."""
        d = np.arange(1, len(self.table))
        return (
            float(np.min(np.log(self.table[0] / (self.table[1:] - 0.5)) / d, initial=np.inf))
            if d.size
            else 0.0
        )

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        shape = only(shapes)
        require(shape[-1] % self.groups == 0, f"it has {self.groups} groups of {shape[-1]} channels")
        width = (int(self.table[0]) * (shape[-1] // self.groups)).bit_length()
        if self.closed is not None:
            rows = (int(np.prod(shape[:-1], dtype=np.int64)) * self.groups, shape[-1] // self.groups)
            require(self.closed.shape == rows, f"closed has the shape {self.closed.shape}, wanted {rows}")
        require(width < MAX_BITS, f"the sum of a group needs {width} bits, wanted fewer than {MAX_BITS}")
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return bounds that are reached where all channels of a group have one range."""
        (x,) = ins
        if self.closed is not None:  # how many others there are differs from row to row
            return np.zeros(x.channels, np.int64), np.full(x.channels, 1 << self.bits)
        groups = zip(x.low.reshape(self.groups, -1), x.high.reshape(self.groups, -1), strict=True)
        ends = [self._ends(low, high) for low, high in groups]
        return np.concatenate([low for low, _ in ends]), np.concatenate([high for _, high in ends])

    def _ends(self, low: Integers, high: Integers) -> Range:
        """Return the least and the greatest share of every channel of a group.

        It is least where the channel is as small as can be, and all others are largest. It is greatest where the
        channel is the largest, and all others are as small as can be; or, should it never be the largest, no more than
        next to the largest.
        """
        top, channels = int(self.table[0]), len(low)
        least = self.exponentials(high.max() - low)
        others = np.zeros(channels, np.int64)
        for value in np.unique(high):
            e = self.exponentials(np.maximum(value - low, 0))
            others = np.where(high == value, e.sum() - e, others)
        greatest = shares(np.full(channels, top), top + others, self.bits)
        if channels > 1:
            second, rest = self.exponentials(np.ones(channels, np.int64)), least.sum() - least - least.max()
            beside = top + np.maximum(rest, 0)
            greatest = np.maximum(greatest, shares(second, second + beside, self.bits))
        return shares(least, least + (channels - 1) * top, self.bits), greatest

    def exponentials(self, differences: Integers) -> Integers:
        """Return e of differences, which are 0 or more."""
        table = np.append(self.table, 0)
        return np.asarray(table.take(np.minimum(differences, len(self.table))))

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the shares of every group."""
        shape, least = ins[0].shape, int(ins[0].low.min())
        channels = shape[-1] // self.groups
        is_open = None if self.closed is None else self.closed == 0

        def evaluate(x: Integers) -> Integers:
            rows = x.reshape(-1, *((channels,) if is_open is None else is_open.shape))
            seen = rows if is_open is None else np.where(is_open, rows, least)
            e = self.exponentials(np.maximum(seen.max(axis=-1, keepdims=True) - rows, 0))
            e = e if is_open is None else e * is_open
            return as_samples(shares(e, e.sum(axis=-1, keepdims=True), self.bits), shape)

        return evaluate

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


def check_exponential(table: Integers) -> None:
    """Raise ValueError unless ``table`` falls from a power of two to no less than 1."""
    require(table.ndim == 1 and table.size > 0, f"a table of shape {table.shape}")
    top = int(table[0])
    require(top > 0 and top & (top - 1) == 0, f"the table begins with {top}, wanted a power of two")
    require(
        bool((np.diff(table) <= 0).all()) and int(table[-1]) > 0, "the table does not fall, or has a 0 in it"
    )


def shares(e: Integers, r: Integers, bits: int) -> Integers:
    """Return e / r to ``bits`` bits, halves up."""
    return np.asarray((e * (1 << (bits + 1)) + r) // (2 * r))


def exponential_table(step: Fraction, fraction_bits: int, most: int) -> Integers | None:
    """Return round(exp(-step * d) * 2^fraction_bits) for d = 0, 1, ... to ``most``, as long as it is not 0.

    Every entry is correctly rounded: the exponential is computed to 60 digits. None where there are more than
    ``LONGEST_TABLE`` entries.
    """
    with localcontext() as context:
        context.prec = DIGITS
        exact_step = Decimal(step.numerator) / Decimal(step.denominator)
        last = int((fraction_bits + 1) * Decimal(2).ln() / exact_step)  # from here on less than a half
        count = min(last, most) + 1
        if count > LONGEST_TABLE:
            return None
        scale = Decimal(1 << fraction_bits)
        values = [int(((-exact_step * d).exp() * scale).to_integral_value()) for d in range(count)]
    table = np.array(values, np.int64)
    return table[table > 0]
