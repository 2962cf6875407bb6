# SPDX-License-Identifier: Apache-2.0
"""``tailrace export``: the Verilog as a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli.options import FilePath
from tailrace.packaging.export import KINDS

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("folder", type=FilePath, metavar="DIR")
@click.option("--as", "kind", type=click.Choice(KINDS), required=True, help="What to write.")
@click.option("-o", "--output", type=FilePath, help="Folder, or file of the archive (default in DIR/export).")
@click.option(
    "--vlnv", metavar="V:L:N:V", help="Vendor, library, name, version (default user:tailrace:NAME:1.0)."
)
def export_package(folder: Path, kind: str, output: Path | None, vlnv: str | None) -> None:
    """Write the Verilog of a build folder as a package that works without tailrace.

    ipxact: for Vivado's IP catalogue. core: for FuseSoC. f: a file list. tar: an archive with bench, vectors and
    Makefile. librelane: a configuration for LibreLane, which makes a chip layout of it.
    """
    from tailrace.cli.folder import opened

    with opened(folder, "there is nothing to export") as design:
        click.echo(f"wrote {design.export(kind, output, vlnv=vlnv)}")
