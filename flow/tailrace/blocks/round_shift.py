# SPDX-License-Identifier: Apache-2.0
"""Add a bias, divide by a power of two with any of nine roundings, clip."""

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

MODES = (
    "half_even",
    "half_up",
    "half_down",
    "floor",
    "ceil",
    "to_zero",
    "away_from_zero",
    "half_to_zero",
    "half_away",
)
"""The names of the roundings; the place of a name is the value of the MODE parameter.

``half_up`` and ``half_down`` are towards plus and minus infinity, ``half_away`` away from zero.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoundShift(Block):
    """y = clip(round((x + bias) / 2^shift), low, high).

    ``bias`` (channels or 1,) int64; one entry stands for all channels. ``mode`` is one of ``MODES``.
    low..high lies in ``out_type`` and in 32 signed bits. Raises MappingError where ``pe`` does not divide
    ``channels``, ValueError for anything else that does not fit together.
    """

    name: ClassVar[str] = "round_shift"
    role: ClassVar[Role] = Role.COMPUTES

    bias: Any
    shift: int
    mode: str
    low: int
    high: int
    channels: int
    pe: int
    in_type: IntType
    out_type: IntType
    vectors: int = 1

    def __post_init__(self) -> None:
        lanes.check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)
        lanes.check_rows(self.bias, channels=self.channels, shape=(), what="bias")
        lanes.check_clip(low=self.low, high=self.high, out_type=self.out_type)
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode!r} is none of {', '.join(MODES)}")
        if self.shift < 0:
            raise ValueError(f"shift={self.shift} is negative")

    @property
    def folds(self) -> int:
        """The memory words."""
        return lanes.fold_count((self.bias,), channels=self.channels, pe=self.pe)

    @property
    def biased(self) -> bool:
        """Whether there is a bias to add."""
        return bool(self.bias.any())

    @property
    def bias_bits(self) -> int:
        """The bits of a bias in two's complement."""
        return lanes.signed_bits(int(self.bias.min()), int(self.bias.max()))

    @property
    def sum_bits(self) -> int:
        """The bits of x + bias in two's complement."""
        x_bits = self.in_type.bits + (not self.in_type.signed)
        return 1 + max(x_bits, self.bias_bits) if self.biased else x_bits

    @property
    def increments(self) -> bool:
        """Whether rounding may add one to the shifted number."""
        return self.shift > 0 and self.mode != "floor"

    @property
    def clipped(self) -> bool:
        """Whether the rounded number can leave low..high."""
        bits = max(self.sum_bits, self.shift + 1) - self.shift + self.increments
        return lanes.clips(bits=bits, low=self.low, high=self.high)

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
        summed = self.biased + (self.biased and self.folds > 1)
        return summed + max(1, self.increments + self.clipped)

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_round_shift``."""
        return {
            "CHANNELS": self.folds * self.pe,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "BIAS_BITS": self.bias_bits,
            "SHIFT": self.shift,
            "MODE": MODES.index(self.mode),
            "OUT_BITS": self.out_type.bits,
            "LOW": self.low,
            "HIGH": self.high,
            "BIASED": int(self.biased),
        }

    def memories(self) -> tuple[Memory, ...]:
        """``bias``, unless all are 0."""
        if not self.biased:
            return ()
        rows = lanes.fold_rows(self.bias, folds=self.folds, pe=self.pe)
        kind = IntType(self.bias_bits, signed=True)
        return (Memory(name="bias", values=rows, type=kind, writable=True),)

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return y for (frames, vectors * channels) values."""
        values = frames.reshape(-1, self.channels)
        bits = max(self.sum_bits, self.shift) + 1
        values = lanes.exact(values, bits=bits)
        if self.biased:
            values = values + lanes.exact(self.bias, bits=bits)
        rounded = round_shifted(values, self.shift, self.mode)
        clipped: Integers = np.clip(rounded, self.low, self.high).astype(np.int64).reshape(frames.shape)
        return clipped

    def cost(self, family: Family) -> Resources:
        """Estimate: an adder for the bias, an incrementer, the choice of a clip, pipeline registers."""
        long_bits = max(self.sum_bits, self.shift + 1) - self.shift + self.increments
        luts = carry = registers = 0.0
        if self.biased:
            luts += self.sum_bits
            carry += lanes.carry_cells(family, self.sum_bits)
            registers += self.sum_bits + (self.folds > 1) * (self.in_type.bits + self.bias_bits)
        if self.increments:
            luts += long_bits / 4 + self.shift / 4
            carry += lanes.carry_cells(family, long_bits)
            registers += long_bits if self.clipped else 0
        if self.clipped:
            luts += lanes.clip_luts(family, bits=long_bits, out_bits=self.out_type.bits)
        registers += self.out_type.bits
        words = lanes.constant_memory(family, words=self.folds, bits=self.pe * self.bias_bits)
        return Resources(
            lut=self.pe * luts + words * self.biased + 3,
            ff=self.pe * registers + self.latency_cycles,
            carry=self.pe * carry,
        )


def round_shifted(values: Integers, shift: int, mode: str) -> Integers:
    """Return ``values`` (int64, or Python integers as objects) divided by 2^shift, rounded by ``mode``."""
    if not shift:
        return values
    unit, half = 1 << shift, 1 << (shift - 1)
    match mode:
        case "half_even":
            offset: Integers | int = (values >> shift & 1) + (half - 1)
        case "half_up":
            offset = half
        case "half_down":
            offset = half - 1
        case "floor":
            offset = 0
        case "ceil":
            offset = unit - 1
        case "to_zero":
            offset = (values < 0) * (unit - 1)
        case "away_from_zero":
            offset = (values >= 0) * (unit - 1)
        case "half_to_zero":
            offset = half - (values >= 0)
        case "half_away":
            offset = half - (values < 0)
        case _:
            raise ValueError(f"mode {mode!r} is none of {', '.join(MODES)}")
    rounded: Integers = (values + offset) >> shift
    return rounded
