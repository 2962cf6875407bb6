# SPDX-License-Identifier: Apache-2.0
"""From a constant matrix to rows of signed, shifted terms that share what saves adders.

Every row starts as the canonical signed digits of its weights. Patterns of several terms are taken out greedily by what
they save in LUTs of the part (a three-input adder takes two terms away, a two-input adder one). Then rounds of local
search undo a random part of the patterns, search anew and keep what is cheaper. All of it is deterministic: steps are
counted, not seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tailrace.spatial import kernels, summing

Integers = NDArray[np.int64]

SPARE_TERMS = 8
"""Room of a row beyond its digits."""

PAIRS_AT_MOST = 2_000_000
"""A matrix with more pairs of digits is searched in halves, or the table of pairs would need too much memory."""

TOPS = 16
"""Pairs that are looked at closely for each pattern taken out."""

START_EAGERNESS = (1.0, 0.8, 1.25, 0.9, 0.7)
"""What an occurrence counts in the first tries, relative to half (two-input parts: one) average adder of its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to search: ``rounds`` of local search, fewer for large matrices (``digits`` looked at in all).

    With 0 rounds nothing is shared: the rows are the digits of the weights.
    """

    rounds: int = 300
    digits: int = 500_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Rows of terms (node, shift, sign); row e is node ``inputs + e``. The first ``outputs`` rows are the matrix's."""

    inputs: int
    outputs: int
    rows: tuple[tuple[tuple[int, int, int], ...], ...]
    luts: int
    depth: int


def digits(value: int) -> list[tuple[int, int]]:
    """Return the canonical signed digits of an integer, (shift, sign) each, lowest first."""
    found = []
    shift = 0
    while value:
        if value & 1:
            sign = 2 - (value & 3)
            found.append((shift, sign))
            value -= sign
        value >>= 1
        shift += 1
    return found


