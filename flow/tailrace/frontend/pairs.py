# SPDX-License-Identifier: Apache-2.0
"""Ask the software itself what it makes of every pair of integers that a sum can get.

Two quantized tensors are added in floats, and the sum is quantized again. The integer graph adds without rounding, so a
quantizer that is probed on exact sums can differ from the software where this rounds a sum across a step: for 8 bits,
at a few of the 65,536 pairs. They are so few that the software's own operations can be run on all of them; what they
give is a function of the exact sum almost always, and then that function is the tail.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.steps import Steps, from_rows
from tailrace.frontend.encodings import Encoding, to_integers
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.operations import ELEMENTWISE, LAYOUT, POSITION_DEPENDENT
from tailrace.frontend.parameters import dequantization
from tailrace.frontend.signals import floats
from tailrace.graph import Add

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

    from tailrace.frontend.network import Network
    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal

Array = NDArray[Any]
Integers = NDArray[np.int64]

PAIRS_AT_MOST = 1 << 17
"""Pairs of integers on which the software is run."""

RUN = (ELEMENTWISE - POSITION_DEPENDENT) | {
    "QuantizeLinear",
    "DequantizeLinear",
    "QLinearAdd",
    "Quant",
    "BipolarQuant",
}
"""Operations that can be run on numbers without a shape."""

log = logging.getLogger(__name__)


def settled(sheet: Sheet, node: NodeProto, signal: Signal, steps: Steps, encoding: Encoding) -> Steps:
    """Return ``steps``, the tail of quantizer ``node`` behind ``signal``, as the software computes it on all pairs.

    It is returned as it is where the signal's source is no sum of two quantized tensors with one scale each, or where
    the software's result is no function of their exact sum.
    """
    if steps.rows != 1 or encoding.scale.size > 1:
        return steps
    terms = _terms(sheet, signal)
    if terms is None:
        return steps
    add, signals = terms
    pairs = _pairs(signals)
    if pairs is None:
        return steps
    try:
        result = _run(sheet.network, signals, pairs, node.output[0])
    except Exception:  # noqa: BLE001 - whatever the software raises: these operations want the tensor's own shape
        return steps
    if result is None:
        return steps
    wanted = to_integers(result[None], encoding).reshape(-1)
    total = add.a_factor * pairs[0] + add.b_factor * pairs[1]
    different = steps(total[:, None]).reshape(-1) != wanted
    if not different.any():
        return steps
    exact = _function(total, wanted, steps)
    if exact is None:
        log.debug(
            "%s: the software's rounding of %d pairs is no function of their sum", node.name, different.sum()
        )
        return steps
    log.debug("%s: the software rounds %d of %d pairs otherwise", node.name, different.sum(), len(total))
    return exact


def _terms(sheet: Sheet, signal: Signal) -> tuple[Add, tuple[Signal, Signal]] | None:
    """Return the sum that is a signal's source, and its two operands: quantized tensors of one scale each."""
    tensor, maker = signal.source.tensor, sheet.network.makers.get(signal.source.name)
    if tensor is None or maker is None or maker.op_type not in ("Add", "Sub", "Sum"):
        return None
    add = next((n for n in reversed(sheet.nodes) if n.output == tensor.name), None)
    operands = [sheet.signals.get(name) for name in maker.input]
    if not isinstance(add, Add) or len(operands) != 2:
        return None
    for operand, name in zip(operands, (add.a, add.b), strict=True):
        if operand is None or operand.source.tensor is None or operand.scale is None:
            return None
        own, used = operand.source.tensor, sheet.tensors[name]
        if operand.source.scale.size > 1 or operand.source.offset.size > 1:
            return None
        if (own.low.min(), own.high.max()) != (used.low.min(), used.high.max()):
            return None
    a, b = operands
    return (add, (a, b)) if a is not None and b is not None and a.source is not b.source else None


def _pairs(signals: tuple[Signal, Signal]) -> tuple[Integers, Integers] | None:
    """Return all pairs of the integers of two sources, as two arrays; None where there are too many."""
    ranges = []
    for signal in signals:
        tensor = signal.source.tensor
        if tensor is None:
            return None
        ranges.append(range(int(tensor.low.min()), int(tensor.high.max()) + 1))
    if len(ranges[0]) * len(ranges[1]) > PAIRS_AT_MOST:
        return None
    first, second = np.meshgrid(*(np.arange(r.start, r.stop, dtype=np.int64) for r in ranges))
    return first.ravel(), second.ravel()


def _run(
    network: Network, signals: tuple[Signal, Signal], pairs: tuple[Integers, Integers], end: str
) -> Array | None:
    """Return tensor ``end`` for all pairs as the software's nodes compute it; None where they want a shape."""
    makers = {name: node for node in network.software_nodes for name in node.output if name}
    known: dict[str, Array] = {}
    for signal, integers in zip(signals, pairs, strict=True):
        source = signal.source
        values = (integers * floats(source.scale) + floats(source.offset)).astype(network.dtypes[source.name])
        known[source.name] = values
        maker = makers.get(source.name)
        if (
            maker is not None
            and maker.op_type == "DequantizeLinear"
            and maker.input[0] not in network.constants
        ):
            scale, zero = dequantization(maker, network.constants, 1)
            if scale.size == 1 and zero.size == 1:
                quantized = np.rint(values.astype(np.float64) / scale.astype(np.float64)) + zero
                known[maker.input[0]] = quantized.astype(network.dtypes[maker.input[0]])
    nodes = _between(makers, known, network, end)
    if nodes is None:
        return None
    for node in nodes:
        if node.op_type in LAYOUT and node.op_type != "Cast":
            known[node.output[0]] = known[node.input[0]]
            continue
        operands = {n: known[n] if n in known else network.constants[n].reshape(()) for n in node.input if n}
        known |= run_node(node, operands, network.opset, network.versions)
    return known[end]


def _between(
    makers: Mapping[str, NodeProto], known: Mapping[str, Array], network: Network, end: str
) -> list[NodeProto] | None:
    """Return the nodes that lead from ``known`` tensors to ``end``, in their order; None where some need a shape."""
    needed: dict[str, NodeProto] = {}
    waiting = [end]
    while waiting:
        name = waiting.pop()
        if name in known or not name:
            continue
        if name in network.constants:
            if network.constants[name].size != 1:
                return None
            continue
        node = makers.get(name)
        if node is None or node.op_type not in RUN | LAYOUT:
            return None
        if node.name not in needed:
            needed[node.name] = node
            waiting.extend(node.input[:1] if node.op_type in LAYOUT else node.input)
    return [node for node in network.software_nodes if node.name in needed]


def _function(total: Integers, wanted: Integers, near: Steps) -> Steps | None:
    """Return the function of a sum that gives ``wanted``, its breaks those of ``near`` where these are right as well.

    None where equal sums want different values.
    """
    order = np.argsort(total, kind="stable")
    sums, values = total[order], wanted[order]
    first = np.concatenate([[True], np.diff(sums) != 0])
    if (values != values[first][np.cumsum(first) - 1]).any():
        return None
    sums, values = sums[first], values[first]
    changes = np.flatnonzero(np.diff(values)) + 1
    known = near.breaks.reshape(-1)
    breaks = []
    for place in changes:
        after = int(np.searchsorted(known, sums[place - 1], side="right"))
        own = after < len(known) and known[after] <= sums[place]
        breaks.append(int(known[after]) if own else int(sums[place]))
    return from_rows([(np.array(breaks, np.int64), np.concatenate([values[:1], values[changes]]))])
