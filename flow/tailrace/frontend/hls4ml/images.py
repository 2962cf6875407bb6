# SPDX-License-Identifier: Apache-2.0
"""hls4ml's layers of images and of signals over time: convolutions, pooling, padding, cropping, resizing.

Channels are last, in hls4ml as in the graph; a signal over time is an image of height 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed import shifted
from tailrace.frontend.hls4ml.casting import applied, applied_each, assigned
from tailrace.frontend.hls4ml.products import factors, finish, product, put, sum_of
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.frontend.images import Image, Kernel, Pair, padded, repeated, windowed
from tailrace.frontend.signals import fraction
from tailrace.graph import Pool, Slice

if TYPE_CHECKING:
    from tailrace.core.fixed import FixedFormat
    from tailrace.frontend.hls4ml.records import Layer
    from tailrace.frontend.hls4ml.sheet import Sheet, Signal
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]
Function = Callable[[Integers], Integers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a kernel goes on an image: the image's size, the kernel, the size of what comes out."""

    size: Pair
    kernel: Kernel
    places: Pair


def _check_layout(layer: Layer) -> None:
    if layer.text("data_format", "channels_last") != "channels_last":
        raise RefusedError(
            "its channels are first",
            "channels last",
            "convert with channels_last_conversion='full' (PyTorch), or train with channels last",
        )


