# SPDX-License-Identifier: Apache-2.0
"""Signals in real arithmetic, clipped between two ends, and the integers that stand for them on a grid.

Sums, averages and products of activations without quantizers need integers for what an accumulator has become: scaled,
batch-normed, cut by a ReLU. All of it is ``clip(scale * q + offset, low, high)`` with dyadic numbers, so it is computed
in integers: exactly where these have a reasonable size, else on a grid on which the scale has :data:`PRECISION` bits
more than the accumulator (float32, in which the framework computes the same, has 24 in all).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, log2
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.order import channels_last, same_order
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.operations import LAYOUT
from tailrace.frontend.signals import (
    Exact,
    Signal,
    collapse,
    common_step,
    exact,
    fraction,
    objects,
    placed_exact,
)
from tailrace.graph import Affine, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet

Array = NDArray[Any]

EXACT_BITS_AT_MOST = 56
"""Bits that integers may need to be exact; where it would be more, they are put on a grid."""

PRECISION = 30
"""Bits that a scale has on a grid beyond those of the integers that it scales."""

GRID_BITS_AT_MOST = 60
"""Bits that integers on a grid may need."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """``clip(scale * integers + offset, low, high)``; object arrays of Fractions that broadcast to the tensor."""

    scale: Exact
    offset: Exact
    low: Exact | None = None
    high: Exact | None = None

    @property
    def is_clipped(self) -> bool:
        """Whether it has an end."""
        return self.low is not None or self.high is not None


def form_of(sheet: Sheet, signal: Signal) -> Form | None:
    """Return the form of a signal; None where it has another one."""
    source = signal.source
    known = {source.name: _form(source.scale, source.offset, source.shape)}
    for node in signal.nodes:
        name = node.output[0]
        own = sheet.signals.get(name)
        if own is not None and own.source is source and own.scale is not None and own.offset is not None:
            known[name] = _form(own.scale, own.offset, own.shape)
            continue
        moving = [n for n in node.input if n and n not in sheet.network.constants]
        before = known.get(moving[0]) if len(moving) == 1 else None
        form = None if before is None else _behind(sheet, node, before)
        if form is not None:
            known[name] = form
    return known.get(signal.name)


def _form(scale: Exact, offset: Exact, shape: tuple[int, ...]) -> Form:
    return Form(
        **{k: v if v.size == 1 else v.reshape(shape) for k, v in (("scale", scale), ("offset", offset))}
    )


def _behind(sheet: Sheet, node: NodeProto, form: Form) -> Form | None:
    """Return the form behind one operation; None where it is another function."""
    shape = sheet.network.shapes[node.output[0]]
    if node.op_type in LAYOUT:
        return _laid_out(sheet, node, form, shape)
    if sheet.network.dtypes[node.output[0]].kind != "f":
        return None
    constants = [
        None if name not in sheet.network.constants else np.asarray(sheet.network.constants[name])
        for name in node.input
    ]
    finite = [c is None or (c.dtype.kind in "fiu" and np.isfinite(c).all()) for c in constants]
    if node.op_type != "Clip" and not all(finite):
        return None
    match node.op_type, constants:
        case "Relu", _:
            return _clipped(form, fraction(0), None)
        case "Clip", _:
            attributes = Attributes(node)
            ends = [_end(c) for c in constants[1:]] or [
                _end(np.array(attributes.number(key))) if key in list(attributes) else None
                for key in ("min", "max")
            ]
            return _clipped(form, ends[0], ends[1] if len(ends) > 1 else None)
        case "Max", (c, None) | (None, c) if c is not None:
            return _clipped(form, _exact(c), None)
        case "Min", (c, None) | (None, c) if c is not None:
            return _clipped(form, None, _exact(c))
        case "Neg", _:
            return _scaled(form, fraction(-1), fraction(0))
        case "Add", (c, None) | (None, c) if c is not None:
            return _scaled(form, fraction(1), _exact(c))
        case "Sub", (None, c) if c is not None:
            return _scaled(form, fraction(1), objects(-_exact(c)))
        case "Sub", (c, None) if c is not None:
            return _scaled(form, fraction(-1), _exact(c))
        case "Mul", (c, None) | (None, c) if c is not None:
            return _scaled(form, _exact(c), fraction(0))
        case "Div", (None, c) if c is not None and np.all(c):
            return _scaled(form, objects(Fraction(1) / _exact(c)), fraction(0))
        case "BatchNormalization", (None, *values):
            return _scaled(form, *_normalization(node, [np.asarray(v) for v in values], len(shape)))
    return None


def _exact(value: Array) -> Exact:
    """Return constants as Fractions, in their shape; an end at infinity stays one."""
    flat = exact(value)
    return flat if flat.size == 1 else flat.reshape(value.shape)


def _end(value: Array | None) -> Exact | None:
    """Return an end of a clip, None where there is none."""
    return None if value is None or not value.size or not np.isfinite(value).all() else _exact(value)


def _normalization(node: NodeProto, values: Sequence[Array], rank: int) -> tuple[Exact, Exact]:
    """Return scale and offset of a batch-norm, as float64 has them."""
    gain, bias, mean, variance = (np.asarray(v, np.float64) for v in values)
    gain = gain / np.sqrt(variance + Attributes(node).number("epsilon", 1e-5))
    sides = (gain, bias - mean * gain)
    scale, offset = (
        objects([Fraction(v) for v in side.tolist()]).reshape([-1 if i == 1 else 1 for i in range(rank)])
        for side in sides
    )
    return scale, offset


def _scaled(form: Form, factor: Exact, offset: Exact) -> Form | None:
    """Return ``factor * form + offset``; None where a factor is 0, or some are negative and some not with ends."""
    signs = {v > 0 for v in factor.reshape(-1)}
    if any(v == 0 for v in factor.reshape(-1)) or (form.is_clipped and len(signs) > 1):
        return None
    ends = [None if end is None else objects(end * factor + offset) for end in (form.low, form.high)]
    low, high = ends if signs == {True} or not form.is_clipped else ends[::-1]
    return Form(
        scale=objects(form.scale * factor), offset=objects(form.offset * factor + offset), low=low, high=high
    )


def _clipped(form: Form, low: Exact | None, high: Exact | None) -> Form:
    """Return a form between two more ends."""

    def within(end: Exact | None) -> Exact | None:
        if end is None:
            return None
        end = end if low is None else objects(np.maximum(end, low))
        return end if high is None else objects(np.minimum(end, high))

    own_low, own_high = within(form.low), within(form.high)
    return Form(
        scale=form.scale,
        offset=form.offset,
        low=own_low if own_low is not None else low,
        high=own_high if own_high is not None else high,
    )


def _laid_out(sheet: Sheet, node: NodeProto, form: Form, shape: tuple[int, ...]) -> Form:
    """Return the form behind a layout operation."""
    before = sheet.network.shapes[next(n for n in node.input if n not in sheet.network.constants)]
    moved = sheet.moved(node, before)

    def move(values: Exact | None) -> Exact | None:
        if values is None or values.size == 1:
            return values
        flat = np.broadcast_to(values, before).reshape(-1)
        return np.asarray(flat if moved is None else flat[moved]).reshape(shape)

    scale, offset = move(form.scale), move(form.offset)
    assert scale is not None and offset is not None  # noqa: PT018, S101 - a form has both
    return Form(scale=scale, offset=offset, low=move(form.low), high=move(form.high))


def affine_form(sheet: Sheet, signal: Signal) -> Signal | None:
    """Return a signal with the scale and the offset of its form; None where it has no form, or one with ends."""
    form = form_of(sheet, signal)
    if form is None or form.is_clipped:
        return None
    sides = [
        v.reshape(()) if v.size == 1 else collapse(np.broadcast_to(v, signal.shape).reshape(-1))
        for v in (form.scale, form.offset)
    ]
    return Signal(
        name=signal.name,
        shape=signal.shape,
        source=signal.source,
        nodes=signal.nodes,
        scale=sides[0],
        offset=sides[1],
        order=signal.order,
    )


# --- integers for a form ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wide:
    """A form of the channels of ``tensor``: scale, offset and ends (channels,) each, or None."""

    signal: Signal
    tensor: Tensor
    scale: Exact
    offset: Exact
    low: Exact | None
    high: Exact | None

    def numbers(self) -> Exact:
        """Return all constants."""
        return np.concatenate([v for v in (self.scale, self.offset, self.low, self.high) if v is not None])

    def peak(self) -> Fraction:
        """Return the largest size of the number before it is clipped."""
        ends = [
            abs(s * int(e) + o)
            for side in (self.tensor.low, self.tensor.high)
            for s, e, o in zip(self.scale, side, self.offset, strict=True)
        ]
        others = [abs(v) for side in (self.low, self.high) if side is not None for v in side]
        largest: Fraction = max(*ends, *others, Fraction(0))
        return largest

    def finest(self) -> Fraction:
        """Return the step of a grid on which each scale is as precise as :data:`PRECISION` says."""
        power = floor(log2(float(min(map(abs, self.scale.tolist()))))) - PRECISION
        return Fraction(1 << max(power, 0), 1 << max(-power, 0))


def wide(sheet: Sheet, signal: Signal) -> Wide | None:
    """Return a signal as a form of its source's channels; None where it has none."""
    form, tensor = form_of(sheet, signal), signal.source.tensor
    if form is None or tensor is None:
        return None
    sides = [form.scale, form.offset, form.low, form.high]
    found = [None if v is None else _by_channel(v, signal, tensor) for v in sides]
    if any(a is not None and b is None for a, b in zip(sides, found, strict=True)):
        tensor = sheet.reshaped(tensor, (tensor.size,))
        found = [None if v is None else _by_channel(v, signal, tensor) for v in sides]
    scale, offset, low, high = found
    assert scale is not None and offset is not None  # noqa: PT018, S101 - a form has both
    return Wide(signal=signal, tensor=tensor, scale=scale, offset=offset, low=low, high=high)


