# SPDX-License-Identifier: Apache-2.0
"""Reports of Vivado HLS and Vitis HLS: synthesis (.rpt, .xml, summary), co-simulation, export, project."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.report.parsers import text
from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import Table, cell, nanoseconds, number, search

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tailrace.report.parsers.record import Number

AREA = {
    "bram18": r"bram_18k",
    "dsp": r"dsp\w*",
    "ff": r"ff",
    "lut": r"lut",
    "uram": r"uram",
}
"""Figures by their columns; ``BRAM_18K``, ``DSP48E`` or ``DSP``."""

TIMES = {
    "latency_cycles_min": (r"latency ?(?:\((?:clock )?cycles\) ?)?min",),
    "latency_cycles_max": (r"latency ?(?:\((?:clock )?cycles\) ?)?max",),
    "interval_cycles_min": (r"interval ?(?:\((?:clock )?cycles\) ?)?min", r"initiation interval achieved"),
    "interval_cycles_max": (r"interval ?(?:\((?:clock )?cycles\) ?)?max", r"initiation interval achieved"),
}

START = re.compile(r"^== (Vivado|Vitis) HLS Report for '([^'\n]*)'", re.MULTILINE)
SUMMARY = re.compile(r"^== Synthesis Summary Report of '([^'\n]*)'", re.MULTILINE)
SIZE = re.compile(r"^== Design Size Report", re.MULTILINE)
COSIM = re.compile(r"^[|+]\s+RTL\s+[|+]\s+Status\s+[|+]", re.MULTILINE)
EXPORT = re.compile(r"^Implementation tool:.*Vivado\s+v\.?([\w.]+)", re.MULTILINE)


def read(source: Source) -> list[Record]:
    """Return the records of all HLS reports in ``source``, which may be several below each other."""
    found: list[Record] = []
    starts = list(START.finditer(source.text))
    alone = bool(starts) and not source.text[: starts[0].start()].strip("=\n ")
    ends = (*(start.start() for start in starts[1:]), len(source.text))
    for start, end in zip(starts, ends, strict=False):
        piece = Source(file=source.file, text=source.text[start.start() : end])
        found.append(csynth(piece, tool=f"{start[1].lower()}_hls", design=start[2], alone=alone))
    if SUMMARY.search(source.text):
        found.append(summary(source))
    elif SIZE.search(source.text):
        text.require_whole(source, "design size report")
        found.append(Record(tool="vitis_hls", kind="design_size", file=source.file))
    if COSIM.search(source.text):
        found.append(cosim(source, found[-1] if found else None))
    if EXPORT.search(source.text):
        found.append(export(source))
    return found


def version_of(source: Source) -> str | None:
    """Return the version as the head of a report names it."""
    return search(r"^\s*\* Version:\s*([\w.]+)", source.text)


def part_of(source: Source) -> str | None:
    """Return the part as the head of a report names it."""
    return search(r"^\s*\* Target device:\s*(\S+)", source.text)


def tool_of(version: str | None, *, flow_target: bool) -> str:
    """Return which of both tools wrote it; Vitis HLS came with 2020.1 and names the target of its flow."""
    year = re.match(r"(\d{4})\.(\d)", version or "")
    newer = year is not None and (int(year[1]), int(year[2])) >= (2020, 2)
    return "vitis_hls" if newer or flow_target else "vivado_hls"


# --- synthesis ----------------------------------------------------------------------------------------------------


def csynth(source: Source, *, tool: str, design: str, alone: bool) -> Record:
    """Return the record of ``<top>_csynth.rpt``; not ``alone``: a log that quotes it may leave its end out."""
    text.require_whole(source, "synthesis report")
    figures: dict[str, Number | None] = {}
    available: dict[str, Number | None] = {}
    children: dict[str, Child] = {}
    loops: dict[str, Child] = {}
    for table in text.tables(source.text):
        if table.has("clock", "target", "estimated") and "clock_target_ns" not in figures and table.rows:
            figures["clock_target_ns"] = nanoseconds(cell(table.rows[0], table.column("target")))
            figures["clock_estimate_ns"] = nanoseconds(cell(table.rows[0], table.column("estimated")))
        elif table.has("instance", "module"):
            for child in rows(table, "instance"):
                merge(children, child)
        elif table.has("loop name"):
            for child in rows(table, "loop name"):
                loops.setdefault(child.name, replace(child, kind="loop"))
        elif table.has(*(patterns[0] for patterns in TIMES.values())) and table.rows:
            figures = {**times(table, table.rows[0]), **figures}
        elif table.has("name", "lut", "ff") and "available" in table.labels():
            figures = {**figures, **area(table, table.labels().get("total", ()))}
            available = area(table, table.labels()["available"])
    if "clock_target_ns" not in figures:
        raise source.broken("the synthesis report has no table with the columns Clock, Target and Estimated")
    if not available:
        raise source.broken(
            "the synthesis report has no table of utilization with the rows Total and Available"
        )
    if alone and not any(table.has("rtl ports") for table in text.tables(source.text)):
        raise source.broken("the synthesis report ends before its last table, the one of RTL Ports")
    return Record(
        tool=tool,
        kind="csynth",
        design=design,
        file=source.file,
        version=version_of(source),
        part=part_of(source),
        figures=stated(figures),
        available=stated(available),
        children=(*children.values(), *loops.values()),
    )


def area(table: Table, row: tuple[str, ...]) -> dict[str, Number | None]:
    """Return the cells that a row states."""
    return {key: number(cell(row, table.column(pattern))) for key, pattern in AREA.items()}


def times(table: Table, row: tuple[str, ...]) -> dict[str, Number | None]:
    """Return latency and interval that a row states, in cycles."""
    return {key: number(cell(row, table.column(*patterns))) for key, patterns in TIMES.items()}


def rows(table: Table, title: str) -> list[Child]:
    """Return the rows of a table of instances or loops, without the sum at its end."""
    name, module = table.column(title), table.column("module")
    found = []
    for row in table.rows:
        first = (cell(row, name) or "").strip()
        if first and first.lower() != "total":
            values = {**area(table, row), **times(table, row)}
            level = len(first) - len(first.lstrip("-+ ")) if title == "loop name" else 0
            found.append(
                Child(
                    name=first.lstrip("-+ "),
                    module=(cell(row, module) or "").strip() or None,
                    level=max(0, level // 2),
                    figures=stated(values),
                )
            )
    return found


def merge(children: dict[str, Child], child: Child) -> None:
    """Add what a second table states of the same instance."""
    old = children.get(child.name, child)
    figures = Figures(**{**child.figures.stated(), **old.figures.stated()})
    children[child.name] = replace(old, figures=figures)


def summary(source: Source) -> Record:
    """Return the record of ``csynth.rpt``, the summary: its tree of modules and loops, the top first.

    The summary states one latency and one interval, the longest, and rounds nothing.
    """
    text.require_whole(source, "synthesis summary")
    start = SUMMARY.search(source.text)
    for table in text.tables(source.text):
        name = table.column(r"modules? & loops?")
        if name is None:
            continue
        columns = {
            "latency_cycles_max": table.column(r"latency \(cycles\)"),
            "interval_cycles_max": table.column("interval"),
            "bram18": table.column(r"bram(?:_18k)?"),
            **{key: table.column(AREA[key]) for key in ("dsp", "ff", "lut", "uram")},
        }
        found = []
        for row in table.rows:
            title = cell(row, name) or ""
            mark = title.strip()[:1]
            found.append(
                Child(
                    name=title.strip().lstrip("+o* ") if mark in {"+", "*"} else title.strip()[1:].strip(),
                    kind="loop" if mark == "o" else "module",
                    level=len(title) - len(title.lstrip()),
                    figures=stated({key: number(cell(row, index)) for key, index in columns.items()}),
                )
            )
        if not found:
            break
        return Record(
            tool=tool_of(version_of(source), flow_target=True),
            kind="csynth",
            design=start[1] if start else None,
            file=source.file,
            version=version_of(source),
            part=part_of(source),
            figures=found[0].figures,
            children=tuple(found[1:]),
        )
    raise source.broken("the synthesis summary has no table of Modules & Loops")


# --- co-simulation, export ----------------------------------------------------------------------------------------


def cosim(source: Source, synthesis: Record | None) -> Record:
    """Return the record of a co-simulation; ``synthesis`` is the report above it in the same file."""
    for table in text.tables(source.text):
        if not table.has("rtl", "status"):
            continue
        children = tuple(
            Child(
                name=row[0].strip(),
                kind="language",
                module=(cell(row, table.column("status")) or "").strip(),
                figures=stated(times(table, row)),
            )
            for row in table.rows
        )
        passed = [child for child in children if (child.module or "").lower() == "pass"]
        new = "clock cycles" in " ".join(table.columns)
        text.require_whole(source, "co-simulation report")
        return Record(
            tool=synthesis.tool if synthesis else ("vitis_hls" if new else "vivado_hls"),
            kind="cosim",
            version=synthesis.version if synthesis else version_of(source),
            part=synthesis.part if synthesis else part_of(source),
            design=synthesis.design
            if synthesis
            else search(r"Cosimulation Report for '([^'\n]*)'", source.text),
            file=source.file,
            figures=passed[0].figures if passed else Figures(),
            children=children,
        )
    raise source.broken("the co-simulation report has no rows for VHDL and Verilog")


def export(source: Source) -> Record:
    """Return the record of ``<top>_export.rpt``: what Vivado made of the exported design."""

    def line(name: str) -> Number | None:
        return number(search(rf"^{name}:\s*(.*)$", source.text))

    achieved = line("CP achieved post-implementation")
    figures = stated(
        {
            "lut": line("LUT"),
            "ff": line("FF"),
            "dsp": line("DSP"),
            "bram18": line("BRAM"),
            "uram": line("URAM"),
            "clock_target_ns": line("CP required"),
            "clock_estimate_ns": line("CP achieved post-synthesis") if achieved is None else achieved,
        }
    )
    text.require_line_end(source, "export report")
    if None in (figures.lut, figures.clock_target_ns, figures.clock_estimate_ns):
        raise source.broken("the export report lacks one of the lines LUT:, CP required: and CP achieved")
    version = search(EXPORT.pattern, source.text)
    return Record(
        tool=tool_of(version, flow_target=False),
        version=version,
        kind="export",
        part=search(r"^Device target:\s*(\S+)", source.text),
        file=source.file,
        figures=figures,
    )


# --- XML ----------------------------------------------------------------------------------------------------------


def read_xml(source: Source, root: Element) -> list[Record]:
    """Return the record of ``csynth.xml`` or of the project file."""
    if root.tag.endswith("project") and "autopilot" in root.tag:
        return [Record(tool="vivado_hls", kind="project", design=root.get("top"), file=source.file)]
    if root.tag != "profile" or root.find("UserAssignments") is None:
        return []
    if root.find("AreaEstimates/Resources") is None or root.find("PerformanceEstimates") is None:
        raise source.broken("the XML synthesis report has no AreaEstimates or no PerformanceEstimates")
    version = root.findtext("ReportVersion/Version")
    target = nanoseconds(root.findtext("UserAssignments/TargetClockPeriod"))
    children = tuple(
        Child(name=(module.findtext("Name") or "").strip(), kind="module", figures=xml_figures(module, None))
        for module in root.findall("ModuleInformation/Module")
        if (module.findtext("Name") or "").strip() != root.findtext("UserAssignments/TopModelName")
    )
    return [
        Record(
            tool=tool_of(version, flow_target=root.find("UserAssignments/FlowTarget") is not None),
            version=version,
            kind="csynth",
            part=root.findtext("UserAssignments/Part"),
            design=root.findtext("UserAssignments/TopModelName"),
            file=source.file,
            figures=xml_figures(root, target),
            available=stated(xml_area(root, "AreaEstimates/AvailableResources")),
            children=children,
        )
    ]


def xml_area(element: Element, path: str) -> dict[str, Number | None]:
    """Return the cells below ``path``; a module states its totals between its cells."""
    found = {item.tag.lower(): number(item.text) for item in element.findall(f"{path}/*")}
    return {
        key: next((value for tag, value in found.items() if re.fullmatch(pattern, tag)), None)
        for key, pattern in AREA.items()
    }


def xml_figures(element: Element, target: Number | None) -> Figures:
    """Return what the report states of the top or of a module."""
    timing = "PerformanceEstimates/SummaryOfTimingAnalysis"
    latency = "PerformanceEstimates/SummaryOfOverallLatency"
    wanted = nanoseconds(element.findtext(f"{timing}/TargetClockPeriod")) if target is None else target
    first, _, last = (element.findtext(f"{latency}/PipelineInitiationInterval") or "").partition("~")
    low, high = (number(element.findtext(f"{latency}/Interval-{end}")) for end in ("min", "max"))
    return stated(
        {
            **xml_area(element, "AreaEstimates/Resources"),
            "clock_target_ns": wanted,
            "clock_estimate_ns": nanoseconds(element.findtext(f"{timing}/EstimatedClockPeriod")),
            "latency_cycles_min": number(element.findtext(f"{latency}/Best-caseLatency")),
            "latency_cycles_max": number(element.findtext(f"{latency}/Worst-caseLatency")),
            "interval_cycles_min": number(first) if low is None else low,
            "interval_cycles_max": number(last or first) if high is None else high,
        }
    )
