# SPDX-License-Identifier: Apache-2.0
"""Pools over windows, and means over axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import plain
from tailrace.frontend.images import Kernel, padded, windowed
from tailrace.frontend.signals import sample_shape
from tailrace.frontend.tflite.arithmetic import BOUNDS, activation_range, average, mean
from tailrace.frontend.tflite.layers import window_of
from tailrace.frontend.tflite.moves import not_constant, other_shape
from tailrace.frontend.tflite.sheet import image
from tailrace.graph import Pool

if TYPE_CHECKING:
    from typing import Literal

    from tailrace.frontend.tflite.layers import Window
    from tailrace.frontend.tflite.records import Operator, Options
    from tailrace.frontend.tflite.sheet import TfliteSheet
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]

FUNCTIONS_AT_MOST = 1 << 16
"""Different functions of an average that divides by fewer pixels at the border."""


def pool(sheet: TfliteSheet, operator: Operator) -> None:
    """Map AVERAGE_POOL_2D and MAX_POOL_2D."""
    x, y, options = sheet.record(operator, 0), sheet.output(operator), operator.options
    if len(x.shape) != 4 or x.shape[0] != 1:
        sheet.problem(
            operator,
            f"its input has the shape {list(x.shape)}",
            "an image (1, height, width, channels)",
            "convert it",
        )
        return
    if x.zero_point != y.zero_point or abs(float(x.scale) - float(y.scale)) > 1e-6:
        sheet.problem(
            operator,
            "its output has another scale or zero point than its input",
            "one scale and zero point, as the kernel does",
            "convert it again: the converter gives them one",
        )
        return
    tensor = sheet.value(operator)
    found = window_of((x.shape[1], x.shape[2]), options.kernel, options)
    if found is None or (1, *found.places, x.shape[3]) != y.shape:
        other_shape(sheet, operator, () if found is None else (1, *found.places, x.shape[3]))
        return
    largest = operator.kind == "MAX_POOL_2D"
    fill = BOUNDS[x.type][0] if largest else 0
    ready = padded(sheet, image(tensor), found.pads, fill).tensor
    kernel = Kernel(size=options.kernel, stride=options.stride, dilation=(1, 1), pads=(0, 0, 0, 0))
    cut = windowed(sheet, image(ready), kernel, found.places)
    ends = activation_range(y, options.activation)
    if largest:
        bounded = ends != BOUNDS[y.type]
        out = _pooled(sheet, cut, "maximum", kernel.taps, "" if bounded else y.name)
        if bounded:
            out = sheet.mapped(out, lambda q: np.clip(q, *ends), rising=True, alike=True, origin=y.name)
        sheet.settle(operator, out)
        return
    total = _pooled(sheet, cut, "sum", kernel.taps, "")
    counts = _counts((x.shape[1], x.shape[2]), found, options)
    if (counts == counts[0]).all():
        whole = int(counts[0])
        function = lambda acc: average(acc, whole, ends)  # noqa: E731 - the tail of this pool
        sheet.settle(operator, sheet.mapped(total, function, rising=True, alike=True, origin=y.name))
        return
    each = np.repeat(counts, x.shape[3])
    if each.size > FUNCTIONS_AT_MOST:
        sheet.problem(
            operator,
            f"it divides by fewer pixels at the border, which makes {each.size:,} different functions",
            f"at most {FUNCTIONS_AT_MOST:,} of them, or averages without padding",
            "use padding VALID",
        )
        return
    flat = sheet.reshaped(total, (total.size,))
    out = sheet.mapped(flat, lambda acc: average(acc, each, ends), rising=True, alike=False, origin=y.name)
    sheet.settle(operator, out)


def _pooled(
    sheet: TfliteSheet, tensor: Tensor, operation: Literal["maximum", "sum"], taps: int, origin: str
) -> Tensor:
    name = sheet.new_name("pool")
    node = Pool(name=name, input=tensor.name, output=name, operation=operation, taps=taps)
    return sheet.emit(node, (*tensor.shape[:-1], tensor.channels // taps), origin)


def _counts(size: tuple[int, int], window: Window, options: Options) -> Integers:
    """Return how many pixels of the image each window holds, position by position."""
    lengths = []
    for axis in range(2):
        start = np.arange(window.places[axis]) * options.stride[axis] - window.pads[2 * axis]
        stop = np.minimum(start + options.kernel[axis], size[axis])
        lengths.append(stop - np.maximum(start, 0))
    return np.asarray((lengths[0][:, None] * lengths[1][None, :]).ravel(), np.int64)


def average_over_axes(sheet: TfliteSheet, operator: Operator) -> None:
    """Map MEAN: the integers over some axes summed, the division inside the multiplier."""
    x, y = sheet.record(operator, 0), sheet.output(operator)
    rank, found = len(x.shape), sheet.constant(operator, 1)
    axes = None if found is None else sorted({int(a) + (rank if a < 0 else 0) for a in found.reshape(-1)})
    if axes is None or any(not 0 <= a < rank for a in axes):
        not_constant(sheet, operator, 1, f"some of the {rank} axes")
        return
    kept = [a for a in range(rank) if a not in axes]
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    if not operator.options.keep_dims:
        shape = tuple(x.shape[a] for a in kept)
    if shape != y.shape:
        other_shape(sheet, operator, shape)
        return
    taps = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    tensor = sheet.value(operator)
    if taps > 1:
        numbers = np.arange(tensor.size).reshape(x.shape).transpose(*axes, *kept).ravel()
        tensor = _pooled(sheet, sheet.arranged(tensor, plain(numbers), (1, 1, tensor.size)), "sum", taps, "")
    bound = max(abs(int(tensor.low.min())), abs(int(tensor.high.max()))) + abs(x.zero_point) * taps
    if bound >= 1 << 31:
        sheet.problem(operator, f"it sums {taps:,} integers", "sums that fit 32 bits", "use fewer pixels")
        return
    tensor = sheet.reshaped(tensor, sample_shape(y.shape))
    sheet.settle(operator, sheet.mapped(tensor, mean(x, y, taps), rising=True, alike=True, origin=y.name))
