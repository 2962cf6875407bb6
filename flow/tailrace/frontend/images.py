# SPDX-License-Identifier: Apache-2.0
"""Convolution, pooling and what moves parts of images, as nodes of the integer graph.

Integers of an image have their channels last, (height, width, channels), and a signal over time is an image of height
1; where they stand in the network's tensor is kept as an order (:mod:`tailrace.order`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.frontend.model import run_node
from tailrace.frontend.parameters import attributes_of
from tailrace.frontend.signals import (
    Exact,
    Signal,
    collapse,
    common_step,
    exact,
    fraction,
    placed_exact,
)
from tailrace.graph import Concat, Depthwise, Pad, Pool, Slice, Tensor, Upsample, Window
from tailrace.order import Order, channels_last, plain, same_order
from tailrace.steps import from_table

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.importer import Importer

Array = NDArray[Any]
Integers = NDArray[np.int64]
Pair = tuple[int, int]

GRID_POINTS_AT_MOST = 1 << 20
"""Points of a map that puts the channels of an image on a grid."""


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


def visit(importer: Importer, node: NodeProto, ins: list[Signal]) -> None:
    """Map one operation on images; what cannot be mapped becomes a problem of the importer."""
    match node.op_type:
        case "Conv":
            _conv(importer, node, ins[0])
        case "ConvTranspose":
            _conv_transpose(importer, node, ins[0])
        case "MaxPool" | "AveragePool":
            _pool(importer, node, ins[0])
        case "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceSum" | "ReduceMax":
            _reduce(importer, node, ins[0])
        case "Resize" | "Upsample":
            _resize(importer, node, ins[0])
        case "Concat":
            _concat(importer, node, ins)
        case "Split" | "Slice":
            _slice(importer, node, ins[0])
        case "Pad":
            _pad_node(importer, node, ins[0])


# --- images and what they stand for --------------------------------------------------------------------------------


def _image(importer: Importer, node: NodeProto, signal: Signal) -> Image | None:
    """Return the integers of an image, channels last; None (and a problem) where the tensor is none."""
    shape = signal.shape
    if len(shape) not in (3, 4) or shape[0] != 1:
        importer.problem(
            node,
            f"its input has the shape {list(shape)}",
            "(1, channels, width) or (1, channels, height, width)",
            "export the network for one image or signal at a time",
        )
        return None
    affine = importer.as_integers(node, signal)
    if affine is None:
        return None
    order = channels_last(shape[1:])
    tensor = _in_order(importer, affine, order, _inner(shape))
    scale = _by_channel(placed_exact(_o(affine.scale), order), shape[1])
    offset = _by_channel(placed_exact(_o(affine.offset), order), shape[1])
    if scale is None or offset is None:
        importer.problem(
            node,
            "the scale of its input differs from pixel to pixel",
            "one scale for the whole tensor, or one per channel",
            "quantize the input of this layer",
        )
        return None
    return Image(tensor=tensor, scale=scale, offset=offset)


def _inner(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (height, width, channels) of the tensor (1, channels, [height,] width)."""
    return (shape[2] if len(shape) == 4 else 1, shape[-1], shape[1])


def _in_order(importer: Importer, signal: Signal, order: Order, inner: tuple[int, ...]) -> Tensor:
    """Return the integers of an affine signal in another order, as ``inner``."""
    tensor = signal.source.tensor
    assert tensor is not None  # noqa: S101 - by as_integers
    if same_order(signal.order, order):
        return importer.reshaped(tensor, inner)
    places = np.arange(signal.size) if order is None else np.argsort(order)
    return importer.arranged(tensor, places if signal.order is None else signal.order[places], inner)


def _by_channel(values: Exact, channels: int) -> Exact | None:
    """Return () or (channels,) for the values of all elements, channels last; None where positions differ."""
    if values.size == 1:
        return values.reshape(())
    table = values.reshape(-1, channels)
    return collapse(_o(table[0])) if (table == table[:1]).all() else None


def _finish(importer: Importer, node: NodeProto, image: Image, bias: str = "") -> None:
    """Let the output of ``node`` be an image, plus a constant for every channel."""
    name = node.output[0]
    shape = importer.network.shapes[name]
    offset = image.offset
    if bias:
        offset = collapse(
            _o(offset + exact(np.broadcast_to(importer.network.constants[bias], image.channels)))
        )
    positions = image.tensor.size // image.channels

    def spread(values: Exact) -> Exact:
        return values if values.size == 1 else np.repeat(values, positions)

    order = channels_last(shape[1:])
    importer.signals[name] = importer.new_source(
        image.tensor, name, shape, spread(image.scale), spread(offset), order
    )


