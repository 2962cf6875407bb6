# SPDX-License-Identifier: Apache-2.0
"""Tables that people made of reports: a CSV file with a row per design and a column per figure."""

from __future__ import annotations

import csv

from tailrace.report.parsers.record import Record, Source, stated
from tailrace.report.parsers.text import label, number

COLUMNS = {
    "lut": ("lut", "luts"),
    "ff": ("ff", "ffs"),
    "dsp": ("dsp", "dsps"),
    "bram36": ("bram36", "bram_36k"),
    "bram18": ("bram18", "bram_18k"),
    "uram": ("uram",),
    "carry": ("carry",),
    "memory_bits": ("memory_bits",),
    "wns_ns": ("wns_ns",),
    "whs_ns": ("whs_ns",),
    "fmax_mhz": ("fmax_mhz",),
    "clock_target_ns": ("clock_target_ns", "clk_target"),
    "clock_estimate_ns": ("clock_estimate_ns", "clk_est", "est_clk_ns"),
    "latency_cycles_min": ("latency_cycles_min", "lat_best"),
    "latency_cycles_max": ("latency_cycles_max", "lat_worst"),
    "interval_cycles_min": ("interval_cycles_min", "ii_min"),
    "interval_cycles_max": ("interval_cycles_max", "ii_max"),
    "power_w": ("power_w",),
}
"""Figures by the columns that state them."""

NAMES = ("design", "project", "sweep", "layers", "name")
DETAILS = ("variant", "layer", "target_fps", "weight_bits", "reuse_factor")


def read(source: Source) -> list[Record]:
    """Return a record per row of a CSV file with at least the columns of LUTs and FFs; else none."""
    first = source.text.split("\n", 1)[0]
    head = [label(name) for name in next(csv.reader([first]), [])]
    if "," not in first or not {"lut", "luts"} & set(head) or not {"ff", "ffs"} & set(head):
        return []
    found = []
    for line, row in enumerate(csv.reader(source.text.splitlines()[1:]), 2):
        if not row:
            continue
        if len(row) != len(head):
            raise source.broken(f"row {line} of the table has {len(row)} of {len(head)} columns")
        values = dict(zip(head, row, strict=True))
        name = [values[key] for key in (*NAMES, *DETAILS) if values.get(key)]
        found.append(
            Record(
                tool=values.get("tool") or "table",
                version=values.get("version") or None,
                kind=values.get("kind") or "row",
                part=values.get("part") or None,
                design=" ".join(name) or None,
                file=source.file,
                figures=stated(
                    {
                        key: number(next((values[n] for n in names if n in values), None))
                        for key, names in COLUMNS.items()
                    }
                ),
            )
        )
    return found
