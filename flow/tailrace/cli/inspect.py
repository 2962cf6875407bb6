# SPDX-License-Identifier: Apache-2.0
"""``tailrace check``, ``show``, ``init``: what a network becomes, before anything is built."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tailrace.cli.options import (
    FilePath,
    insisted,
    limits_option,
    noted,
    plan_options,
    sources_of,
    states_option,
)
from tailrace.core.errors import TailraceError, UsageError
from tailrace.design.config import make_config, to_toml


@click.command()
@click.argument("model", type=FilePath)
@click.option("-o", "--output", type=FilePath, default=Path("tailrace.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@plan_options
def init(model: Path, output: Path, *, force: bool, **options: Any) -> None:  # noqa: ANN401
    """Write tailrace.toml for MODEL: every option and one table per layer, defaults filled in.

    tailrace build MODEL -c tailrace.toml then builds the same design as without the file.
    """
    from tailrace.design import api
    from tailrace.design.build import plan_of
    from tailrace.planning.rules import FOLDINGS

    if output.exists() and not force:
        raise TailraceError(
            "the file exists", where=str(output), hint="--force overwrites it; -o names another"
        )
    config = make_config(*sources_of(options))
    with noted():
        plan = plan_of(
            api.load(
                model,
                config.input_type,
                limits=config.limits,
                states=config.states,
                sequence=config.sequence,
            ),
            config,
            insisted(options),
        )
    layers: dict[str, dict[str, int | float | str]] = {}
    for node in plan.graph.nodes:
        rule = FOLDINGS[type(node)]
        if not rule.keys:
            continue
        free: dict[str, int | float | str] = dict.fromkeys(plan.folding[node.name], "auto")
        # The engine is an option of the whole build: an "auto" here would hide it from the layer.
        free |= {option: "auto" for option in rule.options if option != "engine"}
        every = {key: value for key, value in config.layers.get("*", {}).items() if key in free}
        layers[node.name] = {**free, **every, **config.layers.get(node.name, {})}
    output.parent.mkdir(parents=True, exist_ok=True)
    vectors = config.vectors and os.path.relpath(config.vectors, output.parent)
    written = replace(config, layers=layers, vectors=vectors)
    output.write_text(to_toml(written, plan.folding), encoding="utf-8")
    click.echo(f"wrote {output}: {len(layers)} layers; tailrace build {model} -c {output}")


@click.command()
@click.argument("model", type=FilePath)
@click.option(
    "--input-type", metavar="TYPE", help="Type of an input without a quantizer (default fixed<16,6>)."
)
@states_option
@limits_option
def check(model: Path, input_type: str | None, states: str | None, limits: str | None) -> None:
    """Say whether MODEL can be mapped; list every node that cannot, the reason, and what to do."""
    from tailrace.design import api

    graph = api.load(model, input_type, limits=limits, states=states)
    counts = Counter(type(node).__name__ for node in graph.nodes)
    click.echo(f"{model}: can be mapped ({', '.join(f'{n} {k}' for k, n in counts.items())})")
    host = graph.host
    for kind, ends, names in (
        ("input", [(end.name, end.steps()) for end in host.inputs], graph.inputs),
        ("output", [(end.name, end.steps()) for end in host.outputs], graph.outputs),
    ):
        for (called, steps), name in zip(ends, names, strict=True):
            tensor, which = graph.tensors[name], f" {called}:" if len(names) > 1 else ""
            click.echo(f"  {kind:<7}{which} {tensor.size} x {tensor.type}; on the host: {'; '.join(steps)}")
    for notice in graph.notices:
        click.echo(f"  notice  {notice}")


@click.command()
@click.argument("source", type=FilePath, metavar="MODEL|DIR")
@plan_options
@click.option("--blocks", is_flag=True, help="A line for each block that helps, too: buffers, widths, forks.")
@click.option("--wide", is_flag=True, help="All columns: bits, how busy a layer is, flip-flops; whole names.")
@click.option("--timeline", is_flag=True, help="Also how long each block works, and what it waits for.")
@click.option("--json", "as_json", is_flag=True, help="Print the report of the plan or the build as JSON.")
def show(source: Path, *, blocks: bool, wide: bool, timeline: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Show the layers of a network or a build folder: block, folding, cycles, cost; rate, latency, share of the part.

    Beside our name of a layer stands that of the network: the tensor that it makes. A ~ marks estimates, the rest is
    measured. Yellow, on a terminal, are the layers that set the rate.
    """
    from tailrace.cli.printing import print_layers, print_timeline
    from tailrace.design import api
    from tailrace.design.build import plan_of, require_met
    from tailrace.design.records import plan_report
    from tailrace.planning.streams.timeline import timeline as timeline_of
    from tailrace.report.codec import dump

    sources = sources_of(options)
    if source.is_dir():
        given = [key for item in sources for key, value in item.items() if value]
        if given:
            raise UsageError(
                f"{source} is a build folder, which is shown as it is: {given[0]} has no meaning",
                hint="give the network instead, or leave the option out",
            )
        design = api.Design.open(source)
        plan, shown, report = None, design.plan, design.report
    else:
        config = make_config(*sources)
        with noted():
            plan = plan_of(
                api.load(
                    source,
                    config.input_type,
                    limits=config.limits,
                    states=config.states,
                    sequence=config.sequence,
                ),
                config,
            )
        shown, report = plan, plan_report(plan)
    if as_json:
        click.echo(dump(report), nl=False)
    else:
        print_layers(report, helpers=blocks, wide=wide)
        for instance in shown.instances:
            if instance.block.keeps:
                click.echo(f"  {'keeps':<18} {instance.name}: {instance.block.keeps}")
        if timeline:
            with noted():
                found = timeline_of(shown)
            print_timeline(found)
    if plan is not None:
        require_met(plan, insisted(options))
