# SPDX-License-Identifier: Apache-2.0
"""Activations as hls4ml computes them: the ReLU family, hard ones, and those that look a table up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed import OVERFLOWS, ROUNDINGS, FixedFormat
from tailrace.frontend.hls4ml import tables
from tailrace.frontend.hls4ml.casting import (
    CLAMP_BITS,
    TABLE_POINTS,
    applied,
    applied_each,
    assigned,
    clamped,
    looked_up,
    not_below_zero,
)
from tailrace.frontend.hls4ml.products import put
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.graph import Add, Depthwise

if TYPE_CHECKING:
    from tailrace.frontend.hls4ml.records import Layer
    from tailrace.frontend.hls4ml.sheet import Sheet, Signal

Integers = NDArray[np.int64]
Function = Callable[[Integers], Integers]

LIMITS = {"relu1": 1, "relu6": 6}
SELU_FORMAT = FixedFormat(bits=16, fraction_bits=15, signed=False)
"""The type of SELU's factor in their header: ap_ufixed<16, 1>."""

SELU_FACTOR = 1.0507009873554805


def activate(sheet: Sheet, layer: Layer) -> None:
    """Map an activation by its name."""
    name = layer.text("activation").lower()
    x = sheet.operand(layer)
    if name == "linear":
        put(sheet, layer, assigned(sheet, layer, x, layer.format))
    elif name == "relu":
        _relu(sheet, layer, x)
    elif name in LIMITS:
        _every(sheet, layer, x, _clipped(layer, x, LIMITS[name]), rising=_holds(layer, LIMITS[name]))
    elif name in {"hard_sigmoid", "hard_tanh"}:
        _every(sheet, layer, x, _hard(layer, x, tanh=name == "hard_tanh"), rising=_holds(layer, 1))
    elif name in tables.AROUND_ZERO:
        _look_up_around_zero(sheet, layer, x, name)
    elif name in {"elu", "selu"}:
        alpha = (1, 0) if name == "elu" else None
        _exponential(sheet, layer, x, name, alpha)
    elif name in {"binary_tanh", "ternary_tanh", "binary", "ternary"}:
        _sign(sheet, layer, x, binary=name.startswith("binary"))
    else:
        raise RefusedError(
            f"its activation is {name}",
            f"linear, relu, relu1, relu6, hard_sigmoid, hard_tanh, elu, selu, {', '.join(tables.AROUND_ZERO)}",
            "use another activation, or end the network in front of it",
        )


def activate_by_parameter(sheet: Sheet, layer: Layer) -> None:
    """Map an activation with one parameter: leaky and thresholded ReLU, ELU."""
    name = layer.text("activation").lower()
    x = sheet.operand(layer)
    fmt = layer.number_format("param")
    value = float(layer.attributes.get("activ_param", 1.0))
    parameter = int(fmt.from_floats(np.array(value)))
    if name in {"leakyrelu", "leaky_relu"}:
        if x.high - x.low < TABLE_POINTS:
            _every(sheet, layer, x, _leaky(layer, x, parameter, fmt.fraction_bits))
        else:
            _both_sides(sheet, layer, x, np.array([parameter]), fmt.fraction_bits)
    elif name in {"thresholdedrelu", "thresholded_relu"}:
        theta = parameter * 2.0**-fmt.fraction_bits
        _every(sheet, layer, x, _thresholded(layer, x, theta))
    elif name == "elu":
        _exponential(sheet, layer, x, name, (parameter, fmt.fraction_bits))
    else:
        raise RefusedError(
            f"its activation is {name}", "leaky_relu, thresholded_relu, elu", "use another activation"
        )


def activate_by_channel(sheet: Sheet, layer: Layer) -> None:
    """Map a parametric ReLU: a slope for every element."""
    x = sheet.operand(layer)
    weight = layer.weight("param")
    slopes = [int(v) for v in weight.integers.ravel()]
    if x.high - x.low >= TABLE_POINTS:
        _both_sides(sheet, layer, x, weight.integers.ravel(), weight.fraction_bits)
        return
    made: dict[int, Function] = {
        slope: _leaky(layer, x, slope, weight.fraction_bits) for slope in set(slopes)
    }
    functions = [made[slope] for slope in slopes]
    if len(functions) not in {x.channels, x.tensor.size}:
        raise RefusedError(
            f"it has {len(functions)} slopes for {x.tensor.size} elements",
            "one an element",
            "convert it anew",
        )
    put(sheet, layer, applied_each(sheet, x, functions, layer.format.fraction_bits, layer.format))


