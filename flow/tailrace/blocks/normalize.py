# SPDX-License-Identifier: Apache-2.0
"""Normalize: layer and RMS normalization of vectors, rounded correctly, by digits instead of a root and a quotient."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role, Stream
from tailrace.blocks.fifo import memory_cost
from tailrace.blocks.lanes import check_lanes, edge, product_cost
from tailrace.core.errors import MappingError
from tailrace.core.normalization import Kind, Normalization
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory
    from tailrace.targets.family import Family

MOST_DIGITS = automata.MOST_RANKS - 3
"""Digits of a result, with one behind its last bit: a rank each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalize(Block):
    """Each of ``vectors`` vectors of ``size`` values normalized (:mod:`tailrace.core.normalization`), ``pe`` a word.

    A word is sent every ``cycles`` cycles. Raises MappingError where ``pe`` does not divide ``size`` or the results
    have too many bits.
    """

    name: ClassVar[str] = "normalize"
    role: ClassVar[Role] = Role.COMPUTES

    kind: Kind
    size: int
    pe: int
    in_type: IntType
    fraction_bits: int
    epsilon: int
    exponent: int
    out_type: IntType
    cycles: int = 1
    vectors: int = 1

    def __post_init__(self) -> None:
        self.arithmetic  # noqa: B018 - looks at the constants
        check_lanes(channels=self.size, pe=self.pe, vectors=self.vectors)
        if not 1 <= self.cycles <= self.digits:
            raise MappingError(
                f"a word every {self.cycles} cycles, for results of {self.digits} digits",
                hint=f"1 to {self.digits} cycles are possible",
            )
        if self.digits > MOST_DIGITS:
            raise MappingError(
                f"results of {self.digits} digits, {MOST_DIGITS} are possible",
                hint="normalize to fewer fraction bits",
            )

    @property
    def arithmetic(self) -> Normalization:
        """The function of one vector."""
        return Normalization(
            kind=self.kind,
            size=self.size,
            fraction_bits=self.fraction_bits,
            epsilon=self.epsilon,
            exponent=self.exponent,
        )

    # The largest numbers that occur; all names are those of the Verilog.

    @property
    def _value(self) -> int:
        """The largest size of n·x - S, or of x."""
        low, high = self.in_type.min, self.in_type.max
        return (self.size - 1) * (high - low) if self.kind == "layer" else max(-low, high)

    @property
    def _squares(self) -> int:
        """The largest sum of squares Q."""
        return self.size * max(-self.in_type.min, self.in_type.max) ** 2

    @property
    def _top(self) -> int:
        """The largest N."""
        return self._value**2 * (1 if self.kind == "layer" else self.size)

    @property
    def _root(self) -> int:
        """The largest W."""
        n, function = self.size, self.arithmetic
        spread = (
            (n * (self.in_type.max - self.in_type.min)) ** 2 // 4 if self.kind == "layer" else self._squares
        )
        return (spread << function.finer) + function.epsilon_term

    @property
    def digits(self) -> int:
        """The digits of y': those of a result, one at least, and one behind its last bit."""
        return max(2, self.arithmetic.reach(self._value).bit_length())

    @property
    def words(self) -> int:
        """Words of a vector."""
        return self.size // self.pe

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The vectors."""
        return (edge(self.in_type, channels=self.size, pe=self.pe, vectors=self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The normalized vectors."""
        return (edge(self.out_type, channels=self.size, pe=self.pe, vectors=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """A word every ``cycles`` cycles."""
        return self.vectors * self.words * self.cycles

    @property
    def _front(self) -> int:
        """Ranks in front of the memory: the sums."""
        levels = (self.pe - 1).bit_length()
        return 6 + (max(levels - 1, 0) // 2)

    @property
    def _back(self) -> int:
        """Ranks behind the memory: numerator, digits, rounding."""
        return self.digits + 3

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first word out."""
        return self._front + self.words + 1 + self._back

    def schedule(self) -> automata.Schedule:
        """The ranks of the sums, a memory that gives a vector when it is whole, and the ranks of the digits."""
        words = self.words
        reads = automata.rows((1, words, 0, 2 * words, 0), (words - 1, words, 0, 2 * words + 1, 1))
        memory = automata.Store(program=reads, words=words)
        digits = automata.Pipeline(
            program=automata.rows(
                automata.step(1, takes=1), automata.step(self.cycles - 1, takes=0, sends=0)
            ),
            depth=self._back,
        )
        return automata.in_a_row(automata.each_word(self._front), memory, digits)

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_normalize``."""
        function = self.arithmetic
        low, high = self.in_type.min, self.in_type.max
        value = 1 + self._value.bit_length() if self.kind == "layer" else (self._value**2).bit_length()
        most = isqrt((self._top << function.up) * self._root)  # y' * W
        return {
            "SIZE": self.size,
            "PE": self.pe,
            "CYCLES": self.cycles,
            "RMS": int(self.kind == "rms"),
            "IN_BITS": self.in_type.bits,
            "IN_SIGNED": int(self.in_type.signed),
            "OUT_BITS": self.out_type.bits,
            "UP": function.up,
            "FINER": function.finer,
            "COARSER": max(0, self.exponent),
            "EPSILON": self.epsilon,
            "DIGITS": self.digits,
            "SUM_BITS": IntType.containing(min(self.size * low, -1), self.size * high).bits,
            "SQUARES_BITS": self._squares.bit_length(),
            "VALUE_BITS": value,
            "TOP_BITS": self._top.bit_length(),
            "ROOT_BITS": self._root.bit_length(),
            "REST_BITS": (4 * most + 4 * self._root).bit_length(),
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """Two vectors."""
        return 2 * self.size * self.in_type.bits

    def evaluate(self, frames: Integers) -> Integers:
        """Return the normalized vectors of (frames, vectors * size) values, wrapped to ``out_type``."""
        vectors = frames.reshape(len(frames), self.vectors, self.size)
        results, spare = self.arithmetic(vectors).reshape(len(frames), -1), 64 - self.out_type.bits
        return (results << spare) >> spare if self.out_type.signed else results & self.out_type.max

    def cost(self, family: Family) -> Resources:
        """Estimate three carry chains and a multiplexer a digit, the squares, and the memory of two vectors."""
        p = self.parameters()
        bits, value, total = self.in_type.bits + 1, p["VALUE_BITS"], p["SUM_BITS"]
        root, rest = p["ROOT_BITS"], p["REST_BITS"]
        lane = product_cost(bits, bits, 2 * bits, family)
        lane += Resources(ff=bits * self._front + 2 * bits + value + p["TOP_BITS"])
        logic = Resources(lut=3 * p["SQUARES_BITS"] + total + 2 * root + 40, ff=8 * root + 4 * total + 40)
        if self.kind == "layer":
            lane += product_cost(value, value, p["TOP_BITS"], family) + Resources(lut=2 * value)
            logic += product_cost(total, total, 2 * total, family)
        else:
            lane += Resources(lut=2 * p["TOP_BITS"])
        each = 3.3 if family.carry.in_luts else 3.0  # LUTs for a bit of a digit
        for first in range(0, self.digits, self.cycles):
            last = min(first + self.cycles, self.digits) - 1
            width = min(root + last + 3, rest)
            shared = last > first  # its own numbers, or those of the unit before
            lane += Resources(lut=(each + 2 if shared else each) * width, ff=2 * width + last + 2)
            logic += Resources(lut=2 * root if shared else 0, ff=2 * (root - self.arithmetic.finer))
        lanes = sum((lane for _ in range(self.pe)), start=Resources())
        memory = memory_cost(depth=2 * self.words, bits=self.pe * (bits - 1), family=family, registered=True)
        chains = Resources(carry=self.pe * 2 * rest * -(-self.digits // self.cycles) / family.carry.bits)
        return lanes + logic + memory + chains
