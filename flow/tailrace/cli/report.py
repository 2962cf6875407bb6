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
    from tailrace.report.render.output import render, write_reports
    from tailrace.report.render.records import is_own, read_all, render_records, write_records
    from tailrace.report.schema import load_all

    if not all(is_own(folder) for folder in folders):
        records = read_all(folders)
        if output is None:
            click.echo(render_records(records, ".md"), nl=False)
        else:
            write_records(records, output)
            click.echo(f"wrote {output}")
        return
    found = [(folder, load_all(folder)) for folder in folders]
    reports = [item for _, items in found for item in items]
    # Builds of one network are told apart by their folders.
    names = [folder.resolve().name for folder, items in found for _ in items]
    alike = len({item.model.name for item in reports}) < len(reports) and len(set(names)) == len(names)
    if output is None:
        click.echo(render(reports, ".md", names if alike else None), nl=False)
    else:
        write_reports(reports, output, names if alike else None)
        click.echo(f"wrote {output}")
