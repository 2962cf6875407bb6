# SPDX-License-Identifier: Apache-2.0
"""Replay: sends each vector several times, for an engine that needs it once per group of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.fifo import memory_cost
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Block):
    """Each of ``vectors`` vectors (``vector`` is the stream of one) ``times`` times; two of them are held."""

    name: ClassVar[str] = "replay"
    role: ClassVar[Role] = Role.CARRIES

    vector: Stream
    times: int
    vectors: int = 1

    def __post_init__(self) -> None:
        if min(self.vector.words, self.times, self.vectors) < 1:
            raise ValueError(
                f"words={self.vector.words}, times={self.times} and vectors={self.vectors} must be at least 1"
            )

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """Every vector once."""
        return (replace(self.vector, words=self.vector.words * self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """Every vector ``times`` times."""
        return (replace(self.vector, words=self.vector.words * self.vectors * self.times),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: an output word every cycle."""
        return self.vector.words * self.vectors * self.times

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take its first copy."""
        return 1 if self.times == 1 else 2

    def schedule(self) -> automata.Schedule:
        """A memory of two vectors, each of which is read ``times`` times; a register where that is once."""
        if self.times == 1:
            return automata.in_a_row(automata.each_word(1))
        words = self.vector.words
        program = automata.rows(*[(words, 1, 1, 2 * words, 0)] * self.times)
        return automata.in_a_row(automata.Store(program=program, words=words))

    @property
    def copies(self) -> int:
        """``times``."""
        return self.times

    def parameters(self) -> Mapping[str, int]:
        """WIDTH, WORDS (of one vector), TIMES."""
        return {"WIDTH": self.vector.bits, "WORDS": self.vector.words, "TIMES": self.times}

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """Two vectors, unless each is sent once."""
        return 2 * self.vector.words * self.vector.bits if self.times > 1 else 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, values * times): each vector of (frames, values) ``times`` times in a row."""
        count = len(frames)
        vectors = frames.reshape(count, self.vectors, 1, self.vector.words * self.vector.lanes)
        return vectors.repeat(self.times, axis=2).reshape(count, -1)

    def cost(self, family: Family) -> Resources:
        """A memory of two vectors, two addresses and the count of copies."""
        if self.times == 1:
            return Resources(lut=1, ff=self.vector.bits + 1)
        address = (2 * self.vector.words - 1).bit_length()
        copy = (self.times - 1).bit_length()
        if family.wide_luts:
            control = Resources(lut=3 * address + 3 + copy, carry=0.7 * address)
        elif family.carry.in_luts:
            control = Resources(lut=6.5 * address + 26, carry=1.2 * address)
        else:
            control = Resources(lut=5 * address + 14, carry=1.2 * address)
        memory = memory_cost(
            depth=2 * self.vector.words, bits=self.vector.bits, family=family, registered=True
        )
        return control + memory + Resources(ff=2 * address + copy + 4)
