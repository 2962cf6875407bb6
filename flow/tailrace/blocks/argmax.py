# SPDX-License-Identifier: Apache-2.0
"""The index of the largest or smallest value of a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks.base import Integers, Memory, Stream
from tailrace.blocks.lanes import check_lanes
from tailrace.resources import Resources
from tailrace.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax:
    """Index of the largest (or ``smallest``) of ``channels`` values, ``pe`` a word; the first of equals.

    Raises MappingError where ``pe`` does not divide ``channels``.
    """

    name: ClassVar[str] = "argmax"

    channels: int
    pe: int
    in_type: IntType
    smallest: bool = False
    vectors: int = 1

    def __post_init__(self) -> None:
        check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)

    @property
    def out_type(self) -> IntType:
        """The smallest unsigned type that holds every index."""
        return IntType.containing(0, self.channels - 1)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """``pe`` channels a word."""
        words = self.vectors * (self.channels // self.pe)
        return (Stream(lanes=self.pe, type=self.in_type, words=words),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """One index per vector."""
        return (Stream(lanes=1, type=self.out_type, words=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """One word in per cycle."""
        return self.vectors * (self.channels // self.pe)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first index."""
        return self.channels // self.pe + 1 + (self.pe - 1).bit_length() // 2

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_argmax``."""
        return {
            "CHANNELS": self.channels,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "OUT_BITS": self.out_type.bits,
            "SMALLEST": int(self.smallest),
        }

    def memories(self) -> tuple[Memory, ...]:
        """None."""
        return ()

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * channels) values to (frames, vectors) indices."""
        vectors = frames.reshape(len(frames), self.vectors, self.channels)
        indices = vectors.argmin(axis=2) if self.smallest else vectors.argmax(axis=2)
        return np.asarray(indices, np.int64)

    def cost(self, family: str) -> Resources:
        """Fit of measured syntheses; see docs/blocks/argmax.md."""
        del family
        return Resources()
