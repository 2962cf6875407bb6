# SPDX-License-Identifier: Apache-2.0
"""``tailrace parts``, ``boards``, ``doctor``: what there is."""

from __future__ import annotations

import click

from tailrace.targets.boards import boards as known_boards
from tailrace.targets.parts import PARTS


@click.command()
def parts() -> None:
    """List the FPGAs that tailrace knows, how far the open tools take each, and what places and routes it."""
    counts = f"{'LUT':>9} {'FF':>9} {'DSP':>6} {'BRAM18':>7}"
    click.echo(f"{'part':<14} {'family':<9} {counts}  {'open flow':<9}  place and route")
    for item in PARTS:
        route = ", ".join([*(["nextpnr"] if item.placer_options else []), *item.tools])
        counts = f"{item.lut:>9,} {item.ff:>9,} {item.dsp:>6,} {item.bram18:>7,g}"
        click.echo(f"{item.name:<14} {item.family.name:<9} {counts}  {item.open_flow or '-':<9}  {route}")


@click.command()
def boards() -> None:
    """List the boards that tailrace knows, and how far each is checked."""
    click.echo(f"{'board':<15} {'part':<13} {'clock':>8}  {'checked':<24} title")
    for item in known_boards():
        clock = f"{item.clock_mhz:>4g} MHz"
        click.echo(f"{item.name:<15} {item.part.name:<13} {clock}  {item.state:<24} {item.title}")
    click.echo("None of them was run on the board itself; docs/boards.md says what each word means.")


@click.command()
def doctor() -> None:
    """Say which tools are installed, what each one is for, and how to get those that are not."""
    from tailrace.tools.doctor import doctor as look_for_tools

    tools = look_for_tools()
    versions = [(tool.version or "found") if tool.found else "missing" for tool in tools]
    name, version = max(len(tool.name) for tool in tools), max(map(len, versions))
    for tool, state in zip(tools, versions, strict=True):
        how = "" if tool.found else f": {tool.how_to_get}"
        click.echo(f"{tool.name:<{name}}  {state:<{version}}  {tool.purpose}{how}")