def frame(layer: Layer, *, pooling: bool = False) -> Frame:
    """Return the geometry of a convolution or of a pooling layer, of one or of two dimensions."""
    _check_layout(layer)
    what = "pool" if pooling else "filt"
    flat = "in_height" not in layer.attributes

    def both(height: str, width: str, default: int | None = None) -> Pair:
        return 1 if flat else layer.integer(height, default), layer.integer(width, default)

    if layer.integer("dilation", 1) != 1 or layer.integer("dilation_height", 1) != 1:
        raise RefusedError("it is dilated, which hls4ml's C++ ignores", "a dilation of 1", "train it without")
    if flat:
        sides = (0, 0, layer.integer("pad_left", 0), layer.integer("pad_right", 0))
    else:
        sides = (
            layer.integer("pad_top", 0),
            layer.integer("pad_bottom", 0),
            layer.integer("pad_left", 0),
            layer.integer("pad_right", 0),
        )
    kernel = Kernel(
        size=both(f"{what}_height", f"{what}_width"),
        stride=both("stride_height", "stride_width", 1),
        dilation=(1, 1),
        pads=sides,
    )
    size = both("in_height", "in_width" if "in_width" in layer.attributes else "n_in")
    padded_size = size[0] + sides[0] + sides[1], size[1] + sides[2] + sides[3]
    places = tuple((n - k) // s + 1 for n, k, s in zip(padded_size, kernel.size, kernel.stride, strict=True))
    return Frame(size=size, kernel=kernel, places=(places[0], places[1]))


def image(sheet: Sheet, signal: Signal, size: Pair) -> Signal:
    """Return a signal as (height, width, channels)."""
    return replace(signal, tensor=sheet.reshaped(signal.tensor, (*size, signal.channels)))


def windows(sheet: Sheet, signal: Signal, where: Frame, fill: int = 0) -> Signal:
    """Return the windows of an image whose border is padded with ``fill``: (places..., taps * channels)."""
    whole = Image(tensor=signal.tensor, scale=fraction(1), offset=fraction(0))
    whole = padded(sheet, whole, where.kernel.pads, fill)
    tensor = windowed(sheet, whole, where.kernel, where.places)
    outside = any(where.kernel.pads)
    low, high = (min(signal.low, fill), max(signal.high, fill)) if outside else (signal.low, signal.high)
    return replace(signal, tensor=tensor, low=low, high=high)


def convolve(sheet: Sheet, layer: Layer) -> None:
    """Map a convolution."""
    where = frame(layer)
    weight, bias = layer.weight("weight"), layer.weight("bias")
    x, matrix, bits = factors(sheet, image(sheet, sheet.operand(layer), where.size), weight)
    rows = _rows(layer, matrix, layer.integer("n_filt"))
    x = windows(sheet, x, where)
    finish(sheet, layer, product(sheet, layer, x, sum_of(layer, rows, bits, bias), "dense"))


def _rows(layer: Layer, weights: Integers, count: int) -> Integers:
    """Return weights (rows, columns) of an array whose last axis, or first where it was transposed, are the rows."""
    if layer.attributes.get("_weights_transposed"):
        return weights.reshape(count, -1)
    return weights.reshape(-1, count).T


def convolve_depthwise(sheet: Sheet, layer: Layer) -> None:
    """Map a depthwise convolution: one kernel a channel."""
    where = frame(layer)
    y = _depthwise(sheet, layer, sheet.operand(layer), where, ("weight", "bias"))
    finish(sheet, layer, y)


def _depthwise(sheet: Sheet, layer: Layer, x: Signal, where: Frame, names: tuple[str, str]) -> Signal:
    weight, bias = layer.weight(names[0]), layer.weight(names[1])
    x, matrix, bits = factors(sheet, image(sheet, x, where.size), weight)
    channels, taps = x.channels, where.kernel.taps
    if matrix.size != channels * taps:
        raise RefusedError(
            f"it makes {matrix.size // max(taps * channels, 1)} channels of each",
            "a depth multiplier of 1",
            "use a grouped or a plain convolution",
        )
    rows = matrix.reshape(taps, channels).T
    x = windows(sheet, x, where)
    return product(sheet, layer, x, sum_of(layer, rows, bits, bias), "depthwise")


def convolve_separable(sheet: Sheet, layer: Layer) -> None:
    """Map a separable convolution: one kernel a channel, a type between, then a matrix over the channels."""
    where = frame(layer)
    accum = layer.number_format("accum")
    y = _depthwise(sheet, layer, sheet.operand(layer), where, ("depthwise", "zero_bias"))
    y = assigned(sheet, layer, y, accum, layer.number_format("dw_output"))
    y, matrix, bits = factors(sheet, y, layer.weight("pointwise"))
    rows = _rows(layer, matrix, layer.integer("n_filt"))
    finish(sheet, layer, product(sheet, layer, y, sum_of(layer, rows, bits, layer.weight("bias")), "dense"))


def pool(sheet: Sheet, layer: Layer) -> None:
    """Map a maximum or an average over windows."""
    where = frame(layer, pooling=True)
    x = image(sheet, sheet.operand(layer), where.size)
    if layer.text("pool_op") == "Max":
        _maximum(sheet, layer, x, where)
        return
    accum = layer.number_format("accum")
    summed = _summed(sheet, layer, x, where, accum)
    counts = _counts(where)
    if layer.attributes.get("count_pad") or (counts == counts[0]).all():
        divisor = where.kernel.taps if layer.attributes.get("count_pad") else int(counts[0])
        y = _divided(sheet, summed, accum, [divisor])
    else:
        y = _divided(sheet, summed, accum, [int(n) for n in counts])
    put(sheet, layer, assigned(sheet, layer, y, accum, layer.format))


def pool_all(sheet: Sheet, layer: Layer) -> None:
    """Map a maximum or an average over all pixels."""
    _check_layout(layer)
    x = sheet.operand(layer)
    pixels = x.tensor.size // x.channels
    x = replace(x, tensor=sheet.reshaped(x.tensor, (pixels * x.channels,)))
    if layer.text("pool_op") == "Max":
        y = _pooled(sheet, x, "maximum", pixels, (layer.shape[-1],))
        put(sheet, layer, assigned(sheet, layer, y, *_accum_of_maximum(layer), layer.format))
        return
    accum = layer.number_format("accum")
    x = _into_accum(sheet, x, accum)
    summed = _pooled(sheet, x, "sum", pixels, (layer.shape[-1],))
    y = _divided(sheet, assigned(sheet, layer, summed, accum), accum, [pixels])
    put(sheet, layer, assigned(sheet, layer, y, accum, layer.format))


def _accum_of_maximum(layer: Layer) -> tuple[FixedFormat, ...]:
    """Return the type through which a maximum goes, if it has one."""
    return (layer.formats["accum"],) if "accum" in layer.formats else ()


def _pooled(sheet: Sheet, x: Signal, operation: str, taps: int, shape: tuple[int, ...]) -> Signal:
    name = sheet.new_name("pool")
    node = Pool(
        name=name,
        input=x.tensor.name,
        output=name,
        operation="maximum" if operation == "maximum" else "sum",
        taps=taps,
    )
    return sheet.signal(sheet.emit(node, shape, ""), x.fraction_bits, x.format)


def _maximum(sheet: Sheet, layer: Layer, x: Signal, where: Frame) -> None:
    """Pad with what hls4ml pads with: a number whose highest bit alone is set, in the type of the input."""
    top = 1 << (x.format.bits - 1)
    shift = x.format.fraction_bits - x.fraction_bits
    outside = any(where.kernel.pads)
    if outside and shift > x.format.bits - 1:
        raise RefusedError("it pads with a number that its input cannot have", "no padding", "pad before it")
    fill = (-top if x.format.signed else top) >> shift if outside else 0
    x = windows(sheet, x, where, fill)
    y = _pooled(sheet, x, "maximum", where.kernel.taps, (*where.places, x.channels // where.kernel.taps))
    put(sheet, layer, assigned(sheet, layer, y, *_accum_of_maximum(layer), layer.format))


def _into_accum(sheet: Sheet, x: Signal, accum: FixedFormat) -> Signal:
    """Round every pixel to the accumulator's grid where that is coarser: so does every addition of theirs."""
    shift = x.fraction_bits - accum.fraction_bits
    if accum.overflow != "WRAP" or (shift > 0 and accum.rounding not in {"TRN", "RND", "RND_MIN_INF"}):
        raise RefusedError(
            f"its sum is kept in {accum}", "a sum that wraps and is truncated", "use accum: auto"
        )
    if shift <= 0:
        return x
    return applied(
        sheet, x, lambda q: shifted(q, shift, accum.rounding), accum.fraction_bits, accum, rising=True
    )


def _summed(sheet: Sheet, layer: Layer, x: Signal, where: Frame, accum: FixedFormat) -> Signal:
    x = windows(sheet, _into_accum(sheet, x, accum), where)
    shape = (*where.places, x.channels // where.kernel.taps)
    return assigned(sheet, layer, _pooled(sheet, x, "sum", where.kernel.taps, shape), accum)


def _counts(where: Frame) -> Integers:
    """Return how many pixels of the image itself are in each window, place by place."""
    top, bottom, left, right = where.kernel.pads
    ones = np.pad(np.ones(where.size, np.int64), ((top, bottom), (left, right)))
    view = np.lib.stride_tricks.sliding_window_view(ones, where.kernel.size)
    view = view[:: where.kernel.stride[0], :: where.kernel.stride[1]]
    return np.asarray(view.sum(axis=(2, 3))[: where.places[0], : where.places[1]].ravel())


def _divided(sheet: Sheet, summed: Signal, accum: FixedFormat, divisors: list[int]) -> Signal:
    """Divide sums by whole numbers, cut towards zero on the accumulator's grid; one for all or one a place."""
    up = accum.fraction_bits - summed.fraction_bits
    if min(divisors) < 1:
        raise RefusedError("it averages no pixels at its border", "padding below the kernel", "pad less")
    made = {d: _quotient(d, up) for d in set(divisors)}
    if len(made) == 1:
        return applied(sheet, summed, made[divisors[0]], accum.fraction_bits, accum, rising=True)
    functions = [made[d] for d in divisors for _ in range(summed.channels)]
    return applied_each(sheet, summed, functions, accum.fraction_bits, accum)


def _quotient(divisor: int, up: int) -> Function:
    def function(q: Integers) -> Integers:
        scaled = q << up
        whole = np.abs(scaled) // divisor
        return np.asarray(np.where(scaled < 0, -whole, whole))

    return function


def pad_zeros(sheet: Sheet, layer: Layer) -> None:
    """Map a padding with zeros."""
    _check_layout(layer)
    x = sheet.operand(layer)
    flat = len(x.shape) == 2
    x = image(sheet, x, (1, x.shape[0]) if flat else (x.shape[0], x.shape[1]))
    sides = (
        0 if flat else layer.integer("pad_top"),
        0 if flat else layer.integer("pad_bottom"),
        layer.integer("pad_left"),
        layer.integer("pad_right"),
    )
    whole = padded(sheet, Image(tensor=x.tensor, scale=fraction(1), offset=fraction(0)), sides, 0)
    y = replace(x, tensor=whole.tensor, low=min(x.low, 0), high=max(x.high, 0))
    put(sheet, layer, assigned(sheet, layer, y, layer.format))


def crop(sheet: Sheet, layer: Layer) -> None:
    """Map a cropping of the border."""
    _check_layout(layer)
    x = sheet.operand(layer)
    flat = len(x.shape) == 2
    height, width = (1, x.shape[0]) if flat else (x.shape[0], x.shape[1])
    top, left = 0 if flat else layer.integer("crop_top"), layer.integer("crop_left")
    bottom, right = 0 if flat else layer.integer("crop_bottom"), layer.integer("crop_right")
    tensor = _cut(sheet, x.tensor, (height, width * x.channels), (top, height - bottom))
    height -= top + bottom
    tensor = sheet.reshaped(tensor, (height, width * x.channels))
    name = sheet.new_name("slice")
    node = Slice(
        name=name, input=tensor.name, output=name, start=left * x.channels, stop=(width - right) * x.channels
    )
    if left or right:
        tensor = sheet.emit(node, (height, (width - left - right) * x.channels), "")
    put(sheet, layer, assigned(sheet, layer, replace(x, tensor=tensor), layer.format))


def _cut(sheet: Sheet, tensor: Tensor, size: tuple[int, int], kept: tuple[int, int]) -> Tensor:
    """Return the rows ``kept`` of (rows, columns) integers."""
    if kept == (0, size[0]):
        return tensor
    tensor = sheet.reshaped(tensor, (size[0] * size[1],))
    name = sheet.new_name("slice")
    node = Slice(name=name, input=tensor.name, output=name, start=kept[0] * size[1], stop=kept[1] * size[1])
    return sheet.emit(node, ((kept[1] - kept[0]) * size[1],), "")


def resize(sheet: Sheet, layer: Layer) -> None:
    """Map an upsampling by whole factors, to the nearest neighbour."""
    _check_layout(layer)
    x = sheet.operand(layer)
    if layer.text("algorithm", "nearest") != "nearest":
        raise RefusedError(f"it interpolates: {layer.text('algorithm')}", "nearest", "use nearest")
    flat = len(x.shape) == 2
    size = (1, x.shape[0]) if flat else (x.shape[0], x.shape[1])
    after = (1, layer.shape[0]) if flat else (layer.shape[0], layer.shape[1])
    for a, b in zip(size, after, strict=True):
        ratio = ((a << 16) // b) + 1
        if b % a or [i * ratio >> 16 for i in range(b)] != [i // (b // a) for i in range(b)]:
            raise RefusedError(f"it makes {b} pixels of {a}", "whole factors", "upsample by a whole factor")
    x = image(sheet, x, size)
    tensor = repeated(sheet, x.tensor, (after[0] // size[0], after[1] // size[1]))
    put(sheet, layer, assigned(sheet, layer, replace(x, tensor=tensor), layer.format))
