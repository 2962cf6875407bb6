# SPDX-License-Identifier: Apache-2.0
"""Synthesis with the open tools, and E3: block by block with yosys, to standard cells, placed and routed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.asic.activity import measure_activity
from tailrace.asic.flow import asic_models, map_design
from tailrace.asic.power import design_power
from tailrace.asic.records import asic_record, layers_with_asic, power_record, synth_record
from tailrace.core.errors import TailraceError, UsageError
from tailrace.design.records import hardware_check, synth_records
from tailrace.design.verification import integers, quiet
from tailrace.emission.board import board_sources, obstacle, pin_file, top_name
from tailrace.emission.rtl import library_files, module_names
from tailrace.emission.vendor import FLOWS
from tailrace.report.schema import Occupied, Timing
from tailrace.targets.families import placed
from tailrace.tools.instances import InstanceFiles, synthesize_instances
from tailrace.tools.nextpnr import place_and_route
from tailrace.verify.netlist import verify_netlist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tailrace.graph.values import Values
    from tailrace.planning.plan import Plan
    from tailrace.report.schema import Report
    from tailrace.targets.boards import Board
    from tailrace.tools.yosys import CellModels, Synthesis
    from tailrace.verify.hardware import HardwareResult

Integers = NDArray[np.int64]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """``check``: simulate the netlist on the network inputs ``x`` and ``vectors`` random ones, with ``stall``.

    ``board`` is that of the folder, whose top is placed on its pins if there is one. ``hear`` is told how far it is.
    """

    jobs: int = 2
    check: bool = True
    x: Values | None = None
    vectors: int = 16
    seed: int = 1
    stall: float = 0.3
    board: Board | None = None
    hear: Callable[[str], None] = quiet


def synthesize(plan: Plan, folder: Path, report: Report, tool: str, options: Options) -> Iterator[Report]:
    """Synthesize with ``yosys``, or place and route as well with ``nextpnr``, and give the report after each step.

    Raises UsageError for another tool or a part that it does not know, ToolError where it is missing or fails, Mismatch
    where the netlist differs.
    """
    _require(plan, tool)
    if plan.part.liberty:
        yield from _standard_cells(plan, folder, report, options)
        return
    results = _blocks(plan, folder, options)
    layers, synth = synth_records(plan, results)
    report = replace(report, layers=layers, synth=synth)
    yield report
    if options.check and (report.verify.netlist is None or tool == "yosys"):
        cells = sum(sum(result.cells.values()) for result in results.values())
        netlists = {name: result.netlist for name, result in results.items()}
        q = integers(plan, options.x, options.vectors, options.seed)
        result = _netlists_checked(plan, folder, options, netlists, q, cells=cells)
        report = _with_netlists(report, result)
        yield report
        if result.first:
            raise result.first
    if tool == "nextpnr":
        options.hear("placing and routing")
        yield _routed(plan, folder, report, results, options)


def _require(plan: Plan, tool: str) -> None:
    """Raise UsageError where the open tools do not do this for the part."""
    part = plan.part
    if part.liberty:
        if tool != "yosys":
            raise UsageError(
                f"{tool} does not know the cells of a library",
                hint="--tool yosys maps to them; tailrace export --as librelane goes on to a layout",
            )
        return
    if tool not in ("yosys", "nextpnr"):
        raise UsageError(f"there is no tool {tool!r}", hint=f"use one of yosys, nextpnr, {', '.join(FLOWS)}")
    if not part.open_synthesis:
        raise UsageError(
            f"yosys does not synthesize for {part.name} here", hint=f"use --tool {' or '.join(part.tools)}"
        )
    if tool == "nextpnr" and not part.placer_options:
        raise UsageError(
            f"nextpnr cannot place {part.name}",
            hint=f"choose a part of {', '.join(each.title for each in placed())} (tailrace parts), "
            "or synthesize with --tool yosys",
        )


def _blocks(plan: Plan, folder: Path, options: Options) -> dict[str, Synthesis]:
    """Synthesize every block of the Verilog in ``folder``."""
    rtl = folder / "rtl"
    if not rtl.is_dir():
        raise TailraceError("there is no Verilog", where=str(rtl), hint="build with --backend rtl or both")
    return synthesize_instances(
        design=plan.name,
        instances={
            instance.name: InstanceFiles(
                library=list(library_files([instance.block])), own=module_names(plan, instance)
            )
            for instance in plan.instances
        },
        rtl=rtl,
        folder=folder / "synth",
        family=plan.part.family,
        jobs=options.jobs,
        hear=lambda done, total: options.hear(f"{done} of {total} blocks"),
    )


def _standard_cells(plan: Plan, folder: Path, report: Report, options: Options) -> Iterator[Report]:
    """Map to the standard cells of the part, simulate the gates, estimate the power."""
    mapped = map_design(plan, folder, options.jobs)
    record = asic_record(mapped, plan.clock_mhz)
    layers = layers_with_asic(report.layers, mapped)
    report = replace(report, layers=layers, asic=record, synth=synth_record(record))
    yield report
    if not options.check:
        return
    models = asic_models(folder, mapped)
    q = integers(plan, options.x, options.vectors, options.seed)
    result = _netlists_checked(plan, folder, options, mapped.netlists, q, cells=mapped.cells, models=models)
    report = _with_netlists(report, result)
    yield report
    if result.first:
        raise result.first
    options.hear("counting how often each net switches")
    activity = measure_activity(
        plan, folder, mapped.netlists, models, q, cells=mapped.cells, jobs=options.jobs
    )
    powers = design_power(plan, mapped, activity)
    yield replace(
        report,
        layers=layers_with_asic(layers, mapped, powers),
        asic=replace(record, power=power_record(powers, activity, mapped, plan.clock_mhz)),
    )


def _netlists_checked(
    plan: Plan,
    folder: Path,
    options: Options,
    netlists: Mapping[str, Path],
    q: Integers,
    *,
    cells: int,
    models: CellModels | None = None,
) -> HardwareResult:
    """Run (n, size) integers through the netlists {instance: file} of ``cells`` cells: E3."""
    graph = plan.graph
    options.hear("simulating the netlist")
    return verify_netlist(
        plan,
        folder,
        netlists,
        q,
        graph.run_frames(q),
        cells=cells,
        stall=options.stall,
        seed=options.seed,
        jobs=options.jobs,
        models=models,
    )


def _with_netlists(report: Report, result: HardwareResult) -> Report:
    """Return the report with E3."""
    return replace(report, verify=replace(report.verify, netlist=hardware_check(result, stalled=True)))


def _routed(
    plan: Plan, folder: Path, report: Report, results: Mapping[str, Synthesis], options: Options
) -> Report:
    """Place and route, on a board its top on its pins; return the report with the clock that is reached."""
    board = options.board if options.board and not obstacle(plan, options.board) else None
    own = [folder / "board" / name for name in board_sources(plan)] if board else []
    routed = place_and_route(
        top=top_name(plan) if board else plan.name,
        block_rtlil=[result.rtlil for result in results.values()],
        sources=[folder / "rtl" / f"{plan.name}.v", *own],
        folder=folder / "route",
        part=board.part if board else plan.part,
        clock_mhz=plan.clock_mhz,
        seed=options.seed,
        constraints=folder / "board" / pin_file(plan, board) if board else None,
    )
    bitstream = routed.bitstream
    return replace(
        report,
        timing=Timing(
            tool=routed.version,
            fmax_mhz=routed.fmax_mhz,
            met=routed.met,
            utilization={
                cell: Occupied(used=used, available=available)
                for cell, (used, available) in routed.utilization.items()
            },
        ),
        bitstream=str(bitstream.relative_to(folder)) if bitstream else None,
    )
