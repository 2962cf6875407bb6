# SPDX-License-Identifier: Apache-2.0
"""Neurons with few input bits as truth tables: a LUT per output bit where an adder tree would need more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.types import IntType
from tailrace.spatial.circuit import Lookup
from tailrace.spatial.share import Effort, share

if TYPE_CHECKING:
    from tailrace.core.steps import Steps

Integers = NDArray[np.int64]

ADDRESS_BITS_AT_MOST = 12
SHARED_PART = 0.7
"""A table must cost at most this part of the neuron's own adders, since others may share those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neuron:
    """The truth table of a row over its inputs ``columns``, the first one in the lowest bits of the address."""

    columns: tuple[int, ...]
    values: tuple[int | None, ...]
    low: int
    high: int

    def node(self, sources: tuple[int, ...]) -> Lookup:
        """Return the node that reads ``sources`` in the place of the columns."""
        return Lookup(sources=sources, values=self.values, low=self.low, high=self.high)


def tables_of(
    weights: Integers, bias: Integers, steps: Steps | None, low: Integers, high: Integers, *, ternary: bool
) -> dict[int, Neuron]:
    """Return the rows of a product that are cheaper as a table, by their numbers."""
    kinds = [IntType.containing(int(a), int(b)) for a, b in zip(low, high, strict=True)]
    found = {}
    for row in range(len(weights)):
        columns = tuple(int(c) for c in np.flatnonzero(weights[row]) if low[c] != high[c])
        bits = sum(kinds[column].bits for column in columns)
        if not columns or bits > ADDRESS_BITS_AT_MOST or (len(columns) == 1 and steps is None):
            continue
        fixed = [c for c in np.flatnonzero(weights[row]) if low[c] == high[c]]
        constant = int(bias[row] + weights[row, fixed] @ low[fixed])
        neuron = _neuron(
            weights[row, list(columns)], constant, steps, row, [kinds[c] for c in columns], columns
        )
        rate = neuron_luts(neuron, bits, 6 if ternary else 4)
        if rate <= SHARED_PART * _adders(weights[row], constant, steps, low, high, ternary=ternary):
            found[row] = neuron
    return found


def neuron_luts(neuron: Neuron, bits: int, inputs: int) -> int:
    """Return the LUTs of a table of ``bits`` address bits at most."""
    return IntType.containing(neuron.low, neuron.high).bits << max(0, bits - inputs)


def _neuron(  # noqa: PLR0917 - what a table is made of
    weights: Integers,
    constant: int,
    steps: Steps | None,
    row: int,
    kinds: list[IntType],
    columns: tuple[int, ...],
) -> Neuron:
    address = np.arange(1 << sum(kind.bits for kind in kinds), dtype=np.int64)
    total = np.full(len(address), constant, np.int64)
    for weight, kind in zip(weights, kinds, strict=True):
        x = address & ((1 << kind.bits) - 1)
        address = address >> kind.bits
        total += weight * np.where(x > kind.max, x - (1 << kind.bits), x)
    if steps is not None:
        channel = 0 if steps.rows == 1 else row
        total = steps.values[channel][np.searchsorted(steps.breaks[channel], total, side="right")]
    return Neuron(
        columns=columns,
        values=tuple(int(value) for value in total),
        low=int(total.min()),
        high=int(total.max()),
    )


def _adders(
    weights: Integers, constant: int, steps: Steps | None, low: Integers, high: Integers, *, ternary: bool
) -> float:
    """Return the LUTs of a row on its own: its adders, and half a LUT for each output bit of its tail."""
    effort = Effort(rounds=1)
    rows = share(weights[None], low, high, np.array([constant]), ternary=ternary, effort=effort)
    levels = 0 if steps is None else steps.levels
    return rows.luts + levels.bit_length() * (0.5 if ternary else 1)
