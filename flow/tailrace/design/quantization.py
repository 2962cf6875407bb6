# SPDX-License-Identifier: Apache-2.0
"""Post-training quantization from files: calibration, the quantized network, what it costs, and what to try next."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError, UsageError
from tailrace.design.folder import write_whole
from tailrace.design.vectors import read_arrays
from tailrace.frontend.post_training import (
    METHODS,
    Comparison,
    FloatNetwork,
    LayerError,
    Plan,
    Widths,
    compare,
    prepare,
    quantize_network,
    ranges_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.frontend.files import Source

Array = NDArray[Any]

FEWEST_SAMPLES = 2
FEW_SAMPLES = 32
"""Fewer than these, and the advice is to give more."""

COMPARED_AT_MOST = 64
"""Calibration samples on which the layers are compared."""

BAD_DB = 20.0
"""Below this ratio of signal to noise a layer is named in the advice: its noise is a tenth of its signal."""

LOSS = 0.01
"""Accuracy or agreement that may be lost before there is advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many of ``total`` samples are right: by labels, or where both networks agree."""

    correct: int
    total: int

    @property
    def share(self) -> float:
        """The share of the right ones."""
        return self.correct / self.total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantized:
    """A quantized network and what it costs.

    ``model`` is an ``onnx.ModelProto`` (QDQ); ``layers`` has the worst first; ``before`` and ``after`` are the accuracy
    of the float network and of this one where there are labels; ``agreement`` says how often both have the same largest
    output; ``output_db`` is the signal-to-noise ratio of the outputs; ``advice`` is what to try where it is bad.
    """

    model: Any
    name: str
    samples: int
    layers: tuple[LayerError, ...]
    output_db: float
    agreement: Score | None
    before: Score | None
    after: Score | None
    advice: tuple[str, ...]
    notices: tuple[str, ...]

    def write(self, path: Path | str) -> None:
        """Write the network to a file, whole or not at all."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_whole(file, self.model.SerializeToString())
        finally:
            file.with_name(f".{file.name}").unlink(missing_ok=True)


def quantize(
    model: Source,
    calibrate: Array | Path | str,
    *,
    labels: Array | Path | str | None = None,
    bits: str | int = "8",
    method: str = "minmax",
    layers: Mapping[str, str | int] | None = None,
    per_channel: bool = True,
    hear: Callable[[str, int, int], None] | None = None,
) -> Quantized:
    """Quantize a float network after training, calibrated on inputs ``calibrate`` (n, *sample shape).

    ``bits`` are those of weights and activations (``8``, ``w4a8``), ``layers`` gives {layer: bits} for single layers,
    ``method`` chooses the ranges of activations (minmax, percentile, mse, entropy), ``per_channel`` gives every output
    channel a scale of its own. ``labels`` (n,) are classes; without them the two networks are compared with each other.
    ``hear`` is told what is done, and how many of how many samples are. Raises ModelError and UsageError for networks,
    arrays and options that cannot be.
    """
    if method not in METHODS:
        raise UsageError(f"there is no method {method!r}", hint=f"one of {', '.join(METHODS)}")
    widths = Widths.parse(bits)
    own = {name: Widths.parse(value) for name, value in (layers or {}).items()}
    network = prepare(model)
    found, beside, where = _arrays(calibrate)
    samples = network.samples(found, where)
    if len(samples) < FEWEST_SAMPLES:
        raise ModelError(
            "it holds one sample, whose ranges say little of other inputs",
            where=where,
            hint=f"give {FEW_SAMPLES} samples or more; a few hundreds are usual",
        )
    told = _labels(labels, beside, len(samples), where)
    plan = Plan.of(network, widths, own)

    def heard(what: str) -> Callable[[int, int], None] | None:
        return None if hear is None else lambda done, total: hear(what, done, total)

    ranges = ranges_of(network, samples, method, lambda tensor: 1 << plan.bits(tensor), heard("calibrate"))
    quantized = quantize_network(plan, ranges, per_channel=per_channel, least_error=method == "mse")
    comparison = compare(plan, quantized, samples, heard("compare"))
    result = _judged(network, quantized, comparison, told, where)
    return replace(result, advice=_advice(result, plan, method, per_channel=per_channel))


