# SPDX-License-Identifier: Apache-2.0
"""Quantizers that an exporter wrote out: numbers that are rounded and clipped are quantized, by whatever operations.

DeepQuant and others write ``Div, Add, Round, Clip`` where QONNX has one Quant. What such a chain ends with holds whole
numbers between two constants. There a Quant of scale 1 is put behind it: it changes no value and makes the chain a
quantizer like any other. The file's own nodes stay what the network's software runs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.types import IntType
from tailrace.frontend.rewriting import Values, Written

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.rewriting import Ledger

MOST_BITS = 24
"""Integers of so many bits are exact in float32; what is wider is no quantizer."""

ROUNDINGS = {"Round": np.rint, "Floor": np.floor, "Ceil": np.ceil}


def followed(ledger: Ledger, node: NodeProto) -> list[NodeProto]:
    """Return the nodes that stand for one: itself, with a Quant behind where it is the end of a quantizer."""
    if node.domain or len(node.output) != 1 or not node.input:
        return [node]
    before = ledger.values.get(node.input[0], Values())
    found = _after(ledger, node, before)
    if found is None:
        return [node]
    ledger.values[node.output[0]] = found
    if before.quantized or not found.quantized:
        return [node]
    low, high = int(found.low), int(found.high)
    if low > high or IntType.containing(low, high).bits > MOST_BITS:
        return [node]
    return _with_quant(ledger, node, low, high)


def _after(ledger: Ledger, node: NodeProto, before: Values) -> Values | None:
    """Return what is known of the output of a node; None where it is nothing, or the node does something else."""
    if node.op_type in ROUNDINGS:
        rounded = ROUNDINGS[node.op_type]
        low, high = (float(rounded(bound)) for bound in (before.low, before.high))
        return Values(whole=True, low=low, high=high)
    if node.op_type == "Identity":
        return before
    bounds = _bounds(ledger, node)
    if bounds is None:
        return None
    low, high = (min(max(bound, bounds[0]), bounds[1]) for bound in (before.low, before.high))
    whole = before.whole and all(math.isinf(b) or b == int(b) for b in bounds)
    return Values(whole=whole, low=low, high=high)


def _bounds(ledger: Ledger, node: NodeProto) -> tuple[float, float] | None:
    """Return the bounds that a node puts on its first operand; None where it does something else, or they vary."""
    low, high = -math.inf, math.inf
    match node.op_type:
        case "Relu":
            return 0.0, high
        case "Clip":
            given = [*node.input[1:], "", ""][:2]
            if len(node.input) == 1:
                attributes = {a.name: float(a.f) for a in node.attribute}
                return attributes.get("min", low), attributes.get("max", high)
            names = (given[0], given[1])
        case "Max" if len(node.input) == 2:
            names = (node.input[1], "")
        case "Min" if len(node.input) == 2:
            names = ("", node.input[1])
        case _:
            return None
    found = []
    for name, unbounded in zip(names, (low, high), strict=True):
        value = ledger.constants.get(name) if name else np.array(unbounded)
        if value is None or value.size != 1 or np.isnan(value).any():
            return None
        found.append(float(value.reshape(())))
    return found[0], found[1]


def _with_quant(ledger: Ledger, node: NodeProto, low: int, high: int) -> list[NodeProto]:
    """Return a node with a Quant of scale 1 behind it that holds ``low`` to ``high``."""
    written = Written(ledger, node)
    first = type(node)()
    first.CopyFrom(node)
    first.output[0] = made = f"{written.out}/whole"
    first.name = f"{node.name}/first"  # that of the whole node is /whole
    ledger.labels.setdefault(first.name, node.op_type)
    written.held(made, low, high, 1.0, "")
    ledger.wholes.append(node)
    return [first, *written.nodes]
