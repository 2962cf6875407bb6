# SPDX-License-Identifier: Apache-2.0
"""Images as integers: channels last, what they stand for, and padding and windows on them.

Integers of an image have their channels last, (height, width, channels), and a signal over time is an image of height
1; where they stand in the network's tensor is kept as an order (:mod:`tailrace.core.order`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import Order, channels_last, same_order
from tailrace.core.steps import from_table
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.grids import GRID_POINTS_AT_MOST, as_integers
from tailrace.frontend.signals import (
    Exact,
    Signal,
    collapse,
    common_step,
    exact,
    fraction,
    objects,
    placed_exact,
)
from tailrace.graph import Pad, Tensor, Upsample, Window

if TYPE_CHECKING:
    from fractions import Fraction

    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.writer import Writer

Integers = NDArray[np.int64]
Pair = tuple[int, int]

GRID_BITS_AT_MOST = 24
"""Bits that numbers on such a grid may need."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """Integers (height, width, channels) that stand for ``scale * integers + offset``, both () or (channels,)."""

    tensor: Tensor
    scale: Exact
    offset: Exact

    @property
    def channels(self) -> int:
        """The size of the last axis."""
        return self.tensor.channels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel:
    """Where a kernel goes: size, stride and dilation (rows, columns), and padding (top, bottom, left, right)."""

    size: Pair
    stride: Pair
    dilation: Pair
    pads: tuple[int, int, int, int]

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return self.size[0] * self.size[1]

    @property
    def is_point(self) -> bool:
        """Whether a window is the pixel itself."""
        return self.size == (1, 1) and self.stride == (1, 1)


def image_of(
    sheet: Sheet, node: NodeProto, signal: Signal, *, unquantized: bool = False, zero: bool = False
) -> Image | None:
    """Return the integers of an image, channels last; None (and a problem) where the tensor is none.

    ``unquantized`` and ``zero`` are those of :func:`as_integers`.
    """
    shape = signal.shape
    if len(shape) not in (3, 4) or shape[0] != 1:
        sheet.problem(
            node,
            f"its input has the shape {list(shape)}",
            "(1, channels, width) or (1, channels, height, width)",
            "export the network for one image or signal at a time",
        )
        return None
    affine = as_integers(sheet, node, signal, unquantized=unquantized, zero=zero)
    if affine is None:
        return None
    order = channels_last(shape[1:])
    tensor = in_order(sheet, affine, order, image_shape(shape))
    scale = by_channel(placed_exact(objects(affine.scale), order), shape[1])
    offset = by_channel(placed_exact(objects(affine.offset), order), shape[1])
    if scale is None or offset is None:
        _uneven(sheet, node, signal)
        return None
    return Image(tensor=tensor, scale=scale, offset=offset)


def _uneven(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Report whoever made the scale of a layer's input differ from pixel to pixel."""
    maker = sheet.network.makers.get(signal.source.name)
    if maker is not None and maker.op_type == "AveragePool":
        sheet.problem(
            maker,
            f"it divides by fewer pixels at the border, and {node.name} ({sheet.network.operation(node)}) behind it "
            "needs one scale for all pixels",
            "averages that divide by one number: without padding, or with padding that counts",
            "set count_include_pad to 1, or put a quantizer behind it",
        )
        return
    sheet.problem(
        node,
        "the scale of its input differs from pixel to pixel",
        "one scale for the whole tensor, or one per channel",
        "quantize the input of this layer",
    )


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (height, width, channels) of the tensor (1, channels, [height,] width)."""
    return (shape[2] if len(shape) == 4 else 1, shape[-1], shape[1])


def in_order(sheet: Sheet, signal: Signal, order: Order, inner: tuple[int, ...]) -> Tensor:
    """Return the integers of an affine signal in another order, as ``inner``."""
    tensor = signal.source.tensor
    assert tensor is not None  # noqa: S101 - by as_integers
    if same_order(signal.order, order):
        return sheet.reshaped(tensor, inner)
    places = np.arange(signal.size) if order is None else np.argsort(order)
    return sheet.arranged(tensor, places if signal.order is None else signal.order[places], inner)


def by_channel(values: Exact, channels: int) -> Exact | None:
    """Return () or (channels,) for the values of all elements, channels last; None where positions differ."""
    if values.size == 1:
        return values.reshape(())
    table = values.reshape(-1, channels)
    return collapse(objects(table[0])) if (table == table[:1]).all() else None


def finish(sheet: Sheet, node: NodeProto, image: Image, bias: str = "") -> None:
    """Let the output of ``node`` be an image, plus a constant for every channel."""
    name = node.output[0]
    shape = sheet.network.shapes[name]
    offset = image.offset
    if bias:
        offset = collapse(objects(offset + exact(np.broadcast_to(_bias(sheet, bias), image.channels))))
    positions = image.tensor.size // image.channels

    def spread(values: Exact) -> Exact:
        return values if values.size == 1 else np.repeat(values, positions)

    order = channels_last(shape[1:])
    sheet.signals[name] = sheet.new_source(
        sheet.named(image.tensor, name), name, shape, spread(image.scale), spread(offset), order=order
    )


def _bias(sheet: Sheet, name: str) -> NDArray[Any]:
    """Return the constant that a convolution adds: whole numbers as they are, which float32 might round."""
    grid = sheet.network.grids.get(name)
    return grid.integers if grid is not None and (grid.scale == 1).all() else sheet.network.constants[name]


def regrid(sheet: Sheet, node: NodeProto, image: Image) -> Image | None:
    """Put every channel on a grid with zero on it; None (and a problem) where that is impossible."""
    tensor, channels = image.tensor, image.channels
    scale, offset = (np.broadcast_to(v, (channels,)) for v in (image.scale, image.offset))
    steps = [common_step(objects(pair)) for pair in zip(scale, offset, strict=True)]
    points = int((tensor.high - tensor.low).max()) + 1
    factors = [int(s / step) for s, step in zip(scale, steps, strict=True)]
    zeros = [int(o / step) for o, step in zip(offset, steps, strict=True)]
    largest = max(max(abs(f) * points, abs(z)) for f, z in zip(factors, zeros, strict=True))
    if points * channels > GRID_POINTS_AT_MOST or largest >> GRID_BITS_AT_MOST:
        sheet.problem(
            node,
            "zero is not one of the values that its input can have, and it is too fine to put zero among them",
            "an input behind a quantizer of at most 16 bits whose zero point is a whole number",
            "put a quantizer in front of this layer",
        )
        return None
    x = np.minimum(tensor.low + np.arange(points, dtype=np.int64)[:, None], tensor.high)
    table = x * np.array(factors, np.int64) + np.array(zeros, np.int64)
    out = sheet.emit_map(tensor, from_table(tensor.low, tensor.high, table), "")
    return Image(tensor=sheet.reshaped(out, tensor.shape), scale=collapse(objects(steps)), offset=fraction(0))


def with_zero(sheet: Sheet, node: NodeProto, image: Image, value: Fraction) -> tuple[Image, int] | None:
    """Return the image and the integer that stands for ``value`` in all its channels, on another grid if need be."""
    for candidate in (image, None):
        found = candidate or regrid(sheet, node, image)
        if found is None:
            return None
        points = {
            (value - o) / s
            for s, o in zip(
                *(np.broadcast_to(v, (image.channels,)) for v in (found.scale, found.offset)), strict=True
            )
        }
        if len(points) == 1 and (point := points.pop()).denominator == 1:
            return found, int(point)
    sheet.problem(
        node,
        f"it pads with {float(value):g}, which is not on the grid of its input",
        "padding with a value that the quantizer in front can make",
        "pad with 0",
    )
    return None


def padded(sheet: Writer, image: Image, pads: tuple[int, int, int, int], value: int) -> Image:
    """Return an image with rows and columns of ``value`` around it: (top, bottom, left, right)."""
    if not any(pads):
        return image
    height, width, channels = image.tensor.shape
    top, bottom, left, right = pads
    name = sheet.new_name("pad")
    node = Pad(
        name=name,
        input=image.tensor.name,
        output=name,
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        value=value,
    )
    shape = (height + top + bottom, width + left + right, channels)
    return Image(tensor=sheet.emit(node, shape, ""), scale=image.scale, offset=image.offset)


def windowed(sheet: Writer, image: Image, kernel: Kernel, places: Pair) -> Tensor:
    """Return the windows (places..., taps * channels) of an image that is padded already."""
    if kernel.is_point:
        return image.tensor
    name = sheet.new_name("window")
    node = Window(
        name=name,
        input=image.tensor.name,
        output=name,
        kernel=kernel.size,
        stride=kernel.stride,
        dilation=kernel.dilation,
    )
    return sheet.emit(node, (*places, kernel.taps * image.channels), "")


def kernel_of(sheet: Sheet, node: NodeProto, size: tuple[int, ...], places: tuple[int, ...]) -> Kernel:
    """Return the kernel of a node; ``size`` is its own, ``places`` that of the output, both per spatial axis."""
    attributes = Attributes(node)
    shape = sheet.network.shapes[node.input[0]][2:]
    rank = len(shape)
    stride = attributes.integers("strides", [1] * rank)
    dilation = attributes.integers("dilations", [1] * rank)
    pads = attributes.integers("pads", [0] * (2 * rank))
    mode = attributes.text("auto_pad", "NOTSET")
    before, after = [], []
    for axis in range(rank):
        span = (size[axis] - 1) * dilation[axis] + 1
        needed = (places[axis] - 1) * stride[axis] + span - shape[axis]
        if mode.startswith("SAME"):
            first = max(needed, 0) // 2 if mode == "SAME_UPPER" else -(-max(needed, 0) // 2)
        else:
            first = 0 if mode == "VALID" else pads[axis]
        before.append(first)
        after.append(max(needed - first, 0))  # what no window covers is not padded

    def both(values: list[int], one: int) -> Pair:
        return (values[0], values[1]) if rank == 2 else (one, values[0])

    top, left = both(before, 0)
    bottom, right = both(after, 0)
    return Kernel(
        size=both(list(size), 1),
        stride=both(stride, 1),
        dilation=both(dilation, 1),
        pads=(top, bottom, left, right),
    )


def pair(values: tuple[int, ...]) -> Pair:
    """Return (height, width) of the spatial axes of a tensor."""
    return (values[0], values[1]) if len(values) == 2 else (1, values[0])


def count(values: Any) -> int:  # noqa: ANN401 - a shape
    """Return the number of elements of a shape."""
    return int(np.prod(values, dtype=np.int64))


def repeated(sheet: Writer, tensor: Tensor, factor: Pair) -> Tensor:
    """Emit the rows and columns of (height, width, channels) integers several times."""
    if factor == (1, 1):
        return tensor
    height, width, channels = tensor.shape
    name = sheet.new_name("upsample")
    node = Upsample(name=name, input=tensor.name, output=name, factor=factor)
    return sheet.emit(node, (height * factor[0], width * factor[1], channels), "")
