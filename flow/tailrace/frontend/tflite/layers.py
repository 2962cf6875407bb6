# SPDX-License-Identifier: Apache-2.0
"""Layers with weights as nodes of the integer graph: zero points fold into biases, the tail is probed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed_point import INT32_MAX, multiplier_of
from tailrace.core.order import plain
from tailrace.frontend.images import Kernel, padded, repeated, windowed
from tailrace.frontend.tflite.arithmetic import (
    activation_range,
    by_float,
    by_multiplier,
    layer_factors,
)
from tailrace.frontend.tflite.moves import joined, sliced
from tailrace.frontend.tflite.sheet import image
from tailrace.graph import Dense, Depthwise

if TYPE_CHECKING:
    from tailrace.frontend.tflite.records import Operator, Options, Record
    from tailrace.frontend.tflite.sheet import TfliteSheet
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]
Pair = tuple[int, int]

WIDE_ACCUMULATOR = 1 << 47
"""What the kernels' 64-bit accumulators stay below."""

QUANTIZE_AGAIN = "convert it again with a representative data set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where a kernel goes on an image: places of the output, padding (top, bottom, left, right)."""

    places: Pair
    pads: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """How an image is cut into windows: by which kernel, into how many places."""

    kernel: Kernel
    places: Pair


