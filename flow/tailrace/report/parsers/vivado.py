# SPDX-License-Identifier: Apache-2.0
"""Reports of Vivado (7 series to Versal): utilization, timing, power, clocks, routing; as text and as XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tailrace.report.parsers import text
from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import Table, cell, label, least, number, search

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tailrace.report.parsers.record import Number

HEAD = re.compile(r"^\|\s*([A-Z][A-Za-z ]+?)\s*:\s?(.*?)\s*$", re.MULTILINE)
START = re.compile(r"^(?=Copyright 1986-\d{4} Xilinx)", re.MULTILINE)
TOOL = re.compile(r"^\|\s*Tool Version\s*:\s*Vivado v\.?([\w.]+)", re.MULTILINE)

SITES = {
    "lut": r"(?:clb|slice) luts|luts",
    "ff": r"(?:clb|slice) registers|registers",
    "dsp": r"dsps|dsp slices|dsp blocks",
    "bram36": r"block ram tiles?",
    "bram18": r"ramb18",
    "uram": r"urams?|uram288",
    "carry": r"carry\d*|lookahead8",
}
"""Figures by the rows that state them, in every table with the columns Site Type and Used."""

INSTANCE_COLUMNS = {
    "lut": ("total luts",),
    "ff": ("ffs",),
    "dsp": (r"dsp blocks|dsp slices|dsps?", r"dsp48\w*( blocks)?"),
    "bram36": (r"block ram tiles?", r"ramb36(/fifo)?"),
    "bram18": ("ramb18",),
    "uram": (r"urams?",),
}
"""Figures by the columns of the table of instances."""

ON_CHIP = {"ff": r"register|clb register", "carry": r"carry\d+|lookahead8", "dsp": "dsps?|dsp slices",
           "bram36": "block ram", "uram": "urams?"}  # fmt: skip
"""Figures by the rows of the components of the power report; LUTs have no row of their own there."""


def read(source: Source) -> list[Record]:
    """Return the records of all Vivado reports in ``source``; none if there is none."""
    if re.search(r"^Design Route Status\s*$", source.text, re.MULTILINE):
        if "routing errors" not in source.text:
            raise source.broken("the route status ends before its line of nets with routing errors")
        return [Record(tool="vivado", kind="route_status", file=source.file)]
    pieces = [piece for piece in START.split(source.text) if TOOL.search(piece)]
    return [record for piece in pieces for record in report(Source(file=source.file, text=piece))]


def report(source: Source) -> list[Record]:
    """Return the record of one report with Vivado's header."""
    head: dict[str, str] = {}
    for name, value in HEAD.findall(source.text[:6000]):
        head.setdefault(name.strip(), value)
    command = head.get("Command", "").split(" ")[0]
    readers = {
        "report_utilization": (r"^Utilization Design Information", "utilization", utilization),
        "report_timing_summary": (r"^Timing Summary Report", "timing", timing_summary),
        "report_timing": (r"^Timing Report", "timing", timing_paths),
        "report_power": (r"^Power Report", "power", power),
        "report_clock_utilization": (r"^Clock Utilization Report", "clock_utilization", clocks),
    }
    for name, (title, kind, reader) in readers.items():
        if name == command or re.search(title, source.text, re.MULTILINE):
            text.require_whole(source, f"{kind} report of Vivado")
            figures, available, children = reader(source)
            version = TOOL.search(source.text)
            return [
                Record(
                    tool="vivado",
                    version=version[1] if version else None,
                    kind=kind,
                    part=head.get("Device") or None,
                    design=head.get("Design") or None,
                    file=source.file,
                    figures=figures,
                    available=available,
                    children=children,
                )
            ]
    if not command:
        raise source.broken("the report of Vivado ends in its header")
    return []


Read = tuple[Figures, Figures, tuple[Child, ...]]


# --- utilization --------------------------------------------------------------------------------------------------


def utilization(source: Source) -> Read:
    """Return the cells in all, those of the part, and the instances, of ``report_utilization``."""
    tables = text.tables(source.text)
    if any(label(row[0]) == "site type" for table in tables if not table.columns for row in table.rows):
        raise source.broken("the utilization report ends behind the header of a table of site types")
    found = utilization_tables(tables)
    if not found[0].stated():
        raise source.broken("the utilization report has neither a table of site types nor one of instances")
    return found


