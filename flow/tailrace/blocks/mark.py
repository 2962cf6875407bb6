# SPDX-License-Identifier: Apache-2.0
"""Mark: takes the mark of a sequence off the words of a frame, and gives it once a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Port, Role, Stream
from tailrace.blocks.state import MARK
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Block):
    """``stream`` comes with one more lane in each word, the highest; not 0 in the first word of a frame is a mark."""

    name: ClassVar[str] = "mark"
    role: ClassVar[Role] = Role.CARRIES

    stream: Stream

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream with the lane of the mark."""
        return (replace(self.stream, lanes=self.stream.lanes + 1),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The stream, and the mark of every frame."""
        return (self.stream, MARK)

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """``m0_axis``, the stream, and ``m1_axis``, the mark."""
        return tuple(Port(name=f"m{n}_axis", streams=(stream,)) for n, stream in enumerate(self.outputs))

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge on which either output can give it."""
        return 1

    def schedule(self) -> automata.Schedule:
        """The first word to both outputs, the others to the stream alone."""
        program = automata.rows((1, 0b11), (self.stream.words - 1, 0b01))
        spread = automata.Spread(program=program, outputs=2)
        return automata.in_a_row(spread, outputs=("m0_axis", "m1_axis"))

    def parameters(self) -> Mapping[str, int]:
        """WIDTH (of a word without the mark), MARK_BITS, WORDS (of a frame)."""
        return {
            "WIDTH": self.stream.bits,
            "MARK_BITS": self.stream.type.bits,
            "WORDS": self.stream.words,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> tuple[Integers, ...]:
        """Return the (frames, values) of the stream and the (frames, 1) marks."""
        words = frames.reshape(len(frames), self.stream.words, self.stream.lanes + 1)
        return words[:, :, :-1].reshape(len(frames), -1), (words[:, :1, -1] != 0).astype(frames.dtype)

    def cost(self, family: Family) -> Resources:
        """A register of the word, one of the mark, and a count of words."""
        count = (self.stream.words - 1).bit_length()
        carry = -(-count // 4) if family.wide_luts else count / 2
        return Resources(lut=count + 6, ff=self.stream.bits + 3 + count, carry=carry)
