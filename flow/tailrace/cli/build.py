# SPDX-License-Identifier: Apache-2.0
"""``tailrace build``: from network to report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tailrace.cli.options import FilePath, insisted, plan_options, sources_of
from tailrace.design.config import BACKENDS, make_config
from tailrace.design.manifest import STAGES

BUILD_EXAMPLES = """\b
tailrace build net.onnx --part ecp5-85k --clock 50 --fps 100e3
tailrace build net.onnx --part xczu7ev --fps 1e6 --backend rtl -o build/fast
tailrace build net.onnx -o build/fast --from verify --vectors test.npy
"""


@click.command(epilog=BUILD_EXAMPLES)
@click.argument("model", type=FilePath)
@click.option("-o", "--output", type=FilePath, help="Build folder (default build/NAME of the model).")
@plan_options
@click.option("--backend", type=click.Choice(BACKENDS), help="What to emit and verify (default both).")
@click.option("--from", "first", type=click.Choice(STAGES), help="First stage; those before must be done.")
@click.option("--to", "last", type=click.Choice(STAGES), help="Last stage (default report).")
@click.option(
    "--vectors",
    type=FilePath,
    help="Network inputs to verify on, .npy or .npz, besides random ones; labels in it give the accuracy.",
)
@click.option(
    "--accuracy-loss",
    type=float,
    metavar="SHARE",
    help="The most accuracy that changed layers (prune, weight_bits) may cost: 0.01 is one percentage point.",
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
    from tailrace.cli.printing import print_layers, print_summary
    from tailrace.cli.progress import progress
    from tailrace.design.build import Build, resumed
    from tailrace.design.build import build as run

    output = output or Path("build") / model.stem
    options["vectors"] = str(options["vectors"]) if options["vectors"] else None
    sources = sources_of(options)
    first, last = first or STAGES[0], last or STAGES[-1]
    config = make_config(*sources) if first == STAGES[0] else resumed(output, first, *sources)
    job = Build(folder=output, config=config, model=model, first=first, last=last, insisted=insisted(options))
    with progress() as notify:
        design = run(job, notify)
    if design is None:
        return
    if last == "plan":
        print_layers(design.report)
    if STAGES.index(last) >= STAGES.index("verify"):
        print_summary(design.report)
    click.echo(f"report: {output / 'report.html'}")
