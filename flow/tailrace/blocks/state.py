# SPDX-License-Identifier: Apache-2.0
"""State: keeps what a frame leaves for the next one, and gives the initial values in the first frame of a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Memory, Role, State, Stream
from tailrace.blocks.fifo import memory_cost
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.blocks.base import Integers
    from tailrace.targets.family import Family

MARK = Stream(lanes=1, type=IntType(1, signed=False), words=1)
"""One word a frame: 1 where the frame is the first of a sequence."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateBuffer(Block):
    """``stream`` is what comes back from a frame and goes out in the next; ``initial`` (words * lanes,) in a first one.

    The first frame after a reset is a first one, whatever its mark says.
    """

    name: ClassVar[str] = "state"
    role: ClassVar[Role] = Role.CARRIES

    stream: Stream
    initial: Integers

    def __post_init__(self) -> None:
        if self.initial.shape != (self.stream.words * self.stream.lanes,):
            raise ValueError(f"{self.initial.size} initial values for {self.stream}")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The mark of the frame, and what comes back from it."""
        return (MARK, self.stream)

    @property
    def fed_back(self) -> frozenset[int]:
        """What comes back comes from behind."""
        return frozenset({1})

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """What came back from the frame before, or the initial values."""
        return (self.stream,)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle, every other one where a frame has one."""
        return max(2, self.stream.words)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the mark to the edge that can take the first word."""
        return 1

    def schedule(self) -> automata.Schedule:
        """A queue that begins full of a frame's words, and a register that takes the mark with the first of them."""
        words = self.stream.words
        queue = automata.Queue(depth=words, registered=True, words=words)
        program = automata.rows(automata.step(1, takes=0b11), automata.step(words - 1, takes=0b10))
        register = automata.Pipeline(program=program, depth=1, inputs=2)
        return automata.Schedule(
            parts=(
                automata.Part(automaton=queue, inputs=("s1_axis",), outputs=("kept",)),
                automata.Part(automaton=register, inputs=("s0_axis", "kept"), outputs=("m_axis",)),
            ),
            inputs=("s0_axis", "s1_axis"),
        )

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, DEPTH (words of a frame)."""
        return {"LANES": self.stream.lanes, "BITS": self.stream.type.bits, "DEPTH": self.stream.words}

    def memories(self) -> tuple[Memory, ...]:
        """The initial values, a word a row."""
        rows = self.initial.reshape(self.stream.words, self.stream.lanes)
        return (Memory(name="initial", values=rows, type=self.stream.type, writable=True),)

    @property
    def written_bits(self) -> int:
        """The words of a frame."""
        return self.stream.words * self.stream.bits if self.stream.words > 1 else 0

    def evaluate(self, marks: Integers, frames: Integers) -> Integers:
        """Return what goes out for (frames, 1) marks and (frames, values) that come back, from a reset on."""
        outputs, _ = self.evaluate_from([marks, frames], self.reset())
        return outputs[0]

    def reset(self) -> State:
        """Return what is kept before the first frame: the initial values."""
        return {"kept": self.initial}

    def evaluate_from(self, frames: Sequence[Integers], state: State) -> tuple[tuple[Integers, ...], State]:
        """Return what goes out, and what the last frame leaves."""
        marks, back = frames
        before = np.concatenate([state["kept"][None], back])
        found = np.where(marks.reshape(-1, 1) != 0, self.initial, before[:-1])
        return (found,), {"kept": before[-1]}

    def cost(self, family: Family) -> Resources:
        """The memory of a frame, the register of a word and its multiplexer, two pointers and a count."""
        bits, words = self.stream.bits, self.stream.words
        pointer = max(1, (words - 1).bit_length())
        constants = bits * max(1, words // 64) if np.unique(self.initial).size > 1 else 0
        control = Resources(lut=bits + constants + 4 * pointer + 8, ff=bits + 3 * pointer + 4, carry=pointer)
        if words == 1:
            return control + Resources(ff=bits)
        return control + memory_cost(depth=words, bits=bits, family=family, registered=False)