def look_up(sheet: Sheet, layer: Layer) -> None:
    """Map a table over all bits of the input (HGQ's UnaryLUT): entry 0 stands for the bits 0."""
    x = sheet.operand(layer)
    weight = layer.weight("table")
    fmt, size = x.format, weight.integers.size
    entries = _kept(weight.integers.ravel(), weight.fraction_bits, layer.format)
    shift = fmt.fraction_bits - x.fraction_bits

    def function(q: Integers) -> Integers:
        index = (q << shift) & ((1 << fmt.bits) - 1)
        if int(index.max(initial=0)) >= size:
            raise RefusedError(
                f"its table has {size} entries for {fmt.bits} bits",
                "an entry for every input",
                "convert it anew",
            )
        return np.asarray(entries[index])

    _every(sheet, layer, x, function)


def quantize(sheet: Sheet, layer: Layer) -> None:
    """Map HGQ's quantizer: a type of its own for every element, then the type of the layer's output."""
    x = sheet.operand(layer)
    keep, bits, whole = (np.asarray(v)[0] for v in layer.attributes["mask_kbi"])
    shape = x.shape
    each = [np.broadcast_to(v, shape).ravel().astype(int) for v in (keep, bits, whole)]
    rounding, overflow = str(layer.attributes["RND"]), str(layer.attributes["SAT"])
    made: dict[tuple[int, int, int], Function] = {}
    kinds = [(int(k), int(b), int(i)) for k, b, i in zip(*each, strict=True)]
    for kind in kinds:
        if kind not in made:
            made[kind] = _quantizer(layer, x, kind, (rounding, overflow))
    if len(made) == 1:
        _every(sheet, layer, x, made[kinds[0]])
        return
    functions = [made[kind] for kind in kinds]
    positions = [kinds[i : i + x.channels] for i in range(0, len(kinds), x.channels)]
    if all(row == positions[0] for row in positions):
        functions = functions[: x.channels]
    put(sheet, layer, applied_each(sheet, x, functions, layer.format.fraction_bits, layer.format))


def _quantizer(layer: Layer, x: Signal, kind: tuple[int, int, int], modes: tuple[str, str]) -> Function:
    keep, bits, whole = kind
    if bits <= 0:
        return lambda q: q * 0
    rounding = next((r for r in ROUNDINGS if r == modes[0]), None)
    overflow = next((o for o in OVERFLOWS if o == modes[1]), None)
    if rounding is None or overflow is None:
        raise RefusedError(f"its modes are {modes[0]}, {modes[1]}", "modes of ap_fixed", "convert it anew")
    fmt = FixedFormat(
        bits=bits, fraction_bits=bits - whole, signed=bool(keep), rounding=rounding, overflow=overflow
    )
    fraction, out = x.fraction_bits, layer.format
    return lambda q: _kept(_kept(q, fraction, fmt), fmt.fraction_bits, out)


def _kept(values: Integers, fraction: int, fmt: FixedFormat) -> Integers:
    """Return what a format keeps of integers; RefusedError beyond 62 bits."""
    try:
        return fmt.quantize(values, fraction)
    except ValueError as error:
        raise RefusedError(str(error), "numbers of at most 62 bits", "use types with fewer bits") from None


def _every(sheet: Sheet, layer: Layer, x: Signal, function: Function, *, rising: bool = False) -> None:
    """Emit one function, which ends in the type of the layer's output, and let it be the output."""
    y = applied(sheet, x, function, layer.format.fraction_bits, layer.format, rising=rising)
    put(sheet, layer, replace(y, bipolar=layer.bipolar_output))


def _holds(layer: Layer, number: int) -> bool:
    """Say whether a small whole number, and the negative one where the type is signed, is kept by the result's type."""
    fmt = layer.format
    ends = np.array([-number if fmt.signed else 0, number], np.int64)
    return bool((np.ldexp(fmt.quantize(ends, 0), -fmt.fraction_bits) == ends).all())


def _relu(sheet: Sheet, layer: Layer, x: Signal) -> None:
    fmt, fraction = layer.format, x.fraction_bits
    if x.high - x.low < 1 << CLAMP_BITS and _fits(fmt, x.high, fraction):
        _every(sheet, layer, x, lambda q: _kept(np.maximum(q, 0), fraction, fmt))
        return
    if fmt.overflow in {"SAT", "SAT_SYM"}:
        top = _top(fmt, fraction)
        _every(sheet, layer, x, lambda q: _kept(np.clip(q, 0, top), fraction, fmt), rising=True)
        return
    put(sheet, layer, assigned(sheet, layer, not_below_zero(sheet, x), fmt))


