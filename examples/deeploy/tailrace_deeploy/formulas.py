# SPDX-License-Identifier: Apache-2.0
"""What the operations compute, in integers: (n, ...) int64 arrays in and out. Quotients are rounded down."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from onnx import NodeProto

Integers = NDArray[np.int64]


def number(node: NodeProto, name: str, default: int | None = None) -> int:
    """Return an attribute that is one number, however it is written; ValueError where there is none."""
    for attribute in node.attribute:
        if attribute.name == name:
            value: Any = helper.get_attribute_value(attribute)
            value = numpy_helper.to_array(value) if attribute.HasField("t") else value
            return int(np.asarray(value).reshape(-1)[0])
    if default is None:
        raise ValueError(f"{node.op_type} {node.name} has no attribute {name}")
    return default


def whole(values: NDArray[Any]) -> Integers:
    """Return floats that hold integers as these."""
    return np.rint(np.asarray(values, np.float64)).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The integers that an operation may give."""

    low: int
    high: int

    @staticmethod
    def of(count: int, *, signed: bool) -> Levels:
        """Return ``count`` levels, half of them below 0 where they are signed."""
        return Levels(low=-(count // 2), high=count // 2 - 1) if signed else Levels(low=0, high=count - 1)


def requantized(x: Integers, mul: Integers, add: Integers, div: int, levels: Levels) -> Integers:
    """Return (x·mul + add + div/2) / div, clipped."""
    return np.clip((x * mul + add + div // 2) // div, levels.low, levels.high)


def without_norm(
    x: Integers, weight: Integers, bias: Integers, scale: tuple[int, int], levels: Levels
) -> Integers:
    """Return ((x·weight + bias)·mul) / div, clipped; ``scale`` is (mul, div)."""
    mul, div = scale
    return np.clip((x * weight + bias) * mul // div, levels.low, levels.high)


def over_root(x: Integers, weight: Integers, div: int, levels: Levels) -> Integers:
    """Return (x·weight / root of the mean square) / div along the last axis, clipped."""
    means = (x * x).sum(axis=-1, keepdims=True) // x.shape[-1]
    roots = np.frompyfunc(lambda mean: max(isqrt(mean), 1), 1, 1)(means).astype(np.int64)
    return np.clip(x * weight // roots // div, levels.low, levels.high)


def softmax(x: Integers, b: int, c: int, log2: int, levels: int) -> Integers:
    """Return the softmax along the last axis: exp by a parabola between powers of two."""
    below = x.max(axis=-1, keepdims=True, initial=np.iinfo(np.int64).min) - x
    shift = below // log2
    power = ((shift * log2 - below + b) ** 2 + c) >> shift
    return power * (levels - 1) // np.maximum(power.sum(axis=-1, keepdims=True), 1)
