# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB and MUL of two tensors or of one and a constant, activations, and steps from one scale to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed_point import INT32_MAX, Multiplier, multiplier_of, rounding_shift, scaled
from tailrace.core.steps import Steps, from_rows
from tailrace.frontend.signals import sample_shape
from tailrace.frontend.tflite.arithmetic import (
    BOUNDS,
    Function,
    activation_range,
    clipped,
    hard_swish,
    hard_swish_fits,
    leaky_relu,
    log2_of,
    logistic,
    prelu,
    product_factor,
    relu,
    rescale,
    sum_scales,
    tanh,
)
from tailrace.frontend.tflite.moves import not_constant, other_shape, widened
from tailrace.graph import Add, Bias, Multiply

if TYPE_CHECKING:
    from tailrace.frontend.tflite.records import Operator, Record
    from tailrace.frontend.tflite.sheet import TfliteSheet
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]

Pairs = Callable[[Integers, Integers], Integers]

FACTOR_BITS_AT_MOST = 22
"""Bits of the factors that stand for the scales of a sum."""

TABLE_POINTS_AT_MOST = 1 << 26
"""Points of all functions of an operator together that are evaluated."""


# Operands


def _operands(sheet: TfliteSheet, operator: Operator) -> bool:
    """Say whether the shapes of two operands make that of the output; report it where they do not."""
    shapes = [sheet.record(operator, place).shape for place in (0, 1)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        shape = ()
    if shape != sheet.output(operator).shape:
        other_shape(sheet, operator, shape)
        return False
    if all(index not in sheet.values for index in operator.inputs):
        sheet.problem(operator, "both of its operands are constants", "one activation at least", "fold it")
        return False
    return True


def _spread(sheet: TfliteSheet, operator: Operator, place: int) -> Tensor:
    """Return the activations at a place, repeated up to the output's shape."""
    have, want = sheet.record(operator, place).shape, sheet.output(operator).shape
    tensor = sheet.value(operator, place)
    if sample_shape(have) == sample_shape(want):
        return tensor
    own = sample_shape(have) if len(have) == len(want) else have
    return widened(sheet, tensor, own, sample_shape(want))


def _constant(sheet: TfliteSheet, operator: Operator, place: int) -> tuple[Integers, bool]:
    """Return a constant operand as (), (channels,) or (elements,) numbers, and whether it is the last of these."""
    found = sheet.constant(operator, place)
    assert found is not None  # noqa: S101 - by the screening: what is no activation is a constant
    return by_position(found, sheet.output(operator).shape)


def by_position(values: Integers, shape: tuple[int, ...]) -> tuple[Integers, bool]:
    """Return what broadcasts to ``shape`` as (), (channels,) or (elements,), and whether it is the last of these."""
    table = np.broadcast_to(values, shape).reshape(-1, shape[-1] if shape else 1)
    if (table == table[:1]).all():
        row = table[0]
        return (row[:1].reshape(()) if (row == row[0]).all() else row), False
    return table.ravel(), True


def _with_constant(
    sheet: TfliteSheet,
    operator: Operator,
    tensor: Tensor,
    values: Integers,
    function: Function,
    *,
    whole: bool,
) -> None:
    """Emit a function of one activation and one constant; ``whole``: the constant differs from position to position."""
    if whole:
        tensor = sheet.reshaped(tensor, (tensor.size,))
    points = (int(tensor.high.max()) - int(tensor.low.min()) + 1) * max(values.size, 1)
    if points > TABLE_POINTS_AT_MOST:
        sheet.problem(
            operator,
            f"its constant has {values.size:,} different places on a {tensor.type} input",
            f"functions of at most {TABLE_POINTS_AT_MOST:,} points",
            "use one constant a channel, or 8 bits",
        )
        return
    origin = sheet.output(operator).name
    sheet.settle(
        operator, sheet.mapped(tensor, function, rising=False, alike=values.size == 1, origin=origin)
    )


# Sums


def add(sheet: TfliteSheet, operator: Operator) -> None:
    """Map ADD and SUB: both inputs on a common scale, shifted left by 20 (15) bits, and back."""
    if not _operands(sheet, operator):
        return
    sign = -1 if operator.kind == "SUB" else 1
    ends = activation_range(sheet.output(operator), operator.options.activation)
    found = _sum(sheet, operator, ends)
    if found is None:
        return
    first, second, last = found
    if operator.inputs[1] in sheet.values and operator.inputs[0] in sheet.values:
        _two(sheet, operator, (first, second, last), sign)
        return
    place = 0 if operator.inputs[0] in sheet.values else 1
    values, whole = _constant(sheet, operator, 1 - place)
    if place == 0:
        other = sign * second(values)
        _with_constant(
            sheet,
            operator,
            _spread(sheet, operator, 0),
            values,
            lambda q: last(first(q) + other),
            whole=whole,
        )
    else:
        own = first(values)
        _with_constant(
            sheet,
            operator,
            _spread(sheet, operator, 1),
            values,
            lambda q: last(own + sign * second(q)),
            whole=whole,
        )


def _sum(
    sheet: TfliteSheet, operator: Operator, ends: tuple[int, int]
) -> tuple[Function, Function, Function] | None:
    """Return what is done to each input and to their sum; None (and a problem) where the kernel takes no such scale."""
    a, b, y = sheet.record(operator, 0), sheet.record(operator, 1), sheet.output(operator)
    logs = [log2_of(r.scale) for r in (a, b, y)]
    if y.type == "INT16" and operator.options.pot_scale_int16 and all(v is not None for v in logs):
        one, two, out = (v or 0 for v in logs)
        shifts = out - one, out - two
        if min(shifts) < 0 or 0 not in shifts or a.shape != b.shape:
            sheet.problem(
                operator,
                f"its scales are 2**{one}, 2**{two} and 2**{out} for shapes {list(a.shape)} and {list(b.shape)}",
                "one input on the output's scale, the other not coarser, and equal shapes (or pot_scale_int16 false)",
                "convert it again with a newer converter",
            )
            return None
        low, high = BOUNDS["INT16"] if operator.kind == "ADD" else (-INT32_MAX, INT32_MAX)
        return (
            lambda q: rounding_shift(q, shifts[0]),
            lambda q: rounding_shift(q, shifts[1]),
            lambda s: clipped(clipped(s, low, high), *ends),
        )
    left = 20 if y.type == "INT8" else 15
    first, second, last = sum_scales(a, b, y, left)
    reach = 1 << (left + (8 if y.type == "INT8" else 15))  # both inputs are halved
    if (last.shift > 0 and operator.kind == "ADD") or reach << max(last.shift, 0) > INT32_MAX:
        sheet.problem(
            operator,
            f"its output's scale {y.scale:g} is too fine for inputs of {a.scale:g} and {b.scale:g}",
            "an output scale with which the kernel's 32 bits do not overflow",
            "convert it again with representative data",
        )
        return None

    def of(record: Record, multiplier: Multiplier) -> Function:
        return lambda q: scaled((q - record.zero_point) << left, *multiplier)

    return of(a, first), of(b, second), lambda s: clipped(scaled(s, *last) + y.zero_point, *ends)


def _two(
    sheet: TfliteSheet, operator: Operator, functions: tuple[Function, Function, Function], sign: int
) -> None:
    """Emit a sum of two activations: as few bits as are proven enough over all pairs, else the kernel's own."""
    a, b = _spread(sheet, operator, 0), _spread(sheet, operator, 1)
    y, (first, second, last) = sheet.output(operator), functions
    scales = sheet.record(operator, 0).scale, sheet.record(operator, 1).scale
    found = (
        _narrow(a, b, lambda p, q: last(first(p) + sign * second(q)), scales, sign)
        if y.type == "INT8"
        else None
    )
    if found is not None:
        factors, steps = found
        total = _added(sheet, a, b, factors)
        sheet.settle(operator, sheet.emit_map(total, steps, y.name))
        return
    (one, p), (two, q) = _linear(sheet, a, first), _linear(sheet, b, second)
    total = _added(sheet, one, two, (p, sign * q))
    sheet.settle(operator, sheet.mapped(total, last, rising=True, alike=True, origin=y.name))


def _added(sheet: TfliteSheet, a: Tensor, b: Tensor, factors: tuple[int, int]) -> Tensor:
    name = sheet.new_name("add")
    node = Add(name=name, a=a.name, b=b.name, output=name, a_factor=factors[0], b_factor=factors[1])
    return sheet.emit(node, a.shape, "")


def _linear(sheet: TfliteSheet, tensor: Tensor, function: Function) -> tuple[Tensor, int]:
    """Return a tensor and a factor whose product is ``function``: the tensor itself where that is linear."""
    q = np.arange(int(tensor.low.min()), int(tensor.high.max()) + 1, dtype=np.int64)[:, None]
    values = function(q)
    factor = int(values[-1, 0] - values[0, 0]) // max(len(q) - 1, 1)
    if factor and np.array_equal(values, q * factor):
        return tensor, factor
    return sheet.mapped(tensor, function, rising=True, alike=True), 1


def _narrow(
    a: Tensor, b: Tensor, function: Pairs, scales: tuple[np.float32, np.float32], sign: int
) -> tuple[tuple[int, int], Steps] | None:
    """Return small factors of both integers whose sum decides the output, and how; proven over all pairs there are."""
    p = np.arange(int(a.low.min()), int(a.high.max()) + 1, dtype=np.int64)
    q = np.arange(int(b.low.min()), int(b.high.max()) + 1, dtype=np.int64)
    wanted = np.asarray(function(p[:, None], q[None, :]), np.int64).ravel()
    largest = max(scales)
    for bits in range(FACTOR_BITS_AT_MOST):
        factors = [int(np.rint(float(s) / float(largest) * 2**bits)) for s in scales]
        if not all(factors):
            continue
        total = (factors[0] * p[:, None] + sign * factors[1] * q[None, :]).ravel()
        order = np.argsort(total, kind="stable")
        at, values = total[order], wanted[order]
        rises = np.diff(values)
        if (rises < 0).any() or (rises[np.diff(at) == 0] != 0).any():
            continue
        change = np.flatnonzero(rises) + 1
        steps = from_rows([(at[change], np.concatenate([values[:1], values[change]]))])
        return (factors[0], sign * factors[1]), steps
    return None


# Products


def multiply(sheet: TfliteSheet, operator: Operator) -> None:
    """Map MUL."""
    if not _operands(sheet, operator):
        return
    a, b, y = sheet.record(operator, 0), sheet.record(operator, 1), sheet.output(operator)
    ends = activation_range(y, operator.options.activation)
    factor = multiplier_of(product_factor(a, b, y))

    def tail(product: Integers) -> Integers:
        return clipped(scaled(product, *factor) + y.zero_point, *ends)

    reach = (1 << 17 if y.type == "INT8" else 1 << 30) << max(factor.shift, 0)
    if reach > 1 << 31:
        sheet.problem(
            operator,
            f"its output's scale {y.scale:g} is too fine for inputs of {a.scale:g} and {b.scale:g}",
            "an output scale with which the kernel's 32 bits do not overflow",
            "convert it again with representative data",
        )
        return
    places = [place for place in (0, 1) if operator.inputs[place] in sheet.values]
    if len(places) == 1:
        values, whole = _constant(sheet, operator, 1 - places[0])
        x, other = (a, values - b.zero_point) if places[0] == 0 else (b, values - a.zero_point)
        _with_constant(
            sheet,
            operator,
            _spread(sheet, operator, places[0]),
            values,
            lambda q: tail((q - x.zero_point) * other),
            whole=whole,
        )
        return
    terms = [_moved(sheet, _spread(sheet, operator, place), -r.zero_point) for place, r in ((0, a), (1, b))]
    name = sheet.new_name("multiply")
    node = Multiply(name=name, a=terms[0].name, b=terms[1].name, output=name)
    product = sheet.emit(node, terms[0].shape, "")
    sheet.settle(operator, sheet.mapped(product, tail, rising=True, alike=True, origin=y.name))


def _moved(sheet: TfliteSheet, tensor: Tensor, value: int) -> Tensor:
    if not value:
        return tensor
    name = sheet.new_name("bias")
    node = Bias(name=name, input=tensor.name, output=name, values=np.full(tensor.channels, value, np.int64))
    return sheet.emit(node, tensor.shape, "")


# Activations


def _simple(sheet: TfliteSheet, operator: Operator, function: Function) -> None:
    origin = sheet.output(operator).name
    sheet.settle(
        operator, sheet.mapped(sheet.value(operator), function, rising=False, alike=True, origin=origin)
    )


LIMITS: dict[str, tuple[float, float | None]] = {
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def activate(sheet: TfliteSheet, operator: Operator) -> None:
    """Map an activation of its own: RELU, RELU6, RELU_N1_TO_1, HARD_SWISH, LOGISTIC, TANH, LEAKY_RELU."""
    x, y = sheet.record(operator, 0), sheet.output(operator)
    wrong = _wrong_scale(operator, x, y)
    if wrong is not None:
        sheet.problem(operator, *wrong)
        return
    match operator.kind:
        case "HARD_SWISH":
            function = hard_swish(x, y)
        case "LOGISTIC":
            function = logistic(x, y)
        case "TANH":
            function = tanh(x, y)
        case "LEAKY_RELU":
            function = leaky_relu(x, y, operator.options.alpha)
        case kind:
            function = relu(x, y, *LIMITS[kind])
    _simple(sheet, operator, function)


def _wrong_scale(operator: Operator, x: Record, y: Record) -> tuple[str, str, str] | None:
    """Return what is wrong with the scales or types of an activation, as the kernel sees it."""
    again = "convert it again with representative data"
    if x.type == "INT16" and operator.kind in ("HARD_SWISH", "RELU_N1_TO_1"):
        return (
            f"its input is {x.type}, for which there is no kernel",
            "INT8",
            "quantize this network to 8 bits",
        )
    if operator.kind == "HARD_SWISH" and not hard_swish_fits(x, y):
        return (
            f"its output's scale {y.scale:g} is finer than its input's {x.scale:g} / 128",
            "a coarser one",
            again,
        )
    if operator.kind == "LOGISTIC" or (operator.kind == "TANH" and x.type == "INT16"):
        wanted = -8 if x.type == "INT8" else -15
        exact = y.scale == np.float32(2.0**wanted)
        if not (exact or (operator.kind == "TANH" and log2_of(y.scale) == wanted)):
            return f"its output's scale is {y.scale:g}", f"2**{wanted}, the only one of the kernel", again
    return None


def activate_by_slope(sheet: TfliteSheet, operator: Operator) -> None:
    """Map PRELU: a constant slope for each channel, or for each element."""
    x, y, slope = sheet.record(operator, 0), sheet.output(operator), sheet.constant(operator, 1)
    record = sheet.record(operator, 1)
    if (
        slope is None
        or record.type != "INT8"
        or record.quantization is None
        or record.quantization.per_channel
    ):
        not_constant(sheet, operator, 1, "constant INT8 slopes of one scale")
        return
    try:
        values, whole = by_position(slope, y.shape)
    except ValueError:
        other_shape(sheet, operator, slope.shape)
        return
    _with_constant(sheet, operator, sheet.value(operator), values, prelu(x, values, record, y), whole=whole)


def requantize(sheet: TfliteSheet, operator: Operator) -> None:
    """Map QUANTIZE from integers to integers."""
    x, y = sheet.record(operator, 0), sheet.output(operator)
    factor = float(np.float64(x.scale) / np.float64(y.scale))
    low, high = BOUNDS[x.type]
    if (high - low) * 2.0 ** max(multiplier_of(factor).shift, 0) > INT32_MAX:
        sheet.problem(
            operator,
            f"it goes from a scale of {x.scale:g} to {y.scale:g}",
            "scales with which the kernel's 32 bits do not overflow",
            "convert it again with representative data",
        )
        return
    _simple(sheet, operator, rescale(x, y, factor))
