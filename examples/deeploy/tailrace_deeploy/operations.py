# SPDX-License-Identifier: Apache-2.0
"""The two operations that no operation of tailrace is: a division by a root, and a softmax of integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tailrace.extend import Bounds, FoldingRule, MappingError, Operation, SoftwareRule

from tailrace_deeploy.formulas import Levels, over_root, softmax

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace.graph import Graph, Range, Shape, Tensor
    from tailrace.planning.layout import Layout

Integers = NDArray[np.int64]
Floats = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerRms(Operation):
    """``(x * weights / root of the mean square) / divisor`` along the channels, rounded down, clipped to ``levels``."""

    reads = ("input",)
    role = "computes"

    input: str
    weights: Integers
    divisor: int
    levels: int

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input; ValueError where the weights do not fit it."""
        (shape,) = shapes
        if self.weights.shape not in ((1,), shape[-1:]):
            raise ValueError(f"it has {len(self.weights)} weights for {shape[-1]} channels")
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the ends of the levels."""
        ends = Levels.of(self.levels, signed=True)
        return tuple(np.full(ins[0].channels, end, np.int64) for end in (ends.low, ends.high))

    def evaluator(self, ins: Sequence[Tensor]) -> Callable[..., np.ndarray]:
        """Return the formula."""
        del ins
        ends = Levels.of(self.levels, signed=True)
        return lambda x: over_root(x, self.weights, self.divisor, ends)

    def row_step(self, axis: int) -> int:
        """Each row of an image makes one."""
        del axis
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerSoftmax(Operation):
    """The softmax of the channels of every position, to ``levels`` integers from 0 on."""

    reads = ("input",)
    role = "computes"

    input: str
    b: int
    c: int
    log2: int
    levels: int

    def __post_init__(self) -> None:
        if self.log2 < 1 or self.levels < 2:
            raise ValueError(f"its log2 is {self.log2} and it has {self.levels} levels")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        (shape,) = shapes
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return 0 and the last level."""
        channels = ins[0].channels
        return np.zeros(channels, np.int64), np.full(channels, self.levels - 1, np.int64)

    def evaluator(self, ins: Sequence[Tensor]) -> Callable[..., np.ndarray]:
        """Return the formula."""
        del ins
        return lambda x: softmax(x, self.b, self.c, self.log2, self.levels)

    def row_step(self, axis: int) -> int:
        """Each row of an image makes one."""
        del axis
        return 1


def place_none(layout: Layout, node: Operation, wire: str) -> str:
    """Say that there is no block yet."""
    del layout, wire
    raise MappingError(
        f"{type(node).__name__} has no hardware yet",
        where=node.name,
        hint="its network runs in Python (graph.predict); a block would be the next step: docs/extend.md",
    )


def _error(graph: Graph, node: Operation, own: Floats, bounds: Bounds) -> Floats:
    """Its integers are made anew: what the software holds of them is off by one rounding at most."""
    del graph, node, bounds
    return 2.0**-23 * (own + 1)


def _spread(graph: Graph, node: Operation, marked: np.ndarray) -> np.ndarray:
    """Mark a position where all its channels are marked."""
    channels = graph.tensors[node.output].channels
    return np.repeat(marked.reshape(len(marked), -1, channels).all(axis=2), channels, axis=1)


FOLDING = FoldingRule()
SOFTWARE = SoftwareRule(error=_error, spread=_spread, is_quantizer=True)
