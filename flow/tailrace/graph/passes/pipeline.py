# SPDX-License-Identifier: Apache-2.0
"""The passes in their order: those that a user may ask for and that change the function, then those that lower.

A graph is ``imported``, then perhaps ``changed``, then ``lowered``; ``made_of`` leads from each to the one it was made
of. Each pass runs once: a lowered graph is left as it is.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import MappingError
from tailrace.graph.passes.base import Pass, exact
from tailrace.graph.passes.changing.prune import PRUNE
from tailrace.graph.passes.changing.requantize_weights import REQUANTIZE_WEIGHTS
from tailrace.graph.passes.exact.absorb_bias import absorb_bias
from tailrace.graph.passes.exact.absorb_permutes import absorb_permutes
from tailrace.graph.passes.exact.flatten_first import flatten_first
from tailrace.graph.passes.exact.fuse_maps import fuse_maps
from tailrace.graph.passes.exact.merge_bias import merge_bias
from tailrace.graph.passes.exact.narrow_sums import narrow_sums
from tailrace.graph.passes.exact.split_maps import split_maps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.graph import Graph

log = logging.getLogger(__name__)

CHANGING: tuple[Pass[Any], ...] = (PRUNE, REQUANTIZE_WEIGHTS)
"""What a layer's table can ask for; each says so with ``keeps_function = False``."""

LOWER: tuple[Pass[Any], ...] = (
    exact(absorb_permutes),
    exact(fuse_maps),
    exact(flatten_first),
    exact(merge_bias),
    exact(absorb_bias),
    exact(narrow_sums),
    exact(split_maps),
)
"""What every network goes through between the front end and the plan."""


def changing_keys() -> dict[str, Pass[Any]]:
    """Return {key of a layer's table: the changing pass that it belongs to}."""
    return {key: item for item in CHANGING for key in item.keys}


def change(graph: Graph, layers: Mapping[str, Mapping[str, Any]]) -> Graph:
    """Run the changing passes that ``layers`` ({layer or "*": {key: value}}) asks for; the graph itself if none.

    Raises UsageError for a value that cannot be, MappingError for a layer that is not there or cannot be changed, or
    for a graph that is lowered already.
    """
    asked = [(item, options) for item in CHANGING if (options := item.asked(layers))]
    if not asked:
        return graph
    if graph.form == "lowered":
        raise MappingError(
            f"{asked[0][0].name} comes before the graph is lowered",
            where=graph.name,
            hint="give tailrace.change or tailrace.plan the graph as tailrace.load returns it",
        )
    changed, notices = graph, list(graph.notices)
    for item, options in asked:
        changed = _timed(item, changed, options)
        wanted = (
            f"{layer}.{key} = {value}"
            for layer, own in options.items()
            for key, value in dataclasses.asdict(own).items()
        )
        notices.append(f"{item.name} changes what the network computes: {', '.join(wanted)}")
    before = graph if graph.form == "imported" else graph.made_of
    return replace(changed, form="changed", made_of=before, notices=tuple(notices))


def run(graph: Graph, watch: Callable[[str, Graph], None] | None = None) -> Graph:
    """Lower ``graph``: run :data:`LOWER` in order; ``watch(name, graph)`` sees the graph after each pass.

    A graph that is lowered already is returned as it is.
    """
    if graph.form == "lowered":
        return graph
    lowered = graph
    for item in LOWER:
        lowered = _timed(item, lowered, {})
        if watch:
            watch(item.name, lowered)
    return replace(lowered, form="lowered", made_of=graph)


def _timed(item: Pass[Any], graph: Graph, options: Mapping[str, Any]) -> Graph:
    start = time.perf_counter()
    after = item.run(graph, options)
    log.debug("%s: %d nodes, %.3f s", item.name, len(after.nodes), time.perf_counter() - start)
    return after
