# SPDX-License-Identifier: Apache-2.0
"""Flatten a sample before the maps at the input, so that they can be as parallel as the layer behind them."""

from __future__ import annotations

from dataclasses import replace

from tailrace.graph import Graph, Map, Node, Reshape, Tensor, reshape_range, retype


def flatten_first(graph: Graph) -> Graph:
    """Exchange a reshape to one vector with the maps between it and the input, where all channels share their steps.

    The words of a stream hold at most the channels of one position: of an image that is only flattened later, the
    maps would see no more than a pixel a cycle.
    """
    for name in graph.inputs:
        graph = _flattened(graph, name)
    return graph


def _flattened(graph: Graph, entry: str) -> Graph:
    """Do it at one input."""
    name = entry
    chain: list[Map] = []
    while True:
        readers = graph.consumers(name)
        if len(readers) != 1 or name in graph.leaving:
            return graph
        (node,) = readers
        if isinstance(node, Map) and node.steps.rows == 1:
            chain.append(node)
        elif isinstance(node, Reshape) and graph.tensors[node.output].vectors == 1 and chain:
            return _exchanged(graph, entry, chain, node)
        else:
            return graph
        name = node.output


def _exchanged(graph: Graph, entry: str, chain: list[Map], flatten: Reshape) -> Graph:
    tensors = dict(graph.tensors)
    shape = tensors[flatten.output].shape
    flat = f"{flatten.name}_first"
    low, high = reshape_range(tensors[entry], shape)
    tensors[flat] = Tensor(name=flat, shape=shape, low=low, high=high)
    moved: list[Node] = [replace(flatten, input=entry, output=flat)]
    for node in chain:
        # The last map writes what the reshape wrote; the others keep their tensors, flat.
        output = flatten.output if node is chain[-1] else node.output
        moved.append(replace(node, input=moved[-1].output, output=output))
        tensors[output] = _flat(tensors[node.output], output, shape)
    nodes = (*moved, *(node for node in graph.nodes if node not in (*chain, flatten)))
    return retype(replace(graph, nodes=nodes, tensors=tensors), nodes)


def _flat(tensor: Tensor, name: str, shape: tuple[int, ...]) -> Tensor:
    low, high = reshape_range(tensor, shape)
    return replace(tensor, name=name, shape=shape, low=low, high=high)