def window_of(size: Pair, kernel: Pair, options: Options) -> Window | None:
    """Return where a kernel goes on an image of ``size``; None where it has no place."""
    places, pads = [], []
    for n, k, stride, dilation in zip(size, kernel, options.stride, options.dilation, strict=True):
        span = (k - 1) * dilation + 1
        if stride < 1 or dilation < 1 or k < 1:
            return None
        count = -(-n // stride) if options.same else (n + stride - span) // stride
        if count < 1:
            return None
        total = (count - 1) * stride + span - n
        before = max(total, 0) // 2 if options.same else 0
        places.append(count)
        pads += [before, max(total - before, 0)]
    return Window(places=(places[0], places[1]), pads=(pads[0], pads[1], pads[2], pads[3]))


def weights_of(sheet: TfliteSheet, operator: Operator, place: int, axis: int) -> Integers | None:
    """Return the weights of a layer, whose channels lie along ``axis``; None (and a problem) where they do not do."""
    record, weights = sheet.record(operator, place), sheet.constant(operator, place)
    if weights is None:
        sheet.problem(
            operator,
            f"its weights {record.name} are no constant",
            "constant weights",
            "products of two activations cannot be mapped",
        )
        return None
    found = record.quantization
    if record.type != "INT8" or record.is_sparse or found is None:
        what = (
            "sparse"
            if record.is_sparse
            else record.type
            if found is not None
            else f"{record.type} without scale"
        )
        sheet.problem(operator, f"its weights {record.name} are {what}", "dense INT8 weights", QUANTIZE_AGAIN)
        return None
    if found.per_channel and found.axis != axis:
        sheet.problem(
            operator,
            f"its weights have one scale for each index of axis {found.axis}",
            f"one scale, or one for each output channel (axis {axis})",
            QUANTIZE_AGAIN,
        )
        return None
    if found.zero_point.any() and (found.per_channel or operator.kind != "FULLY_CONNECTED"):
        sheet.problem(
            operator,
            f"its weights have the zero point {int(found.zero_point[np.flatnonzero(found.zero_point)[0]])}",
            "symmetric weights (zero point 0)",
            QUANTIZE_AGAIN,
        )
        return None
    return weights - (0 if found.per_channel else int(found.zero_point.reshape(-1)[0]))


def bias_of(sheet: TfliteSheet, operator: Operator, place: int, rows: int) -> Integers | None:
    """Return the bias (rows,) of a layer, zeros where it has none; None (and a problem) where it does not do."""
    if place >= len(operator.inputs) or operator.inputs[place] < 0:
        return np.zeros(rows, np.int64)
    record, bias = sheet.record(operator, place), sheet.constant(operator, place)
    if bias is None or bias.size != rows or record.type not in ("INT32", "INT64"):
        sheet.problem(
            operator,
            f"its bias {record.name} is {'no constant' if record.data is None else f'{bias_text(record)}'}",
            f"a constant of {rows} INT32 (of 16-bit layers INT64) numbers",
            QUANTIZE_AGAIN,
        )
        return None
    stated = operator.options.bias_type
    wanted = "INT32" if sheet.record(operator, data_place(operator)).type == "INT8" else "INT64"
    wanted = wanted if stated == "FLOAT32" or wanted == "INT32" else stated
    if record.type != wanted:
        sheet.problem(
            operator,
            f"its bias {record.name} is {record.type}",
            f"an {wanted} bias, which is the kernel's accumulator",
            QUANTIZE_AGAIN,
        )
        return None
    return bias.reshape(-1)


def bias_text(record: Record) -> str:
    """Say what a bias is."""
    return f"{record.type} of shape {list(record.shape)}"


def data_place(operator: Operator) -> int:
    """Return at which place of its inputs a layer has its activations."""
    return 2 if operator.kind == "TRANSPOSE_CONV" else 0


def finish(sheet: TfliteSheet, operator: Operator, acc: Tensor) -> None:
    """Emit the tail of a layer: its factors, output zero point and fused activation."""
    x, y = sheet.record(operator, data_place(operator)), sheet.output(operator)
    found = sheet.record(operator, 1).quantization
    assert found is not None  # noqa: S101 - by weights_of
    ends = activation_range(y, operator.options.activation)
    wide = x.type == "INT16" and operator.options.bias_type != "INT32"
    factors = layer_factors(x, found.scale.reshape(-1), y)
    if operator.kind == "FULLY_CONNECTED":
        function = by_float(factors, y, ends)
        left = 0
    else:
        function = by_multiplier(factors, y, ends, wide=wide)
        left = max(multiplier_of(float(factors.max())).shift, 0) if not wide else 0
    reach = max(abs(int(acc.low.min())), abs(int(acc.high.max())))
    most = WIDE_ACCUMULATOR if wide else INT32_MAX
    if reach << left > most or reach * float(factors.max()) > INT32_MAX:
        sheet.problem(
            operator,
            f"its accumulator reaches {reach:,}, times up to {float(factors.max()):.3g}, and the kernel's "
            f"{'64' if wide else '32'} bits overflow",
            "accumulators that the kernel holds whole",
            "use smaller weights or fewer inputs, or 16-bit activations",
        )
        return
    out = sheet.mapped(acc, function, rising=True, alike=factors.size == 1, origin=y.name)
    sheet.settle(operator, out)


def fully_connected(sheet: TfliteSheet, operator: Operator) -> None:
    """Map FULLY_CONNECTED: a dense layer at every position."""
    weights = weights_of(sheet, operator, 1, 0)
    if weights is None:
        return
    if weights.ndim != 2 or operator.options.shuffled:
        sheet.problem(
            operator,
            f"its weights have the shape {list(weights.shape)}"
            + (" in a shuffled order" if operator.options.shuffled else ""),
            "weights (outputs, inputs) in their plain order",
            "convert it again",
        )
        return
    bias = bias_of(sheet, operator, 2, len(weights))
    tensor = sheet.value(operator)
    if bias is None:
        return
    if tensor.size % weights.shape[1]:
        sheet.problem(
            operator,
            f"its input has {tensor.size} elements",
            f"a multiple of the {weights.shape[1]} inputs that its weights have",
            "convert it again",
        )
        return
    positions = tensor.size // weights.shape[1]
    shape = (weights.shape[1],) if positions == 1 else (positions, weights.shape[1])
    bias = folded(bias, weights, sheet.record(operator, 0))
    finish(sheet, operator, dense(sheet, sheet.reshaped(tensor, shape), weights, bias))


def folded(bias: Integers, weights: Integers, x: Record) -> Integers:
    """Return the bias (rows,) with the zero point of a layer's input in it."""
    return np.asarray(bias - x.zero_point * weights.reshape(len(weights), -1).sum(axis=1), np.int64)


def dense(sheet: TfliteSheet, tensor: Tensor, weights: Integers, bias: Integers) -> Tensor:
    """Emit a matrix product at every position."""
    name = sheet.new_name("dense")
    node = Dense(name=name, input=tensor.name, output=name, weights=weights, bias=bias)
    return sheet.emit(node, (*tensor.shape[:-1], len(weights)), "")


def convolve(sheet: TfliteSheet, operator: Operator) -> None:
    """Map CONV_2D, grouped ones too."""
    weights = weights_of(sheet, operator, 1, 0)
    if weights is None or not _is_image(sheet, operator, weights):
        return
    bias = bias_of(sheet, operator, 2, len(weights))
    x, tensor = sheet.record(operator, 0), sheet.value(operator)
    window = _window(sheet, operator, tensor, (weights.shape[1], weights.shape[2]))
    groups = tensor.channels // weights.shape[3] if weights.shape[3] else 0
    if bias is None or window is None:
        return
    if not groups or tensor.channels % weights.shape[3] or len(weights) % groups:
        sheet.problem(
            operator,
            f"its weights of shape {list(weights.shape)} take {weights.shape[3]} channels, its input has "
            f"{tensor.channels}",
            "as many channels, or groups of them",
            "convert it again",
        )
        return
    ready = padded(sheet, image(tensor), window.pads, x.zero_point).tensor
    cut = Cut(kernel=_kernel(weights.shape[1:3], operator.options), places=window.places)
    finish(sheet, operator, _grouped(sheet, ready, weights, folded(bias, weights, x), cut))


def _kernel(size: tuple[int, ...], options: Options) -> Kernel:
    return Kernel(
        size=(size[0], size[1]), stride=options.stride, dilation=options.dilation, pads=(0, 0, 0, 0)
    )


def _grouped(
    sheet: TfliteSheet,
    ready: Tensor,
    weights: Integers,
    bias: Integers,
    cut: Cut,
) -> Tensor:
    """Emit the convolution of a padded image with (rows, kernel rows, kernel columns, columns) weights."""
    groups = ready.channels // weights.shape[3]
    if groups == ready.channels and groups > 1:
        return _depthwise(sheet, ready, weights[..., 0].reshape(len(weights), -1), bias, cut)
    rows, columns = len(weights) // groups, weights.shape[3]
    parts = []
    for group in range(groups):
        own = slice(group * rows, (group + 1) * rows)
        part = ready if groups == 1 else sliced(sheet, ready, -1, group * columns, (group + 1) * columns)
        windows = windowed(sheet, image(part), cut.kernel, cut.places)
        parts.append(dense(sheet, windows, weights[own].reshape(rows, -1), bias[own]))
    return joined(sheet, parts)


def _depthwise(
    sheet: TfliteSheet,
    ready: Tensor,
    weights: Integers,
    bias: Integers,
    cut: Cut,
) -> Tensor:
    """Emit one kernel for every channel, or several; weights are (rows, taps)."""
    height, width, channels = ready.shape
    times = len(weights) // channels
    if times > 1:
        flat = repeated(sheet, sheet.reshaped(ready, (height * width, channels, 1)), (1, times))
        ready = sheet.reshaped(flat, (height, width, channels * times))
    name = sheet.new_name("depthwise")
    node = Depthwise(
        name=name,
        input=windowed(sheet, image(ready), cut.kernel, cut.places).name,
        output=name,
        weights=weights,
        bias=bias,
    )
    return sheet.emit(node, (*cut.places, len(weights)), "")


def convolve_depthwise(sheet: TfliteSheet, operator: Operator) -> None:
    """Map DEPTHWISE_CONV_2D, whose weights are (1, kernel rows, kernel columns, outputs)."""
    weights = weights_of(sheet, operator, 1, 3)
    if weights is None or not _is_image(sheet, operator, weights):
        return
    rows = weights.shape[3]
    bias = bias_of(sheet, operator, 2, rows)
    x, tensor = sheet.record(operator, 0), sheet.value(operator)
    window = _window(sheet, operator, tensor, (weights.shape[1], weights.shape[2]))
    if bias is None or window is None:
        return
    if len(weights) != 1 or rows % tensor.channels:
        sheet.problem(
            operator,
            f"its weights have the shape {list(weights.shape)}, its input {tensor.channels} channels",
            "weights (1, rows, columns, a multiple of the channels)",
            "convert it again",
        )
        return
    ready = padded(sheet, image(tensor), window.pads, x.zero_point).tensor
    taps = weights[0].reshape(-1, rows).T
    cut = Cut(kernel=_kernel(weights.shape[1:3], operator.options), places=window.places)
    finish(sheet, operator, _depthwise(sheet, ready, taps, folded(bias, taps, x), cut))


def _is_image(sheet: TfliteSheet, operator: Operator, weights: Integers) -> bool:
    shape = sheet.record(operator, data_place(operator)).shape
    if len(shape) == 4 and shape[0] == 1 and weights.ndim == 4 and min(shape) and min(weights.shape):
        return True
    sheet.problem(
        operator,
        f"its input has the shape {list(shape)} and its weights {list(weights.shape)}",
        "an image (1, height, width, channels) and weights of four axes",
        "convert the network for one image at a time",
    )
    return False


def _window(sheet: TfliteSheet, operator: Operator, tensor: Tensor, kernel: Pair) -> Window | None:
    found = window_of((tensor.shape[0], tensor.shape[1]), kernel, operator.options)
    if found is None or found.places != sheet.output(operator).shape[1:3]:
        says = list(sheet.output(operator).shape)
        gives = "no place" if found is None else f"{found.places[0]} x {found.places[1]} places"
        sheet.problem(
            operator,
            f"its kernel has {gives} on its input, and its output the shape {says}",
            "an output as large as its kernel, stride and padding make it",
            "convert it again",
        )
        return None
    return found


def convolve_transposed(sheet: TfliteSheet, operator: Operator) -> None:
    """Map TRANSPOSE_CONV: a convolution gives every pixel a block of outputs, the blocks become pixels.

    Output ``o`` is reached by input ``i`` through tap ``k`` where ``o = i * stride - pad + k``: with ``o + pad =
    stride * block + phase``, by the taps ``phase, phase + stride, ...`` of the inputs ``block, block - 1, ...``.
    """
    weights = weights_of(sheet, operator, 1, 0)
    if weights is None or not _is_image(sheet, operator, weights):
        return
    rows, channels = len(weights), weights.shape[3]
    bias = bias_of(sheet, operator, 3, rows)
    x, tensor, options = sheet.record(operator, 2), sheet.value(operator, 2), operator.options
    size = sheet.output(operator).shape
    asked = sheet.constant(operator, 0)
    if bias is None:
        return
    agrees = asked is not None and asked.reshape(-1).tolist() == list(size) and len(size) == 4
    wanted = window_of((size[1], size[2]), (weights.shape[1], weights.shape[2]), options) if agrees else None
    if wanted is None or wanted.places != tensor.shape[:2] or channels != tensor.channels or size[3] != rows:
        sheet.problem(
            operator,
            f"its output has the shape {list(size)}, its input {list(x.shape)}, its weights {list(weights.shape)}",
            "a constant output shape that a convolution with this kernel would take back to the input",
            "convert it again",
        )
        return
    pads, blocks, first, taps = [], [], [], []
    for a in range(2):
        begin = wanted.pads[2 * a]
        first.append(begin // options.stride[a])
        blocks.append(-(-(begin + size[1 + a]) // options.stride[a]) - first[a])
        taps.append(-(-weights.shape[1 + a] // options.stride[a]))
        before = taps[a] - 1 - first[a]
        pads += [before, blocks[a] + taps[a] - 1 - before - tensor.shape[a]]
    if min(pads) < 0:
        sheet.problem(
            operator,
            f"it cuts {-min(pads)} pixels more off the border than its kernel adds",
            "padding of less than the kernel",
            "use padding VALID, or a larger kernel",
        )
        return
    filled = np.zeros((rows, taps[0] * options.stride[0], taps[1] * options.stride[1], channels), np.int64)
    filled[:, : weights.shape[1], : weights.shape[2]] = weights
    parts = filled.reshape(rows, taps[0], options.stride[0], taps[1], options.stride[1], channels)
    turned = parts[:, ::-1, :, ::-1].transpose(2, 4, 0, 1, 3, 5).reshape(-1, taps[0] * taps[1] * channels)
    ready = padded(sheet, image(tensor), (pads[0], pads[1], pads[2], pads[3]), x.zero_point).tensor
    kernel = Kernel(size=(taps[0], taps[1]), stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0))
    cut = windowed(sheet, image(ready), kernel, (blocks[0], blocks[1]))
    phases = options.stride[0] * options.stride[1]
    acc = dense(sheet, cut, turned, folded(np.tile(bias, phases), turned, x))
    numbers = np.arange(acc.size).reshape(blocks[0], blocks[1], *options.stride, rows)
    high = (blocks[0] * options.stride[0], blocks[1] * options.stride[1], rows)
    acc = sheet.arranged(acc, plain(numbers.transpose(0, 2, 1, 3, 4).ravel()), high)
    for a in range(2):
        start = wanted.pads[2 * a] - first[a] * options.stride[a]
        acc = sliced(sheet, acc, a, start, start + size[1 + a])
    finish(sheet, operator, acc)
