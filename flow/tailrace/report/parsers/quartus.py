# SPDX-License-Identifier: Apache-2.0
"""Reports of Quartus (Standard, Lite, Pro): fit, map, syn, sta, flow, power; and of oneAPI for Intel FPGAs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.report.parsers import text
from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import cell, label, least, megahertz, number, search, used_and_available

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tailrace.report.parsers.record import Number

TITLES = {
    r"Fitter": "fit",
    r"Analysis & Synthesis": "map",
    r"Synthesis": "syn",
    r"(?:TimeQuest )?Timing Analyzer": "sta",
    r"(?:PowerPlay )?Power Analyzer": "power",
    r"Flow": "flow",
}
"""What the titles of reports begin with, and their kinds."""

CELLS = {
    "lut": (
        r"logic utilization \(in alms\)",
        r"logic utilization \(alms needed / total alms on device\)",
        r"total logic elements",
        r"estimate of logic utilization \(alms needed\)",
        r"alms needed.*",
        r"logic utilization",
    ),
    "ff": (r"total registers", r"total dedicated logic registers", r"dedicated logic registers"),
    "dsp": (
        r"total dsp blocks",
        r"dsp blocks?",
        r"dsp block 18-bit elements",
        r"embedded multiplier 9-bit elements",
    ),
    "memory_bits": (r"total block memory bits", r"total memory bits", r"block memory bits"),
}
"""Figures by the lines that state them, the best first; a line without a number is passed over."""

ENTITY = {
    "lut": (
        r"alms needed.*",
        r"logic cells",
        r"total logic elements",
        r"combinational aluts",
        r"lc combinationals",
    ),
    "ff": (r"dedicated logic registers", r"total registers", r"lc registers"),
    "dsp": (r"dsp blocks", r"dsp elements"),
    "memory_bits": (r"block memory bits", r"memory bits"),
}
"""Figures by the columns of the table of entities."""


def read(source: Source) -> list[Record]:
    """Return the record of a report of Quartus, the long one (.rpt) or the summary."""
    for title, kind in TITLES.items():
        long = re.search(rf"^{title} report for (.*)$", source.text[:4000], re.MULTILINE)
        short = re.search(rf"^{title} Status\s*:|^-+\n{title} Summary\n-+$", source.text[:1000], re.MULTILINE)
        if (long and "Quartus" in source.text[:4000]) or short:
            return [report(source, kind, long[1].strip() if long else None)]
    return []


def report(source: Source, kind: str, design: str | None) -> Record:
    """Return the record of a report of ``kind``."""
    text.require_whole(source, f"{kind} report of Quartus")
    if design is None:
        text.require_line_end(source, f"{kind} summary of Quartus")
        if kind == "sta" and not re.search(r"^TNS\b[\s\S]*^-{20,}\s*\Z", source.text, re.MULTILINE):
            raise source.broken(
                "the sta summary of Quartus ends before the line of dashes below its last clock"
            )
    lines = named_values(source)
    version = search(r"Quartus (?:Prime|II)(?: 64-Bit)? Version\s*[:;]?\s*(?:Version )?([\w.]+)", source.text)
    children: tuple[Child, ...] = ()
    available = Figures()
    if kind == "sta":
        figures, children = timing(source)
    else:
        figures, available = cells(lines)
        watts = text.watts(
            lines.get("total thermal power dissipation") or lines.get("total power dissipation")
        )
        figures = stated({**figures.stated(), "power_w": watts})
        children = entities(source)
        if not figures.stated() and kind != "syn":
            raise source.broken(f"the {kind} report of Quartus states neither cells nor power in its summary")
        if kind in {"fit", "map"} and None in (figures.ff, figures.memory_bits):
            raise source.broken(f"the {kind} report of Quartus ends before its registers and memory bits")
    return Record(
        tool="quartus",
        version=version,
        kind=kind,
        part=lines.get("device") or lines.get("device name"),
        design=lines.get("top-level entity name") or lines.get("revision name") or design,
        file=source.file,
        figures=figures,
        available=available,
        children=children,
    )


def named_values(source: Source) -> dict[str, str]:
    """Return the values of the summary by their names, of ``name : value`` or ``; name ; value ;``."""
    found: dict[str, str] = {}
    for table in text.tables(source.text):
        if table.title.endswith("Summary") and not table.columns:
            for row in table.rows:
                found.setdefault(label(row[0]), (cell(row, 1) or "").strip())
    if not found:
        for line in source.text.splitlines():
            name, colon, value = line.partition(" : ")
            if colon:
                found.setdefault(label(name), value.strip())
    for table in text.tables(source.text):
        if table.title.endswith("Resource Usage Summary"):
            for row in table.rows:
                found.setdefault(label(row[0]).lstrip("- "), (cell(row, 1) or "").strip())
    return found


def cells(lines: Mapping[str, str]) -> tuple[Figures, Figures]:
    """Return the cells that the summary states, used and available."""
    used: dict[str, Number | None] = {}
    total: dict[str, Number | None] = {}
    for key, patterns in CELLS.items():
        for pattern in patterns:
            for name, value in lines.items():
                if re.fullmatch(pattern, name):
                    one, other = used_and_available(value)
                    if used.get(key) is None and "%" not in value.partition("/")[0]:
                        used[key] = one
                    if total.get(key) is None:
                        total[key] = other
    return stated(used), stated(total)


def entities(source: Source) -> tuple[Child, ...]:
    """Return the rows of the table of entities (``Resource Utilization by Entity``), without the top."""
    for table in text.tables(source.text):
        name = table.column("compilation hierarchy node")
        if name is None:
            continue
        columns = {key: table.column(*patterns) for key, patterns in ENTITY.items()}
        entity = table.column("entity name")
        found = []
        for row in table.rows:
            title = cell(row, name) or ""
            found.append(
                Child(
                    name=title.strip().strip("|"),
                    module=(cell(row, entity) or "").strip() or None,
                    level=max(0, len(title) - len(title.lstrip()) - 1) // 3,
                    figures=stated(
                        {
                            **{key: number(cell(row, index)) for key, index in columns.items()},
                            "power_w": text.watts(cell(row, table.column(r"total thermal power.*"))),
                        }
                    ),
                )
            )
        return tuple(found[1:])
    return ()


# --- timing -------------------------------------------------------------------------------------------------------


def timing(source: Source) -> tuple[Figures, tuple[Child, ...]]:
    """Return the worst slacks over all corners, the slowest Fmax, and every clock."""
    slacks: dict[str, dict[str, list[Number | None]]] = {"wns_ns": {}, "whs_ns": {}}
    fmax: dict[str, list[Number | None]] = {}
    periods: dict[str, Number | None] = {}
    for kind, clock, slack in re.findall(
        r"^Type\s*:\s*(?:.*\s)?(Setup|Hold) '(.*)'\s*\nSlack\s*:\s*(\S+)", source.text, re.MULTILINE
    ):
        slacks["wns_ns" if kind == "Setup" else "whs_ns"].setdefault(clock, []).append(number(slack))
    types = re.findall(r"^Type\s*:.*\n(.*)\n(.*)", source.text + "\n\n", re.MULTILINE)
    if any(not (slack.startswith("Slack") and tns.startswith("TNS")) for slack, tns in types):
        raise source.broken("the timing summary of Quartus ends within the slack of a clock")
    for table in text.tables(source.text):
        match = re.search(r"\b(Setup|Hold)\b.*Summary$", table.title)
        if match and table.has("clock", "slack"):
            key = "wns_ns" if match[1] == "Setup" else "whs_ns"
            for row in table.rows:
                clock = (cell(row, table.column("clock")) or "").strip()
                slacks[key].setdefault(clock, []).append(number(cell(row, table.column("slack"))))
        elif table.has("clock", "setup", "hold") and "Multicorner" in table.title:
            for row in table.rows:
                name = (cell(row, 0) or "").strip()
                if name.startswith("Design-wide"):
                    break
                if not name.startswith("Worst-case"):
                    for key, column in (("wns_ns", "setup"), ("whs_ns", "hold")):
                        slacks[key].setdefault(name, []).append(number(cell(row, table.column(column))))
        elif table.has("fmax", "clock name"):
            for row in table.rows:
                clock = (cell(row, table.column("clock name")) or "").strip()
                fmax.setdefault(clock, []).append(megahertz(cell(row, table.column("fmax"))))
        elif table.has("clock name", "period"):
            for row in table.rows:
                clock = (cell(row, table.column("clock name")) or "").strip()
                periods.setdefault(clock, text.nanoseconds(cell(row, table.column("period"))))
    names = dict.fromkeys([*periods, *fmax, *slacks["wns_ns"], *slacks["whs_ns"]])
    if not names:
        raise source.broken("the timing report of Quartus names no clock with a period or a slack")
    children = tuple(
        Child(
            name=name,
            kind="clock",
            figures=stated(
                {
                    **{key: least(values.get(name, ())) for key, values in slacks.items()},
                    "fmax_mhz": least(fmax.get(name, ())),
                    "clock_target_ns": periods.get(name),
                }
            ),
        )
        for name in names
    )
    figures = {
        key: least(getattr(child.figures, key) for child in children)
        for key in ("wns_ns", "whs_ns", "fmax_mhz")
    }
    return stated({**figures, "clock_target_ns": target(children, figures["wns_ns"])}), children


def target(clocks: Iterable[Child], worst: Number | None) -> Number | None:
    """Return the period of the only clock, or of the one with the worst setup slack."""
    all_of = list(clocks)
    if len(all_of) == 1:
        return all_of[0].figures.clock_target_ns
    return next(
        (
            clock.figures.clock_target_ns
            for clock in all_of
            if worst is not None and clock.figures.wns_ns == worst
        ),
        None,
    )


# --- oneAPI -------------------------------------------------------------------------------------------------------

RESOURCES = {"lut": ("alm", "aluts", "alut"), "ff": ("reg", "ffs", "ff"), "dsp": ("dsp", "dsps")}


def read_ndjson(source: Source, lines: list[Any]) -> list[Record]:
    """Return the record of one of the ``.ndjson`` files in the report folder of the oneAPI compiler."""
    found = [line for line in lines if isinstance(line, dict)]
    if any("quartusFitResourceUsageSummary" in line or "quartusFitClockSummary" in line for line in found):
        return [fitted(source, {key: value for line in found for key, value in line.items()})]
    if any(line.get("summary_type") == "estimatedResources" for line in found):
        return [estimated(source, found)]
    if any(line.get("name") == "loop_attributes" for line in found):
        return [loops(source, found)]
    return []


def fitted(source: Source, value: Mapping[str, Any]) -> Record:
    """Return the record of ``quartus.ndjson``: what Quartus made of the kernels."""
    system: Mapping[str, Any] = {}
    children = []
    for node in value.get("quartusFitResourceUsageSummary", {}).get("nodes", []):
        if node.get("type") == "system":
            system = node
        else:
            children.append(Child(name=str(node.get("name")), kind="kernel", figures=stated(resources(node))))
    clock: Mapping[str, Any] = next(iter(value.get("quartusFitClockSummary", {}).get("nodes", [])), {})
    fmax = number(str(clock.get("clock fmax", clock.get("clock", ""))))
    return Record(
        tool="oneapi",
        kind="fit",
        design=children[0].name if len(children) == 1 else None,
        file=source.file,
        figures=stated({**resources(system), "fmax_mhz": fmax}),
        children=tuple(children),
    )


def resources(node: Mapping[str, Any]) -> dict[str, Number | None]:
    """Return the cells that a node states by short names."""
    return {
        key: next((number(str(node[name])) for name in names if name in node), None)
        for key, names in RESOURCES.items()
    }


def estimated(source: Source, lines: Sequence[Mapping[str, Any]]) -> Record:
    """Return the record of ``summary.ndjson``: the estimate of the compiler, kernel by kernel."""
    head = next(line for line in lines if line.get("summary_type") == "estimatedResources")
    columns = [str(name).strip().lower() for name in head.get("columns", [])][1:]
    rows = {
        str(line.get("name")): resources(dict(zip(columns, line.get("data", []), strict=False)))
        for line in lines
        if line.get("parent") == "estimatedResources"
    }
    if "Total" not in rows:
        raise source.broken("the summary of oneAPI has no row Total")
    total, available = rows.pop("Total"), rows.pop("Available", {})
    return Record(
        tool="oneapi",
        kind="estimate",
        file=source.file,
        figures=stated(total),
        available=stated(available),
        children=tuple(Child(name=name, kind="kernel", figures=stated(row)) for name, row in rows.items()),
    )


def loops(source: Source, lines: Sequence[Mapping[str, Any]]) -> Record:
    """Return the record of ``loop_attr.ndjson``: latency and interval of every loop."""
    children = []
    for line in lines:
        if line.get("type") not in {"kernel", "loop", "bb"}:
            continue
        interval, latency = number(str(line.get("ii", ""))), number(str(line.get("lt", "")))
        children.append(
            Child(
                name=str(line.get("name")),
                kind="block" if line["type"] == "bb" else str(line["type"]),
                level=0 if line["type"] == "kernel" else 1,
                figures=stated(
                    {
                        "fmax_mhz": number(str(line.get("fmax", line.get("af", "")))),
                        "interval_cycles_min": interval,
                        "interval_cycles_max": interval,
                        "latency_cycles_max": latency,
                    }
                ),
            )
        )
    fmax = least(child.figures.fmax_mhz for child in children)
    return Record(
        tool="oneapi",
        kind="loops",
        file=source.file,
        figures=Figures(fmax_mhz=fmax),
        children=tuple(children),
    )