def _regrid(importer: Importer, node: NodeProto, image: Image, *, with_offset: bool) -> Image | None:
    """Put every channel on a grid with a positive step, and with zero on it if ``with_offset``; None (a problem)."""
    tensor, channels = image.tensor, image.channels
    scale, offset = (np.broadcast_to(v, (channels,)) for v in (image.scale, image.offset))
    pairs = zip(scale, offset if with_offset else np.zeros(channels, object), strict=True)
    steps = [common_step(_o(pair)) for pair in pairs]
    points = int((tensor.high - tensor.low).max()) + 1
    x = np.minimum(tensor.low + np.arange(points, dtype=np.int64)[:, None], tensor.high)
    factors = [int(s / step) for s, step in zip(scale, steps, strict=True)]
    zeros = [int(o / step) if with_offset else 0 for o, step in zip(offset, steps, strict=True)]
    largest = max(max(abs(f) * points, abs(z)) for f, z in zip(factors, zeros, strict=True))
    if points * channels > GRID_POINTS_AT_MOST or largest >> 24:
        importer.problem(
            node,
            "zero is not one of the values that its input can have, and there are too many to change them all"
            if with_offset
            else f"some channels of its input have a negative scale, and {points} values",
            "an input behind a quantizer of at most 16 bits",
            "put a quantizer in front of this layer",
        )
        return None
    table = x * np.array(factors, np.int64) + np.array(zeros, np.int64)
    out = importer.emit_map(tensor, from_table(tensor.low, tensor.high, table), "")
    return Image(
        tensor=importer.reshaped(out, tensor.shape),
        scale=collapse(_o(steps)),
        offset=fraction(0) if with_offset else image.offset,
    )


def _with_zero(
    importer: Importer, node: NodeProto, image: Image, value: Fraction
) -> tuple[Image, int] | None:
    """Return the image and the integer that stands for ``value`` in all its channels, on another grid if need be."""
    for candidate in (image, None):
        found = candidate or _regrid(importer, node, image, with_offset=True)
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
    importer.problem(
        node,
        f"it pads with {float(value):g}, which is not on the grid of its input",
        "padding with a value that the quantizer in front can make",
        "pad with 0",
    )
    return None


def _padded(importer: Importer, image: Image, pads: tuple[int, int, int, int], value: int) -> Image:
    if not any(pads):
        return image
    height, width, channels = image.tensor.shape
    top, bottom, left, right = pads
    name = importer.new_name("pad")
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
    return Image(tensor=importer.emit(node, shape, ""), scale=image.scale, offset=image.offset)


def _windowed(importer: Importer, image: Image, kernel: Kernel, places: Pair) -> Tensor:
    """Return the windows (places..., taps * channels) of an image that is padded already."""
    if kernel.is_point:
        return image.tensor
    name = importer.new_name("window")
    node = Window(
        name=name,
        input=image.tensor.name,
        output=name,
        kernel=kernel.size,
        stride=kernel.stride,
        dilation=kernel.dilation,
    )
    return importer.emit(node, (*places, kernel.taps * image.channels), "")


def _kernel(importer: Importer, node: NodeProto, size: tuple[int, ...], places: tuple[int, ...]) -> Kernel:
    """Return the kernel of a node; ``size`` is its own, ``places`` that of the output, both per spatial axis."""
    attributes = attributes_of(node)
    shape = importer.network.shapes[node.input[0]][2:]
    rank = len(shape)
    stride = list(attributes.get("strides", [1] * rank))
    dilation = list(attributes.get("dilations", [1] * rank))
    pads = list(attributes.get("pads", [0] * (2 * rank)))
    mode = attributes.get("auto_pad", b"NOTSET").decode()
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

    def pair(values: list[int], one: int) -> Pair:
        return (values[0], values[1]) if rank == 2 else (one, values[0])

    top, left = pair(before, 0)
    bottom, right = pair(after, 0)
    return Kernel(
        size=pair(list(size), 1),
        stride=pair(stride, 1),
        dilation=pair(dilation, 1),
        pads=(top, bottom, left, right),
    )


def _pair(values: tuple[int, ...]) -> Pair:
    """Return (height, width) of the spatial axes of a tensor."""
    return (values[0], values[1]) if len(values) == 2 else (1, values[0])


# --- convolution ---------------------------------------------------------------------------------------------------


def _weights(importer: Importer, node: NodeProto) -> tuple[Integers, Exact] | None:
    """Return (rows, columns, kernel rows, kernel columns) integers and their scale, of the same shape or ()."""
    name = node.input[1]
    if name not in importer.network.constants:
        importer.problem(
            node,
            "its weights depend on the network's input",
            "constant weights",
            "dynamic convolutions cannot be mapped",
        )
        return None
    found = importer.integer_weights(name)
    if found is None:
        importer.float_weights(node, name)
        return None
    integers, scale = found
    full = np.broadcast_to(scale, integers.shape) if scale.size > 1 else scale.reshape(())
    if integers.ndim == 3:
        integers, full = integers[:, :, None], full[:, :, None] if full.size > 1 else full
    return integers, full


