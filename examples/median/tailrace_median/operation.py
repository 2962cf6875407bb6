# SPDX-License-Identifier: Apache-2.0
"""The operation in the integer graph, and what the planner and E1 know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tailrace.extend import Bounds, FoldingRule, MappingError, Operation, SoftwareRule

from tailrace_median.block import Median as MedianBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace.graph import Graph, Range, Shape, Tensor
    from tailrace.planning.layout import Layout
    from tailrace.planning.rules import Wanted

Floats = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Median(Operation):
    """The median of the channels of every position: (..., channels), an odd number, -> (..., 1)."""

    reads = ("input",)
    role = "computes"

    input: str

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (..., 1); ValueError for an even number of channels."""
        (shape,) = shapes
        if shape[-1] % 2 == 0:
            raise ValueError(f"{shape[-1]} channels have no median, wanted an odd number")
        return (*shape[:-1], 1)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of the median, which rises with every channel."""
        return np.median(ins[0].low, keepdims=True).astype(np.int64), np.median(
            ins[0].high, keepdims=True
        ).astype(np.int64)

    def evaluator(self, ins: Sequence[Tensor]) -> Callable[..., np.ndarray]:
        """Return the function from (n, ..., channels) to (n, ..., 1)."""
        middle = ins[0].channels // 2
        return lambda x: np.sort(x, axis=-1)[..., middle, None]

    def row_step(self, axis: int) -> int:
        """Each row of an image makes one."""
        del axis
        return 1


def _channels(graph: Graph, node: Median) -> int:
    return graph.tensors[node.input].channels


def _positions(graph: Graph, node: Median) -> int:
    return graph.tensors[node.input].vectors


def _integers(graph: Graph, node: Median) -> int:
    return graph.tensors[node.input].size


def _whole_vectors(graph: Graph, node: Median, interval: int, wanted: Wanted) -> dict[str, int]:
    """Return the one folding that there is: all channels at a time."""
    del interval
    lanes = _channels(graph, node)
    if wanted.own.get("pe", "auto") not in ("auto", "max", lanes):
        raise MappingError(
            f"pe={wanted.own['pe']} is asked for, but a median needs all {lanes} channels at once",
            where=node.name,
            hint="leave pe out",
        )
    return {"pe": lanes}


FOLDING = FoldingRule(lanes=_channels, work=_integers, least=_positions, choose=_whole_vectors, fed="pe")


def place_median(layout: Layout, node: Median, wire: str) -> str:
    """Place the block, fed with whole vectors."""
    tensor = layout.graph.tensors[node.input]
    wire = layout.with_lanes(node.name, wire, tensor.channels, node.name)
    block = MedianBlock(channels=tensor.channels, type=layout.wires[wire].type, vectors=tensor.vectors)
    wire = layout.place(node, block, wire)
    return layout.cast(f"{node.name}_cast", wire, node.output, node.name)


def _error(graph: Graph, node: Median, own: Floats, bounds: Bounds) -> Floats:
    """Bound the error of the median by the largest error of what it is chosen from."""
    del graph
    return np.broadcast_to(bounds.error(node.input).max(axis=-1, keepdims=True), own.shape)


def _spread(graph: Graph, node: Median, marked: np.ndarray) -> np.ndarray:
    """Mark the median of a position where all its channels are marked."""
    return marked.reshape(len(marked), -1, _channels(graph, node)).all(axis=2)


SOFTWARE = SoftwareRule(error=_error, spread=_spread)
