# SPDX-License-Identifier: Apache-2.0
"""``tailrace report``: one build, or several compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli.options import FilePath

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("folders", type=FilePath, nargs=-1, required=True, metavar="FILE_OR_FOLDER...")
@click.option("-o", "--output", type=FilePath, help="File to write: .json, .md, .html or .csv.")
def report(folders: tuple[Path, ...], output: Path | None) -> None:
    """Print the report of a build, or write it; several builds become a comparison.

    Reports of Vivado, Vitis HLS, Quartus, Libero, Radiant, ISE, nextpnr, yosys and FINN, and folders with them, go
    into one table, together with builds.
    """
    from tailrace.report.gather import gather
    from tailrace.report.render.output import render, write_reports
    from tailrace.report.render.records import render_records, write_records

    found = gather(folders)
    for notice in found.notices:
        click.echo(f"notice: {notice}", err=True)
    if output is None:
        text = (
            render(found.reports(), ".md", found.names())
            if found.only_builds
            else render_records(found.records(), ".md")
        )
        click.echo(text, nl=False)
        return
    if found.only_builds:
        write_reports(found.reports(), output, found.names())
    else:
        write_records(found.records(), output)
    click.echo(f"wrote {output}")
