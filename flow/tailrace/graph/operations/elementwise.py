# SPDX-License-Identifier: Apache-2.0
"""Element by element: functions of one integer, sums and products of two tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.steps import Steps, tabulate
from tailrace.graph.operations.base import Array, Evaluator, Operation, as_samples, only, require, same
from tailrace.graph.tensors import Integers, Range, Shape, Tensor, narrow

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Map(Operation):
    """``y = steps(x)``, channel by channel: the tail between an accumulator and the next quantizer."""

    reads = ("input",)
    role = "computes"

    input: str
    steps: Steps

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        shape, rows = only(shapes), self.steps.rows
        require(rows in (1, shape[-1]), f"it has {rows} functions for {shape[-1]} channels")
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the least and the greatest value of the steps that are reached."""
        (x,) = ins
        rows = [_reached(self.steps, c, int(x.low[c]), int(x.high[c])) for c in range(x.channels)]
        return np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], np.int64)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return a table of the function where it is small, else a search."""
        (x,) = ins
        function = tabulate(self.steps, int(x.low.min()), int(x.high.max()))
        return lambda values: as_samples(function(values.reshape(-1, x.channels)), x.shape)

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bias(Operation):
    """``y = x + values``, one integer per channel."""

    reads = ("input",)
    role = "computes"

    input: str
    values: Integers

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        shape = only(shapes)
        require(
            self.values.shape == shape[-1:], f"it has {self.values.shape} values for {shape[-1]} channels"
        )
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return both ends, moved."""
        return ins[0].low + self.values, ins[0].high + self.values

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the sum."""
        return lambda x: x + self.values

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine(Operation):
    """``y = clip(factors * x + bias, low, high)``, a factor and a bias per channel; None clips nothing."""

    reads = ("input",)
    role = "computes"

    input: str
    factors: Integers
    bias: Integers
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        require(
            self.factors.ndim == 1 and self.bias.shape == self.factors.shape,
            f"factors of shape {self.factors.shape} and a bias of shape {self.bias.shape}",
        )
        require(
            self.low is None or self.high is None or self.low <= self.high,
            f"it clips to {self.low}..{self.high}",
        )

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        shape = only(shapes)
        require(
            self.factors.shape == shape[-1:], f"it has {len(self.factors)} factors for {shape[-1]} channels"
        )
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return both ends, scaled, moved and clipped."""
        factors, bias = self.factors.astype(object), self.bias.astype(object)
        ends = [factors * end.astype(object) + bias for end in (ins[0].low, ins[0].high)]
        low, high = (self._clipped(choose(*ends)) for choose in (np.minimum, np.maximum))
        return narrow(low, self.name), narrow(high, self.name)

    def _clipped(self, values: Array) -> Array:
        values = values if self.low is None else np.maximum(values, self.low)
        return values if self.high is None else np.minimum(values, self.high)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the scaled, moved and clipped values."""
        return lambda x: self._clipped(self.factors * x + self.bias)

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Add(Operation):
    """``y = a_factor * a + b_factor * b``, element by element."""

    reads = ("a", "b")
    role = "computes"

    a: str
    b: str
    a_factor: int = 1
    b_factor: int = 1

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of both inputs."""
        return same(shapes)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the sums of the ends of both terms; a factor has the bits of a value at most."""
        narrow(np.array([self.a_factor, self.b_factor], object), self.name)
        ends = [
            [f * v for v in (t.low.astype(object), t.high.astype(object))]
            for f, t in ((self.a_factor, ins[0]), (self.b_factor, ins[1]))
        ]
        low = sum(np.minimum(*e) for e in ends)
        high = sum(np.maximum(*e) for e in ends)
        return narrow(low, self.name), narrow(high, self.name)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the weighted sum."""
        return lambda a, b: self.a_factor * a + self.b_factor * b

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multiply(Operation):
    """``y = a * b``, element by element."""

    reads = ("a", "b")
    role = "computes"

    a: str
    b: str

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of both inputs."""
        return same(shapes)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the least and the greatest product of two ends; a square is never negative."""
        a, b = ins
        products = [p.astype(object) * q for p in (a.low, a.high) for q in (b.low, b.high)]
        low, high = np.minimum.reduce(products), np.maximum.reduce(products)
        if self.a == self.b:
            low = np.where((a.low <= 0) & (a.high >= 0), 0, np.minimum(products[0], products[3]))
        return narrow(low, self.name), narrow(high, self.name)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the product."""
        return lambda a, b: a * b

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


def _reached(steps: Steps, channel: int, low: int, high: int) -> tuple[int, int]:
    row = 0 if steps.rows == 1 else channel
    start = int(np.searchsorted(steps.breaks[row], low, side="right"))
    stop = int(np.searchsorted(steps.breaks[row], high, side="right"))
    values = steps.values[row, start : stop + 1]
    return int(values.min()), int(values.max())
