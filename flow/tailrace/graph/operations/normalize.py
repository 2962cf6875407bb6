# SPDX-License-Identifier: Apache-2.0
"""Normalization of groups of channels: layer and RMS normalization without their affine, which is part of a tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tailrace.core.normalization import Normalization
from tailrace.graph.operations.base import Array, Evaluator, Operation, as_samples, only, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.graph.tensors import Range, Shape, Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normalize(Operation):
    """Each of ``groups`` equal groups of channels of a position, normalized: y = round(2^fraction_bits · (x - m) / s).

    ``kind`` layer: m is the mean of a group, s² its variance plus epsilon; rms: m is 0, s² the mean of squares plus
    epsilon. What the root of epsilon is added to is counted in squared steps of the input, times n² (layer) or n (rms)
    for n channels a group, and stands here as ``epsilon`` · 2^``exponent``. The result is the nearest integer, ties go
    away from zero (:mod:`tailrace.core.normalization`).
    """

    reads = ("input",)
    role = "computes"

    input: str
    kind: Literal["layer", "rms"]
    groups: int
    size: int
    fraction_bits: int
    epsilon: int
    exponent: int

    def __post_init__(self) -> None:
        require(self.groups >= 1, f"it has {self.groups} groups, wanted at least 1")
        self.arithmetic  # noqa: B018 - looks at the constants

    @property
    def arithmetic(self) -> Normalization:
        """The function of one group."""
        return Normalization(
            kind=self.kind,
            size=self.size,
            fraction_bits=self.fraction_bits,
            epsilon=self.epsilon,
            exponent=self.exponent,
        )

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        shape = only(shapes)
        require(
            shape[-1] == self.groups * self.size,
            f"its {self.groups} groups of {self.size} are not the {shape[-1]} channels",
        )
        return shape

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the ends that the distance of a channel from its mean, or its size, allows."""
        (x,) = ins
        low, high = self.arithmetic.ends(*(end.reshape(self.groups, self.size) for end in (x.low, x.high)))
        return low.reshape(-1), high.reshape(-1)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the normalization of every group of every position."""
        shape, function = ins[0].shape, self.arithmetic

        def evaluate(x: Array) -> Array:
            return as_samples(function(x.reshape(-1, self.groups, self.size)), shape)

        return evaluate

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1
