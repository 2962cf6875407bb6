# SPDX-License-Identifier: Apache-2.0
"""Which vectors a design is checked on: the user's, the corners of the input type, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.host import GridQuantizer

if TYPE_CHECKING:
    from tailrace.graph import Graph

Integers = NDArray[np.int64]
Array = NDArray[Any]


def random_inputs(graph: Graph, count: int, seed: int) -> Array:
    """Return ``count`` network inputs (count, *input shape) that exercise the input's whole range."""
    rng = np.random.default_rng(seed)
    host = graph.host
    shape = (count, *host.input_shape)
    if isinstance(host.quantizer, GridQuantizer):
        kind = host.quantizer.type
        width = rng.uniform(0.02, 1.0, (count, *([1] * len(host.input_shape))))
        q = np.clip(np.rint(rng.uniform(kind.min, kind.max, shape) * width), kind.min, kind.max)
        values = q * host.quantizer.scale + host.quantizer.offset
    else:  # the host quantizes whatever comes: small, large, of both signs
        values = rng.uniform(0, 1, shape) * rng.choice([-1, 1, 1, 4], (count, *([1] * len(host.input_shape))))
    return values.astype(host.input_dtype)


def random_integers(graph: Graph, count: int, seed: int) -> Integers:
    """Return (count, size) input integers: all smallest, all largest, alternating, then random."""
    tensor = graph.tensors[graph.input]
    low, high = (np.tile(end, tensor.vectors) for end in (tensor.low, tensor.high))
    rng = np.random.default_rng(seed)
    even = np.arange(tensor.size) % 2 == 0
    corners = [low, high, np.where(even, low, high), np.where(even, high, low)]
    rest = rng.integers(low, high, (max(0, count - len(corners)), tensor.size), endpoint=True)
    return np.concatenate([np.stack(corners), rest])[:count]
