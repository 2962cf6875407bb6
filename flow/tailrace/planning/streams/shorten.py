# SPDX-License-Identifier: Apache-2.0
"""A graph for images with fewer rows: its schedule is that of the whole image with most of the rows left out.

Schedules of image networks repeat themselves row by row, so what a FIFO has to hold shows in a few rows already.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from tailrace.graph import (
    Graph,
    Pad,
    Permute,
    Reshape,
    Shuffle,
    Tensor,
    Upsample,
    Window,
    image_shape,
)

if TYPE_CHECKING:
    from tailrace.graph import Node

LEAST_ROWS = 4
"""Of every tensor in the shorter graph."""


def shortened(graph: Graph, divisor: int) -> Graph | None:
    """Return the graph for about 1 / ``divisor`` of the rows (a signal: of its length), or None.

    As many rows are left out as make a whole number of rows in every tensor. Tensors keep their ranges; the result
    is for schedules alone, it has no meaning for the host.
    """
    shape = graph.tensors[graph.input].shape
    if len(shape) != 3:  # height, width, channels
        return None
    axis = 0 if shape[0] > 1 else 1
    step = prod(_step(node, axis) for node in graph.nodes)
    left_out = (shape[axis] - shape[axis] // divisor) // step * step
    if left_out <= 0:
        return None
    tensors = {graph.input: _with_rows(graph.tensors[graph.input], axis, shape[axis] - left_out)}
    for node in graph.nodes:
        found = _output_shape(graph, node, tensors, axis)
        if found is None or (len(found) == len(shape) and found[axis] < LEAST_ROWS):
            return None
        tensors[node.output] = replace(graph.tensors[node.output], shape=found)
    try:
        return replace(graph, tensors=tensors, reference=None)
    except ValueError:  # two branches that are not shortened alike
        return None


def _step(node: Node, axis: int) -> int:
    """Return the rows before a node that make a row behind it."""
    match node:
        case Window():
            return node.stride[axis]
        case Shuffle(mode="space_to_depth"):
            return node.block
    return 1


def _with_rows(tensor: Tensor, axis: int, rows: int) -> Tensor:
    shape = list(tensor.shape)
    shape[axis] = rows
    return replace(tensor, shape=tuple(shape))


def _output_shape(graph: Graph, node: Node, tensors: dict[str, Tensor], axis: int) -> tuple[int, ...] | None:
    whole, before = graph.tensors[node.output].shape, tensors[node.inputs[0]]
    match node:
        case Pad() | Window() | Upsample() | Shuffle():
            return image_shape(node, before.shape)
        case Permute():
            return None
        case Reshape():
            return _recounted(whole, graph.tensors[node.inputs[0]], before, axis)
    return (*before.shape[:-1], whole[-1])


def _recounted(whole: tuple[int, ...], was: Tensor, before: Tensor, axis: int) -> tuple[int, ...] | None:
    """Return the shape behind a reshape that counts the positions in another way; None where rows become channels."""
    if whole[-1] != was.channels:
        return None
    match whole:
        case _ if whole == was.shape:
            return before.shape
        case (_, channels):
            return before.vectors, channels
        case (height, width, channels):
            rows, left = divmod(before.vectors, width if axis == 0 else height)
            return None if left else ((rows, width, channels) if axis == 0 else (height, rows, channels))
    return None
