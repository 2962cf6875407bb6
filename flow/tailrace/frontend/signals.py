# SPDX-License-Identifier: Apache-2.0
"""What a float tensor of the network is in integers: a source, float operations, and its exact affine form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.order import Order, placed

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnx import NodeProto

    from tailrace.graph import Tensor

Array = NDArray[Any]
Exact = NDArray[Any]
"""An object array of Fractions, shape () or (size,): one for all elements of a sample, or one each, row-major."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """An integer tensor and what it stands for: float tensor ``name`` = scale * integers + offset.

    ``tensor`` is None for the network's input as long as it is not known what the host will send.
    ``shape`` is the float tensor's, batch axis included; scale and offset are in the order of the float tensor.
    """

    tensor: Tensor | None
    name: str
    shape: tuple[int, ...]
    scale: Exact
    offset: Exact
    order: Order = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """A float tensor of the network, computed by ``nodes`` from its ``source``.

    ``scale`` and ``offset`` give its exact affine form in the source's integers, or are None; ``order`` says where in
    the source's integers each element stands.
    ``host_only`` is the node because of which only the host can compute it, or None.
    """

    name: str
    shape: tuple[int, ...]
    source: Source
    nodes: tuple[NodeProto, ...] = ()
    scale: Exact | None = None
    offset: Exact | None = None
    order: Order = None
    host_only: NodeProto | None = None

    @property
    def size(self) -> int:
        """The number of elements of one sample."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unreached:
    """What is known of a tensor behind a refused node: that it is made of floats, that only the host can make it."""

    is_float: bool = False
    host_only: NodeProto | None = None


def placed_exact(values: Exact, order: Order) -> Exact:
    """Return () or (size,) exact values in the order of the integers."""
    return values if values.size == 1 else np.asarray(placed(values[None], order)[0])


def sample_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one sample, at least one axis, for a tensor whose batch axis is 1 (or folded into others)."""
    return (shape[1:] if shape and shape[0] == 1 else shape) or (1,)


def batch_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return what follows the sample axis in a batch of a tensor of this shape."""
    return shape[1:] if shape[:1] == (1,) else shape


def exact(values: Array) -> Exact:
    """Return an array's values as exact fractions: () where all are equal, else (size,)."""
    flat = np.asarray(values).reshape(-1)
    if flat.size and (flat == flat[0]).all():
        return np.array(Fraction(float(flat[0])), dtype=object)
    result = np.empty(flat.size, dtype=object)
    result[:] = [Fraction(v) for v in flat.astype(np.float64).tolist()]
    return result


def fraction(value: Fraction | int) -> Exact:
    """Return one fraction for all elements."""
    return np.array(Fraction(value), dtype=object)


def _distinct(values: Exact) -> list[Any]:
    """Return the objects among the values, each once: an image has few, each at many positions."""
    return list({id(v): v for v in values.reshape(-1).tolist()}.values())


def _each_once(values: Exact, function: Callable[[Any], Any]) -> list[Any]:
    """Return ``function`` of every value; it is called once for each object."""
    flat = values.reshape(-1).tolist()
    known = {key: function(v) for key, v in {id(v): v for v in flat}.items()}
    return [known[id(v)] for v in flat]


def is_zero(values: Exact) -> bool:
    """Say whether all are zero."""
    return all(v == 0 for v in _distinct(values))


def collapse(values: Exact) -> Exact:
    """Return shape () where all are equal."""
    flat = values.reshape(-1)
    if flat.size > 1 and all(v == flat[0] for v in _distinct(values)):
        return np.array(flat[0], dtype=object)
    return values


def numbered(values: Exact) -> NDArray[np.int64]:
    """Return a number for each value, the same for equal ones, in the shape of ``values``."""
    numbers: dict[Any, int] = {}
    found = _each_once(values, lambda v: numbers.setdefault(v, len(numbers)))
    return np.array(found, np.int64).reshape(values.shape)


def floats(values: Exact) -> NDArray[np.float64]:
    """Return the nearest float64 values, shape () or (size,)."""
    return np.array(_each_once(values, float), np.float64).reshape(values.shape)


def common_step(values: Exact) -> Fraction:
    """Return the largest step of which all values are whole multiples; 1 where all are zero."""
    nonzero = [Fraction(v) for v in _distinct(values) if v != 0]
    if not nonzero:
        return Fraction(1)
    denominator = lcm(*(v.denominator for v in nonzero))
    numerator = gcd(*(int(v * denominator) for v in nonzero))
    return Fraction(numerator, denominator)


def objects(values: Any) -> Exact:  # noqa: ANN401 - numpy turns 0-d object arrays into scalars
    """Return exact values as an array, also where there is one only."""
    return np.asarray(values, dtype=object)


def spread(values: Exact, size: int) -> Exact:
    """Repeat one value per channel for all positions."""
    return values if values.size in (1, size) else np.tile(values.reshape(-1), size // values.size)


def per_column(values: Exact, cols: int) -> Exact:
    """Return () or (cols,) values for the last axis; all positions must agree."""
    if values.size == 1:
        return values.reshape(())
    table = values.reshape(-1, cols)
    if not (table == table[:1]).all():
        raise ModelError(
            "scale or offset differ from position to position", hint="use one scale per channel or per tensor"
        )
    return np.asarray(table[0])
