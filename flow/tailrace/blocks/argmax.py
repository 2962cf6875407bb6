# SPDX-License-Identifier: Apache-2.0
"""The index of the largest or smallest value of a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Integers, Memory, Role, Stream
from tailrace.blocks.lanes import check_lanes
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax(Block):
    """Index of the largest (or ``smallest``) of ``channels`` values, ``pe`` a word; the first of equals.

    Raises MappingError where ``pe`` does not divide ``channels``.
    """

    name: ClassVar[str] = "argmax"
    role: ClassVar[Role] = Role.COMPUTES

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

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for the words of a vector."""
        return automata.in_a_row(automata.reduction(self.channels // self.pe, 1, self.latency_cycles))

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
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * channels) values to (frames, vectors) indices."""
        vectors = frames.reshape(len(frames), self.vectors, self.channels)
        indices = vectors.argmin(axis=2) if self.smallest else vectors.argmax(axis=2)
        return np.asarray(indices, np.int64)

    def cost(self, family: Family) -> Resources:
        """Estimate from ``pe`` comparisons; within 30 % of the syntheses in docs/blocks/argmax.md."""
        bits, index_bits = self.in_type.bits, self.out_type.bits
        levels = (self.pe - 1).bit_length()
        tree = sum(-(-self.pe // (1 << level)) * (bits + level) for level in range(0, levels + 1, 2))
        registers = tree + bits + 2 * index_bits + levels + 8
        if family.wide_luts:
            groups = -(-bits // 3)  # of three bits a side: a LUT each for less and for equal
            logic = 2.0 * groups + (bits + index_bits if self.pe > 1 else 8)
            return Resources(lut=0.85 * self.pe * logic + 4, carry=self.pe * -(-groups // 4), ff=registers)
        if family.carry.in_luts:  # a CCU2C compares two bits in the place of two LUTs
            logic = 4 * bits if self.pe > 1 else 3.3 * bits
            return Resources(lut=self.pe * logic, carry=self.pe * bits / family.carry.bits, ff=registers)
        return Resources(lut=self.pe * (3.0 * bits + 2), carry=self.pe * bits, ff=registers)
