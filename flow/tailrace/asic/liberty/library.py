# SPDX-License-Identifier: Apache-2.0
"""A standard-cell library as typed records, in the units of the library: what mapping, timing and power ask for."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.asic.liberty.functions import Function, parse_function
from tailrace.asic.liberty.syntax import Group, LibertyError, parse
from tailrace.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}
LOADS = ("total_output_net_capacitance", "equal_or_opposite_output_net_capacitance")
"""The table variables that mean the load; all others are slews."""


@dataclass(frozen=True, slots=True)
class Table:
    """Values over (slew, load), either of which may be missing; linear in between and beyond."""

    slews: tuple[float, ...]
    loads: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, slew: float, load: float) -> float:
        """Return the value at a slew and a load."""
        i, u = _place(self.slews, slew)
        j, v = _place(self.loads, load)
        row = self.values[i]
        low = row[j] + (row[j + 1] - row[j]) * v if v else row[j]
        if not u:
            return low
        row = self.values[i + 1]
        high = row[j] + (row[j + 1] - row[j]) * v if v else row[j]
        return low + (high - low) * u


def _place(axis: tuple[float, ...], x: float) -> tuple[int, float]:
    """Return the interval in ``axis`` in which, or nearest to which, ``x`` is, and how far along."""
    if len(axis) < 2:
        return 0, 0.0
    i = min(max(bisect_right(axis, x) - 1, 0), len(axis) - 2)
    return i, (x - axis[i]) / (axis[i + 1] - axis[i])


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """How a pin follows ``related``: ``kind`` and ``sense`` are Liberty's ``timing_type`` and ``timing_sense``.

    ``delay`` and ``slew`` have a table for the rising and one for the falling edge of the pin; for a constraint
    (setup and hold) ``delay`` has the constraint, over the slew of the clock (``loads``) and of the data (``slews``).
    """

    related: str
    kind: str
    sense: str
    delay: tuple[Table | None, Table | None]
    slew: tuple[Table | None, Table | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """The energy that a transition of a pin takes inside its cell, rising and falling; ``related`` may be empty."""

    related: str
    rise: Table | None
    fall: Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pin of a cell; ``direction`` is ``input``, ``output``, ``inout`` or ``internal``.

    ``capacitance`` is that for the rising and that for the falling edge.
    """

    name: str
    direction: str
    capacitance: tuple[float, float]
    function: Function | None
    three_state: bool
    clock: bool
    arcs: tuple[Arc, ...]
    energies: tuple[Energy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An ``ff`` or ``latch`` group: its two variables and the functions that drive them."""

    kind: str
    variable: str
    inverse: str
    clock: Function | None
    data: Function | None
    clear: Function | None
    preset: Function | None
    both: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell; ``area`` in the library's unit (µm² by convention), ``leakage_w`` in watts."""

    name: str
    area: float
    leakage_w: float
    pins: Mapping[str, Pin]
    state: State | None
    usable: bool
    black_box: bool

    @property
    def inputs(self) -> tuple[Pin, ...]:
        """The input pins, in order."""
        return tuple(pin for pin in self.pins.values() if pin.direction == "input")

    @property
    def outputs(self) -> tuple[Pin, ...]:
        """The output pins, in order."""
        return tuple(pin for pin in self.pins.values() if pin.direction == "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLoad:
    """What a library guesses of wires: their capacitance by the number of pins that a net has behind its driver."""

    name: str
    per_length: float
    lengths: tuple[tuple[float, float], ...]
    slope: float

    def capacitance(self, fanout: int) -> float:
        """Return the capacitance of the wire of a net; linear between the given fan-outs."""
        if not self.lengths or fanout < 1:
            return 0.0
        (low, at), (last, length) = (0.0, 0.0), self.lengths[-1]
        if fanout >= last:
            return self.per_length * (length + self.slope * (fanout - last))
        for pins, end in self.lengths:
            if fanout <= pins:
                if low == 0.0:
                    return self.per_length * end
                return self.per_length * (at + (end - at) * (fanout - low) / (pins - low))
            low, at = pins, end
        raise ValueError("the fan-outs of a wire load are sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All cells of one or several Liberty files.

    ``names`` are those of the ``library`` groups; ``time_s``, ``capacitance_f`` and ``voltage_v`` are the units, and
    ``supply_v`` is the nominal supply. ``wire_load`` is the
    library's own default, None where it has none. ``sha256`` is of the files' contents.
    """

    names: tuple[str, ...]
    cells: Mapping[str, Cell]
    time_s: float
    capacitance_f: float
    supply_v: float
    corner: str
    max_fanout: int | None
    wire_load: WireLoad | None
    sha256: str

    @property
    def energy_j(self) -> float:
        """The unit of the energies of the tables: capacitance times voltage squared (V is 1 in all libraries)."""
        return self.capacitance_f

    def nand2(self) -> Cell | None:
        """Return the smallest NAND of two inputs, the area of which is one gate equivalent; None without one."""
        found = [cell for cell in self.cells.values() if cell.usable and _is_nand2(cell)]
        return min(found, key=lambda cell: (cell.area, cell.name), default=None)

    def smallest(self, value: str) -> tuple[str, str] | None:
        """Return (cell, pin) of the smallest cell without inputs whose output is the constant ``value`` (0, 1)."""
        found = [
            (cell.area, cell.name, cell.outputs[0].name)
            for cell in self.cells.values()
            if not cell.inputs and len(cell.outputs) == 1 and _constant(cell.outputs[0]) == value
        ]
        return min(found)[1:] if found else None

    def buffers(self) -> tuple[Cell, ...]:
        """Return the plain buffers, smallest first."""
        found = [
            cell
            for cell in self.cells.values()
            if cell.usable
            and cell.state is None
            and len(cell.inputs) == len(cell.outputs) == 1
            and not cell.outputs[0].three_state
            and cell.outputs[0].function is not None
            and cell.outputs[0].function.table((cell.inputs[0].name,)) == (0, 1)
        ]
        return tuple(sorted(found, key=lambda cell: (cell.area, cell.name)))

    def driver(self) -> Cell | None:
        """Return the buffer of middle strength, which stands for what drives a block; cells made to delay are none."""
        buffers = self.buffers()
        fastest = min(map(_delay, buffers), default=0.0)
        quick = [cell for cell in buffers if _delay(cell) <= 2 * fastest]
        return quick[len(quick) // 2] if quick else None


def _delay(buffer: Cell) -> float:
    """Return the delay of a buffer at a small load, the slower edge."""
    load = 4 * max(buffer.inputs[0].capacitance)
    delays = [table.at(0.0, load) for arc in buffer.outputs[0].arcs for table in arc.delay if table]
    return max(delays, default=0.0)


def _is_nand2(cell: Cell) -> bool:
    if cell.state or len(cell.inputs) != 2 or len(cell.outputs) != 1:
        return False
    function = cell.outputs[0].function
    return function is not None and function.table(tuple(p.name for p in cell.inputs)) == (1, 1, 1, 0)


def _constant(pin: Pin) -> str | None:
    if pin.function is None or pin.function.names:
        return None
    return str(pin.function.value({}))


def liberty_text(path: Path) -> str:
    """Return the text of a Liberty file, unpacked where its name ends in ``.gz``; UsageError where it cannot be."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", errors="replace")
    except FileNotFoundError:
        raise UsageError(
            "there is no such file", where=str(path), hint="give the .lib of a PDK: --part liberty:FILE"
        ) from None
    except (OSError, EOFError) as error:  # gzip.BadGzipFile is an OSError
        raise UsageError(
            f"cannot be read: {error}", where=str(path), hint="give a .lib, or a .lib.gz as gzip packs it"
        ) from None


@functools.cache
def read_library(paths: tuple[Path, ...]) -> Library:
    """Read Liberty files as one library; a cell of a later file replaces one of the same name.

    Raises UsageError for a file that is not there, LibertyError for one that is no Liberty or has no cells, or where
    the files have not the same units.
    """
    digest = hashlib.sha256()
    libraries = []
    for path in paths:
        text = liberty_text(path)
        digest.update(text.encode())
        libraries.append(_library(parse(text, str(path)), str(path)))
    first = libraries[0]
    for path, other in zip(paths[1:], libraries[1:], strict=True):
        if (other.time_s, other.capacitance_f) != (first.time_s, first.capacitance_f):
            raise LibertyError(
                "the library has other units than the first one",
                where=str(path),
                hint="take files of one PDK and corner",
            )
    cells: dict[str, Cell] = {}
    for library in libraries:
        cells.update(library.cells)
    return Library(
        names=tuple(name for library in libraries for name in library.names),
        cells=cells,
        time_s=first.time_s,
        capacitance_f=first.capacitance_f,
        supply_v=first.supply_v,
        corner=first.corner,
        max_fanout=first.max_fanout,
        wire_load=first.wire_load,
        sha256=digest.hexdigest(),
    )


def _library(group: Group, where: str) -> Library:
    templates = {t.name: t for t in group.all("lu_table_template", "power_lut_template")}
    leakage_w = _unit(group.values.get("leakage_power_unit", "1nW"), "W")
    cells = {cell.name: _cell(cell, group, templates, leakage_w) for cell in group.all("cell")}
    if not cells:
        raise LibertyError("the library has no cells", where=where, hint="give the .lib file of a PDK")
    amount, unit = group.lists.get("capacitive_load_unit", ("1", "pf"))[:2]
    voltage = group.number("nom_voltage", 1.0)
    fanout = group.number("default_max_fanout")
    corner = group.values.get("default_operating_conditions") or group.name
    return Library(
        names=(group.name,),
        cells=cells,
        time_s=_unit(group.values.get("time_unit", "1ns"), "s"),
        capacitance_f=float(amount) * _unit(f"1{unit}", "f"),
        supply_v=voltage,
        corner=corner,
        max_fanout=int(fanout) if fanout >= 2 else None,
        wire_load=_wire_load(group),
        sha256="",
    )


def _wire_load(group: Group) -> WireLoad | None:
    """Return the wire load that the library takes where nobody asks for another; None where it has none."""
    name = group.values.get("default_wire_load")
    found = next((load for load in group.all("wire_load") if load.name == name), None)
    if found is None:
        return None
    pairs = [(float(pins), float(length)) for pins, length, *_ in found.repeated.get("fanout_length", ())]
    return WireLoad(
        name=found.name,
        per_length=found.number("capacitance"),
        lengths=tuple(sorted(pairs)),
        slope=found.number("slope"),
    )


def _unit(text: str, unit: str) -> float:
    """Return a unit such as ``1ns`` or ``10ps`` in ``unit``s."""
    found = re.fullmatch(rf"\s*([\d.eE+-]+)\s*([munpfa]?){unit}\s*", text, re.IGNORECASE)
    if found is None:
        raise LibertyError(
            f"the unit {text!r} is not known", hint=f"wanted a number and a unit of {unit}, such as 1n{unit}"
        )
    return float(found[1]) * PREFIXES[found[2].lower()]


def _cell(group: Group, library: Group, templates: Mapping[str, Group], leakage_w: float) -> Cell:
    pins = {}
    for pin in _pins(group):
        made = _pin(pin, library, templates)
        pins[made.name] = made
    state = group.first("ff", "latch")
    black_box = group.first("ff_bank", "latch_bank", "statetable", "memory") is not None
    return Cell(
        name=group.name,
        area=group.number("area"),
        leakage_w=_leakage(group, library) * leakage_w,
        pins=pins,
        state=_state(state) if state else None,
        usable=group.values.get("dont_use", "false").lower() not in ("true", "1"),
        black_box=black_box,
    )


def _pins(group: Group) -> Iterable[Group]:
    for pin in group.all("pin"):
        for name in pin.names or ("",):
            yield dataclasses.replace(pin, names=(name,))
    for bus in group.all("bus", "bundle"):
        yield from bus.all("pin")


def _leakage(group: Group, library: Group) -> float:
    """Return the leakage of a cell: its own figure, the mean over its states, or the library's default."""
    if "cell_leakage_power" in group.values:
        return group.number("cell_leakage_power")
    states = [item.number("value") for item in group.all("leakage_power")]
    return sum(states) / len(states) if states else library.number("default_cell_leakage_power")


def _state(group: Group) -> State:
    names = (*group.names, "", "")

    def function(*keys: str) -> Function | None:
        text = next((group.values[key] for key in keys if group.values.get(key)), None)
        return parse_function(text) if text else None

    return State(
        kind=group.kind,
        variable=names[0],
        inverse=names[1],
        clock=function("clocked_on", "enable"),
        data=function("next_state", "data_in"),
        clear=function("clear"),
        preset=function("preset"),
        both=group.values.get("clear_preset_var1", "L"),
    )


def _pin(group: Group, library: Group, templates: Mapping[str, Group]) -> Pin:
    direction = group.values.get("direction", "input")
    text = group.values.get("function", "")
    return Pin(
        name=group.name,
        direction=direction,
        capacitance=_capacitance(group, library, direction),
        function=parse_function(text) if text else None,
        three_state=bool(group.values.get("three_state")),
        clock=group.values.get("clock", "false").lower() == "true",
        arcs=tuple(
            Arc(
                related=related,
                kind=timing.values.get("timing_type", "combinational"),
                sense=timing.values.get("timing_sense", "non_unate"),
                delay=_pair(
                    timing, templates, ("cell_rise", "rise_constraint"), ("cell_fall", "fall_constraint")
                ),
                slew=_pair(timing, templates, ("rise_transition",), ("fall_transition",)),
            )
            for timing in group.all("timing")
            for related in timing.values.get("related_pin", "").split()
        ),
        energies=tuple(
            Energy(
                related=power.values.get("related_pin", ""),
                rise=_table(power.first("rise_power", "power"), templates),
                fall=_table(power.first("fall_power", "power"), templates),
            )
            for power in group.all("internal_power")
        ),
    )


def _capacitance(group: Group, library: Group, direction: str) -> tuple[float, float]:
    """Return the capacitance of a pin for both edges: each its own where it is given."""
    plain = group.number("capacitance", library.number(f"default_{direction}_pin_cap"))
    if direction == "output":
        return plain, plain
    return group.number("rise_capacitance", plain), group.number("fall_capacitance", plain)


def _pair(
    group: Group, templates: Mapping[str, Group], rise: Sequence[str], fall: Sequence[str]
) -> tuple[Table | None, Table | None]:
    return _table(group.first(*rise), templates), _table(group.first(*fall), templates)


def _table(group: Group | None, templates: Mapping[str, Group]) -> Table | None:
    """Return a table with the slew first; None where there is none, or one over something else."""
    if group is None or "values" not in group.lists:
        return None
    rows = [_numbers(row) for row in group.lists["values"]]
    template = templates.get(group.name)
    if template is None:  # a single number
        return Table((), (), ((rows[0][0],),))
    axes = [
        _numbers(group.lists.get(f"index_{i}", template.lists.get(f"index_{i}", ("",)))[0]) for i in (1, 2)
    ]
    variables = [template.values.get(f"variable_{i}", "") for i in (1, 2)]
    if "variable_3" in template.values:
        return None
    if not variables[1]:  # one axis
        flat = tuple(value for row in rows for value in row)
        if _second(variables[0]):
            return Table((), tuple(axes[0]), (flat,))
        return Table(tuple(axes[0]), (), tuple((value,) for value in flat))
    if len(rows) == 1:  # all values in one string
        width = len(axes[1])
        rows = [rows[0][i : i + width] for i in range(0, len(rows[0]), width)]
    values = tuple(tuple(row) for row in rows)
    if _second(variables[0]):
        return Table(tuple(axes[1]), tuple(axes[0]), tuple(zip(*values, strict=True)))
    return Table(tuple(axes[0]), tuple(axes[1]), values)


def _second(variable: str) -> bool:
    """Whether a variable is on our second axis: the load, or the slew of the clock in a constraint."""
    return variable in LOADS or variable == "related_pin_transition"


def _numbers(text: str) -> list[float]:
    return [float(item) for item in re.split(r"[\s,\\]+", text) if item]