def utilization_tables(found: list[Table]) -> Read:
    """Return what the tables of a utilization report state."""
    used: dict[str, Number | None] = {}
    total: dict[str, Number | None] = {}
    for table in found:
        if not table.has("site type", "used"):
            continue
        at, of = table.column("used"), table.column("available")
        for name, row in table.labels().items():
            for key, pattern in SITES.items():
                if re.fullmatch(pattern, name) and key not in used:
                    used[key], total[key] = number(cell(row, at)), number(cell(row, of))
    for table in found:
        if table.has("ref name", "used") and "carry" not in used:
            for name, row in table.labels().items():
                if re.fullmatch(SITES["carry"], name):
                    used["carry"] = number(cell(row, table.column("used")))
    children: tuple[Child, ...] = ()
    for table in found:
        if table.has("instance", "module", "total luts") and not children:
            top, *children_of = instances(table)
            used = {**used, **{key: value for key, value in top.figures.stated().items() if key not in used}}
            children = tuple(children_of)
    return stated(used), stated(total), children


def instances(table: Table) -> list[Child]:
    """Return the rows of the table of instances, the top first."""
    name, module = table.column("instance"), table.column("module")
    at = {key: table.column(*patterns) for key, patterns in INSTANCE_COLUMNS.items()}
    found = []
    for row in table.rows:
        title = cell(row, name) or ""
        found.append(
            Child(
                name=title.strip(),
                module=(cell(row, module) or "").strip() or None,
                level=max(0, len(title) - len(title.lstrip()) - 1) // 2,
                figures=stated({key: number(cell(row, index)) for key, index in at.items()}),
            )
        )
    return found or [Child(name="")]


def read_xml(source: Source, root: Element) -> list[Record]:
    """Return the record of a utilization report in XML (``report_utilization -format xml``)."""
    if root.tag != "RptDoc":
        return []
    found = []
    for section in root.iter("section"):
        for element in section.iter("table"):
            head = [item.get("contents", "") for item in element.iter("tableheader")]
            rows = [
                tuple(" " + item.get("contents", "") for item in row.iter("tablecell"))
                for row in element.iter("tablerow")
            ]
            found.append(
                Table(
                    title=section.get("title", ""),
                    columns=tuple(label(name) for name in head),
                    rows=tuple(filter(None, rows)),
                )
            )
    figures, available, children = utilization_tables(found)
    if not figures.stated():
        raise source.broken("the XML report of Vivado has no table of utilization")
    return [
        Record(
            tool="vivado",
            kind="utilization",
            part=root.get("partname"),
            design=root.get("designname"),
            file=source.file,
            figures=figures,
            available=available,
            children=children,
        )
    ]


# --- timing -------------------------------------------------------------------------------------------------------


def timing_summary(source: Source) -> Read:
    """Return the worst slacks, the clock that sets them, and all clocks, of ``report_timing_summary``."""
    whole = aligned(source.text, "Design Timing Summary")
    if not whole:
        raise source.broken("the timing report has no figures under Design Timing Summary")
    if "Intra Clock Table" not in source.text:
        raise source.broken("the timing report ends before its Intra Clock Table")
    require_whole_paths(source)
    periods = {
        match[1]: number(match[2])
        for match in re.finditer(
            r"^\s*(\S+)\s+\{[^}\n]*\}\s+([\d.]+)\s+[\d.]+\s*$", source.text, re.MULTILINE
        )
    }
    slacks = {row["clock"]: row for row in aligned(source.text, "Intra Clock Table")}
    children = tuple(
        Child(
            name=name,
            kind="clock",
            figures=stated(
                {
                    "clock_target_ns": period,
                    "wns_ns": number(slacks.get(name, {}).get("wns(ns)")),
                    "whs_ns": number(slacks.get(name, {}).get("whs(ns)")),
                }
            ),
        )
        for name, period in periods.items()
    )
    figures = stated(
        {
            "wns_ns": number(whole[0].get("wns(ns)")),
            "whs_ns": number(whole[0].get("whs(ns)")),
            "clock_target_ns": slowest_clock(children),
        }
    )
    return figures, Figures(), children


def slowest_clock(clocks: tuple[Child, ...]) -> Number | None:
    """Return the period of the only clock, or of the one with the least setup slack; None where there is none."""
    if len(clocks) == 1:
        return clocks[0].figures.clock_target_ns
    worst = least(clock.figures.wns_ns for clock in clocks)
    return next(
        (
            clock.figures.clock_target_ns
            for clock in clocks
            if worst is not None and clock.figures.wns_ns == worst
        ),
        None,
    )


