# SPDX-License-Identifier: Apache-2.0
"""Multiply by a factor per channel, add a bias, divide by a power of two, clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tailrace.blocks import automata, lanes
from tailrace.blocks.base import Block, Memory, Role
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultiplyShift(Block):
    """y = clip(floor((x * factor + bias) / 2^shift), low, high).

    ``factors`` and ``bias`` (channels or 1,) int64; one entry stands for all channels. low..high lies in
    ``out_type`` and in 63 signed bits. With ``dsp`` the product may go into multiplier blocks. Raises
    MappingError where ``pe`` does not divide ``channels``, ValueError for anything else that does not fit
    together.
    """

    name: ClassVar[str] = "multiply_shift"
    role: ClassVar[Role] = Role.COMPUTES

    factors: Any
    bias: Any
    shift: int
    low: int
    high: int
    channels: int
    pe: int
    in_type: IntType
    out_type: IntType
    dsp: bool
    vectors: int = 1

    def __post_init__(self) -> None:
        lanes.check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)
        lanes.check_rows(self.factors, channels=self.channels, shape=(), what="factors")
        lanes.check_rows(self.bias, channels=self.channels, shape=(), what="bias")
        lanes.check_clip(low=self.low, high=self.high, out_type=self.out_type, bits=63)
        if self.shift < 0:
            raise ValueError(f"shift={self.shift} is negative")

    @property
    def folds(self) -> int:
        """The memory words."""
        return lanes.fold_count((self.factors, self.bias), channels=self.channels, pe=self.pe)

    @property
    def factor_bits(self) -> int:
        """The bits of a factor in two's complement."""
        return lanes.signed_bits(int(self.factors.min()), int(self.factors.max()))

    @property
    def bias_bits(self) -> int:
        """The bits of a bias in two's complement."""
        return lanes.signed_bits(int(self.bias.min()), int(self.bias.max()))

    @property
    def product_bits(self) -> int:
        """The bits of x * factor in two's complement."""
        return self.in_type.bits + (not self.in_type.signed) + self.factor_bits

    @property
    def sum_bits(self) -> int:
        """The bits of x * factor + bias in two's complement."""
        return 1 + max(self.product_bits, self.bias_bits)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """One stream of ``pe`` channels a word."""
        return (lanes.edge(self.in_type, channels=self.channels, pe=self.pe, vectors=self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """One stream of ``pe`` channels a word."""
        return (lanes.edge(self.out_type, channels=self.channels, pe=self.pe, vectors=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """One word per cycle."""
        return self.vectors * self.channels // self.pe

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes a word to the edge that can take it from the output."""
        return 5

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_multiply_shift``."""
        return {
            "CHANNELS": self.folds * self.pe,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "FACTOR_BITS": self.factor_bits,
            "BIAS_BITS": self.bias_bits,
            "SHIFT": self.shift,
            "OUT_BITS": self.out_type.bits,
            "LOW": lanes.words_of(self.low)[0],
            "HIGH": lanes.words_of(self.high)[0],
            "LOW_UPPER": lanes.words_of(self.low)[1],
            "HIGH_UPPER": lanes.words_of(self.high)[1],
            "DSP": int(self.dsp),
        }

    def memories(self) -> tuple[Memory, ...]:
        """``factors`` and ``bias``."""
        return (
            Memory(
                name="factors",
                values=lanes.fold_rows(self.factors, folds=self.folds, pe=self.pe),
                type=IntType(self.factor_bits, signed=True),
                writable=True,
            ),
            Memory(
                name="bias",
                values=lanes.fold_rows(self.bias, folds=self.folds, pe=self.pe),
                type=IntType(self.bias_bits, signed=True),
                writable=True,
            ),
        )

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return y for (frames, vectors * channels) values."""
        bits = max(self.sum_bits, self.shift + 1)
        values = lanes.exact(frames.reshape(-1, self.channels), bits=bits)
        total = values * lanes.exact(self.factors, bits=bits) + lanes.exact(self.bias, bits=bits)
        quotient = total >> self.shift
        clipped: Integers = np.clip(quotient, self.low, self.high).astype(np.int64).reshape(frames.shape)
        return clipped

    def cost(self, family: Family) -> Resources:
        """Estimate: multiplier blocks or rows of adders, the bias, the clip, pipeline registers."""
        long_bits = max(1, self.sum_bits - self.shift)
        clip = lanes.clip_luts(family, bits=long_bits, out_bits=self.out_type.bits)
        rom = self.pe * (self.factor_bits + self.bias_bits)
        words = lanes.constant_memory(family, words=self.folds, bits=rom)
        read = 0 if self.folds == 1 else self.factor_bits + self.bias_bits
        x_bits = self.product_bits - self.factor_bits
        block = family.multiplier
        if self.dsp and block is not None:
            # Registers of product and sum are those of the blocks, and so is the adder of a narrow bias.
            long_side, short_side = max(x_bits, self.factor_bits), min(x_bits, self.factor_bits)
            blocks = -(-(long_side - 1) // (block.wide - 1)) * -(-(short_side - 1) // (block.narrow - 1))
            spare = 0 if blocks == 1 else self.product_bits
            return Resources(
                lut=self.pe * (clip + spare) + words + 3,
                ff=self.pe * (self.out_type.bits + self.in_type.bits + spare) + 5,
                carry=self.pe * lanes.carry_cells(family, spare),
                dsp=self.pe * max(1, blocks),
            )
        density = 0.5 if self.folds == 1 else 1.0
        rows = density * x_bits * self.factor_bits * (1.15 if family.wide_luts else 2.0)
        return Resources(
            lut=self.pe * (rows + self.sum_bits / 2 + clip) + words + 3,
            ff=self.pe * (self.in_type.bits + 3 * self.product_bits + self.out_type.bits + read / 2) + 5,
            carry=self.pe * lanes.carry_cells(family, 2.5 * self.product_bits),
        )
