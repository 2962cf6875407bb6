# SPDX-License-Identifier: Apache-2.0
"""Passes: each takes a valid graph and leaves a valid graph that computes the same function."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tailrace.graph import Graph
from tailrace.graph.passes.exact.absorb_bias import absorb_bias
from tailrace.graph.passes.exact.absorb_permutes import absorb_permutes
from tailrace.graph.passes.exact.flatten_first import flatten_first
from tailrace.graph.passes.exact.fuse_maps import fuse_maps
from tailrace.graph.passes.exact.merge_bias import merge_bias
from tailrace.graph.passes.exact.split_maps import split_maps

log = logging.getLogger(__name__)

Pass = Callable[[Graph], Graph]

LOWER: tuple[Pass, ...] = (absorb_permutes, fuse_maps, flatten_first, merge_bias, absorb_bias, split_maps)
"""What every network goes through between the front end and the plan."""


def run(
    graph: Graph, passes: tuple[Pass, ...] = LOWER, watch: Callable[[str, Graph], None] | None = None
) -> Graph:
    """Run the passes in order; ``watch(name, graph)`` sees the graph after each (Graph checks itself when made)."""
    for function in passes:
        start = time.perf_counter()
        graph = function(graph)
        log.debug("%s: %d nodes, %.3f s", function.__name__, len(graph.nodes), time.perf_counter() - start)
        if watch:
            watch(function.__name__, graph)
    return graph
