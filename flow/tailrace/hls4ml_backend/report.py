# SPDX-License-Identifier: Apache-2.0
"""The report of a build under the names that hls4ml's users know; what was not measured is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tailrace.core.errors import TailraceError
from tailrace.report.schema import load

NAMES = {"bram18": "BRAM_18K", "dsp": "DSP", "ff": "FF", "lut": "LUT", "uram": "URAM"}


def read_report(folder: Path | str) -> dict[str, Any]:
    """Return the report of a build folder, or of the hls4ml project around it.

    ``CSynthesisReport`` and ``CosimReport`` have hls4ml's keys (cycles as whole numbers, the period in ns);
    ``TailraceReport`` is report.json whole. Raises TailraceError where there is no report yet.
    """
    place = Path(folder)
    if not (place / "report.json").is_file():
        place /= "tailrace"
    path = place / "report.json"
    if not path.is_file():
        raise TailraceError("there is no report yet", where=str(folder), hint="call hls_model.build() first")
    report = load(path)
    performance, clock = report.performance, report.target.clock_mhz
    synthesis: dict[str, Any] = {"TargetClockPeriod": 1000.0 / clock} if clock else {}
    if performance.latency_cycles is not None:
        synthesis |= {"BestLatency": performance.latency_cycles, "WorstLatency": performance.latency_cycles}
    if performance.interval_cycles is not None:
        synthesis |= {"IntervalMin": performance.interval_cycles, "IntervalMax": performance.interval_cycles}
    if report.timing is not None and report.timing.fmax_mhz:
        synthesis["EstimatedClockPeriod"] = 1000.0 / float(report.timing.fmax_mhz)
    if report.synth is not None:
        for ours, theirs in NAMES.items():
            value = getattr(report.synth, ours)
            if value is not None:
                synthesis[theirs] = value
    found: dict[str, Any] = {"CSynthesisReport": synthesis}
    if report.verify.rtl is not None:
        passed = report.verify.rtl.mismatches == 0
        found["CosimReport"] = {"RTL": "Verilog", "Status": "Pass" if passed else "Fail"}
    found["TailraceReport"] = json.loads(path.read_text(encoding="utf-8"))
    return found
