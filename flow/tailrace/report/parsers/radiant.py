# SPDX-License-Identifier: Apache-2.0
"""Reports of Lattice Radiant (and Diamond): map (.mrp), area (.arearep), place and route (.par), timing (.twr)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import least, megahertz, nanoseconds, number, search, used_and_available

if TYPE_CHECKING:
    from tailrace.report.parsers.record import Number

MAP_LINES = {
    "lut": (r"Number of LUT4s",),
    "ff": (r"Number of slice registers", r"Number of registers", r"Number of PFU registers"),
    "dsp": (
        r"Number of DSPs",
        r"Number of DSP MULT18s",
        r"Number of MULT18s",
        r"Number of Used DSP MULT Sites",
    ),
    "carry": (r"Number of ripple logic",),
}
"""Figures by the lines of the design summary."""

AREA_CELLS = {
    "lut": r"LUT4",
    "ff": r"(?:FD|FL|IF|OF)\w*",
    "carry": r"CCU2\w*|FA2",
    "dsp": r"(?:MULT|MAC16)\w*|DSP\w*",
}
"""Figures by the cells of the area report."""


def read(source: Source) -> list[Record]:
    """Return the record of a report of Radiant."""
    start = source.text[:3000]
    if "Lattice Mapping Report File" in start:
        return [mapping(source)]
    if re.search(r"^Report for cell \S+", start, re.MULTILINE) and "Cell usage" in source.text:
        return [area(source)]
    if "Lattice PAR Report File" in start or re.search(r"^PAR: Place And Route Radiant", start, re.MULTILINE):
        return [place(source)]
    if re.search(r"^Lattice (?:TRACE |Timing )Report", start, re.MULTILINE):
        return [timing(source)]
    return []


def record(
    source: Source, kind: str, figures: Figures, available: Figures, children: tuple[Child, ...]
) -> Record:
    """Return the record with the origin that the heads of all these reports name."""
    device = search(r"^\s*Device:\s*(\S+)", source.text)
    package = search(r"^\s*Package:\s*(\S+)", source.text)
    return Record(
        tool="radiant" if "Diamond" not in source.text[:2000] else "diamond",
        version=search(r"(?:Radiant Software|Diamond)(?: \(64-bit\))? (?:Version )?([\d.]+\d)", source.text),
        kind=kind,
        part=f"{device}-{package}" if device and package else device,
        design=search(r"^\s*Design:\s*(\S+)", source.text),
        file=source.file,
        figures=figures,
        available=available,
        children=children,
    )


def mapping(source: Source) -> Record:
    """Return the record of the map report."""
    used: dict[str, Number | None] = {}
    total: dict[str, Number | None] = {}
    for key, names in MAP_LINES.items():
        for name in names:
            line = search(rf"^\s*{name}:\s*(.*)$", source.text)
            if line is not None and key not in used:
                used[key], total[key] = used_and_available(line)
    if "lut" not in used:
        raise source.broken("the map report has no line Number of LUT4s in its Design Summary")
    if not re.search(r"^\s*Number of Clocks?:", source.text, re.MULTILINE):
        raise source.broken("the map report ends before the clocks of its Design Summary")
    return record(source, "map", stated(used), stated(total), ())


def area(source: Source) -> Record:
    """Return the record of the area report: the top, and every instance below it."""
    parts = re.split(r"^Report for cell ", source.text, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        rows = re.findall(r"^\s+(\w+)\s+(\d+)\s+[\d.]+\s*$", part, re.MULTILINE)
        cells: dict[str, Number | None] = {}
        for name, count in rows:
            for key, pattern in AREA_CELLS.items():
                if re.fullmatch(pattern, name):
                    cells[key] = (cells.get(key) or 0) + int(count)
        name = part.split("\n", 1)[0].strip()
        if not re.search(r"^\s+TOTAL\s+\d+", part, re.MULTILINE):
            raise source.broken(f"the area report ends within the cell {name!r}, before its TOTAL")
        path = search(r"^Instance Path\s*:\s*(\S+)", part)
        found.append(
            Child(
                name=path or name,
                module=name.rpartition(".")[0] or name,
                level=path.count(".") + 1 if path else 0,
                figures=stated(cells),
            )
        )
    registers = search(r"^Register bits:\s*(.*)$", parts[0])
    used, available = used_and_available((registers or "").replace(" of ", " / "))
    figures = found[0].figures.stated()
    whole = stated({**figures, "ff": used if used is not None else figures.get("ff")})
    return Record(
        tool="radiant",
        kind="area",
        design=found[0].module,
        file=source.file,
        figures=whole,
        available=Figures(ff=available),
        children=tuple(found[1:]),
    )


def place(source: Source) -> Record:
    """Return the record of place and route: the slacks of the best placement (marked with a star)."""
    rows = re.findall(
        r"^\s*\d+_\d+\s+(\*?)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", source.text, re.MULTILINE
    )
    best = next((row for row in rows if row[0]), rows[0] if rows else None)
    if best is None:
        raise source.broken("the place and route report has no row for a placement")
    if not re.search(r"^par done!", source.text, re.MULTILINE):
        raise source.broken("the place and route report ends before the line par done!")
    return record(source, "par", Figures(wns_ns=number(best[2]), whs_ns=number(best[4])), Figures(), ())


def timing(source: Source) -> Record:
    """Return the record of the timing report: the worst slacks, and target and reached period of every clock."""
    setup, _, hold = source.text.partition("\n3  Hold at")
    slacks = {"wns_ns": worst(setup.rpartition("\n2  Setup at")[2]), "whs_ns": worst(hold)}
    clocks = []
    for part in re.split(r"^\s*From ", source.text, flags=re.MULTILINE)[1:]:
        rows = re.match(
            r"(\S+)\s*\|\s*Target\s*\|\s*([\d.]+ \w+)\s*\|.*\n.*Actual \(all paths\)\s*\|[^|]*\|\s*(\S+ \w+)",
            part,
        )
        if rows:
            figures = Figures(clock_target_ns=nanoseconds(rows[2]), fmax_mhz=megahertz(rows[3]))
            clocks.append(Child(name=rows[1], kind="clock", figures=figures))
    if slacks["wns_ns"] is None and not clocks:
        raise source.broken("the timing report lists neither slacks nor clocks")
    if "Table of Contents" in source.text and slacks["whs_ns"] is None and "Hold at" in source.text:
        raise source.broken("the timing report ends before the slacks of its section Hold")
    target = clocks[0].figures.clock_target_ns if len(clocks) == 1 else None
    fmax = least(clock.figures.fmax_mhz for clock in clocks)
    return record(
        source,
        "timing",
        stated({**slacks, "fmax_mhz": fmax, "clock_target_ns": target}),
        Figures(),
        tuple(clocks),
    )


def worst(section: str) -> Number | None:
    """Return the least slack of a section with end points or paths."""
    ends = re.findall(r"^\S.*\|\s*(-?[\d.]+) ns\s*$", section, re.MULTILINE)
    paths = re.findall(r"^Path Slack\s*:\s*(-?[\d.]+) ns", section, re.MULTILINE)
    return least(number(value) for value in (*ends, *paths))
