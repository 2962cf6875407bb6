# SPDX-License-Identifier: Apache-2.0
"""Binary matrix product, folded: counts where bits of input and weights are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Integers, Memory, Product, Role, Stream
from tailrace.blocks.dense_folded import (
    STYLES,
    bias_memory,
    bias_mode,
    check_folding,
    dense,
    fold_weights,
    folded_cost,
    pipeline_cycles,
    tree_adders,
    tree_registers,
)
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.resources import Resources
    from tailrace.targets.family import Family

BIT = IntType(1, signed=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenseBinary(Block):
    """``bias`` (rows,) plus, per row of ``weights`` (rows, cols), the number of columns that agree.

    Weights are +1 and -1; an input bit 1 stands for +1, 0 for -1. So the sum of the products of a row is
    2 * count - cols.
    Each vector comes rows/pe times (from a ``replay`` in front) in words of ``simd`` bits, and leaves in
    words of ``pe``. The sums must fit ``out_type``; a bias that does not, while the sums do, is kept modulo
    2^bits.

    Raises:
        MappingError: as :class:`~tailrace.blocks.dense_folded.DenseFolded`.
        ValueError: the arrays' shapes do not belong together, or a weight is neither +1 nor -1.

    """

    name: ClassVar[str] = "dense_binary"
    role: ClassVar[Role] = Role.COMPUTES

    weights: Integers
    bias: Integers | None = None
    pe: int
    simd: int
    out_type: IntType
    style: str = "auto"
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
        wrong = self.weights[np.abs(self.weights) != 1]
        if wrong.size:
            raise ValueError(f"binary weights are +1 or -1, got {int(wrong[0])}")

    @property
    def rows(self) -> int:
        """Values of an output vector."""
        return int(self.weights.shape[0])

    @property
    def cols(self) -> int:
        """Bits of an input vector."""
        return int(self.weights.shape[1])

    @property
    def folds(self) -> int:
        """Cycles, weight words and input words of one vector."""
        return (self.rows // self.pe) * (self.cols // self.simd)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The vectors, each repeated rows/pe times."""
        return (Stream(lanes=self.simd, type=BIT, words=self.vectors * self.folds),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The counts."""
        return (Stream(lanes=self.pe, type=self.out_type, words=self.vectors * (self.rows // self.pe)),)

    @property
    def interval_cycles(self) -> int:
        """(rows/pe) * (cols/simd) cycles per vector."""
        return self.vectors * self.folds

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first word out."""
        return pipeline_cycles(
            words=self.cols // self.simd, terms=-(-self.simd // 4), levels_before_register=1, style=self.style
        )

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for the words of a vector."""
        return automata.in_a_row(automata.reduction(self.cols // self.simd, 1, self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of ``tr_dense_binary``; BIAS is 2 where biases are kept modulo 2^OUT_BITS."""
        return {
            "ROWS": self.rows,
            "COLS": self.cols,
            "PE": self.pe,
            "SIMD": self.simd,
            "OUT_BITS": self.out_type.bits,
            "OUT_SIGNED": int(self.out_type.signed),
            "STYLE": STYLES.index(self.style),
            "BIAS": bias_mode(self.bias, self.out_type),
        }

    def memories(self) -> tuple[Memory, ...]:
        """``weights``: (folds, pe * simd) bits; ``bias``, where there is one: (rows/pe, pe)."""
        bits = (fold_weights(self.weights, self.pe, self.simd) + 1) // 2
        weights = Memory(name="weights", values=bits, type=BIT, writable=True, style=STYLES.index(self.style))
        if self.bias is None:
            return (weights,)
        return (weights, bias_memory(self.bias, self.pe, self.out_type))

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * rows/pe * cols) as ``replay`` repeats, to (frames, vectors * rows) sums."""
        once = frames.reshape(len(frames) * self.vectors, self.rows // self.pe, self.cols)[:, 0]
        # Equal bits: x * w counts those of the ones and takes off the rest; a zero is equal where w is -1.
        minus_ones = (self.weights < 0).sum(axis=1)
        start = minus_ones if self.bias is None else minus_ones + self.bias
        return dense(once, self.weights, start).reshape(len(frames), self.vectors * self.rows)

    @property
    def product(self) -> Product:
        """The matrix product, ``pe`` rows and ``simd`` columns a cycle."""
        return Product(
            engine="binary",
            rows=self.rows,
            cols=self.cols,
            pe=self.pe,
            simd=self.simd,
            weight_bits=BIT.bits,
        )

    def cost(self, family: Family) -> Resources:
        """Estimate from the structure; within 30 % of the syntheses in docs/blocks/dense_binary.md."""
        groups = -(-self.simd // 4)  # of three columns and a carry
        return folded_cost(
            family=family,
            pe=self.pe,
            folds=self.folds,
            leaf=groups * (2 if family.wide_luts else 11),
            adders=tree_adders(groups, 3),
            registers=tree_registers(groups, 3, 1),
            in_bits=self.simd,
            weight_bits=self.pe * self.simd,
            out_bits=self.out_type.bits,
            style=self.style,
            left_of_logic=0.41 if family.wide_luts else 0.25,
            left_of_carry=1.0,
        )
