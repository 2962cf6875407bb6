# SPDX-License-Identifier: Apache-2.0
"""What a piece of hardware costs, in the cells of an FPGA."""

from __future__ import annotations

from dataclasses import dataclass, fields

GATES = {"lut": 2.5, "ff": 6.75, "carry": 2.5}
"""Gate equivalents of a LUT4, a flip-flop and a carry cell, ..."""

GATES_PER_RAM_BIT = 11.5
"""... and of a bit of a memory that is written: a flip-flop, a multiplexer that holds it, and its part of a read."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Resources:
    """Counts of look-up tables, flip-flops, carry cells, multiplier blocks and block RAMs (18 kbit each)."""

    lut: float = 0.0
    ff: float = 0.0
    carry: float = 0.0
    dsp: float = 0.0
    bram18: float = 0.0
    uram: float = 0.0

    def __repr__(self) -> str:
        counts = (f"{each.name}={round(getattr(self, each.name), 2):.12g}" for each in fields(self))
        return f"Resources({', '.join(counts)})"

    def gates(self, ram_bits: int) -> float:
        """Return about how many gate equivalents this is in standard cells, counted in LUTs of four inputs.

        ``ram_bits`` are in writable memories, which become flip-flops with the multiplexers around them; the block
        RAMs that stand for these are not counted. The weights fit the mapped test networks to within a third or so.
        """
        logic = sum(weight * float(getattr(self, name)) for name, weight in GATES.items())
        return logic + GATES_PER_RAM_BIT * ram_bits

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            lut=self.lut + other.lut,
            ff=self.ff + other.ff,
            carry=self.carry + other.carry,
            dsp=self.dsp + other.dsp,
            bram18=self.bram18 + other.bram18,
            uram=self.uram + other.uram,
        )
