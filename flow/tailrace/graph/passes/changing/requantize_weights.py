# SPDX-License-Identifier: Apache-2.0
"""Give the weights of a layer fewer bits.

A weight of ``n`` bits becomes ``2**k`` times one of ``weight_bits``, with ``k = n - weight_bits``: the nearest, ties to
even, cut off where it does not fit. The factor leaves the layer and goes, exactly and in integers, into what reads its
accumulators: a map compares with thresholds that are divided by it (and takes the bias along), a sum multiplies by it,
a comparison of channels does not feel it, and at the output the host's scale has it. Only where no map follows at once,
the layer's bias is rounded to a multiple of the factor as well.

A tail is known over the accumulators that the network's own weights reach. Rounded weights can reach a little further;
there the tail keeps its first or last value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import MappingError, UsageError
from tailrace.core.steps import NEVER, Steps, from_rows
from tailrace.core.types import IntType
from tailrace.graph import (
    Add,
    ArgMax,
    Map,
    Permute,
    Pool,
    Reshape,
    Shuffle,
    Slice,
    Upsample,
    Window,
    retype,
)
from tailrace.graph.passes.base import Pass
from tailrace.graph.passes.changing.layers import Weighted, weighted
from tailrace.graph.passes.exact.merge_bias import merge_bias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Graph, Node

Integers = NDArray[np.int64]

FEWEST_BITS = 2

PASSED_ON = (Reshape, Permute, Pool, Upsample, Shuffle, Slice, Window)
"""Operations that give ``c`` times their output for ``c`` times their input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightOptions:
    """``weight_bits`` is the most bits (with sign) of a layer's weights; None leaves them as they are."""

    weight_bits: int | None = None

    def __post_init__(self) -> None:
        bits = self.weight_bits
        if bits is not None and (isinstance(bits, bool) or not isinstance(bits, int) or bits < FEWEST_BITS):
            raise UsageError(
                f"weight_bits is {bits!r}", hint=f"wanted a whole number of bits, at least {FEWEST_BITS}"
            )


def requantize_weights(graph: Graph, layers: Mapping[str, WeightOptions]) -> Graph:
    """Round the weights of each named layer to ``weight_bits`` and take their common factor out of the layer.

    Raises MappingError where what reads the layer's accumulators cannot take the factor.
    """
    graph = merge_bias(graph)
    for name, options in weighted(graph, layers).items():
        if options.weight_bits is not None:
            graph = _requantized(graph, name, options.weight_bits)
    return graph


def _requantized(graph: Graph, name: str, bits: int) -> Graph:
    """Return the graph with one layer's weights in ``bits`` bits."""
    layer = next(node for node in graph.nodes if node.name == name)
    if not isinstance(layer, Weighted):
        raise TypeError(f"{name} has no weights")
    have = IntType.containing(int(layer.weights.min()), int(layer.weights.max()))
    shift = have.bits + (not have.signed) - bits
    if shift <= 0:
        return graph
    half = 1 << (bits - 1)
    weights = np.clip(_rounded(layer.weights, shift), -half, half - 1)
    readers = graph.consumers(layer.output)
    if len(readers) == 1 and isinstance(readers[0], Map) and layer.output not in graph.leaving:
        steps = _divided(readers[0].steps, layer.bias, shift)
        changed: dict[str, Node] = {
            name: replace(layer, weights=weights, bias=np.zeros_like(layer.bias)),
            readers[0].name: replace(readers[0], steps=steps),
        }
    else:
        changed = {name: replace(layer, weights=weights, bias=_rounded(layer.bias, shift))}
        graph, behind = _taken(graph, layer, layer.output, shift)
        changed |= behind
    return retype(graph, tuple(changed.get(node.name, node) for node in graph.nodes))


def _taken(graph: Graph, layer: Weighted, tensor: str, shift: int) -> tuple[Graph, dict[str, Node]]:
    """Return the graph, and the nodes to change, where ``tensor`` is what it was divided by ``2**shift``."""
    readers = graph.consumers(tensor)
    ends = [end for name, end in zip(graph.outputs, graph.host.outputs, strict=True) if name == tensor]
    kept = any(state.output == tensor for state in graph.states)
    if ends and not kept and not readers and not any(end.is_integer for end in ends):
        outputs = tuple(
            replace(end, scale=end.scale * 2.0**shift) if end in ends else end for end in graph.host.outputs
        )
        return replace(graph, host=replace(graph.host, outputs=outputs)), {}
    if len(readers) == 1 and not ends and not kept:
        (reader,) = readers
        if isinstance(reader, ArgMax):
            return graph, {}
        if isinstance(reader, Map):
            channels = graph.tensors[tensor].channels
            steps = _divided(reader.steps, np.zeros(channels, np.int64), shift)
            return graph, {reader.name: replace(reader, steps=steps)}
        if isinstance(reader, Add):
            a = reader.a_factor << shift if reader.a == tensor else reader.a_factor
            b = reader.b_factor << shift if reader.b == tensor else reader.b_factor
            return graph, {reader.name: replace(reader, a_factor=a, b_factor=b)}
        if isinstance(reader, PASSED_ON):
            return _taken(graph, layer, reader.output, shift)
    who = ", ".join(f"{node.name} ({type(node).__name__})" for node in readers) or "the output"
    raise MappingError(
        f"fewer weight bits leave a factor of {1 << shift} that {who} cannot take",
        where=layer.name,
        hint="leave weight_bits out for this layer",
    )


def _rounded(values: Integers, shift: int) -> Integers:
    """Return ``values / 2**shift`` as the nearest integers, ties to even."""
    down = values >> shift
    rest = values - (down << shift)
    half = 1 << (shift - 1)
    up = (rest > half) | ((rest == half) & (down & 1 == 1))
    return np.asarray(down + up, np.int64)


def _divided(steps: Steps, bias: Integers, shift: int) -> Steps:
    """Return the function ``x -> steps(2**shift * x + bias)``, a bias (channels,) per channel."""
    rows = []
    for channel in range(len(bias)):
        row = 0 if steps.rows == 1 else channel
        real = steps.breaks[row] != NEVER
        breaks = -((int(bias[channel]) - steps.breaks[row][real]) >> shift)  # rounded up
        last = np.append(np.diff(breaks) > 0, True)[: len(breaks)]  # of breaks that fall together
        values = steps.values[row]
        rows.append((breaks[last], np.concatenate([values[:1], values[1:][real][last]])))
    return from_rows(rows)


REQUANTIZE_WEIGHTS = Pass(
    name="requantize_weights", run=requantize_weights, options=WeightOptions, keeps_function=False
)
