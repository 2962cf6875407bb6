# SPDX-License-Identifier: Apache-2.0
"""Give what only changes the order of integers to the layers around it, which do it for nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tailrace.graph import (
    Dense,
    Graph,
    Map,
    Node,
    Permute,
    Reshape,
    Shuffle,
    Tensor,
    retype,
)


def absorb_permutes(graph: Graph) -> Graph:
    """Put the order of a permutation into the weights behind or before it, or let it be a pixel shuffle."""
    while True:
        changed = _absorb_one(graph)
        if changed is None:
            return graph
        graph = changed


def _absorb_one(graph: Graph) -> Graph | None:
    for node in graph.nodes:
        if isinstance(node, Permute):
            found = (
                _into_readers(graph, node) or _into_weights_before(graph, node) or _as_shuffle(graph, node)
            )
            if found is not None:
                return found
    return None


def _readers(graph: Graph, tensor: str) -> list[Node]:
    """Return the nodes that read a tensor, through reshapes."""
    found: list[Node] = []
    for node in graph.consumers(tensor):
        found.extend(_readers(graph, node.output) if isinstance(node, Reshape) else [node])
    return found


def _into_readers(graph: Graph, node: Permute) -> Graph | None:
    """Turn the columns of dense layers that read the whole sample as one vector."""
    readers = _readers(graph, node.output)
    whole = [isinstance(r, Dense) and graph.tensors[r.input].vectors == 1 for r in readers]
    if not readers or not all(whole) or node.output in graph.leaving:
        return None
    changed: dict[str, Node] = {}
    for reader in readers:
        if isinstance(reader, Dense):
            weights = np.empty_like(reader.weights)
            weights[:, node.order] = reader.weights
            changed[reader.name] = replace(reader, weights=weights)
    same = Reshape(name=node.name, input=node.input, output=node.output, shape=node.shape)
    return _replaced(graph, {**changed, node.name: same})


def _into_weights_before(graph: Graph, node: Permute) -> Graph | None:
    """Turn the rows of the dense layer that makes the whole sample as one vector, through the map behind it."""
    changed: dict[str, Node] = {}
    name = node.input
    while True:
        before = graph.producer(name)
        if before is None or len(graph.consumers(name)) > 1 or name in graph.leaving:
            return None
        if isinstance(before, Dense) and graph.tensors[name].vectors == 1:
            changed[before.name] = replace(
                before, weights=before.weights[node.order], bias=before.bias[node.order]
            )
            break
        if isinstance(before, Map) and before.steps.rows == 1:
            changed[before.name] = before
        elif isinstance(before, Map) and before.steps.rows == node.order.size:
            steps = replace(
                before.steps, breaks=before.steps.breaks[node.order], values=before.steps.values[node.order]
            )
            changed[before.name] = replace(before, steps=steps)
        elif not isinstance(before, Reshape):
            return None
        name = before.inputs[0]
    same = Reshape(name=node.name, input=node.input, output=node.output, shape=node.shape)
    return _replaced(graph, {**changed, node.name: same})


def _as_shuffle(graph: Graph, node: Permute) -> Graph | None:
    """Write the permutation as a pixel shuffle where it is one."""
    shape, out = graph.tensors[node.input].shape, graph.tensors[node.output].shape
    if len(shape) != 3 or len(out) != 3:
        return None
    numbers = np.arange(node.order.size, dtype=np.int64).reshape(1, *shape)
    sizes = {max(a, b) // min(a, b) for a, b in zip(shape[:2], out[:2], strict=True)}
    for block in sizes:
        for mode in ("dcr", "crd", "space_to_depth"):
            needed = shape[2] % block**2 if mode != "space_to_depth" else shape[0] % block + shape[1] % block
            if needed or block == 1:
                continue
            found = Shuffle(name=node.name, input=node.input, output=node.output, block=block, mode=mode)
            moved = found.mover([graph.tensors[node.input]])(numbers)
            if found.output_shape([shape]) == out and np.array_equal(moved.ravel(), node.order):
                return _replaced(graph, {node.name: found})
    return None


def _replaced(graph: Graph, changed: dict[str, Node]) -> Graph:
    """Return the graph with other nodes; what a changed dense layer wrote stands for nothing in the network now."""
    nodes = tuple(changed.get(node.name, node) for node in graph.nodes)
    tensors: dict[str, Tensor] = dict(graph.tensors)
    return retype(replace(graph, nodes=nodes, tensors=tensors), nodes)
