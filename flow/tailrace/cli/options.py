# SPDX-License-Identifier: Apache-2.0
"""The options that several commands take: what to build, and for what."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tailrace.core.errors import UsageError
from tailrace.design.config import ENGINES, FIFOS, read_config, read_folding
from tailrace.planning.objective import MINIMIZED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FilePath = click.Path(path_type=Path)


def _joined(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return what was given several times as one text, or None."""
    return ",".join(values) or None


states_option = click.option(
    "--state",
    "states",
    metavar="INPUT=OUTPUT",
    multiple=True,
    callback=_joined,
    help="An input that is what an output was a frame before; as often as there are states.",
)

sequence_option = click.option(
    "--sequence",
    type=int,
    metavar="N",
    help="Steps of every sequence; without it each begins with a mark (tuser), and may have any length.",
)

limits_option = click.option(
    "--limits", metavar="NAME=N", help="How large a network may be: nodes, elements, operations, chain."
)


def plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to build, from ``--config`` to ``--input-type``."""
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
        click.option("--latency-us", type=float, metavar="US", help="The same in microseconds."),
        click.option(
            "--minimize",
            type=click.Choice(MINIMIZED),
            help="Let the optimizer choose all: what it makes small, within the budget of --use.",
        ),
        click.option(
            "--use",
            metavar="NAME=%",
            help="The most of the part to take: lut=60%,bram18=40% (lut, ff, dsp, bram18).",
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
        states_option,
        sequence_option,
        limits_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def sources_of(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the options of the config file, of the folding file, and of the command line, in this order."""
    config_file, fold = options.pop("config_file", None), options.pop("fold", None)
    if options.get("part") and options.get("board"):
        raise UsageError("both --part and --board are given", hint="a board has its part: give one of them")
    sources: list[dict[str, Any]] = [read_config(config_file)] if config_file else []
    if fold:
        sources.append({"layers": read_folding(fold)})
    return [*sources, options]


def insisted(options: dict[str, Any]) -> tuple[str, ...]:
    """Return the options of the command line that a plan must meet: where it does not, the exit code is 1."""
    return ("fps",) if options.get("fps") is not None else ()


@contextmanager
def noted() -> Iterator[None]:
    """Say on stderr when the simulator of plans is compiled, which happens once on a machine and takes a while."""
    from tailrace.design.compiling import said

    with said(lambda text: click.echo(text, err=True)):
        yield
