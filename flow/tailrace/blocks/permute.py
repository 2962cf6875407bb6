# SPDX-License-Identifier: Apache-2.0
"""Permute: the words of a frame in another order, any one that is known when the design is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Memory, Role
from tailrace.blocks.fifo import lut_memory_rows, memory_cost
from tailrace.blocks.ring import RingSchedule, ring_store
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream
    from tailrace.targets.family import Family

PLACES = 16
"""Of a table that is counted as one LUT."""

FREE = np.array([0x0000, 0xFFFF, 0xAAAA, 0xCCCC, 0xF0F0, 0xFF00])
"""What such tables hold that need no LUT: a constant, a bit of the address."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Permute(Block):
    """Output word i of a frame is its input word ``order[i]``; two frames are held.

    ``order`` (words,) int64, each number once. Raises ValueError where it is something else.
    """

    name: ClassVar[str] = "permute"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream
    order: Any

    def __post_init__(self) -> None:
        words = self.stream.words
        if self.order.dtype != np.int64 or self.order.shape != (words,):
            raise ValueError(f"order must be int64 ({words},), got {self.order.dtype} {self.order.shape}")
        wrong = np.flatnonzero(np.sort(self.order) != np.arange(words))
        if len(wrong) or not words:
            raise ValueError(f"the order of {words} words must have each of them once")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The frame."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """As many words, in another order."""
        return (replace(self.stream),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first output word."""
        return 2 + int(self.order[0])

    def schedule(self) -> automata.Schedule:
        """The memory of two frames."""
        return automata.in_a_row(ring_store(self.ring()))

    def parameters(self) -> Mapping[str, int]:
        """WIDTH, WORDS, FIRST (the word that goes first)."""
        return {"WIDTH": self.stream.bits, "WORDS": self.stream.words, "FIRST": int(self.order[0])}

    def memories(self) -> tuple[Memory, ...]:
        """``order``: for each word that goes, its number among those that come."""
        kind = IntType(self._bits, signed=False)
        return (Memory(name="order", values=self.order[:, None], type=kind, writable=False),)

    @property
    def written_bits(self) -> int:
        """Two frames."""
        return 2 * self.stream.words * self.stream.bits

    @property
    def _bits(self) -> int:
        """Bits of the number of a word."""
        return max(1, (self.stream.words - 1).bit_length())

    def ring(self) -> RingSchedule:
        """Return what each output word is; the last one frees the whole frame, of two."""
        words = self.stream.words
        freed = np.zeros(words, np.int64)
        freed[-1] = words
        return RingSchedule(kept=np.ones(words, np.bool_), sources=self.order, freed=freed, depth=2 * words)

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, values) in the order of the output for (frames, values)."""
        words: Integers = frames.reshape(len(frames), self.stream.words, self.stream.lanes)[:, self.order]
        return words.reshape(frames.shape)

    def cost(self, family: Family) -> Resources:
        """A memory of two frames, the order, the numbers of two words and of a place, and what compares these."""
        words, number = self.stream.words, self._bits
        whole = words == 1 << number  # counts wrap by themselves
        chains = number > 3  # shorter ones are LUTs
        if family.wide_luts:
            carry = 2 * -(-number // 4) + (number > 6)
            control = Resources(lut=1.5 * number + (11 if whole else 20), carry=carry * chains)
        elif family.carry.in_luts:
            control = Resources(
                lut=3 * number + (26 if whole else 44), carry=1.5 * number if number > 4 else 0
            )
        else:
            control = Resources(lut=3 * number + (22 if whole else 26), carry=(3 * number - 4) * chains)
        return control + Resources(ff=3 * number + 5) + self._frames_cost(family) + self._order_cost(family)

    def _frames_cost(self, family: Family) -> Resources:
        """The memory of two frames; one of LUTs has a multiplexer behind its rows, and so has a deep one on ice40."""
        depth, bits = 2 * self.stream.words, self.stream.bits
        memory = memory_cost(depth=depth, bits=bits, family=family, registered=True)
        if family.lut_memory is None:
            return memory + _rows_cost(depth, bits, family)
        if not memory.lut:
            return memory
        rows = lut_memory_rows(family, depth)
        if family.wide_luts:
            return memory + Resources(lut=bits * -(-(rows - 1) // 3) + rows * (rows > 1))
        return memory + Resources(lut=memory.lut / 2 + bits * (rows - 1) * 2 / 3 + rows * (rows > 1))

    def _order_cost(self, family: Family) -> Resources:
        """The order, in block RAM where yosys finds that cheaper by its own prices; else in LUTs."""
        words, bits = self.stream.words, self._bits
        block = family.block_memory
        blocks = block.blocks(words, bits)
        if words * bits > (block.price << family.lut_inputs) * blocks:
            found = Resources(bram18=blocks * block.bram18)
            return found if family.lut_memory else found + _rows_cost(words, bits, family)
        luts, choices = _table_nodes(self.order, bits)
        if family.wide_luts:
            return Resources(lut=0.9 * (luts + choices), ff=bits)
        return Resources(lut=1.2 * luts + 1.5 * choices, ff=bits)


def _rows_cost(depth: int, bits: int, family: Family) -> Resources:
    """Return the multiplexer behind the block RAMs of a memory deeper than one of them is at most, as on iCE40."""
    rows = -(-depth // max(words for words, _ in family.block_memory.shapes))
    return Resources(lut=bits * (rows - 1), ff=(rows - 1).bit_length())


def _table_nodes(values: Integers, bits: int) -> tuple[int, int]:
    """Return how many tables of 16 places, and choices of one in four, make a table of these values.

    Equal parts of it are there once; parts that are constant or a bit of the address are there already. For an order
    without a pattern that is what yosys makes of it; where there is one, yosys may find more of it.
    """
    padded = np.r_[values, np.repeat(values[-1:], -len(values) % PLACES)]
    columns = (padded >> np.arange(bits)[:, None] & 1).reshape(-1, PLACES)
    found, parts = np.unique(np.r_[FREE, columns @ (1 << np.arange(PLACES))], return_inverse=True)
    luts, choices = len(found) - len(FREE), 0
    parts = parts[len(FREE) :].reshape(bits, -1)
    while parts.shape[1] > 1:
        groups = np.pad(parts, ((0, 0), (0, -parts.shape[1] % 4)), mode="edge").reshape(-1, 4)
        found, parts = np.unique(groups, axis=0, return_inverse=True)
        choices += int((found != found[:, :1]).any(axis=1).sum())
        parts = parts.reshape(bits, -1)
    return luts, choices
