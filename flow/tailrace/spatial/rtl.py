# SPDX-License-Identifier: Apache-2.0
"""A circuit of the spatial engine to Verilog: one combinational module a rank, and a top with the registers.

The top has the ports of every block: ``clk, rst, s_axis_tdata/tvalid/tready, m_axis_tdata/tvalid/tready``. Lanes are
as wide as :func:`lane_types` says, lane 0 lowest. It takes and gives a word a cycle, ``circuit.rank_count`` cycles
apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.core.data import data, templates
from tailrace.spatial.circuit import Circuit, Input, is_constant
from tailrace.spatial.nodes import Text, declaration, node_lines
from tailrace.targets.family import PORTABLE

if TYPE_CHECKING:
    from tailrace.core.types import IntType

LIBRARY = ("tr_sum2", "tr_sum3", "tr_clip")
"""The modules that a rank instantiates: one version for every part, and one made of a vendor's cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The lines of one product in a rank."""

    product: str
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankView:
    """What the template of the top needs of a rank."""

    module: str
    in_bits: int
    out_bits: int


def lane_types(circuit: Circuit) -> tuple[IntType, IntType]:
    """Return the types of the lanes of the input and of the output stream."""
    return circuit.word_type(tuple(range(circuit.lanes))), circuit.word_type(circuit.outputs)


def emit_spatial(
    circuit: Circuit,
    name: str,
    *,
    primitives: str,
    in_type: IntType | None = None,
    out_type: IntType | None = None,
) -> dict[str, str]:
    """Return {file name: text}: the library modules, ``<name>_stage<k>.v`` and the top ``<name>.v``.

    ``in_type``, ``out_type`` are the types of the lanes where the streams are wider than :func:`lane_types`.
    ``primitives`` is the folder below ``ip/`` of the library modules: a family's, or ``"portable"`` (to simulate
    without a vendor's cells).
    """
    narrowest = lane_types(circuit)
    types = (in_type or narrowest[0], out_type or narrowest[1])
    return {**library(primitives), **emit_circuit(circuit, name, types)}


def emit_circuit(circuit: Circuit, name: str, types: tuple[IntType, IntType]) -> dict[str, str]:
    """Return {file name: text} of the ranks and, last, of the top; ``types`` are those of the lanes in and out."""
    narrowest = lane_types(circuit)
    if any(
        kind.min > least.min or kind.max < least.max for kind, least in zip(types, narrowest, strict=True)
    ):
        raise ValueError(
            f"lanes of {types[0]} and {types[1]} are too narrow for {narrowest[0]}, {narrowest[1]}"
        )
    files = {}
    crossing = _crossing(circuit)
    views = []
    for rank in range(circuit.rank_count):
        module = f"{name}_stage{rank}"
        files[f"{module}.v"] = _rank(circuit, name, rank, crossing[rank], crossing[rank + 1])
        bits = [max(1, sum(circuit.type_of(n).bits for n in crossing[rank + place])) for place in (0, 1)]
        views.append(RankView(module=module, in_bits=bits[0], out_bits=bits[1]))
    files[f"{name}.v"] = _top(circuit, name, views, crossing, types)
    return files


def library(primitives: str) -> dict[str, str]:
    """Return {file name: text} of the modules in the folder ``primitives`` below ``ip/``."""
    folder = data("ip") / primitives
    names = LIBRARY if primitives == PORTABLE else (*LIBRARY, "tr_carry")  # a vendor's are made of its carry
    return {f"{name}.v": folder.joinpath(f"{name}.v").read_text(encoding="utf-8") for name in names}


def design_library(primitives: str) -> dict[str, str]:
    """Return {file name: text} of these modules for a design: a vendor's cells are for synthesis alone.

    Synthesis defines SYNTHESIS, as the vendors' tools and yosys do; all others take the portable modules.
    """
    portable = library(PORTABLE)
    if primitives == PORTABLE:
        return portable
    return {
        name: f"`ifdef SYNTHESIS\n{text}`else\n{portable[name]}`endif\n"
        if name in portable
        else f"`ifdef SYNTHESIS\n{text}`endif\n"
        for name, text in library(primitives).items()
    }


