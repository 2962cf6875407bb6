# SPDX-License-Identifier: Apache-2.0
"""Pooling: the maximum or the sum of consecutive vectors, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.fifo import memory_cost
from tailrace.blocks.lanes import carry_cells, check_lanes, edge
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.core.types import IntType
    from tailrace.targets.family import Family

OPERATIONS = ("maximum", "sum")
"""What becomes of the taps; the index is the parameter OPERATION."""

MAX_OUT_BITS = 62
"""The check in simulation computes in 64 bits."""

FEW_GROUPS = 2
"""Up to so many channel groups the state is in registers, else in a memory; as in the Verilog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Block):
    """Each ``taps`` consecutive vectors of ``channels`` values of ``in_type`` become one of ``out_type``.

    ``vectors`` counts the vectors that come out per frame; ``taps`` times as many go in, ``pe`` values a word.
    The result is exact modulo 2 to the bits of ``out_type``: it is right wherever the range analysis says that
    it fits.

    Raises:
        MappingError: ``pe`` does not divide ``channels``, or ``out_type`` is wider than 62 bits.
        ValueError: the operation is unknown, or a count is below 1.

    """

    name: ClassVar[str] = "pool"
    role: ClassVar[Role] = Role.COMPUTES

    operation: Literal["maximum", "sum"]
    channels: int
    pe: int
    taps: int
    in_type: IntType
    out_type: IntType
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ValueError(f"operation {self.operation!r} is neither 'maximum' nor 'sum'")
        check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)
        check_taps(taps=self.taps, in_type=self.in_type, out_type=self.out_type)

    @property
    def groups(self) -> int:
        """Words of a vector."""
        return self.channels // self.pe

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The taps of the first vector out, then those of the second, ..."""
        return (edge(self.in_type, channels=self.channels, pe=self.pe, vectors=self.vectors * self.taps),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The results."""
        return (edge(self.out_type, channels=self.channels, pe=self.pe, vectors=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """A word in every cycle: taps * channels/pe cycles per vector out."""
        return self.vectors * self.taps * self.groups

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first word out."""
        return (self.taps - 1) * self.groups + 2

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends the words of a vector with those of its last tap."""
        return automata.in_a_row(automata.reduction(self.taps, self.groups, self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_pool``."""
        return {
            "OPERATION": OPERATIONS.index(self.operation),
            "CHANNELS": self.channels,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "OUT_BITS": self.out_type.bits,
            "OUT_SIGNED": int(self.out_type.signed),
            "TAPS": self.taps,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The state of a vector, from three words on."""
        state_bits = self.in_type.bits if self.operation == "maximum" else self.out_type.bits
        return state_memory_bits(taps=self.taps, groups=self.groups, bits=self.pe * state_bits)

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * taps * channels) to (frames, vectors * channels), wrapped to ``out_type``."""
        values = frames.reshape(len(frames), self.vectors, self.taps, self.channels)
        results = values.max(axis=2) if self.operation == "maximum" else values.sum(axis=2)
        return wrap(results.reshape(len(frames), -1), self.out_type)

    def cost(self, family: Family) -> Resources:
        """Per lane a comparator and a choice, or an adder; the state; a register of the word and of the result."""
        state_bits = self.in_type.bits if self.operation == "maximum" else self.out_type.bits
        if self.taps == 1:
            computing = Resources()
        elif self.operation == "maximum":
            computing = _maximum(state_bits, family, in_place=self.groups == 1)
        else:
            computing = Resources(
                lut=(1 if family.wide_luts else 2) * state_bits, carry=carry_cells(family, state_bits)
            )
        registers = Resources(ff=self.in_type.bits + state_bits)
        lanes = sum((computing + registers for _ in range(self.pe)), start=Resources())
        return lanes + schedule_cost(family, taps=self.taps, groups=self.groups, bits=self.pe * state_bits)


def wrap(values: Integers, type_: IntType) -> Integers:
    """Return the integers that the low bits of ``values`` are when read as ``type_``."""
    spare = 64 - type_.bits
    if type_.signed:
        return (values << spare) >> spare
    return values & type_.max


def check_taps(*, taps: int, in_type: IntType, out_type: IntType) -> None:
    """Raise ValueError where there is no tap, MappingError where a type is too wide."""
    if taps < 1:
        raise ValueError(f"taps={taps} must be at least 1")
    for what, type_ in (("input", in_type), ("accumulator", out_type)):
        if type_.bits > MAX_OUT_BITS:
            raise MappingError(
                f"the {what} needs {type_.bits} bits, {MAX_OUT_BITS} are possible",
                hint="use fewer bits for the inputs or the weights",
            )


def state_memory_bits(*, taps: int, groups: int, bits: int) -> int:
    """Return the bits of the memory in ``tr_group_state``: ``groups`` words of ``bits``, or none where they are few."""
    return groups * bits if taps > 1 and groups > FEW_GROUPS else 0


def schedule_cost(family: Family, *, taps: int, groups: int, bits: int) -> Resources:
    """Return the cost of ``tr_group_state`` and the handshake: counters, flags, and ``groups`` words of state."""
    group_bits = (groups - 1).bit_length()
    counter_bits = (taps - 1).bit_length() + group_bits
    control = Resources(lut=4 + (1.5 if family.wide_luts else 3) * counter_bits, ff=4 + counter_bits)
    if taps == 1 or groups == 1:
        return control
    if groups <= FEW_GROUPS:
        return control + Resources(ff=bits)
    return control + _state_memory(family, depth=groups, bits=bits) + Resources(ff=2 * group_bits)


def _state_memory(family: Family, *, depth: int, bits: int) -> Resources:
    """Return a memory with a port to write and one to read; a shallow one is in LUTs, however wide it is."""
    luts, block = family.lut_memory, family.block_memory
    if luts is None:
        words, width = block.shapes[0]
        return Resources(bram18=block.bram18 * -(-depth // words) * -(-bits // width))
    words, width = luts.shapes[0]
    if depth <= words:
        return Resources(lut=(luts.luts + luts.blocked) * -(-bits // width), ff=bits)
    return memory_cost(depth=depth, bits=bits, family=family, registered=True)


def _maximum(bits: int, family: Family, *, in_place: bool) -> Resources:
    """Return a comparator and the choice of the larger one; ``in_place`` it is a register's clock enable."""
    if not family.wide_luts:
        return Resources(lut=2 * bits, carry=carry_cells(family, bits))
    return Resources(lut=(1 if in_place else 1.5) * bits, carry=carry_cells(family, bits / 2))