class _State:
    """The arrays that the kernels change."""

    def __init__(self, weights: Integers, low: Integers, high: Integers, constants: Integers) -> None:
        outputs, inputs = weights.shape
        rows = [
            [
                (column, shift, sign)
                for column in range(inputs)
                for shift, sign in digits(int(weights[row, column]))
            ]
            for row in range(outputs)
        ]
        self.inputs, self.outputs, self.used = inputs, outputs, outputs
        self.total = sum(map(len, rows))
        limit = outputs + self.total + 16
        capacity = max(map(len, rows), default=0) + SPARE_TERMS
        self.node = np.zeros((limit, capacity), np.int32)
        self.shift = np.zeros((limit, capacity), np.int32)
        self.sign = np.zeros((limit, capacity), np.int32)
        self.count = np.zeros(limit, np.int64)
        self.low = np.zeros(inputs + limit, np.int64)
        self.high = np.zeros(inputs + limit, np.int64)
        self.low[:inputs], self.high[:inputs] = low, high
        self.constant = np.zeros(limit, np.int64)
        self.constant[:outputs] = constants
        self.width = np.zeros(limit, np.int64)
        for row, terms in enumerate(rows):
            self.count[row] = len(terms)
            for t, (node, shift, sign) in enumerate(terms):
                self.node[row, t], self.shift[row, t], self.sign[row, t] = node, shift, sign
            up, down = np.maximum(weights[row], 0), np.minimum(weights[row], 0)
            least, most = int(up @ low + down @ high), int(up @ high + down @ low)
            self.low[inputs + row], self.high[inputs + row] = least, most
            self.width[row] = summing.bits_of(least + min(0, constants[row]), most + max(0, constants[row]))
        pairs = sum(len(terms) ** 2 // 2 for terms in rows)
        self.room = 1 << max(14, (8 * pairs).bit_length())

    def copy(self) -> _State:
        made = object.__new__(_State)
        made.__dict__.update(
            {
                key: value.copy() if isinstance(value, np.ndarray) else value
                for key, value in vars(self).items()
            }
        )
        return made

    def search(self, *, ternary: bool, eagerness: float, noise: float, seed: int) -> None:
        arrays = (self.node, self.shift, self.sign, self.count)
        self.used = int(
            kernels.share(
                *arrays,
                self.used,
                self.inputs,
                self.low,
                self.high,
                self.width,
                ternary,
                eagerness,
                noise,
                TOPS,
                seed,
                self.room,
            )
        )
        kernels.prune(*arrays, self.used, self.inputs, self.outputs, self.width, self.constant, ternary)
        self.compact()

    def compact(self) -> None:
        """Close the gaps that rows without terms leave."""
        kept = np.array([row for row in range(self.used) if row < self.outputs or self.count[row]], np.int64)
        number = np.arange(self.inputs + self.used, dtype=np.int64)
        number[self.inputs + kept] = self.inputs + np.arange(len(kept))
        used = len(kept)
        self.node[:used] = number[self.node[kept] % (self.inputs + self.used)]
        self.shift[:used], self.sign[:used] = self.shift[kept], self.sign[kept]
        self.low[self.inputs : self.inputs + used] = self.low[self.inputs + kept]
        self.high[self.inputs : self.inputs + used] = self.high[self.inputs + kept]
        self.width[:used], self.count[:used] = self.width[kept], self.count[kept]
        self.count[used:] = 0
        self.used = used

    def cost(self, *, ternary: bool, depth_first: int) -> tuple[int, int]:
        luts, depth = summing.total_cost(
            self.node,
            self.shift,
            self.sign,
            self.count,
            self.used,
            self.inputs,
            self.low,
            self.high,
            self.constant,
            ternary,
            depth_first,
        )
        return int(luts), int(depth)

    def disturb(self, random: Any, share: float) -> None:  # noqa: ANN401 - a numpy generator
        """Undo a random part of the patterns."""
        arrays = (self.node, self.shift, self.sign, self.count)
        rows = np.arange(self.outputs, self.used)
        for row in rows[random.random(len(rows)) < share]:
            kernels.inline(*arrays, self.used, self.inputs, int(row))
        self.compact()

    def result(self, luts: int, depth: int) -> Rows:
        return Rows(
            inputs=self.inputs,
            outputs=self.outputs,
            rows=tuple(
                tuple(
                    (int(self.node[row, t]), int(self.shift[row, t]), int(self.sign[row, t]))
                    for t in range(int(self.count[row]))
                )
                for row in range(self.used)
            ),
            luts=luts,
            depth=depth,
        )


def share(
    weights: Integers,
    low: Integers,
    high: Integers,
    constants: Integers,
    *,
    ternary: bool,
    effort: Effort,
    depth_first: int = 64,
    seed: int = 1,
) -> Rows:
    """Return rows that compute ``weights @ x`` (rows, cols); ``constants`` are added later and count as operands.

    ``low``, ``high`` (cols,) are the ranges of x. ``depth_first`` weighs a level against a bit when a row is summed.
    """
    if _pairs(weights) > PAIRS_AT_MOST and weights.shape[1] > 1:
        middle = weights.shape[1] // 2
        half = Effort(rounds=effort.rounds, digits=effort.digits // 2)
        parts = [
            share(
                weights[:, part],
                low[part],
                high[part],
                constants if part.start == 0 else np.zeros_like(constants),
                ternary=ternary,
                effort=half,
                depth_first=depth_first,
                seed=seed,
            )
            for part in (slice(0, middle), slice(middle, weights.shape[1]))
        ]
        return joined(parts[0], parts[1])
    random = np.random.default_rng(seed)
    start = _State(weights, low, high, constants)
    best, best_cost = start, start.cost(ternary=ternary, depth_first=depth_first)
    rounds = min(effort.rounds, max(2, effort.digits // max(1, start.total)))

    def price(cost: tuple[int, int]) -> float:
        return cost[0] * (1 + 0.002 * cost[1])

    for trial in range(min(len(START_EAGERNESS), rounds)):
        state = start.copy()
        state.search(ternary=ternary, eagerness=START_EAGERNESS[trial], noise=0.0, seed=seed + trial)
        cost = state.cost(ternary=ternary, depth_first=depth_first)
        if price(cost) < price(best_cost):
            best, best_cost = state, cost
    for trial in range(rounds):
        state = best.copy()
        state.disturb(random, float(random.choice((0.05, 0.1, 0.2, 0.4))))
        state.search(
            ternary=ternary,
            eagerness=float(random.choice((0.7, 0.8, 0.9, 1.0, 1.1, 1.25))),
            noise=float(random.choice((0.0, 0.1, 0.3))),
            seed=int(random.integers(1 << 30)) + trial,
        )
        cost = state.cost(ternary=ternary, depth_first=depth_first)
        if price(cost) <= price(best_cost):
            best, best_cost = state, cost
    return best.result(*best_cost)


def joined(first: Rows, second: Rows) -> Rows:
    """Return the rows of two matrices side by side: each output is the sum of both; LUTs and depth at least."""

    def moved(rows: Rows, inputs_before: int, own_before: int) -> list[tuple[tuple[int, int, int], ...]]:
        inputs = first.inputs + second.inputs

        def number(node: int) -> int:
            if node < rows.inputs:
                return inputs_before + node
            row = node - rows.inputs
            return inputs + (row if row < rows.outputs else row + own_before)

        return [tuple((number(node), shift, sign) for node, shift, sign in terms) for terms in rows.rows]

    # An output of a part may be used as a term by other rows of that part: then it needs a row of its own.
    a = moved(_apart(first), 0, 0)
    b = moved(_apart(second), first.inputs, len(a) - first.outputs)
    outputs = [x + y for x, y in zip(a[: first.outputs], b[: first.outputs], strict=True)]
    return Rows(
        inputs=first.inputs + second.inputs,
        outputs=first.outputs,
        rows=(*outputs, *a[first.outputs :], *b[first.outputs :]),
        luts=first.luts + second.luts,
        depth=max(first.depth, second.depth),
    )


def _apart(rows: Rows) -> Rows:
    """Return the same rows where no row reads an output: an output that is read becomes a term of its own row."""
    base = rows.inputs
    read = sorted({n - base for terms in rows.rows for n, _, _ in terms if base <= n < base + rows.outputs})
    copy_of = {base + row: base + len(rows.rows) + place for place, row in enumerate(read)}
    renamed = [tuple((copy_of.get(n, n), shift, sign) for n, shift, sign in terms) for terms in rows.rows]
    for row in read:
        renamed.append(renamed[row])
        renamed[row] = ((copy_of[base + row], 0, 1),)
    return Rows(inputs=base, outputs=rows.outputs, rows=tuple(renamed), luts=rows.luts, depth=rows.depth)


def _pairs(weights: Integers) -> int:
    """Return the number of pairs of digits within rows."""
    magnitude = np.abs(weights)
    counts = np.bitwise_count(magnitude ^ (3 * magnitude)).sum(
        axis=1
    )  # the canonical digits of w are those of 3w ^ w
    return int((counts.astype(np.int64) ** 2 // 2).sum())


def expand(rows: Rows) -> Integers:
    """Return the matrix (outputs, inputs) that rows compute: the check of the search."""
    matrix = np.zeros((rows.inputs + len(rows.rows), rows.inputs), np.int64)
    matrix[: rows.inputs] = np.eye(rows.inputs, dtype=np.int64)
    for row in order(rows):
        for node, shift, sign in rows.rows[row]:
            matrix[rows.inputs + row] += sign * (matrix[node] << shift)
    return matrix[rows.inputs : rows.inputs + rows.outputs]


def order(rows: Rows) -> list[int]:
    """Return the numbers of the rows, each behind those that it reads."""
    found: list[int] = []
    placed = set(range(rows.inputs))
    waiting = list(range(len(rows.rows)))
    while waiting:
        ready = [row for row in waiting if all(node in placed for node, _, _ in rows.rows[row])]
        if not ready:
            raise ValueError("the rows read each other in a circle")
        found += ready
        placed |= {rows.inputs + row for row in ready}
        waiting = [row for row in waiting if rows.inputs + row not in placed]
    return found