def _by_channel(values: Exact, signal: Signal, tensor: Tensor) -> Exact | None:
    """Return (channels,) values of the integers; None where positions of a channel differ."""
    channels, shape = tensor.channels, signal.shape
    if values.size == 1:
        return np.full(channels, values.reshape(-1)[0], dtype=object)
    is_list = values.ndim == len(shape) > 1 and values.size == values.shape[1] == shape[1] == channels
    if is_list and len(shape) > 2 and same_order(signal.order, channels_last(shape[1:])):
        return values.reshape(-1)
    table = placed_exact(np.broadcast_to(values, shape).reshape(-1), signal.order).reshape(-1, channels)
    return np.asarray(table[0]) if len(table) == 1 or (table == table[:1]).all() else None


def integers_of(sheet: Sheet, form: Wide, step: Fraction | None = None) -> Signal | None:
    """Emit the integers of a form, on the grid of ``step`` where it is given; None where no block clips so.

    Raises ModelError where they would need too many bits.
    """
    known = sheet.integers.get((form.signal.name, step))
    if known is None:
        known = _integers_of(sheet, form, step)
        if known is not None:
            sheet.integers[form.signal.name, step] = known
    return known


def _integers_of(sheet: Sheet, form: Wide, step: Fraction | None) -> Signal | None:
    own = None if step is not None else _on_own_step(form)
    if own is not None:
        factors, bias, low, high, scale = own
        return _emit(
            sheet, form, factors=factors, bias=bias, ends=(low, high), scale=scale, offset=fraction(0)
        )
    step = common_grid(form) if step is None else step
    offset: Exact = fraction(0)
    numbers = [form.offset, form.low, form.high]
    for end in (form.low, form.high):
        if end is not None and any(v != end[0] for v in end):  # the same end for all channels, from there
            offset = end
            numbers = [None if v is None else objects(v - end) for v in numbers]
            break
    factors, bias = _rounded(form.scale, step), _rounded(objects(numbers[0]), step)
    if any(f * step != s for f, s in zip(factors, form.scale, strict=True)):
        sheet.gridded.append(form.signal.name)
    ends: list[int | None] = []
    for side in numbers[1:]:
        found = None if side is None else set(_rounded(side, step))
        if found is not None and len(found) > 1:
            return None
        ends.append(None if found is None else found.pop())
    return _emit(
        sheet, form, factors=factors, bias=bias, ends=(ends[0], ends[1]), scale=fraction(step), offset=offset
    )