def _conv(importer: Importer, node: NodeProto, signal: Signal) -> None:
    found = _weights(importer, node)
    image = _image(importer, node, signal)
    if found is None or image is None:
        return
    weights, scale = found
    shape = importer.network.shapes[node.output[0]]
    rank = len(shape) - 2
    kernel = _kernel(importer, node, weights.shape[-rank:], shape[2:])
    groups = int(attributes_of(node).get("group", 1))
    if any(kernel.pads):
        zeroed = _with_zero(importer, node, image, Fraction(0))
        if zeroed is None:
            return
        image = _padded(importer, zeroed[0], kernel.pads, zeroed[1])
    bias = node.input[2] if len(node.input) > 2 and node.input[2] else ""
    if bias and bias not in importer.network.constants:
        importer.problem(node, "its bias depends on the network's input", "a constant bias", "export it anew")
        return
    moved = (0, 2, 3, 1)
    weights, scale = weights.transpose(moved), scale.transpose(moved) if scale.size > 1 else scale
    origin = "" if groups > 1 and not _is_depthwise(image, weights, groups) else node.output[0]
    out = _convolve(importer, image, weights, scale, kernel, _pair(shape[2:]), groups, origin)
    _finish(importer, node, out, bias)


def _is_depthwise(image: Image, weights: Array, groups: int) -> bool:
    return groups == image.channels and groups > 1 and len(weights) % groups == 0


