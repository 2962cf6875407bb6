# SPDX-License-Identifier: Apache-2.0
"""From an arithmetic function to its canonical form: looked up over its whole range, or searched where it rises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.steps import Steps, from_rows, from_table

if TYPE_CHECKING:
    from tailrace.frontend.tflite.arithmetic import Function

Integers = NDArray[np.int64]

TABLE_POINTS = 1 << 20
"""Up to so many points in all channels together, a function is evaluated at each."""

SEARCHED_AT_ONCE = 1 << 22
"""Breaks of a rising function that are searched at a time."""


def tabulated(function: Function, low: Integers, high: Integers) -> Steps:
    """Return the steps of any function over low..high, one entry a channel each."""
    x = np.minimum(low + np.arange(int((high - low).max()) + 1, dtype=np.int64)[:, None], high)
    return from_table(low, high, np.broadcast_to(function(x), x.shape))


def probed(function: Function, low: Integers, high: Integers) -> Steps:
    """Return the steps over low..high of a function that never falls."""
    if (int((high - low).max()) + 1) * len(low) <= TABLE_POINTS:
        return tabulated(function, low, high)
    first, last = (np.broadcast_to(function(end[None]), (1, len(low)))[0] for end in (low, high))
    levels = int((last - first).max())
    rows: list[tuple[Integers, Integers]] = [
        (np.zeros(0, np.int64), first[c : c + 1]) for c in range(len(low))
    ]
    for start in range(0, levels, max(1, SEARCHED_AT_ONCE // len(low))):
        stop = min(levels, start + max(1, SEARCHED_AT_ONCE // len(low)))
        wanted = first + 1 + np.arange(start, stop, dtype=np.int64)[:, None]
        reached = _first_reaching(function, wanted, low, high)
        for c in range(len(low)):
            count = int(np.clip(last[c] - first[c] - start, 0, stop - start))
            breaks, values = rows[c]
            rows[c] = (
                np.concatenate([breaks, reached[:count, c]]),
                np.concatenate([values, wanted[:count, c]]),
            )
    return from_rows([_without_jumps(*row) for row in rows])


def _first_reaching(function: Function, wanted: Integers, low: Integers, high: Integers) -> Integers:
    """Return the smallest x of low..high with ``function(x) >= wanted``, or ``high``, by bisection."""
    below, reached = (np.array(np.broadcast_to(end, wanted.shape)) for end in (low, high))
    while int((reached - below).max(initial=0)) > 1:
        middle = (below + reached) >> 1
        enough = function(middle) >= wanted
        reached = np.where(enough, middle, reached)
        below = np.where(enough, below, middle)
    return reached


def _without_jumps(breaks: Integers, values: Integers) -> tuple[Integers, Integers]:
    """Keep of breaks at the same place the last: there the function rises by more than one."""
    kept = np.append(breaks[1:] != breaks[:-1], np.ones(min(1, len(breaks)), bool))
    return breaks[kept], np.concatenate([values[:1], values[1:][kept]])
