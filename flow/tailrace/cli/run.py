# SPDX-License-Identifier: Apache-2.0
"""``tailrace sim`` and ``synth``: the tools that run on a build folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from tailrace.cli.options import FilePath
from tailrace.core.errors import UsageError
from tailrace.design.config import ONLY, make_config, read_config
from tailrace.emission.vendor import CONTROLS
from tailrace.report.quantities import count as exact
from tailrace.targets.parts import VENDOR_TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.design.api import Design


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise UsageError(f"{name} is {value:g}", hint=f"wanted at least {least:g}")


@click.command()
@click.argument("folder", type=FilePath, metavar="DIR")
@click.option("-n", "vectors", type=int, default=64, show_default=True, metavar="N", help="Random vectors.")
@click.option("--vectors", "file", type=FilePath, help="Network inputs, .npy or .npz, besides random ones.")
@click.option(
    "--seed", type=int, default=1, show_default=True, metavar="N", help="Seed of vectors and stalls."
)
@click.option(
    "--stall",
    type=float,
    default=0.3,
    show_default=True,
    metavar="P",
    help="Probability of a stall per stream end.",
)
@click.option("--waves", is_flag=True, help="Write sim/waves.vcd.")
def sim(folder: Path, vectors: int, file: Path | None, seed: int, stall: float, *, waves: bool) -> None:
    """Run the Verilog of a build folder against the integer graph; a difference is exit code 3."""
    from tailrace.cli.folder import opened
    from tailrace.design.vectors import load_vectors

    make_config({"seed": seed, "stall": stall})  # says what is wrong with them
    _at_least("-n", vectors, 1)
    with opened(folder, "there is nothing to simulate") as design:
        vcd = folder / "sim" / "waves.vcd" if waves else None
        x = load_vectors(file, design.plan.graph).inputs if file else None
        start = time.perf_counter()
        result = design.simulate(
            vectors=vectors, seed=seed, stall=stall, waves=vcd.resolve() if vcd else None, x=x
        )
        click.echo(f"{result.vectors} vectors, 0 mismatches (stall {stall:g}, seed {seed})")
        click.echo(f"{result.stalled_frames} frames with stalls inside, 0 mismatches")
        planned = design.plan.interval_cycles
        other = "" if result.interval_cycles == planned else f" ({planned} planned)"
        click.echo(f"interval {result.interval_cycles} cycles{other}, latency {result.latency_cycles} cycles")
        click.echo(f"{time.perf_counter() - start:.1f} s")
    if vcd:
        click.echo(f"waves: {vcd}")


SYNTH_EXAMPLES = """\b
tailrace synth DIR                                   yosys, and the netlist on the vectors
tailrace synth DIR --tool nextpnr                    place and route to a bitstream
tailrace synth DIR --tool vivado --prefix 'ssh host' Vivado on another machine
tailrace synth DIR --tool quartus --only scripts     what to run, without running it
"""


@click.command(epilog=SYNTH_EXAMPLES)
@click.argument("folder", type=FilePath, metavar="DIR")
@click.option(
    "--tool", type=click.Choice(["yosys", "nextpnr", *VENDOR_TOOLS]), default="yosys", show_default=True
)
@click.option(
    "--seed", type=int, default=1, show_default=True, metavar="N", help="Seed of vectors and placement."
)
@click.option(
    "-j", "--jobs", type=int, default=2, show_default=True, metavar="N", help="Programs to run at once."
)
@click.option(
    "-c",
    "--config",
    "config_file",
    type=FilePath,
    help="A tailrace.toml with [tools] (default: that of the build folder).",
)
@click.option(
    "--prefix",
    envvar="TAILRACE_PREFIX",
    show_envvar=True,
    metavar="WORDS",
    help="Start the vendor's tool behind this, such as 'ssh host' or 'srun -c 8'.",
)
@click.option(
    "--only",
    type=click.Choice(ONLY),
    help="Only write the vendor's scripts, or only read the reports that a run of yours left.",
)
@click.option(
    "--control",
    type=click.Choice(CONTROLS),
    default=CONTROLS[0],
    show_default=True,
    help="How the core of Vitis HLS starts.",
)
@click.option("-q", "--quiet", is_flag=True, help="Do not show what the vendor's tool prints.")
def synth(folder: Path, tool: str, seed: int, jobs: int, *, quiet: bool, **options: Any) -> None:  # noqa: ANN401
    """Synthesize a build folder block by block, simulate the netlist, and with nextpnr place and route it.

    nextpnr is for ECP5 and iCE40 parts; for ECP5 it leaves a bitstream.

    The vendors' tools run the scripts in vendor/ (written anew), and what their reports state goes into the report of
    the build. Without the tool the scripts are written and the message says what to run.
    """
    from tailrace.cli.folder import opened
    from tailrace.cli.printing import print_summary
    from tailrace.design.manifest import put_back

    make_config({"seed": seed, "jobs": jobs})
    with opened(folder, "there is nothing to synthesize", "hls" if tool == "vitis" else "rtl") as design:
        if tool in VENDOR_TOOLS:
            _vendor(design, tool, options, quiet=quiet)
            return
        start = time.perf_counter()
        report = design.synth(tool, seed=seed, jobs=jobs)
        put_back(folder, "synth", time.perf_counter() - start)
    print_summary(report)
    click.echo(f"report: {folder / 'report.html'}")


def _vendor(design: Design, tool: str, options: dict[str, Any], *, quiet: bool) -> None:
    """Run a vendor flow and print what came of it."""
    from tailrace.cli.printing import print_summary
    from tailrace.design import api

    folder = design.folder
    file = options["config_file"] or folder / "tailrace.toml"
    tools = read_config(file)["tools"] if options["config_file"] or file.is_file() else {}
    prefix = options["prefix"] if options["prefix"] is not None else tools.get("prefix")
    chosen = api.VendorOptions(
        prefix=prefix,
        program=tools.get(tool),
        only=options["only"],
        control=options["control"],
        follow=None if quiet else click.echo,
    )
    report = design.synth(tool, vendor=chosen)
    if options["only"] == "scripts":
        click.echo(f"wrote {folder / 'vendor' / tool}")
        return
    print_summary(report)
    run = report.vendor[tool]
    for record in run.reports:
        if record["kind"] == "power" and record.get("power_w") is not None:
            click.echo(f"  {'power':<18} {record['power_w']:g} W ({run.tool})")
        if record["kind"] == "cosim" and record.get("latency_cycles_max") is not None:
            low, high = record.get("latency_cycles_min"), record["latency_cycles_max"]
            click.echo(f"  {'co-simulation':<18} latency {exact(low)} to {exact(high)} cycles ({run.tool})")
    for notice in run.notices:
        click.echo(f"  {'notice':<18} {notice}")
    click.echo(f"report: {folder / 'report.html'}")
