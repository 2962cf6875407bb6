# SPDX-License-Identifier: Apache-2.0
"""A circuit of the spatial engine to HLS C++: one function a product, one line a value; the tool cuts it into ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.spatial.circuit import Input, Levels, Lookup, Requantize, Sum

if TYPE_CHECKING:
    from tailrace.spatial.circuit import Circuit

NATIVE_BITS = 31
"""Wider sums are computed as long long."""


def emit_compute(circuit: Circuit, name: str, *, signed: bool) -> str:
    """Return the definition of ``<name>::compute``, from a word of inputs ``x`` to a word of outputs ``y``.

    ``signed``: the lanes of the input are of a signed type.
    """
    last = circuit.last_use()
    lines = [
        "TR_AS_WRITTEN",
        f"void {name}::compute(const ap_uint<COLS * IN_BITS> &x, ap_uint<ROWS * OUT_BITS> &y) {{",
        "#pragma HLS INLINE",
    ]
    if not any(last[number] >= 0 for number in range(circuit.lanes)):
        lines.append("    (void)x;")
    product = ""
    for number, node in enumerate(circuit.nodes):
        if last[number] < 0:
            continue
        if circuit.products[number] != product:
            product = circuit.products[number]
            lines += ["", f"    // --- {product} ---"]
        value = _value(circuit, number, signed=signed)
        if isinstance(node, Lookup):
            lines.append(f"    {_table(circuit, number, node)}")
        lines.append(f"    const {_type(circuit, number)} n{number} = {value};  // {node.low} to {node.high}")
    lines += [
        "",
        *(f"    tr_set<OUT_BITS>(y, {lane}, n{number});" for lane, number in enumerate(circuit.outputs)),
    ]
    return "\n".join([*lines, "}", ""])


def _type(circuit: Circuit, number: int) -> str:
    kind = circuit.type_of(number)
    return f"tr_value<{kind.bits}, {int(kind.signed)}>::type"


def _value(circuit: Circuit, number: int, *, signed: bool) -> str:
    node = circuit.nodes[number]
    match node:
        case Input():
            return f"tr_get<IN_BITS, {int(signed)}>(x, {node.lane})"
        case Sum():
            return _sum(circuit, number, node)
        case Requantize():
            kind = circuit.type_of(node.source)
            most = kind.bits - int(
                kind.signed
            )  # what a longer shift leaves is the sign, and 0 is the only tie
            shift, even = (node.shift, int(node.ties_even)) if node.shift <= most else (most, 0)
            call = f"tr_requantize<{_type(circuit, number)}, {shift}, {even}>"
            return f"{call}(n{node.source}, {node.low}, {node.high})"
        case Levels():
            high = circuit.nodes[node.source].high
            sign = "-" if node.falling else "+"
            met = [f" {sign} (n{node.source} >= {_literal(t)})" for t in node.thresholds if t <= high]
            return f"{node.base}{''.join(met)}"
        case Lookup():
            return f"n{number}_values[{_address(circuit, node)}]"


def _sum(circuit: Circuit, number: int, node: Sum) -> str:
    widths = [circuit.type_of(term.node).bits + term.shift for term in node.terms]
    wide = max([*widths, circuit.type_of(number).bits]) + 2 > NATIVE_BITS
    text = ""
    for term in node.terms:
        factor = f" * {1 << term.shift}{'LL' if wide else ''}" if term.shift or wide else ""
        text += f" {'-' if term.negative else '+'} n{term.node}{factor}"
    if node.constant or not node.terms:
        text += f" {'-' if node.constant < 0 else '+'} {_literal(abs(node.constant))}"
    return text.removeprefix(" + ").strip()


def _literal(value: int) -> str:
    return f"{value}LL" if abs(value).bit_length() > NATIVE_BITS - 1 else f"{value}"


def _table(circuit: Circuit, number: int, node: Lookup) -> str:
    kind = circuit.type_of(number)
    values = ", ".join(str(node.low if value is None else value) for value in node.values)
    declared = f"static const tr_constant<{kind.bits}, {int(kind.signed)}>::type n{number}_values"
    return f"{declared}[{len(node.values)}] = {{{values}}};"


def _address(circuit: Circuit, node: Lookup) -> str:
    parts = []
    at = 0
    for source in node.sources:
        bits = circuit.type_of(source).bits
        parts.append(f"(n{source} & {(1 << bits) - 1})" + (f" * {1 << at}" if at else ""))
        at += bits
    return " + ".join(parts)
