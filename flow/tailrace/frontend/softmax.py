# SPDX-License-Identifier: Apache-2.0
"""Softmax in the middle of a network: scores on one step become shares on a step of their own."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace.core.order import plain
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.grids import as_integers, with_bias
from tailrace.frontend.images import in_order
from tailrace.frontend.masks import NO_SHARE
from tailrace.frontend.signals import fraction
from tailrace.graph import Affine, Softmax, Tensor
from tailrace.graph.operations.softmax import LONGEST_TABLE, exponential_table

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

    from tailrace.core.order import Order
    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal

SHARE_BITS = 30
"""Bits of a share: float32 has as many between 2^-6 and 2^-7, where the shares of a hundred channels are."""

TABLE_BITS = 31
"""Fraction bits of the exponential's table."""

FLATTENED_BEFORE = 13
"""Softmax of earlier opsets works on all axes from ``axis`` on, taken as one."""


def softmax(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Emit the shares of every row; docs/internals/softmax.md says of how many bits, and why."""
    rows = _rows(sheet, node, signal.shape)
    scores = as_integers(sheet, node, signal)
    scores = None if scores is None else _on_one_step(sheet, node, scores)
    if rows is None or scores is None:
        return
    tensor, order = scores.source.tensor, scores.order
    assert tensor is not None and scores.scale is not None  # noqa: PT018, S101 - by as_integers
    length = rows.shape[1]
    places = rows if order is None else order[rows]
    if (places // length != places[:, :1] // length).any():  # the rows do not come one after the other
        order = plain(np.argsort(rows.ravel()))
        tensor = in_order(sheet, scores, order, (len(rows), length))
    elif tensor.channels % length:
        tensor = sheet.reshaped(tensor, (len(rows), length))
    step = Fraction(scores.scale.reshape(-1)[0])
    closed = _closed(sheet, node, rows, order, abs(step) * int(tensor.high.max() - tensor.low.min()))
    if closed is not None and closed.all(axis=1).any():
        sheet.problem(
            node,
            "its mask leaves nothing open in some row",
            "an open entry in every row",
            "leave these rows out, or give them an entry of their own",
        )
        return
    if step < 0:
        tensor, step = _negative(sheet, tensor), -step
    most = int(tensor.high.max() - tensor.low.min())
    table = exponential_table(step, TABLE_BITS, most)
    if table is None:
        sheet.problem(
            node,
            f"its scores are multiples of {float(step):.3g}, so that its table of the exponential would have more than "
            f"{LONGEST_TABLE} entries",
            f"steps of at least {TABLE_BITS / LONGEST_TABLE:.2g}, or scores of at most 16 bits",
            "put a quantizer of 8 bits or so in front of the softmax",
        )
        return
    name, out = sheet.new_name("softmax"), node.output[0]
    operation = Softmax(
        name=name,
        input=tensor.name,
        output=name,
        table=table,
        bits=SHARE_BITS,
        groups=tensor.channels // length,
        closed=closed,
    )
    shares = sheet.emit(operation, tensor.shape, out)
    sheet.signals[out] = sheet.new_source(
        shares,
        out,
        sheet.network.shapes[out],
        fraction(Fraction(1, 1 << SHARE_BITS)),
        fraction(0),
        order=order,
    )


def _closed(
    sheet: Sheet, node: NodeProto, rows: NDArray[Any], order: Order, reach: Fraction
) -> NDArray[np.int64] | None:
    """Return which entries of the rows, as they come, have no share: 1, others 0; None without a mask.

    ``reach`` is how far scores can be apart: a closed one has none of float32's numbers for a share, whatever they are.
    """
    mask = sheet.network.masks.get(node.name)
    if mask is None:
        return None
    added = mask.ravel()
    if (added[added != 0] + float(reach) > NO_SHARE).any():
        sheet.problem(
            node,
            f"its mask adds {added[added != 0].max():g}, and scores may be {float(reach):g} apart",
            "a mask that adds 0, or so much less that no share is left",
            "let the mask add -inf, or -1e9",
        )
        return None
    closed = np.zeros(added.size, np.int64)
    closed[(rows if order is None else order[rows]).ravel()] = (added != 0)[rows.ravel()]
    return closed.reshape(-1, rows.shape[1])


def _rows(sheet: Sheet, node: NodeProto, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Return the numbers of the elements of every row, (rows, length), in row-major order of the float tensor."""
    flattened = sheet.network.opset < FLATTENED_BEFORE
    axis = Attributes(node).integer("axis", 1 if flattened else -1)
    axis = axis + len(shape) if axis < 0 else axis
    numbers = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    if axis == 0 and (len(shape) > 1 or not flattened):
        sheet.problem(
            node,
            "it is taken over the first axis, that of the samples",
            "a softmax over an axis of one sample",
            "export the network for one sample at a time, with the samples along the first axis",
        )
        return None
    if flattened:
        return numbers.reshape(int(np.prod(shape[:axis], dtype=np.int64)), -1)
    return np.moveaxis(numbers, axis, -1).reshape(-1, shape[axis])


def _on_one_step(sheet: Sheet, node: NodeProto, signal: Signal) -> Signal | None:
    """Return scores as integers of one scale, those of an offset that differs with it; None (and a problem)."""
    assert signal.scale is not None and signal.offset is not None  # noqa: PT018, S101 - by as_integers
    if signal.scale.size > 1 or signal.scale.reshape(-1)[0] == 0:
        sheet.problem(
            node,
            "its scores have different scales",
            "scores of one scale, the same for all",
            "put a quantizer with one scale in front of the softmax",
        )
        return None
    if signal.offset.size == 1:  # the same for all, so no share knows of it
        return signal
    biased = with_bias(sheet, signal, signal.name)
    if biased is None:
        sheet.problem(
            node,
            "what is added to its scores is no multiple of their step, or differs from position to position",
            "scores on one step",
            "put a quantizer with one scale in front of the softmax",
        )
    return biased


def _negative(sheet: Sheet, tensor: Tensor) -> Tensor:
    """Return the integers with their signs turned round."""
    name = sheet.new_name("affine")
    factors, bias = np.full(tensor.channels, -1), np.zeros(tensor.channels, np.int64)
    turned = Affine(name=name, input=tensor.name, output=name, factors=factors, bias=bias)
    return sheet.emit(turned, tensor.shape, "")
