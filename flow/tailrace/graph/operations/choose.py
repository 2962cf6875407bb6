# SPDX-License-Identifier: Apache-2.0
"""Choosing among the channels of a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailrace.graph.operations.base import Evaluator, Operation, as_samples, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.graph.tensors import Range, Shape, Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArgMax(Operation):
    """The index of the largest (or ``smallest``) channel at every position; the first of equals."""

    reads = ("input",)
    role = "computes"

    input: str
    smallest: bool = False

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions..., 1)."""
        return (*only(shapes)[:-1], 1)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return 0 and the last channel."""
        return np.zeros(1, np.int64), np.full(1, ins[0].channels - 1, np.int64)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the search for the index."""
        pick = np.argmin if self.smallest else np.argmax
        shape = self.output_shape([ins[0].shape])
        return lambda x: as_samples(np.asarray(pick(x, axis=-1), np.int64), shape)

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1
