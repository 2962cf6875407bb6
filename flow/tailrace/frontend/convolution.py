# SPDX-License-Identifier: Apache-2.0
"""Convolutions, plain, grouped, depthwise and transposed, as nodes of the integer graph."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import plain
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.images import (
    Image,
    Kernel,
    Pair,
    finish,
    image_of,
    kernel_of,
    padded,
    pair,
    regrid,
    windowed,
    with_zero,
)
from tailrace.frontend.products import check_weights, emit_product, float_weights, integer_weights
from tailrace.frontend.signals import Exact, Signal, Unreached, collapse, common_step, is_zero, objects
from tailrace.graph import Concat, Depthwise, Slice, Upsample

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet

Array = NDArray[Any]
Integers = NDArray[np.int64]


def convolve(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map a convolution: grouped, depthwise or plain."""
    found = _weights(sheet, node)
    image = image_of(sheet, node, signal)
    if found is None or image is None:
        return
    weights, scale = found
    shape = sheet.network.shapes[node.output[0]]
    rank = len(shape) - 2
    kernel = kernel_of(sheet, node, weights.shape[-rank:], shape[2:])
    groups = Attributes(node).integer("group", 1)
    if any(kernel.pads):
        zeroed = with_zero(sheet, node, image, Fraction(0))
        if zeroed is None:
            return
        image = padded(sheet, zeroed[0], kernel.pads, zeroed[1])
    bias = node.input[2] if len(node.input) > 2 and node.input[2] else ""
    if bias and bias not in sheet.network.constants:
        sheet.problem(node, "its bias depends on the network's input", "a constant bias", "export it anew")
        return
    moved = (0, 2, 3, 1)
    weights, scale = weights.transpose(moved), scale.transpose(moved) if scale.size > 1 else scale
    out = _convolution(
        sheet,
        image,
        weights=weights,
        scale=scale,
        kernel=kernel,
        places=pair(shape[2:]),
        groups=groups,
    )
    finish(sheet, node, out, bias)


def look_at_convolution(sheet: Sheet, node: NodeProto, known: Unreached) -> Unreached:
    """Report what is wrong with a convolution whose input is not known."""
    if node.name in sheet.refused or len(node.input) < 2:
        return known
    good = check_weights(sheet, node, node.input[1])
    if known.is_float:
        sheet.not_quantized(node, sheet.network.labels.get(node.input[0], node.input[0]))
    return Unreached(is_float=known.is_float or not good, host_only=known.host_only)


def _weights(sheet: Sheet, node: NodeProto) -> tuple[Integers, Exact] | None:
    """Return (rows, columns, kernel rows, kernel columns) integers and their scale, of the same shape or ()."""
    name = node.input[1]
    if name not in sheet.network.constants:
        sheet.problem(
            node,
            "its weights depend on the network's input",
            "constant weights",
            "dynamic convolutions cannot be mapped",
        )
        return None
    found = integer_weights(sheet, name)
    if found is None:
        float_weights(sheet, node, name)
        return None
    integers, scale = found
    full = np.broadcast_to(scale, integers.shape) if scale.size > 1 else scale.reshape(())
    if integers.ndim == 3:
        integers, full = integers[:, :, None], full[:, :, None] if full.size > 1 else full
    return integers, full


def _is_depthwise(image: Image, weights: Array, groups: int) -> bool:
    return groups == image.channels and groups > 1 and len(weights) % groups == 0


