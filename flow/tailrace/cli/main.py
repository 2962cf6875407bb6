# SPDX-License-Identifier: Apache-2.0
"""The command ``tailrace``: the Python interface plus printing.

Exit codes: 0 good, 1 fixable by the user, 2 usage, 3 hardware and model disagree, 4 an external tool failed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tailrace import __version__
from tailrace.core.errors import TailraceError, UsageError
from tailrace.design import api, workflow
from tailrace.design.api import ONLY
from tailrace.design.config import BACKENDS, ENGINES, FIFOS, make_config, read_config, read_folding, to_toml
from tailrace.design.manifest import read_manifest
from tailrace.design.reporting import plan_report
from tailrace.design.workflow import STAGES, Build, Notify
from tailrace.emission.vendor import CONTROLS
from tailrace.graph import Dense, Map, Reshape
from tailrace.packaging.export import KINDS
from tailrace.report.quantities import count as exact
from tailrace.report.render.asic_page import in_short as standard_cells
from tailrace.report.render.output import render, write_reports
from tailrace.report.render.records import is_own, read_all, render_records, write_records
from tailrace.report.render.table import layer_table
from tailrace.report.schema import load_all
from tailrace.targets.parts import PARTS, VENDOR_TOOLS
from tailrace.targets.parts import boards as known_boards
from tailrace.tools.doctor import doctor as look_for_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tailrace.report.schema import Check, Report

FilePath = click.Path(path_type=Path)

INTERRUPTED = 1
"""The exit code after Ctrl-C: the user can go on."""


# A line with a backspace alone keeps click from filling the lines below it.
EPILOG = """\b
tailrace check MODEL    can it be mapped?
tailrace build MODEL    the whole way, from network to report
tailrace doctor         which tools are there
\b
Exit codes: 0 good, 1 you can fix it, 2 wrong usage, 3 hardware and model disagree,
4 an external tool failed.
"""
BUILD_EXAMPLES = """\b
tailrace build net.onnx --part ecp5-85k --clock 50 --fps 100e3
tailrace build net.onnx --part xczu7ev --fps 1e6 --backend rtl -o build/fast
tailrace build net.onnx -o build/fast --from verify --vectors test.npy
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=EPILOG
)
@click.version_option(__version__, "-V", "--version", prog_name="tailrace", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Also print what each stage does.")
def cli(*, verbose: bool) -> None:
    """Turn a quantized network (QONNX) into streaming hardware: Verilog and HLS C++, exact to the last bit."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("tailrace")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)


def _plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to build."""
    options = (
        click.option(
            "-c",
            "--config",
            "config_file",
            type=FilePath,
            help="Options from a tailrace.toml (tailrace init).",
        ),
        click.option(
            "--part", help="FPGA, such as ecp5-85k (the default; see tailrace parts), or cells: liberty:FILE."
        ),
        click.option("--board", help="Board instead of a part; see tailrace boards."),
        click.option("--clock", "clock_mhz", type=float, metavar="MHZ", help="Clock target (default 100)."),
        click.option("--fps", type=float, metavar="N", help="Frames per second that the folding must reach."),
        click.option(
            "--latency-cycles", type=int, metavar="N", help="Most cycles from first word in to last word out."
        ),
        click.option("--fold", type=FilePath, help="Folding per layer, a TOML or JSON file."),
        click.option(
            "--engine", type=click.Choice(ENGINES), help="How matrix products are built (default auto)."
        ),
        click.option(
            "--fifos",
            type=click.Choice(FIFOS),
            help="How deep FIFOs are: for full throughput (the default), or as small as can be.",
        ),
        click.option(
            "--input-type", metavar="TYPE", help="Type of an input without a quantizer (default fixed<16,6>)."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _sources(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the options of the config file, of the folding file, and of the command line, in this order."""
    config_file, fold = options.pop("config_file", None), options.pop("fold", None)
    if options.get("part") and options.get("board"):
        raise UsageError("both --part and --board are given", hint="a board has its part: give one of them")
    sources: list[dict[str, Any]] = [read_config(config_file)] if config_file else []
    if fold:
        sources.append({"layers": read_folding(fold)})
    return [*sources, options]


# --- build --------------------------------------------------------------------------------------------------------


@cli.command(short_help="Build MODEL: from network to report.", epilog=BUILD_EXAMPLES)
@click.argument("model", type=FilePath)
@click.option("-o", "--output", type=FilePath, help="Build folder (default build/NAME of the model).")
@_plan_options
@click.option("--backend", type=click.Choice(BACKENDS), help="What to emit and verify (default both).")
@click.option("--from", "first", type=click.Choice(STAGES), help="First stage; those before must be done.")
@click.option("--to", "last", type=click.Choice(STAGES), help="Last stage (default report).")
@click.option(
    "--vectors", type=FilePath, help="Network inputs to verify on, .npy or .npz, besides random ones."
)
@click.option(
    "--random-vectors",
    type=int,
    metavar="N",
    help="Random vectors to verify on (default 64, or fewer where a frame is large).",
)
@click.option("--seed", type=int, metavar="N", help="Seed of random vectors and stalls (default 1).")
@click.option(
    "--stall", type=float, metavar="P", help="Probability of a stall per cycle and stream end (default 0.3)."
)
@click.option("-j", "--jobs", type=int, metavar="N", help="Programs to run at once (default 2).")
def build(model: Path, output: Path | None, first: str | None, last: str | None, **options: Any) -> None:  # noqa: ANN401
    """Build MODEL in six stages: import, plan, emit, verify, synth, report.

    The build folder then holds the Verilog, the HLS C++, a cocotb bench, a Makefile that works on its own, and the
    report. Every output of both is compared with the network; a difference is exit code 3.
    """
    output = output or Path("build") / model.stem
    options["vectors"] = str(options["vectors"]) if options["vectors"] else None
    sources = _sources(options)
    first, last = first or STAGES[0], last or STAGES[-1]
    config = make_config(*sources) if first == STAGES[0] else workflow.resumed(output, first, *sources)
    job = Build(folder=output, config=config, model=model, first=first, last=last)
    with _progress() as progress:
        design = workflow.build(job, progress)
    if design is None:
        return
    if last == "plan":
        _print_layers(design.report)
    if STAGES.index(last) >= STAGES.index("verify"):
        _print_summary(design.report)
    click.echo(f"report: {output / 'report.html'}")


class _Lines(Notify):
    """Prints a line a stage when it is done."""

    def end(self, stage: str, seconds: float, result: str) -> None:
        """Print what came of a stage."""
        click.echo(f"{stage:<7} {seconds:7.1f} s  {result}")


DOING = {
    "import": "reading the network",
    "plan": "folding the layers",
    "emit": "writing the sources",
    "verify": "compiling the Verilog and the C++, comparing them with the network",
    "synth": "synthesizing block by block, simulating the netlist",
    "report": "writing the report",
}
"""What a stage does, as the live line on a terminal says it."""


class _LiveLines(_Lines):
    """On a terminal: the stage that runs has a line with its running time, and the lines of those done stay above."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task("", total=None, visible=False)

    def begin(self, stage: str) -> None:
        """Show a stage."""
        self.progress.reset(self.task, description=f"{stage}: {DOING[stage]}", total=None, visible=True)

    def end(self, stage: str, seconds: float, result: str) -> None:
        """Print what came of a stage, above the live line."""
        self.progress.update(self.task, visible=False)
        self.progress.console.print(
            f"{stage:<7} {seconds:7.1f} s  {result}", markup=False, highlight=False, soft_wrap=True
        )


@contextmanager
def _progress() -> Iterator[Notify]:
    """Give what shows how a build goes on: a live line on a terminal, plain lines elsewhere."""
    console = Console()
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _LiveLines(progress)


def _print_summary(report: Report) -> None:
    """Print the verdict in a few lines."""

    def line(name: str, item: Check | None) -> str:
        if item is None:
            return f"  {name:<18} not checked"
        rounding = (
            f", {item.framework_rounding} of the framework's own roundings" if item.framework_rounding else ""
        )
        good = "equal" if not item.mismatches else f"{item.mismatches} MISMATCHES"
        return f"  {name:<18} {good} on {item.vectors} vectors{rounding}"

    verify, performance = report.verify, report.performance
    clock = f" at {report.target.clock_mhz:g} MHz" if report.target.clock_mhz else ""
    click.echo(f"{report.model.name} on {report.target.part}{clock}")
    for name, item in (
        ("network = graph", verify.software),
        ("graph = HLS C++", verify.hls),
        ("graph = Verilog", verify.rtl),
        ("Verilog = netlist", verify.netlist),
    ):
        click.echo(line(name, item))
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
    _print_notices(report)


def _print_layers(report: Report) -> None:
    click.echo(layer_table(report), nl=False)
    _print_notices(report)


def _print_notices(report: Report) -> None:
    for notice in report.notices:
        click.echo(f"  {'notice':<18} {notice}")


# --- before a build -----------------------------------------------------------------------------------------------


@cli.command(short_help="Write tailrace.toml: every option, one table per layer.")
@click.argument("model", type=FilePath)
@click.option("-o", "--output", type=FilePath, default=Path("tailrace.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@_plan_options
def init(model: Path, output: Path, *, force: bool, **options: Any) -> None:  # noqa: ANN401
    """Write tailrace.toml for MODEL: every option and one table per layer, defaults filled in.

    tailrace build MODEL -c tailrace.toml then builds the same design as without the file.
    """
    if output.exists() and not force:
        raise TailraceError(
            "the file exists", where=str(output), hint="--force overwrites it; -o names another"
        )
    config = make_config(*_sources(options))
    plan = workflow.plan_of(api.load(model, config.input_type), config)
    layers: dict[str, dict[str, int | str]] = {}
    for node in plan.graph.nodes:
        if isinstance(node, Reshape):
            continue
        extra: dict[str, int | str] = {}
        if isinstance(node, Dense):
            extra = {"memory": "auto", "dsp": "auto"}
        elif isinstance(node, Map):
            extra = {"requantizer": "auto", "dsp": "auto"}
        own = {**config.layers.get("*", {}), **config.layers.get(node.name, {})}
        own = {key: value for key, value in own.items() if key in extra}
        layers[node.name] = {**plan.folding[node.name], **extra, **own}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(to_toml(replace(config, layers=layers)), encoding="utf-8")
    click.echo(f"wrote {output}: {len(layers)} layers; tailrace build {model} -c {output}")


@cli.command(short_help="Can MODEL be mapped? Lists every node that cannot.")
@click.argument("model", type=FilePath)
@click.option(
    "--input-type", metavar="TYPE", help="Type of an input without a quantizer (default fixed<16,6>)."
)
def check(model: Path, input_type: str | None) -> None:
    """Say whether MODEL can be mapped; list every node that cannot, the reason, and what to do."""
    graph = api.load(model, input_type)
    counts = Counter(type(node).__name__ for node in graph.nodes)
    click.echo(f"{model}: can be mapped ({', '.join(f'{n} {k}' for k, n in counts.items())})")
    first, last = graph.tensors[graph.input], graph.tensors[graph.output]
    for name, tensor, steps in (
        ("input", first, graph.host.input_steps()),
        ("output", last, graph.host.output_steps()),
    ):
        click.echo(f"  {name:<7} {tensor.size} x {tensor.type}; on the host: {'; '.join(steps)}")
    for notice in graph.notices:
        click.echo(f"  notice  {notice}")


@cli.command(short_help="Table of layers of MODEL or of a build folder.")
@click.argument("source", type=FilePath, metavar="MODEL|DIR")
@_plan_options
def show(source: Path, **options: Any) -> None:  # noqa: ANN401
    """Show the layers of a network or a build folder: block, types, folding, cycles, cost.

    A ~ marks estimates, the rest is measured. Yellow, on a terminal, are the layers that set the rate.
    """
    sources = _sources(options)
    if source.is_dir():
        given = [key for item in sources for key, value in item.items() if value]
        if given:
            raise UsageError(
                f"{source} is a build folder, which is shown as it is: {given[0]} has no meaning",
                hint="give the network instead, or leave the option out",
            )
        report = api.Design.open(source).report
    else:
        config = make_config(*sources)
        report = plan_report(workflow.plan_of(api.load(source, config.input_type), config))
    _print_layers(report)


# --- with a build folder ------------------------------------------------------------------------------------------


@contextmanager
def _design(folder: Path, why: str, backend: str = "rtl") -> Iterator[api.Design]:
    """Open the design of a build folder for a command that needs its sources, and keep others out."""
    design = api.Design.open(folder)
    if read_manifest(folder):
        workflow.require_stages(folder, ("import", "plan", "emit"), why)
    if not (folder / backend).is_dir():
        raise TailraceError(
            f"there is no {'Verilog' if backend == 'rtl' else 'HLS C++'}",
            where=str(folder / backend),
            hint=f"build with --backend {backend} or both",
        )
    with workflow.locked(folder):
        yield design


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise UsageError(f"{name} is {value:g}", hint=f"wanted at least {least:g}")


@cli.command(short_help="Verilog against the integer graph.")
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
    make_config({"seed": seed, "stall": stall})  # says what is wrong with them
    _at_least("-n", vectors, 1)
    with _design(folder, "there is nothing to simulate") as design:
        vcd = folder / "sim" / "waves.vcd" if waves else None
        x = workflow.in_shape(design.plan.graph, workflow.read_vectors(file), file) if file else None
        start = time.perf_counter()
        result = design.simulate(
            vectors=vectors, seed=seed, stall=stall, waves=vcd.resolve() if vcd else None, x=x
        )
        click.echo(f"{result.vectors} vectors, 0 mismatches (stall {stall:g}, seed {seed})")
        click.echo(f"interval {result.interval_cycles} cycles, latency {result.latency_cycles} cycles")
        click.echo(f"{time.perf_counter() - start:.1f} s")
    if vcd:
        click.echo(f"waves: {vcd}")


SYNTH_EXAMPLES = """\b
tailrace synth DIR                                   yosys, and the netlist on the vectors
tailrace synth DIR --tool nextpnr                    place and route for ECP5, iCE40
tailrace synth DIR --tool vivado --prefix 'ssh host' Vivado on another machine
tailrace synth DIR --tool quartus --only scripts     what to run, without running it
"""


@cli.command(short_help="Synthesize; place and route; a vendor's flow.", epilog=SYNTH_EXAMPLES)
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
    make_config({"seed": seed, "jobs": jobs})
    with _design(folder, "there is nothing to synthesize", "hls" if tool == "vitis" else "rtl") as design:
        if tool in VENDOR_TOOLS:
            _vendor(design, tool, options, quiet=quiet)
            return
        start = time.perf_counter()
        report = design.synth(tool, seed=seed, jobs=jobs)
        workflow.mark_done(folder, "synth", time.perf_counter() - start)
    _print_summary(report)
    click.echo(f"report: {folder / 'report.html'}")


def _vendor(design: api.Design, tool: str, options: dict[str, Any], *, quiet: bool) -> None:
    """Run a vendor flow and print what came of it."""
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
    _print_summary(report)
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


@cli.command(short_help="Print or write the report; several builds: compare.")
@click.argument("folders", type=FilePath, nargs=-1, required=True, metavar="FILE_OR_FOLDER...")
@click.option("-o", "--output", type=FilePath, help="File to write: .json, .md, .html or .csv.")
def report(folders: tuple[Path, ...], output: Path | None) -> None:
    """Print the report of a build, or write it; several builds become a comparison.

    Reports of Vivado, Vitis HLS, Quartus, Libero, Radiant, ISE, nextpnr, yosys and FINN, and folders with them, go
    into one table, together with builds.
    """
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


@cli.command(name="export", short_help="Write the Verilog as a package for other flows.")
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
    with _design(folder, "there is nothing to export") as design:
        click.echo(f"wrote {design.export(kind, output, vlnv=vlnv)}")


# --- what there is ------------------------------------------------------------------------------------------------


@cli.command(short_help="List the FPGAs.")
def parts() -> None:
    """List the FPGAs that tailrace knows."""
    click.echo(f"{'part':<13} {'family':<9} {'LUT':>9} {'FF':>9} {'DSP':>6} {'BRAM18':>7}  place and route")
    for item in PARTS:
        route = ", ".join([*(["nextpnr"] if item.placer_options else []), *item.tools])
        click.echo(
            f"{item.name:<13} {item.family:<9} {item.lut:>9,} {item.ff:>9,} {item.dsp:>6,} {item.bram18:>7,g}  {route}"
        )


@cli.command(short_help="List the boards.")
def boards() -> None:
    """List the boards that tailrace knows."""
    click.echo(f"{'board':<15} {'part':<13} {'clock':>8}  {'pins':<5} title")
    for item in known_boards():
        pins = "yes" if item.constraints else "no"
        click.echo(f"{item.name:<15} {item.part.name:<13} {item.clock_mhz:>4g} MHz  {pins:<5} {item.title}")


@cli.command(short_help="Which tools are there, and what for.")
def doctor() -> None:
    """Say which tools are installed, what each one is for, and how to get those that are not."""
    tools = look_for_tools()
    versions = [(tool.version or "found") if tool.found else "missing" for tool in tools]
    name, version = max(len(tool.name) for tool in tools), max(map(len, versions))
    for tool, state in zip(tools, versions, strict=True):
        how = "" if tool.found else f": {tool.how_to_get}"
        click.echo(f"{tool.name:<{name}}  {state:<{version}}  {tool.purpose}{how}")


# --- the process --------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    with workflow.interruptible():
        try:
            return _main(arguments)
        except Exception:
            if workflow.INTERRUPTED.is_set():
                return _fail("interrupted", INTERRUPTED)
            raise


def _main(arguments: list[str] | None) -> int:
    """Run the command line; turns what goes wrong into one message and an exit code."""
    try:
        cli.main(args=arguments, prog_name="tailrace", standalone_mode=False)
        sys.stdout.flush()
    except TailraceError as error:
        if workflow.INTERRUPTED.is_set() and not isinstance(error, workflow.InterruptedBuildError):
            return _fail("interrupted", INTERRUPTED)
        return _fail(str(error), error.exit_code)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader has seen enough, as in `tailrace parts | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}\n  hint: check space and permissions", 1)
    return 0


def _fail(message: str, code: int) -> int:
    click.echo(f"tailrace: {message}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
