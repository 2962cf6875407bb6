# SPDX-License-Identifier: Apache-2.0
"""Operators that only move integers: shapes, orders, padding, parts of tensors and several as one."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import plain
from tailrace.frontend.images import Kernel, padded, repeated, windowed
from tailrace.frontend.signals import sample_shape
from tailrace.frontend.tflite.sheet import image
from tailrace.graph import Concat, Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.frontend.tflite.records import Operator, Record
    from tailrace.frontend.tflite.sheet import TfliteSheet
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]
Part = tuple[int, int, int]
"""(start, step, count) of the indices of an axis."""

AGAIN = "convert it again"


# On tensors


def along(sheet: TfliteSheet, tensor: Tensor, axis: int) -> Tensor:
    """Return a tensor as (what is in front of ``axis``, the axis, what is behind it)."""
    axis %= len(tensor.shape)
    front, behind = prod(tensor.shape[:axis]), prod(tensor.shape[axis + 1 :])
    return sheet.reshaped(tensor, (front, tensor.shape[axis], behind))


def sliced(sheet: TfliteSheet, tensor: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """Emit the indices start..stop - 1 of an axis."""
    axis %= len(tensor.shape)
    if (start, stop) == (0, tensor.shape[axis]):
        return tensor
    shape = (*tensor.shape[:axis], stop - start, *tensor.shape[axis + 1 :])
    front, length, behind = along(sheet, tensor, axis).shape
    flat = sheet.reshaped(tensor, (front, length * behind) if front > 1 else (length * behind,))
    name = sheet.new_name("slice")
    node = Slice(name=name, input=flat.name, output=name, start=start * behind, stop=stop * behind)
    part = sheet.emit(node, (*flat.shape[:-1], (stop - start) * behind), "")
    return sheet.reshaped(part, shape)


def joined(sheet: TfliteSheet, parts: Sequence[Tensor], axis: int = -1) -> Tensor:
    """Emit several tensors as one, one behind the other along an axis."""
    whole = parts[0]
    axis %= len(whole.shape)
    for part in parts[1:]:
        length = whole.shape[axis] + part.shape[axis]
        shape = (*whole.shape[:axis], length, *whole.shape[axis + 1 :])
        front, behind = prod(whole.shape[:axis]), prod(whole.shape[axis + 1 :])
        ends = [
            sheet.reshaped(t, (front, t.shape[axis] * behind) if front > 1 else (t.shape[axis] * behind,))
            for t in (whole, part)
        ]
        name = sheet.new_name("concat")
        node = Concat(name=name, a=ends[0].name, b=ends[1].name, output=name)
        both = sheet.emit(node, (*ends[0].shape[:-1], length * behind), "")
        whole = sheet.reshaped(both, shape)
    return whole


def permuted(sheet: TfliteSheet, tensor: Tensor, numbers: Integers) -> Tensor:
    """Emit the elements ``numbers`` of a tensor, each once, in their shape."""
    shape = numbers.shape
    return sheet.arranged(tensor, plain(numbers.ravel()), shape)


def picked(sheet: TfliteSheet, tensor: Tensor, axis: int, part: Part) -> Tensor:
    """Emit the indices start, start + step, ... of an axis; a negative step turns the axis around first."""
    start, step, count = part
    axis %= len(tensor.shape)
    if count == 1:
        step = 1
    if step < 0:
        numbers = np.flip(np.arange(tensor.size).reshape(tensor.shape), axis)
        tensor = permuted(sheet, tensor, numbers)
        start, step = tensor.shape[axis] - 1 - start, -step
    tensor = sliced(sheet, tensor, axis, start, start + (count - 1) * step + 1)
    if step == 1:
        return tensor
    shape = (*tensor.shape[:axis], count, *tensor.shape[axis + 1 :])
    kernel = Kernel(size=(1, 1), stride=(1, step), dilation=(1, 1), pads=(0, 0, 0, 0))
    rows = along(sheet, tensor, axis)
    return sheet.reshaped(windowed(sheet, image(rows), kernel, (rows.shape[0], count)), shape)


def widened(sheet: TfliteSheet, tensor: Tensor, own: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """Emit a tensor of shape ``own`` repeated along the axes of ``shape`` where it has one index (no batch axes)."""
    full = (*(1 for _ in range(len(shape) - len(own))), *own)
    tensor = sheet.reshaped(tensor, full)
    for axis, (have, want) in enumerate(zip(full, shape, strict=True)):
        if have == want:
            continue
        now = (*tensor.shape[:axis], want, *tensor.shape[axis + 1 :])
        tensor = sheet.reshaped(repeated(sheet, along(sheet, tensor, axis), (1, want)), now)
    return tensor


# Operators


def reshape(sheet: TfliteSheet, operator: Operator) -> None:
    """Map RESHAPE, SQUEEZE and EXPAND_DIMS: the output's own shape says all."""
    record, tensor = sheet.output(operator), sheet.value(operator)
    if record.size != tensor.size:
        sheet.problem(
            operator,
            f"its input has {tensor.size} elements, its output the shape {list(record.shape)}",
            "as many elements",
            AGAIN,
        )
        return
    sheet.settle(operator, tensor)


