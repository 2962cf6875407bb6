# SPDX-License-Identifier: Apache-2.0
"""Gather: constant indices choose among activations; activations as indices look numbers up in a constant table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.steps import from_table
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.choosing import choose
from tailrace.frontend.grids import GRID_POINTS_AT_MOST, as_integers
from tailrace.frontend.images import repeated
from tailrace.frontend.products import integer_weights
from tailrace.frontend.signals import Exact, collapse, common_step, exact, fraction, objects
from tailrace.frontend.tails import float_function

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal

Integers = NDArray[np.int64]

TABLE_BITS_AT_MOST = 48
"""Bits that the numbers of a table may need on their common step; a quantizer behind it makes few of them."""


def gather(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map a Gather: of activations at constant places, or of a constant table at the places that activations say."""
    if len(ins) == 1 and node.input[0] in sheet.network.constants:
        _look_up(sheet, node, ins[0])
    elif len(ins) == 1:
        choose(sheet, node, ins[0])
    else:
        sheet.problem(
            node,
            "both its data and its indices depend on the network's input",
            "constant indices, or a constant table",
            "do the look-up in software",
        )


def _look_up(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Emit a table for every column: each index goes to all columns, and each of these is a function of it."""
    found = _integers_of(sheet, node.input[0])
    rank = sheet.network.constants[node.input[0]].ndim
    affine = as_integers(sheet, node, signal)
    if affine is None:
        return
    if found is None or Attributes(node).integer("axis", 0) % rank:
        sheet.problem(
            node,
            f"the table {node.input[0]} has no common step of at most {TABLE_BITS_AT_MOST} bits, or is not looked up "
            "row by row",
            "a quantized table, along its first axis",
            "quantize the table (Brevitas QuantEmbedding, or a Quant node behind its weights)",
        )
        return
    table, scale = found
    rows, tensor = len(table), affine.source.tensor
    assert tensor is not None  # noqa: S101 - by as_integers
    table = table.reshape(rows, -1)
    columns = table.shape[1]
    points = int(tensor.high.max() - tensor.low.min()) + 1
    if points * columns > GRID_POINTS_AT_MOST or affine.scale is None or affine.scale.size > 1:
        sheet.problem(
            node,
            f"its indices have {points} values for each of {columns} columns, or a scale for every channel",
            f"at most {GRID_POINTS_AT_MOST:,} entries, and indices behind one quantizer",
            "use a smaller table, or let the host look the numbers up",
        )
        return
    tensor = sheet.arranged(tensor, affine.order, (1, affine.size, 1))
    low, high = (np.full(columns, e, np.int64) for e in (tensor.low.min(), tensor.high.max()))
    x = np.arange(low[0], high[0] + 1, dtype=np.int64)
    indices = _indices(sheet, affine, x)
    places = np.clip(np.where(indices < 0, indices + rows, indices), 0, rows - 1)
    wide = sheet.reshaped(repeated(sheet, tensor, (1, columns)), (affine.size, columns))
    name, shape = node.output[0], sheet.network.shapes[node.output[0]]
    out = sheet.emit_map(wide, from_table(low, high, table[places]), name)
    sides = scale if scale.size == 1 else np.tile(scale.reshape(-1), affine.size)
    sheet.signals[name] = sheet.new_source(out, name, shape, collapse(objects(sides)), fraction(0))


def _indices(sheet: Sheet, affine: Signal, x: Integers) -> Integers:
    """Return the index that each of the integers ``x`` stands for."""
    if not affine.nodes:
        scale, offset = (v.reshape(-1)[0] for v in (affine.source.scale, affine.source.offset))
        return np.array([int(scale * int(q) + offset) for q in x.tolist()], np.int64)
    size = affine.source.tensor.size if affine.source.tensor is not None else 1
    samples = -(-len(x) // size)
    found = float_function(sheet.network, affine)(np.resize(x, (samples, size)))
    return np.asarray(found).astype(np.int64).reshape(-1)[: len(x)]


def _integers_of(sheet: Sheet, name: str) -> tuple[Integers, Exact] | None:
    """Return a constant table (rows, ...) as integers, and their scale, () or one for every column; None: floats."""
    value: NDArray[Any] = np.asarray(sheet.network.constants[name])
    found = integer_weights(sheet, name)
    if found is not None:
        integers, scale = found
        if scale.size == 1:
            return integers, scale.reshape(())
        full = np.broadcast_to(scale, value.shape)
        if (full == full[:1]).all():
            return integers, objects(full[0].reshape(-1))
    if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        return None
    step = common_step(exact(np.unique(value)))
    whole = objects(exact(value) / step)
    if max(abs(v) for v in whole.reshape(-1)).numerator >> TABLE_BITS_AT_MOST:
        return None
    whole = np.broadcast_to(whole, (value.size,))
    return np.array([int(v) for v in whole], np.int64).reshape(value.shape), fraction(step)
