# SPDX-License-Identifier: Apache-2.0
"""Depthwise product: every channel of consecutive vectors times a weight per tap, summed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Integers, Memory, Role, Stream
from tailrace.blocks.dense_folded import STYLES, bias_memory, bias_mode
from tailrace.blocks.lanes import carry_cells, check_lanes, edge, memory
from tailrace.blocks.pool import check_taps, schedule_cost, state_memory_bits, wrap
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.targets.family import Family

TABLE_BITS = 6
"""Products of operands of so many bits together are tables; as in the Verilog."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Depthwise(Block):
    """Each ``taps`` vectors become one: channel c is the sum over t of ``weights[c, t]`` times tap t, plus bias.

    ``weights`` is (channels, taps), ``bias`` (channels,) or None. ``vectors`` counts the vectors that come out per
    frame; ``taps`` times as many go in, ``pe`` values a word. The sums are exact modulo 2 to the bits of
    ``out_type`` and must fit it; a bias that does not, while the sums do, is kept modulo 2^bits.

    Raises:
        MappingError: ``pe`` does not divide the channels, ``style`` is none of STYLES, or ``out_type`` is wider
            than 62 bits.
        ValueError: the arrays' shapes do not belong together, or ``vectors`` is below 1.

    """

    name: ClassVar[str] = "depthwise"
    role: ClassVar[Role] = Role.COMPUTES

    weights: Integers
    bias: Integers | None = None
    pe: int
    in_type: IntType
    out_type: IntType
    style: str = "auto"
    dsp: bool = False
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or 0 in self.weights.shape:
            raise ValueError(f"weights must be (channels, taps), got the shape {self.weights.shape}")
        if self.bias is not None and self.bias.shape != (self.channels,):
            raise ValueError(f"bias must have the shape ({self.channels},), got {self.bias.shape}")
        check_lanes(channels=self.channels, pe=self.pe, vectors=self.vectors)
        check_taps(taps=self.taps, in_type=self.in_type, out_type=self.out_type)
        if self.style not in STYLES:
            raise MappingError(
                f"style={self.style!r} is no place for weights", hint=f"use one of {', '.join(STYLES)}"
            )

    @property
    def channels(self) -> int:
        """Values of a vector."""
        return int(self.weights.shape[0])

    @property
    def taps(self) -> int:
        """Vectors that become one."""
        return int(self.weights.shape[1])

    @property
    def groups(self) -> int:
        """Words of a vector."""
        return self.channels // self.pe

    @property
    def weight_type(self) -> IntType:
        """The smallest signed type that holds every weight."""
        low, high = int(self.weights.min()), int(self.weights.max())
        return IntType.containing(min(low, -1), max(high, 0))

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The taps of the first vector out, then those of the second, ..."""
        return (edge(self.in_type, channels=self.channels, pe=self.pe, vectors=self.vectors * self.taps),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The sums."""
        return (edge(self.out_type, channels=self.channels, pe=self.pe, vectors=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """A word in every cycle: taps * channels/pe cycles per vector out."""
        return self.vectors * self.taps * self.groups

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first word out."""
        return (self.taps - 1) * self.groups + (4 if self.style == "block" else 3)

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends the words of a vector with those of its last tap."""
        return automata.in_a_row(automata.reduction(self.taps, self.groups, self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_depthwise``; BIAS is 2 where biases are kept modulo 2^OUT_BITS."""
        return {
            "CHANNELS": self.channels,
            "TAPS": self.taps,
            "PE": self.pe,
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "WEIGHT_BITS": self.weight_type.bits,
            "OUT_BITS": self.out_type.bits,
            "OUT_SIGNED": int(self.out_type.signed),
            "STYLE": STYLES.index(self.style),
            "DSP": int(self.dsp),
            "BIAS": bias_mode(self.bias, self.out_type),
        }

    def memories(self) -> tuple[Memory, ...]:
        """``weights``: (taps * channels/pe, pe); ``bias``, where there is one: (channels/pe, pe)."""
        values = np.ascontiguousarray(self.weights.T).reshape(-1, self.pe)
        weights = Memory(
            name="weights",
            values=values,
            type=self.weight_type,
            writable=True,
            style=STYLES.index(self.style),
        )
        if self.bias is None:
            return (weights,)
        return (weights, bias_memory(self.bias, self.pe, self.out_type))

    @property
    def written_bits(self) -> int:
        """The sums of a vector, from three words on."""
        return state_memory_bits(taps=self.taps, groups=self.groups, bits=self.pe * self.out_type.bits)

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * taps * channels) to (frames, vectors * channels), wrapped to ``out_type``."""
        values = frames.reshape(-1, self.taps, self.channels)
        sums = np.einsum("ntc,ct->nc", values, self.weights)  # int64 wraps, which is exact modulo 2^64
        if self.bias is not None:
            sums += self.bias
        return wrap(sums.reshape(len(frames), -1), self.out_type)

    def cost(self, family: Family) -> Resources:
        """Per lane a multiplier and an adder; the weights, the state, and registers of the operands."""
        in_bits, weight_bits, out_bits = self.in_type.bits, self.weight_type.bits, self.out_type.bits
        adder = Resources(lut=out_bits, carry=carry_cells(family, out_bits), ff=out_bits)
        if not family.wide_luts:
            adder += Resources(lut=out_bits / 2)  # the choice of where the sum starts
        # Whether the product's register is that of the multiplier block.
        inside = self.dsp and family.multiplier is not None and family.multiplier.registers
        registers = Resources(ff=in_bits + (0 if inside else in_bits + weight_bits))
        lane = self._product(family) + adder + registers
        lanes = sum((lane for _ in range(self.pe)), start=Resources())
        schedule = schedule_cost(family, taps=self.taps, groups=self.groups, bits=self.pe * out_bits)
        fold_bits = (self.taps * self.groups - 1).bit_length()
        control = Resources(lut=1.5 * fold_bits, ff=1 + fold_bits)
        return lanes + schedule + self._weights(family) + control

    def _weights(self, family: Family) -> Resources:
        """Return the memory of the weights; flattened, yosys takes a LUT for 16 places (xc7) or 9 of a bit."""
        words, bits = self.taps * self.groups, self.pe * self.weight_type.bits
        rom = memory(family, words=words, bits=bits, style=STYLES.index(self.style))
        if rom.lut:
            places = 16 if family.wide_luts else 9
            rom = Resources(lut=bits * max(1.0, words / places), ff=bits)
        if self.style == "block":
            rom += Resources(ff=self.pe * (self.weight_type.bits + self.in_type.bits))
        return rom

    def _product(self, family: Family) -> Resources:
        """Return one multiplier: a block, a table, or rows of carry chains."""
        weight_bits, in_bits = self.weight_type.bits, self.in_type.bits
        if self.dsp:
            if family.multiplier is None:
                return Resources(lut=2.2 * weight_bits * in_bits, carry=weight_bits * in_bits / 4)
            return Resources(dsp=1)
        if weight_bits + in_bits <= TABLE_BITS:
            return Resources(lut=(weight_bits + in_bits) * (1 if family.wide_luts else 2))
        in_digits = (in_bits + (1 if self.in_type.signed else 2)) // 2
        rows = min(in_digits, (weight_bits + 1) // 2)
        row_bits = (weight_bits if in_digits < (weight_bits + 1) // 2 else in_bits) + 2
        density = 1.2 if family.wide_luts else 2.0
        return Resources(
            lut=density * rows * row_bits, carry=carry_cells(family, (rows - 1) * (row_bits + 1))
        )
