# SPDX-License-Identifier: Apache-2.0
"""The canonical form of a function from integers to integers: sorted break points and the values between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""The padding of a channel with fewer breaks than the widest one: no input reaches it."""

TABLE_POINTS = 1 << 22
"""Up to this many table entries the evaluation of a map uses a table instead of a search."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A step function per channel: ``y = values[c, number of breaks[c] <= x]``.

    ``breaks`` is (rows, n) int64, strictly ascending up to ``NEVER`` padding; ``values`` is (rows, n + 1), neighbours
    differ, the last one repeated where breaks are padded. One row means that all channels share the function.
    """

    breaks: Integers
    values: Integers

    def __post_init__(self) -> None:
        rows, count = self.breaks.shape
        if self.values.shape != (rows, count + 1):
            raise ValueError(
                f"{self.breaks.shape} breaks need ({rows}, {count + 1}) values, got {self.values.shape}"
            )

    @property
    def rows(self) -> int:
        """The number of distinct channels; 1 when all share the function."""
        return int(self.breaks.shape[0])

    @property
    def levels(self) -> int:
        """The largest number of breaks of any channel."""
        return int(self.breaks.shape[1])

    def __call__(self, x: Integers) -> Integers:
        """Evaluate on (n, channels) integers; plain and slow, see :func:`tabulate` for many vectors."""
        if self.rows == 1:
            return np.asarray(self.values[0][np.searchsorted(self.breaks[0], x, side="right")])
        columns = [
            self.values[c][np.searchsorted(self.breaks[c], x[:, c], side="right")] for c in range(x.shape[1])
        ]
        return np.stack(columns, axis=1)

    @property
    def low(self) -> Integers:
        """The smallest value of each row."""
        return np.asarray(self.values.min(axis=1))

    @property
    def high(self) -> Integers:
        """The largest value of each row."""
        return np.asarray(self.values.max(axis=1))

    def direction(self) -> Integers:
        """Return per row 1 where the function never falls, -1 where it never rises but falls, 0 otherwise."""
        delta = np.diff(self.values, axis=1)
        rising = np.asarray((delta >= 0).all(axis=1))
        falling = np.asarray((delta <= 0).all(axis=1))
        return np.where(rising, 1, np.where(falling, -1, 0)).astype(np.int64)


def from_rows(rows: list[tuple[Integers, Integers]]) -> Steps:
    """Build the canonical form from one (breaks, values) pair per channel; equal channels become one row."""
    cleaned = [_clean(breaks, values) for breaks, values in rows]
    first = cleaned[0]
    if all(np.array_equal(b, first[0]) and np.array_equal(v, first[1]) for b, v in cleaned[1:]):
        cleaned = [first]
    count = max(len(b) for b, _ in cleaned)
    breaks = np.full((len(cleaned), count), NEVER, np.int64)
    values = np.empty((len(cleaned), count + 1), np.int64)
    for row, (b, v) in enumerate(cleaned):
        breaks[row, : len(b)] = b
        values[row, : len(v)] = v
        values[row, len(v) :] = v[-1]
    return Steps(breaks, values)


def _clean(breaks: Integers, values: Integers) -> tuple[Integers, Integers]:
    """Drop padding and breaks where the value does not change."""
    real = breaks != NEVER
    kept_values = np.concatenate([values[:1], values[1:][real]])
    kept_breaks = breaks[real]
    change = np.diff(kept_values) != 0
    return kept_breaks[change], np.concatenate([kept_values[:1], kept_values[1:][change]])


def from_table(low: Integers, high: Integers, table: Integers) -> Steps:
    """Build the canonical form from values (points, channels) at ``low[c] + i``, valid up to ``high[c]``."""
    rows = []
    for c in range(table.shape[1]):
        column = table[: int(high[c] - low[c]) + 1, c]
        change = np.flatnonzero(np.diff(column)) + 1
        rows.append((change + int(low[c]), np.concatenate([column[:1], column[change]])))
    return from_rows(rows)


def restrict(steps: Steps, low: Integers, high: Integers) -> Steps:
    """Forget what lies outside ``low..high`` (one entry per channel)."""
    channels = len(low)
    rows = []
    for c in range(channels):
        row = 0 if steps.rows == 1 else c
        breaks, values = _clean(steps.breaks[row], steps.values[row])
        start = int(np.searchsorted(breaks, low[c], side="right"))
        stop = int(np.searchsorted(breaks, high[c], side="right"))
        rows.append((breaks[start:stop], values[start : stop + 1]))
        if steps.rows == 1 and bool((low == low[0]).all()) and bool((high == high[0]).all()):
            break
    return from_rows(rows)


def compose(first: Steps, second: Steps) -> Steps:
    """Return ``second(first(x))``."""
    rows = []
    for c in range(max(first.rows, second.rows)):
        breaks, values = _clean(*_row(first, c))
        rows.append((breaks, _apply(second, c, values)))
    return from_rows(rows)


def shift_input(steps: Steps, offset: Integers) -> Steps:
    """Return the function ``x -> steps(x - offset)`` with one offset per channel."""
    rows = []
    for c in range(len(offset)):
        breaks, values = _clean(*_row(steps, c))
        rows.append((breaks + int(offset[c]), values))
    return from_rows(rows)


def _row(steps: Steps, channel: int) -> tuple[Integers, Integers]:
    row = 0 if steps.rows == 1 else channel
    return steps.breaks[row], steps.values[row]


def _apply(steps: Steps, channel: int, x: Integers) -> Integers:
    breaks, values = _row(steps, channel)
    return np.asarray(values[np.searchsorted(breaks, x, side="right")])


def is_identity(steps: Steps, low: Integers, high: Integers) -> bool:
    """Say whether the function leaves every integer in ``low..high`` (per channel) as it is."""
    for c in range(len(low)):
        if int(high[c] - low[c]) > steps.levels:
            return False
        x = np.arange(int(low[c]), int(high[c]) + 1, dtype=np.int64)
        if not np.array_equal(_apply(steps, c, x), x):
            return False
    return True


def tabulate(steps: Steps, low: int, high: int) -> Any:  # noqa: ANN401 - a closure over arrays
    """Return a fast evaluator for (n, channels) integers in ``low..high``: a table where it is small, else a search."""
    points = high - low + 1
    if steps.rows * points > TABLE_POINTS:
        return steps
    x = np.arange(low, high + 1, dtype=np.int64)
    table = np.stack([_apply(steps, c, x) for c in range(steps.rows)]).ravel()
    if steps.rows == 1:
        return lambda v: table.take(v - low)
    base = np.arange(steps.rows, dtype=np.int64) * points - low
    return lambda v: table.take(v + base)
