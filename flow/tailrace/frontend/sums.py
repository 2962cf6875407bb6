# SPDX-License-Identifier: Apache-2.0
"""Operations element by element, on one signal or on two of different layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.order import Order, same_order
from tailrace.core.steps import from_table
from tailrace.frontend.bends import straightened
from tailrace.frontend.choosing import broadcast
from tailrace.frontend.evaluation import reading
from tailrace.frontend.forms import GRID_BITS_AT_MOST, common_grid, integers_of, wide
from tailrace.frontend.grids import GRID_POINTS_AT_MOST, as_integers, put_on_grid, with_bias
from tailrace.frontend.operations import AFFINE, LAYOUT
from tailrace.frontend.signals import (
    Exact,
    Signal,
    collapse,
    common_step,
    exact,
    fraction,
    is_zero,
    objects,
    per_column,
    placed_exact,
    sample_shape,
    spread,
)
from tailrace.graph import Add, Multiply, Tensor

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet


SUM_BITS_AT_MOST = 56
"""Bits that an operand of a sum may need on the common step of both."""

FACTOR_AT_MOST = 1 << 31
"""Factors of a sum's operands are below this: parameters of 32 bits."""


def elementwise(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map an operation element by element: one more float operation of a signal, or a sum or product of two."""
    if any(signal.source is not ins[0].source for signal in ins):
        _combine(sheet, node, ins)
        return
    out_size = int(np.prod(sheet.network.shapes[node.output[0]], dtype=np.int64))
    if any(signal.size != out_size or not same_order(signal.order, ins[0].order) for signal in ins):
        if not sheet.goes_on(node):
            sheet.derive(node, ins, None, None, host_only=node)
            return
        if len(ins) > 1:
            _combine(sheet, node, ins)
            return
        wide = broadcast(sheet, node, ins[0])
        if wide is None:
            return
        sheet.signals[wide.name] = wide
        node, ins = reading(node, {ins[0].name: wide.name}), [wide]
    scale, offset = _affine(sheet, node, ins)
    sheet.derive(node, ins, scale, offset, order=ins[0].order)


def _affine(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> tuple[Exact | None, Exact | None]:
    """Return the exact affine form behind an operation that keeps it, or (None, None)."""
    none = (None, None)
    if node.op_type not in AFFINE or any(s.scale is None or s.offset is None for s in ins):
        return none
    if sheet.network.dtypes[node.output[0]].kind != "f":  # integers wrap around
        return none
    terms: list[tuple[Exact, Exact]] = []
    shape = sheet.network.shapes[node.output[0]]
    for name in node.input:
        if name in sheet.network.constants:
            value = np.asarray(sheet.network.constants[name])
            if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
                return none
            terms.append((fraction(0), exact(value if value.size == 1 else np.broadcast_to(value, shape))))
        else:
            signal = sheet.signals[name]
            terms.append((np.asarray(signal.scale), np.asarray(signal.offset)))
    (s0, o0), (s1, o1) = terms[0], terms[-1]
    scale, offset = _combined(node.op_type, s0, o0, s1, o1)
    if scale is None or offset is None or any(v == 0 for v in scale.reshape(-1)):
        return none
    return collapse(scale), collapse(offset)


def _combine(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Add, subtract or multiply two tensors of different sources, in integers."""
    wanted = "Add, Sub or Mul of two tensors of one shape"
    if node.op_type not in ("Add", "Sub", "Mul", "Sum") or len(ins) != 2:
        sheet.problem(
            node,
            f"{node.op_type} of {len(ins)} tensors from different layers",
            wanted,
            "quantize each tensor and add or multiply two at a time",
        )
        return
    if node.op_type == "Mul":
        a, b = (broadcast(sheet, node, s, zero=True) for s in ins)
        out = None if a is None or b is None else multiply(sheet, node, a, b)
    else:
        out = _sum(sheet, node, ins)
    if out is not None:
        sheet.signals[node.output[0]] = out


def _materialized(sheet: Sheet, node: NodeProto, signal: Signal) -> Signal | None:
    """Return the signal with its offset added in integers; None (and a problem) where it is off the grid."""
    biased = with_bias(sheet, signal, "" if signal.name == signal.source.name else signal.name)
    if biased is None:
        sheet.problem(
            node,
            f"the offset of {signal.name} is not a multiple of its scale",
            "operands of a product whose offset is a whole number of steps",
            "quantize the operand, with zero point 0",
        )
    return biased


def multiply(sheet: Sheet, node: NodeProto, a: Signal, b: Signal, *, internal: bool = False) -> Signal | None:
    """Multiply two signals, element by element; None (and a problem) where that is impossible."""
    ma, mb = _materialized(sheet, node, a), None
    if a.name == b.name or (a.source is b.source and a.nodes == b.nodes):
        mb = ma
    elif ma is not None:
        mb = ma if _same(a, b) else _materialized(sheet, node, b)
    if ma is None or mb is None:
        return None
    ta, tb = ma.source.tensor, mb.source.tensor
    assert ta is not None and tb is not None and ma.scale is not None and mb.scale is not None  # noqa: PT018, S101
    shape = sheet.network.shapes[node.output[0]]
    ta, tb, order = _together(sheet, ma, mb, (a.size,) if internal else sample_shape(shape))
    inner = ta.shape
    name = sheet.new_name("multiply")
    origin = "" if internal else node.output[0]
    out = sheet.emit(Multiply(name=name, a=ta.name, b=tb.name, output=name), inner, origin)
    outer = (1, *inner) if internal else shape
    return sheet.new_source(
        out, origin or name, outer, objects(ma.scale * mb.scale), fraction(0), order=order
    )


def _together(sheet: Sheet, a: Signal, b: Signal, shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Order]:
    """Return the integers of two tensors in one order, which is returned too; ``shape`` is that of the floats."""
    ta, tb = a.source.tensor, b.source.tensor
    assert ta is not None and tb is not None  # noqa: PT018, S101 - by _as_integers
    if a.order is None and b.order is None:
        return sheet.reshaped(ta, shape), sheet.reshaped(tb, shape), None
    if same_order(a.order, b.order):
        return ta, sheet.reshaped(tb, ta.shape), a.order
    if a.order is None:
        tb, ta, order = _together(sheet, b, a, shape)
        return ta, tb, order
    places = np.argsort(a.order)  # the float element at each place of a
    moved = places if b.order is None else b.order[places]
    return ta, sheet.arranged(tb, moved, ta.shape), a.order


def _sum(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> Signal | None:
    """Add two signals: multiples of two steps as they are, what accumulators have become on a grid of both."""
    exact_ones: list[Signal | None] = []
    for signal in ins:
        if signal.host_only is not None or signal.scale is not None:
            exact_ones.append(as_integers(sheet, node, signal))
            if exact_ones[-1] is None:
                return None
        else:
            exact_ones.append(put_on_grid(sheet, signal))
    a, b = exact_ones
    if a is not None and b is not None:
        a, b = (broadcast(sheet, node, s) for s in (a, b))
        if a is None or b is None:
            return None
        out = _add(sheet, node, a, b)
        if out is not None:
            return out
    forms = [
        wide(sheet, known or straightened(sheet, signal))
        for known, signal in zip(exact_ones, ins, strict=True)
    ]
    for form, signal in zip(forms, ins, strict=True):
        if form is None:
            as_integers(sheet, node, signal)  # says what is wrong
            return None
    whole = [form for form in forms if form is not None]
    step = common_grid(*(part for parts in whole for part in parts))
    a, b = (broadcast(sheet, node, integers_of(sheet, form, step)) for form in whole)
    return None if a is None or b is None else _add(sheet, node, a, b)


def _add(sheet: Sheet, node: NodeProto, a: Signal, b: Signal) -> Signal | None:
    """Add two tensors on their common step; None where the integers would need too many bits for it."""
    ta, tb = a.source.tensor, b.source.tensor
    assert ta is not None and tb is not None and a.scale is not None and b.scale is not None  # noqa: PT018, S101
    assert a.offset is not None and b.offset is not None  # noqa: PT018, S101
    sign = -1 if node.op_type == "Sub" else 1
    if a.scale.size > 1 or b.scale.size > 1:
        return _add_by_channel(sheet, node, a, b, sign)
    step = common_step(np.array([a.scale.reshape(-1)[0], b.scale.reshape(-1)[0]], dtype=object))
    factors = [int(s.scale.reshape(-1)[0] / step) for s in (a, b) if s.scale is not None]
    ends = [max(abs(int(t.low.min())), abs(int(t.high.max()))) for t in (ta, tb)]
    largest = max(abs(f) * end for f, end in zip(factors, ends, strict=True))
    if max(abs(f) for f in factors) >= FACTOR_AT_MOST or largest >> GRID_BITS_AT_MOST:
        return None
    shape = sheet.network.shapes[node.output[0]]
    ta, tb, order = _together(sheet, a, b, sample_shape(shape))
    name = sheet.new_name("add")
    out = sheet.emit(
        Add(name=name, a=ta.name, b=tb.name, output=name, a_factor=factors[0], b_factor=sign * factors[1]),
        ta.shape,
        node.output[0],
    )
    offset = collapse(objects(a.offset + sign * b.offset))
    return sheet.new_source(out, node.output[0], shape, fraction(step), offset, order=order)


def _add_by_channel(sheet: Sheet, node: NodeProto, a: Signal, b: Signal, sign: int) -> Signal | None:
    """Add two tensors with a scale for every channel: a map puts each channel on the step of both."""
    shape = sheet.network.shapes[node.output[0]]
    *tensors, order = _together(sheet, a, b, sample_shape(shape))
    channels = tensors[0].channels
    scales = [
        np.broadcast_to(per_column(placed_exact(objects(s.scale), order), channels), (channels,))
        for s in (a, b)
    ]
    steps = objects([common_step(objects(pair)) for pair in zip(*scales, strict=True)])
    names = []
    for tensor, scale in zip(tensors, scales, strict=True):
        factors = np.array([int(v) for v in scale / steps], dtype=object)
        points = int((tensor.high - tensor.low).max()) + 1
        largest = int(np.abs(factors).max()) * int(max(np.abs(tensor.low).max(), np.abs(tensor.high).max()))
        if points * tensor.channels > GRID_POINTS_AT_MOST or largest >> SUM_BITS_AT_MOST:
            return None
        if (factors != 1).any():
            x = np.minimum(tensor.low + np.arange(points, dtype=np.int64)[:, None], tensor.high)
            table = x * factors.astype(np.int64)
            tensor = sheet.emit_map(tensor, from_table(tensor.low, tensor.high, table), "")  # noqa: PLW2901
        names.append(tensor.name)
    name = sheet.new_name("add")
    add = Add(name=name, a=names[0], b=names[1], output=name, b_factor=sign)
    out = sheet.emit(add, tensors[0].shape, node.output[0])
    repeated = spread(collapse(steps), out.size)
    if repeated.size > 1 and order is not None:
        repeated = repeated[order]
    offset = collapse(objects(a.offset + sign * objects(b.offset)))
    return sheet.new_source(out, node.output[0], shape, repeated, offset, order=order)


def _combined(
    operation: str, s0: Exact, o0: Exact, s1: Exact, o1: Exact
) -> tuple[Exact | None, Exact | None]:
    """Return scale and offset of ``(s0 * q + o0) operation (s1 * q + o1)``, or (None, None) where it is not affine."""
    match operation:
        case "Add":
            return objects(s0 + s1), objects(o0 + o1)
        case "Sub":
            return objects(s0 - s1), objects(o0 - o1)
        case "Neg":
            return objects(-s0), objects(-o0)
        case "Mul" if is_zero(s1) or is_zero(s0):
            return objects(s0 * o1 + s1 * o0), objects(o0 * o1)
        case "Div" if is_zero(s1) and all(v != 0 for v in o1.reshape(-1)):
            return objects(s0 / o1), objects(o0 / o1)
        case _:
            return None, None


def _same(a: Signal, b: Signal) -> bool:
    """Say whether two signals carry the same numbers: one source and only layout operations apart."""

    def core(signal: Signal) -> list[str]:
        return [n.output[0] for n in signal.nodes if n.op_type not in LAYOUT]

    return a.source is b.source and core(a) == core(b)
