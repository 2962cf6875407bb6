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
from tailrace.graph import Add, Affine, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet

Array = NDArray[Any]

EXACT_BITS_AT_MOST = 56
"""Bits that integers may need to be exact; where it would be more, they are put on a grid."""

LINEAR = frozenset({"Neg", "Add", "Sub", "Mul", "Div", "BatchNormalization"})
"""Operations with constants that a sum of forms goes through term by term."""

PRECISION = 30
"""Bits that a scale has on a grid beyond those of the integers that it scales."""

GRID_BITS_AT_MOST = 60
"""Bits that integers on a grid may need."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """``clip(scale * integers + offset, low, high)``; object arrays of Fractions that broadcast to the tensor.

    ``reach`` bounds the size of the number before it is clipped; None where the integers are not known yet.
    """

    scale: Exact
    offset: Exact
    low: Exact | None = None
    high: Exact | None = None
    reach: Fraction | None = None

    @property
    def is_clipped(self) -> bool:
        """Whether it has an end."""
        return self.low is not None or self.high is not None


def form_of(sheet: Sheet, signal: Signal) -> Form | None:
    """Return the form of a signal; None where it has another one, or is a sum of forms."""
    forms = forms_on_the_way(sheet, signal).get(signal.name, ())
    return forms[0] if len(forms) == 1 else None


def forms_on_the_way(sheet: Sheet, signal: Signal) -> dict[str, tuple[Form, ...]]:
    """Return the forms of which a signal and what it is made of are sums: {tensor: forms}, where these are known."""
    source = signal.source
    known: dict[str, tuple[Form, ...]] = {
        source.name: (_form(source.scale, source.offset, source.shape, source.tensor),)
    }
    for node in signal.nodes:
        name = node.output[0]
        own = sheet.signals.get(name)
        if own is not None and own.source is source and own.scale is not None and own.offset is not None:
            known[name] = (_form(own.scale, own.offset, own.shape, source.tensor),)
            continue
        moving = [n for n in node.input if n and n not in sheet.network.constants]
        before = known.get(moving[0]) if len(moving) == 1 else None
        forms = None if before is None else _sum_behind(sheet, node, before)
        if forms is not None:
            known[name] = forms
    return known


def _form(scale: Exact, offset: Exact, shape: tuple[int, ...], tensor: Tensor | None) -> Form:
    """Return the form of multiples of a step."""
    sides = [v if v.size == 1 else v.reshape(shape) for v in (scale, offset)]
    reach = None
    if tensor is not None:
        largest = max(abs(int(tensor.low.min())), abs(int(tensor.high.max())))
        reach = _size(scale) * largest + _size(offset)
    return Form(scale=sides[0], offset=sides[1], reach=reach)


def _size(values: Exact) -> Fraction:
    return Fraction(max(abs(v) for v in values.reshape(-1)))


def _sum_behind(sheet: Sheet, node: NodeProto, forms: tuple[Form, ...]) -> tuple[Form, ...] | None:
    """Return what a sum of forms is behind one operation; None where it is another function."""
    slope = _slope(sheet, node)
    if slope is not None and len(forms) == 1:
        return _bent(forms[0], slope)
    if slope is not None or (len(forms) > 1 and node.op_type not in LINEAR | LAYOUT):
        return None
    behind = [_behind(sheet, node, form) for form in forms]
    if len(forms) > 1 and node.op_type not in LAYOUT:  # what is added is added once
        without = [_behind(sheet, node, Form(scale=form.scale, offset=fraction(0))) for form in forms]
        zero = without[0]
        behind = [
            None if form is None or zero is None else scaled(form, fraction(1), objects(-zero.offset))
            for form in behind[1:]
        ]
        behind.insert(0, _behind(sheet, node, forms[0]))
    found = tuple(form for form in behind if form is not None)
    return found if len(found) == len(forms) else None


def _bent(form: Form, slope: Exact) -> tuple[Form, ...] | None:
    """Return the forms whose sum is a form with ``slope`` below 0; None where slopes are 0 and 1."""
    above = clipped(form, fraction(0), None)
    for pair in (
        (above, scaled(clipped(form, None, fraction(0)), slope, fraction(0))),
        (form, scaled(clipped(form, None, fraction(0)), objects(slope - 1), fraction(0))),
    ):
        found = tuple(side for side in pair if side is not None)
        if len(found) == len(pair):
            return found
    return None


def _slope(sheet: Sheet, node: NodeProto) -> Exact | None:
    """Return the slope of negative numbers behind an operation that bends at 0; None for all others."""
    match node.op_type:
        case "LeakyRelu":
            return exact_values(np.asarray(Attributes(node).number("alpha", 0.01), np.float32))
        case "PRelu":
            slope = sheet.network.constants.get(node.input[1])
            return None if slope is None or not np.isfinite(slope).all() else exact_values(np.asarray(slope))
        case "Abs":
            return fraction(-1)
        case _:
            return None


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
            return clipped(form, fraction(0), None)
        case "Clip", _:
            attributes = Attributes(node)
            ends = [_end(c) for c in constants[1:]] or [
                _end(np.array(attributes.number(key))) if key in list(attributes) else None
                for key in ("min", "max")
            ]
            return clipped(form, ends[0], ends[1] if len(ends) > 1 else None)
        case "HardSigmoid", _:
            sides = [
                exact_values(np.asarray(Attributes(node).number(*v), np.float32))
                for v in (("alpha", 0.2), ("beta", 0.5))
            ]
            inside = scaled(form, *sides)
            return None if inside is None else clipped(inside, fraction(0), fraction(1))
        case "Max", (c, None) | (None, c) if c is not None:
            return clipped(form, exact_values(c), None)
        case "Min", (c, None) | (None, c) if c is not None:
            return clipped(form, None, exact_values(c))
        case "Neg", _:
            return scaled(form, fraction(-1), fraction(0))
        case "Add", (c, None) | (None, c) if c is not None:
            return scaled(form, fraction(1), exact_values(c))
        case "Sub", (None, c) if c is not None:
            return scaled(form, fraction(1), objects(-exact_values(c)))
        case "Sub", (c, None) if c is not None:
            return scaled(form, fraction(-1), exact_values(c))
        case "Mul", (c, None) | (None, c) if c is not None:
            return scaled(form, exact_values(c), fraction(0))
        case "Div", (None, c) if c is not None and np.all(c):
            return scaled(form, objects(Fraction(1) / exact_values(c)), fraction(0))
        case "BatchNormalization", (None, *values):
            return scaled(form, *_normalization(node, [np.asarray(v) for v in values], len(shape)))
    return None


def exact_values(value: Array) -> Exact:
    """Return constants as Fractions, in their shape; an end at infinity stays one."""
    flat = exact(value)
    return flat if flat.size == 1 else flat.reshape(value.shape)


def _end(value: Array | None) -> Exact | None:
    """Return an end of a clip, None where there is none."""
    return None if value is None or not value.size or not np.isfinite(value).all() else exact_values(value)


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


def scaled(form: Form, factor: Exact, offset: Exact) -> Form | None:
    """Return ``factor * form + offset``; None where a factor is 0."""
    if any(v == 0 for v in factor.reshape(-1)):
        return None
    rises = {v > 0 for v in factor.reshape(-1)}
    low, high = form.low, form.high
    if (
        form.is_clipped and len(rises) > 1
    ):  # each end is the low one here and the high one there: there are two
        if form.reach is None:
            return None
        both = _both_ends(form, form.reach)
        low, high = (
            objects(np.where(factor > 0, a * factor, b * factor) + offset) for a, b in (both, both[::-1])
        )
    else:
        ends = [None if end is None else objects(end * factor + offset) for end in (low, high)]
        low, high = ends if rises == {True} else ends[::-1]
    reach = None if form.reach is None else form.reach * _size(factor) + _size(offset)
    return Form(
        scale=objects(form.scale * factor),
        offset=objects(form.offset * factor + offset),
        low=low,
        high=high,
        reach=reach,
    )


def _both_ends(form: Form, reach: Fraction) -> tuple[Exact, Exact]:
    """Return both ends of a form; what it cannot reach stands for one that it does not have."""
    low, high = form.low, form.high
    if low is None:
        low = fraction(-reach) if high is None else objects(np.minimum(high, fraction(-reach)))
    return low, objects(np.maximum(low, fraction(reach))) if high is None else high


def clipped(form: Form, low: Exact | None, high: Exact | None) -> Form:
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
        reach=form.reach,
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
    return Form(scale=scale, offset=offset, low=move(form.low), high=move(form.high), reach=form.reach)


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


def wide(sheet: Sheet, signal: Signal) -> tuple[Wide, ...] | None:
    """Return the forms of which a signal is the sum, of its source's channels; None where it has none."""
    forms = forms_on_the_way(sheet, signal).get(signal.name)
    return None if forms is None or signal.source.tensor is None else by_channels(sheet, signal, forms)