def _convolve(
    importer: Importer,
    image: Image,
    weights: Integers,
    scale: Exact,
    kernel: Kernel,
    places: Pair,
    groups: int,
    origin: str,
) -> Image:
    """Emit the convolution of a padded image with (rows, kernel rows, kernel columns, columns) weights."""
    if _is_depthwise(image, weights, groups):
        return _depthwise(
            importer,
            _repeated(importer, image, len(weights) // groups),
            weights,
            scale,
            kernel,
            places,
            origin,
        )
    rows, columns = len(weights) // groups, image.channels // groups
    parts = []
    for group in range(groups):
        part = image
        if groups > 1:
            part = _channels(importer, image, group * columns, (group + 1) * columns)
        own = slice(group * rows, (group + 1) * rows)
        matrix = weights[own].reshape(rows, -1).T
        steps = scale[own].reshape(rows, -1).T if scale.size > 1 else scale
        affine = tuple(v if v.size == 1 else np.tile(v, kernel.taps) for v in (part.scale, part.offset))
        tensor = _windowed(importer, part, kernel, places)
        out, step, offset = importer.emit_product(tensor, (affine[0], affine[1]), matrix, steps, origin)
        parts.append(Image(tensor=out, scale=step, offset=offset))
    return _joined(importer, parts, origin)


def _channels(importer: Importer, image: Image, start: int, stop: int) -> Image:
    """Emit a range of the channels of an image."""
    name = importer.new_name("slice")
    node = Slice(name=name, input=image.tensor.name, output=name, start=start, stop=stop)
    part = [v if v.size == 1 else collapse(_o(v[start:stop])) for v in (image.scale, image.offset)]
    tensor = importer.emit(node, (*image.tensor.shape[:-1], stop - start), "")
    return Image(tensor=tensor, scale=part[0], offset=part[1])


def _joined(importer: Importer, parts: list[Image], origin: str) -> Image:
    """Emit the channels of several images as one image."""
    whole = parts[0]
    for index, part in enumerate(parts[1:], 2):
        name = importer.new_name("concat")
        node = Concat(name=name, a=whole.tensor.name, b=part.tensor.name, output=name)
        channels = whole.channels + part.channels
        tensor = importer.emit(
            node, (*whole.tensor.shape[:-1], channels), origin if index == len(parts) else ""
        )
        ends = [
            collapse(_o(np.concatenate([np.broadcast_to(v, (n,)) for v, n in both])))
            for both in (
                ((whole.scale, whole.channels), (part.scale, part.channels)),
                ((whole.offset, whole.channels), (part.offset, part.channels)),
            )
        ]
        whole = Image(tensor=tensor, scale=ends[0], offset=ends[1])
    return whole


def _repeated(importer: Importer, image: Image, times: int) -> Image:
    """Emit every channel of an image several times, one beside the other."""
    if times == 1:
        return image
    height, width, channels = image.tensor.shape
    tensor = importer.reshaped(image.tensor, (height * width, channels, 1))
    name = importer.new_name("upsample")
    node = Upsample(name=name, input=tensor.name, output=name, factor=(1, times))
    tensor = importer.emit(node, (height * width, channels * times, 1), "")
    ends = [v if v.size == 1 else np.repeat(v, times) for v in (image.scale, image.offset)]
    return Image(
        tensor=importer.reshaped(tensor, (height, width, channels * times)), scale=ends[0], offset=ends[1]
    )


def _depthwise(
    importer: Importer,
    image: Image,
    weights: Integers,
    scale: Exact,
    kernel: Kernel,
    places: Pair,
    origin: str,
) -> Image:
    """Emit one kernel for every channel; weights are (channels, kernel rows, kernel columns, 1)."""
    channels = image.channels
    integers = weights.reshape(channels, -1)
    x_scale, x_offset = (np.broadcast_to(v, (channels,)) for v in (image.scale, image.offset))
    full = np.broadcast_to(scale if scale.size == 1 else scale.reshape(channels, -1), integers.shape)
    product = full * x_scale[:, None]
    steps = _o([common_step(_o(row)) for row in product])
    factors = np.array([[int(v) for v in row] for row in product / steps[:, None]], np.int64)
    offset = _o((integers.astype(object) * full).sum(axis=1) * x_offset)
    name = importer.new_name("depthwise")
    node = Depthwise(
        name=name,
        input=_windowed(importer, image, kernel, places).name,
        output=name,
        weights=integers * factors,
        bias=np.zeros(channels, np.int64),
    )
    tensor = importer.emit(node, (*places, channels), origin)
    return Image(tensor=tensor, scale=collapse(steps), offset=collapse(offset))


def _conv_transpose(importer: Importer, node: NodeProto, signal: Signal) -> None:
    """Map a transposed convolution: a convolution gives each pixel of a block its channels, which become pixels.

    Output pixel ``i * stride + phase - pad`` sees the weights ``phase, phase + stride, ...`` only.
    """
    found = _weights(importer, node)
    image = _image(importer, node, signal)
    if found is None or image is None:
        return
    weights, scale = found
    network, attributes = importer.network, attributes_of(node)
    shape = network.shapes[node.output[0]]
    rank = len(shape) - 2
    groups = int(attributes.get("group", 1))
    stride = _pair(tuple(attributes.get("strides", [1] * rank)))
    dilation = _pair(tuple(attributes.get("dilations", [1] * rank)))
    full = np.broadcast_to(scale, weights.shape) if scale.size > 1 else scale
    rows = weights.shape[1]
    taps = [-(-((weights.shape[2 + a] - 1) * dilation[a] + 1) // stride[a]) for a in range(2)]
    begin = _first_pixels(node, network.shapes[node.input[0]][2:], shape[2:], weights.shape[-rank:])
    first = [begin[a] // stride[a] for a in range(2)]  # the block of the first output pixel
    blocks = [-(-(begin[a] + _pair(shape[2:])[a]) // stride[a]) - first[a] for a in range(2)]
    # Zero weights fill what dilation and a stride that does not divide the kernel leave open.
    spread = [t * s for t, s in zip(taps, stride, strict=True)]
    filled = np.zeros((*weights.shape[:2], *spread), np.int64)
    filled[:, :, : (weights.shape[2] - 1) * dilation[0] + 1 : dilation[0], : (weights.shape[3] - 1) * dilation[1] + 1 : dilation[1]] = weights  # fmt: skip
    steps = full
    if full.size > 1:
        steps = _o(np.broadcast_to(full[:, :, :1, :1], filled.shape))
        if not (full == full[:, :, :1, :1]).all():
            importer.problem(
                node,
                "its weights have a scale for every tap",
                "one scale for the whole tensor, or one per channel",
                "quantize the weights per channel",
            )
            return
    size = image.tensor.shape[:2]
    pads = []
    for a in range(2):
        before = taps[a] - 1 - first[a]
        pads += [before, blocks[a] + taps[a] - 1 - before - size[a]]
    if min(pads) < 0:
        importer.problem(
            node,
            f"it cuts {-min(pads)} pixels more off the border than its kernel adds",
            "padding of less than the kernel",
            "use smaller pads",
        )
        return
    zeroed = _with_zero(importer, node, image, Fraction(0)) if any(pads) else (image, 0)
    if zeroed is None:
        return
    image = _padded(importer, zeroed[0], (pads[0], pads[1], pads[2], pads[3]), zeroed[1])

    def turned(values: Array) -> Array:
        """(columns, rows, taps * stride...) -> (groups * phases * rows, taps reversed, columns of a group)."""
        parts = values.reshape(groups, -1, rows, taps[0], stride[0], taps[1], stride[1])
        parts = parts[:, :, :, ::-1, :, ::-1].transpose(0, 4, 6, 2, 3, 5, 1)
        return parts.reshape(-1, taps[0], taps[1], parts.shape[-1])

    kernel = Kernel(size=(taps[0], taps[1]), stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0))
    places = (blocks[0], blocks[1])
    out = _convolve(
        importer,
        image,
        turned(filled),
        turned(steps) if steps.size > 1 else steps,
        kernel,
        places,
        groups,
        "",
    )
    # (blocks, blocks, groups * phases * rows) -> (blocks * phases, blocks * phases, groups * rows)
    numbers = np.arange(out.tensor.size).reshape(*places, groups, *stride, rows)
    order = numbers.transpose(0, 3, 1, 4, 2, 5).ravel()
    high = (places[0] * stride[0], places[1] * stride[1], groups * rows)
    tensor = importer.arranged(out.tensor, plain(order), high)
    ends = []
    for values in (out.scale, out.offset):
        by_phase = np.broadcast_to(values, (groups * stride[0] * stride[1] * rows,)).reshape(groups, -1, rows)
        ends.append((by_phase == by_phase[:, :1]).all())
    if not all(ends):
        importer.problem(
            node,
            "its input has a zero point, and its pixels see different numbers of weights",
            "an input quantized symmetrically (zero point 0)",
            "quantize the input of this layer with zero point 0",
        )
        return
    sides = [
        v if v.size == 1 else _o(v.reshape(groups, -1, rows)[:, 0].ravel()) for v in (out.scale, out.offset)
    ]
    image = Image(tensor=tensor, scale=sides[0], offset=sides[1])
    image = _cropped(
        importer, image, [b - f * s for b, f, s in zip(begin, first, stride, strict=True)], _pair(shape[2:])
    )
    bias = node.input[2] if len(node.input) > 2 and node.input[2] else ""
    _finish(importer, node, image, bias)


def _first_pixels(
    node: NodeProto, before: tuple[int, ...], after: tuple[int, ...], size: tuple[int, ...]
) -> Pair:
    """Return how many pixels a transposed convolution cuts off at the top and at the left."""
    attributes = attributes_of(node)
    rank = len(before)
    pads = list(attributes.get("pads", [0] * (2 * rank)))[:rank]
    mode = attributes.get("auto_pad", b"NOTSET").decode()
    if mode.startswith("SAME") or "output_shape" in attributes:
        extra = list(attributes.get("output_padding", [0] * rank))
        dilation = list(attributes.get("dilations", [1] * rank))
        stride = list(attributes.get("strides", [1] * rank))
        total = [
            max(0, stride[a] * (before[a] - 1) + extra[a] + (size[a] - 1) * dilation[a] + 1 - after[a])
            for a in range(rank)
        ]
        pads = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in total]
    return (pads[0], pads[1]) if rank == 2 else (0, pads[0])


def _cropped(importer: Importer, image: Image, begin: list[int], size: Pair) -> Image:
    """Emit the part of an image of ``size`` that begins at the pixel ``begin``."""
    height, width, channels = image.tensor.shape
    tensor = image.tensor
    for start, length, whole, inner in (
        (begin[0], size[0], height, width * channels),
        (begin[1], size[1], width, channels),
    ):
        if length == whole:
            continue
        tensor = importer.reshaped(tensor, (tensor.size // (whole * inner), whole * inner))
        name = importer.new_name("slice")
        node = Slice(
            name=name, input=tensor.name, output=name, start=start * inner, stop=(start + length) * inner
        )
        tensor = importer.emit(node, (tensor.shape[0], length * inner), "")
    tensor = importer.reshaped(tensor, (*size, channels))
    return Image(tensor=tensor, scale=image.scale, offset=image.offset)


# --- pooling -------------------------------------------------------------------------------------------------------


def _rising(importer: Importer, node: NodeProto, image: Image) -> Image | None:
    """Return the image with positive scales only."""
    if all(v > 0 for v in image.scale.reshape(-1)):
        return image
    return _regrid(importer, node, image, with_offset=False)


def _pool(importer: Importer, node: NodeProto, signal: Signal) -> None:
    if len(node.output) > 1:
        importer.problem(
            node, "it has a second output", "the values alone", "export the network without indices"
        )
        return
    image = _image(importer, node, signal)
    largest = node.op_type == "MaxPool"
    image = _rising(importer, node, image) if image is not None and largest else image
    if image is None:
        return
    network, attributes = importer.network, attributes_of(node)
    shape = network.shapes[node.output[0]]
    kernel = _kernel(importer, node, tuple(attributes["kernel_shape"]), shape[2:])
    counts = fraction(kernel.taps)
    value = int(image.tensor.low.min())
    if not largest and any(kernel.pads):
        zeroed = _with_zero(importer, node, image, Fraction(0))
        if zeroed is None:
            return
        image, value = zeroed
        counts = _counts(image.tensor.shape, kernel, _pair(shape[2:]), node)
    padded = _padded(importer, image, kernel.pads, value)
    tensor = _windowed(importer, padded, kernel, _pair(shape[2:]))
    name = importer.new_name("pool")
    pool = Pool(
        name=name,
        input=tensor.name,
        output=name,
        operation="maximum" if largest else "sum",
        taps=kernel.taps,
    )
    out = importer.emit(pool, (*_pair(shape[2:]), image.channels), node.output[0])
    if largest:
        _finish(importer, node, Image(tensor=out, scale=image.scale, offset=image.offset))
        return
    total = image.offset * kernel.taps
    if counts.size == 1:
        whole = counts.reshape(-1)[0]
        _finish(importer, node, Image(tensor=out, scale=_o(image.scale / whole), offset=_o(total / whole)))
        return
    order = channels_last(shape[1:])
    full = [
        _o((np.broadcast_to(v, (image.channels,))[:, None] / counts[None, :]).ravel())
        for v in (image.scale, total)
    ]
    importer.signals[node.output[0]] = importer.new_source(
        out, node.output[0], shape, full[0], full[1], order
    )


def _counts(shape: tuple[int, ...], kernel: Kernel, places: Pair, node: NodeProto) -> Exact:
    """Return the number of pixels that each place of an average counts: () or (places,)."""
    included = bool(attributes_of(node).get("count_include_pad", 0))
    pads = list(attributes_of(node).get("pads", [0] * 4))
    top, bottom, left, right = kernel.pads
    inside = np.zeros((shape[0] + top + bottom, shape[1] + left + right), np.int64)
    inside[top : top + shape[0], left : left + shape[1]] = 1
    if included:  # but what rounding up the number of places adds at the end does not count
        end = (pads[2], pads[3]) if len(pads) == 4 else (0, pads[1])
        inside[: top + shape[0] + end[0], : left + shape[1] + end[1]] = 1
    rows, columns = (
        (np.arange(n) * s)[:, None] + np.arange(k) * d
        for n, s, k, d in zip(places, kernel.stride, kernel.size, kernel.dilation, strict=True)
    )
    counts = inside[rows[:, None, :, None], columns[None, :, None, :]].sum(axis=(2, 3)).ravel()
    return collapse(_o([Fraction(int(c)) for c in counts]))


def _reduce(importer: Importer, node: NodeProto, signal: Signal) -> None:
    """Map a sum, mean or maximum over axes: all positions, or all channels."""
    network, shape = importer.network, signal.shape
    operation = node.op_type
    attributes = attributes_of(node)
    axes = attributes.get("axes")
    if operation.startswith("Global"):
        axes = range(2, len(shape))
    elif len(node.input) > 1 and node.input[1]:
        axes = network.constants.get(node.input[1])
    axes = range(1, len(shape)) if axes is None or not len(axes) else axes
    reduced = sorted({int(a) % len(shape) for a in axes} - {a for a, n in enumerate(shape) if n == 1})
    kept = [a for a in range(len(shape)) if a not in reduced]
    affine = importer.as_integers(node, signal)
    if affine is None:
        return
    taps = int(np.prod([shape[a] for a in reduced], dtype=np.int64))
    channels = signal.size // taps
    numbers = np.arange(signal.size).reshape(shape).transpose(*reduced, *kept).ravel()
    scale, offset = (_o(v if v.size == 1 else v[numbers]) for v in (_o(affine.scale), _o(affine.offset)))
    last = _by_channel(scale, channels), _by_channel(offset, channels)
    if last[0] is None or last[1] is None:
        importer.problem(
            node,
            "it joins values of different scales",
            "one scale for all that is joined",
            "quantize its input",
        )
        return
    tensor = _in_order(importer, affine, plain(np.argsort(numbers)), (1, 1, signal.size))
    image = Image(tensor=tensor, scale=last[0], offset=last[1])
    largest = operation in ("GlobalMaxPool", "ReduceMax")
    if largest and any(v <= 0 for v in image.scale.reshape(-1)):
        importer.problem(
            node, "some of its input has a negative scale", "positive scales", "quantize its input"
        )
        return
    name = importer.new_name("pool")
    pool = Pool(
        name=name, input=tensor.name, output=name, operation="maximum" if largest else "sum", taps=taps
    )
    out_name = node.output[0]
    out = importer.emit(pool, (1, 1, channels), out_name)
    divisor = taps if "Mean" in operation or "Average" in operation else 1
    factor = 1 if largest else taps
    ends = _o(image.scale / divisor), _o(image.offset * factor / divisor)
    importer.signals[out_name] = importer.new_source(out, out_name, network.shapes[out_name], *ends)


# --- moving parts --------------------------------------------------------------------------------------------------


def _resize(importer: Importer, node: NodeProto, signal: Signal) -> None:
    """Map nearest-neighbour upsampling by whole factors, in whatever way the node says it."""
    network = importer.network
    shape, after = signal.shape, network.shapes[node.output[0]]
    factors = [b // a for a, b in zip(shape, after, strict=True)]
    numbers = np.arange(signal.size, dtype=np.float32).reshape(shape)
    values = {name: network.constants[name] for name in node.input[1:] if name in network.constants}
    wanted = numbers
    for axis, factor in enumerate(factors):
        wanted = wanted.repeat(max(factor, 1), axis=axis)
    missing = any(name and name not in values for name in node.input[1:])
    if not missing:
        found = run_node(node, {node.input[0]: numbers, **values}, network.opset, network.versions)
    if missing or signal.size >= 1 << 24 or not np.array_equal(found[node.output[0]], wanted):
        importer.problem(
            node,
            f"it makes {list(after)} of {list(shape)} otherwise than by repeating rows and columns",
            "nearest neighbour by whole factors (mode nearest, coordinates asymmetric, rounding floor)",
            "export it so, or use a transposed convolution or pixel shuffle",
        )
        return
    last = signal.order is None and len(shape) in (3, 4) and factors[-1] == 1  # (1, height, width, channels)
    if last or len(shape) not in (3, 4) or factors[1] != 1:
        _resize_last(importer, node, signal, factors)
        return
    image = _image(importer, node, signal)
    if image is not None:
        factor = _pair(tuple(factors[2:]))
        _finish(importer, node, _upsampled(importer, image, factor, node.output[0]))


def _upsampled(importer: Importer, image: Image, factor: Pair, origin: str) -> Image:
    height, width, channels = image.tensor.shape
    name = importer.new_name("upsample")
    node = Upsample(name=name, input=image.tensor.name, output=name, factor=factor)
    tensor = importer.emit(node, (height * factor[0], width * factor[1], channels), origin)
    return Image(tensor=tensor, scale=image.scale, offset=image.offset)


def _resize_last(importer: Importer, node: NodeProto, signal: Signal, factors: list[int]) -> None:
    """Repeat along the axes of a tensor whose integers are in its own order, one axis after the other."""
    affine = importer.as_integers(node, signal)
    if affine is None:
        return
    name = node.output[0]
    shape = list(signal.shape)
    tensor = _in_order(importer, affine, None, tuple(shape))
    sides = [_o(affine.scale), _o(affine.offset)]
    for axis, factor in enumerate(factors):
        if factor == 1:
            continue
        outer, inner = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
        tensor = importer.reshaped(tensor, (outer, shape[axis], inner))
        own = importer.new_name("upsample")
        up = Upsample(name=own, input=tensor.name, output=own, factor=(1, factor))
        sides = [v if v.size == 1 else v.reshape(shape).repeat(factor, axis=axis).ravel() for v in sides]
        shape[axis] *= factor
        tensor = importer.emit(up, (outer, shape[axis], inner), name if math_prod(shape) == math_prod(importer.network.shapes[name]) else "")  # fmt: skip
    importer.signals[name] = importer.new_source(
        importer.reshaped(tensor, tuple(shape[1:]) or (1,)),
        name,
        importer.network.shapes[name],
        sides[0],
        sides[1],
    )


def math_prod(values: Any) -> int:  # noqa: ANN401 - a shape
    """Return the number of elements of a shape."""
    return int(np.prod(values, dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """How the axes of a float tensor (without its first) lie in the integers; ``axes`` are numbers of the float's."""

    axes: tuple[int, ...]

    def order(self, shape: tuple[int, ...]) -> Order:
        numbers = np.arange(math_prod(shape)).reshape(shape).transpose(0, *self.axes)
        return plain(np.argsort(numbers.ravel()))

    def inner(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(shape[a] for a in self.axes)

    def split(self, shape: tuple[int, ...], axis: int) -> Pair:
        """Return how many integers stand for the axes in front of ``axis``, and how many for one step of it."""
        inner, place = self.inner(shape), self.axes.index(axis)
        return math_prod(inner[:place]), math_prod(inner[place + 1 :])


def _layout(signal: Signal) -> _Layout:
    """Return the layout of a signal's integers: channels last or as in the network."""
    rank = len(signal.shape)
    if signal.order is not None and rank >= 3 and same_order(signal.order, channels_last(signal.shape[1:])):
        return _Layout(axes=(*range(2, rank), 1))
    return _Layout(axes=tuple(range(1, rank)))


def _concat(importer: Importer, node: NodeProto, ins: list[Signal]) -> None:
    network, name = importer.network, node.output[0]
    axis = int(attributes_of(node)["axis"]) % len(network.shapes[name])
    shapes = [signal.shape for signal in ins]
    if len(ins) != len(node.input) or axis == 0 or any(shape[0] != 1 for shape in shapes):
        importer.problem(
            node,
            f"it joins {len(node.input)} tensors, {len(node.input) - len(ins)} of them constant, along axis {axis}",
            "tensors that depend on the input, of one sample each, along another axis than the first",
            "join them behind the network, or leave the constants out",
        )
        return
    affine = [importer.as_integers(node, signal) for signal in ins]
    layout = _layout(max(ins, key=lambda s: s.order is not None))
    whole: Tensor | None = None
    joined = list(shapes[0])
    for index, signal in enumerate(affine):
        if signal is None:
            return
        outer, inner = layout.split(signal.shape, axis)
        tensor = _in_order(importer, signal, layout.order(signal.shape), (outer, signal.shape[axis] * inner))
        if whole is None:
            whole = tensor
            continue
        joined[axis] += signal.shape[axis]
        own = importer.new_name("concat")
        join = Concat(name=own, a=whole.name, b=tensor.name, output=own)
        whole = importer.emit(join, (outer, joined[axis] * inner), name if index == len(affine) - 1 else "")
    assert whole is not None  # noqa: S101 - there is at least one input
    shape = network.shapes[name]
    sides = [
        collapse(
            _o(
                np.concatenate(
                    [
                        np.broadcast_to(v if v.size == 1 else v.reshape(s), s)
                        for v, s in zip(both, shapes, strict=True)
                    ],
                    axis=axis,
                ).ravel()
            )
        )  # fmt: skip
        for both in ([_o(s.scale) for s in affine if s], [_o(s.offset) for s in affine if s])
    ]
    tensor = importer.reshaped(whole, layout.inner(shape))
    importer.signals[name] = importer.new_source(tensor, name, shape, sides[0], sides[1], layout.order(shape))


def _slice(importer: Importer, node: NodeProto, signal: Signal) -> None:
    """Map Split and Slice: contiguous ranges along axes."""
    affine = importer.as_integers(node, signal)
    if affine is None:
        return
    network, shape = importer.network, signal.shape
    for number, name in enumerate(node.output):
        if not name:
            continue
        numbers = _kept(importer, node, shape, number)
        if numbers is None:
            importer.problem(
                node,
                "its range is not known, or goes backwards or in steps",
                "constant ranges with step 1, not along the first axis",
                "export it with constant ranges",
            )
            return
        layout = _layout(signal)
        tensor = _in_order(importer, affine, layout.order(shape), layout.inner(shape))
        rest = list(shape)
        for axis, (start, stop) in numbers.items():
            outer, inner = layout.split(tuple(rest), axis)
            tensor = importer.reshaped(tensor, (outer, rest[axis] * inner))
            own = importer.new_name("slice")
            part = Slice(name=own, input=tensor.name, output=own, start=start * inner, stop=stop * inner)
            rest[axis] = stop - start
            done = math_prod(rest) == math_prod(network.shapes[name])
            tensor = importer.emit(part, (outer, rest[axis] * inner), name if done else "")
        picks = tuple(slice(*numbers.get(a, (0, n))) for a, n in enumerate(shape))
        sides = [
            v if v.size == 1 else collapse(_o(v.reshape(shape)[picks].ravel()))
            for v in (_o(affine.scale), _o(affine.offset))
        ]
        after = network.shapes[name]
        tensor = importer.reshaped(tensor, layout.inner(after))
        importer.signals[name] = importer.new_source(
            tensor, name, after, sides[0], sides[1], layout.order(after)
        )


def _kept(importer: Importer, node: NodeProto, shape: tuple[int, ...], output: int) -> dict[int, Pair] | None:
    """Return {axis: (start, stop)} of what one output of a Split or Slice keeps; None where it is not a range."""
    network = importer.network
    numbers = np.arange(math_prod(shape), dtype=np.float64).reshape(shape)
    values = {n: network.constants[n] for n in node.input[1:] if n in network.constants}
    if any(n and n not in values for n in node.input[1:]) or len(network.shapes[node.output[output]]) != len(
        shape
    ):
        return None
    found = run_node(node, {node.input[0]: numbers, **values}, network.opset, network.versions)
    kept = found[node.output[output]]
    first = np.unravel_index(int(kept.ravel()[0]), shape)
    ranges = {a: (int(first[a]), int(first[a]) + n) for a, n in enumerate(kept.shape) if n != shape[a]}
    picks = tuple(slice(*ranges.get(a, (0, n))) for a, n in enumerate(shape))
    return ranges if 0 not in ranges and np.array_equal(numbers[picks], kept) else None


def _pad_node(importer: Importer, node: NodeProto, signal: Signal) -> None:
    network, attributes = importer.network, attributes_of(node)
    rank = len(signal.shape)
    pads = attributes.get("pads")
    if pads is None and len(node.input) > 1:
        pads = network.constants.get(node.input[1])
    if pads is not None and len(node.input) > 3 and node.input[3]:
        axes = [int(a) % rank for a in network.constants[node.input[3]]]
        full = [0] * (2 * rank)
        for place, axis in enumerate(axes):
            full[axis], full[axis + rank] = int(pads[place]), int(pads[place + len(axes)])
        pads = full
    value = attributes.get("value", 0.0)
    if len(node.input) > 2 and node.input[2]:
        value = float(np.asarray(network.constants.get(node.input[2], np.nan)).reshape(-1)[0])
    mode = attributes.get("mode", b"constant").decode()
    numbers = [int(v) for v in pads] if pads is not None else []
    bad = not numbers or min(numbers) < 0 or rank not in (3, 4) or numbers[0] or numbers[rank]
    if bad or numbers[1] or numbers[1 + rank] or mode != "constant" or not np.isfinite(value):
        importer.problem(
            node,
            f"it pads {list(signal.shape)} by {numbers or 'what is not known'} (mode {mode}, value {value:g})",
            "constant padding of the height and width of (1, channels, [height,] width)",
            "pad in the convolution behind it",
        )
        return
    image = _image(importer, node, signal)
    zeroed = _with_zero(importer, node, image, Fraction(value)) if image else None
    if zeroed is None:
        return
    top, left = _pair(tuple(numbers[2:rank])) if rank == 4 else (0, numbers[2])
    bottom, right = _pair(tuple(numbers[rank + 2 :])) if rank == 4 else (0, numbers[-1])
    _finish(importer, node, _padded(importer, zeroed[0], (top, bottom, left, right), zeroed[1]))


def expanded(importer: Importer, node: NodeProto, signal: Signal, shape: tuple[int, ...]) -> Signal | None:
    """Return an affine (1, channels, 1, 1) signal repeated for all positions of ``shape``; None where it is none."""
    if len(shape) not in (3, 4) or len(signal.shape) != len(shape) or signal.shape[:2] != shape[:2]:
        return None
    if any(n != 1 for n in signal.shape[2:]) or signal.scale is None or signal.offset is None:
        return None
    image = _image(importer, node, signal)
    if image is None:
        return None
    times = _pair(shape[2:])
    out = _upsampled(importer, image, times, "")
    count = times[0] * times[1]
    sides = [v if v.size == 1 else np.repeat(v, count) for v in (signal.scale, signal.offset)]
    return importer.new_source(out.tensor, f"{signal.name} for {node.name}", shape, sides[0], sides[1], channels_last(shape[1:]))  # fmt: skip


def _o(values: Any) -> Exact:  # noqa: ANN401 - numpy turns 0-d object arrays into scalars
    return np.asarray(values, dtype=object)
