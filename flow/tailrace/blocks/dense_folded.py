# SPDX-License-Identifier: Apache-2.0
"""Matrix product, folded: PE rows x SIMD columns per cycle, the weights in a memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Integers, Memory, Product, Role, Stream
from tailrace.blocks.lanes import divisors
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.targets.family import Family

STYLES = ("auto", "registers", "distributed", "block")
"""Where the weights are; the index is the parameter STYLE; ``registers`` and ``distributed`` are LUTs."""

MAX_OUT_BITS = 62
"""The check in simulation adds in 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenseFolded(Block):
    """``weights`` (rows, cols) times vectors of ``in_type``, plus ``bias`` (rows,), summed in ``out_type``.

    Each vector comes rows/pe times (from a ``replay`` in front) in words of ``simd`` values, and leaves in
    words of ``pe``. The sums must fit ``out_type``; a bias that does not, while the sums do, is kept modulo
    2^bits.

    Raises:
        MappingError: ``pe`` or ``simd`` does not divide the rows or columns, ``style`` is none of STYLES, or
            the accumulator is wider than 62 bits.
        ValueError: the arrays' shapes do not belong together.

    """

    name: ClassVar[str] = "dense_folded"
    role: ClassVar[Role] = Role.COMPUTES

    weights: Integers
    bias: Integers | None = None
    pe: int
    simd: int
    in_type: IntType
    out_type: IntType
    style: str = "auto"
    dsp: bool = False
    vectors: int = 1

    def __post_init__(self) -> None:
        check_folding(
            weights=self.weights,
            bias=self.bias,
            pe=self.pe,
            simd=self.simd,
            style=self.style,
            out_type=self.out_type,
            vectors=self.vectors,
        )

    @property
    def rows(self) -> int:
        """Values of an output vector."""
        return int(self.weights.shape[0])

    @property
    def cols(self) -> int:
        """Values of an input vector."""
        return int(self.weights.shape[1])

    @property
    def weight_type(self) -> IntType:
        """The smallest signed type that holds every weight."""
        low, high = int(self.weights.min()), int(self.weights.max())
        return IntType.containing(min(low, -1), max(high, 0))

    @property
    def folds(self) -> int:
        """Cycles, weight words and input words of one vector."""
        return (self.rows // self.pe) * (self.cols // self.simd)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The vectors, each repeated rows/pe times."""
        return (Stream(lanes=self.simd, type=self.in_type, words=self.vectors * self.folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The products."""
        return (Stream(lanes=self.pe, type=self.out_type, words=self.vectors * (self.rows // self.pe)),)

    @property
    def interval_cycles(self) -> int:
        """(rows/pe) * (cols/simd) cycles per vector."""
        return self.vectors * self.folds

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first word out."""
        return pipeline_cycles(
            words=self.cols // self.simd,
            terms=self.simd,
            levels_before_register=levels_before_register(self.in_type, self.weight_type, dsp=self.dsp),
            style=self.style,
        )

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for the words of a vector."""
        return automata.in_a_row(automata.reduction(self.cols // self.simd, 1, self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_dense_folded``; BIAS is 2 where biases are kept modulo 2^OUT_BITS."""
        return {
            "ROWS": self.rows,
            "COLS": self.cols,
            "PE": self.pe,
            "SIMD": self.simd,
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
        """``weights``: (folds, pe * simd); ``bias``, where there is one: (rows/pe, pe)."""
        values = fold_weights(self.weights, self.pe, self.simd)
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
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * rows/pe * cols), as ``replay`` repeats, to (frames, vectors * rows) sums."""
        once = frames.reshape(len(frames) * self.vectors, self.rows // self.pe, self.cols)[:, 0]
        return dense(once, self.weights, self.bias).reshape(len(frames), self.vectors * self.rows)

    @property
    def product(self) -> Product:
        """The matrix product, ``pe`` rows and ``simd`` columns a cycle."""
        return Product(
            engine="folded",
            rows=self.rows,
            cols=self.cols,
            pe=self.pe,
            simd=self.simd,
            weight_bits=self.weight_type.bits,
        )

    def cost(self, family: Family) -> Resources:
        """Estimate from the structure; within 30 % of the syntheses in docs/blocks/dense_folded.md."""
        leaf, adders, registers = lane_parts(
            family, self.in_type, self.weight_type, simd=self.simd, dsp=self.dsp
        )
        table = self.in_type.bits + self.weight_type.bits <= TABLE_BITS
        left_of_logic = (0.41, 0.04) if table else (0.32, 0.055)
        return folded_cost(
            family=family,
            pe=self.pe,
            folds=self.folds,
            leaf=leaf,
            adders=adders,
            registers=registers,
            in_bits=self.simd * self.in_type.bits,
            weight_bits=self.pe * self.simd * self.weight_type.bits,
            out_bits=self.out_type.bits,
            style=self.style,
            left_of_logic=left_of_logic[not family.wide_luts],
            left_of_carry=0.55,
            dsp=self.pe * self.simd if self.dsp else 0,
        )


def dense(x: Integers, weights: Integers, bias: Integers | None = None) -> Integers:
    """Multiply (n, cols) integers by (rows, cols) ``weights`` and add the (rows,) ``bias``: (n, rows), exact.

    The product runs in float32 or float64 where no partial sum can leave the integers that the type holds
    exactly (2^24, 2^53), which makes it as fast as the BLAS; else in 64-bit integers.

    Raises:
        OverflowError: a partial sum could leave 64 bits.

    """
    largest = max(int(x.max(initial=0)), -int(x.min(initial=0)))
    bound = largest * int(np.abs(weights).sum(axis=1).max(initial=0))
    if bound < 1 << 24:
        sums = (x.astype(np.float32) @ weights.T.astype(np.float32)).astype(np.int64)
    elif bound < 1 << 53:
        sums = (x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)
    elif bound < 1 << 62:
        sums = x @ weights.T
    else:
        raise OverflowError(f"sums of up to {bound} do not fit 64 bits")
    if bias is not None:
        sums += bias
    return sums


def fold_weights(weights: Integers, pe: int, simd: int) -> Integers:
    """Return the (folds, pe * simd) memory of (rows, cols) weights.

    Element ``p*simd + s`` of word ``r*(cols/simd) + c`` is ``weights[r*pe + p, c*simd + s]``.
    """
    rows, cols = weights.shape
    blocks = weights.reshape(rows // pe, pe, cols // simd, simd)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)).reshape(-1, pe * simd)


def unfold_weights(words: Integers, *, rows: int, cols: int, pe: int, simd: int) -> Integers:
    """Undo :func:`fold_weights`: a (folds, pe * simd) memory to (rows, cols) weights."""
    blocks = words.reshape(rows // pe, cols // simd, pe, simd)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)).reshape(rows, cols)


def bias_memory(bias: Integers, pe: int, out_type: IntType) -> Memory:
    """Return the (rows/pe, pe) memory of the (rows,) bias, modulo 2^bits where it leaves ``out_type``."""
    span = 1 << out_type.bits
    wrapped = (bias - out_type.min) % span + out_type.min
    return Memory(name="bias", values=wrapped.reshape(-1, pe), type=out_type, writable=True)


def bias_mode(bias: Integers | None, out_type: IntType) -> int:
    """Return the parameter BIAS: 0 none, 1 exact, 2 some of it does not fit ``out_type``."""
    if bias is None:
        return 0
    return 1 if out_type.min <= int(bias.min()) and int(bias.max()) <= out_type.max else 2


def pipeline_cycles(*, words: int, terms: int, levels_before_register: int, style: str) -> int:
    """Return the latency: the ``words`` of a row and the registers of operands, tree of ``terms`` and sum."""
    levels = (terms - 1).bit_length()
    tree = 1 + max(0, levels - levels_before_register) // 2
    operands = 2 if style == "block" else 1
    return words + operands + tree


def check_folding(
    *,
    weights: Integers,
    bias: Integers | None,
    pe: int,
    simd: int,
    style: str,
    out_type: IntType,
    vectors: int,
) -> None:
    """Raise what :class:`DenseFolded` says it raises."""
    if weights.ndim != 2 or 0 in weights.shape:
        raise ValueError(f"weights must be (rows, cols), got the shape {weights.shape}")
    rows, cols = weights.shape
    if bias is not None and bias.shape != (rows,):
        raise ValueError(f"bias must have the shape ({rows},), got {bias.shape}")
    if vectors < 1:
        raise ValueError(f"vectors={vectors} must be at least 1")
    for option, lanes, count, what in (("pe", pe, rows, "outputs"), ("simd", simd, cols, "inputs")):
        if lanes < 1 or count % lanes:
            raise MappingError(
                f"{option}={lanes} does not divide the {count} {what}",
                hint=f"use one of {', '.join(map(str, divisors(count)))}",
            )
    if style not in STYLES:
        raise MappingError(f"style={style!r} is no place for weights", hint=f"use one of {', '.join(STYLES)}")
    if out_type.bits > MAX_OUT_BITS:
        raise MappingError(
            f"the accumulator needs {out_type.bits} bits, {MAX_OUT_BITS} are possible",
            hint="use fewer bits for the inputs or the weights",
        )


def levels_before_register(in_type: IntType, weight_type: IntType, *, dsp: bool) -> int:
    """Return the levels of the adder tree in front of its first register.

    None where products are made in multiplier blocks, or of three rows and more, which take a rank of their own.
    """
    input_digits = (in_type.bits + (1 if in_type.signed else 2)) // 2
    weight_digits = (weight_type.bits + 1) // 2
    return 0 if dsp or min(input_digits, weight_digits) > 2 else 1


def lane_parts(
    family: Family, in_type: IntType, weight_type: IntType, *, simd: int, dsp: bool
) -> tuple[float, list[int], int]:
    """Return what a lane of ``simd`` products is made of: LUTs in front of its adders, these, and its registers.

    It is what :func:`folded_cost` takes as ``leaf``, ``adders`` and ``registers``.
    """
    product_bits = in_type.bits + weight_type.bits
    rows = _product_rows(in_type, weight_type)
    adders: list[int] = []
    if dsp:
        leaf, term_bits = 0.0, product_bits
    elif product_bits <= TABLE_BITS:
        places = _luts_per_place(family, product_bits)
        fused = (simd + 1) // 2 if family.wide_luts else simd
        leaf, term_bits = float(fused * product_bits * places), product_bits
    else:
        first, others = _luts_per_place(family, 4), _luts_per_place(family, 5)
        term_bits = product_bits if len(rows) > 1 else rows[0]
        if family.wide_luts:  # a row is in the LUTs of the adder that adds it
            leaf = float(simd * rows[0]) / (1 if len(rows) > 1 else 2)
        else:
            leaf = 0.85 * simd * (first * rows[0] + others * sum(rows[1:]))
        adders += [product_bits - 2 * digit + 1 for digit in range(1, len(rows))] * simd
    carry_in = int(not dsp and product_bits > TABLE_BITS)
    adders += tree_adders(simd, term_bits + carry_in)
    levels = levels_before_register(in_type, weight_type, dsp=dsp)
    registers = tree_registers(simd, term_bits + carry_in, levels)
    if dsp and _holds_registers(family):  # the products are in the DSP blocks
        registers -= simd * term_bits
    return leaf, adders, registers


TABLE_BITS = 6
"""Products of operands of so many bits together are tables; as in the Verilog."""

LUT4_PLACES = {5: 2.0, 6: 2.4}
"""LUT4s (and multiplexers) of a function of five or six inputs."""


def folded_cost(
    *,
    family: Family,
    pe: int,
    folds: int,
    leaf: float,
    adders: list[int],
    registers: int,
    in_bits: int,
    weight_bits: int,
    out_bits: int,
    style: str,
    left_of_logic: float,
    left_of_carry: float,
    dsp: int = 0,
) -> Resources:
    """Return the cost of ``pe`` lanes and their schedule.

    ``leaf`` are the LUTs of a lane in front of its ``adders`` (bits of each), ``registers`` the flip-flops of
    its tree; ``in_bits`` and ``weight_bits`` those of the operand words. ``left_of_*`` is what random weights
    leave of it where they are constants (one fold).
    """
    if folds > 1:
        left_of_logic = left_of_carry = 1.0
    sums = [*adders, out_bits + 1]
    logic = left_of_logic * leaf
    if family.wide_luts:
        logic += left_of_logic * sum(sums)
        carry = sum(-(-bits // 4) for bits in sums)
    elif family.carry.in_luts:  # a CCU2C adds two bits in the place of two LUTs
        carry = sum(-(-bits // family.carry.bits) for bits in sums if bits > 4)
        logic += out_bits + family.carry.bits * left_of_carry * carry
    else:  # an SB_CARRY stands beside an SB_LUT4
        logic += left_of_carry * sum(sums) + out_bits
        carry = sum(sums)
    memory, blocks = _weights_memory(family, folds, weight_bits, style)
    operands = in_bits + (in_bits if blocks else 0) + (weight_bits if folds > 1 else 0)
    if dsp and _holds_registers(family):  # they are in the DSP blocks
        operands = 0
    return Resources(
        lut=pe * logic + memory + 12,
        carry=left_of_carry * pe * carry + 2,
        ff=operands + pe * (registers + out_bits) + 14,
        dsp=dsp,
        bram18=blocks,
    )


def tree_adders(terms: int, bits: int) -> list[int]:
    """Return the bits of every adder in the tree of ``terms`` terms."""
    adders = []
    while terms > 1:
        bits += 1
        adders += [bits] * (terms // 2)
        terms -= terms // 2
    return adders


def tree_registers(terms: int, bits: int, levels_before_register: int) -> int:
    """Return the flip-flops in the tree of ``terms`` terms."""
    levels = (terms - 1).bit_length()
    first = min(levels, levels_before_register)
    return sum(-(-terms // (1 << level)) * (bits + level) for level in range(first, levels + 1, 2))


def _product_rows(in_type: IntType, weight_type: IntType) -> list[int]:
    """Return the bits of every row of a LUT multiplier: the operand with fewer base-4 digits is recoded."""
    value_bits = in_type.bits + (0 if in_type.signed else 1)
    weight_digits, input_digits = (weight_type.bits + 1) // 2, (value_bits + 1) // 2
    if input_digits < weight_digits:
        return [weight_type.bits + 1] * input_digits
    return [value_bits + 1] * weight_digits


def _holds_registers(family: Family) -> bool:
    """Whether the registers of operands and products are those of the multiplier blocks."""
    return family.multiplier is not None and family.multiplier.registers


def _luts_per_place(family: Family, inputs: int) -> float:
    """Return the LUTs of a function of up to six inputs."""
    return 1.0 if family.wide_luts else LUT4_PLACES.get(inputs, 1.0)


def _weights_memory(family: Family, folds: int, bits: int, style: str) -> tuple[float, float]:
    """Return the LUTs and the 18 kbit blocks of a read-only memory of ``folds`` words of ``bits`` bits.

    yosys merges equal functions of few words, and needs far more LUTs for many words than the 64 (or 16) a LUT holds.
    """
    ram = family.block_memory
    if folds == 1:
        return 0.0, 0.0
    if style == "block" or (style == "auto" and folds >= ram.constant_words):
        return 0.0, float(ram.bram18 * ram.blocks(folds, bits))
    per_bit = (0.075 if family.wide_luts else 0.1) * folds
    return bits * max(1.0 if folds > 8 else 0.6, per_bit), 0.0
