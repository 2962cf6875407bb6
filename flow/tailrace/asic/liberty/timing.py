# SPDX-License-Identifier: Apache-2.0
"""Static timing of a mapped block by the tables of its library: delay and depth of the longest paths.

The usual algorithm: loads from the pins' capacitances, slews and arrivals forward through the cells in order, each
edge by itself, the worst slew of all arcs at a net. Nets have the capacitance of the library's default wire load,
where it has one, and no resistance; the clock is ideal; there is one corner.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tailrace.asic.liberty.syntax import LibertyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.asic.liberty.library import Arc, Cell, Library, WireLoad
    from tailrace.asic.liberty.netlist import Instance, Net, Netlist

RISE, FALL = 0, 1
SENSES = {"positive_unate": ((RISE, RISE), (FALL, FALL)), "negative_unate": ((FALL, RISE), (RISE, FALL))}
BOTH = ((RISE, RISE), (RISE, FALL), (FALL, RISE), (FALL, FALL))
NEVER = -math.inf

Edges = tuple[float, float]
"""A figure for the rising and one for the falling edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One cell of a path: the instance, its cell, the output pin, and the time at which its output has changed."""

    instance: str
    cell: str
    pin: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTiming:
    """The longest paths of a block, in the time unit of the library.

    ``register_to_register`` includes the delay from the clock and the setup time: what a clock period must be at the
    least for what is between the block's own flip-flops. ``input_to_register``, ``register_to_output`` and
    ``input_to_output`` are what the block adds to paths over its edges; None where there is none. ``depth`` is the
    most cells in a row between flip-flops or edges, flip-flops not counted. ``path`` is the path of the largest.
    """

    register_to_register: float | None
    input_to_register: float | None
    register_to_output: float | None
    input_to_output: float | None
    depth: int
    path: tuple[Step, ...]
    slews: Mapping[Net, Edges] = field(repr=False)
    loads: Mapping[Net, Edges] = field(repr=False)

    @property
    def longest(self) -> float:
        """The longest of the four."""
        figures = (
            self.register_to_register,
            self.input_to_register,
            self.register_to_output,
            self.input_to_output,
        )
        return max((figure for figure in figures if figure is not None), default=0.0)


@dataclass(slots=True)
class _Node:
    """What is known of a net: arrivals from registers and from inputs, slews, depth, and where they come from."""

    from_registers: list[float] = field(default_factory=lambda: [NEVER, NEVER])
    from_inputs: list[float] = field(default_factory=lambda: [NEVER, NEVER])
    slew: list[float] = field(default_factory=lambda: [0.0, 0.0])
    depth: int = 0
    back: dict[tuple[str, int], tuple[Instance, str, Net, int] | None] = field(default_factory=dict)


SOURCES = ("from_registers", "from_inputs")


def block_timing(netlist: Netlist, library: Library, clock: str = "clk") -> BlockTiming:
    """Return the longest paths of a flat netlist; the ports but the clock change at time 0 with a slew of 0.

    Raises LibertyError for a cell that is not in the library, and for a loop of combinational cells.
    """
    cells = {i.cell: _cell(library, i.cell) for i in netlist.instances}
    loads, drivers, readers = _joined(netlist, cells, library.wire_load)
    clocks = set(netlist.inputs.get(clock, ()))
    nodes: dict[Net, _Node] = {}
    for net in (n for name, nets in netlist.inputs.items() if name != clock for n in nets):
        nodes[net] = _Node(from_inputs=[0.0, 0.0])
    for net in (n for macro in netlist.macros for n in macro.drives):
        nodes[net] = _Node(from_registers=[0.0, 0.0])
    order = _order(netlist, cells, drivers)
    for instance in order:
        _propagate(instance, cells[instance.cell], nodes, loads)
    ends = _ends(netlist, cells, nodes, clocks)
    best = {}
    for (source, target), found in ends.items():
        best[source, target] = max(found, key=lambda end: end[0], default=None)
    worst = max((end for end in best.values() if end), key=lambda end: end[0], default=None)
    return BlockTiming(
        register_to_register=_figure(best["from_registers", "register"]),
        input_to_register=_figure(best["from_inputs", "register"]),
        register_to_output=_figure(best["from_registers", "output"]),
        input_to_output=_figure(best["from_inputs", "output"]),
        depth=max((node.depth for net, node in nodes.items() if net in readers), default=0),
        path=_path(worst, nodes) if worst else (),
        slews={net: (node.slew[RISE], node.slew[FALL]) for net, node in nodes.items()},
        loads=loads,
    )


End = tuple[float, "Net", int, str]
"""A path's end: the time with the setup, the net, its edge, and where the path begins."""


