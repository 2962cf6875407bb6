# SPDX-License-Identifier: Apache-2.0
"""Frame: the output edge of a design; lanes padded to whole bytes, ``tlast`` on the last word of a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Port, Role, Stream
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Block):
    """The end of ``stream`` (whose ``words`` are those of one of ``vectors`` vectors of a frame)."""

    name: ClassVar[str] = "frame"
    role: ClassVar[Role] = Role.EDGE

    stream: Stream
    vectors: int = 1

    @property
    def pad_bits(self) -> int:
        """Bits of an output lane: the next multiple of 8."""
        return -(-self.stream.type.bits // 8) * 8

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream as the design makes it."""
        return (replace(self.stream, words=self.stream.words * self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same values, sign- or zero-extended to ``pad_bits`` bits."""
        padded = IntType(self.pad_bits, signed=self.stream.type.signed)
        return (Stream(lanes=self.stream.lanes, type=padded, words=self.stream.words * self.vectors),)

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """``m_axis`` with ``tlast``."""
        return (Port(name="m_axis", streams=self.outputs, last=True),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words * self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take it from the output."""
        return 1

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, SIGNED, PAD_BITS, WORDS (of a frame)."""
        return {
            "LANES": self.stream.lanes,
            "BITS": self.stream.type.bits,
            "SIGNED": int(self.stream.type.signed),
            "PAD_BITS": self.pad_bits,
            "WORDS": self.stream.words * self.vectors,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return the (frames, values) array as it came: padding keeps the values."""
        return frames

    def cost(self, family: Family) -> Resources:
        """A register of the word and a count of words; padding is wires."""
        count = (self.stream.words * self.vectors - 1).bit_length()
        carry = -(-count // 4) if family.wide_luts else count / 2
        return Resources(lut=count + 2, ff=self.stream.bits + 1 + (count + 1 if count else 0), carry=carry)
