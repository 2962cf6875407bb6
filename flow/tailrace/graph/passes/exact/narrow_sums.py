# SPDX-License-Identifier: Apache-2.0
"""Give wide sums of scaled integers in front of quantizers narrower constants, where these are proven equal.

Scales are floats, so a sum of scaled accumulators that is exact has 40 to 60 bits. Only where it stands to the breaks
of the maps behind it matters: all constants are divided by a power of two and rounded, and the maps get new breaks. For
every break and every pair of values of the two terms of the last sum, the narrow sum must lie on the same side as the
wide one. That is decided without trying all pairs: the values of one term are sorted, and for each value of the other
the break is at one place among them; the largest narrow value below that place and the smallest one from there on say
between which bounds the new break is. The terms are taken as independent, so more pairs are proven than can occur.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.steps import NEVER, from_rows
from tailrace.graph import Add, Affine, Graph, Map, retype

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tailrace.graph import Node

Integers = NDArray[np.int64]
Sum = Affine | Add

WIDE = 24
"""Sums of more bits than this are narrowed."""

POINTS_AT_MOST = 1 << 24
"""Values, and places of breaks among them, that are looked at in all channels together of one group of sums."""

FAR = 1 << 62


def narrow_sums(graph: Graph) -> Graph:
    """Divide the constants of wide sums in front of maps by a power of two that is proven to change nothing."""
    replaced: dict[str, Node] = {}
    for group in _groups(graph):
        replaced |= _narrowed(graph, group)
    if not replaced:
        return graph
    return retype(graph, tuple(replaced.get(node.output, node) for node in graph.nodes))


# --- which sums ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """Sums that read each other, by their outputs, and the maps behind them."""

    sums: Mapping[str, Sum]
    maps: tuple[Map, ...]


def _groups(graph: Graph) -> Iterator[_Group]:
    """Find the sums of which nobody but maps reads the results."""
    seen: set[str] = set()
    for node in graph.nodes:
        if not isinstance(node, Map) or node.input in seen or graph.tensors[node.input].type.bits <= WIDE:
            continue
        sums: dict[str, Sum] = {}
        maps: dict[str, Map] = {}
        waiting, closed = [node.input], True
        while waiting:
            name = waiting.pop()
            producer = graph.producer(name)
            if name in sums or not isinstance(producer, (Affine, Add)):
                continue
            sums[name] = producer
            waiting.extend(producer.inputs)
            for reader in graph.consumers(name):
                if isinstance(reader, Map):
                    maps[reader.output] = reader
                elif isinstance(reader, (Affine, Add)):
                    waiting.append(reader.output)
                else:
                    closed = False
            closed = closed and name not in graph.outputs
        seen.update(sums)
        if sums and closed:
            yield _Group(sums=sums, maps=tuple(maps.values()))


# --- dividing and proving --------------------------------------------------------------------------------------------


def _narrowed(graph: Graph, group: _Group) -> dict[str, Node]:
    """Return the new nodes of a group by their outputs; none where it cannot be narrowed, or not proven."""
    if _points(graph, group) > POINTS_AT_MOST:
        return {}
    proofs = [
        [_Proof.of(graph, group, each, channel) for channel in range(graph.tensors[each.input].channels)]
        for each in group.maps
    ]
    best: dict[str, Node] = {}
    low, high = 0, _most(group)
    while low < high:  # what is proven for a shift is often, but need not be proven for those below it
        shift = (low + high + 1) // 2
        found = _tried(group, proofs, shift)
        low, high = (low, shift - 1) if found is None else (shift, high)
        best = best if found is None else found
    return best


def _tried(group: _Group, proofs: list[list[_Proof]], shift: int) -> dict[str, Node] | None:
    """Return the new nodes for one shift; None where a break finds no place."""
    sums = {name: _shifted(node, group, shift) for name, node in group.sums.items()}
    found: dict[str, Node] = {**sums}
    for each, channels in zip(group.maps, proofs, strict=True):
        rows = []
        for proof in channels:
            row = proof.breaks(sums, shift)
            if row is None:
                return None
            rows.append(row)
        found[each.output] = replace(each, steps=from_rows(rows))
    return found


def _most(group: _Group) -> int:
    """Return the largest shift that leaves a bit of every factor."""
    sizes = []
    for node in group.sums.values():
        if isinstance(node, Affine) and node.input not in group.sums:
            sizes += np.abs(node.factors).tolist()
        elif isinstance(node, Add):
            sizes += [abs(f) for name, f in _terms(node) if name not in group.sums]
    return min((int(size).bit_length() - 1 for size in sizes if size), default=0)


def _terms(node: Add) -> tuple[tuple[str, int], tuple[str, int]]:
    return (node.a, node.a_factor), (node.b, node.b_factor)


def _rounded(value: int, shift: int) -> int:
    return (value + (1 << shift >> 1)) >> shift


def _shifted(node: Sum, group: _Group, shift: int) -> Sum:
    """Return a sum on the coarser step; a factor of what is on it already stays."""
    if isinstance(node, Add):
        a, b = (f if name in group.sums else _rounded(f, shift) for name, f in _terms(node))
        return replace(node, a_factor=a, b_factor=b)
    half = 1 << shift >> 1
    factors = node.factors if node.input in group.sums else (node.factors + half) >> shift
    ends = [None if end is None else _rounded(end, shift) for end in (node.low, node.high)]
    return replace(node, factors=factors, bias=(node.bias + half) >> shift, low=ends[0], high=ends[1])


# --- values and proofs -----------------------------------------------------------------------------------------------


def _count(graph: Graph, group: _Group, name: str) -> int:
    """Return how many values of a tensor are looked at in its widest channel."""
    node, tensor = group.sums.get(name), graph.tensors[name]
    if node is None:
        return int((tensor.high - tensor.low).max()) + 1
    return int(np.prod([_count(graph, group, source) for source in node.inputs], dtype=object))


def _points(graph: Graph, group: _Group) -> int:
    """Return how many values and places the proofs of a group look at."""
    total = 0
    for each in group.maps:
        last = group.sums[each.input]
        counts = sorted(_count(graph, group, name) for name in last.inputs)
        most = counts[-1] + (counts[0] * each.steps.levels if len(counts) > 1 else each.steps.levels)
        total += most * graph.tensors[each.input].channels
    return total


def _values(graph: Graph, sums: Mapping[str, Sum], name: str, channel: int) -> Integers:
    """Return the values of a channel for all values of what it is the sum of, always in the same order."""
    node, tensor = sums.get(name), graph.tensors[name]
    if node is None:
        return np.arange(int(tensor.low[channel]), int(tensor.high[channel]) + 1, dtype=np.int64)
    if isinstance(node, Affine):
        x = _values(graph, sums, node.input, channel) * node.factors[channel] + node.bias[channel]
        x = x if node.low is None else np.maximum(x, node.low)
        return np.asarray(x if node.high is None else np.minimum(x, node.high))
    a, b = (_values(graph, sums, source, channel) * factor for source, factor in _terms(node))
    return np.asarray(a[:, None] + b).ravel()


def _last(graph: Graph, sums: Mapping[str, Sum], name: str, channel: int) -> tuple[Integers, Integers]:
    """Return the values of both terms of the last sum, the longer list first; the second is 0 where there is one."""
    node = sums[name]
    if not isinstance(node, Add):
        return _values(graph, sums, name, channel), np.zeros(1, np.int64)
    a, b = (_values(graph, sums, source, channel) * factor for source, factor in _terms(node))
    return (a, b) if len(a) >= len(b) else (b, a)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Proof:
    """A channel of a map: where its breaks stand among the values of one term, for each value of the other."""

    graph: Graph
    name: str
    channel: int
    old: Integers
    values: Integers
    order: Integers
    places: Integers
    """(breaks, values of the other term): so many sorted values are below the break."""

    @classmethod
    def of(cls, graph: Graph, group: _Group, each: Map, channel: int) -> _Proof:
        """Sort the values of one term and find the places of the breaks among them."""
        long, short = _last(graph, group.sums, each.input, channel)
        row = 0 if each.steps.rows == 1 else channel
        real = each.steps.breaks[row] != NEVER
        old = each.steps.breaks[row][real]
        order = np.argsort(long, kind="stable")
        return cls(
            graph=graph,
            name=each.input,
            channel=channel,
            old=old,
            values=each.steps.values[row][: len(old) + 1],
            order=order,
            places=np.searchsorted(long[order], old[:, None] - short),
        )

    def breaks(self, sums: Mapping[str, Sum], shift: int) -> tuple[Integers, Integers] | None:
        """Return the breaks and values of the map behind other sums; None where a break finds no place."""
        long, short = _last(self.graph, sums, self.name, self.channel)
        long = long[self.order]
        below = np.concatenate([[-FAR], np.maximum.accumulate(long)])
        above = np.concatenate([np.minimum.accumulate(long[::-1])[::-1], [FAR]])
        lows = _moved(below[self.places], short).max(axis=1, initial=-FAR)
        highs = _moved(above[self.places], short).min(axis=1, initial=FAR)
        if (lows >= highs).any():
            return None
        new = np.clip((self.old + (1 << shift >> 1)) >> shift, lows + 1, highs)
        kept = np.append(np.diff(new) != 0, True)[: len(new)]  # nothing is between two breaks at one place
        return new[kept], np.concatenate([self.values[:1], self.values[1:][kept]])


def _moved(values: Integers, by: Integers) -> Integers:
    """Return the sums, but for what stands for no value at all."""
    return np.asarray(np.where(np.abs(values) == FAR, values, values + by))
