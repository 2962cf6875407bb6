# SPDX-License-Identifier: Apache-2.0
"""Give every dense layer in front of a map the bias that costs nothing in hardware."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.steps import shift_input
from tailrace.graph import Dense, Graph, Map, retype

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_binary(graph: Graph, dense: Dense) -> bool:
    """Say whether the layer multiplies bits by +1 and -1, so that xnor and popcount compute it."""
    tensor = graph.tensors[dense.input]
    return (
        bool((np.abs(dense.weights) == 1).all())
        and int(tensor.low.min()) >= 0
        and int(tensor.high.max()) <= 1
    )


def free_bias(graph: Graph, dense: Dense) -> NDArray[np.int64]:
    """Return the bias (rows,) that the layer's block adds for nothing.

    Zero, but for a binary layer: a popcount of ``weight xnor bit`` is ``w @ x`` plus the number of -1 weights.
    """
    if is_binary(graph, dense):
        return np.asarray((dense.weights < 0).sum(axis=1), np.int64)
    return np.zeros(len(dense.weights), np.int64)


def absorb_bias(graph: Graph) -> Graph:
    """Shift the input of each map so that the dense layer before it has its free bias."""
    nodes = list(graph.nodes)
    tensors = dict(graph.tensors)
    for index, node in enumerate(graph.nodes):
        if not isinstance(node, Map):
            continue
        dense = graph.producer(node.input)
        if (
            not isinstance(dense, Dense)
            or len(graph.consumers(dense.output)) > 1
            or dense.output in graph.leaving
        ):
            continue
        delta = free_bias(graph, dense) - dense.bias
        if not delta.any():
            continue
        nodes[index] = replace(node, steps=shift_input(node.steps, delta))
        nodes[nodes.index(dense)] = replace(dense, bias=dense.bias + delta)
        tensor = tensors[dense.output]
        tensors[dense.output] = replace(tensor, low=tensor.low + delta, high=tensor.high + delta, origin="")
    return retype(replace(graph, nodes=tuple(nodes), tensors=tensors), tuple(nodes))