def by_channels(sheet: Sheet, signal: Signal, forms: Sequence[Form]) -> tuple[Wide, ...]:
    """Return forms of the elements of a signal as forms of its source's channels."""
    tensor = signal.source.tensor
    assert tensor is not None  # noqa: S101 - callers look
    given = [[form.scale, form.offset, form.low, form.high] for form in forms]

    def found(tensor: Tensor) -> list[list[Exact | None]]:
        return [[None if v is None else _by_channel(v, signal, tensor) for v in sides] for sides in given]

    rows = found(tensor)
    if any(
        a is not None and b is None
        for g, r in zip(given, rows, strict=True)
        for a, b in zip(g, r, strict=True)
    ):
        tensor = sheet.reshaped(tensor, (tensor.size,))
        rows = found(tensor)
    wides = []
    for scale, offset, low, high in rows:
        assert scale is not None and offset is not None  # noqa: PT018, S101 - a form has both
        wides.append(Wide(signal=signal, tensor=tensor, scale=scale, offset=offset, low=low, high=high))
    return tuple(wides)


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


def integers_of(
    sheet: Sheet, forms: Sequence[Wide], step: Fraction | None = None, *, zero: bool = False
) -> Signal:
    """Emit the integers of a sum of forms, on the grid of ``step`` where it is given.

    With ``zero``, 0 stands for the number 0. Raises ModelError where they would need too many bits.
    """
    key = (forms[0].signal.name, step, zero)
    if key not in sheet.integers:
        sheet.integers[key] = _integers_of(sheet, forms, step, zero=zero)
    return sheet.integers[key]


