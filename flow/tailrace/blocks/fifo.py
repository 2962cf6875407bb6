# SPDX-License-Identifier: Apache-2.0
"""FIFO: keeps up to ``depth`` words, so that neighbours with different rhythms do not hold each other up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family

LARGEST_ASYNCHRONOUS_DEPTH = 33
"""The deepest FIFO whose memory is read asynchronously; as in ``rtl/tr_fifo.v``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fifo(Block):
    """A FIFO of ``depth`` words in ``stream`` (whose ``words`` are those of one of ``vectors`` vectors).

    Raises:
        MappingError: ``depth`` is less than 1.

    """

    name: ClassVar[str] = "fifo"
    role: ClassVar[Role] = Role.CARRIES

    stream: Stream
    depth: int
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise MappingError(
                f"a FIFO cannot hold {self.depth} words", hint="give a depth of at least 1, or no FIFO"
            )

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The stream."""
        return (replace(self.stream, words=self.stream.words * self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The same stream."""
        return self.inputs

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle, at any depth."""
        return self.stream.words * self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes a word, when empty, to the edge that can take it."""
        return 1

    def schedule(self) -> automata.Schedule:
        """A queue of ``depth`` words."""
        return automata.in_a_row(automata.Queue(depth=self.depth))

    @property
    def fifo_depth(self) -> int:
        """``depth``: the planner may change it."""
        return self.depth

    def parameters(self) -> Mapping[str, int]:
        """WIDTH, DEPTH."""
        return {"WIDTH": self.stream.bits, "DEPTH": self.depth}

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The words behind the output register, and in front of it where there are more than one; see ``tr_fifo``."""
        if self.depth <= 2:
            return 0
        asynchronous = self.depth <= LARGEST_ASYNCHRONOUS_DEPTH  # as many places as addresses
        places = 1 << (self.depth - 2).bit_length() if asynchronous else self.depth - 1
        return places * self.stream.bits

    def evaluate(self, frames: Integers) -> Integers:
        """Return the (frames, values) array as it came."""
        return frames

    def cost(self, family: Family) -> Resources:
        """Output register, multiplexer in front of it, pointers, and the memory as LUTRAM or block RAM."""
        bits = self.stream.bits
        if self.depth == 1:
            return Resources(lut=1, ff=bits + 1)
        if self.depth == 2:
            return Resources(lut=bits + 4, ff=2 * bits + 2)
        pointer = (self.depth - 2).bit_length()
        small = self.depth <= LARGEST_ASYNCHRONOUS_DEPTH
        if family.wide_luts:
            control = Resources(lut=(10 if small else 17) + (2 if small else 3) * pointer, carry=pointer)
        else:
            control = Resources(lut=(36 if small else 43) + 3 * pointer, carry=2 * pointer + 4)
        if small:
            registers = Resources(lut=bits, ff=bits + 2 + 3 * pointer)
        else:
            registers = Resources(lut=bits, ff=2 * bits + 3 + 3 * pointer)
        return (
            control
            + registers
            + memory_cost(depth=self.depth - 1, bits=bits, family=family, registered=not small)
        )


def memory_cost(*, depth: int, bits: int, family: Family, registered: bool) -> Resources:
    """Estimate a memory of ``depth`` words of ``bits`` bits with one write and one read port.

    ``registered``: it is read synchronously, so that a block RAM will do; its read register is counted unless
    it is inside of one. LUTs that serve as LUTRAM are counted as LUTs.
    """
    block, luts = family.block_memory, family.lut_memory
    blocks = block.blocks(depth, bits)
    # Without memory in LUTs yosys finds the output register behind small memories and takes a block RAM.
    if luts is None:
        return Resources(bram18=blocks * block.bram18)
    shapes = luts.shapes[:1] if depth <= luts.shapes[0][0] else luts.shapes
    lut = luts.luts * min(-(-depth // words) * -(-bits // width) for words, width in shapes)
    # yosys compares what both cost, by its own prices for a cell
    small = 2 * lut <= block.price * blocks or depth * bits <= block.small_bits
    if registered and not small:
        return Resources(bram18=blocks * block.bram18)
    return Resources(lut=lut, ff=bits if registered else 0)


def lut_memory_rows(family: Family, depth: int) -> int:
    """Return how many LUT memories above each other hold ``depth`` words; ValueError where the family has none."""
    if family.lut_memory is None:
        raise ValueError(f"{family} has no memory in LUTs")
    shapes = family.lut_memory.shapes
    words, _ = next((shape for shape in shapes if depth <= shape[0]), shapes[-1])
    return -(-depth // words)