def _fits(fmt: FixedFormat, number: int, fraction: int) -> bool:
    """Say whether a number of ``fraction`` bits is not beyond the top of a format."""
    shift = fmt.fraction_bits - fraction
    if shift >= 0:
        return number << shift <= fmt.high
    return int(fmt.rounded(np.array([number], np.int64), fraction)[0]) <= fmt.high


def _top(fmt: FixedFormat, fraction: int) -> int:
    """Return an integer of ``fraction`` bits that is certainly beyond a format."""
    shift = fraction - fmt.fraction_bits
    return (fmt.high + 2) << shift if shift >= 0 else ((fmt.high + 2) >> -shift) + 2


def _clipped(layer: Layer, x: Signal, limit: int) -> Function:
    fraction, fmt = x.fraction_bits, layer.format
    top = int(np.floor(limit * 2.0**fraction)) if fraction >= 0 else limit >> -fraction

    def function(q: Integers) -> Integers:
        kept = _kept(np.clip(q, 0, top), fraction, fmt)
        whole = int(_kept(np.array([limit]), 0, fmt)[0])
        return np.where(q * 2.0**-fraction > limit, whole, kept)

    return function


def _hard(layer: Layer, x: Signal, *, tanh: bool) -> Function:
    slope_fmt, shift_fmt = layer.number_format("slope"), layer.number_format("shift")
    slope = int(slope_fmt.from_floats(np.array(float(layer.attributes["slope"]))))
    shift = int(shift_fmt.from_floats(np.array(float(layer.attributes["shift"]))))
    products = x.fraction_bits + slope_fmt.fraction_bits
    grid = max(products, shift_fmt.fraction_bits, 0)
    fmt = layer.format

    def function(q: Integers) -> Integers:
        y = ((q * slope) << (grid - products)) + (shift << (grid - shift_fmt.fraction_bits))
        y = np.clip(y, 0, 1 << grid)
        return _kept(2 * y - (1 << grid) if tanh else y, grid, fmt)

    return function


def _leaky(layer: Layer, x: Signal, slope: int, slope_fraction: int) -> Function:
    fraction, fmt = x.fraction_bits, layer.format

    def function(q: Integers) -> Integers:
        negative = _kept(np.minimum(q, 0) * slope, fraction + slope_fraction, fmt)
        return np.where(q > 0, _kept(np.maximum(q, 0), fraction, fmt), negative)

    return function


def _thresholded(layer: Layer, x: Signal, theta: float) -> Function:
    fraction, fmt = x.fraction_bits, layer.format
    return lambda q: np.where(q * 2.0**-fraction > theta, _kept(q, fraction, fmt), 0)


def _table(layer: Layer, name: str) -> tuple[Integers, int, FixedFormat]:
    size = layer.integer("table_size")
    fmt = layer.number_format("table")
    return fmt.from_floats(tables.table(name, size)), size, fmt