def _figure(end: End | None) -> float | None:
    return end[0] if end else None


def _cell(library: Library, name: str) -> Cell:
    try:
        return library.cells[name]
    except KeyError:
        raise LibertyError(
            f"the library has no cell {name}", hint="give the file that has it: liberty:A,B"
        ) from None


def _joined(
    netlist: Netlist, cells: Mapping[str, Cell], load: WireLoad | None
) -> tuple[dict[Net, Edges], dict[Net, Instance], set[Net]]:
    """Return the load of every net, the instance that drives it, and the nets that end at a register or an output."""
    loads: dict[Net, list[float]] = defaultdict(lambda: [0.0, 0.0])
    fanout: Counter[Net] = Counter(net for nets in netlist.outputs.values() for net in nets)
    drivers: dict[Net, Instance] = {}
    ends: set[Net] = {net for nets in netlist.outputs.values() for net in nets}
    ends |= {net for macro in netlist.macros for net in macro.reads}
    for instance in netlist.instances:
        cell = cells[instance.cell]
        for name, net in instance.nets.items():
            pin = cell.pins[name]
            for edge in (RISE, FALL):
                loads[net][edge] += pin.capacitance[edge]
            if pin.direction == "output":
                drivers[net] = instance
                continue
            fanout[net] += 1
            if cell.state:
                ends.add(net)
    if load:
        for net, pins in fanout.items():
            for edge in (RISE, FALL):
                loads[net][edge] += load.capacitance(pins)
    return {net: (rise, fall) for net, (rise, fall) in loads.items()}, drivers, ends


def _order(
    netlist: Netlist, cells: Mapping[str, Cell], drivers: Mapping[Net, Instance]
) -> Iterable[Instance]:
    """Return the instances so that each comes after those that drive it; flip-flops begin, whatever drives them."""
    by_name = {instance.name: instance for instance in netlist.instances}
    before: dict[str, set[str]] = {}
    for instance in netlist.instances:
        wanted = before.setdefault(instance.name, set())
        cell = cells[instance.cell]
        if cell.state is None:
            for name, net in instance.nets.items():
                driver = drivers.get(net)
                if cell.pins[name].direction != "output" and driver is not None:
                    wanted.add(driver.name)
    try:
        return [by_name[name] for name in TopologicalSorter(before).static_order()]
    except CycleError as error:
        loop = ", ".join(error.args[1][:6])
        raise LibertyError(f"{netlist.name} has a loop without a register: {loop}") from None


def _propagate(instance: Instance, cell: Cell, nodes: dict[Net, _Node], loads: Mapping[Net, Edges]) -> None:
    """Bring arrivals and slews from the inputs of an instance to its outputs."""
    for pin in cell.outputs:
        net = instance.nets.get(pin.name)
        if net is None:
            continue
        node = nodes.setdefault(net, _Node())
        load = loads.get(net, (0.0, 0.0))
        for arc in pin.arcs:
            source = instance.nets.get(arc.related)
            if source is None or isinstance(source, str):
                continue
            if arc.kind in ("rising_edge", "falling_edge"):
                _launch(node, arc, load)
            elif (
                arc.kind in ("combinational", "combinational_rise", "combinational_fall") and source in nodes
            ):
                _pass(node, nodes[source], arc, load, (instance, pin.name, source))


