# SPDX-License-Identifier: Apache-2.0
"""Take maps apart that no single block can compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tailrace.core.steps import NEVER, Steps
from tailrace.graph import Graph, Map, Node, Tensor, retype

TABLE_BITS_AT_MOST = 12
"""Wider inputs of a map that goes up and down are first reduced to the index of their step."""


def split_maps(graph: Graph) -> Graph:
    """Write a map that rises and falls over a wide input as a rising map to the step's index and a small table."""
    nodes: list[Node] = []
    tensors = dict(graph.tensors)
    for node in graph.nodes:
        tensor = graph.tensors[node.inputs[0]]
        if (
            not isinstance(node, Map)
            or tensor.type.bits <= TABLE_BITS_AT_MOST
            or node.steps.direction().all()
        ):
            nodes.append(node)
            continue
        steps = node.steps
        index = np.tile(np.arange(steps.levels + 1, dtype=np.int64), (steps.rows, 1))
        reached = (steps.breaks != NEVER).sum(axis=1, keepdims=True)
        name = f"{node.name}_index"
        low, high = np.zeros(tensor.channels, np.int64), np.full(tensor.channels, steps.levels, np.int64)
        tensors[name] = Tensor(name=name, shape=tensor.shape, low=low, high=high)
        nodes.append(
            Map(
                name=name,
                input=node.input,
                output=name,
                steps=Steps(steps.breaks, np.minimum(index, reached)),
            )
        )
        breaks = np.where(index[:, 1:] <= reached, index[:, 1:], NEVER)
        nodes.append(replace(node, input=name, steps=Steps(breaks, steps.values)))
    return retype(replace(graph, nodes=tuple(nodes), tensors=tensors), tuple(nodes))
