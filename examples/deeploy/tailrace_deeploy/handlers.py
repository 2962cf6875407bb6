# SPDX-License-Identifier: Apache-2.0
"""From the nodes of a network to operations of the graph."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tailrace.core.order import placed
from tailrace.core.steps import Steps, from_rows
from tailrace.extend import as_integers, in_order
from tailrace.frontend.signals import fraction
from tailrace.graph import Affine

from tailrace_deeploy.formulas import Levels, number, whole
from tailrace_deeploy.operations import IntegerRms, IntegerSoftmax

if TYPE_CHECKING:
    from onnx import NodeProto
    from tailrace.extend import Operation
    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal
    from tailrace.graph import Tensor

Integers = NDArray[np.int64]


def _integers(sheet: Sheet, node: NodeProto, signal: Signal) -> tuple[Signal, Integers] | None:
    """Return integers with step 1, and what is added to each element; None (and a problem) where they are none."""
    found = as_integers(sheet, node, signal)
    if found is None:
        return None
    offset = np.broadcast_to(found.offset.reshape(-1), (found.size,))
    if any(v != 1 for v in found.scale.reshape(-1)) or any(Fraction(v).denominator != 1 for v in offset):
        sheet.problem(
            node,
            f"its input {signal.name} is no tensor of integers",
            "integers, as QuantLib writes them",
            "give the input as integers: --input-type int8",
        )
        return None
    return found, np.array([int(v) for v in offset], np.int64)


def _beside(sheet: Sheet, name: str, signal: Signal) -> Integers:
    """Return the constant ``name`` for every element of a signal, in the order of its integers."""
    values = np.broadcast_to(whole(sheet.network.constants[name]), signal.shape).reshape(1, -1)
    return placed(values, signal.order)[0]


def _by_channel(values: Integers, tensor: Tensor) -> Integers | None:
    """Return (channels,) values where all positions have the same; None where they differ."""
    table = values.reshape(-1, tensor.channels)
    return table[0] if (table == table[:1]).all() else None


def _steps(factors: Integers, added: Integers, div: int, levels: Levels, tensor: Tensor) -> Steps:
    """Return clip((factor * x + added) / div, ...) for every channel, rounded down, over what the tensor reaches."""

    def function(x: Integers, channel: int) -> Integers:
        return np.clip((x * factors[channel] + added[channel]) // div, levels.low, levels.high)

    rows = []
    for channel in range(len(factors)):
        low, high = np.int64(tensor.low[channel]), np.int64(tensor.high[channel])
        factor = int(factors[channel])
        first, last = (int(function(np.array([end]), channel)[0]) for end in (low, high))
        ends = range(
            min(first, last) + 1, max(first, last) + 1
        )  # each but the lowest begins or ends somewhere
        breaks = [
            -((int(added[channel]) - end * div) // factor) if factor > 0  # the first that reaches it
            else (int(added[channel]) - end * div) // -factor + 1  # the first that is below it
            for end in ends
        ]  # fmt: skip
        places = np.unique(np.array(breaks, np.int64))
        rows.append((places, np.concatenate([[first], function(places, channel)])))
    return from_rows(rows)


def _write_map(sheet: Sheet, node: NodeProto, found: Signal, tensor: Tensor, steps: Steps) -> None:
    """Emit the map of a node, and let its output stand for integers."""
    out = node.output[0]
    made = sheet.emit_map(tensor, steps, out)
    shape = sheet.network.shapes[out]
    sheet.signals[out] = sheet.new_source(made, out, shape, fraction(1), fraction(0), order=found.order)


def write_requant(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Write a RequantShift as a map."""
    read = _integers(sheet, node, ins[0])
    if read is None:
        return
    found, offset = read
    tensor, div = found.source.tensor, number(node, "div")
    levels = Levels.of(number(node, "n_levels_out"), signed=bool(number(node, "signed")))
    mul, add = (_beside(sheet, name, found) for name in node.input[1:])
    add = add + mul * placed(offset[None], found.order)[0] + div // 2
    sides = [_by_channel(side, tensor) for side in (mul, add)]
    if sides[0] is None or sides[1] is None:
        tensor = sheet.reshaped(tensor, (tensor.size,))
        sides = [mul, add]
    _write_map(sheet, node, found, tensor, _steps(*sides, div, levels, tensor))


def write_nonorm(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Write an iNoNorm as a factor and a summand for every element, and one map for all."""
    read = _integers(sheet, node, ins[0])
    if read is None:
        return
    found, offset = read
    weight, bias = (_beside(sheet, name, found) for name in node.input[1:])
    bias = bias + weight * placed(offset[None], found.order)[0]
    tensor = sheet.reshaped(found.source.tensor, (found.size,))
    name, mul = sheet.new_name("affine"), number(node, "mul")
    affine = Affine(name=name, input=tensor.name, output=name, factors=weight * mul, bias=bias * mul)
    wide = sheet.emit(affine, tensor.shape, "")
    one = np.ones(1, np.int64)
    ends = type(wide)(
        name=wide.name, shape=(1,), low=wide.low.min(keepdims=True), high=wide.high.max(keepdims=True)
    )
    levels = Levels.of(number(node, "n_levels"), signed=True)
    _write_map(sheet, node, found, wide, _steps(one, 0 * one, number(node, "D"), levels, ends))


def _write_rows(
    sheet: Sheet, node: NodeProto, ins: list[Signal], make: type[Operation], **constants: object
) -> None:
    """Write an operation along the last axis."""
    read = _integers(sheet, node, ins[0])
    if read is None:
        return
    found, offset = read
    if offset.any():
        sheet.problem(node, "its input has an offset", "integers without one", "put a RequantShift in front")
        return
    shape = sheet.network.shapes[node.input[0]][1:]
    tensor, name, out = (
        in_order(sheet, found, None, shape),
        sheet.new_name(make.__name__.lower()),
        node.output[0],
    )
    made = sheet.emit(make(name=name, input=tensor.name, output=name, **constants), shape, out)
    sheet.signals[out] = sheet.new_source(made, out, sheet.network.shapes[out], fraction(1), fraction(0))


def write_rms(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Write an iRMSNorm."""
    weights = whole(sheet.network.constants[node.input[1]]).reshape(-1)
    levels = number(node, "n_levels")
    _write_rows(sheet, node, ins, IntegerRms, weights=weights, divisor=number(node, "D"), levels=levels)


def write_softmax(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Write an iSoftmax."""
    b, c, log2, levels = (number(node, name) for name in ("coeffB", "coeffC", "log2", "n_levels"))
    _write_rows(sheet, node, ins, IntegerSoftmax, b=b, c=c, log2=log2, levels=levels)
