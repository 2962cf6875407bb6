# SPDX-License-Identifier: Apache-2.0
"""One of several pixels, or their sum, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailrace.graph.operations.base import Evaluator, Operation, as_samples, only, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.graph.tensors import Range, Shape, Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool(Operation):
    """The largest, or the sum, of ``taps`` pixels, channel by channel: (..., taps * channels) -> (..., channels)."""

    reads = ("input",)
    role = "computes"

    input: str
    operation: Literal["maximum", "sum"]
    taps: int

    def __post_init__(self) -> None:
        require(self.taps >= 1, f"it pools {self.taps} pixels, wanted at least 1")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions..., channels)."""
        shape = only(shapes)
        require(shape[-1] % self.taps == 0, f"{shape[-1]} channels are no {self.taps} taps of equal size")
        return (*shape[:-1], shape[-1] // self.taps)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the largest ends of all taps, or their sums."""
        lows, highs = ins[0].low.reshape(self.taps, -1), ins[0].high.reshape(self.taps, -1)
        if self.operation == "maximum":
            return lows.max(axis=0), highs.max(axis=0)
        return lows.sum(axis=0), highs.sum(axis=0)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the reduction."""
        shape = self.output_shape([ins[0].shape])
        reduce = np.max if self.operation == "maximum" else np.sum
        taps = (*shape[:-1], self.taps, shape[-1])
        return lambda x: reduce(as_samples(x, taps), axis=-2)

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1
