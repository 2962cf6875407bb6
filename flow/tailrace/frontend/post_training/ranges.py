# SPDX-License-Identifier: Apache-2.0
"""The range of every float tensor on samples: all that came, or less where a few far values would cost the others."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tailrace.frontend.post_training.floats import FloatNetwork, silent, with_outputs
from tailrace.graph.host import make_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Array = NDArray[Any]
Range = tuple[float, float]

METHODS = ("minmax", "percentile", "mse", "entropy")

PERCENTILE = 99.99
"""Of the values of a tensor so many, of a hundred, are inside its range (method percentile)."""

BINS = 2048
"""Bins of a histogram, around zero."""

ENTROPY_BINS = 512
"""Bins for the method entropy, whose time grows with the square of their number."""

CANDIDATES = 64
"""Scales of weights that are tried to find the one of the least squared error."""

SHARES = np.linspace(1.0, 0.2, 21)
"""Of each end of a range so much is tried to find the range of the least squared error."""


def ranges_of(
    network: FloatNetwork,
    samples: Array,
    method: str,
    levels: Callable[[str], int],
    hear: Callable[[int, int], None] | None = None,
) -> dict[str, Range]:
    """Return {tensor: (lowest, highest)} of every float tensor of a network on (n, *shape) samples, zero inside.

    ``levels`` says for a tensor how many values its quantizer will have (method mse); ``hear`` is told how many of how
    many samples were run.
    """
    names = _floats(network.model)
    passes = 1 if method == "minmax" else 2
    found = {name: [0.0, 0.0] for name in names}
    for index, tensors in enumerate(_run(network, samples, names)):
        for name, value in tensors.items():
            ends = found[name]
            ends[0], ends[1] = min(ends[0], float(value.min())), max(ends[1], float(value.max()))
        if hear:
            hear(index + 1, passes * len(samples))
    ranges = {name: (low, high) for name, (low, high) in found.items()}
    if method == "minmax":
        return ranges
    histograms = {name: np.zeros(BINS, np.int64) for name in names}
    for index, tensors in enumerate(_run(network, samples, names)):
        for name, value in tensors.items():
            far = _far(ranges[name])
            histograms[name] += np.histogram(value, bins=BINS, range=(-far, far))[0]
        if hear:
            hear(len(samples) + index + 1, passes * len(samples))
    if method == "mse":
        return {name: _least_error(ranges[name], histograms[name], levels(name)) for name in names}
    return _thresholds(ranges, histograms, method)


def _far(ends: Range) -> float:
    return max(-ends[0], ends[1]) or 1.0


def _floats(model: onnx.ModelProto) -> list[str]:
    """Return the float tensors that depend on the network's input, the input itself first."""
    known = {v.name: v.type.tensor_type.elem_type for v in (*model.graph.value_info, *model.graph.output)}
    names = [model.graph.input[0].name]
    for node in model.graph.node:
        names += [name for name in node.output if known.get(name) == onnx.TensorProto.FLOAT]
    return names


def _run(network: FloatNetwork, samples: Array, names: list[str]) -> Iterator[Mapping[str, Array]]:
    """Go through the samples; for each, the values of the tensors ``names``."""
    wanted = [name for name in names if name != network.input]
    session = make_session(with_outputs(network.model, wanted))
    for sample in samples:
        yield {
            network.input: sample,
            **dict(zip(wanted, session.run(wanted, {network.input: sample}), strict=True)),
        }


def _least_error(ends: Range, histogram: Array, levels: int) -> Range:
    """Return the range, ``ends`` or a part of it, whose quantizer has the least squared error on a histogram."""
    far = _far(ends)
    centres = (np.arange(BINS) + 0.5) * (2 * far / BINS) - far
    used = histogram > 0
    centres, counts = centres[used], histogram[used]
    best, least = ends, np.inf
    for low, high in product(*(dict.fromkeys((end * SHARES).tolist()) for end in ends)):
        step = (high - low) / (levels - 1)
        if step <= 0:
            continue
        zero = round(-low / step)
        rounded = (np.clip(np.rint(centres / step) + zero, 0, levels - 1) - zero) * step
        error = float(((rounded - centres) ** 2 * counts).sum())
        if error < least:
            best, least = (low, high), error
    return best


def _thresholds(
    ranges: Mapping[str, Range], histograms: Mapping[str, Array], method: str
) -> dict[str, Range]:
    """Return the ranges that ONNX Runtime's calibration chooses from histograms."""
    from onnxruntime.quantization.calibrate import HistogramCollector  # noqa: PLC0415 - costs half a second

    bins = ENTROPY_BINS if method == "entropy" else BINS
    collector = HistogramCollector(
        method=method,
        symmetric=False,
        num_bins=bins,
        num_quantized_bins=128,
        percentile=PERCENTILE,
        scenario="same",
    )
    for name, histogram in histograms.items():
        low, high = ranges[name]
        far = _far(ranges[name])
        edges = np.linspace(-far, far, bins + 1, dtype=np.float32)
        ends = (np.float32(low), np.float32(high), np.float32(far))
        collector.histogram_dict[name] = (histogram.reshape(bins, -1).sum(axis=1), edges, *ends)
    with silent():
        chosen = collector.compute_collection_result()
    found: dict[str, Range] = {}
    for name, (low, high) in ranges.items():
        inner = chosen[name]
        found[name] = (max(low, min(0.0, float(inner[0]))), min(high, max(0.0, float(inner[1]))))
    return found


def weight_scales(weights: Array, axis: int | None, bits: int, *, least_error: bool) -> Array:
    """Return the scale of every channel along ``axis`` (one where it is None) for weights of -2^(bits-1)+1 and up.

    ``least_error``: of scales from half of the largest weight to all of it the one of the least squared error.
    """
    top = (1 << (bits - 1)) - 1
    rows = (
        weights.reshape(1, -1)
        if axis is None
        else np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    )
    largest = np.abs(rows).max(axis=1).astype(np.float64)
    largest = np.where(largest > 0, largest, top)
    best = largest / top
    if not least_error:
        return best
    least = np.full(len(rows), np.inf)
    for share in np.linspace(1.0, 0.5, CANDIDATES):
        scale = largest * share / top
        rounded = np.clip(np.rint(rows / scale[:, None]), -top, top) * scale[:, None]
        error = ((rounded - rows) ** 2).sum(axis=1)
        better = error < least
        best, least = np.where(better, scale, best), np.where(better, error, least)
    return best


def clipped(weights: Array, scales: Array, axis: int | None, bits: int) -> Array:
    """Return weights no larger than their scale can say."""
    top = (1 << (bits - 1)) - 1
    shape = [1] * weights.ndim
    if axis is not None:
        shape[axis] = -1
    bound = (scales * top).reshape(shape if axis is not None else ())
    return np.clip(weights, -bound, bound).astype(np.float32)
