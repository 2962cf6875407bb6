# SPDX-License-Identifier: Apache-2.0
"""hls4ml's layers of two tensors, and those that move numbers: merges, concatenations, reshapes, transpositions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import plain
from tailrace.frontend.hls4ml.casting import assigned, clamped
from tailrace.frontend.hls4ml.products import put, repeated
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.graph import Add, Concat, Multiply, Permute, Pool

if TYPE_CHECKING:
    from tailrace.frontend.hls4ml.records import Layer
    from tailrace.frontend.hls4ml.sheet import Sheet, Signal
    from tailrace.graph import Tensor
    from tailrace.graph.tensors import Shape

Integers = NDArray[np.int64]

SIGNS = {"add": 1, "subtract": -1, "average": 1}


def merge(sheet: Sheet, layer: Layer) -> None:
    """Map a sum, difference, product, average, maximum or minimum of two tensors."""
    operation = layer.text("op", layer.text("class_name")).lower()
    a, b = sheet.operand(layer, 0), sheet.operand(layer, 1)
    a, b = _spread(sheet, a, layer.shape), _spread(sheet, b, layer.shape)
    if operation in SIGNS:
        y = _sum(sheet, a, b, SIGNS[operation])
        if operation == "average":
            y = replace(y, fraction_bits=y.fraction_bits + 1)
    elif operation == "multiply":
        y = _product(sheet, a, b)
    elif operation in {"maximum", "minimum"}:
        y = _extreme(sheet, a, b, largest=operation == "maximum")
    else:
        raise RefusedError(
            f"it merges by {operation}",
            "add, subtract, multiply, average, maximum, minimum, concatenate",
            "merge them in another way",
        )
    put(sheet, layer, assigned(sheet, layer, y, layer.format))


def _spread(sheet: Sheet, signal: Signal, shape: Shape) -> Signal:
    """Return a signal in ``shape``: the smaller tensor is repeated from its beginning, as hls4ml indexes it."""
    size = int(np.prod(shape))
    if signal.tensor.size == size:
        return replace(signal, tensor=sheet.reshaped(signal.tensor, shape))
    if size % signal.tensor.size:
        raise RefusedError(
            f"it merges {signal.tensor.size} with {size} numbers",
            "sizes of which one divides the other",
            "merge equal shapes",
        )
    times = size // signal.tensor.size
    tensor = sheet.reshaped(signal.tensor, (signal.tensor.size,))
    tensor = repeated(sheet, tensor, times)
    order = np.arange(size).reshape(-1, times).T.ravel()  # element j of copy i is at j * times + i
    return replace(signal, tensor=sheet.arranged(tensor, plain(order), shape))


def _factors(a: Signal, b: Signal) -> tuple[int, int, int]:
    """Return the common fraction bits of two signals and the factors that bring them there."""
    grid = max(a.fraction_bits, b.fraction_bits)
    return grid, 1 << (grid - a.fraction_bits), 1 << (grid - b.fraction_bits)


def _sum(sheet: Sheet, a: Signal, b: Signal, sign: int) -> Signal:
    grid, of_a, of_b = _factors(a, b)
    name = sheet.new_name("add")
    node = Add(name=name, a=a.tensor.name, b=b.tensor.name, output=name, a_factor=of_a, b_factor=sign * of_b)
    return sheet.signal(sheet.emit(node, a.shape, ""), grid, a.format)


def _product(sheet: Sheet, a: Signal, b: Signal) -> Signal:
    name = sheet.new_name("multiply")
    node = Multiply(name=name, a=a.tensor.name, b=b.tensor.name, output=name)
    tensor = sheet.emit(node, a.shape, "")
    return sheet.signal(tensor, a.fraction_bits + b.fraction_bits, a.format)


def _extreme(sheet: Sheet, a: Signal, b: Signal, *, largest: bool) -> Signal:
    """Emit the larger one, or the smaller one: the sum of both without the larger one."""
    grid, of_a, of_b = _factors(a, b)
    sides = [_scaled(sheet, s, f) for s, f in ((a, of_a), (b, of_b))]
    name = sheet.new_name("concat")
    shape = (*a.shape[:-1], 2 * a.channels)
    both = sheet.emit(Concat(name=name, a=sides[0].name, b=sides[1].name, output=name), shape, "")
    name = sheet.new_name("pool")
    pool = Pool(name=name, input=both.name, output=name, operation="maximum", taps=2)
    larger = sheet.signal(sheet.emit(pool, a.shape, ""), grid, a.format)
    if largest:
        return replace(larger, low=max(a.low * of_a, b.low * of_b), high=max(a.high * of_a, b.high * of_b))
    smaller = _sum(sheet, _sum(sheet, a, b, 1), larger, -1)
    smaller = replace(smaller, low=min(a.low * of_a, b.low * of_b), high=min(a.high * of_a, b.high * of_b))
    return clamped(sheet, smaller)


def _scaled(sheet: Sheet, signal: Signal, factor: int) -> Tensor:
    if factor == 1:
        return signal.tensor
    name = sheet.new_name("add")
    node = Add(
        name=name, a=signal.tensor.name, b=signal.tensor.name, output=name, a_factor=factor, b_factor=0
    )
    return sheet.emit(node, signal.shape, "")


def dot(sheet: Sheet, layer: Layer) -> None:
    """Map the inner product of two vectors."""
    a, b = sheet.operand(layer, 0), sheet.operand(layer, 1)
    accum = layer.number_format("accum")
    y = _product(sheet, a, b)
    if y.fraction_bits > accum.fraction_bits or accum.overflow != "WRAP":
        raise RefusedError(
            f"its accumulator {accum} cuts its products", "an accumulator that holds them", "use accum: auto"
        )
    name = sheet.new_name("pool")
    node = Pool(name=name, input=y.tensor.name, output=name, operation="sum", taps=y.channels)
    summed = sheet.signal(sheet.emit(node, (1,), ""), y.fraction_bits, accum)
    put(sheet, layer, assigned(sheet, layer, summed, accum, layer.format))


def concatenate(sheet: Sheet, layer: Layer) -> None:
    """Map a concatenation along one axis; each part is assigned to the type of the result."""
    parts = [assigned(sheet, layer, sheet.operand(layer, i), layer.format) for i in range(2)]
    grid, of_a, of_b = _factors(*parts)
    axis = layer.integer("axis", -1)
    rank = len(layer.shape)
    place = axis - 1 if axis > 0 else rank + axis if axis < 0 else 0
    outer = int(np.prod(layer.shape[:place], dtype=np.int64))
    tensors = []
    for part, factor in zip(parts, (of_a, of_b), strict=True):
        tensors.append(sheet.reshaped(_scaled(sheet, part, factor), (outer, part.tensor.size // outer)))
    name = sheet.new_name("concat")
    node = Concat(name=name, a=tensors[0].name, b=tensors[1].name, output=name)
    shape = (outer, sum(t.channels for t in tensors))
    whole = sheet.signal(sheet.emit(node, shape, ""), grid, layer.format)
    put(sheet, layer, whole)


def reshape(sheet: Sheet, layer: Layer) -> None:
    """Map what only gives the numbers another shape, and copies: in hls4ml an assignment at most."""
    x = sheet.operand(layer)
    for name, (shape, fmt) in layer.outputs.items():
        y = assigned(sheet, layer, x, fmt)
        sheet.put(name, replace(y, tensor=sheet.reshaped(y.tensor, shape), format=fmt))


def broadcast(sheet: Sheet, layer: Layer) -> None:
    """Map a repetition along the axes of size 1."""
    x = sheet.operand(layer)
    places = np.broadcast_to(np.arange(x.tensor.size).reshape(x.shape), layer.shape)
    times = places.size // x.tensor.size
    tensor = repeated(sheet, sheet.reshaped(x.tensor, (x.tensor.size,)), times)
    seen = np.zeros(x.tensor.size, np.int64)
    order = np.empty(places.size, np.int64)
    for index, element in enumerate(places.ravel()):
        order[index] = element * times + seen[element]
        seen[element] += 1
    name = sheet.new_name("permute")
    node = Permute(name=name, input=tensor.name, output=name, order=order, shape=layer.shape)
    y = replace(x, tensor=sheet.emit(node, layer.shape, ""))
    put(sheet, layer, assigned(sheet, layer, y, layer.format))


def transpose(sheet: Sheet, layer: Layer) -> None:
    """Map a transposition of the axes."""
    x = sheet.operand(layer)
    axes = [int(v) for v in layer.attributes["perm"]]
    if len(axes) != len(x.shape):
        raise RefusedError(f"it transposes {len(x.shape)} axes by {axes}", "all axes", "convert it anew")
    numbers = np.arange(x.tensor.size).reshape(x.shape).transpose(axes).ravel()
    tensor = sheet.arranged(x.tensor, plain(numbers), layer.shape)
    put(sheet, layer, assigned(sheet, layer, replace(x, tensor=tensor), layer.format))
