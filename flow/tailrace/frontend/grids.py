# SPDX-License-Identifier: Apache-2.0
"""Float signals as integers on a grid: what sums and products of signals need."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import placed
from tailrace.core.steps import from_table
from tailrace.frontend.bends import straightened
from tailrace.frontend.forms import affine_form, integers_of, wide
from tailrace.frontend.signals import Signal, common_step, exact, fraction, is_zero, objects, placed_exact
from tailrace.frontend.tails import float_function
from tailrace.graph import Bias

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet

Array = NDArray[Any]


WEIGHT_BITS_AT_MOST = 16
"""Weights that need more bits than this are floats, not integers on a grid."""

GRID_POINTS_AT_MOST = 1 << 20
"""Points evaluated to put an activation, or the channels of an image, on a grid."""


class InputNeedsGridError(Exception):
    """The input ``name`` is not just quantized once, so the host has to send it on a grid."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def as_integers(
    sheet: Sheet, node: NodeProto, signal: Signal, *, unquantized: bool = False, zero: bool = False
) -> Signal | None:
    """Return the signal in affine form, put on a grid where needed; None (and a problem) where it has none.

    With ``unquantized`` it may be what an accumulator has become without a quantizer, scaled, batch-normed and clipped
    (:mod:`tailrace.frontend.forms`); with ``zero``, 0 is to be one of the numbers then.
    """
    if signal.host_only is not None:
        sheet.host_only(signal, node)
        return None
    if signal.source.tensor is None:
        raise InputNeedsGridError(signal.source.name)
    if signal.scale is not None:
        return _with_zero(sheet, signal) if unquantized and zero else signal
    gridded = put_on_grid(sheet, signal)
    if gridded is None and unquantized:
        gridded = None if zero else affine_form(sheet, signal)
        forms = wide(sheet, straightened(sheet, signal)) if gridded is None else None
        gridded = integers_of(sheet, forms, zero=zero) if forms is not None else gridded
    if gridded is None:
        last = signal.nodes[-1]
        sheet.not_quantized(node, signal.name, f" (from {sheet.network.operation(last)} {last.name})")
    return gridded


def _with_zero(sheet: Sheet, signal: Signal) -> Signal:
    """Return multiples of a step on a grid that has 0, where they have an offset and are too many for a table."""
    tensor = signal.source.tensor
    if tensor is None or signal.offset is None or is_zero(signal.offset):
        return signal
    if (int((tensor.high - tensor.low).max()) + 1) * tensor.channels <= GRID_POINTS_AT_MOST:
        return signal
    forms = wide(sheet, signal)
    return signal if forms is None else integers_of(sheet, forms, zero=True)


def put_on_grid(sheet: Sheet, signal: Signal) -> Signal | None:
    """Turn float operations without a quantizer into a map, where all their values lie on a grid."""
    tensor = signal.source.tensor
    if tensor is None:
        raise InputNeedsGridError(signal.source.name)
    points = int((tensor.high - tensor.low).max()) + 1
    if points * tensor.size > GRID_POINTS_AT_MOST:
        return None
    span = np.arange(points, dtype=np.int64)[:, None]
    low, high = (np.tile(e, tensor.vectors) for e in (tensor.low, tensor.high))
    values = float_function(sheet.network, signal)(np.minimum(low + span, high)).reshape(points, -1)
    values = placed(values.astype(np.float64), signal.order)
    step = _step_of(values, signal)
    if step is None:
        return None
    integers = np.rint(values / float(step)).astype(np.int64)
    if tensor.vectors > 1:
        per_position = integers.reshape(points, tensor.vectors, tensor.channels)
        if (per_position == per_position[:, :1]).all():
            integers = per_position[:, 0]
        else:
            tensor = sheet.reshaped(tensor, (tensor.size,))
    steps = from_table(tensor.low, tensor.high, integers)
    out = sheet.emit_map(tensor, steps, signal.name)
    return sheet.new_source(out, signal.name, signal.shape, fraction(step), fraction(0), order=signal.order)


def _step_of(values: Array, signal: Signal) -> Fraction | None:
    """Return the grid on which all float values lie: the source's own, or their exact common step."""
    if not np.isfinite(values).all():
        return None
    if signal.source.scale.size == 1:
        own = abs(signal.source.scale.reshape(-1)[0])
        rounded = np.rint(values / float(own))
        if np.array_equal((rounded * float(own)).astype(np.float32), values.astype(np.float32)):
            return Fraction(own)
    step = common_step(exact(np.unique(values)))
    limit = (1 << WEIGHT_BITS_AT_MOST) * step
    return step if max(abs(Fraction(float(v))) for v in (values.min(), values.max())) < limit else None


def with_bias(sheet: Sheet, signal: Signal, origin: str) -> Signal | None:
    """Return the signal with its offset added in integers; None where it is off the grid."""
    tensor = signal.source.tensor
    assert tensor is not None and signal.scale is not None and signal.offset is not None  # noqa: PT018, S101
    if is_zero(signal.offset):
        return signal
    if any(v == 0 for v in signal.scale.reshape(-1)):
        return None
    ratio = placed_exact(objects(signal.offset / signal.scale), signal.order)
    if any(v.denominator != 1 for v in ratio.reshape(-1)):
        return None
    table = ratio.reshape(-1, tensor.channels if ratio.size > 1 else 1)
    if not (table == table[:1]).all():  # one value for every position
        return None
    values = np.broadcast_to(table[0], (tensor.channels,)).astype(np.int64)
    name = sheet.new_name("bias")
    out = sheet.emit(
        Bias(name=name, input=tensor.name, output=name, values=np.array(values)), tensor.shape, origin
    )
    return sheet.new_source(out, origin, signal.shape, signal.scale, fraction(0), order=signal.order)
