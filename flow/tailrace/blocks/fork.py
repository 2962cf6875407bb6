# SPDX-License-Identifier: Apache-2.0
"""Fork: sends every word of a stream to several consumers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role, stream_names
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork(Block):
    """``stream`` (whose ``words`` are those of one of ``vectors`` vectors), ``branches`` times."""

    name: ClassVar[str] = "fork"
    role: ClassVar[Role] = Role.CARRIES

    stream: Stream
    branches: int
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.branches < 1:
            raise ValueError(f"branches={self.branches} must be at least 1")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream."""
        return (replace(self.stream, words=self.stream.words * self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same stream, once per branch."""
        return self.inputs * self.branches

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words * self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge on which any output can give it."""
        return 1

    def schedule(self) -> automata.Schedule:
        """Every word to every branch, each of which takes it when it can."""
        program = automata.rows((1, (1 << self.branches) - 1))
        spread = automata.Spread(program=program, outputs=self.branches)
        return automata.in_a_row(spread, outputs=stream_names(self.output_ports))

    def parameters(self) -> Mapping[str, int]:
        """WIDTH, OUTPUTS."""
        return {"WIDTH": self.stream.bits, "OUTPUTS": self.branches}

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> tuple[Integers, ...]:
        """Return the (frames, values) array once per branch."""
        return (frames,) * self.branches

    def cost(self, family: Family) -> Resources:
        """One register of the word, one flip-flop per output."""
        per_output = 1 if family.wide_luts else 4
        return Resources(lut=per_output * self.branches + 2, ff=self.stream.bits + self.branches)
