# SPDX-License-Identifier: Apache-2.0
"""``tailrace quantize``: a float network to a quantized one, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tailrace.cli.options import FilePath
from tailrace.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.design.quantization import Quantized, Score


EXACT_DB = 140.0
"""From this ratio on, all that is lost is the last place of float32."""


@click.command()
@click.argument("model", type=FilePath)
@click.option(
    "--calibrate",
    type=FilePath,
    required=True,
    metavar="X.npy",
    help="Inputs to choose the ranges on: some dozens to hundreds.",
)
@click.option(
    "--labels", type=FilePath, metavar="Y.npy", help="Their classes: accuracy before and after is measured."
)
@click.option(
    "--bits",
    default="8",
    show_default=True,
    metavar="BITS",
    help="Bits of weights and activations: 8, w4a8, w8a16.",
)
@click.option(
    "--method",
    type=click.Choice(("minmax", "percentile", "mse", "entropy")),
    default="minmax",
    show_default=True,
    help="How the ranges of activations are chosen.",
)
@click.option("--layer", "layers", multiple=True, metavar="NAME=BITS", help="Other bits for one layer.")
@click.option("--per-tensor", is_flag=True, help="One scale for all weights of a layer.")
@click.option(
    "-o", "--output", type=FilePath, metavar="Q.onnx", help="The file to write (default MODEL-q.onnx)."
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
def quantize(
    *,
    model: Path,
    calibrate: Path,
    labels: Path | None,
    bits: str,
    method: str,
    layers: tuple[str, ...],
    output: Path | None,
    per_tensor: bool,
    force: bool,
) -> None:
    """Quantize the float network MODEL after training, and say what it costs.

    ONNX Runtime's quantizer does the work; the result is a QDQ file for tailrace build. The table has a line for every
    quantized tensor, the worst first: its signal-to-noise ratio with all that was lost in front of it, and with its own
    rounding alone, in decibels.
    """
    from tailrace.cli.progress import progress
    from tailrace.design import api

    target = output or model.with_name(f"{model.stem}-q.onnx")
    if target.exists() and not force:
        raise UsageError(f"{target} exists", hint="--force overwrites it; -o names another")
    widths = dict(_layer(text) for text in layers)
    with progress() as shown:
        begun: list[str] = []

        def hear(what: str, done: int, total: int) -> None:
            if what not in begun:
                begun.append(what)
                shown.begin(what, "")
            shown.step(f"{done} of {total} samples")

        result = api.quantize(
            model,
            calibrate,
            labels=labels,
            bits=bits,
            method=method,
            layers=widths,
            per_channel=not per_tensor,
            hear=hear,
        )
    result.write(target)
    _print(result)
    click.echo(f"wrote {target}: tailrace build {target}")


def _layer(text: str) -> tuple[str, str]:
    name, equals, bits = text.rpartition("=")
    if not equals or not name:
        raise UsageError(f"--layer {text!r}", hint="such as --layer Conv_3=w8a16")
    return name, bits


def _print(result: Quantized) -> None:
    for notice in result.notices:
        click.echo(f"notice: {notice}")
    width = max(5, *(len(layer.layer) for layer in result.layers), 5)
    tensors = max(6, *(len(layer.tensor) for layer in result.layers), 6)
    click.echo(
        f"{'layer':<{width}}  {'operation':<17}  {'tensor':<{tensors}}  weights  bits  so far dB  own dB"
    )
    for layer in result.layers:
        weights = "-" if layer.weight_bits is None else str(layer.weight_bits)
        click.echo(
            f"{layer.layer:<{width}}  {layer.operation or '-':<17}  {layer.tensor:<{tensors}}  {weights:>7}  "
            f"{layer.bits:>4}  {_decibels(layer.snr_db):>9}  {_decibels(layer.own_db):>6}"
        )
    click.echo(f"outputs: {_decibels(result.output_db)} dB on {result.samples} samples")
    if result.before is not None and result.after is not None:
        click.echo(f"accuracy: {_words(result.before)} before, {_words(result.after)} after")
    if result.agreement is not None:
        click.echo(f"the same largest output: {_words(result.agreement)}")
    for index, text in enumerate(result.advice):
        click.echo(f"{'try next:' if not index else '         '} {text}")


def _decibels(value: float) -> str:
    return "exact" if value > EXACT_DB else f"{value:.1f}"


def _words(score: Score) -> str:
    return f"{score.share:.2%} ({score.correct} of {score.total})"
