# SPDX-License-Identifier: Apache-2.0
"""``tailrace explore``: many designs at once, the best of them measured, all of them on one page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace.cli.options import FilePath, noted
from tailrace.core.errors import TailraceError, UsageError
from tailrace.design.config import ENGINES
from tailrace.planning.objective import MINIMIZED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.design.exploration import Store
    from tailrace.design.exploration.run import Outcome

STAGES = ("estimate", "simulate", "synthesize", "place")
SILENT_SECONDS = 5.0

SHOWN = 20
"""So many designs of the front are printed; the page has all."""


@click.command()
@click.argument("networks", nargs=-1, type=FilePath, metavar="[MODEL]...")
@click.option("--part", "parts", default="ecp5-85k", show_default=True, metavar="P,...", help="FPGAs.")
@click.option("--clock", "clocks", default="100", show_default=True, metavar="MHZ,...", help="Clock targets.")
@click.option("--fps", metavar="A,B|A..B", help="Frames per second, some or a range of them (1e3..1e6).")
@click.option("--steps", type=click.IntRange(2, 100), default=7, show_default=True, help="Rates in a range.")
@click.option(
    "--engine", "engines", default="auto", show_default=True, metavar="E,...", help="|".join(ENGINES)
)
@click.option("--minimize", metavar="G,...", help=f"Goals of the optimizer: {', '.join(MINIMIZED)}.")
@click.option("--use", metavar="NAME=%", help="The most of the part to take: lut=60%,bram18=40%.")
@click.option(
    "--input-type", metavar="TYPE", help="Type of an input without a quantizer (default fixed<16,6>)."
)
@click.option("--vectors", type=FilePath, help="Network inputs, .npy or .npz; with labels: the accuracy.")
@click.option("--labels", type=FilePath, help="Their classes, where --vectors has none.")
@click.option(
    "--to",
    type=click.Choice(STAGES),
    default="estimate",
    show_default=True,
    help="How far the best designs go.",
)
@click.option(
    "--most", type=click.IntRange(1), default=12, show_default=True, help="Designs that go further."
)
@click.option(
    "--cluster", metavar="C", help="tcp://HOST:PORT of a dask scheduler, or slurm, pbs, sge, lsf, ..."
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Workers, without C."
)
@click.option(
    "-o", "--output", type=FilePath, default=Path("sweep.duckdb"), show_default=True, help="The results."
)
@click.option(
    "--open", "opened", type=FilePath, metavar="FILE", help="Write the page of results, and nothing else."
)
def explore(networks: tuple[Path, ...], output: Path, opened: Path | None, **options: Any) -> None:  # noqa: ANN401
    r"""Plan every MODEL for all parts, clocks and rates; take those that no other design beats further.

    All results go into one file of DuckDB, by the hash of what decides them: the same command goes on where it was
    stopped, several sweeps share the file, nothing is computed twice. A page with the fronts is written beside it.

    \b
    tailrace explore net.onnx --part ecp5-25k,ecp5-85k --fps 1e3..1e6
    tailrace explore w*.onnx --fps 1e5 --vectors test.npz --to synthesize -o bits.duckdb
    tailrace explore --open bits.duckdb
    """
    from tailrace.design.exploration import Store, Sweep, pool, rates
    from tailrace.design.exploration import explore as run

    if opened is not None:
        if networks:
            raise UsageError(
                "both networks and --open are given", hint="--open only writes the page of a file"
            )
        if not opened.is_file():
            raise TailraceError("there is no such file", where=str(opened), hint="tailrace explore makes it")
        click.echo(f"wrote {_write(Store(opened))}")
        return
    cluster, jobs = options.pop("cluster"), options.pop("jobs")
    fps, steps = options.pop("fps"), options.pop("steps")
    sweep = Sweep(
        networks=networks,
        parts=_words(options.pop("parts")),
        clocks=tuple(_number("--clock", word) for word in _words(options.pop("clocks"))),
        rates=rates(fps, steps) if fps else (None,),
        engines=_words(options.pop("engines")),
        minimize=_words(options.pop("minimize") or "") or (None,),
        **options,
    )
    store = Store(output)
    with noted(), pool(cluster, jobs) as workers:
        outcome = run(sweep, store, workers, _said())
    _print(outcome)
    click.echo(f"results in {output}, page in {_write(store)}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _number(option: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise UsageError(f"{option} {word}: wanted numbers, such as 50,100") from None


def _write(store: Store) -> Path:
    """Write the page beside the file of results; returns its path."""
    from tailrace.design.exploration.page import page
    from tailrace.design.folder import write_whole

    path = store.path.with_suffix(".html")
    write_whole(path, page(store).encode())
    return path


def _said() -> Callable[[str], None]:
    """Return what prints how far the sweep is: every few seconds, and at the end of a stage."""
    spoken = time.monotonic()

    def say(text: str) -> None:
        nonlocal spoken
        done, _, count = text.rpartition(": ")[2].partition(" of ")
        if done == count or time.monotonic() - spoken > SILENT_SECONDS:
            spoken = time.monotonic()
            click.echo(text, err=True)

    return say


def _print(outcome: Outcome) -> None:
    """Print what came of a sweep, and its front."""
    for message, count in outcome.problems.items():
        click.echo(f"{count} x {message}")
    line = f"{len(outcome.designs)} designs: {outcome.computed} results computed, {outcome.found} were there"
    click.echo(f"{line}; {len(outcome.front)} are beaten by no other")
    for design in outcome.front[:SHOWN]:
        found = design.estimate
        mark = "" if design.stage in ("synthesize", "place") else "~"
        cells = ", ".join(
            f"{mark}{design.cells(kind) or 0:,.0f} {name}"
            for kind, name in (("lut", "LUT"), ("dsp", "DSP"), ("bram18", "BRAM18"))
        )
        right = "" if design.accuracy is None else f", {design.accuracy:.2%} right"
        rate = f"{design.fps or 0:,.0f} frames/s, {design.latency_us or 0:,.2f} us"
        click.echo(f"  {found.network} on {found.part}: {rate}, {cells}{right} ({design.stage})")
    if len(outcome.front) > SHOWN:
        click.echo(f"  and {len(outcome.front) - SHOWN} more")
