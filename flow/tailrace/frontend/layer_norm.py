# SPDX-License-Identifier: Apache-2.0
"""Layer and RMS normalization of integers: one node, whose result has a fixed number of bits behind the point.

The scale and the bias of the network are float operations behind it, so they are part of the next tail.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.normalization import epsilon_of
from tailrace.core.order import plain
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.bends import straightened
from tailrace.frontend.forms import Wide, common_grid, integers_of, wide
from tailrace.frontend.grids import as_integers, put_on_grid, with_bias
from tailrace.frontend.normalized import Normalized
from tailrace.frontend.signals import Signal, common_step, fraction, is_zero, sample_shape
from tailrace.graph import Normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import NodeProto

    from tailrace.core.normalization import Kind
    from tailrace.frontend.sheet import Sheet
    from tailrace.graph import Tensor

FRACTION_BITS = 16
"""Bits behind the point that a normalized number has."""

INPUT_BITS_AT_MOST = 56
"""Bits of the integers that are normalized."""

EXACT_BITS_AT_MOST = 32
"""What has no common step as it is is put on the exact one where the integers then have so many bits, else ..."""

GRID_BITS = 28
"""... on a grid: of so many bits where only what is added is off the step of the integers, else of more."""

QUANTIZE_IN_FRONT = (
    "put a quantizer (Quant; Brevitas QuantIdentity) between this layer and what is in front of it: its integers make "
    "the normalization small"
)


def layer_norm(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map a normalization whose scale is 1 and whose bias is 0; those of the network stand behind it."""
    others = [name for name in node.output[1:] if name and name in sheet.network.readers]
    if others:
        sheet.problem(
            node,
            f"its output {others[0]} is read",
            "a normalization of which only the first output is read",
            "compute mean and variance in the network by nodes of their own, or leave this to software",
        )
        return
    attributes, rank = Attributes(node), len(ins[0].shape)
    of_channels = node.op_type == "InstanceNormalization"
    kind: Kind = "layer" if of_channels or node.op_type == "LayerNormalization" else "rms"
    axis = 2 if of_channels else attributes.integer("axis", -1) % rank
    epsilon = float(np.float32(attributes.number("epsilon", 1e-5)))
    what = Normalized(source=ins[0].name, kind=kind, axis=axis, epsilon=epsilon, by_group=of_channels)
    normalize(sheet, node, ins[0], what)


def normalize(sheet: Sheet, node: NodeProto, signal: Signal, what: Normalized) -> None:
    """Emit the normalization of a signal as the output of ``node``, or report why there is none."""
    size = prod(signal.shape[what.axis :])
    if size < 2:
        sheet.problem(
            node,
            f"it normalizes groups of {size}",
            "groups of 2 or more",
            "leave it out: it makes a constant of its input, or its sign",
        )
        return
    x = _on_one_step(sheet, node, signal, centered=what.kind == "layer")
    if x is None:
        return
    tensor, scale = x.source.tensor, x.scale
    assert tensor is not None and scale is not None  # noqa: PT018, S101 - by _on_one_step
    step = Fraction(scale.reshape(-1)[0])
    squares = size * size if what.kind == "layer" else size
    exact = squares * Fraction(what.epsilon) / step**2
    if exact <= 0:
        sheet.problem(
            node,
            f"its epsilon is {what.epsilon:g}: a group whose values are all equal would be 0 / 0",
            "an epsilon above 0",
            "give the layer an epsilon (1e-5 is usual); with a quantized input it changes no other group",
        )
        return
    try:
        epsilon, exponent = epsilon_of(exact, what.kind, size, FRACTION_BITS)
    except ValueError as error:
        sheet.problem(node, str(error), "an epsilon up to that of float32", "use a smaller epsilon")
        return
    tensor = _in_groups(sheet, x, size)
    name, out = sheet.new_name("normalize"), node.output[0]
    operation = Normalize(
        name=name,
        input=tensor.name,
        output=name,
        kind=what.kind,
        groups=1,
        size=size,
        fraction_bits=FRACTION_BITS,
        epsilon=epsilon,
        exponent=exponent,
    )
    made = sheet.emit(operation, tensor.shape, "")
    order = x.order
    if what.by_group or x.size == size:
        made = _as_before(sheet, made, x)
    else:  # the scales of a group's elements are those of channels then
        order = None
    made = sheet.named(made, out)
    grid = fraction(Fraction(1, 1 << FRACTION_BITS))
    shape = sheet.network.shapes[out]
    sheet.signals[out] = sheet.new_source(made, out, shape, grid, fraction(0), order=order)


