# SPDX-License-Identifier: Apache-2.0
"""Functional Verilog models of the cells of a library, from their ``function``, ``ff`` and ``latch`` groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.asic.liberty.syntax import LibertyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.asic.liberty.library import Cell, Library, State

HEAD = """\
// SPDX-License-Identifier: Apache-2.0
//
// Functional models, without times, of the cells that a netlist uses; made from the Liberty library
// {names}.
`default_nettype none
"""


def cell_models_verilog(library: Library, names: Iterable[str]) -> str:
    """Return a module for each of the cells ``names``, for the simulation of a netlist.

    Raises LibertyError for a cell that the library lacks, or that cannot be modelled.
    """
    modules = [_module(library, name) for name in sorted(set(names))]
    head = HEAD.format(names=", ".join(library.names))
    return "\n".join([head, *modules, "`default_nettype wire", ""])


def _module(library: Library, name: str) -> str:
    cell = library.cells.get(name)
    if cell is None:
        raise LibertyError(
            f"the library has no cell {name}", hint="give the file that has it as well: liberty:A,B"
        )
    if cell.black_box:
        raise LibertyError(
            f"the cell {name} has a state that only its own model knows", hint="set dont_use on it"
        )
    pins = [*cell.inputs, *cell.outputs]
    ports = [f"    {'input ' if pin.direction == 'input' else 'output'} wire {pin.name}" for pin in pins]
    lines = [f"module {name} (", ",\n".join(ports), ");"]
    rename: dict[str, str] = {}
    if cell.state:
        lines += _state(cell, cell.state)
        rename = {cell.state.inverse: f"{cell.state.variable}_n"} if cell.state.inverse else {}
    for pin in cell.outputs:
        if pin.function is None or pin.three_state:
            reason = "an output without a function" if pin.function is None else "a three-state output"
            raise LibertyError(f"the cell {name} has {reason}: {pin.name}", hint="set dont_use on it")
        lines.append(f"    assign {pin.name} = {pin.function.verilog(rename)};")
    return "\n".join([*lines, "endmodule", ""])


def _state(cell: Cell, state: State) -> list[str]:
    """Return the register of a flip-flop or a latch; the second variable is the inverse of the first."""
    if state.clock is None or state.data is None:
        raise LibertyError(
            f"the cell {cell.name} has a {state.kind} without clock or data", hint="set dont_use on it"
        )
    name = state.variable
    nets, chain = [], []
    for label, function, value in (("clear", state.clear, "1'b0"), ("preset", state.preset, "1'b1")):
        if function:
            nets.append((f"{label}_{name}", function.verilog()))
            chain.append((f"{label}_{name}", value))
    if len(chain) == 2:
        chain.insert(
            0, (" && ".join(condition for condition, _ in chain), "1'b1" if state.both == "H" else "1'b0")
        )
    declared = [f"    wire {label} = {text};" for label, text in nets]
    declared.append(f"    reg {name};")
    if any(pin.function and state.inverse in pin.function.names for pin in cell.outputs):
        declared.append(f"    wire {name}_n = ~{name};")
    assign = "=" if state.kind == "latch" else "<="
    forced = "".join(
        f"if ({condition}) {name} {assign} {value};\n        else " for condition, value in chain
    )
    data = f"{name} {assign} {state.data.verilog()};"
    if state.kind == "latch":
        return [*declared, "    always @*", f"        {forced}if ({state.clock.verilog()}) {data}"]
    edges = "".join(f" or posedge {label}" for label, _ in nets)
    return [
        *declared,
        f"    wire clock_{name} = {state.clock.verilog()};",
        f"    always @(posedge clock_{name}{edges})",
        f"        {forced}{data}",
    ]
