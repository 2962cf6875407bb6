# SPDX-License-Identifier: Apache-2.0
"""Step function per channel, its thresholds searched by halves in a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tailrace.blocks import automata, lanes
from tailrace.blocks.base import Block, Memory, Role
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream
    from tailrace.targets.family import Family

MOST_LANES = 10_000
"""The file of a lane is numbered with four digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThresholdSearch(Block):
    """The function of ``Threshold`` by binary search: cheap for many levels, a cycle of latency per step.

    ``thresholds`` (channels or 1, levels) int64, ascending in each row; in_type.max + 1 means never; any
    number of levels, the hardware pads them to 2^steps - 1. ``base`` (channels or 1,) int64 is y below the
    first threshold; ``decreasing`` (channels or 1,) bool. One row stands for all channels. Raises
    MappingError where ``pe`` does not divide ``channels``, ValueError for arrays that are no such functions
    from ``in_type`` to ``out_type``.
    """

    name: ClassVar[str] = "threshold_search"
    role: ClassVar[Role] = Role.COMPUTES

    thresholds: Any
    base: Any
    decreasing: Any
    channels: int
    pe: int
    in_type: IntType
    out_type: IntType
    vectors: int = 1

    def __post_init__(self) -> None:
        lanes.check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)
        if self.pe > MOST_LANES:
            raise MappingError(f"pe={self.pe} is too many lanes", hint=f"use at most {MOST_LANES}")
        lanes.check_steps(
            thresholds=self.thresholds,
            base=self.base,
            decreasing=self.decreasing,
            channels=self.channels,
            in_type=self.in_type,
            out_type=self.out_type,
        )

    @property
    def steps(self) -> int:
        """The steps of the search: 2^steps - 1 thresholds are the fewest that hold all levels."""
        return int(self.thresholds.shape[1]).bit_length()

    @property
    def folds(self) -> int:
        """The memory words of the first step."""
        arrays = (self.thresholds, self.base, self.decreasing)
        return lanes.fold_count(arrays, channels=self.channels, pe=self.pe)

    @property
    def padded(self) -> Integers:
        """The thresholds with never appended: (channels or 1, 2^steps - 1)."""
        missing = (1 << self.steps) - 1 - self.thresholds.shape[1]
        never = self.in_type.max + 1
        return np.pad(self.thresholds, ((0, 0), (0, missing)), constant_values=never)

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
        return (self.folds > 1) + self.steps + lanes.has_offsets(self.base, self.decreasing)

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_threshold_search``."""
        offsets = lanes.has_offsets(self.base, self.decreasing)
        return {
            "CHANNELS": self.folds * self.pe,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "THRESHOLD_BITS": lanes.threshold_type(self.padded, self.in_type).bits,
            "LEVELS": (1 << self.steps) - 1,
            "OUT_BITS": self.out_type.bits,
            "BASE": 0 if offsets else int(self.base[0]),
            "OFFSETS": int(offsets),
        }

    def memories(self) -> tuple[Memory, ...]:
        """``thresholds_<lane, 4 digits>_<step, 2 digits>`` of one element a word, and ``offsets`` if needed.

        Entry (f << step) + p of lane l is threshold (p << (steps - step)) + (1 << (steps - step - 1)) - 1 of
        channel f * pe + l.
        """
        flat, *offsets = self.hls_memories()
        count = (1 << self.steps) - 1
        rows = flat.values.reshape(self.folds, self.pe, count)
        memories = []
        for lane in range(self.pe):
            for step in range(self.steps):
                stride = 1 << (self.steps - step)
                entries = rows[:, lane, stride // 2 - 1 :: stride].reshape(-1, 1)
                name = f"thresholds_{lane:04d}_{step:02d}"
                memories.append(replace(flat, name=name, values=entries))
        return (*memories, *offsets)

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def hls_memories(self) -> tuple[Memory, ...]:
        """The arrays of the HLS C++: those of ``Threshold``, with 2^steps - 1 levels."""
        padded = self.padded
        rows = lanes.fold_rows(padded, folds=self.folds, pe=self.pe)
        kind = lanes.threshold_type(padded, self.in_type)
        memories = (Memory(name="thresholds", values=rows, type=kind, writable=True),)
        if not lanes.has_offsets(self.base, self.decreasing):
            return memories
        words = lanes.offset_rows(self.base, self.decreasing, out_type=self.out_type)
        rows = lanes.fold_rows(words, folds=self.folds, pe=self.pe)
        kind = IntType(self.out_type.bits + 1, signed=False)
        return (*memories, Memory(name="offsets", values=rows, type=kind, writable=True))

    def memory_parameters(self, instance: str) -> Mapping[str, str]:
        """The Verilog parameters that lead to the files ``<instance>_<memory>.mem``."""
        found = {"THRESHOLDS_PREFIX": f"{instance}_thresholds"}
        if lanes.has_offsets(self.base, self.decreasing):
            found["OFFSETS_FILE"] = f"{instance}_offsets.mem"
        return found

    def evaluate(self, frames: Integers) -> Integers:
        """Return y for (frames, vectors * channels) values."""
        return lanes.evaluate_steps(
            frames,
            thresholds=self.thresholds,
            base=self.base,
            decreasing=self.decreasing,
            channels=self.channels,
        )

    def cost(self, family: Family) -> Resources:
        """Estimate: a comparator, a memory and registers for x and the index, for each lane and step."""
        bits = lanes.threshold_type(self.padded, self.in_type).bits
        out_bits = self.out_type.bits
        offsets = lanes.has_offsets(self.base, self.decreasing)
        ranks = self.steps - 1 + (self.folds > 1)
        compared = lanes.comparators(family, count=self.pe * self.steps, bits=bits, constant=False)
        total = compared + Resources(
            lut=8 + self.pe * self.steps + offsets * self.pe * out_bits,
            ff=ranks * self.pe * (self.in_type.bits + bits)
            + self.pe * (self.steps * (self.steps - 1) / 2 + (1 + offsets) * out_bits)
            + self.latency_cycles,
        )
        # Where the last address bit is the comparator's own, LUTs of 4 inputs look both halves up.
        double = 1 if family.wide_luts else 2
        for step in range(self.steps):
            memory = lanes.memory(family, words=self.folds << step, bits=bits)
            total += Resources(lut=self.pe * double * memory.lut, bram18=self.pe * memory.bram18)
        return total
