# SPDX-License-Identifier: Apache-2.0
"""Padding an image, and the windows of a kernel on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.graph.operations.base import Array, Evaluator, Operation, as_samples, image, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.graph.tensors import Range, Shape, Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pad(Operation):
    """Rows and columns of ``value`` around an image (height, width, channels)."""

    reads = ("input",)
    role = "moves"

    input: str
    top: int
    bottom: int
    left: int
    right: int
    value: int = 0

    def __post_init__(self) -> None:
        sides = (self.top, self.bottom, self.left, self.right)
        require(min(sides) >= 0, f"it pads with {sides} rows and columns, wanted none below 0")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the padded image."""
        height, width, channels = image(shapes)
        return height + self.top + self.bottom, width + self.left + self.right, channels

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of the input, the padding included."""
        return np.minimum(ins[0].low, self.value), np.maximum(ins[0].high, self.value)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the padding."""
        sides = ((0, 0), (self.top, self.bottom), (self.left, self.right), (0, 0))
        return lambda x: np.pad(x, sides, constant_values=self.value)

    def mover(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the padding with 0."""
        return replace(self, value=0).evaluator(ins)

    def row_step(self, axis: int) -> int:
        """Return 1: the padding is the same for any image."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window(Operation):
    """The windows of a ``kernel`` (rows, columns) on an image: (height, width, taps * channels), taps row by row."""

    reads = ("input",)
    role = "moves"

    input: str
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        for name, pair in (("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)):
            require(min(pair) >= 1, f"its {name} is {pair}, wanted at least 1")

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def spans(self) -> tuple[int, int]:
        """Rows and columns from the first tap to the last."""
        return (self.kernel[0] - 1) * self.dilation[0] + 1, (self.kernel[1] - 1) * self.dilation[1] + 1

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (rows, columns, taps * channels)."""
        height, width, channels = image(shapes)
        require(
            height >= self.spans[0] and width >= self.spans[1],
            f"its window spans {self.spans} of an image of {height} x {width}",
        )
        rows, columns = (
            (size - span) // stride + 1
            for size, span, stride in zip((height, width), self.spans, self.stride, strict=True)
        )
        return rows, columns, self.taps * channels

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of the input, for every tap."""
        return np.tile(ins[0].low, self.taps), np.tile(ins[0].high, self.taps)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the cut into windows."""
        shape = self.output_shape([ins[0].shape])
        return lambda x: as_samples(self._cut(x), shape)

    def _cut(self, x: Array) -> Array:
        """Return (n, rows, columns, kernel rows, kernel columns, channels) of (n, height, width, channels)."""
        view = np.lib.stride_tricks.sliding_window_view(x, self.spans, axis=(1, 2))
        view = view[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        return np.asarray(np.moveaxis(view, 3, -1))

    def row_step(self, axis: int) -> int:
        """Return the stride."""
        return self.stride[axis]
