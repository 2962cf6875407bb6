# SPDX-License-Identifier: Apache-2.0
"""Let a map behind a map be one map, and drop maps that change nothing."""

from __future__ import annotations

from dataclasses import replace

from tailrace.core.steps import compose, is_identity, restrict
from tailrace.graph import Graph, Map, retype


def fuse_maps(graph: Graph) -> Graph:
    """Compose a map with the map before it where nobody else reads what lies between; drop identities."""
    while True:
        fused = _fuse_one(graph) or _drop_one(graph)
        if fused is None:
            return graph
        graph = fused


def _fuse_one(graph: Graph) -> Graph | None:
    for second in graph.nodes:
        if not isinstance(second, Map):
            continue
        first = graph.producer(second.input)
        if (
            not isinstance(first, Map)
            or first.output in graph.leaving
            or len(graph.consumers(first.output)) > 1
        ):
            continue
        tensor = graph.tensors[first.input]
        steps = restrict(compose(first.steps, second.steps), tensor.low, tensor.high)
        merged = replace(second, input=first.input, steps=steps)
        nodes = tuple(merged if n is second else n for n in graph.nodes if n is not first)
        return retype(graph, nodes)
    return None


def _drop_one(graph: Graph) -> Graph | None:
    for node in graph.nodes:
        if not isinstance(node, Map) or node.output in graph.leaving:
            continue
        tensor = graph.tensors[node.input]
        if is_identity(node.steps, tensor.low, tensor.high):
            nodes = tuple(n.reading({node.output: node.input}) for n in graph.nodes if n is not node)
            return retype(graph, nodes)
    return None
