# SPDX-License-Identifier: Apache-2.0
"""Products: activations times constant weights, and a row times a column of activations."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.frontend.activation_products import ACCEPTED, product_of_activations, text_of
from tailrace.frontend.grids import WEIGHT_BITS_AT_MOST, as_integers
from tailrace.frontend.hints import QDQ
from tailrace.frontend.signals import (
    Exact,
    Signal,
    Unreached,
    collapse,
    common_step,
    exact,
    fraction,
    is_zero,
    objects,
    per_column,
    spread,
)
from tailrace.frontend.sums import multiply
from tailrace.graph import Dense, Tensor

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet

Integers = NDArray[np.int64]


QUANTIZE_NORMALIZED = (
    "put a quantizer (Quant; Brevitas QuantIdentity) between this layer and the normalization, or whatever gives each "
    "channel a scale of its own; or use scales whose ratios are powers of two"
)
"""What to do where the channels of a layer's input have no common step."""

PRODUCT_BITS_AT_MOST = 40
"""Bits that weights may need which took over the scales of the input channels."""


def matmul(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map a product of activations and constant weights, or of a row and a column of activations."""
    left, right = node.input[0], node.input[1]
    constants = sheet.network.constants
    if left in constants:
        signal = ins[0]
        if constants[left].ndim != 2 or signal.size != constants[left].shape[1]:
            sheet.problem(
                node,
                f"the constant matrix {left} {list(constants[left].shape)} stands in front of {list(signal.shape)}",
                "activations @ weights, or weights @ one column",
                "write the layer as activations @ weights",
            )
            return
        _dense(sheet, node, signal, left, transpose=True)
    elif right in constants:
        _dense(sheet, node, ins[0], right, transpose=False)
    else:
        _dot(sheet, node, ins[0], ins[1])


def integer_weights(sheet: Sheet, name: str) -> tuple[Integers, Exact] | None:
    """Return a constant as integers and their exact scale (broadcasting against them), or None if it is float."""
    if name in sheet.network.grids:
        grid = sheet.network.grids[name]
        scale = np.empty(grid.scale.shape, dtype=object)
        scale.reshape(-1)[:] = [Fraction(v) for v in grid.scale.reshape(-1).tolist()]
        return grid.integers, scale
    value = np.asarray(sheet.network.constants[name])
    if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        return None
    if not value.size:
        return value.astype(np.int64), fraction(1)
    unique = np.unique(value)
    if len(unique) > 1 << WEIGHT_BITS_AT_MOST:
        return None
    step = common_step(exact(unique))
    if max(abs(Fraction(float(v))) for v in (unique[0], unique[-1])) / step >= 1 << (WEIGHT_BITS_AT_MOST - 1):
        return None
    return np.rint(value.astype(np.float64) / float(step)).astype(np.int64), fraction(step)


def _dense(sheet: Sheet, node: NodeProto, signal: Signal, name: str, *, transpose: bool) -> None:
    found = integer_weights(sheet, name)
    if found is None:
        float_weights(sheet, node, name)
    affine = as_integers(sheet, node, signal)
    if found is None or affine is None:
        return
    weights, scale = found
    full_scale = np.broadcast_to(scale, weights.shape) if scale.size > 1 else scale
    if transpose:
        weights, full_scale = weights.T, full_scale.T
    shape = weights.shape
    columns = signal.size if transpose else signal.shape[-1]
    matrix = (shape[0], 1) if len(shape) == 1 else shape[-2:]
    if int(np.prod(shape[:-2], dtype=np.int64)) != 1 or matrix[0] != columns:
        sheet.problem(
            node,
            f"weights of shape {list(sheet.network.constants[name].shape)}",
            f"one matrix of {columns} x outputs",
            "split the layer into one for every matrix",
        )
        return
    sheet.signals[node.output[0]] = _emit_dense(
        sheet,
        affine,
        weights.reshape(matrix),
        full_scale.reshape(matrix) if full_scale.size > 1 else full_scale.reshape(()),
        origin=node.output[0],
        shape=sheet.network.shapes[node.output[0]],
        positions=() if transpose else _positions(signal.shape),
    )


def _emit_dense(
    sheet: Sheet,
    x: Signal,
    weights: Integers,
    scale: Exact,
    *,
    origin: str,
    shape: tuple[int, ...],
    positions: tuple[int, ...],
) -> Signal:
    """Emit ``x @ (weights * scale)``; weights are (cols, rows), scale () or (cols, rows)."""
    assert x.source.tensor is not None and x.scale is not None and x.offset is not None  # noqa: PT018, S101 - by as_integers
    cols = len(weights)
    tensor = sheet.arranged(x.source.tensor, x.order, (*positions, cols))
    x_scale, x_offset = per_column(x.scale, cols), per_column(x.offset, cols)
    out, step, offset = emit_product(sheet, tensor, (x_scale, x_offset), weights, scale, origin=origin)
    return sheet.new_source(out, origin, shape, spread(step, out.size), spread(offset, out.size))


def emit_product(
    sheet: Sheet,
    tensor: Tensor,
    affine: tuple[Exact, Exact],
    weights: Integers,
    scale: Exact,
    *,
    origin: str,
) -> tuple[Tensor, Exact, Exact]:
    """Emit the product of (..., cols) integers, which stand for ``affine`` (scale, offset) floats, with weights.

    ``affine`` is () or (cols,), weights are (cols, rows), scale () or (cols, rows). Returns the product's tensor,
    and its scale and offset, () or (rows,).
    """
    x_scale, x_offset = affine
    cols, rows = weights.shape
    step, factors = _factor(x_scale, scale, cols, rows)
    integers = (weights * factors).T if factors is not None else weights.T
    bits = int(np.abs(integers).max(initial=0)).bit_length()
    if bits > PRODUCT_BITS_AT_MOST:
        raise ModelError(
            f"the scales of the {cols} input channels have no common step of reasonable size "
            f"(the weights would need {bits} bits)",
            where=origin,
            hint=QUANTIZE_NORMALIZED,
        )
    offset: Exact = fraction(0)
    if not is_zero(x_offset):
        per_row = scale.size == 1 or bool((scale == scale[:1]).all())
        if x_offset.size == 1 and per_row:
            sums = weights.sum(axis=0).astype(object)
            offset = collapse(
                objects(sums * (scale if scale.size == 1 else scale[0]) * x_offset.reshape(-1)[0])
            )
        else:
            real = weights.astype(object) * scale
            offset = collapse(
                objects((x_offset[:, None] * real if x_offset.size > 1 else x_offset * real).sum(axis=0))
            )
    name = sheet.new_name("dense")
    node = Dense(
        name=name,
        input=tensor.name,
        output=name,
        weights=np.ascontiguousarray(integers.astype(np.int64)),
        bias=np.zeros(rows, np.int64),
    )
    return sheet.emit(node, (*tensor.shape[:-1], rows), origin), step, offset


def _dot(sheet: Sheet, node: NodeProto, a: Signal, b: Signal) -> None:
    """The product of a row and a column of activations: multiply element by element, then sum."""
    if not (a.size == b.size == a.shape[-1] and b.shape[-1] == 1):
        product_of_activations(sheet, node, a, b)
        return
    ints = [as_integers(sheet, node, s) for s in (a, b)]
    if ints[0] is None or ints[1] is None:
        return
    product = multiply(sheet, node, ints[0], ints[1], internal=True)
    if product is not None:
        ones = np.ones((a.size, 1), np.int64)
        sheet.signals[node.output[0]] = _emit_dense(
            sheet,
            product,
            ones,
            fraction(1),
            origin=node.output[0],
            shape=sheet.network.shapes[node.output[0]],
            positions=(),
        )


def _factor(x_scale: Exact, scale: Exact, cols: int, rows: int) -> tuple[Exact, Integers | None]:
    """Split ``x_scale[col] * scale[col, row]`` into a step per row and whole factors (cols, rows); None: all are 1."""
    if x_scale.size == 1 and scale.size == 1:
        return objects(x_scale.reshape(-1)[0] * scale.reshape(-1)[0]), None
    full = (
        np.broadcast_to(scale, (cols, rows))
        if scale.size > 1
        else np.broadcast_to(scale.reshape(1, 1), (cols, rows))
    )
    if x_scale.size == 1 and (full == full[:1]).all():
        return collapse(objects(full[0] * x_scale.reshape(-1)[0])), None
    product = full * (x_scale[:, None] if x_scale.size > 1 else x_scale.reshape(-1)[0])
    steps = np.empty(rows, dtype=object)
    factors = np.empty((cols, rows), dtype=object)
    for row in range(rows):
        steps[row] = common_step(product[:, row])
        factors[:, row] = [int(v / steps[row]) for v in product[:, row]]
    if max(abs(int(f)).bit_length() for f in factors.reshape(-1)) > PRODUCT_BITS_AT_MOST:
        raise ModelError(
            f"the scales of the {cols} input channels have no common step of reasonable size",
            hint=QUANTIZE_NORMALIZED,
        )
    return collapse(steps), factors.astype(np.int64)


def _positions(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of a sample in front of its channels."""
    return shape[1:-1] if len(shape) > 1 and shape[0] == 1 else shape[:-1]


def _floats_times_floats(sheet: Sheet, node: NodeProto) -> None:
    """Report a product of two tensors of which neither is constant nor quantized."""
    text = " @ ".join(text_of(sheet.network.shapes.get(name)) for name in node.input)
    sheet.problem(
        node,
        f"it multiplies two activations, {text}, which are not quantized",
        ACCEPTED,
        "put a quantizer (Quant; Brevitas QuantIdentity) behind each of the two",
    )


def look_at_product(sheet: Sheet, node: NodeProto, known: Unreached) -> Unreached:
    """Report what is wrong with a product whose input is not known; its result is floats where one of both is."""
    if known.host_only is not None and node.name not in sheet.refused:
        sheet.host_only(known, node)
    constant = [name for name in node.input if name in sheet.network.constants]
    if not constant:
        if len(node.input) > 1 and known.is_float:
            _floats_times_floats(sheet, node)
        return Unreached(is_float=known.is_float)
    good = check_weights(sheet, node, constant[0])
    if known.is_float:
        moving = next(name for name in node.input if name not in sheet.network.constants)
        sheet.not_quantized(node, sheet.network.labels.get(moving, moving))
    return Unreached(is_float=known.is_float or not good)


def check_weights(sheet: Sheet, node: NodeProto, name: str) -> bool:
    """Report float weights of a layer that is refused or cannot be reached; says whether they are integers."""
    if name not in sheet.network.constants or integer_weights(sheet, name) is not None:
        return True
    float_weights(sheet, node, name)
    return False


def float_weights(sheet: Sheet, node: NodeProto, name: str) -> None:
    """Report weights that are no integers; what is made of them is floats, too."""
    label = sheet.network.labels.get(name, name)
    shape = sheet.network.constants.get(label, sheet.network.constants[name]).shape
    for out in node.output:
        sheet.unreached[out] = Unreached(is_float=True)
    if name in sheet.network.blamed:
        return
    sheet.problem(
        node,
        f"its weights {label} ({' x '.join(map(str, shape))}) are floats without a quantizer",
        f"weights behind a quantizer, or integers of at most {WEIGHT_BITS_AT_MOST} bits",
        "train the layer with a weight quantizer (Brevitas QuantLinear, QKeras QDense) and export it as QONNX; or "
        f"quantize the float network: tailrace quantize MODEL, or {QDQ}",
    )
