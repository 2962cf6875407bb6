# SPDX-License-Identifier: Apache-2.0
"""What changes no integer: another shape, another order, some of them, more of the same, two tensors as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailrace.graph.operations.base import (
    Array,
    Evaluator,
    Operation,
    as_samples,
    image,
    only,
    positions,
    require,
)
from tailrace.graph.tensors import Integers, Range, Shape, Tensor, range_of_elements, reshape_range

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reshape(Operation):
    """The same integers in the same order under another ``shape``; costs nothing in hardware."""

    reads = ("input",)
    role = "free"

    input: str
    shape: Shape

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return its own shape."""
        size = prod(only(shapes))
        require(prod(self.shape) == size, f"{size} integers do not fit the shape {self.shape}")
        return self.shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of what becomes each channel."""
        return reshape_range(ins[0], self.shape)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the same under the other shape."""
        return lambda x: as_samples(x, self.shape)

    def row_step(self, axis: int) -> int:
        """Return 1: nothing moves."""
        return 1

    def on_rows(self, whole: Sequence[Shape], short: Sequence[Shape], axis: int) -> Reshape | None:
        """Return the reshape that counts the positions of the shorter image; None where rows become channels."""
        was, now = only(whole), only(short)
        if self.shape[-1] != was[-1]:
            return None
        match self.shape:
            case _ if self.shape == was:
                return replace(self, shape=now)
            case (_, channels):
                return replace(self, shape=(positions(now), channels))
            case (height, width, channels):
                rows, left = divmod(positions(now), width if axis == 0 else height)
                shape = (rows, width, channels) if axis == 0 else (height, rows, channels)
                return None if left else replace(self, shape=shape)
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Permute(Operation):
    """``y = x[order]`` on the flattened sample, then ``shape``; ``order`` is (size,), each place once."""

    reads = ("input",)
    role = "moves"

    input: str
    order: Integers
    shape: Shape

    def __post_init__(self) -> None:
        whole = np.array_equal(np.sort(self.order), np.arange(self.order.size))
        require(self.order.ndim == 1 and whole, f"its order of {self.order.size} names a place twice or none")
        require(
            prod(self.shape) == self.order.size,
            f"{self.order.size} integers do not fit the shape {self.shape}",
        )

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return its own shape."""
        size = prod(only(shapes))
        require(size == self.order.size, f"it orders {self.order.size} integers, its input has {size}")
        return self.shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of what becomes each channel."""
        low, high = (end.reshape(-1)[self.order] for end in ins[0].ends())
        return range_of_elements(low, high, self.shape[-1])

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the exchange of places."""
        return lambda x: as_samples(as_samples(x, self.order.shape)[:, self.order], self.shape)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Upsample(Operation):
    """Every row of an image ``factor[0]`` times, every pixel of it ``factor[1]`` times."""

    reads = ("input",)
    role = "moves"

    input: str
    factor: tuple[int, int]

    def __post_init__(self) -> None:
        require(min(self.factor) >= 1, f"its factor is {self.factor}, wanted at least 1")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the larger image."""
        height, width, channels = image(shapes)
        return height * self.factor[0], width * self.factor[1], channels

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of the input."""
        return ins[0].low, ins[0].high

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the repetition."""
        return lambda x: x.repeat(self.factor[0], axis=1).repeat(self.factor[1], axis=2)

    def row_step(self, axis: int) -> int:
        """Return 1: every row makes whole rows."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shuffle(Operation):
    """Channels to pixels (``dcr``, ``crd``) or pixels to channels, as ONNX DepthToSpace and SpaceToDepth do."""

    reads = ("input",)
    role = "moves"

    input: str
    block: int
    mode: Literal["dcr", "crd", "space_to_depth"]

    def __post_init__(self) -> None:
        require(self.block >= 1, f"its block is {self.block}, wanted at least 1")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the image with more or with fewer pixels."""
        height, width, channels = image(shapes)
        b = self.block
        if self.mode == "space_to_depth":
            require(not height % b and not width % b, f"{height} x {width} pixels are no blocks of {b} x {b}")
            return height // b, width // b, channels * b**2
        require(not channels % b**2, f"{channels} channels are no blocks of {b} x {b} pixels")
        return height * b, width * b, channels // b**2

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of the input for every pixel of a block, or that of all channels that become one."""
        (x,), pixels = ins, self.block**2
        if self.mode == "space_to_depth":
            return np.tile(x.low, pixels), np.tile(x.high, pixels)
        order, axis = ((-1, pixels), 1) if self.mode == "crd" else ((pixels, -1), 0)
        return x.low.reshape(order).min(axis=axis), x.high.reshape(order).max(axis=axis)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the exchange of pixels and channels."""
        return self._moved

    def _moved(self, x: Array) -> Array:
        n, height, width, channels = x.shape
        b, (rows, columns, out) = self.block, self.output_shape([x.shape[1:]])
        match self.mode:
            case "space_to_depth":
                pixels = x.reshape(n, rows, b, columns, b, channels).transpose(0, 1, 3, 2, 4, 5)
            case "dcr":
                pixels = x.reshape(n, height, width, b, b, out).transpose(0, 1, 3, 2, 4, 5)
            case "crd":
                pixels = x.reshape(n, height, width, out, b, b).transpose(0, 1, 4, 2, 5, 3)
        return pixels.reshape(n, rows, columns, out)

    def row_step(self, axis: int) -> int:
        """Return the rows of a block where they become channels."""
        return self.block if self.mode == "space_to_depth" else 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concat(Operation):
    """At every position the channels of ``a``, then those of ``b``."""

    reads = ("a", "b")
    role = "moves"

    a: str
    b: str

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions..., channels of both)."""
        a, b = shapes
        require(a[:-1] == b[:-1], f"its inputs have the shapes {a} and {b}, wanted the same positions")
        return (*a[:-1], a[-1] + b[-1])

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return both ranges, one behind the other."""
        return np.concatenate([t.low for t in ins]), np.concatenate([t.high for t in ins])

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return both, one behind the other."""
        return lambda a, b: np.concatenate([a, b], axis=-1)

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice(Operation):
    """At every position the channels ``start`` to ``stop - 1``."""

    reads = ("input",)
    role = "moves"

    input: str
    start: int
    stop: int

    def __post_init__(self) -> None:
        require(0 <= self.start < self.stop, f"channels {self.start} to {self.stop - 1} are none")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions..., channels kept)."""
        shape = only(shapes)
        require(self.stop <= shape[-1], f"it keeps channels up to {self.stop - 1} of {shape[-1]}")
        return (*shape[:-1], self.stop - self.start)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the range of the channels kept."""
        return ins[0].low[self.start : self.stop], ins[0].high[self.start : self.stop]

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the channels kept."""
        return lambda x: x[..., self.start : self.stop]

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1
