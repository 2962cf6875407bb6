# SPDX-License-Identifier: Apache-2.0
"""The tail of a neuron: a constant for its sum, and the node that makes the output of the shifted sum.

Each candidate is held against the canonical form over the whole reachable range before it is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import MappingError
from tailrace.core.fit import fit_round_shift
from tailrace.core.steps import NEVER, Steps, restrict
from tailrace.core.types import IntType
from tailrace.spatial.circuit import Circuit, Input, Levels, Lookup, Requantize, evaluate

Integers = NDArray[np.int64]

LOOKUP_BITS_AT_MOST = 15
LEVELS_AT_MOST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """``y = node(x + constant)``; ``node.source`` is to be set. ``low``, ``high`` are the range of x + constant."""

    constant: int
    node: Requantize | Levels | Lookup
    low: int
    high: int


def row_of(steps: Steps, channel: int) -> Steps:
    """Return the function of one channel alone."""
    row = 0 if steps.rows == 1 else channel
    return Steps(steps.breaks[row : row + 1], steps.values[row : row + 1])


def tail(steps: Steps, low: int, high: int, *, where: str) -> Tail:
    """Return the cheapest tail that equals a one-row ``steps`` on ``low..high``.

    Raises:
        MappingError: neither a shift, nor comparators, nor a table of at most 2**15 entries computes it.

    """
    reached = restrict(steps, np.array([low]), np.array([high]))
    breaks, values = reached.breaks[0][reached.breaks[0] != NEVER], reached.values[0]
    candidates = [
        candidate
        for candidate in (
            _shifted(reached, low, high),
            _compared(breaks, values, low, high),
            _looked_up(reached, low, high),
        )
        if candidate is not None and _agrees(candidate, reached, low, high)
    ]
    if not candidates:
        raise MappingError(
            f"no spatial tail computes {len(breaks)} steps over {low}..{high}",
            where=where,
            hint="choose the folded engine for this layer",
        )
    return candidates[0]


def _shifted(steps: Steps, low: int, high: int) -> Tail | None:
    if steps.levels == 1:
        return None  # one comparison with a folded threshold is the sign bit
    fit = fit_round_shift(steps, np.array([low]), np.array([high]))
    if fit is None or fit.mode not in {"floor", "half_even"}:
        return None
    ties_even = fit.mode == "half_even" and fit.shift > 0
    constant = int(fit.bias[0]) + ((1 << fit.shift) >> 1 if fit.mode == "half_even" else 0)
    node = Requantize(source=0, shift=fit.shift, ties_even=ties_even, low=fit.low, high=fit.high)
    return Tail(constant=constant, node=node, low=low + constant, high=high + constant)


def _compared(breaks: Integers, values: Integers, low: int, high: int) -> Tail | None:
    size = np.diff(values[: len(breaks) + 1])
    falling = bool((size < 0).any())
    if falling and bool((size > 0).any()):
        return None
    thresholds = np.repeat(breaks, np.abs(size))
    if len(thresholds) > LEVELS_AT_MOST:
        return None
    constant = -int(breaks[0]) if len(breaks) == 1 else 0
    node = Levels(
        source=0,
        thresholds=tuple(int(t) + constant for t in thresholds),
        base=int(values[0]),
        falling=falling,
        low=int(values.min()),
        high=int(values.max()),
    )
    return Tail(constant=constant, node=node, low=low + constant, high=high + constant)


def _looked_up(steps: Steps, low: int, high: int) -> Tail | None:
    kind = IntType.containing(low, high)
    if kind.bits > LOOKUP_BITS_AT_MOST:
        return None
    x = np.arange(low, high + 1, dtype=np.int64)
    table: list[int | None] = [None] * (1 << kind.bits)
    y = steps(x[:, None])[:, 0]
    for place, value in zip(x & ((1 << kind.bits) - 1), y, strict=True):
        table[int(place)] = int(value)
    node = Lookup(sources=(0,), values=tuple(table), low=int(y.min()), high=int(y.max()))
    return Tail(constant=0, node=node, low=low, high=high)


def _agrees(candidate: Tail, steps: Steps, low: int, high: int) -> bool:
    """Compare at both ends of every step, tables everywhere: between the ends, all other candidates are monotone."""
    if isinstance(candidate.node, Lookup):
        x = np.arange(low, high + 1, dtype=np.int64)
    else:
        breaks = steps.breaks[0][steps.breaks[0] != NEVER]
        x = np.unique(np.concatenate([[low, high], breaks, breaks - 1]))
    probe = Circuit(
        nodes=(Input(lane=0, low=candidate.low, high=candidate.high), candidate.node),
        products=("", ""),
        ranks=(0, 0),
        rank_count=1,
        outputs=(1,),
    )
    found = evaluate(probe, (x + candidate.constant)[:, None])[:, 0]
    return bool(np.array_equal(found, steps(x[:, None])[:, 0]))


def placed(node: Requantize | Levels | Lookup, source: int) -> Requantize | Levels | Lookup:
    """Return the tail's node with its source."""
    if isinstance(node, Lookup):
        return replace(node, sources=(source,))
    return replace(node, source=source)
