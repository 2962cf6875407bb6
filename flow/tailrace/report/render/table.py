# SPDX-License-Identifier: Apache-2.0
"""The table of layers for terminals, as `tailrace show` prints it."""

from __future__ import annotations

import io
import re
import shutil
import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tailrace.report import quantities
from tailrace.report.render import figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.report.records import BuildRecord, Layer

PLAIN_WIDTH = 400
"""Columns without a terminal: wide enough that nothing is cut; the table takes only what it needs."""

ORIGIN_LETTERS = 18
"""Of the network's own name of a layer, its beginning and its end, in the narrow table."""

EXPORTED = re.compile(r"(_output_\d+|_out\d+|:\d+)$")
"""What exporters put behind the name of a node to name its output."""


def layer_table(
    report: BuildRecord,
    *,
    helpers: bool = False,
    wide: bool = False,
    terminal: bool | None = None,
    width: int | None = None,
) -> str:
    """Return the table of layers as text, with a line of sums; coloured only for a ``terminal``.

    Blocks that only help (buffers, other widths, forks) are summed in one line, or with ``helpers`` have a line each;
    ``wide`` adds the bits, the busy share and the flip-flops, and writes names in full. ``terminal`` defaults to
    whether stdout is one; ``width`` is in characters and defaults to that of the terminal, otherwise to as much as
    the table needs.
    """
    if terminal is None:
        terminal = sys.stdout.isatty()
    if width is None:
        width = shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        no_color=None if terminal else True,
        width=width,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(_table(report, helpers=helpers, wide=wide))
    return "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip()) + "\n"


def _table(report: BuildRecord, *, helpers: bool, wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, show_edge=False, padding=(0, 1, 0, 0))
    cells = {cell.key: cell for cell in figures.shown_resources(report)}
    slow = figures.bottlenecks(report)
    kinds = _kinds(report, wide=wide)
    helping = [layer for layer in report.layers if figures.is_helper(layer)]
    summed = bool(helping) and not helpers
    indent = "  " if helping and helpers else ""
    interval = max(
        (layer.interval_cycles for layer in report.layers if layer.interval_cycles is not None), default=None
    )
    table.add_column("Layer", footer="in all", overflow="fold")
    table.add_column("In the network", overflow="fold")
    table.add_column("Block")
    if wide:
        table.add_column("In→out bits", justify="right")
        table.add_column("Weights", justify="right")
    table.add_column("PE × SIMD", justify="right")
    table.add_column("Cycles", justify="right", footer=quantities.count(interval))
    if wide:
        table.add_column("Busy", justify="right")
    for key in kinds:
        cell = cells[key]
        shown = quantities.count(cell.value) if cell.synthesized else about(cell.value)
        table.add_column(cell.title, justify="right", footer=shown)
    for layer in report.layers:
        helper = figures.is_helper(layer)
        if helper and summed:
            continue
        types = (
            f"{quantities.count(layer.in_bits)}→{quantities.count(layer.out_bits)}",
            quantities.count(layer.weight_bits),
        )
        table.add_row(
            Text((indent if helper else "") + printable(layer.name)),
            Text(origin(layer, wide=wide)),
            Text(printable(layer.block)),
            *(types if wide else ()),
            figures.folding(layer) or quantities.NOT_MEASURED,
            quantities.count(layer.interval_cycles),
            *((quantities.percent(layer.utilization),) if wide else ()),
            *(layer_cell(layer, key) for key in kinds),
            style="bold yellow" if layer.name in slow else ("dim" if helper else None),
        )
    if summed:
        longest = max((layer.interval_cycles or 0 for layer in helping), default=0)
        table.add_row(
            Text(f"{len(helping)} helpers"),
            "",
            "",
            *(("", "") if wide else ()),
            "",
            quantities.count(longest or None),
            *(("",) if wide else ()),
            *(_sum(helping, key) for key in kinds),
            style="dim",
        )
    return table


