# SPDX-License-Identifier: Apache-2.0
"""What moves parts of tensors: repeating, joining, cutting, padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.order import Order, channels_last, plain, same_order
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.grids import as_integers
from tailrace.frontend.images import (
    Image,
    Pair,
    count,
    finish,
    image_of,
    in_order,
    padded,
    pair,
    repeated,
    with_zero,
)
from tailrace.frontend.products import emit_product
from tailrace.frontend.signals import Signal, collapse, fraction, objects
from tailrace.graph import Concat, Slice, Tensor, Window

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet


def resize(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map nearest-neighbour upsampling by whole factors, in whatever way the node says it."""
    network = sheet.network
    shape, after = signal.shape, network.shapes[node.output[0]]
    factors = [max(b // a, 1) for a, b in zip(shape, after, strict=True)]
    numbers = np.arange(signal.size, dtype=np.float32).reshape(shape)
    values = {name: network.constants[name] for name in node.input[1:] if name in network.constants}
    wanted = numbers
    for axis, factor in enumerate(factors):
        wanted = wanted.repeat(factor, axis=axis)
    missing = any(name and name not in values for name in node.input[1:])
    if not missing:
        found = run_node(node, {node.input[0]: numbers, **values}, network.opset, network.versions)
    if missing or signal.size >= 1 << 24 or not np.array_equal(found[node.output[0]], wanted):
        sheet.problem(
            node,
            f"it makes {list(after)} of {list(shape)} otherwise than by repeating rows and columns",
            "nearest neighbour by whole factors (mode nearest, coordinates asymmetric, rounding floor)",
            "export it so, or use a transposed convolution or pixel shuffle",
        )
        return
    affine = as_integers(sheet, node, signal)
    if affine is None:
        return
    layout = _layout(signal)
    inner = list(layout.inner(shape))
    tensor = in_order(sheet, affine, layout.order(shape), tuple(inner))
    repeats = [factors[axis] for axis in layout.axes]
    if len(inner) == 3 and repeats[2] == 1:
        tensor = repeated(sheet, tensor, (repeats[0], repeats[1]))
    else:
        for axis, factor in enumerate(repeats):
            tensor = sheet.reshaped(tensor, (count(inner[:axis]), inner[axis], count(inner[axis + 1 :])))
            tensor = repeated(sheet, tensor, (1, factor))
            inner[axis] *= factor
    sides = [objects(affine.scale), objects(affine.offset)]
    for axis, factor in enumerate(factors):
        if axis == 0:
            sides = [v if v.size == 1 else v.reshape(shape) for v in sides]
        sides = [v if v.size == 1 else v.repeat(factor, axis=axis) for v in sides]
    name = node.output[0]
    tensor = sheet.named(sheet.reshaped(tensor, layout.inner(after)), name)
    sheet.signals[name] = sheet.new_source(
        tensor, name, after, sides[0].ravel(), sides[1].ravel(), order=layout.order(after)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """How the axes of a float tensor (without its first) lie in the integers; ``axes`` are numbers of the float's."""

    axes: tuple[int, ...]

    def order(self, shape: tuple[int, ...]) -> Order:
        numbers = np.arange(count(shape)).reshape(shape).transpose(0, *self.axes)
        return plain(np.argsort(numbers.ravel()))

    def inner(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(shape[a] for a in self.axes)

    def split(self, shape: tuple[int, ...], axis: int) -> Pair:
        """Return how many integers stand for the axes in front of ``axis``, and how many for one step of it."""
        inner, place = self.inner(shape), self.axes.index(axis)
        return count(inner[:place]), count(inner[place + 1 :])


def _layout(signal: Signal) -> _Layout:
    """Return the layout of a signal's integers: channels last or as in the network."""
    rank = len(signal.shape)
    if signal.order is not None and rank >= 3 and same_order(signal.order, channels_last(signal.shape[1:])):
        return _Layout(axes=(*range(2, rank), 1))
    return _Layout(axes=tuple(range(1, rank)))


def concat(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map a concatenation along any axis but the first."""
    network, name = sheet.network, node.output[0]
    axis = Attributes(node).integer("axis") % len(network.shapes[name])
    shapes = [signal.shape for signal in ins]
    if len(ins) != len(node.input) or axis == 0 or any(shape[0] != 1 for shape in shapes):
        sheet.problem(
            node,
            f"it joins {len(node.input)} tensors, {len(node.input) - len(ins)} of them constant, along axis {axis}",
            "tensors that depend on the input, of one sample each, along another axis than the first",
            "join them behind the network, or leave the constants out",
        )
        return
    affine = [as_integers(sheet, node, signal) for signal in ins]
    layout = _layout(max(ins, key=lambda s: s.order is not None))
    whole: Tensor | None = None
    joined = list(shapes[0])
    for index, signal in enumerate(affine):
        if signal is None:
            return
        outer, inner = layout.split(signal.shape, axis)
        tensor = in_order(sheet, signal, layout.order(signal.shape), (outer, signal.shape[axis] * inner))
        if whole is None:
            whole = tensor
            continue
        joined[axis] += signal.shape[axis]
        own = sheet.new_name("concat")
        join = Concat(name=own, a=whole.name, b=tensor.name, output=own)
        whole = sheet.emit(join, (outer, joined[axis] * inner), name if index == len(affine) - 1 else "")
    assert whole is not None  # noqa: S101 - there is at least one input
    shape = network.shapes[name]
    sides = [
        collapse(
            objects(
                np.concatenate(
                    [
                        np.broadcast_to(v if v.size == 1 else v.reshape(s), s)
                        for v, s in zip(both, shapes, strict=True)
                    ],
                    axis=axis,
                ).ravel()
            )
        )
        for both in ([objects(s.scale) for s in affine if s], [objects(s.offset) for s in affine if s])
    ]
    tensor = sheet.reshaped(whole, layout.inner(shape))
    sheet.signals[name] = sheet.new_source(tensor, name, shape, sides[0], sides[1], order=layout.order(shape))


def slice_node(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map Split and Slice: ranges along axes, also in steps."""
    affine = as_integers(sheet, node, signal)
    if affine is None:
        return
    network, shape = sheet.network, signal.shape
    for number, name in enumerate(node.output):
        if not name:
            continue
        numbers = _kept(sheet, node, shape, number)
        if numbers is None:
            sheet.problem(
                node,
                "its range is not known, or goes backwards",
                "constant ranges, forwards, not along the first axis",
                "export it with constant ranges",
            )
            return
        layout = _layout(signal)
        tensor = in_order(sheet, affine, layout.order(shape), layout.inner(shape))
        rest = list(shape)
        for axis, kept in numbers.items():
            outer, inner = layout.split(tuple(rest), axis)
            tensor = _cut(sheet, sheet.reshaped(tensor, (outer, rest[axis], inner)), kept)
            rest[axis] = len(kept)
        picks = tuple(_slice(numbers.get(a, range(n))) for a, n in enumerate(shape))
        sides = [
            v if v.size == 1 else collapse(objects(v.reshape(shape)[picks].ravel()))
            for v in (objects(affine.scale), objects(affine.offset))
        ]
        after = network.shapes[name]
        tensor = sheet.named(sheet.reshaped(tensor, layout.inner(after)), name)
        sheet.signals[name] = sheet.new_source(
            tensor, name, after, sides[0], sides[1], order=layout.order(after)
        )


def _slice(kept: range) -> slice:
    return slice(kept.start, kept.stop, kept.step)


def _cut(sheet: Sheet, tensor: Tensor, kept: range) -> Tensor:
    """Return (outer, len(kept), inner) of (outer, steps, inner) integers."""
    outer, steps, inner = tensor.shape
    stop = kept[-1] + 1
    if stop - kept.start < steps:
        name = sheet.new_name("slice")
        flat = sheet.reshaped(tensor, (outer, steps * inner))
        part = Slice(name=name, input=flat.name, output=name, start=kept.start * inner, stop=stop * inner)
        tensor = sheet.emit(part, (outer, (stop - kept.start) * inner), "")
        tensor = sheet.reshaped(tensor, (outer, stop - kept.start, inner))
    if kept.step > 1:  # windows of one place each
        name = sheet.new_name("window")
        node = Window(name=name, input=tensor.name, output=name, kernel=(1, 1), stride=(1, kept.step))
        tensor = sheet.emit(node, (outer, len(kept), inner), "")
    return tensor


def _kept(sheet: Sheet, node: NodeProto, shape: tuple[int, ...], output: int) -> dict[int, range] | None:
    """Return {axis: places} of what one output of a Split or Slice keeps; None where these are no ranges."""
    network = sheet.network
    numbers = np.arange(count(shape), dtype=np.float64).reshape(shape)
    values = {n: network.constants[n] for n in node.input[1:] if n in network.constants}
    if any(n and n not in values for n in node.input[1:]) or len(network.shapes[node.output[output]]) != len(
        shape
    ):
        return None
    found = run_node(node, {node.input[0]: numbers, **values}, network.opset, network.versions)
    kept = found[node.output[output]]
    ranges: dict[int, range] = {}
    for axis, n in enumerate(kept.shape):
        if n == shape[axis]:
            continue
        line = kept[tuple(slice(None) if a == axis else 0 for a in range(len(shape)))].astype(np.int64)
        places = np.unravel_index(line, shape)[axis].tolist()
        step = max(1, places[1] - places[0]) if n > 1 else 1
        ranges[axis] = range(places[0], places[0] + (n - 1) * step + 1, step)
    picks = tuple(_slice(ranges.get(a, range(n))) for a, n in enumerate(shape))
    return ranges if 0 not in ranges and np.array_equal(numbers[picks], kept) else None


def pad_node(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map constant padding of images, of their channels too; less than nothing cuts."""
    network, attributes = sheet.network, Attributes(node)
    rank = len(signal.shape)
    pads = attributes.integers("pads", None)
    if pads is None and len(node.input) > 1 and node.input[1] in network.constants:
        pads = network.constants[node.input[1]].tolist()
    if pads is not None and len(node.input) > 3 and node.input[3]:
        axes = [int(a) % rank for a in network.constants[node.input[3]]]
        full = [0] * (2 * rank)
        for place, axis in enumerate(axes):
            full[axis], full[axis + rank] = pads[place], pads[place + len(axes)]
        pads = full
    value = attributes.number("value", 0.0)
    if len(node.input) > 2 and node.input[2]:
        value = float(np.asarray(network.constants.get(node.input[2], np.nan)).reshape(-1)[0])
    mode = attributes.text("mode", "constant")
    numbers = pads or []
    bad = not numbers or rank not in (3, 4) or numbers[0] or numbers[rank]
    if bad or mode != "constant" or not np.isfinite(value):
        sheet.problem(
            node,
            f"it pads {list(signal.shape)} by {numbers or 'what is not known'} (mode {mode}, value {value:g})",
            "constant padding of (1, channels, [height,] width)",
            "pad in the convolution behind it",
        )
        return
    image = image_of(sheet, node, signal)
    if image is None:
        return
    top, left = pair(tuple(numbers[2:rank])) if rank == 4 else (0, numbers[2])
    bottom, right = pair(tuple(numbers[rank + 2 :])) if rank == 4 else (0, numbers[-1])
    image = _cropped(sheet, image, (top, bottom, left, right))
    sides = (max(top, 0), max(bottom, 0), max(left, 0), max(right, 0))
    if any(sides):
        zeroed = with_zero(sheet, node, image, Fraction(value))
        if zeroed is None:
            return
        image = padded(sheet, zeroed[0], sides, zeroed[1])
    finish(sheet, node, _more_channels(sheet, image, (numbers[1], numbers[1 + rank]), Fraction(value)))


def _cropped(sheet: Sheet, image: Image, pads: tuple[int, int, int, int]) -> Image:
    """Return an image without the rows and columns that negative padding (top, bottom, left, right) takes away."""
    if min(pads) >= 0:
        return image
    top, bottom, left, right = (min(pad, 0) for pad in pads)
    height, width, channels = image.tensor.shape
    rows, columns = range(-top, height + bottom), range(-left, width + right)
    flat = sheet.reshaped(image.tensor, (1, height, width * channels))
    tensor = _cut(sheet, flat, rows)
    tensor = _cut(sheet, sheet.reshaped(tensor, (len(rows), width, channels)), columns)
    return replace(image, tensor=sheet.reshaped(tensor, (len(rows), len(columns), channels)))


def _more_channels(sheet: Sheet, image: Image, pads: Pair, value: Fraction) -> Image:
    """Return an image with channels of ``value`` before and behind its own; negative: with less of its own.

    It is the product with a matrix of ones and zeros.
    """
    if pads == (0, 0):
        return image
    before, behind = pads
    channels = image.channels
    matrix = np.zeros((channels, channels + before + behind), np.int64)
    own = range(max(0, -before), channels - max(0, -behind))
    matrix[own, [c + before for c in own]] = 1
    affine = (image.scale, image.offset)
    tensor, scale, offset = emit_product(sheet, image.tensor, affine, matrix, fraction(1), origin="")
    offsets = np.array(np.broadcast_to(offset, (matrix.shape[1],)), dtype=object)
    offsets[matrix.sum(axis=0) == 0] = value
    return Image(tensor=tensor, scale=scale, offset=collapse(offsets))
