# SPDX-License-Identifier: Apache-2.0
"""The Verilog of one node of a spatial circuit: explicit shifts, adders over just the bits that need one, and tails."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.core.types import IntType
from tailrace.spatial.circuit import Circuit, Input, Levels, Lookup, Requantize, Sum
from tailrace.spatial.cost import adder_start, constant_operand


@dataclass(frozen=True, slots=True)
class Text:
    """Names and literals of the nodes of a circuit."""

    circuit: Circuit

    def literal(self, number: int) -> str:
        """Return a constant node's value."""
        kind = self.circuit.type_of(number)
        return f"{kind.bits}'d{self.circuit.nodes[number].low & ((1 << kind.bits) - 1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """``value << shift``, subtracted where ``negative``; a constant where ``node`` is -1."""

    node: int
    shift: int
    negative: bool
    kind: IntType
    constant: int = 0

    @property
    def end(self) -> int:
        """The first bit above an unsigned operand."""
        return self.shift + self.kind.bits

    def slice(self, low: int, high: int) -> str:
        """Return the bits ``low`` to ``high`` of the shifted and extended operand."""
        if self.node < 0:
            width = high - low + 1
            return f"{width}'d{((self.constant << self.shift) >> low) & ((1 << width) - 1)}"
        parts = []
        below = min(high + 1, self.shift) - low
        above = high + 1 - max(low, self.end)
        if above > 0:
            fill = f"n{self.node}[{self.kind.bits - 1}]" if self.kind.signed else "1'b0"
            parts.append(f"{{{above}{{{fill}}}}}")
        first, final = max(low, self.shift) - self.shift, min(high + 1, self.end) - 1 - self.shift
        if first <= final:
            whole = first == 0 and final == self.kind.bits - 1
            parts.append(f"n{self.node}" if whole else f"n{self.node}[{final}:{first}]")
        if below > 0:
            parts.append(f"{below}'d0")
        return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def declaration(circuit: Circuit, number: int) -> str:
    """Return ``wire [..] nK`` without its value."""
    return f"wire [{circuit.type_of(number).bits - 1}:0] n{number}"


def node_lines(circuit: Circuit, number: int) -> list[str]:
    """Return the lines that declare and compute a node."""
    node = circuit.nodes[number]
    head = f"{declaration(circuit, number)};  // {node.low} to {node.high}"
    match node:
        case Sum():
            return [head, *_sum(circuit, number, node)]
        case Requantize():
            return [head, *_requantize(circuit, number, node)]
        case Levels():
            return [head, *_levels(circuit, number, node)]
        case Lookup():
            return [
                f"{declaration(circuit, number).replace('wire', 'reg', 1)};",
                *_lookup(circuit, number, node),
            ]
        case Input():
            return []


def _operands(circuit: Circuit, node: Sum) -> list[Operand]:
    operands = [
        Operand(node=term.node, shift=term.shift, negative=term.negative, kind=circuit.type_of(term.node))
        for term in node.terms
    ]
    for shift, kind, _ in constant_operand(node):
        value = node.constant >> shift
        operands.append(Operand(node=-1, shift=shift, negative=False, kind=kind, constant=value))
    return operands


def _sum(circuit: Circuit, number: int, node: Sum) -> list[str]:
    bits = circuit.type_of(number).bits
    operands = _operands(circuit, node)
    start = adder_start(circuit, number)
    lines = [f"// n{number} = {_formula(operands)}"]
    if start:
        lines.append(f"assign n{number}[{start - 1}:0] = {_wired(operands, start)};")
    if start == bits:
        return lines
    chosen = [o for o in operands if o.kind.signed or o.negative or o.end > start]
    if len(chosen) == 2 and not all(o.negative for o in chosen):
        module, ports = "tr_sum2", "ab"
    elif len(chosen) == 1:
        if not chosen[0].negative:
            return [*lines, f"assign n{number}[{bits - 1}:{start}] = {chosen[0].slice(start, bits - 1)};"]
        module, ports = "tr_sum2", "ab"
    else:
        module, ports = "tr_sum3", "abc"
    width = bits - start
    values = [o.slice(start, bits - 1) for o in chosen]
    values += [f"{width}'d0"] * (len(ports) - len(values))
    negate = "".join(
        "1" if place < len(chosen) and chosen[place].negative else "0" for place in range(len(ports))
    )
    connected = ", ".join(f".{port}({value})" for port, value in zip(ports, values, strict=True))
    parameters = f".WIDTH({width}), .NEGATE({len(ports)}'b{negate[::-1]})"
    target = f"n{number}[{bits - 1}:{start}]" if start else f"n{number}"
    lines.append(f"{module} #({parameters}) add_n{number} ({connected}, .y({target}));")
    return lines


def _formula(operands: list[Operand]) -> str:
    text = ""
    for operand in operands:
        if operand.node < 0:
            value = operand.constant << operand.shift
            text += f" {'-' if value < 0 else '+'} {abs(value)}"
        else:
            name = f"(n{operand.node} << {operand.shift})" if operand.shift else f"n{operand.node}"
            text += f" {'-' if operand.negative else '+'} {name}"
    return text.removeprefix(" + ").strip()


def _wired(operands: list[Operand], end: int) -> str:
    """Return the bits 0 to ``end - 1`` of a sum, in each of which at most one operand has a bit."""
    parts: list[str] = []
    at = 0
    while at < end:
        here = [o for o in operands if o.shift <= at and (o.kind.signed or o.end > at)]
        stops = [o.shift for o in operands] + [o.end for o in operands if not o.kind.signed]
        until = min([stop for stop in stops if stop > at] + [end])
        parts.append(here[0].slice(at, until - 1) if here else f"{until - at}'d0")
        at = until
    return parts[0] if len(parts) == 1 else "{" + ", ".join(reversed(parts)) + "}"


def _requantize(circuit: Circuit, number: int, node: Requantize) -> list[str]:
    source, kind = circuit.nodes[node.source], circuit.type_of(node.source)
    result = circuit.type_of(number)
    x = f"n{node.source}"
    tie = f"~|{x}[{node.shift - 1}:0]" if node.ties_even and node.shift else "1'b0"
    least, most = source.low >> node.shift, source.high >> node.shift
    quotient = Operand(node=node.source, shift=0, negative=False, kind=kind)
    if node.low == 0 and node.high == result.max:
        return [_clip(number, x, quotient, node.shift, kind, result, tie, least, most)]
    bits = max(IntType.containing(min(least, 0, node.low), max(most, node.high)).bits, result.bits) + 1
    lines = [f"wire signed [{bits - 1}:0] n{number}_quotient = {{{_shifted(quotient, node.shift, bits)}}};"]
    even = f"n{number}_quotient"
    if tie != "1'b0":
        even = f"n{number}_even"
        lines.append(
            f"wire signed [{bits - 1}:0] {even} = "
            f"{{n{number}_quotient[{bits - 1}:1], n{number}_quotient[0] & ~({tie})}};"
        )
    value = f"{even}[{result.bits - 1}:0]"
    mask = (1 << result.bits) - 1
    if most > node.high:
        value = f"({even} > {_signed(node.high, bits)}) ? {result.bits}'d{node.high & mask} : {value}"
    if least < node.low:
        value = f"({even} < {_signed(node.low, bits)}) ? {result.bits}'d{node.low & mask} : {value}"
    lines.append(f"assign n{number} = {value};")
    return lines


def _shifted(operand: Operand, shift: int, bits: int) -> str:
    return operand.slice(shift, shift + bits - 1)


def _signed(value: int, bits: int) -> str:
    return f"{'-' if value < 0 else ''}{bits}'sd{abs(value)}"


def _clip(  # noqa: PLR0917 - the parts of one instance
    number: int,
    x: str,
    quotient: Operand,
    shift: int,
    kind: IntType,
    result: IntType,
    tie: str,
    least: int,
    most: int,
) -> str:
    top = kind.bits - 1 if kind.signed else kind.bits
    over = shift + result.bits
    above = f"|{x}[{top - 1}:{over}]" if most > result.max and over < top else "1'b0"
    below = f"{x}[{kind.bits - 1}]" if least < 0 else "1'b0"
    value = _shifted(quotient, shift, result.bits)
    if above == below == tie == "1'b0":
        return f"assign n{number} = {value};"
    ports = f".q({value}), .tie({tie}), .above({above}), .below({below}), .y(n{number})"
    return f"tr_clip #(.WIDTH({result.bits})) clip_n{number} ({ports});"


def _levels(circuit: Circuit, number: int, node: Levels) -> list[str]:
    kind, result = circuit.type_of(node.source), circuit.type_of(number)
    bits = result.bits
    mask = (1 << bits) - 1
    wide = kind.bits + 1
    x = Operand(node=node.source, shift=0, negative=False, kind=kind).slice(0, wide - 1)
    lines = []
    total = f"{bits}'d{node.base & mask}"
    source = circuit.nodes[node.source]
    if node.thresholds == (0,) and kind.signed:
        met = [f"~n{node.source}[{kind.bits - 1}]"]
    else:
        lines.append(f"wire signed [{wide - 1}:0] n{number}_x = {x};")
        inside = [t for t in node.thresholds if t <= source.high]
        met = [f"(n{number}_x >= {_signed(t, wide)})" for t in inside]
    sign = "-" if node.falling else "+"
    for text in met:
        total += f" {sign} " + (text if bits == 1 else f"{{{bits - 1}'d0, {text}}}")
    lines.append(f"assign n{number} = {total};")
    return lines


def _lookup(circuit: Circuit, number: int, node: Lookup) -> list[str]:
    bits = circuit.type_of(number).bits
    address = ", ".join(f"n{source}" for source in reversed(node.sources))
    width = sum(circuit.type_of(source).bits for source in node.sources)
    lines = [f"always @* case ({{{address}}})"]
    for place, value in enumerate(node.values):
        if value is not None:
            lines.append(f"    {width}'d{place}: n{number} = {bits}'d{value & ((1 << bits) - 1)};")
    lines += [f"    default: n{number} = {bits}'bx;", "endcase"]
    return lines
