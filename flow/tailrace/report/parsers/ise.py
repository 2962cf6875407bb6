# SPDX-License-Identifier: Apache-2.0
"""Reports of Xilinx ISE: map (.mrp) and the timing analyser (.twr)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tailrace.report.parsers import text
from tailrace.report.parsers.record import Child, Record, Source, stated
from tailrace.report.parsers.text import cell, least, number, period_ns, search, used_and_available

if TYPE_CHECKING:
    from tailrace.report.parsers.record import Number

LINES = {
    "lut": r"Number of (?:Slice|4 input) LUTs",
    "ff": r"Number of Slice (?:Registers|Flip Flops)",
    "dsp": r"Number of (?:DSP48\w*|MULT18X18\w*)",
    "bram36": r"Number of RAMB36E1/FIFO36E1s|Number of BlockRAM/FIFO",
    "bram18": r"Number of (?:RAMB18E1/FIFO18E1s|RAMB16BWERs|RAMB16s|RAMB16BWEs)",
    "carry": r"Number of (?:MUXCYs used|CARRY4s)",
}
"""Figures by the lines of the design summary."""

COLUMNS = {"lut": "luts", "ff": "slice reg", "dsp": r"dsp48\w*"}
"""Figures by the columns of the table of modules; each cell is ``own/with all below``."""


def read(source: Source) -> list[Record]:
    """Return the record of a report of ISE."""
    start = source.text[:1500]
    if "Xilinx Mapping Report File" in start:
        return [mapping(source)]
    if re.search(r"^Release [\d.]+\w* Trace\b", start, re.MULTILINE):
        return [timing(source)]
    return []


def mapping(source: Source) -> Record:
    """Return the record of the map report."""
    used: dict[str, Number | None] = {}
    total: dict[str, Number | None] = {}
    for key, name in LINES.items():
        line = search(rf"^\s*(?:{name}):\s*(.*)$", source.text)
        if line is not None:
            used[key], total[key] = used_and_available(line)
    if used.get("lut") is None:
        raise source.broken("the map report has no line Number of Slice LUTs in its Design Summary")
    text.require_whole(source, "map report")
    sections = re.findall(r"^Section (\d+) - (.*)$", source.text, re.MULTILINE)
    if not sections or sections.count(max(sections, key=section_number)) < 2:
        raise source.broken("the map report ends before the last section that it lists")
    part = [search(rf"^Target {name}\s*:\s*(\S+)", source.text) for name in ("Device", "Package", "Speed")]
    return Record(
        tool="ise",
        version=search(r"^Release ([\d.]+)", source.text),
        kind="map",
        part="-".join(filter(None, (value and value.lstrip("-") for value in part))) or None,
        design=search(r"Mapping Report File for Design '([^'\n]*)'", source.text),
        file=source.file,
        figures=stated(used),
        available=stated(total),
        children=modules(source),
    )


def section_number(section: tuple[str, str]) -> int:
    """Return the number of a section of the map report."""
    return int(section[0])


def modules(source: Source) -> tuple[Child, ...]:
    """Return the modules below the top, each with all that is in it."""
    for table in text.tables(source.text):
        if table.has("module", "luts"):
            found = []
            for row in table.rows:
                title = (cell(row, table.column("module")) or "").strip()
                figures = {
                    key: number((cell(row, table.column(pattern)) or "").rpartition("/")[2])
                    for key, pattern in COLUMNS.items()
                }
                level = len(title) - len(title.lstrip("+"))
                found.append(Child(name=title.lstrip("+"), level=level, figures=stated(figures)))
            return tuple(found[1:])
    return ()


def timing(source: Source) -> Record:
    """Return the record of the timing report: the worst slacks, and the period asked for and reached."""
    slacks = {}
    for key, kind in (("wns_ns", "setup"), ("whs_ns", "hold")):
        found = re.findall(rf"^Slack \({kind} path\):\s*(\S+?)ns", source.text, re.MULTILINE)
        slacks[key] = least(number(value) for value in found)
    fmax = number(search(r"Maximum frequency:\s*([\d.]+)\s*MHz", source.text))
    periods = re.findall(
        r"^Timing constraint:.*\bPERIOD\b.*?\s([\d.]+) (MHz|ns)\b", source.text, re.MULTILINE
    )
    targets = [number(value) if unit == "ns" else period_ns(number(value)) for value, unit in periods]
    stated_periods = {
        number(value) for value in re.findall(r"^\s*Requirement:\s*([\d.]+)ns", source.text, re.MULTILINE)
    }
    target = targets[0] if len(targets) == 1 else None
    if target is not None:  # the tool rounds 1000 / 150 down; its own figure goes first
        target = next((value for value in stated_periods if value and abs(value - target) < 0.002), target)
    if fmax is None and slacks["wns_ns"] is None:
        raise source.broken("the timing report states neither a slack nor a maximum frequency")
    if not re.search(r"^Analysis completed", source.text, re.MULTILINE):
        raise source.broken("the timing report ends before the line Analysis completed")
    device = search(r"^Device,package,speed:\s*([^(\n]*)", source.text)
    return Record(
        tool="ise",
        version=search(r"^Release ([\d.]+)", source.text),
        kind="timing",
        part="-".join(item.strip("- ") for item in device.split(",")) if device else None,
        design=search(r"^Design file:\s*(\S+?)(?:\.ncd)?\s*$", source.text),
        file=source.file,
        figures=stated({**slacks, "fmax_mhz": fmax, "clock_target_ns": target}),
    )