def _kinds(report: BuildRecord, *, wide: bool) -> tuple[str, ...]:
    """Return the cells that have a column: all in the wide table, else LUTs or gates and what else is used."""
    kinds = figures.columns(report)
    if wide or figures.in_cells(report):
        return kinds
    values = {
        key: [getattr(layer.synth or layer, key) or getattr(layer, key) for layer in report.layers]
        for key in kinds
    }
    return tuple(key for key in kinds if key == "lut" or (key != "ff" and any(values[key])))


def origin(layer: Layer, *, wide: bool) -> str:
    """Return the network's own name of a layer, without the end that exporters put there; cut in the middle."""
    name = printable(EXPORTED.sub("", layer.origin or ""))
    if wide or len(name) <= ORIGIN_LETTERS:
        return name
    half = (ORIGIN_LETTERS - 1) // 2
    return f"{name[:half]}…{name[-(ORIGIN_LETTERS - 1 - half) :]}"


def summary(report: BuildRecord) -> str:
    """Return rate and latency, the share of the part, and how far to trust estimates, a line each, where known."""
    speed, clock = report.performance, report.target.clock_mhz
    facts = []
    if speed.fps is not None:
        at = f" at {quantities.megahertz(clock)}" if clock else ""
        interval = f" ({quantities.count(speed.interval_cycles)} cycles)" if speed.interval_cycles else ""
        facts.append(f"{quantities.with_prefix(speed.fps).rstrip()} frames/s{at}{interval}")
    if speed.latency_cycles is not None:
        seconds = figures.cycles_to_seconds(report, speed.latency_cycles)
        time = "" if seconds is None else f"{quantities.quantity(seconds, 's')} "
        cycles = f"{quantities.count(speed.latency_cycles)} cycles"
        facts.append(f"latency {time}({cycles})" if time else f"latency {cycles}")
    shares = [
        f"{quantities.percent(cell.share)} of its {cell.title}s"
        for cell in figures.shown_resources(report)
        if cell.share and cell.key in ("lut", "dsp", "bram18", "uram")
    ]
    how = "measured in the Verilog, " if speed.source == "rtl" else "planned for "
    part = (how if facts else "") + report.target.part
    lines = (", ".join(facts), f"{part}: {', '.join(shares)}" if shares else part, _trust(report))
    return "".join(f"{line}\n" for line in lines if line)


def _trust(report: BuildRecord) -> str:
    """Say how far off the estimates are; nothing where all is synthesized."""
    if report.synth is not None or report.asic is not None or figures.in_cells(report):
        return ""
    error = report.estimate_error
    if error.get("lut") is None:
        return "estimates (~) are not calibrated for this family"
    beyond = sum(layer.source != "fitted" for layer in report.layers)
    blocks = f"\n{beyond} of {len(report.layers)} blocks are beyond what was calibrated" if beyond else ""
    off = " and ".join(
        f"{quantities.percent(error[key])} of {title}"
        for key, title in (("lut", "LUTs"), ("ff", "flip-flops"))
        if error.get(key) is not None
    )
    return f"estimates (~) are off by {off} on average{blocks}"


def printable(name: str) -> str:
    """Return ``name`` without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)


def about(value: float | None) -> str:
    """Return an estimate with ``~`` in front."""
    return quantities.NOT_MEASURED if value is None else f"~{quantities.estimate(value)}"


def layer_cell(layer: Layer, key: str) -> str:
    """Return the synthesized count of a layer, or its estimate with ``~`` in front."""
    measured = getattr(layer.synth, key) if layer.synth is not None else None
    return about(getattr(layer, key)) if measured is None else quantities.count(measured)


def _sum(layers: Sequence[Layer], key: str) -> str:
    """Return the sum over ``layers``, measured where all are; a dash where one has neither."""
    measured = [getattr(layer.synth, key) if layer.synth is not None else None for layer in layers]
    known = [value for value in measured if value is not None]
    if len(known) == len(layers):
        return quantities.count(figures.add(known))
    guesses = [
        getattr(layer, key) if value is None else value for layer, value in zip(layers, measured, strict=True)
    ]
    sums = [value for value in guesses if value is not None]
    return about(figures.add(sums)) if len(sums) == len(layers) else quantities.NOT_MEASURED
