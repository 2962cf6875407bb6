# SPDX-License-Identifier: Apache-2.0
"""The tensors of the integer graph: shape, type and the exact reachable range of every channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.types import IntType

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Shape = tuple[int, ...]
Range = tuple[Integers, Integers]
"""The (low, high) of every channel, both (channels,) int64."""

MAX_BITS = 62
"""Wider integers would not fit the 64-bit golden model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """An integer tensor of one sample: ``shape`` is (positions..., channels), channels last.

    ``low`` and ``high`` are (channels,) int64: the exact reachable range of every channel.
    ``origin`` is the name of the network's tensor that carries the same information, or "".
    """

    name: str
    shape: Shape
    low: Integers
    high: Integers
    origin: str = ""

    def __post_init__(self) -> None:
        if self.low.shape != (self.shape[-1],) or self.high.shape != (self.shape[-1],):
            raise ValueError(f"{self.name}: ranges {self.low.shape} do not fit the shape {self.shape}")
        if self.type.bits > MAX_BITS:
            raise ModelError(
                f"values from {self.low.min()} to {self.high.max()} need {self.type.bits} bits",
                where=self.origin or self.name,
                hint=f"quantize earlier: at most {MAX_BITS} bits are possible",
            )

    @property
    def type(self) -> IntType:
        """The smallest type that holds the whole range."""
        return IntType.containing(int(self.low.min()), int(self.high.max()))

    @property
    def channels(self) -> int:
        """The size of the last axis."""
        return self.shape[-1]

    @property
    def vectors(self) -> int:
        """The number of positions, each a vector of ``channels``."""
        return int(np.prod(self.shape[:-1], dtype=np.int64))

    @property
    def size(self) -> int:
        """The number of integers of one sample."""
        return self.vectors * self.channels

    def ends(self) -> tuple[Integers, Integers]:
        """Return the low and the high of every element, (vectors, channels) each."""
        shape = (self.vectors, self.channels)
        return np.broadcast_to(self.low, shape), np.broadcast_to(self.high, shape)


def range_of_elements(low: Integers, high: Integers, channels: int) -> Range:
    """Return the range of every channel where the elements of a sample, in order, have these ranges."""
    return low.reshape(-1, channels).min(axis=0), high.reshape(-1, channels).max(axis=0)


def reshape_range(tensor: Tensor, shape: Shape) -> Range:
    """Return the (low, high) of every channel of ``tensor`` under another shape of the same size."""
    return range_of_elements(*tensor.ends(), shape[-1])


def narrow(values: NDArray[np.generic], where: str) -> Integers:
    """Return int64 values, or raise ModelError where they do not fit."""
    if values.dtype == object and any(abs(int(v)) >> MAX_BITS for v in values):
        raise ModelError(
            f"values up to {max(abs(int(v)) for v in values)} are reached",
            where=where,
            hint=f"quantize earlier: at most {MAX_BITS} bits are possible",
        )
    return values.astype(np.int64)
