# SPDX-License-Identifier: Apache-2.0
"""hls4ml's ReuseFactor and Strategy as folding and engine of our layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.graph import Dense
from tailrace.graph.passes import pipeline as passes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Graph

SPATIAL_WEIGHTS = 1 << 14
"""A layer of more weights is folded, whatever its strategy: hls4ml's own tools unroll 4096 products."""


def layer_options(graph: Graph, model: Any) -> dict[str, dict[str, int | float | str]]:  # noqa: ANN401
    """Return the tables of :func:`tailrace.plan` for the dense and convolutional layers of an hls4ml model.

    ``Strategy: Latency`` with ``ReuseFactor: 1`` is a circuit of adders without memories; anything else is folded so
    that each multiplier works ReuseFactor times a vector, or as often as its sizes allow below that.
    """
    products = {node.name: node for node in passes.run(graph).nodes if isinstance(node, Dense)}
    found: dict[str, dict[str, int | float | str]] = {}
    for layer in model.get_layers():
        for name in graph.reference.products.get(str(layer.name), ()):
            node = products.get(name)
            if node is None:
                continue
            reuse = max(1, int(float(layer.get_attr("reuse_factor", 1) or 1)))
            latency = str(layer.get_attr("strategy", "latency")).lower() == "latency"
            rows, cols = node.weights.shape
            if reuse == 1 and latency and node.weights.size <= SPATIAL_WEIGHTS:
                found[name] = {"engine": "spatial"}
            else:
                found[name] = {"engine": "folded", **folding(rows, cols, reuse)}
    return found


def folding(rows: int, cols: int, reuse: int) -> Mapping[str, int]:
    """Return the pe and simd of a matrix whose multipliers work at most ``reuse`` times a vector, or fewer."""
    best = (1, 0, rows, cols)
    for pe in _divisors(rows):
        for simd in _divisors(cols):
            times = (rows // pe) * (cols // simd)
            if times <= reuse and (times, simd) > best[:2]:
                best = (times, simd, pe, simd)
    return {"pe": best[2], "simd": best[3]}


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]
