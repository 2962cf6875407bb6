# SPDX-License-Identifier: Apache-2.0
"""``tailrace flash`` and ``run``: a build folder on its board."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from tailrace.cli.options import FilePath
from tailrace.core.errors import TailraceError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("folder", type=FilePath, metavar="DIR")
def flash(folder: Path) -> None:
    """Print the line that loads the bitstream of a build folder into its board."""
    from tailrace.design import api

    design = api.Design.open(folder)
    board, bitstream = design.board, design.report.bitstream
    if board is None or not board.flash:
        raise TailraceError(
            "it was built for a part, not for a board that is known how to be loaded",
            where=str(folder),
            hint="build with --board (tailrace boards)",
        )
    if bitstream is None or not (folder / bitstream).is_file():
        raise TailraceError(
            "there is no bitstream", where=str(folder), hint=f"tailrace synth {folder} --tool nextpnr"
        )
    click.echo(board.flash.format(bitstream=shlex.quote(str(folder / bitstream))))
    if board.note:
        click.echo(board.note, err=True)


RUN_EXAMPLES = """\b
tailrace run build/net --port /dev/ttyUSB0 --vectors test.npz
tailrace run build/net --simulate -n 20
"""


@click.command(epilog=RUN_EXAMPLES)
@click.argument("folder", type=FilePath, metavar="DIR")
@click.option("--port", metavar="PORT", help="Serial port of the board, such as /dev/ttyUSB0 or COM3.")
@click.option(
    "--simulate", is_flag=True, help="The board's top in Verilator, its serial line on a pseudo terminal."
)
@click.option("--vectors", "file", type=FilePath, help="Network inputs, .npy or .npz, besides random ones.")
@click.option("-n", "vectors", type=int, default=64, show_default=True, metavar="N", help="Random vectors.")
@click.option("--seed", type=int, default=1, show_default=True, metavar="N", help="Seed of the vectors.")
def run(
    folder: Path, port: str | None, file: Path | None, vectors: int, seed: int, *, simulate: bool
) -> None:
    """Send frames through the board of a build folder and compare the answers with the integer graph.

    With --simulate the same driver talks to the board's whole top in Verilator. A difference is exit code 3.
    """
    from tailrace.cli.folder import opened
    from tailrace.design.board import run_on_board
    from tailrace.design.config import make_config
    from tailrace.design.vectors import load_vectors
    from tailrace.design.verification import integers

    if bool(port) == simulate:
        raise UsageError(
            "both --port and --simulate are given" if simulate else "neither --port nor --simulate is given",
            hint="give the serial port of the board, or --simulate",
        )
    make_config({"seed": seed})
    with opened(folder, "there is nothing to run") as design:
        x = load_vectors(file, design.plan.graph).inputs if file else None
        result = run_on_board(design, integers(design.plan, x, vectors, seed), port=port, seed=seed)
    where = "through the top in simulation" if simulate else f"through {port}"
    again = "" if result.sessions == 1 else f", {result.sessions} sessions"
    click.echo(f"{result.frames} frames {where}, 0 mismatches{again}")
    if not simulate:
        click.echo(f"{result.fps:,.0f} frames/s measured")
    click.echo(f"the link carries {result.fps_of_link:,.0f} frames/s, the design {result.fps_of_fabric:,.0f}")