def _crossing(circuit: Circuit) -> list[list[int]]:
    """Return the nodes in front of each rank, and behind the last one; constants need no register."""
    last = circuit.last_use()
    needed = [n for n, node in enumerate(circuit.nodes) if not is_constant(node) and last[n] >= 0]
    first = [n for n in needed if isinstance(circuit.nodes[n], Input)]
    return [
        first,
        *([n for n in needed if circuit.ranks[n] <= rank < last[n]] for rank in range(circuit.rank_count)),
    ]


def _rank(circuit: Circuit, design: str, rank: int, arriving: list[int], leaving: list[int]) -> str:
    bits = [max(1, sum(circuit.type_of(n).bits for n in nodes)) for nodes in (arriving, leaving)]
    inputs = [f"{declaration(circuit, n)} = d[{at}];" for n, at in _places(circuit, arriving)]
    known = set(arriving)
    sections: list[Section] = []
    for number, node in enumerate(circuit.nodes):
        if circuit.ranks[number] != rank or isinstance(node, Input) or is_constant(node):
            continue
        constants = [s for s in node.sources if is_constant(circuit.nodes[s]) and s not in known]
        if not sections or sections[-1].product != circuit.products[number]:
            sections.append(Section(product=circuit.products[number]))
        for source in dict.fromkeys(constants):
            sections[-1].lines.append(f"{declaration(circuit, source)} = {Text(circuit).literal(source)};")
        known |= {number, *constants}
        sections[-1].lines.extend(node_lines(circuit, number))
    outputs = [f"assign q[{at}] = n{n};" for n, at in _places(circuit, leaving)] or ["assign q = 1'b0;"]
    template = templates("rtl").get_template("spatial_rank.v.j2")
    return template.render(
        module=f"{design}_stage{rank}",
        design=design,
        number=rank,
        count=circuit.rank_count,
        in_bits=bits[0],
        out_bits=bits[1],
        inputs=inputs,
        sections=sections,
        outputs=outputs,
    )


def _places(circuit: Circuit, nodes: list[int]) -> list[tuple[int, str]]:
    """Return (node, "high:low") of nodes packed one above the other."""
    found = []
    at = 0
    for node in nodes:
        bits = circuit.type_of(node).bits
        found.append((node, f"{at + bits - 1}:{at}"))
        at += bits
    return found


def _top(
    circuit: Circuit,
    name: str,
    views: list[RankView],
    crossing: list[list[int]],
    types: tuple[IntType, IntType],
) -> str:
    in_type, out_type = types
    lanes = [f"s_axis_tdata[{n * in_type.bits} +: {circuit.type_of(n).bits}]" for n in reversed(crossing[0])]
    last = f"stage{len(views) - 1}_q"
    place = dict(_places(circuit, crossing[-1]))
    tails = []
    for lane, node in enumerate(circuit.outputs):
        kind = circuit.type_of(node)
        target = f"m_axis_tdata[{lane * out_type.bits} +: {out_type.bits}]"
        if node not in place:
            tails.append(
                f"assign {target} = {out_type.bits}'d{circuit.nodes[node].low & ((1 << out_type.bits) - 1)};"
            )
            continue
        value = f"{last}[{place[node]}]"
        extra = out_type.bits - kind.bits
        if extra:
            top = f"{last}[{place[node].split(':')[0]}]" if kind.signed else "1'b0"
            value = f"{{{{{extra}{{{top}}}}}, {value}}}"
        tails.append(f"assign {target} = {value};")
    ranks = len(views)
    return (
        templates("rtl")
        .get_template("spatial.v.j2")
        .render(
            module=name,
            lanes=circuit.lanes,
            outputs=len(circuit.outputs),
            in_type=in_type,
            out_type=out_type,
            in_bits=circuit.lanes * in_type.bits,
            out_bits=len(circuit.outputs) * out_type.bits,
            ranks=views,
            shifted_valid="s_axis_tvalid" if ranks == 1 else f"{{valid_q[{ranks - 2}:0], s_axis_tvalid}}",
            first="{" + ", ".join(lanes) + "}" if lanes else "1'b0",
            tails=tails,
            unused=["s_axis_tdata", *([] if crossing[-1] else [last])],
        )
    )
