# SPDX-License-Identifier: Apache-2.0
"""Step function per channel, all thresholds compared in parallel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.blocks import automata, lanes
from tailrace.blocks.base import Block, Memory, Role
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Threshold(Block):
    """y = base + (number of thresholds <= x), or base - that number where ``decreasing``.

    ``thresholds`` (channels or 1, levels) int64, ascending in each row; in_type.max + 1 means never.
    ``base`` (channels or 1,) int64 is y below the first threshold; ``decreasing`` (channels or 1,) bool.
    One row stands for all channels. Raises MappingError where ``pe`` does not divide ``channels``,
    ValueError for arrays that are no such functions from ``in_type`` to ``out_type``.
    """

    name: ClassVar[str] = "threshold"
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
        lanes.check_steps(
            thresholds=self.thresholds,
            base=self.base,
            decreasing=self.decreasing,
            channels=self.channels,
            in_type=self.in_type,
            out_type=self.out_type,
        )

    @property
    def levels(self) -> int:
        """The thresholds of a channel."""
        return int(self.thresholds.shape[1])

    @property
    def folds(self) -> int:
        """The memory words."""
        arrays = (self.thresholds, self.base, self.decreasing)
        return lanes.fold_count(arrays, channels=self.channels, pe=self.pe)

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
        return (self.folds > 1) + 1 + (self.levels > 3) + lanes.has_offsets(self.base, self.decreasing)

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_threshold``."""
        offsets = lanes.has_offsets(self.base, self.decreasing)
        return {
            "CHANNELS": self.folds * self.pe,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "THRESHOLD_BITS": lanes.threshold_type(self.thresholds, self.in_type).bits,
            "LEVELS": self.levels,
            "OUT_BITS": self.out_type.bits,
            "BASE": 0 if offsets else int(self.base[0]),
            "OFFSETS": int(offsets),
        }

    def memories(self) -> tuple[Memory, ...]:
        """``thresholds``, and ``offsets`` where the channels differ in base or direction."""
        kind = lanes.threshold_type(self.thresholds, self.in_type)
        rows = lanes.fold_rows(self.thresholds, folds=self.folds, pe=self.pe)
        memories = (Memory(name="thresholds", values=rows, type=kind, writable=True),)
        if not lanes.has_offsets(self.base, self.decreasing):
            return memories
        words = lanes.offset_rows(self.base, self.decreasing, out_type=self.out_type)
        rows = lanes.fold_rows(words, folds=self.folds, pe=self.pe)
        kind = IntType(self.out_type.bits + 1, signed=False)
        return (*memories, Memory(name="offsets", values=rows, type=kind, writable=True))

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

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
        """Estimate: comparators, parities, a memory of channels / pe words, pipeline registers."""
        count = self.pe * self.levels
        bits = lanes.threshold_type(self.thresholds, self.in_type).bits
        out_bits = self.out_type.bits
        split = self.levels > 3
        offsets = lanes.has_offsets(self.base, self.decreasing)
        constant = self.folds == 1
        luts = lanes.parity(family, self.pe * min(2 * self.levels, out_bits * self.levels)) + 8
        luts += lanes.constant_memory(family, words=self.folds, bits=count * bits)
        registers: float = split * count + (1 + offsets) * self.pe * out_bits + self.latency_cycles
        if not constant:
            row = lanes.distinct_bits(words=self.folds, bits=count * bits)
            registers += self.pe * self.in_type.bits + 0.85 * row
        if offsets:
            luts += self.pe * out_bits
            registers += 0 if constant else self.pe * (out_bits + 1)
        compared = lanes.comparators(family, count=count, bits=bits, constant=constant)
        return compared + Resources(lut=luts, ff=registers)
