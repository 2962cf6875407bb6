# SPDX-License-Identifier: Apache-2.0
"""Width: a gearbox between different numbers of lanes, for any ratio."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import gcd
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role, Stream
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory
    from tailrace.core.types import IntType
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Width(Block):
    """From ``in_lanes`` to ``out_lanes`` lanes a word; a vector has ``words_in`` words of ``in_lanes`` lanes.

    Raises:
        MappingError: ``out_lanes`` does not divide the lanes of a vector.

    """

    name: ClassVar[str] = "width"
    role: ClassVar[Role] = Role.CARRIES

    type: IntType
    in_lanes: int
    out_lanes: int
    words_in: int
    vectors: int = 1

    def __post_init__(self) -> None:
        if min(self.in_lanes, self.out_lanes, self.words_in, self.vectors) < 1:
            raise ValueError("in_lanes, out_lanes, words_in and vectors are at least 1")
        values = self.in_lanes * self.words_in
        if values % self.out_lanes:
            possible = ", ".join(str(lanes) for lanes in range(1, values + 1) if values % lanes == 0)
            raise MappingError(
                f"{self.out_lanes} lanes do not divide the {values} values of a vector",
                hint=f"use one of {possible}",
            )

    @classmethod
    def between(cls, stream: Stream, lanes: int) -> Width:
        """Return the gearbox from ``stream`` (a whole frame) to ``lanes`` lanes a word."""
        return cls(type=stream.type, in_lanes=stream.lanes, out_lanes=lanes, words_in=stream.words)

    @property
    def words_out(self) -> int:
        """Output words of a vector."""
        return self.words_in * self.in_lanes // self.out_lanes

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """Words of ``in_lanes`` lanes."""
        return (Stream(lanes=self.in_lanes, type=self.type, words=self.words_in * self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """Words of ``out_lanes`` lanes, the same values in the same order."""
        return (Stream(lanes=self.out_lanes, type=self.type, words=self.words_out * self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle on the side with more words."""
        return max(self.words_in, self.words_out) * self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first output word.

        The last input word that an output word needs is followed by the output word a cycle later.
        """
        return -(-self.out_lanes // self.in_lanes)

    def schedule(self) -> automata.Schedule:
        """A register: the side with more words moves in every step, the other where a word is begun or complete."""
        common = gcd(self.in_lanes, self.out_lanes)
        taken, sent = self.in_lanes // common, self.out_lanes // common  # chunks of a word
        step = automata.step
        if (
            taken > sent
        ):  # each step sends; where an output word begins or cuts an input word, the step takes one
            starts = [word * sent % taken for word in range(taken)]
            steps = [step(1, takes=int(start == 0 or start + sent > taken)) for start in starts]
        else:  # each step takes; the one that completes an output word sends
            places = [word * taken % sent for word in range(sent)]
            steps = [step(1, takes=1, sends=int(place + taken >= sent)) for place in places]
        program = automata.rows(*((len(list(equal)), *first[1:]) for first, equal in groupby(steps)))
        return automata.in_a_row(automata.Pipeline(program=program, depth=1))

    def parameters(self) -> Mapping[str, int]:
        """IN_LANES, OUT_LANES, BITS."""
        return {"IN_LANES": self.in_lanes, "OUT_LANES": self.out_lanes, "BITS": self.type.bits}

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return the (frames, values) array as it came: only the words change."""
        return frames

    def cost(self, family: Family) -> Resources:
        """Equal lanes: a register; integer ratios: a shift register; else a multiplexer per output bit."""
        common = gcd(self.in_lanes, self.out_lanes)
        in_chunks, out_chunks = self.in_lanes // common, self.out_lanes // common
        in_bits, out_bits = self.in_lanes * self.type.bits, self.out_lanes * self.type.bits
        if in_chunks == out_chunks:
            return Resources(lut=1, ff=out_bits + 1)
        count_bits = (max(in_chunks, out_chunks) - 1).bit_length()
        if out_chunks == 1:
            return Resources(lut=in_bits + 3 + count_bits, ff=in_bits + 1 + count_bits)
        if in_chunks == 1:
            return Resources(lut=3 + count_bits, ff=out_bits + 1 + count_bits)
        if family.wide_luts:
            per_bit = 0.4 + 0.28 * in_chunks
        else:
            per_bit = (1.8 if family.joins_luts and in_chunks > out_chunks else 0.8) * in_chunks
        return Resources(
            lut=round(per_bit * out_bits) + 8,
            ff=out_bits + (in_chunks - 1) * common * self.type.bits + 1 + 2 * count_bits,
        )