def _in_groups(sheet: Sheet, x: Signal, size: int) -> Tensor:
    """Return integers with those of every group side by side, (groups, size); one group is taken in any order."""
    tensor = x.source.tensor
    assert tensor is not None  # noqa: S101 - callers look
    if x.size == size:
        return sheet.reshaped(tensor, (size,))
    shape = sample_shape(x.shape)
    if x.order is None and shape[-1] == size:
        return sheet.reshaped(tensor, shape)
    return sheet.arranged(tensor, x.order, (x.size // size, size))


def _as_before(sheet: Sheet, tensor: Tensor, x: Signal) -> Tensor:
    """Return what was made of groups in the order and the shape of the integers that they were made of."""
    source = x.source.tensor
    assert source is not None  # noqa: S101 - callers look
    back = None if x.order is None or x.size == tensor.channels else plain(np.argsort(x.order))
    return sheet.arranged(tensor, back, source.shape)


def _on_one_step(sheet: Sheet, node: NodeProto, signal: Signal, *, centered: bool) -> Signal | None:
    """Return integers with one step for all, a step that is positive; None (and a problem) where there are none.

    ``centered``: what is added to all alike does not matter. Otherwise 0 stands for the number 0.
    """
    if signal.host_only is not None or signal.source.tensor is None:
        return as_integers(sheet, node, signal)  # says what is wrong
    known = signal if signal.scale is not None else put_on_grid(sheet, signal)
    found = None if known is None else _as_they_are(sheet, known, centered=centered)
    if found is not None:
        return _if_narrow(sheet, node, found)
    forms = wide(sheet, known or straightened(sheet, signal))
    if forms is None:
        return as_integers(sheet, node, signal)  # says what is wrong
    step = _step_of(forms)
    exact = all((v / step).denominator == 1 for form in forms for v in form.numbers())
    said = len(sheet.gridded)
    integers = integers_of(sheet, forms, step, zero=True)
    del sheet.gridded[said:]  # what is said of sums is said otherwise of normalizations
    tensor = integers.source.tensor
    assert tensor is not None  # noqa: S101 - it was just made
    if not exact:
        notice = (
            f"{signal.name} is normalized without a quantizer in front, on a grid of {tensor.type.bits} bits; a "
            "quantizer makes the normalization exact and much smaller"
        )
        sheet.notices += (notice,)
    return _if_narrow(sheet, node, integers)


def _if_narrow(sheet: Sheet, node: NodeProto, x: Signal) -> Signal | None:
    """Return integers of few enough bits; None (and a problem) for wider ones."""
    tensor = x.source.tensor
    if tensor is None or tensor.type.bits <= INPUT_BITS_AT_MOST:
        return x
    sheet.problem(
        node,
        f"the integers that it normalizes have {tensor.type.bits} bits",
        f"integers of at most {INPUT_BITS_AT_MOST} bits",
        QUANTIZE_IN_FRONT,
    )
    return None


def _as_they_are(sheet: Sheet, signal: Signal, *, centered: bool) -> Signal | None:
    """Return a signal whose integers have one step; None where they have several, or 0 is none of their numbers."""
    scale, offset = signal.scale, signal.offset
    assert scale is not None and offset is not None  # noqa: PT018, S101 - callers look
    if scale.size > 1 or scale.reshape(-1)[0] <= 0:
        return None
    if is_zero(offset) or (centered and offset.size == 1):
        return signal
    return with_bias(sheet, signal, "" if signal.name == signal.source.name else signal.name)


def _step_of(forms: Sequence[Wide]) -> Fraction:
    """Return the exact common step, or that of a grid where the integers would have many bits on it.

    Where all channels have one scale, the grid is a part of it, a power of two: then only what is added is rounded.
    """
    step = common_step(np.concatenate([form.numbers() for form in forms]))
    peak = sum((form.peak() for form in forms), Fraction(0))
    if peak / step < 1 << (EXACT_BITS_AT_MOST - 1):
        return step
    scales = {abs(v) for form in forms for v in form.scale.tolist()}
    if len(scales) > 1:
        return common_grid(*forms)
    (scale,) = scales
    return Fraction(scale) / (1 << max(0, GRID_BITS - 1 - int(peak / scale).bit_length()))