def transpose(sheet: TfliteSheet, operator: Operator) -> None:
    """Map TRANSPOSE."""
    order, shape = sheet.constant(operator, 1), sheet.record(operator, 0).shape
    if order is None or sorted(order.reshape(-1).tolist()) != list(range(len(shape))):
        not_constant(sheet, operator, 1, f"an order of the {len(shape)} axes")
        return
    numbers = np.arange(sheet.value(operator).size).reshape(shape).transpose(order.reshape(-1).tolist())
    if numbers.shape != sheet.output(operator).shape:
        other_shape(sheet, operator, numbers.shape)
        return
    sheet.settle(
        operator, permuted(sheet, sheet.value(operator), numbers.reshape(sample_shape(numbers.shape)))
    )


def not_constant(sheet: TfliteSheet, operator: Operator, place: int, wanted: str) -> None:
    """Report an operand that has to be a constant of some kind."""
    has = place < len(operator.inputs) and operator.inputs[place] >= 0
    name = sheet.record(operator, place).name if has else "(none)"
    sheet.problem(operator, f"its operand {name} is not {wanted}", f"a constant: {wanted}", AGAIN)


def other_shape(sheet: TfliteSheet, operator: Operator, shape: Sequence[int]) -> None:
    """Report an output whose shape is not what the operator makes."""
    sheet.problem(
        operator,
        f"it makes the shape {list(shape)}, and its output has {list(sheet.output(operator).shape)}",
        "one shape",
        AGAIN,
    )


def pad(sheet: TfliteSheet, operator: Operator) -> None:
    """Map PAD (with the zero point) and PADV2 (with a constant of the input's own scale)."""
    x, y = sheet.record(operator, 0), sheet.output(operator)
    sides, value = sheet.constant(operator, 1), y.zero_point
    if sides is None or sides.shape != (len(x.shape), 2) or sides.min() < 0:
        not_constant(sheet, operator, 1, f"padding of the {len(x.shape)} axes, none below 0")
        return
    if operator.kind == "PADV2":
        found = sheet.constant(operator, 2)
        if found is None or found.size != 1:
            not_constant(sheet, operator, 2, "one number")
            return
        value = int(found.reshape(-1)[0])
    shape = tuple(int(n + a + b) for n, (a, b) in zip(x.shape, sides.tolist(), strict=True))
    if shape != y.shape:
        other_shape(sheet, operator, shape)
        return
    if sides[0].any() and x.shape[0] == 1 and len(x.shape) > 1:
        sheet.problem(operator, "it pads the batch axis", "padding of one sample's axes", "leave it out")
        return
    tensor = sheet.value(operator)
    offset = len(x.shape) - len(tensor.shape)
    for axis in range(len(tensor.shape)):
        before, after = (int(n) for n in sides[axis + offset])
        if not before and not after:
            continue
        if axis == 0 and len(tensor.shape) == 3 and sides[1 + offset].any():  # rows and columns at once
            left, right = (int(n) for n in sides[1 + offset])
            tensor = padded(sheet, image(tensor), (before, after, left, right), value).tensor
            sides = sides.copy()
            sides[1 + offset] = 0
            continue
        now = (*tensor.shape[:axis], tensor.shape[axis] + before + after, *tensor.shape[axis + 1 :])
        rows = padded(sheet, image(along(sheet, tensor, axis)), (0, 0, before, after), value)
        tensor = sheet.reshaped(rows.tensor, now)
    sheet.settle(operator, tensor)