def _arrays(source: Array | Path | str) -> tuple[Array, Array | None, str]:
    """Return inputs, labels beside them, and what they are called."""
    if isinstance(source, (str, os.PathLike)):
        found = read_arrays(Path(source))
        return found["inputs"], found.get("labels"), str(source)
    array = np.asarray(source)
    if array.ndim == 0 or not len(array):
        raise ModelError(
            f"an array of shape {array.shape}",
            where="calibrate",
            hint="wanted numbers, one network input after another along the first axis",
        )
    return array, None, "calibrate"


def _labels(labels: Array | Path | str | None, beside: Array | None, count: int, where: str) -> Array | None:
    """Return the classes (n,) of the samples, None where there are none; ModelError where they are others."""
    if labels is None and beside is None:
        return None
    source = where
    if labels is None:
        values = np.asarray(beside)
    elif isinstance(labels, (str, os.PathLike)):
        values, _, source = _arrays(labels)
    else:
        values, source = np.asarray(labels), "labels"
    if values.ndim == 2 and values.shape[1] > 1:
        values = values.argmax(axis=1)
    if values.size != count:
        raise ModelError(
            f"{values.size} labels for {count} inputs",
            where=source,
            hint="wanted one class for each input, in the order of the inputs",
        )
    flat = values.reshape(-1)
    if flat.dtype.kind not in "fiub" or not (np.isfinite(flat) & (flat == np.rint(flat))).all():
        raise ModelError(
            "labels that are no whole numbers", where=source, hint="wanted the number of a class"
        )
    return flat.astype(np.int64)


def _judged(
    network: FloatNetwork, quantized: object, comparison: Comparison, labels: Array | None, where: str
) -> Quantized:
    """Return the result without advice."""
    total = len(comparison.floats)
    classes = comparison.floats.shape[1]
    picks = [values.argmax(axis=1) for values in (comparison.floats, comparison.quantized)]
    scores: list[Score | None] = [None, None]
    if labels is not None:
        if classes < 2 or labels.min() < 0 or labels.max() >= classes:
            raise ModelError(
                f"labels from {labels.min()} to {labels.max()}, and the network has {classes} outputs",
                where=where,
                hint="leave the labels out, or give the number of the right output for each input",
            )
        scores = [Score(correct=int((pick == labels).sum()), total=total) for pick in picks]
    agreement = Score(correct=int((picks[0] == picks[1]).sum()), total=total) if classes > 1 else None
    return Quantized(
        model=quantized,
        name=network.name,
        samples=total,
        layers=comparison.layers,
        output_db=comparison.output_db,
        agreement=agreement,
        before=scores[0],
        after=scores[1],
        advice=(),
        notices=network.notices,
    )


def _advice(result: Quantized, plan: Plan, method: str, *, per_channel: bool) -> tuple[str, ...]:
    """Return what to try next where too much is lost; nothing where little is."""
    lost = 0.0
    if result.before is not None and result.after is not None:
        lost = result.before.share - result.after.share
    elif result.agreement is not None and result.output_db < BAD_DB:
        lost = 1 - result.agreement.share
    worst = [layer for layer in result.layers if layer.own_db < BAD_DB] or list(result.layers[:1])
    if lost <= LOSS and result.output_db >= BAD_DB:
        return ()
    found = []
    if result.samples < FEW_SAMPLES:
        found.append(f"more samples: {result.samples} are few, a few hundreds are usual")
    if not per_channel:
        found.append("a scale for every channel of weights: without --per-tensor (per_channel=True)")
    if method in ("minmax", "entropy"):
        found.append("other ranges of activations: --method percentile, or --method mse")
    widths = plan.widths
    layer = next((item for item in worst if item.weight_bits is not None), None)
    if layer is not None and (layer.weight_bits or 0) < 8:
        found.append(
            f"more weight bits for {layer.layer}: --layer {layer.layer}=w8a{max(widths.activations, 8)}"
        )
    elif layer is not None and widths.activations < 16:
        found.append(f"more bits for what {layer.layer} reads: --layer {layer.layer}=w8a16")
    found.append(
        "training with quantizers (Brevitas, QKeras, HGQ2) from these weights, where all of that is too little"
    )
    return tuple(found)
