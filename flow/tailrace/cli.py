# SPDX-License-Identifier: Apache-2.0
"""The command ``tailrace``: the Python interface plus printing.

Exit codes: 0 good, 1 fixable by the user, 2 usage, 3 hardware and model disagree, 4 an external tool failed.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace import __version__
from tailrace.errors import TailraceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.report.schema import Check, Report

FilePath = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tailrace")
@click.option("-v", "--verbose", is_flag=True, help="Say more of what is done.")
def cli(*, verbose: bool) -> None:
    """Turn a quantized network (QONNX) into streaming hardware: Verilog and HLS C++, exact to the last bit."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s")
    logging.getLogger("tailrace").setLevel(logging.DEBUG if verbose else logging.INFO)


def _plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to build."""
    for option in (
        click.option("-c", "--config", "config_file", type=FilePath, help="tailrace.toml; see tailrace init."),
        click.option("--part", help="FPGA, such as ecp5-85k or xczu7ev; see tailrace parts."),
        click.option("--board", help="Board instead of a part; see tailrace boards."),
        click.option("--clock", "clock_mhz", type=float, help="Clock target in MHz (default 100)."),
        click.option("--fps", type=float, help="Frames per second that the folding must reach."),
        click.option("--fold", type=FilePath, help="Folding per layer, TOML or JSON."),
        click.option("--engine", type=click.Choice(["auto", "folded"]), help="How matrix products are built."),
        click.option("--input-type", help="Type of an input without a quantizer (default fixed<16,6>)."),
    ):
        function = option(function)
    return function


def _config(options: dict[str, Any]) -> Any:  # noqa: ANN401 - a Config, imported late
    from tailrace.config import make_config, read_config, read_folding
    from tailrace.parts import board

    config_file, fold = options.pop("config_file", None), options.pop("fold", None)
    sources: list[dict[str, Any]] = [read_config(config_file)] if config_file else []
    if fold:
        sources.append({"layers": read_folding(fold)})
    if options.get("board"):
        if options.get("part"):
            raise UsageError("both --part and --board are given", hint="a board has its part: give one of them")
        known = board(options["board"])
        options["part"] = known.part.name
        options["clock_mhz"] = options.get("clock_mhz") or known.clock_mhz
    return make_config(*sources, options)


@cli.command()
@click.argument("model", type=FilePath)
@click.option("-o", "--output", type=FilePath, help="Build folder (default build/MODEL).")
@_plan_options
@click.option("--backend", type=click.Choice(["rtl", "hls", "both"]), help="What to emit (default both).")
@click.option("--from", "first", help="First stage: import, plan, emit, verify, synth, report.")
@click.option("--to", "last", help="Last stage.")
@click.option("--vectors", type=FilePath, help=".npy or .npz of network inputs to verify on, besides random ones.")
@click.option("--random-vectors", type=int, help="Random vectors to verify on (default 64).")
@click.option("--seed", type=int, help="Seed of vectors and stalls (default 1).")
@click.option("--stall", type=float, help="Probability of a stall per cycle and stream end (default 0.3).")
@click.option("-j", "--jobs", type=int, help="Compilers to run at once (default 2).")
def build(model: Path, output: Path | None, first: str | None, last: str | None, **options: Any) -> None:  # noqa: ANN401
    """Build MODEL: import, plan, emit, verify, synthesize, report."""
    from tailrace.workflow import Build
    from tailrace.workflow import build as run_build

    output = output or Path("build") / model.stem
    if options.get("vectors"):
        options["vectors"] = str(options["vectors"])
    job = Build(folder=output, config=_resumed(output, first, options), model=model, first=first or "import",
                last=last or "report")  # fmt: skip
    console = _console()

    def notify(name: str, seconds: float) -> None:
        console.print(f"{name:<8} {seconds:8.1f} s", highlight=False)

    try:
        if console.is_terminal:
            with console.status("building"):
                design = run_build(job, notify)
        else:
            design = run_build(job, notify)
    except KeyboardInterrupt:
        raise TailraceError(
            "interrupted; the stage that was running is not taken for done",
            where=str(output),
            hint=f"go on with: tailrace build {model} -o {output} --from STAGE, or start again",
        ) from None
    if design is not None:
        _print_summary(design.report)
        click.echo(f"report: {output / 'report.html'}")


def _resumed(output: Path, first: str | None, options: dict[str, Any]) -> Any:  # noqa: ANN401 - a Config
    """Return the configuration; a build that is resumed keeps what its folder says."""
    from tailrace.workflow import read_manifest

    if first in (None, "import"):
        return _config(options)
    from tailrace.config import make_config

    stored = read_manifest(output).get("config", {})
    fresh = _config(dict(options))
    given = {k: getattr(fresh, k) for k, v in options.items() if v is not None and hasattr(fresh, k)}
    return make_config(stored, {**given, "layers": fresh.layers})


@cli.command()
@click.argument("model", type=FilePath)
@click.option("-o", "--output", type=FilePath, default=Path("tailrace.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@_plan_options
def init(model: Path, output: Path, *, force: bool, **options: Any) -> None:  # noqa: ANN401
    """Write tailrace.toml for MODEL: every option and one table per layer, defaults filled in."""
    from dataclasses import replace

    from tailrace import api, passes
    from tailrace.config import to_toml
    from tailrace.graph import Dense, Map, Reshape
    from tailrace.planning.folding import fold, interval_for

    if output.exists() and not force:
        raise TailraceError("the file exists", where=str(output), hint="use --force to overwrite it, or -o")
    config = _config(options)
    graph = passes.run(api.load(model, config.input_type))
    folding = fold(graph, interval_for(graph, config.clock_mhz, config.fps), config.folding)
    layers: dict[str, dict[str, int | str]] = {}
    for node in graph.nodes:
        if isinstance(node, Reshape):
            continue
        extra: dict[str, int | str] = {}
        if isinstance(node, Dense):
            extra = {"memory": "auto", "dsp": "auto"}
        elif isinstance(node, Map):
            extra = {"requantizer": "auto", "dsp": "auto"}
        layers[node.name] = {**folding[node.name], **extra, **config.layers.get(node.name, {})}
    output.write_text(to_toml(replace(config, layers=layers)), encoding="utf-8")
    click.echo(f"wrote {output}: {len(layers)} layers")


@cli.command()
@click.argument("model", type=FilePath)
@click.option("--input-type", help="Type of an input without a quantizer (default fixed<16,6>).")
def check(model: Path, input_type: str | None) -> None:
    """Say whether MODEL can be mapped; list every node that cannot, the reason, and what to do."""
    from collections import Counter

    from tailrace import api

    graph = api.load(model, input_type)
    counts = Counter(type(node).__name__ for node in graph.nodes)
    click.echo(f"{model}: can be mapped ({', '.join(f'{n} {k}' for k, n in counts.items())})")
    first, last = graph.tensors[graph.input], graph.tensors[graph.output]
    click.echo(f"  input   {first.size} x {first.type}: {'; '.join(graph.host.input_steps())}")
    click.echo(f"  output  {last.size} x {last.type}: {'; '.join(graph.host.output_steps())}")
    for notice in graph.notices:
        click.echo(f"  notice  {notice}")


@cli.command()
@click.argument("source", type=FilePath)
@_plan_options
def show(source: Path, **options: Any) -> None:  # noqa: ANN401
    """Show the layers of a network or a build folder: block, types, folding, cycles, estimated cost."""
    from tailrace import api
    from tailrace.report.table import layer_table
    from tailrace.reporting import plan_report

    if source.is_dir():
        report = api.Design.open(source).report
    else:
        config = _config(options)
        plan = api.plan(
            api.load(source, config.input_type),
            part=config.part,
            clock_mhz=config.clock_mhz,
            fps=config.fps,
            layers=config.layers,
        )
        report = plan_report(plan)
    click.echo(layer_table(report))


@cli.command()
@click.argument("folder", type=FilePath)
@click.option("-n", "vectors", type=int, default=64, show_default=True, help="Random vectors.")
@click.option("--vectors", "file", type=FilePath, help=".npy or .npz of network inputs, besides random ones.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--stall", type=float, default=0.3, show_default=True)
@click.option("--waves", is_flag=True, help="Write sim/waves.vcd.")
def sim(folder: Path, vectors: int, file: Path | None, seed: int, stall: float, *, waves: bool) -> None:
    """Run the Verilog of a build folder against the integer graph."""
    import time

    from tailrace import api
    from tailrace.workflow import read_vectors

    design = api.Design.open(folder)
    vcd = (folder / "sim" / "waves.vcd").resolve() if waves else None
    x = design.plan.graph.host.batch(read_vectors(file)) if file else None
    start = time.perf_counter()
    result = design.simulate(vectors=vectors, seed=seed, stall=stall, waves=vcd, x=x)
    click.echo(
        f"{result.vectors} vectors, 0 mismatches (stall {stall:g}, seed {seed}); interval {result.interval_cycles} cycles, "
        f"latency {result.latency_cycles} cycles; {time.perf_counter() - start:.1f} s"
    )
    if vcd:
        click.echo(f"waves: {vcd}")


@cli.command()
@click.argument("folder", type=FilePath)
@click.option("--tool", type=click.Choice(["yosys", "nextpnr"]), default="yosys", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("-j", "--jobs", type=int, default=2, show_default=True)
def synth(folder: Path, tool: str, seed: int, jobs: int) -> None:
    """Synthesize a build folder, check the netlist, and with nextpnr place and route it."""
    from tailrace import api

    _print_summary(api.Design.open(folder).synth(tool, seed=seed, jobs=jobs))


@cli.command()
@click.argument("folders", type=FilePath, nargs=-1, required=True)
@click.option("-o", "--output", type=FilePath, help="File to write: .json, .md, .html or .csv.")
def report(folders: tuple[Path, ...], output: Path | None) -> None:
    """Print the report of a build, or write it; several builds become a comparison."""
    from tailrace.report.output import render, write_reports
    from tailrace.report.schema import load_all

    reports = [item for folder in folders for item in load_all(folder)]
    if output is None:
        click.echo(render(reports, ".md"))
    else:
        write_reports(reports, output)
        click.echo(f"wrote {output}")


@cli.command()
def parts() -> None:
    """List the FPGAs that tailrace knows."""
    from tailrace.parts import PARTS

    click.echo(f"{'part':<14}{'family':<8}{'LUT':>10}{'FF':>10}{'DSP':>7}{'BRAM18':>8}  place and route")
    for item in PARTS:
        route = "nextpnr" if item.placer_options else "vendor tool"
        click.echo(
            f"{item.name:<14}{item.family:<8}{item.lut:>10,}{item.ff:>10,}{item.dsp:>7,}{item.bram18:>8g}  {route}"
        )


@cli.command()
def boards() -> None:
    """List the boards that tailrace knows."""
    from tailrace.parts import boards as known

    for item in known():
        pins = "with pins" if item.constraints else "no pins"
        click.echo(f"{item.name:<16}{item.part.name:<14}{item.clock_mhz:>6g} MHz  {pins:<10} {item.title}")


@cli.command()
def doctor() -> None:
    """Say which tools are installed and what each one is for."""
    from tailrace.tools.doctor import doctor as look

    for tool in look():
        state = f"{tool.version or 'found'}" if tool.found else "missing"
        click.echo(f"{tool.name:<18}{state:<16}{tool.purpose}")
        if not tool.found:
            click.echo(f"{'':<18}{'':<16}hint: {tool.how_to_get}")


def _console() -> Any:  # noqa: ANN401 - rich is imported late
    from rich.console import Console

    return Console(stderr=False, soft_wrap=True)


def _print_summary(report: Report) -> None:
    """Print the verdict in a few lines."""

    def line(name: str, item: Check | None) -> str:
        if item is None:
            return f"  {name:<22} not run"
        rounding = f", {item.framework_rounding} framework roundings" if item.framework_rounding else ""
        return f"  {name:<22} {item.vectors} vectors, {item.mismatches} mismatches{rounding}"

    verify, performance = report.verify, report.performance
    click.echo(f"{report.model.name} on {report.target.part} at {report.target.clock_mhz:g} MHz")
    for name, item in (
        ("software = graph", verify.software),
        ("graph = HLS C++", verify.hls),
        ("graph = Verilog", verify.rtl),
        ("Verilog = netlist", verify.netlist),
    ):
        click.echo(line(name, item))
    fps = f"{performance.fps:,.0f} frames/s" if performance.fps else "rate unknown"
    latency = f", latency {performance.latency_cycles} cycles" if performance.latency_cycles else ""
    click.echo(f"  interval {performance.interval_cycles} cycles, {fps}{latency} ({performance.source})")
    if report.synth:
        s = report.synth
        click.echo(f"  {s.lut:,.0f} LUT, {s.ff:,.0f} FF, {s.dsp:g} DSP, {s.bram18:g} BRAM18 ({s.tool})")
    if report.timing and report.timing.fmax_mhz:
        verdict = "met" if report.timing.met else "NOT met"
        click.echo(f"  Fmax {report.timing.fmax_mhz:.1f} MHz, target {verdict} ({report.timing.tool})")
    for notice in report.notices:
        click.echo(f"  notice: {notice}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        cli.main(args=arguments, prog_name="tailrace", standalone_mode=False)
    except TailraceError as error:
        click.echo(f"tailrace: {error}", err=True)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("tailrace: interrupted", err=True)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"tailrace: {where}{error.strerror or error}\n  hint: check space and permissions", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
