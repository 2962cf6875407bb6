# SPDX-License-Identifier: Apache-2.0
"""Skid buffer: a register stage for payload, valid and ready, which cuts long combinational ready paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Skid(Block):
    """A skid buffer in ``stream`` (whose ``words`` are those of one of ``vectors`` vectors)."""

    name: ClassVar[str] = "skid"
    role: ClassVar[Role] = Role.CARRIES

    stream: Stream
    vectors: int = 1

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream."""
        return (replace(self.stream, words=self.stream.words * self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same stream, a cycle later."""
        return self.inputs

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words * self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take it from the output."""
        return 1

    def schedule(self) -> automata.Schedule:
        """Two words, ready from a register."""
        return automata.in_a_row(automata.Queue(depth=2, registered=True))

    def parameters(self) -> Mapping[str, int]:
        """WIDTH."""
        return {"WIDTH": self.stream.bits}

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return the (frames, values) array as it came."""
        return frames

    def cost(self, family: Family) -> Resources:
        """Two registers and a 2:1 multiplexer per bit, in every family."""
        del family
        return Resources(lut=self.stream.bits + 3, ff=2 * self.stream.bits + 2)
