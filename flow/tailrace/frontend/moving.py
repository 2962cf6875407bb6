# SPDX-License-Identifier: Apache-2.0
"""What moves parts of tensors: repeating, joining, padding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.choosing import chosen_places, cut, layout_of_signal, write_choice
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
from tailrace.frontend.interpolation import bilinear
from tailrace.frontend.products import emit_product
from tailrace.frontend.signals import Signal, collapse, fraction, objects
from tailrace.graph import Concat, Tensor

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet


def resize(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map nearest-neighbour and bilinear upsampling by whole factors, in whatever way the node says it."""
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
        if not missing and bilinear(sheet, node, signal):
            return
        sheet.problem(
            node,
            f"it makes {list(after)} of {list(shape)} otherwise than by repeating or interpolating by whole factors",
            "nearest neighbour (coordinates asymmetric, rounding floor) or linear (half_pixel or asymmetric) by whole "
            "factors",
            "export it so (PyTorch: align_corners=False and a whole scale_factor), or use a transposed convolution or "
            "pixel shuffle",
        )
        return
    affine = as_integers(sheet, node, signal, unquantized=True)
    if affine is None:
        return
    layout = layout_of_signal(signal)
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
    affine = [as_integers(sheet, node, signal, unquantized=True) for signal in ins]
    layout = layout_of_signal(max(ins, key=lambda s: s.order is not None))
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


def pad_node(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map padding: of images by a constant, of their channels too; of any tensor by itself. Less than nothing cuts."""
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
    if mode != "constant":
        _pad_by_itself(sheet, node, signal, mode)
        return
    numbers = pads or []
    bad = not numbers or rank not in (3, 4) or numbers[0] or numbers[rank]
    if bad or not np.isfinite(value):
        sheet.problem(
            node,
            f"it pads {list(signal.shape)} by {numbers or 'what is not known'} (value {value:g})",
            "constant padding of (1, channels, [height,] width)",
            "pad in the convolution behind it",
        )
        return
    image = image_of(sheet, node, signal, unquantized=True, zero=True)
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


def _pad_by_itself(sheet: Sheet, node: NodeProto, signal: Signal, mode: str) -> None:
    """Map padding by elements of the tensor itself (modes reflect, edge and wrap): it only moves."""
    name = node.output[0]
    choice = chosen_places(sheet, node, signal.shape, 0)
    if choice is None:
        sheet.problem(
            node,
            f"it pads {list(signal.shape)} by what is not known, or along the first axis (mode {mode})",
            "constant padding sizes, of one sample",
            "export it with constant sizes, for one sample at a time",
        )
        return
    affine = as_integers(sheet, node, signal)
    if affine is not None:
        sheet.signals[name] = write_choice(sheet, affine, choice, name, sheet.network.shapes[name])


def _cropped(sheet: Sheet, image: Image, pads: tuple[int, int, int, int]) -> Image:
    """Return an image without the rows and columns that negative padding (top, bottom, left, right) takes away."""
    if min(pads) >= 0:
        return image
    top, bottom, left, right = (min(pad, 0) for pad in pads)
    height, width, channels = image.tensor.shape
    rows, columns = range(-top, height + bottom), range(-left, width + right)
    flat = sheet.reshaped(image.tensor, (1, height, width * channels))
    tensor = cut(sheet, flat, rows)
    tensor = cut(sheet, sheet.reshaped(tensor, (len(rows), width, channels)), columns)
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
