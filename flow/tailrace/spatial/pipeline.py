# SPDX-License-Identifier: Apache-2.0
"""Cut a circuit into ranks where few bits cross, by the delay of the part's LUTs and carry chains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tailrace.core.types import IntType
from tailrace.spatial.circuit import Circuit, Input, Sum, is_constant

if TYPE_CHECKING:
    from tailrace.spatial.adders import Builder
    from tailrace.spatial.circuit import Node
    from tailrace.targets.family import Delay, Family


SLACK = 1.15
"""A rank may be so much longer than the shortest possible longest one, where that saves registers.

Of the jet tagger with inputs of 16 bits in six ranks it halves them; with less it saves none.
"""


def node_ns(node: Node, delay: Delay) -> float:
    """Return the delay of a node."""
    if isinstance(node, Input) or is_constant(node):
        return 0.0
    if isinstance(node, Sum):
        return (
            0.0
            if node.is_wire
            else delay.lut_ns + delay.carry_ns * IntType.containing(node.low, node.high).bits
        )
    return 2 * delay.lut_ns


def cut(
    builder: Builder, outputs: tuple[int, ...], *, family: Family, ranks: int | None, rank_ns: float | None
) -> Circuit:
    """Return the circuit with its ranks: ``ranks`` of them, or as few as have at most ``rank_ns`` each.

    With both, a rank may be as long as ``rank_ns`` where that saves registers. A rank is longer than ``rank_ns``
    only where no cut avoids it.
    """
    delay = family.delay
    depth = max(builder.levels, default=0)
    longest = [0.0] * (depth + 1)
    for node, level in zip(builder.nodes, builder.levels, strict=True):
        longest[level] = max(longest[level], node_ns(node, delay))
    bits = _crossing(builder, outputs, depth)
    if ranks is None:
        ranks = 1
        while rank_ns is not None and ranks < depth and _shortest(longest, ranks) > rank_ns:
            ranks += 1
    ranks = max(1, ranks)
    used = min(ranks, max(1, depth))
    shortest = _shortest(longest, used)
    limit = shortest * SLACK if rank_ns is None or shortest > rank_ns else rank_ns
    cuts = _cheapest(longest, bits, used, limit)
    numbers = tuple(sum(level > at for at in cuts) for level in builder.levels)
    return Circuit(
        nodes=tuple(builder.nodes),
        products=tuple(builder.products),
        ranks=numbers,
        rank_count=ranks,
        outputs=outputs,
    )


def _crossing(builder: Builder, outputs: tuple[int, ...], depth: int) -> list[int]:
    """Return the register bits of a cut behind each level."""
    last = list(builder.levels)
    for number, node in enumerate(builder.nodes):
        for source in node.sources:
            last[source] = max(last[source], builder.levels[number])
    for number in outputs:
        last[number] = depth + 1
    bits = [0] * (depth + 1)
    for number, node in enumerate(builder.nodes):
        if not is_constant(node):
            for level in range(builder.levels[number], min(last[number], depth + 1)):
                bits[level] += IntType.containing(node.low, node.high).bits
    return bits


def _shortest(longest: list[float], ranks: int) -> float:
    """Return the smallest possible delay of the longest of ``ranks`` ranks."""
    depth = len(longest) - 1
    best = [math.inf] * (depth + 1)
    best[0] = 0.0
    for _ in range(ranks):
        best = [
            min(max(best[start], sum(longest[start + 1 : end + 1])) for start in range(end + 1))
            for end in range(depth + 1)
        ]
    return best[depth]


def _cheapest(longest: list[float], bits: list[int], ranks: int, limit: float) -> list[int]:
    """Return the levels behind which to cut: no rank longer than ``limit`` (ns), the fewest register bits."""
    depth = len(longest) - 1
    limit += 1e-9
    table: list[dict[int, tuple[int, list[int]]]] = [{0: (0, [])}]
    for _ in range(ranks - 1):
        following: dict[int, tuple[int, list[int]]] = {}
        for start, (cost, cuts) in table[-1].items():
            for end in range(start, depth + 1):
                if sum(longest[start + 1 : end + 1]) > limit:
                    break
                offer = (cost + bits[end], [*cuts, end])
                if end not in following or offer < following[end]:
                    following[end] = offer
        table.append(following)
    finals = [offer for start, offer in table[-1].items() if sum(longest[start + 1 :]) <= limit]
    return min(finals)[1]
