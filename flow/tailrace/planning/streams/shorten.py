# SPDX-License-Identifier: Apache-2.0
"""A graph for images with fewer rows: its schedule is that of the whole image with most of the rows left out.

Schedules of image networks repeat themselves row by row, so what a FIFO has to hold shows in a few rows already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.graph import Graph, Node, Tensor

LEAST_ROWS = 4
"""Of every tensor in the shorter graph."""


def shortened(graph: Graph, divisor: int) -> Graph | None:
    """Return the graph for about 1 / ``divisor`` of the rows (a signal: of its length), or None.

    As many rows are left out as make a whole number of rows in every tensor. Tensors keep their ranges; the result
    is for schedules alone, it has no meaning for the host.
    """
    shape = graph.tensors[graph.inputs[0]].shape
    if len(graph.inputs) > 1 or len(shape) != 3:  # height, width, channels
        return None
    axis = 0 if shape[0] > 1 else 1
    step = 1
    for node in graph.nodes:
        own = node.row_step(axis)
        if own is None:
            return None
        step *= own
    left_out = (shape[axis] - shape[axis] // divisor) // step * step
    if left_out <= 0:
        return None
    tensors = {graph.input: _with_rows(graph.tensors[graph.input], axis, shape[axis] - left_out)}
    nodes: list[Node] = []
    try:
        for node in graph.nodes:
            short = [tensors[name].shape for name in node.inputs]
            found = node.on_rows([graph.tensors[name].shape for name in node.inputs], short, axis)
            if found is None:
                return None
            out = found.output_shape(short)
            if len(out) == len(shape) and out[axis] < LEAST_ROWS:
                return None
            nodes.append(found)
            tensors[node.output] = replace(graph.tensors[node.output], shape=out)
        return replace(graph, nodes=tuple(nodes), tensors=tensors, reference=None)
    except (
        ValueError
    ):  # two branches that are not shortened alike, or a window that is longer than what is left
        return None


def _with_rows(tensor: Tensor, axis: int, rows: int) -> Tensor:
    shape = list(tensor.shape)
    shape[axis] = rows
    return replace(tensor, shape=tuple(shape))