def _integers_of(sheet: Sheet, forms: Sequence[Wide], step: Fraction | None, *, zero: bool) -> Signal:
    form = forms[0]
    own = None if step is not None or len(forms) > 1 else _on_own_step(form)
    name = form.signal.name if form.signal.name not in sheet.encodings else f"{form.signal.name} on a grid"
    origin = name if name == form.signal.name else ""
    if own is not None:
        factors, bias, low, high, scale = own
        tensor = _affine(sheet, form.tensor, factors, bias, ends=(low, high), origin=origin)
        return _source(sheet, form, tensor, name, scale=scale, offset=fraction(0))
    step = common_grid(*forms) if step is None else step
    if len(forms) == 1:
        tensor, offset = _on_step(sheet, form, step, origin=origin, zero=zero)
    else:
        (tensor, offset), *others = (_on_step(sheet, part, step, zero=zero) for part in forms)
        for i, (other, more) in enumerate(others):
            tensor = _added(sheet, tensor, other, origin if i == len(others) - 1 else "")
            offset = objects(offset + more)
    return _source(sheet, form, tensor, name, scale=fraction(step), offset=offset)


def _on_step(
    sheet: Sheet, form: Wide, step: Fraction, *, origin: str = "", zero: bool = False
) -> tuple[Tensor, Exact]:
    """Emit integers for which a form is ``step * integers + offset``; returns both, the offset is 0 with ``zero``."""
    offset: Exact = fraction(0)
    numbers = [form.offset, form.low, form.high]
    if any(end is not None and (end != end[0]).any() for end in numbers[1:]):
        offset = next(
            end for end in numbers[1:] if end is not None
        )  # one end is 0 in all channels, from there
        numbers = [None if v is None else objects(v - offset) for v in numbers]
    factors, bias = _rounded(form.scale, step), _rounded(objects(numbers[0]), step)
    name = form.signal.name
    if any(f * step != s for f, s in zip(factors, form.scale, strict=True)) and name not in sheet.gridded:
        sheet.gridded.append(name)
    ends = [None if side is None else _rounded(side, step) for side in numbers[1:]]
    last = "" if zero and offset.size > 1 else origin
    low, high = (None if side is None else side[0] for side in ends)
    if ends[1] is None or len(set(ends[1])) == 1:
        tensor = _affine(sheet, form.tensor, factors, bias, ends=(low, high), origin=last)
    else:  # both ends differ from channel to channel: max(x, 0) - max(x - high, 0)
        inside = _affine(sheet, form.tensor, factors, bias, ends=(0, None))
        above = [b - h for b, h in zip(bias, ends[1], strict=True)]
        outside = _affine(sheet, form.tensor, factors, above, ends=(0, None))
        tensor = _added(sheet, inside, outside, last, sign=-1)
    if zero and offset.size > 1:
        tensor = _affine(sheet, tensor, [1] * tensor.channels, _rounded(offset, step), origin=origin)
        offset = fraction(0)
    return tensor, offset


def _added(sheet: Sheet, a: Tensor, b: Tensor, origin: str, sign: int = 1) -> Tensor:
    """Emit the sum or the difference of two integers on one step."""
    name = sheet.new_name("add")
    return sheet.emit(Add(name=name, a=a.name, b=b.name, output=name, b_factor=sign), a.shape, origin)


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


def _affine(
    sheet: Sheet,
    tensor: Tensor,
    factors: list[int],
    bias: list[int],
    *,
    ends: tuple[int | None, int | None] = (None, None),
    origin: str = "",
) -> Tensor:
    """Emit scaled, moved and clipped integers; those that are there already are taken as they are."""
    if all(f == 1 for f in factors) and not any(bias) and ends == (None, None):
        return tensor
    name = sheet.new_name("affine")
    node = Affine(
        name=name,
        input=tensor.name,
        output=name,
        factors=np.array(factors, np.int64),
        bias=np.array(bias, np.int64),
        low=ends[0],
        high=ends[1],
    )
    return sheet.emit(node, tensor.shape, origin)


def _source(sheet: Sheet, form: Wide, tensor: Tensor, name: str, *, scale: Exact, offset: Exact) -> Signal:
    """Return a new source: ``scale * integers + offset``, both () or (channels,)."""
    signal = form.signal
    sides = [_by_element(v, signal, tensor) for v in (scale, offset)]
    return sheet.new_source(tensor, name, signal.shape, sides[0], sides[1], order=signal.order)


def _by_element(values: Exact, signal: Signal, tensor: Tensor) -> Exact:
    """Return () or (size,) values in the order of the float tensor for (channels,) values of the integers."""
    if values.size == 1:
        return values.reshape(())
    whole = np.tile(values.reshape(-1), tensor.vectors)
    return collapse(objects(whole if signal.order is None else whole[signal.order]))