def _rounded(values: Exact, step: Fraction) -> list[int]:
    return [round(v / step) for v in values.tolist()]


def _on_own_step(
    form: Wide,
) -> tuple[list[int], list[int], int | None, int | None, Exact] | None:
    """Return factors, bias, ends and scale where the integers themselves are the grid; None where they are not."""
    steps = [abs(v) for v in form.scale]
    bias = [o / s for o, s in zip(form.offset, steps, strict=True)]
    ends = [
        None if side is None else {v / s for v, s in zip(side, steps, strict=True)}
        for side in (form.low, form.high)
    ]
    whole = [*bias, *(v for end in ends if end is not None for v in end)]
    if any(v.denominator != 1 for v in whole) or any(end is not None and len(end) > 1 for end in ends):
        return None
    if max(abs(v) for v in whole) >= 1 << (EXACT_BITS_AT_MOST - 1):
        return None
    low, high = (None if end is None else int(end.pop()) for end in ends)
    return [1 if v > 0 else -1 for v in form.scale], [int(b) for b in bias], low, high, objects(steps)


def common_grid(*forms: Wide) -> Fraction:
    """Return the step of a grid for all forms: the exact one where that is of reasonable size.

    Raises ModelError where the integers would need too many bits.
    """
    step = common_step(np.concatenate([form.numbers() for form in forms]))
    peak = max(form.peak() for form in forms)
    if peak / step < 1 << (EXACT_BITS_AT_MOST - 1):
        return step
    step = min(_own_grid(form) or form.finest() for form in forms)
    bits = int(peak / step).bit_length() + 1
    if bits > GRID_BITS_AT_MOST:
        raise ModelError(
            f"{forms[0].signal.name} would need {bits} bits without a quantizer, {GRID_BITS_AT_MOST} are possible",
            hint="put a quantizer in front of it: its integers add up over many layers, or their scales differ widely",
        )
    return step