def aligned(whole: str, title: str) -> list[dict[str, str]]:
    """Return the rows of the table under ``title``: names at the left, figures below the ends of their headers."""
    section = whole.partition(f"| {title}\n")[2].split("\n", 2)[-1]
    lines = [line.rstrip() for line in section.splitlines()]
    start = next(
        (at for at, line in enumerate(lines) if re.match(r"^\s*-[- ]+-$", line) and " -" in line), None
    )
    if not start:
        return []
    heads = [(match[0].lower(), match.end()) for match in re.finditer(r"\S+(?: \S+)*", lines[start - 1])]
    rows = []
    for line in lines[start + 1 :]:
        if not line or line.startswith("---"):
            break
        row = {}
        for index, match in enumerate(re.finditer(r"\S+", line)):
            numeric = [
                (abs(end - match.end()), name) for name, end in heads if "(" in name or "endpoints" in name
            ]
            distance, name = min(numeric, default=(99, ""))
            if index == 0 and "(" not in heads[0][0]:
                row[heads[0][0]] = match[0]
            elif distance <= 3:
                row[name] = match[0]
        rows.append(row)
    return rows


def timing_paths(source: Source) -> Read:
    """Return the worst slacks of the paths that ``report_timing`` lists."""
    slacks: dict[str, list[Number | None]] = {"wns_ns": [], "whs_ns": []}
    paths = re.split(r"^Slack\b", source.text, flags=re.MULTILINE)[1:]
    if not paths and "No timing paths found" in source.text:
        return Figures(), Figures(), ()
    if not paths:
        raise source.broken("the timing report lists no path with a slack")
    require_whole_paths(source)
    for path in paths:
        hold = search(r"^\s*Path Type:\s*(.*)$", path) or ""
        key = "whs_ns" if re.match(r"(hold|min)\b", hold, re.IGNORECASE) else "wns_ns"
        slacks[key].append(number(search(r"^[^:\n]*:\s*(.*)$", path)))
    periods = {number(value) for value in re.findall(r"\bperiod=([\d.]+)ns", source.text)}
    figures = {key: least(values) for key, values in slacks.items()}
    return stated({**figures, "clock_target_ns": periods.pop() if len(periods) == 1 else None}), Figures(), ()


def require_whole_paths(source: Source) -> None:
    """Raise :class:`VendorReportError` if the last path has no end: each one begins and ends with its slack."""
    begun = re.findall(r"^Slack \((?:MET|VIOLATED)\)", source.text, re.MULTILINE)
    ended = re.findall(r"^\s+slack\s+-?\d", source.text, re.MULTILINE)
    if "Delay type" in source.text and len(ended) < len(begun):
        raise source.broken(f"the timing report ends within a path: {len(begun)} begin, {len(ended)} end")


# --- power and clocks ---------------------------------------------------------------------------------------------


def power(source: Source) -> Read:
    """Return the power in all, by instance, and the cells that the power report counts."""
    found = text.tables(source.text)
    total: Number | None = None
    used: dict[str, Number | None] = {}
    available: dict[str, Number | None] = {}
    children: tuple[Child, ...] = ()
    for table in found:
        labels = table.labels()
        if total is None and "total on-chip power (w)" in labels:
            total = text.watts(cell(labels["total on-chip power (w)"], 1))
        if table.has("on-chip", "used"):
            for name, row in labels.items():
                for key, pattern in ON_CHIP.items():
                    if re.fullmatch(pattern, name):
                        used[key] = number(cell(row, table.column("used")))
                        available[key] = number(cell(row, table.column("available")))
        if table.has("name", r"power \(w\)") and "hierarchy" in table.title.lower():
            at = table.column(r"power \(w\)")
            children = tuple(
                Child(
                    name=row[0].strip(),
                    level=max(0, len(row[0]) - len(row[0].lstrip()) - 1) // 2,
                    figures=Figures(power_w=number(cell(row, at))),
                )
                for row in table.rows
            )
    if total is None:
        raise source.broken("the power report has no row Total On-Chip Power (W)")
    return stated({**used, "power_w": total}), stated(available), children


def clocks(source: Source) -> Read:
    """Return the periods of the clocks, of ``report_clock_utilization``."""
    for table in text.tables(source.text):
        if table.has("clock period", "clock"):
            name, period = table.column("clock"), table.column("clock period")
            periods = {(cell(row, name) or "").strip(): number(cell(row, period)) for row in table.rows}
            children = tuple(
                Child(name=clock, kind="clock", figures=Figures(clock_target_ns=value))
                for clock, value in periods.items()
                if value is not None
            )
            return Figures(clock_target_ns=slowest_clock(children)), Figures(), children
    return Figures(), Figures(), ()
