# SPDX-License-Identifier: Apache-2.0
"""Reports of the open tools: nextpnr (``--report``), yosys (``stat`` as text and JSON), and tailrace itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import least, period_ns, search
from tailrace.report.render import figures as headline
from tailrace.report.schema import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.report.parsers.record import Number
    from tailrace.report.schema import Report

BELS = {
    "lut": r"ICESTORM_LC|TRELLIS_COMB|OXIDE_COMB|SLICE_LUTX|GENERIC_SLICE|MISTRAL_COMB|LUT4",
    "ff": r"TRELLIS_FF|OXIDE_FF|SLICE_FFX|MISTRAL_FF|DFF",
    "dsp": r"ICESTORM_DSP|MULT18X18D|DSP48E1_DSP48E1|OXIDE_DSP\w*|MULT18X18|MISTRAL_MUL\w*",
    "bram36": r"RAMB36E1_RAMB36E1",
    "bram18": r"DP16KD|RAMB18E1_RAMB18E1|OXIDE_EBR|BSRAM",
    "carry": r"CARRY4|ALU",
}
"""Figures by the places that nextpnr counts; a logic cell of an iCE40 is its LUT."""

CELLS = {
    "lut": r"LUT[1-8]|SB_LUT4|\$lut|CFGLUT5|MISTRAL_ALUT\d|LUT4\w*",
    "ff": r"FD[A-Z]*E?(?:_1)?|FD1\w*|SB_DFF\w*|TRELLIS_FF|DFF\w*|MISTRAL_FF|\$_\w*DFF\w*_",
    "dsp": r"DSP\d+\w*|SB_MAC16|MULT\d+X\d+\w*|MISTRAL_MUL\w*",
    "bram36": r"RAMB36\w*",
    "bram18": r"RAMB18\w*|DP16KD",
    "uram": r"URAM288\w*",
    "carry": r"CARRY[48]|SB_CARRY|CCU2[CD]|ALU",
}
"""Figures by the cells that yosys counts."""


def read_json(source: Source, value: object) -> list[Record]:
    """Return the records of a JSON report of nextpnr, yosys or tailrace."""
    items = value if isinstance(value, list) else [value]
    if items and all(isinstance(item, dict) and {"schema", "tailrace"} <= item.keys() for item in items):
        return [own(from_json(item, source.file), source.file) for item in items]
    if not isinstance(value, dict):
        return []
    if "utilization" in value and "fmax" in value:
        return [nextpnr(source, value)]
    if "modules" in value and "creator" in value and ("design" in value or "invocation" in value):
        return [yosys_json(source, value)]
    return []


# --- nextpnr ------------------------------------------------------------------------------------------------------


def nextpnr(source: Source, value: Mapping[str, Any]) -> Record:
    """Return the record of ``nextpnr-* --report``."""
    try:
        used = matched({name: count["used"] for name, count in value["utilization"].items()}, BELS)
        total = matched({name: count["available"] for name, count in value["utilization"].items()}, BELS)
        clocks = tuple(
            Child(
                name=name,
                kind="clock",
                figures=Figures(
                    fmax_mhz=clock["achieved"],
                    clock_target_ns=period_ns(clock["constraint"]) if clock.get("constraint") else None,
                ),
            )
            for name, clock in value["fmax"].items()
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise source.broken(f"the report of nextpnr lacks {error} in utilization or fmax") from None
    slowest = least(clock.figures.fmax_mhz for clock in clocks)
    target = next(
        (clock.figures.clock_target_ns for clock in clocks if clock.figures.fmax_mhz == slowest), None
    )
    return Record(
        tool="nextpnr",
        kind="place_and_route",
        file=source.file,
        figures=stated({**used, "fmax_mhz": slowest, "clock_target_ns": target}),
        available=stated(total),
        children=clocks,
    )


def matched(counts: Mapping[str, Number], names: Mapping[str, str]) -> dict[str, Number | None]:
    """Return the sums of the counts by figure; a figure without any cell in the report is absent."""
    found: dict[str, Number | None] = {}
    for name, count in counts.items():
        for key, pattern in names.items():
            if re.fullmatch(pattern, name):
                found[key] = (found.get(key) or 0) + count
                break
    return found


# --- yosys --------------------------------------------------------------------------------------------------------


def read(source: Source) -> list[Record]:
    """Return the record of the last ``stat`` in the text of yosys, a log of it included."""
    parts = re.split(r"^=== (.*) ===$", source.text, flags=re.MULTILINE)
    modules = [
        (name.strip(), body)
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
        if re.search(r"^\s+(?:Number of cells:\s+\d+|\d+\s.*\bcells$)", body, re.MULTILINE)
    ]
    if not modules:
        if re.search(r"^=== .* ===$", source.text, re.MULTILINE) and "Number of wires" in source.text:
            raise source.broken("the statistics of yosys have no line with the number of cells")
        return []
    last = next((at for at in range(len(modules) - 1, -1, -1) if modules[at][0] == "design hierarchy"), None)
    whole = modules[last if last is not None else -1]
    children = [Child(name=name, kind="module", figures=stated(cells_of(body))) for name, body in modules]
    top = search(r"^\s{3}(\S+)\s+\d+\s*$", whole[1]) if last is not None else whole[0]
    return [
        Record(
            tool="yosys",
            version=search(r"Yosys (\d[\w.+-]*)", source.text),
            kind="stat",
            design=top,
            file=source.file,
            figures=stated(cells_of(whole[1])),
            children=tuple(child for child in children if child.name != "design hierarchy")
            if last is not None
            else (),
        )
    ]


def cells_of(body: str) -> dict[str, Number | None]:
    """Return the cells of one module: ``LUT4  12``, or ``12  LUT4`` and ``12  3.4E+02  LUT4`` of newer versions."""
    start = re.search(r"^\s+(?:Number of cells:\s+\d+|\d+\s.*\bcells)$", body, re.MULTILINE)
    rows = body[start.end() :] if start else ""
    counts: dict[str, Number] = {}
    for name, count in re.findall(r"^\s+([$\\\w]+)\s+(\d+)\s*$", rows, re.MULTILINE):
        if not name.isdigit():
            counts.setdefault(name, int(count))
    for count, name in re.findall(r"^\s+(\d+)\s+(?:[-\d.E+]+\s+)?([$\\A-Za-z_]\w*)\s*$", rows, re.MULTILINE):
        counts.setdefault(name, int(count))
    return matched(counts, CELLS)


def yosys_json(source: Source, value: Mapping[str, Any]) -> Record:
    """Return the record of ``stat -json``."""
    children = tuple(
        Child(name=name.lstrip("\\"), kind="module", figures=stated(matched(by_type(module), CELLS)))
        for name, module in value["modules"].items()
    )
    whole = value.get("design")
    if whole is None and len(children) == 1:
        whole = next(iter(value["modules"].values()))
    if not isinstance(whole, dict):
        raise source.broken("the statistics of yosys have no counts of the whole design")
    return Record(
        tool="yosys",
        version=(re.findall(r"Yosys (\S+)", str(value["creator"])) or [None])[0],
        kind="stat",
        design=children[0].name if len(children) == 1 else None,
        file=source.file,
        figures=stated(matched(by_type(whole), CELLS)),
        children=children if len(children) > 1 else (),
    )


def by_type(module: Mapping[str, Any]) -> dict[str, Number]:
    """Return the counts of cells by type; newer versions give count and area."""
    found = module.get("num_cells_by_type", {})
    return {name: count["count"] if isinstance(count, dict) else count for name, count in found.items()}


# --- tailrace -----------------------------------------------------------------------------------------------------


def own(report: Report, file: str) -> Record:
    """Return a report of tailrace as a record; cells that are not synthesized are not stated."""
    synth, timing, totals = report.synth, report.timing, report.target.totals
    cells = {
        cell.key: cell.value if cell.synthesized else None
        for cell in headline.resources(report)
        if cell.key in ("lut", "ff", "carry", "dsp", "bram18", "uram")
    }
    latency, interval = report.performance.latency_cycles, report.performance.interval_cycles
    return Record(
        tool="tailrace",
        version=report.tailrace,
        kind="build" if synth else "plan",
        part=report.target.part,
        design=report.model.name,
        file=file,
        figures=stated(
            {
                **cells,
                "fmax_mhz": timing.fmax_mhz if timing else None,
                "clock_target_ns": period_ns(report.target.clock_mhz),
                "latency_cycles_min": latency,
                "latency_cycles_max": latency,
                "interval_cycles_min": interval,
                "interval_cycles_max": interval,
            }
        ),
        available=stated({key: getattr(totals, key) for key in ("lut", "ff", "dsp", "bram18", "uram")})
        if totals
        else Figures(),
        children=tuple(
            Child(
                name=layer.name,
                kind="layer",
                module=layer.block,
                figures=stated(
                    {
                        **{
                            key: getattr(layer.synth, key) if layer.synth else None
                            for key in ("lut", "ff", "carry", "dsp", "bram18", "uram")
                        },
                        "interval_cycles_min": layer.interval_cycles,
                        "interval_cycles_max": layer.interval_cycles,
                        "memory_bits": layer.memory_bits,
                    }
                ),
            )
            for layer in report.layers
        ),
    )