def concatenate(sheet: TfliteSheet, operator: Operator) -> None:
    """Map CONCATENATION of tensors of one scale."""
    y, records = sheet.output(operator), [sheet.model.tensors[i] for i in operator.inputs]
    rank = len(y.shape)
    axis = operator.options.axis + (rank if operator.options.axis < 0 else 0)
    if any(index not in sheet.values for index in operator.inputs):
        sheet.problem(
            operator, "one of its inputs is a constant", "activations", "fold the constant into a layer"
        )
        return
    if any(r.type != y.type or r.zero_point != y.zero_point for r in records) or (
        y.type == "INT8" and any(r.scale != y.scale for r in records)
    ):
        sheet.problem(
            operator,
            "its inputs have other scales or zero points than its output",
            "one scale and zero point, as the kernel does",
            "convert it again: the converter gives them one",
        )
        return
    shape = _shape_of_joined(records, axis)
    if not 0 <= axis < rank or shape != y.shape or operator.options.activation != "NONE":
        other_shape(sheet, operator, shape)
        return
    tensors = [sheet.values[i] for i in operator.inputs]
    offset = rank - len(tensors[0].shape)
    if axis < offset:
        sheet.problem(operator, "it joins along the batch axis", "another axis", "run one sample at a time")
        return
    sheet.settle(operator, joined(sheet, tensors, axis - offset))


def _shape_of_joined(records: list[Record], axis: int) -> tuple[int, ...]:
    first = records[0].shape
    same = all(
        len(r.shape) == len(first)
        and all(a == b for i, (a, b) in enumerate(zip(r.shape, first, strict=True)) if i != axis)
        for r in records
    )
    if not same or not 0 <= axis < len(first):
        return ()
    return (*first[:axis], sum(r.shape[axis] for r in records), *first[axis + 1 :])


def split(sheet: TfliteSheet, operator: Operator) -> None:
    """Map SPLIT into equal parts."""
    where, x = sheet.constant(operator, 0), sheet.record(operator, 1)
    tensor, rank = sheet.value(operator, 1), len(x.shape)
    axis = rank if where is None or where.size != 1 else int(where.reshape(-1)[0])
    axis += rank if axis < 0 else 0
    if where is None or not 0 <= axis < rank:
        not_constant(sheet, operator, 0, f"one of the {rank} axes")
        return
    count, offset = len(operator.outputs), rank - len(tensor.shape)
    if x.shape[axis] % count or (axis < offset and count > 1):
        sheet.problem(
            operator,
            f"it cuts {x.shape[axis]} into {count} parts along axis {axis}",
            "equal parts of a sample",
            AGAIN,
        )
        return
    part = x.shape[axis] // count
    for index in range(count):
        shape = (*x.shape[:axis], part, *x.shape[axis + 1 :])
        if sheet.output(operator, index).shape != shape:
            other_shape(sheet, operator, shape)
            return
        own = tensor if count == 1 else sliced(sheet, tensor, axis - offset, index * part, (index + 1) * part)
        sheet.settle(operator, own, index)


def slice_(sheet: TfliteSheet, operator: Operator) -> None:
    """Map SLICE: begin and size of every axis, -1 for all the rest."""
    x = sheet.record(operator, 0)
    begin, size = sheet.constant(operator, 1), sheet.constant(operator, 2)
    rank = len(x.shape)
    if begin is None or size is None or begin.size != rank or size.size != rank:
        not_constant(sheet, operator, 1, f"begin and size of the {rank} axes")
        return
    parts = [
        (int(b), 1, int(n - b if s == -1 else s))
        for n, b, s in zip(x.shape, begin.reshape(-1), size.reshape(-1), strict=True)
    ]
    _take(sheet, operator, parts)