def _look_up_around_zero(sheet: Sheet, layer: Layer, x: Signal, name: str) -> None:
    """Emit a table: the index is cut towards zero, then moved, then kept inside the table."""
    entries, size, fmt = _table(layer, name)
    span = tables.AROUND_ZERO[name]  # the table reaches from -span / 2 to span / 2
    kept = _kept(entries, fmt.fraction_bits, layer.format)
    fraction = x.fraction_bits

    def index(q: Integers) -> Integers:
        place = tables.quotient(q * size, span, fraction) + (span // 2) * size // span
        return np.clip(place, 0, size - 1)

    y = looked_up(sheet, x, index, lambda i: kept[i], (layer.format.fraction_bits, layer.format))
    put(sheet, layer, y)


def _exponential(sheet: Sheet, layer: Layer, x: Signal, name: str, alpha: tuple[int, int] | None) -> None:
    """Emit ELU (with ``alpha`` and its fraction bits) or SELU: a table for what is below zero."""
    entries, size, table_fmt = _table(layer, name)
    fraction, fmt = x.fraction_bits, layer.format
    if alpha is None:
        factor, shift = int(SELU_FORMAT.from_floats(np.array(SELU_FACTOR))), SELU_FORMAT.fraction_bits
        below = _kept(entries, table_fmt.fraction_bits, fmt)
    else:
        factor, shift = 1, 0
        below = _kept(entries * alpha[0], table_fmt.fraction_bits + alpha[1], fmt)

    def function(q: Integers) -> Integers:
        index = np.clip(tables.quotient(-q * size, 8, fraction), 0, size - 1)
        return np.where(q >= 0, _kept(np.maximum(q, 0) * factor, fraction + shift, fmt), below[index])

    if x.high - x.low < TABLE_POINTS:
        _every(sheet, layer, x, function)
        return

    def index(q: Integers) -> Integers:
        return np.where(q >= 0, 1, -np.clip(tables.quotient(-q * size, 8, fraction), 0, size - 1))

    def entry(i: Integers) -> Integers:
        return np.where(i > 0, 0, below[np.maximum(-i, 0)])

    above = not_below_zero(sheet, x)
    if alpha is None:
        above = _scaled(sheet, above, np.array([factor]), shift)
    negative = looked_up(sheet, x, index, entry, (fmt.fraction_bits, fmt))
    _joined(sheet, layer, assigned(sheet, layer, above, fmt), negative)


def _both_sides(sheet: Sheet, layer: Layer, x: Signal, slopes: Integers, slope_fraction: int) -> None:
    """Emit a leaky ReLU of many bits: what is above zero, and slopes (one, or one an element) times what is below."""
    above = not_below_zero(sheet, x)
    name = sheet.new_name("add")
    node = Add(name=name, a=x.tensor.name, b=above.tensor.name, output=name, b_factor=-1)
    below = sheet.signal(sheet.emit(node, x.shape, ""), x.fraction_bits, x.format)
    below = _scaled(sheet, replace(below, low=min(x.low, 0), high=0), slopes, slope_fraction)
    parts = [assigned(sheet, layer, part, layer.format) for part in (above, below)]
    _joined(sheet, layer, parts[0], parts[1])


def _scaled(sheet: Sheet, x: Signal, factors: Integers, fraction: int) -> Signal:
    """Emit the product with constants: one for all, or one for every channel or element."""
    tensor, shape = x.tensor, x.shape
    if factors.size == 1:
        factors = np.broadcast_to(factors, x.channels)
    elif factors.size != x.channels:
        tensor = sheet.reshaped(tensor, (x.tensor.size,))
    name = sheet.new_name("depthwise")
    node = Depthwise(
        name=name,
        input=tensor.name,
        output=name,
        weights=factors.reshape(-1, 1),
        bias=np.zeros(factors.size, np.int64),
    )
    tensor = sheet.reshaped(sheet.emit(node, tensor.shape, ""), shape)
    ends = [int(end) * int(f) for end in (x.low, x.high) for f in (factors.min(), factors.max())]
    y = sheet.signal(tensor, x.fraction_bits + fraction, x.format)
    return replace(y, low=min(ends), high=max(ends))


def _joined(sheet: Sheet, layer: Layer, above: Signal, below: Signal) -> None:
    """Let the output be the sum of two parts of which one is always 0."""
    grid = max(above.fraction_bits, below.fraction_bits)
    name = sheet.new_name("add")
    node = Add(
        name=name,
        a=above.tensor.name,
        b=sheet.reshaped(below.tensor, above.shape).name,
        output=name,
        a_factor=1 << (grid - above.fraction_bits),
        b_factor=1 << (grid - below.fraction_bits),
    )
    y = sheet.signal(sheet.emit(node, above.shape, ""), grid, layer.format)
    shifts = [grid - part.fraction_bits for part in (above, below)]
    low = min(above.low << shifts[0], below.low << shifts[1])
    high = max(above.high << shifts[0], below.high << shifts[1])
    put(sheet, layer, clamped(sheet, replace(y, low=low, high=high)))


def _sign(sheet: Sheet, layer: Layer, x: Signal, *, binary: bool) -> None:
    fraction, fmt = x.fraction_bits, layer.format
    if binary:
        if layer.bipolar_output:
            _every(sheet, layer, x, lambda q: (q >= 0).astype(np.int64))
        else:
            _every(sheet, layer, x, lambda q: _kept(np.where(q >= 0, 1, -1), 0, fmt))
        return

    def ternary(q: Integers) -> Integers:
        doubled = _kept(2 * q, fraction, x.format)
        value = doubled * 2.0**-x.format.fraction_bits
        return _kept(np.where(value > 1, 1, np.where(value > -1, 0, -1)), 0, fmt)

    _every(sheet, layer, x, ternary)