def _convolution(
    sheet: Sheet,
    image: Image,
    *,
    weights: Integers,
    scale: Exact,
    kernel: Kernel,
    places: Pair,
    groups: int,
) -> Image:
    """Emit the convolution of a padded image with (rows, kernel rows, kernel columns, columns) weights."""
    if _is_depthwise(image, weights, groups):
        return depthwise(
            sheet,
            _repeated(sheet, image, len(weights) // groups),
            weights=weights,
            scale=scale,
            kernel=kernel,
            places=places,
        )
    rows, columns = len(weights) // groups, image.channels // groups
    parts = []
    for group in range(groups):
        part = image
        if groups > 1:
            part = channels_of(sheet, image, group * columns, (group + 1) * columns)
        own = slice(group * rows, (group + 1) * rows)
        matrix = weights[own].reshape(rows, -1).T
        steps = scale[own].reshape(rows, -1).T if scale.size > 1 else scale
        affine = tuple(v if v.size == 1 else np.tile(v, kernel.taps) for v in (part.scale, part.offset))
        tensor = windowed(sheet, part, kernel, places)
        out, step, offset = emit_product(sheet, tensor, (affine[0], affine[1]), matrix, steps, origin="")
        parts.append(Image(tensor=out, scale=step, offset=offset))
    return joined(sheet, parts)


def channels_of(sheet: Sheet, image: Image, start: int, stop: int) -> Image:
    """Emit a range of the channels of an image."""
    name = sheet.new_name("slice")
    node = Slice(name=name, input=image.tensor.name, output=name, start=start, stop=stop)
    part = [v if v.size == 1 else collapse(objects(v[start:stop])) for v in (image.scale, image.offset)]
    tensor = sheet.emit(node, (*image.tensor.shape[:-1], stop - start), "")
    return Image(tensor=tensor, scale=part[0], offset=part[1])


def joined(sheet: Sheet, parts: list[Image]) -> Image:
    """Emit the channels of several images as one image."""
    whole = parts[0]
    for part in parts[1:]:
        name = sheet.new_name("concat")
        node = Concat(name=name, a=whole.tensor.name, b=part.tensor.name, output=name)
        channels = whole.channels + part.channels
        tensor = sheet.emit(node, (*whole.tensor.shape[:-1], channels), "")
        ends = [
            collapse(objects(np.concatenate([np.broadcast_to(v, (n,)) for v, n in both])))
            for both in (
                ((whole.scale, whole.channels), (part.scale, part.channels)),
                ((whole.offset, whole.channels), (part.offset, part.channels)),
            )
        ]
        whole = Image(tensor=tensor, scale=ends[0], offset=ends[1])
    return whole


def _repeated(sheet: Sheet, image: Image, times: int) -> Image:
    """Emit every channel of an image several times, one beside the other."""
    if times == 1:
        return image
    height, width, channels = image.tensor.shape
    tensor = sheet.reshaped(image.tensor, (height * width, channels, 1))
    name = sheet.new_name("upsample")
    node = Upsample(name=name, input=tensor.name, output=name, factor=(1, times))
    tensor = sheet.emit(node, (height * width, channels * times, 1), "")
    ends = [v if v.size == 1 else np.repeat(v, times) for v in (image.scale, image.offset)]
    return Image(
        tensor=sheet.reshaped(tensor, (height, width, channels * times)), scale=ends[0], offset=ends[1]
    )


def depthwise(
    sheet: Sheet,
    image: Image,
    *,
    weights: Integers,
    scale: Exact,
    kernel: Kernel,
    places: Pair,
) -> Image:
    """Emit one kernel for every channel; weights are (channels, kernel rows, kernel columns, 1)."""
    channels = image.channels
    integers = weights.reshape(channels, -1)
    x_scale, x_offset = (np.broadcast_to(v, (channels,)) for v in (image.scale, image.offset))
    full = np.broadcast_to(scale if scale.size == 1 else scale.reshape(channels, -1), integers.shape)
    product = full * x_scale[:, None]
    steps = objects([common_step(objects(row)) for row in product])
    factors = np.array([[int(v) for v in row] for row in product / steps[:, None]], np.int64)
    offset = objects((integers.astype(object) * full).sum(axis=1) * x_offset)
    name = sheet.new_name("depthwise")
    node = Depthwise(
        name=name,
        input=windowed(sheet, image, kernel, places).name,
        output=name,
        weights=integers * factors,
        bias=np.zeros(channels, np.int64),
    )
    tensor = sheet.emit(node, (*places, channels), "")
    return Image(tensor=tensor, scale=collapse(steps), offset=collapse(offset))


def convolve_transposed(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map a transposed convolution: a convolution gives each pixel of a block its channels, which become pixels.

    Output pixel ``i * stride + phase - pad`` sees the weights ``phase, phase + stride, ...`` only.
    """
    found = _weights(sheet, node)
    image = image_of(sheet, node, signal)
    if found is None or image is None:
        return
    weights, scale = found
    network, attributes = sheet.network, Attributes(node)
    shape = network.shapes[node.output[0]]
    rank = len(shape) - 2
    groups = attributes.integer("group", 1)
    stride = pair(tuple(attributes.integers("strides", [1] * rank)))
    dilation = pair(tuple(attributes.integers("dilations", [1] * rank)))
    full = np.broadcast_to(scale, weights.shape) if scale.size > 1 else scale
    rows = weights.shape[1]
    taps = [-(-((weights.shape[2 + a] - 1) * dilation[a] + 1) // stride[a]) for a in range(2)]
    begin = _first_pixels(node, network.shapes[node.input[0]][2:], shape[2:], weights.shape[-rank:])
    first = [begin[a] // stride[a] for a in range(2)]  # the block of the first output pixel
    blocks = [-(-(begin[a] + pair(shape[2:])[a]) // stride[a]) - first[a] for a in range(2)]
    # Zero weights fill what dilation and a stride that does not divide the kernel leave open.
    spread = [t * s for t, s in zip(taps, stride, strict=True)]
    filled = np.zeros((*weights.shape[:2], *spread), np.int64)
    ends = [(n - 1) * d + 1 for n, d in zip(weights.shape[2:], dilation, strict=True)]
    filled[:, :, : ends[0] : dilation[0], : ends[1] : dilation[1]] = weights
    steps = full
    if full.size > 1:
        steps = objects(np.broadcast_to(full[:, :, :1, :1], filled.shape))
        if not (full == full[:, :, :1, :1]).all():
            sheet.problem(
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
        sheet.problem(
            node,
            f"it cuts {-min(pads)} pixels more off the border than its kernel adds",
            "padding of less than the kernel",
            "use smaller pads",
        )
        return
    if not is_zero(image.offset):  # the pixels of a block see different numbers of weights
        moved = regrid(sheet, node, image)
        if moved is None:
            return
        image = moved
    zeroed = with_zero(sheet, node, image, Fraction(0)) if any(pads) else (image, 0)
    if zeroed is None:
        return
    image = padded(sheet, zeroed[0], (pads[0], pads[1], pads[2], pads[3]), zeroed[1])

    def turned(values: Array) -> Array:
        """(columns, rows, taps * stride...) -> (groups * phases * rows, taps reversed, columns of a group)."""
        parts = values.reshape(groups, -1, rows, taps[0], stride[0], taps[1], stride[1])
        parts = parts[:, :, :, ::-1, :, ::-1].transpose(0, 4, 6, 2, 3, 5, 1)
        return parts.reshape(-1, taps[0], taps[1], parts.shape[-1])

    kernel = Kernel(size=(taps[0], taps[1]), stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0))
    places = (blocks[0], blocks[1])
    out = _convolution(
        sheet,
        image,
        weights=turned(filled),
        scale=turned(steps) if steps.size > 1 else steps,
        kernel=kernel,
        places=places,
        groups=groups,
    )
    # (blocks, blocks, groups * phases * rows) -> (blocks * phases, blocks * phases, groups * rows)
    numbers = np.arange(out.tensor.size).reshape(*places, groups, *stride, rows)
    order = numbers.transpose(0, 3, 1, 4, 2, 5).ravel()
    high = (places[0] * stride[0], places[1] * stride[1], groups * rows)
    tensor = sheet.arranged(out.tensor, plain(order), high)
    sides = [
        v if v.size == 1 else objects(v.reshape(groups, -1, rows)[:, 0].ravel())
        for v in (out.scale, out.offset)
    ]
    image = Image(tensor=tensor, scale=sides[0], offset=sides[1])
    image = _cropped(
        sheet, image, [b - f * s for b, f, s in zip(begin, first, stride, strict=True)], pair(shape[2:])
    )
    bias = node.input[2] if len(node.input) > 2 and node.input[2] else ""
    finish(sheet, node, image, bias)


def _first_pixels(
    node: NodeProto, before: tuple[int, ...], after: tuple[int, ...], size: tuple[int, ...]
) -> Pair:
    """Return how many pixels a transposed convolution cuts off at the top and at the left."""
    attributes = Attributes(node)
    rank = len(before)
    pads = attributes.integers("pads", [0] * (2 * rank))[:rank]
    mode = attributes.text("auto_pad", "NOTSET")
    if mode.startswith("SAME") or "output_shape" in attributes:
        extra = attributes.integers("output_padding", [0] * rank)
        dilation = attributes.integers("dilations", [1] * rank)
        stride = attributes.integers("strides", [1] * rank)
        total = [
            max(0, stride[a] * (before[a] - 1) + extra[a] + (size[a] - 1) * dilation[a] + 1 - after[a])
            for a in range(rank)
        ]
        pads = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in total]
    return (pads[0], pads[1]) if rank == 2 else (0, pads[0])


def _cropped(sheet: Sheet, image: Image, begin: list[int], size: Pair) -> Image:
    """Emit the part of an image of ``size`` that begins at the pixel ``begin``."""
    height, width, channels = image.tensor.shape
    tensor = image.tensor
    for start, length, whole, inner in (
        (begin[0], size[0], height, width * channels),
        (begin[1], size[1], width, channels),
    ):
        if length == whole:
            continue
        tensor = sheet.reshaped(tensor, (tensor.size // (whole * inner), whole * inner))
        name = sheet.new_name("slice")
        node = Slice(
            name=name, input=tensor.name, output=name, start=start * inner, stop=(start + length) * inner
        )
        tensor = sheet.emit(node, (tensor.shape[0], length * inner), "")
    tensor = sheet.reshaped(tensor, (*size, channels))
    return Image(tensor=tensor, scale=image.scale, offset=image.offset)