def strided_slice(sheet: TfliteSheet, operator: Operator) -> None:
    """Map STRIDED_SLICE with constant ends; masks for begin, end and axes that vanish."""
    x, options = sheet.record(operator, 0), operator.options
    found = [sheet.constant(operator, place) for place in (1, 2, 3)]
    rank = len(x.shape)
    if any(v is None or v.size > rank for v in found):
        not_constant(sheet, operator, 1, f"begin, end and stride of the {rank} axes")
        return
    if options.ellipsis_mask or options.new_axis_mask or options.is_offset:
        sheet.problem(operator, "it has an ellipsis, a new axis or offsets", "begin, end and stride", AGAIN)
        return
    begins, ends, strides = (v.reshape(-1).tolist() for v in found if v is not None)
    parts = []
    for axis, n in enumerate(x.shape):
        if axis >= len(strides):
            parts.append((0, 1, n))
            continue
        bit, step = 1 << axis, strides[axis]
        if step == 0:
            sheet.problem(operator, "it has a stride of 0", "another stride", AGAIN)
            return
        begin = None if options.begin_mask & bit else begins[axis]
        end = None if options.end_mask & bit else ends[axis]
        if options.shrink_axis_mask & bit:
            start = begins[axis] + (n if begins[axis] < 0 else 0)
            parts.append((start, 1, 1))
            continue
        start, stop, step = slice(begin, end, step).indices(n)
        parts.append((start, step, len(range(start, stop, step))))
    _take(sheet, operator, parts)


def _take(sheet: TfliteSheet, operator: Operator, parts: list[Part]) -> None:
    """Emit (start, step, count) of every axis."""
    x, tensor = sheet.record(operator, 0), sheet.value(operator)
    offset = len(x.shape) - len(tensor.shape)
    inside = all(
        count >= 1 and 0 <= start < n and 0 <= start + (count - 1) * step < n
        for n, (start, step, count) in zip(x.shape, parts, strict=True)
    )
    size = prod(count for _, _, count in parts)
    if not inside or sheet.output(operator).size != size:
        sheet.problem(
            operator,
            f"it takes (start, step, count) {parts} of the shape {list(x.shape)}, for the shape "
            f"{list(sheet.output(operator).shape)}",
            "a part of its input that holds something",
            AGAIN,
        )
        return
    for axis, part in enumerate(parts[offset:]):
        tensor = picked(sheet, tensor, axis, part)
    sheet.settle(operator, tensor)


def resize(sheet: TfliteSheet, operator: Operator) -> None:
    """Map RESIZE_NEAREST_NEIGHBOR where every pixel is repeated, or every n-th one kept."""
    x, y, options = sheet.record(operator, 0), sheet.output(operator), operator.options
    size = sheet.constant(operator, 1)
    if (
        len(x.shape) != 4
        or x.shape[0] != 1
        or size is None
        or size.reshape(-1).tolist() != list(y.shape[1:3])
    ):
        not_constant(sheet, operator, 1, "the height and width of its output")
        return
    if y.shape[0] != 1 or y.shape[3] != x.shape[3]:
        other_shape(sheet, operator, (1, *size.reshape(-1).tolist(), x.shape[3]))
        return
    tensor = sheet.value(operator)
    for axis in range(2):
        n, m = x.shape[1 + axis], y.shape[1 + axis]
        places = _nearest(n, m, align=options.align_corners, centers=options.half_pixel_centers)
        if m % n == 0 and np.array_equal(places, np.arange(m) // (m // n)):
            times = m // n
            tensor = repeated(sheet, tensor, (times, 1) if axis == 0 else (1, times))
            continue
        steps = np.unique(np.diff(places)) if m > 1 else np.ones(1, np.int64)
        if steps.size != 1 or steps[0] < 1:
            sheet.problem(
                operator,
                f"it takes the {'rows' if axis == 0 else 'columns'} {places.tolist()[:12]} of {n}",
                "every pixel a whole number of times, or every n-th one",
                "resize by a whole factor",
            )
            return
        tensor = picked(sheet, tensor, axis, (int(places[0]), int(steps[0]), m))
    sheet.settle(operator, tensor)


def _nearest(before: int, after: int, *, align: bool, centers: bool) -> Integers:
    """Return which of ``before`` pixels each of ``after`` is, computed in float32 as the kernel does."""
    scale = (
        np.float32(before - 1) / np.float32(after - 1)
        if align and after > 1
        else np.float32(before) / np.float32(after)
    )
    at = (np.arange(after).astype(np.float32) + np.float32(0.5 if centers else 0.0)) * scale
    places = np.floor(at + np.float32(0.5)) if align else np.floor(at)
    return np.asarray(np.clip(places, 0, before - 1), np.int64)
