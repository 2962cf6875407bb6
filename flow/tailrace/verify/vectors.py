# SPDX-License-Identifier: Apache-2.0
"""Which vectors a design is checked on: the user's, the corners of the input type, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.graph.host import AffineQuantizer, FixedQuantizer, GridQuantizer
from tailrace.graph.values import one_or_named

if TYPE_CHECKING:
    from tailrace.graph import Graph, Tensor
    from tailrace.graph.host import HostInput
    from tailrace.graph.values import Values
    from tailrace.planning.plan import Plan

Integers = NDArray[np.int64]
Array = NDArray[Any]


PRODUCTS_AT_MOST = 2 * 10**9
"""Products of weights and integers that the compiled C++ forms for the random vectors: some 40 seconds."""

LUT_CYCLES_AT_MOST = 2 * 10**11
"""Cycles, times the LUTs of the design by estimate, that its Verilog runs for them: about as long."""

USUAL_STEPS = 8
"""Steps of a sequence of random network inputs."""

SEQUENCE_STEPS = 6
"""Random sequences have about so many steps."""

VECTORS_AT_LEAST = 4
"""So many vectors are simulated in any case."""


def affordable(plan: Plan, count: int) -> int:
    """Return how many of ``count`` random vectors the simulators of a plan can be asked to take."""
    products = sum(
        node.products([plan.graph.tensors[name].shape for name in node.inputs]) for node in plan.graph.nodes
    )
    lut_cycles = 2 * plan.interval_cycles * plan.cost.lut  # stalls double the time
    most = min(PRODUCTS_AT_MOST / max(products, 1), LUT_CYCLES_AT_MOST / max(lut_cycles, 1))
    return max(VECTORS_AT_LEAST, min(count, int(most)))


def random_inputs(graph: Graph, count: int, seed: int, steps: int | None = None) -> Values:
    """Return ``count`` network inputs (count, *input shape), {name: such} of several, over their whole range.

    Of a network with states, about so many in sequences (n, steps, *input shape) of ``steps``, 8 unless given.
    """
    rng = np.random.default_rng(seed)
    ends = graph.host.inputs
    length = graph.host.length or steps or min(count, USUAL_STEPS)
    if graph.states:
        count = max(1, count // length) * length
    made = [
        _random_input(end, graph.tensors[n], count, rng) for n, end in zip(graph.inputs, ends, strict=True)
    ]
    if graph.states:
        made = [array.reshape(-1, length, *array.shape[1:]) for array in made]
    return one_or_named([end.name for end in ends], made)


def _random_input(end: HostInput, tensor: Tensor, count: int, rng: np.random.Generator) -> Array:
    shape = (count, *end.shape)
    grid = _grid(end)
    if grid is not None:
        scale, offset = grid
        low, high = int(tensor.low.min()), int(tensor.high.max())
        width = rng.uniform(0.02, 1.0, (count, *([1] * len(end.shape))))
        q = np.clip(np.rint(rng.uniform(low, high, shape) * width), low, high)
        values = q * scale + offset
    else:  # the host quantizes whatever comes: small, large, of both signs
        values = rng.uniform(0, 1, shape) * rng.choice([-1, 1, 1, 4], (count, *([1] * len(end.shape))))
    return values.astype(end.dtype)


def _grid(end: HostInput) -> tuple[float, float] | None:
    """Return the scale and the offset of what the network takes where a quantizer is a grid; None for any other."""
    match end.quantizer:
        case GridQuantizer(scale=scale, offset=offset):
            return scale, offset
        case FixedQuantizer(format=fmt):
            return 2.0**-fmt.fraction_bits, 0.0
        case AffineQuantizer() if np.dtype(end.dtype).kind in "iu":
            return 1.0, 0.0
        case AffineQuantizer(scale=scale, zero_point=zero):
            return scale, -zero * scale
    return None


def random_integers(graph: Graph, count: int, seed: int) -> Integers:
    """Return (count, size) input integers: all smallest, all largest, alternating, then random.

    The random ones differ in amplitude and in how many values are zero (or next to it), since an input that is large
    everywhere drives all layers behind it into saturation, where they look alike.
    """
    tensors = [graph.tensors[name] for name in graph.inputs]
    low, high = (
        np.concatenate([np.tile(getattr(tensor, side), tensor.vectors) for tensor in tensors])
        for side in ("low", "high")
    )
    rng = np.random.default_rng(seed)
    even = np.arange(low.size) % 2 == 0
    corners = [low, high, np.where(even, low, high), np.where(even, high, low)]
    number = max(0, count - len(corners))
    values = rng.integers(low, high, (number, low.size), endpoint=True)
    middle = np.clip(0, low, high)
    amplitude = rng.choice([1.0, 1.0, 0.5, 0.2], (number, 1))
    density = rng.choice([1.0, 1.0, 0.5, 0.1], (number, 1))
    values = middle + np.rint((values - middle) * amplitude).astype(np.int64)
    values = np.where(rng.random(values.shape) < density, values, middle)
    found = np.concatenate([np.stack(corners), values])[:count]
    if not graph.host.marked:
        return found
    first = rng.random(len(found)) < 1 / SEQUENCE_STEPS
    first[:1] = True
    return np.concatenate([found, first[:, None].astype(np.int64)], axis=1)