def _launch(node: _Node, arc: Arc, load: Edges) -> None:
    """A register changes at the edge of the clock, which has a slew of 0."""
    for edge in (RISE, FALL):
        delay, slew = arc.delay[edge], arc.slew[edge]
        if delay is None:
            continue
        at = delay.at(0.0, load[edge])
        if at > node.from_registers[edge]:
            node.from_registers[edge] = at
            node.back["from_registers", edge] = None
        if slew is not None:
            node.slew[edge] = max(node.slew[edge], slew.at(0.0, load[edge]))


def _pass(node: _Node, source: _Node, arc: Arc, load: Edges, via: tuple[Instance, str, Net]) -> None:
    """Take what arrives at an input through an arc to the output."""
    for start, edge in SENSES.get(arc.sense, BOTH):
        delay, slew = arc.delay[edge], arc.slew[edge]
        arrivals = [getattr(source, name)[start] for name in SOURCES]
        if delay is None or max(arrivals) == NEVER:
            continue
        took = delay.at(source.slew[start], load[edge])
        for name, arrival in zip(SOURCES, arrivals, strict=True):
            if arrival + took > getattr(node, name)[edge]:
                getattr(node, name)[edge] = arrival + took
                node.back[name, edge] = (*via, start)
        if slew is not None:
            node.slew[edge] = max(node.slew[edge], slew.at(source.slew[start], load[edge]))
        node.depth = max(node.depth, source.depth + 1)


def _ends(
    netlist: Netlist, cells: Mapping[str, Cell], nodes: Mapping[Net, _Node], clocks: set[Net]
) -> dict[tuple[str, str], list[End]]:
    """Return the ends of all paths, with setup times, by where they begin and what they end at."""
    ends: dict[tuple[str, str], list[End]] = {(s, t): [] for s in SOURCES for t in ("register", "output")}

    def add(target: str, net: Net, setup: Edges) -> None:
        node = nodes.get(net)
        if node is None:
            return
        for source in SOURCES:
            for edge in (RISE, FALL):
                arrival = getattr(node, source)[edge]
                if arrival > NEVER:
                    ends[source, target].append((arrival + setup[edge], net, edge, source))

    for nets in netlist.outputs.values():
        for net in nets:
            add("output", net, (0.0, 0.0))
    for read in (n for macro in netlist.macros for n in macro.reads):
        add("register", read, (0.0, 0.0))
    for instance in netlist.instances:
        cell = cells[instance.cell]
        if cell.state is None:
            continue
        for pin in cell.inputs:
            data = instance.nets.get(pin.name)
            if data is None or data in clocks or pin.clock:
                continue
            for arc in pin.arcs:
                if arc.kind in ("setup_rising", "setup_falling") and data in nodes:
                    add("register", data, _setup(arc, nodes[data]))
    return ends


def _setup(arc: Arc, node: _Node) -> Edges:
    """Return the setup time of a pin for its rising and its falling edge, with a clock slew of 0."""
    rise, fall = (
        table.at(node.slew[edge], 0.0) if table is not None else 0.0
        for edge, table in ((RISE, arc.delay[RISE]), (FALL, arc.delay[FALL]))
    )
    return rise, fall


def _path(end: End, nodes: Mapping[Net, _Node]) -> tuple[Step, ...]:
    """Return the cells along the path to ``end``, from its beginning."""
    _, net, edge, source = end
    steps = []
    while True:
        node = nodes[net]
        back = node.back.get((source, edge))
        if back is None:
            break
        instance, pin, before, start = back
        steps.append(
            Step(instance=instance.name, cell=instance.cell, pin=pin, at=getattr(node, source)[edge])
        )
        net, edge = before, start
    return tuple(reversed(steps))
