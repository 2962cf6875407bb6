# SPDX-License-Identifier: Apache-2.0
"""Look-up table per channel, or one for all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tailrace.blocks import automata, lanes
from tailrace.blocks.base import Block, Memory, Role
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream
    from tailrace.core.types import IntType
    from tailrace.targets.family import Family

MOST_LANES = 10_000
"""The file of a lane is numbered with four digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table(Block):
    """y = values[channel][x], with the bit pattern of x as the index.

    ``values`` (channels or 1, 2^in_bits) int64, entries of ``out_type``; one row stands for all channels.
    ``style``: 0 left to the tool, 1 logic, 2 distributed memory, 3 block RAM. Raises MappingError where
    ``pe`` does not divide ``channels``, ValueError for anything else that does not fit together.
    """

    name: ClassVar[str] = "table"
    role: ClassVar[Role] = Role.COMPUTES

    values: Any
    channels: int
    pe: int
    in_type: IntType
    out_type: IntType
    style: int = 0
    vectors: int = 1

    def __post_init__(self) -> None:
        lanes.check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)
        if self.pe > MOST_LANES:
            raise MappingError(f"pe={self.pe} is too many lanes", hint=f"use at most {MOST_LANES}")
        lanes.check_rows(self.values, channels=self.channels, shape=(1 << self.in_type.bits,), what="values")
        low, high = int(self.values.min()), int(self.values.max())
        if low < self.out_type.min or high > self.out_type.max:
            raise ValueError(f"the values {low}..{high} do not fit {self.out_type}")
        if self.style not in range(4):
            raise ValueError(f"style={self.style} is none of 0 auto, 1 logic, 2 distributed, 3 block RAM")

    @property
    def shared(self) -> bool:
        """Whether one table holds for all channels."""
        return lanes.all_rows_equal(self.values)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """One stream of ``pe`` channels a word."""
        return (lanes.edge(self.in_type, channels=self.channels, pe=self.pe, vectors=self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """One stream of ``pe`` channels a word."""
        return (lanes.edge(self.out_type, channels=self.channels, pe=self.pe, vectors=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """One word per cycle."""
        return self.vectors * self.channels // self.pe

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes a word to the edge that can take it from the output."""
        return 1

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_table``."""
        return {
            "CHANNELS": self.pe if self.shared else self.channels,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "OUT_BITS": self.out_type.bits,
            "SHARED": int(self.shared),
            "STYLE": self.style,
        }

    def memories(self) -> tuple[Memory, ...]:
        """``values_<lane, 4 digits>`` of one element a word, lane 0000 alone where all channels share it.

        Entry (f << in_bits) + x of lane p is y for x in channel f * pe + p.
        """
        (flat,) = self.hls_memories()
        return tuple(
            replace(flat, name=f"values_{lane:04d}", values=flat.values[:, lane : lane + 1])
            for lane in range(flat.values.shape[1])
        )

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def hls_memories(self) -> tuple[Memory, ...]:
        """The array of the HLS C++: ``values``, (folds * 2^in_bits, pe), one column where it is shared."""
        size = 1 << self.in_type.bits
        if self.shared:
            columns = self.values[:1].reshape(size, 1)
        else:
            folded = self.values.reshape(-1, self.pe, size)
            columns = np.ascontiguousarray(folded.transpose(0, 2, 1)).reshape(-1, self.pe)
        return (
            Memory(
                name="values",
                values=columns,
                type=self.out_type,
                writable=True,
                style=self.style,
                per_lane=True,
            ),
        )

    def memory_parameters(self, instance: str) -> Mapping[str, str]:
        """The Verilog parameter that leads to the files ``<instance>_<memory>.mem``."""
        return {"VALUES_PREFIX": f"{instance}_values"}

    def evaluate(self, frames: Integers) -> Integers:
        """Return y for (frames, vectors * channels) values."""
        patterns = frames & ((1 << self.in_type.bits) - 1)
        if self.shared:
            shared: Integers = self.values[0].take(patterns)
            return shared
        channels = np.arange(self.channels)
        found: Integers = self.values[channels, patterns.reshape(-1, self.channels)]
        return found.reshape(frames.shape)

    def cost(self, family: Family) -> Resources:
        """Estimate: one memory a lane, in LUTs or in block RAM."""
        words = (1 if self.shared else self.channels // self.pe) << self.in_type.bits
        total = Resources(lut=3, ff=2)
        for _ in range(self.pe):
            memory = lanes.memory(family, words=words, bits=self.out_type.bits, style=self.style)
            total += memory if memory.bram18 else memory + Resources(ff=self.out_type.bits)
        return total
