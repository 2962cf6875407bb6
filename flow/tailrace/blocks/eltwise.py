# SPDX-License-Identifier: Apache-2.0
"""Element-wise: adds (with integer factors) or multiplies two streams lane by lane."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role, Stream, stream_names
from tailrace.blocks.lanes import product_cost
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory
    from tailrace.core.types import IntType
    from tailrace.targets.family import Family

MOST_SHIFTS = 4
"""A factor of up to so many signed digits is a sum of shifts, others are products; as in the Verilog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eltwise(Block):
    """``a_factor * a + b_factor * b`` ("add") or ``a * b`` ("multiply"; the factors stay 1).

    ``a`` and ``b`` have the same lanes and words (those of one of ``vectors`` vectors). The result is exact
    modulo 2 to the bits of ``out_type``: it is right wherever the range analysis says that it fits.

    Raises:
        MappingError: a factor does not fit 32 bits.

    """

    name: ClassVar[str] = "eltwise"
    role: ClassVar[Role] = Role.COMPUTES

    operation: Literal["add", "multiply"]
    a: Stream
    b: Stream
    out_type: IntType
    a_factor: int = 1
    b_factor: int = 1
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.operation not in ("add", "multiply"):
            raise ValueError(f"operation {self.operation!r} is neither 'add' nor 'multiply'")
        if (self.a.lanes, self.a.words) != (self.b.lanes, self.b.words):
            raise ValueError(
                f"a has {self.a.words} words of {self.a.lanes} lanes, b {self.b.words} of {self.b.lanes}"
            )
        if self.operation == "multiply" and (self.a_factor, self.b_factor) != (1, 1):
            raise ValueError("a product has no factors")
        for factor in (self.a_factor, self.b_factor):
            if not -(1 << 31) <= factor < 1 << 31:
                raise MappingError(
                    f"the factor {factor} of an element-wise sum does not fit 32 bits",
                    hint="bring the two scales closer together, or use scales with fewer digits",
                )

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """``a`` and ``b``."""
        return tuple(replace(stream, words=stream.words * self.vectors) for stream in (self.a, self.b))

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The results."""
        return (Stream(lanes=self.a.lanes, type=self.out_type, words=self.a.words * self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.a.words * self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first two words to the edge that can take their result."""
        single = max(signed_digits(self.a_factor), signed_digits(self.b_factor)) <= 1
        return 1 if self.operation == "add" and single else 2

    def schedule(self) -> automata.Schedule:
        """A pipeline that takes a word from both inputs for each that it sends."""
        pipeline = automata.each_word(self.latency_cycles, inputs=2)
        return automata.in_a_row(pipeline, inputs=stream_names(self.input_ports))

    def parameters(self) -> Mapping[str, int]:
        """OPERATION, LANES, {A,B}_{BITS,SIGNED,FACTOR}, OUT_BITS."""
        return {
            "OPERATION": int(self.operation == "multiply"),
            "LANES": self.a.lanes,
            "A_BITS": self.a.type.bits,
            "A_SIGNED": int(self.a.type.signed),
            "A_FACTOR": self.a_factor,
            "B_BITS": self.b.type.bits,
            "B_SIGNED": int(self.b.type.signed),
            "B_FACTOR": self.b_factor,
            "OUT_BITS": self.out_type.bits,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, a_frames: Integers, b_frames: Integers) -> Integers:
        """Return the (frames, values) results, wrapped to ``out_type`` as the hardware does."""
        if self.operation == "multiply":
            exact = a_frames * b_frames  # int64 wraps, which is exact modulo 2^64
        else:
            exact = a_frames * self.a_factor + b_frames * self.b_factor
        spare = 64 - self.out_type.bits
        if self.out_type.signed:
            return (exact << spare) >> spare
        return exact & self.out_type.max

    def cost(self, family: Family) -> Resources:
        """Per lane: carry chains for sums, multiplier blocks for products of more than a few bits."""
        out_bits = self.out_type.bits
        a_bits, b_bits = self.a.type.bits, self.b.type.bits
        # Whether the registers around a product are those of the multiplier block.
        inside = family.multiplier is not None and family.multiplier.registers
        per_lane = Resources()
        if self.operation == "multiply":
            per_lane += product_cost(a_bits, b_bits, out_bits, family)
            if not (inside and per_lane.dsp):
                per_lane += Resources(ff=a_bits + b_bits + out_bits)
        else:
            for bits, factor in ((a_bits, self.a_factor), (b_bits, self.b_factor)):
                digits = signed_digits(factor)
                if digits > MOST_SHIFTS:
                    per_lane += product_cost(bits, factor.bit_length() + 1, out_bits, family)
                else:
                    for _ in range(digits - 1):
                        per_lane += _adder(0.8 * out_bits, family)
                if self.latency_cycles == 2 and not (inside and digits > MOST_SHIFTS):
                    per_lane += Resources(ff=out_bits)
            if not (inside and per_lane.dsp):
                per_lane += _adder(out_bits, family) + Resources(ff=out_bits)
        control = Resources(lut=4, ff=self.latency_cycles)
        return sum((per_lane for _ in range(self.a.lanes)), start=control)


def signed_digits(factor: int) -> int:
    """Return the number of non-zero digits of ``factor`` in the shortest notation with digits 1, 0 and -1."""
    return (factor ^ (3 * factor)).bit_count() if factor >= 0 else signed_digits(-factor)


def _adder(bits: float, family: Family) -> Resources:
    """Return the cost of a carry chain: a LUT a bit, whether carry cells take their place or stand beside them."""
    return Resources(lut=bits, carry=bits / family.carry.bits)
