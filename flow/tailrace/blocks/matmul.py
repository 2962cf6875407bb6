# SPDX-License-Identifier: Apache-2.0
"""Product of two streams, head by head: one streams by, the other is kept for a frame and read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Product, Role, Stream, stream_names
from tailrace.blocks.dense_folded import (
    MAX_OUT_BITS,
    STYLES,
    folded_cost,
    lane_parts,
    levels_before_register,
    pipeline_cycles,
)
from tailrace.blocks.fifo import memory_cost
from tailrace.blocks.lanes import carry_cells, divisors
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class MatMul(Block):
    """``vectors`` vectors of a times all vectors of b, for each of ``heads`` groups of channels by itself.

    A head makes ``rows`` products of ``cols`` terms: ``scores``: of a (vectors, heads * cols) and b (rows,
    heads * cols), y (vectors, heads * rows); ``mix``: of a (vectors, heads * cols) and b (cols, heads * rows), as many.
    The group of each head comes rows/pe times (from a ``replay`` in front) in words of ``simd`` values; b comes once a
    frame, in words of ``simd`` (scores) or ``pe`` (mix) values, into one half of a buffer while the other is read. The
    products leave in words of ``pe``. They must fit ``out_type``. ``style`` is where the buffer is.

    Raises:
        MappingError: ``pe`` or ``simd`` does not divide the rows or columns, ``style`` is none of STYLES, or
            the accumulator is wider than 62 bits.

    """

    name: ClassVar[str] = "matmul"
    role: ClassVar[Role] = Role.COMPUTES

    kind: Literal["scores", "mix"]
    heads: int
    rows: int
    cols: int
    pe: int
    simd: int
    a_type: IntType
    b_type: IntType
    out_type: IntType
    style: str = "auto"
    dsp: bool = False
    vectors: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("scores", "mix"):
            raise ValueError(f"kind {self.kind!r} is neither 'scores' nor 'mix'")
        if min(self.heads, self.rows, self.cols, self.vectors) < 1:
            raise ValueError(
                f"heads={self.heads}, rows={self.rows}, cols={self.cols}, vectors={self.vectors}: wanted 1 at least"
            )
        for option, lanes, count, what in (
            ("pe", self.pe, self.rows, "outputs"),
            ("simd", self.simd, self.cols, "inputs"),
        ):
            if lanes < 1 or count % lanes:
                raise MappingError(
                    f"{option}={lanes} does not divide the {count} {what} of a head",
                    hint=f"use one of {', '.join(map(str, divisors(count)))}",
                )
        if self.style not in STYLES:
            raise MappingError(
                f"style={self.style!r} is no place for the second operand",
                hint=f"use one of {', '.join(STYLES)}",
            )
        if self.out_type.bits > MAX_OUT_BITS:
            raise MappingError(
                f"the accumulator needs {self.out_type.bits} bits, {MAX_OUT_BITS} are possible",
                hint="use fewer bits for the two operands",
            )

    @property
    def folds(self) -> int:
        """Cycles of a vector of a, and words of each bank of a half of the buffer."""
        return self.heads * (self.rows // self.pe) * (self.cols // self.simd)

    @property
    def banks(self) -> int:
        """Memories that are read side by side: one for each position of b that is read at a time."""
        return self.pe if self.kind == "scores" else self.simd

    @property
    def lanes(self) -> int:
        """Values in a word of b, and of a bank."""
        return self.simd if self.kind == "scores" else self.pe

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The heads of a, each rows/pe times; and b once."""
        return (
            Stream(lanes=self.simd, type=self.a_type, words=self.vectors * self.folds),
            Stream(lanes=self.lanes, type=self.b_type, words=self.banks * self.folds),
        )

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The products."""
        words = self.vectors * self.heads * (self.rows // self.pe)
        return (Stream(lanes=self.pe, type=self.out_type, words=words),)

    @property
    def interval_cycles(self) -> int:
        """Cycles of a frame: heads * (rows/pe) * (cols/simd) a vector of a, or those in which b comes."""
        return max(stream.words for stream in self.inputs)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word, of b, to the edge that can take the first product."""
        return self.inputs[1].words + self._read_registers + self.cols // self.simd + self._pipeline_ranks - 1

    @property
    def _read_registers(self) -> int:
        return 2 if self.style == "block" else 1

    @property
    def _weight_type(self) -> IntType:
        """The type of b in the multipliers, which is signed."""
        return IntType(self.b_type.bits + (not self.b_type.signed), signed=True)

    @property
    def _pipeline_ranks(self) -> int:
        """Registers from the operands to the accumulator, this counted."""
        levels = levels_before_register(self.a_type, self._weight_type, dsp=self.dsp)
        return pipeline_cycles(words=0, terms=self.simd, levels_before_register=levels, style="registers")

    def schedule(self) -> automata.Schedule:
        """A memory of two frames of b, each read once for a vector of a; a pipeline that takes from both."""
        words = self.inputs[1].words
        store = automata.Store(
            program=np.array([[self.inputs[0].words, words, 0, 2 * words, 0]], np.int64),
            words=words,
            depth=self._read_registers,
        )
        terms = self.cols // self.simd
        both = 0b11
        pipeline = automata.Pipeline(
            program=automata.rows(
                automata.step(terms - 1, takes=both, sends=0), automata.step(1, takes=both)
            ),
            depth=self._pipeline_ranks,
            inputs=2,
        )
        a, b = stream_names(self.input_ports)
        return automata.Schedule(
            parts=(
                automata.Part(automaton=store, inputs=(b,), outputs=("kept",)),
                automata.Part(automaton=pipeline, inputs=(a, "kept"), outputs=("m_axis",)),
            ),
            inputs=(a, b),
        )

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_matmul``; MIX is 1 for that kind."""
        return {
            "MIX": int(self.kind == "mix"),
            "HEADS": self.heads,
            "ROWS": self.rows,
            "COLS": self.cols,
            "VECTORS": self.vectors,
            "PE": self.pe,
            "SIMD": self.simd,
            "A_BITS": self.a_type.bits,
            "A_SIGNED": int(self.a_type.signed),
            "B_BITS": self.b_type.bits,
            "B_SIGNED": int(self.b_type.signed),
            "OUT_BITS": self.out_type.bits,
            "OUT_SIGNED": int(self.out_type.signed),
            "STYLE": STYLES.index(self.style),
            "DSP": int(self.dsp),
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def _places(self) -> int:
        """Words of a bank: two halves of a power of two."""
        return 2 << (self.folds - 1).bit_length()

    @property
    def written_bits(self) -> int:
        """Two halves, a power of two of words each."""
        return self.banks * self._places * self.lanes * self.b_type.bits

    @property
    def keeps(self) -> str:
        """The buffer, and how often it is read."""
        stream = self.inputs[1]
        return (
            f"2 x {stream.words} words of {stream.bits} bit, written once a frame, read {self.vectors} times"
        )

    def evaluate(self, a_frames: Integers, b_frames: Integers) -> Integers:
        """(frames, values) of a, as ``replay`` repeats, and of b to (frames, vectors * heads * rows) products."""
        count = len(a_frames)
        a = a_frames.reshape(count, self.vectors, self.heads, self.rows // self.pe, self.cols)[:, :, :, 0]
        axes = (
            (self.rows, self.heads, self.cols)
            if self.kind == "scores"
            else (self.cols, self.heads, self.rows)
        )
        b = b_frames.reshape(count, *axes).transpose((0, 2, 3, 1) if self.kind == "scores" else (0, 2, 1, 3))
        sums = a.transpose(0, 2, 1, 3) @ b  # (frames, heads, vectors, rows)
        return np.ascontiguousarray(sums.transpose(0, 2, 1, 3)).reshape(count, -1)

    @property
    def product(self) -> Product:
        """The matrix product of a vector: ``pe`` rows and ``simd`` columns of a head a cycle."""
        return Product(
            engine="folded",
            rows=self.heads * self.rows,
            cols=self.cols,
            pe=self.pe,
            simd=self.simd,
            weight_bits=self.b_type.bits,
        )

    def cost(self, family: Family) -> Resources:
        """The multipliers and adders of ``dense_folded``, a memory a bank, addresses and counts."""
        leaf, adders, registers = lane_parts(
            family, self.a_type, self._weight_type, simd=self.simd, dsp=self.dsp
        )
        lanes = folded_cost(
            family=family,
            pe=self.pe,
            folds=1,
            leaf=leaf,
            adders=adders,
            registers=registers,
            in_bits=0,
            weight_bits=0,
            out_bits=self.out_type.bits,
            style="registers",
            left_of_logic=1.0,
            left_of_carry=1.0,
            dsp=self.pe * self.simd if self.dsp else 0,
        )
        bits = self.lanes * self.b_type.bits
        bank = bank_cost(family, depth=self._places, bits=bits, style=self.style)
        again = Resources(ff=self.banks * bits * (self._read_registers - 1))
        address = (self.folds - 1).bit_length()
        counts = sum((count - 1).bit_length() for count in (self.banks, self.vectors, self.rows, self.cols))
        control = Resources(
            lut=8 * address + 2 * counts + self.banks + 12,
            ff=2 * address + counts + 8,
            carry=3 * carry_cells(family, address),
        )
        return sum((bank for _ in range(self.banks)), start=lanes + again + control)


def bank_cost(family: Family, *, depth: int, bits: int, style: str) -> Resources:
    """Return a memory of ``depth`` words with a port to write and one to read, where ``style`` puts it."""
    luts, block = family.lut_memory, family.block_memory
    if style == "block":
        return Resources(bram18=block.bram18 * block.blocks(depth, bits))
    if style == "auto" or luts is None:
        return memory_cost(depth=depth, bits=bits, family=family, registered=True)
    shapes = luts.shapes[:1] if depth <= luts.shapes[0][0] else luts.shapes
    words, width = min(shapes, key=lambda shape: (-(-depth // shape[0]) * -(-bits // shape[1]), -shape[0]))
    rows = -(-depth // words)
    choice = bits * (rows - 1) * (0.5 if family.wide_luts else 1.6)
    return Resources(lut=luts.luts * rows * -(-bits // width) + choice, ff=bits)
