# SPDX-License-Identifier: Apache-2.0
"""The texts that several commands print of a report: the verdict, the table of layers, the notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.report.quantities import count as exact
from tailrace.report.render.asic_page import in_short as standard_cells
from tailrace.report.render.figures import equalities
from tailrace.report.render.table import layer_table, summary

if TYPE_CHECKING:
    from tailrace.planning.streams.timeline import Timeline
    from tailrace.report.schema import Check, Report


EQUALITIES = {
    "software": "network = graph",
    "hls": "graph = HLS C++",
    "rtl": "graph = Verilog",
    "netlist": "Verilog = netlist",
}
"""The equalities in the words of the command line."""


def print_summary(report: Report) -> None:
    """Print the verdict in a few lines."""

    def line(name: str, item: Check | None) -> str:
        if item is None:
            return f"  {name:<18} not checked"
        rounding = (
            f", {item.framework_rounding} of the framework's own roundings" if item.framework_rounding else ""
        )
        good = "equal" if not item.mismatches else f"{item.mismatches} MISMATCHES"
        return f"  {name:<18} {good} on {item.vectors} vectors{rounding}"

    performance = report.performance
    clock = f" at {report.target.clock_mhz:g} MHz" if report.target.clock_mhz else ""
    click.echo(f"{report.model.name} on {report.target.part}{clock}")
    for equality in equalities(report):
        click.echo(line(EQUALITIES[equality.key], equality.check))
    if report.accuracy:
        title = "agreement" if report.accuracy.measure == "agreement" else "accuracy"
        share = report.accuracy.correct / report.accuracy.total
        click.echo(f"  {title:<18} {share:.2%} ({report.accuracy.words}, {report.accuracy.dataset})")
    fps = f"{performance.fps:,.0f} frames/s" if performance.fps else "rate unknown"
    latency = f", latency {exact(performance.latency_cycles)} cycles" if performance.latency_cycles else ""
    source = "measured in the Verilog" if performance.source == "rtl" else "as planned"
    click.echo(
        f"  {'speed':<18} {fps}, interval {exact(performance.interval_cycles)} cycles{latency} ({source})"
    )
    if report.asic:
        for title, value in standard_cells(report.asic):
            click.echo(f"  {title:<18} {value}")
    elif report.synth:
        s = report.synth
        cells = ((s.lut, "LUT"), (s.ff, "FF"), (s.dsp, "DSP"), (s.bram18, "BRAM18"))
        shown = ", ".join(f"{exact(value)} {name}" for value, name in cells)
        click.echo(f"  {'cells':<18} {shown} ({s.tool})")
    if report.timing and report.timing.fmax_mhz:
        verdict = "met" if report.timing.met else "NOT met"
        click.echo(
            f"  {'clock':<18} {report.timing.fmax_mhz:.1f} MHz possible, target {verdict} ({report.timing.tool})"
        )
    if report.bitstream:
        click.echo(f"  {'bitstream':<18} {report.bitstream}")
    print_notices(report)


def print_layers(report: Report, *, helpers: bool = False, wide: bool = False) -> None:
    """Print the table of layers, the rate, the latency and the share of the part, and the notices."""
    click.echo(layer_table(report, helpers=helpers, wide=wide), nl=False)
    click.echo(summary(report), nl=False)
    print_notices(report)


BAR = 40
"""Letters of a bar of the timeline."""


def print_timeline(found: Timeline) -> None:
    """Print how much of a frame every instance works (#), waits for room behind it (-) or for input (.)."""
    width = max(len(share.name) for share in found.shares)
    click.echo(f"{'Where the time goes':<{width}}  busy  room  input")
    for share in found.shares:
        busy, room = round(BAR * share.busy), round(BAR * (share.busy + share.waits_for_room))
        bar = "#" * busy + "-" * (room - busy) + "." * (BAR - room)
        shares = (share.busy, share.waits_for_room, share.waits_for_input)
        click.echo(f"{share.name:<{width}}  " + "  ".join(f"{part:>4.0%}" for part in shares) + f"  {bar}")
    click.echo(found.in_words())


def print_notices(report: Report) -> None:
    """Print what the user ought to know, a line each."""
    for notice in report.notices:
        click.echo(f"  {'notice':<18} {notice}")
