# SPDX-License-Identifier: Apache-2.0
"""What a piece of hardware costs, in the cells of an FPGA."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Counts of look-up tables, flip-flops, carry cells, multiplier blocks and block RAMs (18 kbit each)."""

    lut: float = 0.0
    ff: float = 0.0
    carry: float = 0.0
    dsp: float = 0.0
    bram18: float = 0.0
    uram: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            lut=self.lut + other.lut,
            ff=self.ff + other.ff,
            carry=self.carry + other.carry,
            dsp=self.dsp + other.dsp,
            bram18=self.bram18 + other.bram18,
            uram=self.uram + other.uram,
        )
