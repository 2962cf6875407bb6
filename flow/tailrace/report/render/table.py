# SPDX-License-Identifier: Apache-2.0
"""The table of layers for terminals, as `tailrace show` prints it."""

from __future__ import annotations

import io
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
    from tailrace.report.records import BuildRecord, Layer

PLAIN_WIDTH = 400
"""Columns without a terminal: wide enough that nothing is cut; the table takes only what it needs."""


def layer_table(report: BuildRecord, *, terminal: bool | None = None, width: int | None = None) -> str:
    """Return the table of layers as text, with a line of sums; coloured only for a ``terminal``.

    ``terminal`` defaults to whether stdout is one; ``width`` is in characters and defaults to that of the
    terminal, otherwise to as much as the table needs.
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
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, pad_edge=False)
    cells = {cell.key: cell for cell in figures.shown_resources(report)}
    slow = figures.bottlenecks(report)
    names = figures.columns(report)
    interval = max(
        (layer.interval_cycles for layer in report.layers if layer.interval_cycles is not None), default=None
    )
    table.add_column("Layer", footer="in all", overflow="fold")
    table.add_column("Block")
    table.add_column("In→out bits", justify="right")
    table.add_column("Weights", justify="right")
    table.add_column("PE × SIMD", justify="right")
    table.add_column("Cycles", justify="right", footer=quantities.count(interval))
    table.add_column("Busy", justify="right")
    for key in names:
        cell = cells[key]
        shown = quantities.count(cell.value) if cell.synthesized else about(cell.value)
        table.add_column(cell.title, justify="right", footer=shown)
    for layer in report.layers:
        table.add_row(
            Text(printable(layer.name)),
            Text(printable(layer.block)),
            f"{quantities.count(layer.in_bits)}→{quantities.count(layer.out_bits)}",
            quantities.count(layer.weight_bits),
            figures.folding(layer) or quantities.NOT_MEASURED,
            quantities.count(layer.interval_cycles),
            quantities.percent(layer.utilization),
            *(layer_cell(layer, key) for key in names),
            style="bold yellow" if layer.name in slow else None,
        )
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip()) + "\n"


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
