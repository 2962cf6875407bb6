# SPDX-License-Identifier: Apache-2.0
"""Choose how many rows and columns of every layer are computed per cycle, for a wanted interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.errors import MappingError
from tailrace.planning.rules import FOLDINGS, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Dense, Graph

Folding = dict[str, dict[str, int]]

DEFAULT_INTERVAL = 1024
"""Cycles per frame when neither a rate nor a folding is asked for, and that fits the part."""


def smallest_interval(graph: Graph) -> int:
    """Return the cycles per frame when everything is as parallel as can be."""
    return max((FOLDINGS[type(node)].least_cycles(graph, node) for node in graph.nodes), default=1)


def largest_interval(graph: Graph) -> int:
    """Return the cycles per frame of the slowest layer when every layer is as small as can be."""
    return max((FOLDINGS[type(node)].work(graph, node) for node in graph.nodes), default=1)


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
    rules = {node.name: FOLDINGS[type(node)] for node in graph.nodes}
    kinds = {node.name: type(node).__name__ for node in graph.nodes}
    names = [name for name, rule in rules.items() if rule.keys]
    for name, keys in asked.items():
        if name != "*" and name not in names:
            raise MappingError(f"there is no layer {name!r} to fold", hint=f"layers: {', '.join(names)}")
        unknown = sorted(set(keys) - {"pe", "simd"})
        if unknown:
            raise MappingError(f"{unknown[0]!r} is no folding", where=name, hint="possible: pe, simd")
        strange = [
            key
            for key, value in keys.items()
            if name != "*" and value != "auto" and key not in rules[name].keys
        ]
        if strange:
            kind, possible = kinds[name], ", ".join(rules[name].keys)
            raise MappingError(f"a {kind} has no {strange[0]}", where=name, hint=f"possible: {possible}")
    return {
        node.name: rules[node.name].choose(
            graph, node, interval, Wanted(own=asked.get(node.name, {}), every=asked.get("*", {}))
        )
        for node in graph.nodes
        if rules[node.name].keys
    }


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


def check_options(graph: Graph, layers: Mapping[str, Mapping[str, str]]) -> None:
    """Raise MappingError for options of a layer that is not there, or an option that it does not have.

    ``layers`` is {layer or "*": {memory, dsp, requantizer, engine: value}}; what is fixed for all need not fit all.
    """
    kinds = {node.name: type(node) for node in graph.nodes if FOLDINGS[type(node)].keys}
    for name, table in layers.items():
        if name == "*":
            continue
        if name not in kinds:
            raise MappingError(f"there is no layer {name!r}", hint=f"layers: {', '.join(kinds)}")
        for key, value in table.items():
            if value != "auto" and key not in FOLDINGS[kinds[name]].options:
                takers = [n for n, kind in kinds.items() if key in FOLDINGS[kind].options]
                raise MappingError(
                    f"a {kinds[name].__name__} has no {key}",
                    where=name,
                    hint=f"layers with {key}: {', '.join(takers) or 'none'}",
                )
