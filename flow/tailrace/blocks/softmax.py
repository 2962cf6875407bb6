# SPDX-License-Identifier: Apache-2.0
"""Softmax of rows: a table of the exponential, the row's sum, and a pipelined divider for each lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tailrace.blocks import automata, lanes
from tailrace.blocks.base import Block, Memory, Role
from tailrace.blocks.fifo import memory_cost
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream
    from tailrace.targets.family import Family

NUMERATOR_BITS = 62
"""Bits of an entry of the table and of a share together, for numpy's 64-bit integers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Softmax(Block):
    """The shares of the ``channels`` values of each of ``rows`` rows, as multiples of 2^-``bits``; ``pe`` a word.

    ``table`` (entries,) int64 falls from a power of two, its first entry; differences beyond it have 0. ``out_type``
    holds all shares that are reached. ``closed`` (rows, channels) bool are entries without a share, of which no row is
    all; None where all are open. ``style`` of the table: 0 left to the tool, 1 and 2 LUTs, 3 block RAM. Raises
    MappingError where ``pe`` does not divide ``channels`` or there are more ranks than a pipeline can have.
    """

    name: ClassVar[str] = "softmax"
    role: ClassVar[Role] = Role.COMPUTES

    table: Any
    channels: int
    pe: int
    in_type: IntType
    bits: int
    out_type: IntType
    closed: Any = None
    style: int = 0
    rows: int = 1

    def __post_init__(self) -> None:
        lanes.check_lanes(channels=self.channels, pe=self.pe, vectors=self.rows)
        if self.table.ndim != 1 or self.table.dtype != np.int64 or not self.table.size:
            raise ValueError(f"table is {self.table.dtype} {self.table.shape}, not int64 (entries,)")
        top = int(self.table[0])
        if top < 1 or top & (top - 1) or (np.diff(self.table) > 0).any() or self.table[-1] < 1:
            raise ValueError("the table does not fall from a power of two to 1 or more")
        if self.exponential_type.bits + self.bits > NUMERATOR_BITS or self.bits < 1:
            raise ValueError(f"entries of {self.exponential_type.bits} bits and shares of {self.bits} bits")
        if self.out_type.signed or self.out_type.bits > self.bits + 1:
            raise ValueError(f"shares of {self.bits} bits are no {self.out_type}")
        if self.closed is not None:
            if self.closed.dtype != np.bool_ or self.closed.shape != (self.rows, self.channels):
                raise ValueError(
                    f"closed is {self.closed.dtype} {self.closed.shape}, not bool {(self.rows, self.channels)}"
                )
            if self.closed.all(axis=1).any():
                raise ValueError(f"row {int(self.closed.all(axis=1).argmax())} is all closed")
        if self.style not in range(4):
            raise ValueError(f"style={self.style} is none of 0 auto, 1 and 2 LUTs, 3 block RAM")
        if self._back_ranks > automata.MOST_RANKS:
            raise MappingError(
                f"a divider of {self.bits} bits has {self._back_ranks} ranks, {automata.MOST_RANKS} are possible",
                hint=f"use at most {self.bits + automata.MOST_RANKS - self._back_ranks} bits",
            )

    @property
    def exponential_type(self) -> IntType:
        """The type of the table's entries."""
        return IntType.containing(0, int(self.table[0]))

    @property
    def sum_type(self) -> IntType:
        """The type of the sum of a row."""
        return IntType.containing(0, int(self.table[0]) * self.channels)

    @property
    def words(self) -> int:
        """Words of a row."""
        return self.channels // self.pe

    @property
    def _levels(self) -> int:
        return (self.pe - 1).bit_length()

    @property
    def _front_ranks(self) -> int:
        """Ranks in front of the first row buffer: a look at what is closed, and the tree of comparisons."""
        return int(self.closed is not None) + self._levels // 2

    @property
    def _middle_ranks(self) -> int:
        """Ranks from the read of the first buffer to the second one: difference, table, tree of sums."""
        return 3 + (1 + (self._levels - 1) // 2 if self.pe > 1 else 0)

    @property
    def _back_ranks(self) -> int:
        """Ranks from the read of the second buffer on: a bit each, one bit more to round, and the rounding."""
        return self.bits + 3

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The rows."""
        return (lanes.edge(self.in_type, channels=self.channels, pe=self.pe, vectors=self.rows),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The shares."""
        return (lanes.edge(self.out_type, channels=self.channels, pe=self.pe, vectors=self.rows),)

    @property
    def vectors(self) -> int:
        """The rows."""
        return self.rows

    @property
    def interval_cycles(self) -> int:
        """A word every cycle."""
        return self.rows * self.words

    @property
    def latency_cycles(self) -> int:
        """A row in each of the two buffers, and all ranks."""
        return 2 * self.words + self._front_ranks + self._middle_ranks + self._back_ranks

    def schedule(self) -> automata.Schedule:
        """Two memories, each of which sends a row when it is whole while the next row comes in."""
        program = np.array([(self.words, self.words, 0, 2 * self.words, 1)], np.int64)
        stores = [
            automata.Store(program=program, words=self.words, depth=depth)
            for depth in (self._middle_ranks, self._back_ranks)
        ]
        front = [automata.each_word(self._front_ranks)] if self._front_ranks else []
        return automata.in_a_row(*front, *stores)

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_softmax``."""
        return {
            "CHANNELS": self.channels,
            "PE": self.pe,
            "ROWS": self.rows,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "ENTRIES": len(self.table),
            "EXP_BITS": self.exponential_type.bits,
            "SUM_BITS": self.sum_type.bits,
            "BITS": self.bits,
            "OUT_BITS": self.out_type.bits,
            "MASKED": int(self.closed is not None),
            "STYLE": self.style,
        }

    def memories(self) -> tuple[Memory, ...]:
        """``table``: an entry a word, read by each lane for itself; ``closed``, if any is: a bit for each value."""
        table = Memory(
            name="table",
            values=self.table[:, None],
            type=self.exponential_type,
            writable=True,
            style=self.style,
            per_lane=True,
        )
        if self.closed is None:
            return (table,)
        bits = self.closed.reshape(-1, self.pe).astype(np.int64)
        return (table, Memory(name="closed", values=bits, type=IntType(1, signed=False), writable=False))

    @property
    def written_bits(self) -> int:
        """Two rows of values, with what is closed, and two of exponentials."""
        value = self.in_type.bits + int(self.closed is not None)
        return 2 * self.channels * (value + self.exponential_type.bits)

    def evaluate(self, frames: Integers) -> Integers:
        """Return the shares of (frames, rows * channels) values."""
        x = frames.reshape(-1, self.rows, self.channels)
        closed = np.zeros(x.shape[1:], bool) if self.closed is None else self.closed
        top = np.where(closed, self.in_type.min, x).max(axis=2, keepdims=True)
        d = np.where(closed, len(self.table), top - x)
        e = np.append(self.table, 0).take(np.minimum(d, len(self.table)))
        r = e.sum(axis=2, keepdims=True)
        return np.asarray((e * (1 << (self.bits + 1)) + r) // (2 * r)).reshape(frames.shape)

    def cost(self, family: Family) -> Resources:
        """Estimate: two row buffers, a table a lane, and the dividers, a subtraction and a choice a bit."""
        entry, r, steps = self.exponential_type.bits, self.sum_type.bits, self.bits + 1
        total = Resources()
        for bits in (self.pe * self.in_type.bits, self.pe * entry):
            total += memory_cost(depth=2 * self.words, bits=bits, family=family, registered=True)
            address = (2 * self.words - 1).bit_length()
            total += Resources(
                lut=5 * address + 10, ff=3 * address + 8, carry=lanes.carry_cells(family, address)
            )
        if self.closed is not None:
            total += lanes.memory(family, words=self.rows * self.words, bits=self.pe)
            total += Resources(lut=12, ff=self.pe * (self.in_type.bits + 3) + 12)
        for _ in range(self.pe):
            total += lanes.memory(family, words=len(self.table), bits=entry, style=self.style)
        quotient = 0.0 if family.wide_luts else steps * (steps + 1) / 2  # Xilinx shifts its bits in LUTs
        per_lane = Resources(
            lut=2.0 * steps * r + 2 * self.in_type.bits + entry,
            ff=steps * r + quotient + self.out_type.bits + 2 * self.in_type.bits + entry,
            carry=lanes.carry_cells(family, steps * (r + 2) + self.in_type.bits + steps),
        )
        for _ in range(self.pe):
            total += per_lane
        tops = Resources(lut=2 * self.in_type.bits * self.pe, ff=4 * self.in_type.bits)
        sums = Resources(
            lut=3 * r + self.pe * entry, ff=(4 + steps) * r, carry=lanes.carry_cells(family, r * self.pe)
        )
        return total + tops + sums + Resources(lut=10, ff=steps + 8)