def _own_grid(form: Wide) -> Fraction | None:
    """Return the step of integers that are on a grid already: a power of two, without an offset."""
    step = abs(form.scale[0])
    same = all(abs(v) == step for v in form.scale) and all((o / step).denominator == 1 for o in form.offset)
    power = step.numerator & (step.numerator - 1) == 0 and step.denominator & (step.denominator - 1) == 0
    return step if same and power else None


def _emit(
    sheet: Sheet,
    form: Wide,
    *,
    factors: list[int],
    bias: list[int],
    ends: tuple[int | None, int | None],
    scale: Exact,
    offset: Exact,
) -> Signal:
    """Emit the integers; those that are there already are taken as they are."""
    tensor, signal = form.tensor, form.signal
    name = signal.name if signal.name not in sheet.encodings else f"{signal.name} on a grid"
    if any(f != 1 for f in factors) or any(bias) or ends != (None, None):
        own = sheet.new_name("affine")
        node = Affine(
            name=own,
            input=tensor.name,
            output=own,
            factors=np.array(factors, np.int64),
            bias=np.array(bias, np.int64),
            low=ends[0],
            high=ends[1],
        )
        tensor = sheet.emit(node, tensor.shape, name if name == signal.name else "")
    sides = [_by_element(v, signal, tensor) for v in (scale, offset)]
    return sheet.new_source(tensor, name, signal.shape, sides[0], sides[1], order=signal.order)


def _by_element(values: Exact, signal: Signal, tensor: Tensor) -> Exact:
    """Return () or (size,) values in the order of the float tensor for (channels,) values of the integers."""
    if values.size == 1:
        return values.reshape(())
    whole = np.tile(values.reshape(-1), tensor.vectors)
    return collapse(objects(whole if signal.order is None else whole[signal.order]))
