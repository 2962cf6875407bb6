# SPDX-License-Identifier: Apache-2.0
"""Choose how many rows and columns of every layer are computed per cycle, for a wanted interval."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import MappingError
from tailrace.graph import Concat, Dense, Depthwise, Graph, Permute, Pool, Reshape, Shuffle, Slice, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tailrace.graph import Node

Folding = dict[str, dict[str, int]]

DEFAULT_INTERVAL = 1024
"""Cycles per frame when neither a rate nor a folding is asked for, and that fits the part."""


def divisors(number: int) -> list[int]:
    """Return all divisors, ascending."""
    return [d for d in range(1, number + 1) if number % d == 0]


def work(graph: Graph, node: Node) -> int:
    """Return how many integers a node that is no matrix product handles one after the other: those in or out."""
    tensor = graph.tensors[node.inputs[0]]
    if isinstance(node, (Pool, Depthwise)):
        return tensor.size
    return max(tensor.size, graph.tensors[node.output].size)


def lane_unit(graph: Graph, node: Node) -> int:
    """Return the number that the lanes of a node that is no matrix product have to divide."""
    channels, out = graph.tensors[node.inputs[0]].channels, graph.tensors[node.output].channels
    match node:
        case Pool() | Depthwise():
            return out
        case Concat():
            return gcd(channels, out)
        case Slice():
            return gcd(channels, node.start, node.stop)
        case Shuffle():
            return gcd(channels, out)
        case Permute():
            return gcd(channels, contiguous(node.order))
    return channels


def contiguous(order: NDArray[np.int64]) -> int:
    """Return the largest group of integers that ``order`` moves as a whole."""
    breaks = np.flatnonzero(np.diff(order) != 1) + 1
    return int(np.gcd.reduce(np.r_[order.size, breaks, order[np.r_[0, breaks]]]))


def is_window(graph: Graph, tensor: str) -> Window | None:
    """Return the window node that makes a tensor, or None."""
    node = graph.producer(tensor)
    return node if isinstance(node, Window) else None


def least_cycles(graph: Graph, node: Node) -> int:
    """Return the cycles per frame of a node when it is as parallel as can be."""
    if isinstance(node, (Reshape, Window)):
        return 1
    if isinstance(node, Dense):
        window = is_window(graph, node.input)
        pixels = graph.tensors[window.input].vectors if window else 1
        return max(pixels, graph.tensors[node.output].vectors)
    return work(graph, node) // lane_unit(graph, node)


def smallest_interval(graph: Graph) -> int:
    """Return the cycles per frame when everything is as parallel as can be."""
    return max((least_cycles(graph, node) for node in graph.nodes), default=1)


def largest_interval(graph: Graph) -> int:
    """Return the cycles per frame of the slowest layer when every layer is as small as can be."""
    cycles = [1]
    for node in graph.nodes:
        if isinstance(node, Dense):
            cycles.append(graph.tensors[node.input].vectors * node.weights.size)
        elif not isinstance(node, Reshape):
            cycles.append(work(graph, node))
    return max(cycles)


def interval_for(
    graph: Graph, clock_mhz: float, fps: float | None, *, as_fast_as_can_be: bool = False
) -> int:
    """Return the cycles per frame that ``fps`` allows; MappingError (with the best possible rate) where none does."""
    if fps is None:
        return max(1 if as_fast_as_can_be else DEFAULT_INTERVAL, smallest_interval(graph))
    wanted = int(clock_mhz * 1e6 / fps)
    least = smallest_interval(graph)
    if wanted < least:
        best = clock_mhz * 1e6 / least
        raise MappingError(
            f"{fps:g} frames per second cannot be met at {clock_mhz:g} MHz: the best is {best:g}",
            hint=f"use --fps {best:g} or less, or a clock of at least {fps * least / 1e6:g} MHz",
        )
    return wanted


def fold(graph: Graph, interval: int, asked: Mapping[str, Mapping[str, int | str]]) -> Folding:
    """Return {node: {"pe": lanes out, "simd": lanes in}} for every node that works.

    ``asked`` fixes values by node name ("*" for all): a number, "min" or "max". What is not asked for is the cheapest
    folding of at most ``interval`` cycles. Raises MappingError for names, keys or values that do not fit.
    """
    names = [node.name for node in graph.nodes if not isinstance(node, Reshape)]
    for name, keys in asked.items():
        if name != "*" and name not in names:
            raise MappingError(f"there is no layer {name!r} to fold", hint=f"layers: {', '.join(names)}")
        unknown = sorted(set(keys) - {"pe", "simd"})
        if unknown:
            raise MappingError(f"{unknown[0]!r} is no folding", where=name, hint="possible: pe, simd")
    result: Folding = {}
    for node in graph.nodes:
        if isinstance(node, Reshape):
            continue
        own = asked.get(node.name, {})
        wanted = {k: own.get(k, asked.get("*", {}).get(k)) for k in ("pe", "simd")}
        if isinstance(node, Window) and "simd" not in own and isinstance(wanted["simd"], int):
            wanted["simd"] = None  # a number for all layers is one of inputs, not of taps
        result[node.name] = _fold_node(graph, node, interval, wanted)
    return result


def unfolded(node: Dense, asked: Mapping[str, int | str]) -> dict[str, int | str]:
    """Return the folding of a layer side by side; MappingError where ``asked`` is another one."""
    rows, cols = node.weights.shape
    for key, size in (("pe", rows), ("simd", cols)):
        if asked.get(key, "auto") not in ("auto", "max", size):
            raise MappingError(
                f"{key}={asked[key]} is asked for, but the spatial engine computes all {size} side by side",
                where=node.name,
                hint="leave pe and simd out, or take the folded engine",
            )
    return {"pe": rows, "simd": cols}


def _fold_node(
    graph: Graph, node: Node, interval: int, wanted: Mapping[str, int | str | None]
) -> dict[str, int]:
    tensor = graph.tensors[node.inputs[0]]
    if not isinstance(node, Dense):
        lanes = _choices(node.name, "pe", lane_unit(graph, node), wanted["pe"])
        fast = [n for n in lanes if work(graph, node) // n <= interval] or [lanes[-1]]
        if isinstance(node, Window):
            return {"pe": fast[0], "simd": _taps(graph, node, wanted)}
        return {"pe": fast[0]}
    rows, cols = node.weights.shape
    weight_bits = max(2, int(abs(node.weights).max(initial=1)).bit_length() + 1)
    sum_bits = graph.tensors[node.output].type.bits
    multiply = tensor.type.bits * weight_bits

    def cost(pair: tuple[int, int]) -> tuple[bool, float, int]:
        pe, simd = pair
        cycles = tensor.vectors * (rows // pe) * (cols // simd)
        return (
            cycles > interval,
            pe * simd * multiply + 3 * pe * sum_bits + 2 * simd * tensor.type.bits,
            cycles,
        )

    window = is_window(graph, node.input)
    pixel = graph.tensors[window.input].channels if window else cols

    def is_natural(simd: int) -> bool:
        """Whether the words of a window need no other width."""
        return pixel % simd == 0

    pes, simds = (_choices(node.name, key, size, wanted[key]) for key, size in (("pe", rows), ("simd", cols)))
    pairs = [(pe, simd) for pe in pes for simd in simds if is_natural(simd)]
    if wanted["simd"] not in (None, "auto") or all(cost(pair)[0] for pair in pairs):
        pairs = [(pe, simd) for pe in pes for simd in simds]
    slow = all(cost(pair)[0] for pair in pairs)
    pe, simd = min(pairs, key=(lambda p: (cost(p)[2], cost(p)[1], 0)) if slow else cost)
    return {"pe": pe, "simd": simd}


def _taps(graph: Graph, node: Window, wanted: Mapping[str, int | str | None]) -> int:
    """Return the taps that a window sends at a time: 1, or all, for which a whole pixel has to come in a cycle."""
    simd, channels = wanted["simd"], graph.tensors[node.input].channels
    whole = wanted["pe"] in ("max", channels)
    if simd in (1, "min", "auto", None) or (simd == "max" and not whole):
        return 1
    if simd not in ("max", node.taps):
        raise MappingError(
            f"simd={simd} is neither 1 nor the {node.taps} taps of the window",
            where=node.name,
            hint=f"use 1 or {node.taps}",
        )
    if not whole:
        raise MappingError(
            f"a window with simd={simd} needs whole pixels",
            where=node.name,
            hint=f"use pe={channels}, or simd=1",
        )
    return node.taps


def _choices(name: str, key: str, size: int, wanted: int | str | None) -> list[int]:
    """Return the possible values of a folding: all divisors, or the one that is wanted."""
    possible = divisors(size)
    if wanted is None or wanted == "auto":
        return possible
    if wanted in ("min", "max"):
        return [1 if wanted == "min" else size]
    if not isinstance(wanted, int) or wanted not in possible:
        raise MappingError(
            f"{key}={wanted} does not divide the {size} {'outputs' if key == 'pe' else 'inputs'}",
            where=name,
            hint=f"use one of {', '.join(map(str, possible))}",
        )
    return [wanted]
