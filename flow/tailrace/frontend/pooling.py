# SPDX-License-Identifier: Apache-2.0
"""Pooling and reductions as nodes of the integer graph."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import channels_last, plain
from tailrace.core.steps import from_table
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.grids import GRID_POINTS_AT_MOST, as_integers
from tailrace.frontend.images import (
    Image,
    Kernel,
    Pair,
    by_channel,
    finish,
    image_of,
    in_order,
    kernel_of,
    padded,
    pair,
    windowed,
    with_zero,
)
from tailrace.frontend.signals import Exact, Signal, collapse, fraction, objects
from tailrace.frontend.sinking import FALLS
from tailrace.graph import Affine, Pool

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]


def pool(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map a maximum or an average over windows."""
    if len(node.output) > 1:
        sheet.problem(
            node, "it has a second output", "the values alone", "export the network without indices"
        )
        return
    largest = node.op_type == "MaxPool"
    is_padded = any(Attributes(node).integers("pads", [])) or Attributes(node).text(
        "auto_pad", ""
    ).startswith("SAME")
    image = image_of(sheet, node, signal, unquantized=True, zero=is_padded and not largest)
    if image is None:
        return
    image = _rising(sheet, node, image) if largest else image
    network, attributes = sheet.network, Attributes(node)
    shape = network.shapes[node.output[0]]
    kernel = kernel_of(sheet, node, tuple(attributes.integers("kernel_shape")), shape[2:])
    counts = fraction(kernel.taps)
    value = int(image.tensor.low.min())
    if not largest and any(kernel.pads):
        zeroed = with_zero(sheet, node, image, Fraction(0))
        if zeroed is None:
            return
        image, value = zeroed
        counts = _counts(image.tensor.shape, kernel, pair(shape[2:]), node)
    ready = padded(sheet, image, kernel.pads, value)
    tensor = windowed(sheet, ready, kernel, pair(shape[2:]))
    name = sheet.new_name("pool")
    pool = Pool(
        name=name,
        input=tensor.name,
        output=name,
        operation="maximum" if largest else "sum",
        taps=kernel.taps,
    )
    out = sheet.emit(pool, (*pair(shape[2:]), image.channels), node.output[0])
    if largest:
        finish(sheet, node, Image(tensor=out, scale=image.scale, offset=image.offset))
        return
    total = image.offset * kernel.taps
    if counts.size == 1:
        whole = counts.reshape(-1)[0]
        finish(
            sheet,
            node,
            Image(tensor=out, scale=objects(image.scale / whole), offset=objects(total / whole)),
        )
        return
    order = channels_last(shape[1:])
    full = [
        objects((np.broadcast_to(v, (image.channels,))[:, None] / counts[None, :]).ravel())
        for v in (image.scale, total)
    ]
    sheet.signals[node.output[0]] = sheet.new_source(
        out, node.output[0], shape, full[0], full[1], order=order
    )


def _rising(sheet: Sheet, node: NodeProto, image: Image) -> Image:
    """Return the image with the integers of some channels negated, so that the largest one is wanted in all."""
    turns = _turns(node, image.scale, image.channels)
    return Image(
        tensor=_turned(sheet, image.tensor, turns),
        scale=collapse(objects(image.scale * turns.astype(object))),
        offset=image.offset,
    )


def _turns(node: NodeProto, scale: Exact, channels: int) -> Integers:
    """Return -1 for the channels in which the smallest of the integers is wanted, else 1."""
    turns = np.array([1 if v > 0 else -1 for v in np.broadcast_to(scale, (channels,))])
    turns[Attributes(node).integers(FALLS, [])] *= -1
    return turns


def _turned(sheet: Sheet, tensor: Tensor, turns: Integers) -> Tensor:
    """Return integers times 1 or -1, channel by channel."""
    if (turns > 0).all():
        return tensor
    points = int((tensor.high - tensor.low).max()) + 1
    if points * tensor.channels > GRID_POINTS_AT_MOST:
        name = sheet.new_name("affine")
        flip = Affine(name=name, input=tensor.name, output=name, factors=turns, bias=np.zeros_like(turns))
        return sheet.emit(flip, tensor.shape, "")
    x = np.minimum(tensor.low + np.arange(points, dtype=np.int64)[:, None], tensor.high)
    out = sheet.emit_map(tensor, from_table(tensor.low, tensor.high, x * turns), "")
    return sheet.reshaped(out, tensor.shape)


def _counts(shape: tuple[int, ...], kernel: Kernel, places: Pair, node: NodeProto) -> Exact:
    """Return the number of pixels that each place of an average counts: () or (places,)."""
    included = Attributes(node).flag("count_include_pad", default=False)
    pads = Attributes(node).integers("pads", [0] * 4)
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
    return collapse(objects([Fraction(int(c)) for c in counts]))


def reduce(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map a sum, mean or maximum over axes: all positions, or all channels."""
    network, shape = sheet.network, signal.shape
    operation = node.op_type
    axes = Attributes(node).integers("axes", [])
    if operation.startswith("Global"):
        axes = list(range(2, len(shape)))
    elif len(node.input) > 1 and node.input[1] in network.constants:
        axes = network.constants[node.input[1]].reshape(-1).tolist()
    axes = axes or list(range(1, len(shape)))
    reduced = sorted({int(a) % len(shape) for a in axes} - {a for a, n in enumerate(shape) if n == 1})
    kept = [a for a in range(len(shape)) if a not in reduced]
    affine = as_integers(sheet, node, signal, unquantized=True)
    if affine is None:
        return
    taps = int(np.prod([shape[a] for a in reduced], dtype=np.int64))
    channels = signal.size // taps
    numbers = np.arange(signal.size).reshape(shape).transpose(*reduced, *kept).ravel()
    scale, offset = (
        objects(v if v.size == 1 else v[numbers]) for v in (objects(affine.scale), objects(affine.offset))
    )
    last = by_channel(scale, channels), by_channel(offset, channels)
    if last[0] is None or last[1] is None:
        sheet.problem(
            node,
            "it joins values of different scales",
            "one scale for all that is joined",
            "quantize its input",
        )
        return
    tensor = in_order(sheet, affine, plain(np.argsort(numbers)), (1, 1, signal.size))
    image = Image(tensor=tensor, scale=last[0], offset=last[1])
    largest = operation in ("GlobalMaxPool", "ReduceMax")
    if largest:
        turns = _turns(node, image.scale, channels)
        tensor = _turned(sheet, tensor, np.tile(turns, taps))
        image = Image(
            tensor=tensor, scale=collapse(objects(image.scale * turns.astype(object))), offset=image.offset
        )
    name = sheet.new_name("pool")
    pool = Pool(
        name=name, input=tensor.name, output=name, operation="maximum" if largest else "sum", taps=taps
    )
    out_name = node.output[0]
    out = sheet.emit(pool, (1, 1, channels), out_name)
    divisor = taps if "Mean" in operation or "Average" in operation else 1
    factor = 1 if largest else taps
    ends = objects(image.scale / divisor), objects(image.offset * factor / divisor)
    sheet.signals[out_name] = sheet.new_source(out, out_name, network.shapes[out_name], *ends)
