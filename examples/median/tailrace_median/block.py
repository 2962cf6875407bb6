# SPDX-License-Identifier: Apache-2.0
"""The hardware block: its streams, cycles, function and cost; the Verilog and C++ lie in the folders beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from tailrace.extend import Block, IntType, Resources, Role, Stream, automata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from tailrace.extend import Memory
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Median(Block):
    """The median of ``channels`` values of ``type``, a whole vector a word; ``vectors`` of them a frame."""

    name: ClassVar[str] = "median"
    role: ClassVar[Role] = Role.COMPUTES

    channels: int
    type: IntType
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.channels % 2 == 0 or self.vectors < 1:
            raise ValueError(f"channels={self.channels} must be odd, and vectors={self.vectors} at least 1")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The vectors."""
        return (Stream(lanes=self.channels, type=self.type, words=self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """A value a vector."""
        return (Stream(lanes=1, type=self.type, words=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """A vector every cycle."""
        return self.vectors

    @property
    def latency_cycles(self) -> int:
        """A register for the ranks, one for the median."""
        return 2

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, SIGNED."""
        return {"LANES": self.channels, "BITS": self.type.bits, "SIGNED": int(self.type.signed)}

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: np.ndarray) -> np.ndarray:
        """Return the medians (frames, vectors) of (frames, vectors * channels) values."""
        vectors = np.sort(frames.reshape(len(frames), self.vectors, self.channels), axis=2)
        return vectors[:, :, self.channels // 2]

    def cost(self, family: Family) -> Resources:
        """A comparator a pair of lanes, a rank a lane; values and ranks are registered."""
        pairs, rank_bits = self.channels * (self.channels - 1) / 2, (self.channels - 1).bit_length()
        logic = pairs * self.type.bits * (0.7 if family.lut_inputs > 4 else 1.3)
        logic += self.channels * (self.channels + self.type.bits)
        return Resources(lut=logic, ff=self.channels * (self.type.bits + rank_bits) + self.type.bits + 2)

    @classmethod
    def folders(cls, kind: str) -> tuple[Traversable, ...]:
        """Look for the files of the block in this package first."""
        return (Path(__file__).parent / kind, *Block.folders(kind))
