# SPDX-License-Identifier: Apache-2.0
"""A vendor's flow on a design in a folder: its scripts, its run, and what its reports state."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError, UsageError
from tailrace.design.config import ONLY
from tailrace.design.folder import relative
from tailrace.emission.vendor import CONTROLS, FLOWS, emit_vendor, require_known, top_ports
from tailrace.report.render.output import write_text
from tailrace.report.vendor import missing_kinds, with_run, without_run
from tailrace.tools.vendor import Behind, command_line, read_run, run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tailrace.planning.plan import Plan
    from tailrace.report.schema import Report
    from tailrace.targets.boards import Board


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOptions:
    """How a vendor flow runs: ``prefix`` is put in front of its command, ``program`` replaces its usual one.

    ``only`` is None or one of :data:`ONLY`, ``control`` how a core of Vitis HLS starts, ``follow`` hears each line that
    the tool prints.
    """

    prefix: str | None = None
    program: str | None = None
    only: str | None = None
    control: str = CONTROLS[0]
    follow: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.only is not None and self.only not in ONLY:
            raise UsageError(f"only is {self.only!r}", hint=f"use one of {', '.join(ONLY)}")
        if self.control not in CONTROLS:
            raise UsageError(f"control is {self.control!r}", hint=f"use one of {', '.join(CONTROLS)}")


def run_vendor(
    plan: Plan, folder: Path, report: Report, tool: str, options: VendorOptions, *, board: Board | None
) -> Iterator[Report]:
    """Write the scripts of a vendor flow, run it, and give the report without its last run, then with this one."""
    flow, place = FLOWS[tool], folder / "vendor" / tool
    require_known(tool, plan.part)
    if not (folder / flow.backend).is_dir():
        raise TailraceError(
            f"there is no {folder / flow.backend}, which {flow.title} reads",
            where=str(folder),
            hint=f"build with --backend {flow.backend} or both",
        )
    start = time.perf_counter()
    if options.only != "reports":
        _write_scripts(plan, folder, tool, options, board)
    if options.only == "scripts":
        return
    if options.only is None:
        command = command_line(tool, place, Behind(prefix=options.prefix, program=options.program))
        # What an earlier run left goes first: nothing old may pass for the result of a run that fails.
        report = without_run(report, tool, title=flow.title)
        yield report
        shutil.rmtree(place)
        _write_scripts(plan, folder, tool, options, board)
        run_tool(place, command, follow=options.follow)
    records = [replace(each, file=relative(each.file, folder)) for each in read_run(tool, place)]
    notices = [f"{flow.title} left no {kind} report." for kind in missing_kinds(records, tool)]
    if flow.harness:
        bits = sum(port.bits for port in top_ports(plan))
        notices.append(f"The harness around the design is counted too: {bits + 1} flip-flops.")
    yield with_run(
        report,
        tool,
        title=flow.title,
        records=records,
        seconds=round(time.perf_counter() - start, 2) if options.only is None else None,
        notices=notices,
    )


def _write_scripts(plan: Plan, folder: Path, tool: str, options: VendorOptions, board: Board | None) -> None:
    """Write the scripts of a vendor flow, each whole, beside what a run left."""
    for name, text in emit_vendor(plan, [tool], board=board, control=options.control).items():
        write_text(folder / name, text)
