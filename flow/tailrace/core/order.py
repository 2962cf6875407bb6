# SPDX-License-Identifier: Apache-2.0
"""The order of a sample's elements: a network may put an image's channels first, its integers have them last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Order = NDArray[np.int64] | None
"""(size,) place among the integers of each element of a float sample, both row-major; None: the same place."""


def placed(values: Array, order: Order) -> Array:
    """Return (n, size) values in the order of a float tensor in that of its integers."""
    if order is None:
        return values
    result = np.empty_like(values)
    result[:, order] = values
    return result


def unplaced(values: Array, order: Order) -> Array:
    """Return (n, size) values in the order of the integers in that of the float tensor."""
    return values if order is None else np.asarray(values[:, order])


def plain(order: NDArray[np.int64]) -> Order:
    """Return None where every element stands at its own place, else the order."""
    return None if np.array_equal(order, np.arange(order.size)) else order


def same_order(a: Order, b: Order) -> bool:
    """Say whether two tensors of one size have their elements at the same places."""
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def channels_last(shape: tuple[int, ...]) -> Order:
    """Return the order of an image (channels, *positions) whose integers are (*positions, channels)."""
    return plain(np.argsort(np.moveaxis(np.arange(int(np.prod(shape))).reshape(shape), 0, -1).ravel()))
