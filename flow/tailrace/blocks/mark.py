# SPDX-License-Identifier: Apache-2.0
"""Mark: says once a frame whether a sequence begins, by a mark on its words or by counting frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Port, Role, State, Stream
from tailrace.blocks.state import MARK
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.blocks.base import Integers, Memory
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Block):
    """``stream`` comes with one more lane in each word, the highest; not 0 in the first word of a frame is a mark.

    With ``every`` it comes as it is, and the first of so many frames is a marked one.
    """

    name: ClassVar[str] = "mark"
    role: ClassVar[Role] = Role.CARRIES

    stream: Stream
    every: int = 0

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream, with the lane of the mark unless frames are counted."""
        return (self.stream if self.every else replace(self.stream, lanes=self.stream.lanes + 1),)

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
        """WIDTH (of a word without the mark), MARK_BITS (0: frames are counted), WORDS (of a frame), EVERY (frames)."""
        return {
            "WIDTH": self.stream.bits,
            "MARK_BITS": 0 if self.every else self.stream.type.bits,
            "WORDS": self.stream.words,
            "EVERY": max(1, self.every),
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> tuple[Integers, ...]:
        """Return the (frames, values) of the stream and the (frames, 1) marks, from a reset on."""
        outputs, _ = self.evaluate_from([frames], self.reset())
        return outputs

    def reset(self) -> State:
        """Return how many frames have come before the first."""
        return {"frames": np.zeros(1, np.int64)}

    def evaluate_from(self, frames: Sequence[Integers], state: State) -> tuple[tuple[Integers, ...], State]:
        """Return the stream and the marks, and how many frames have come."""
        (values,), came = frames, int(state["frames"][0])
        count = {"frames": np.array([came + len(values)])}
        if self.every:
            marks = (came + np.arange(len(values))) % self.every == 0
            return (values, marks[:, None].astype(values.dtype)), count
        words = values.reshape(len(values), self.stream.words, self.stream.lanes + 1)
        marks = (words[:, :1, -1] != 0).astype(values.dtype)
        return (words[:, :, :-1].reshape(len(values), -1), marks), count

    def cost(self, family: Family) -> Resources:
        """A register of the word, one of the mark, a count of words, and one of frames."""
        count = (self.stream.words - 1).bit_length() + (max(1, self.every) - 1).bit_length()
        carry = -(-count // 4) if family.wide_luts else count / 2
        return Resources(lut=count + 6, ff=self.stream.bits + 3 + count, carry=carry)
