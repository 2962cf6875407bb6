# SPDX-License-Identifier: Apache-2.0
"""The JSON files in the report folder of a FINN build: estimates, simulated performance, synthesized cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import period_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.report.parsers.record import Number

CELLS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram36": "BRAM_36K", "bram18": "BRAM_18K", "uram": "URAM"}
LAYER = re.compile(r"\w+_\d+(?:_\w+)?$")


def read_json(source: Source, value: object) -> list[Record]:
    """Return the record of a report of FINN; none for its configurations."""
    if not isinstance(value, dict) or not value:
        return []
    if isinstance(value.get("(top)"), dict):
        top = figures(value["(top)"])
        return [record(source, "synthesis", top, layers(value, {"(top)"}))]
    if "cycles" in value and ("N_IN_TXNS" in value or "throughput[images/s]" in value):
        return [simulated(source, value)]
    if "max_cycles" in value and "critical_path_cycles" in value:
        interval, latency = value["max_cycles"], value["critical_path_cycles"]
        return [
            record(
                source,
                "estimate_performance",
                Figures(latency_cycles_max=latency, interval_cycles_max=interval),
            )
        ]
    items = {name: item for name, item in value.items() if name != "total"}
    if items and all(isinstance(item, dict) and "LUT" in item and "DSP" in item for item in items.values()):
        total = value.get("total")
        return [
            record(
                source,
                "estimate_resources",
                figures(total) if isinstance(total, dict) else Figures(),
                layers(value, {"total"}),
            )
        ]
    if all(LAYER.match(name) and type(item) is int for name, item in value.items()):
        children = tuple(
            Child(name=name, kind="layer", figures=Figures(interval_cycles_max=item))
            for name, item in value.items()
        )
        return [record(source, "estimate_cycles", Figures(), children)]
    return []


def record(source: Source, kind: str, whole: Figures, children: tuple[Child, ...] = ()) -> Record:
    """Return the record; FINN names neither its version nor part nor design in these files."""
    return Record(tool="finn", kind=kind, file=source.file, figures=whole, children=children)


def layers(value: Mapping[str, Any], without: set[str]) -> tuple[Child, ...]:
    """Return the layers with their cells."""
    return tuple(
        Child(name=name, kind="layer", figures=figures(item))
        for name, item in value.items()
        if name not in without and isinstance(item, dict)
    )


def figures(cells: Mapping[str, Any]) -> Figures:
    """Return the cells of a layer or of all."""
    return stated({key: whole(cells.get(name)) for key, name in CELLS.items()})


def whole(value: object) -> Number | None:
    """Return a number, as a whole one where it is; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if float(value).is_integer() else value


def simulated(source: Source, value: Mapping[str, Any]) -> Record:
    """Return the record of the simulation of the whole design."""
    latency, interval = whole(value.get("latency_cycles")), whole(value.get("interval_cycles"))
    return record(
        source,
        "simulation",
        stated(
            {
                "clock_target_ns": period_ns(whole(value.get("fclk[mhz]"))),
                "latency_cycles_min": latency,
                "latency_cycles_max": latency,
                "interval_cycles_min": interval,
                "interval_cycles_max": interval,
            }
        ),
    )
