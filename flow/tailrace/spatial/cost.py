# SPDX-License-Identifier: Apache-2.0
"""The LUTs of a circuit: adders to the bit, tails by their gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.types import IntType
from tailrace.spatial.circuit import Input, Levels, Lookup, Requantize, Sum, is_constant

if TYPE_CHECKING:
    from tailrace.spatial.circuit import Circuit, Node
    from tailrace.targets.family import Family


def luts(circuit: Circuit, family: Family) -> int:
    """Return the LUTs of all nodes; within some percent of what synthesis gives."""
    return sum(node_luts(circuit, number, family) for number in range(len(circuit.nodes)))


def node_luts(circuit: Circuit, number: int, family: Family) -> int:
    """Return the LUTs of one node."""
    node = circuit.nodes[number]
    inputs = family.lut_inputs
    if is_constant(node):
        return 0
    bits = circuit.type_of(number).bits
    match node:
        case Input():
            return 0
        case Sum():
            return bits - adder_start(circuit, number)
        case Requantize():
            above = max(0, circuit.type_of(node.source).bits - node.shift - bits)
            gates = gate_luts(above, inputs) + (gate_luts(node.shift, inputs) if node.ties_even else 0)
            return gates + (-(-bits // 2) if inputs > 4 else bits)
        case Levels():
            compared = [t for t in node.thresholds if t]
            return len(compared) * -(-circuit.type_of(node.source).bits // 2) + bits * (
                len(node.thresholds) > 1
            )
        case Lookup():
            width = sum(circuit.type_of(source).bits for source in node.sources)
            return bits * max(1, 1 << max(0, width - inputs))


def gate_luts(width: int, inputs: int) -> int:
    """Return the LUTs of an OR of ``width`` bits."""
    return -(-(width - 1) // (inputs - 1)) if width > 1 else 0


def adder_start(circuit: Circuit, number: int) -> int:
    """Return the lowest bit of a Sum that needs an adder: two operands meet there, or one is subtracted."""
    node = circuit.nodes[number]
    if not isinstance(node, Sum):
        raise TypeError(f"node {number} is no sum")
    operands = [(t.shift, circuit.type_of(t.node), t.negative) for t in node.terms] + constant_operand(node)
    start = circuit.type_of(number).bits
    for place, (shift, kind, negative) in enumerate(operands):
        if negative:
            start = min(start, shift)
        for other in operands[place + 1 :]:
            first, second = sorted(((shift, kind, negative), other), key=lambda o: o[0])
            if first[2] or first[1].signed or first[0] + first[1].bits > second[0]:
                start = min(start, second[0])
    return start


def constant_operand(node: Node) -> list[tuple[int, IntType, bool]]:
    """Return (shift, type, negative) of the constant of a Sum, as an operand; nothing where it is 0."""
    if not isinstance(node, Sum) or not node.constant:
        return []
    zeros = (node.constant & -node.constant).bit_length() - 1
    value = node.constant >> zeros
    return [(zeros, IntType.containing(min(value, 0), max(value, 0)), False)]
