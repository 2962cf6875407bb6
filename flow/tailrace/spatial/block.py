# SPDX-License-Identifier: Apache-2.0
"""Spatial: a layer with constant weights, all of it side by side: adders and tails instead of multipliers.

Its Verilog and C++ are written for the layer (``spatial/rtl.py``, ``spatial/hls.py``); docs/spatial.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks import automata
from tailrace.blocks.base import Block, HlsFunction, Integers, Memory, Product, Role, Stream
from tailrace.blocks.lanes import carry_cells
from tailrace.core.resources import Resources
from tailrace.spatial.circuit import Circuit, Input, Levels, Lookup, Requantize, Sum, evaluate
from tailrace.spatial.cost import luts, node_luts
from tailrace.spatial.hls import emit_compute
from tailrace.spatial.rtl import design_library, emit_circuit
from tailrace.targets.family import PORTABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.types import IntType
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spatial(Block):
    """``circuit`` on words of all its inputs, a word every cycle.

    The lanes of the streams are of ``in_type`` and ``out_type``, which hold all inputs and outputs of the circuit.
    ``cells`` is the folder below ``ip/`` of the modules that the adders are made of: a vendor's, or "portable".

    Raises:
        ValueError: a type is too narrow for the circuit.

    """

    name: ClassVar[str] = "spatial"
    role: ClassVar[Role] = Role.COMPUTES

    circuit: Circuit
    in_type: IntType
    out_type: IntType
    cells: str = PORTABLE
    vectors: int = 1

    def __post_init__(self) -> None:
        inputs = [node for node in self.circuit.nodes if isinstance(node, Input)]
        outputs = [self.circuit.nodes[number] for number in self.circuit.outputs]
        for kind, nodes, what in ((self.in_type, inputs, "inputs"), (self.out_type, outputs, "outputs")):
            low, high = min(node.low for node in nodes), max(node.high for node in nodes)
            if low < kind.min or high > kind.max:
                raise ValueError(f"the {what} {low}..{high} do not fit {kind}")

    @property
    def rows(self) -> int:
        """Values of an output vector."""
        return len(self.circuit.outputs)

    @property
    def cols(self) -> int:
        """Values of an input vector."""
        return self.circuit.lanes

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """One stream of a vector a word."""
        return (Stream(lanes=self.cols, type=self.in_type, words=self.vectors),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """One stream of a vector a word."""
        return (Stream(lanes=self.rows, type=self.out_type, words=self.vectors),)

    @property
    def interval_cycles(self) -> int:
        """One vector per cycle."""
        return self.vectors

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes a word to the edge that can take it from the output."""
        return self.circuit.rank_count

    def schedule(self) -> automata.Schedule:
        """A pipeline that sends a word for every word."""
        return automata.in_a_row(automata.each_word(self.latency_cycles))

    def parameters(self) -> Mapping[str, int]:
        """The parameters of the C++ struct; the Verilog has none."""
        return {
            "COLS": self.cols,
            "ROWS": self.rows,
            "IN_BITS": self.in_type.bits,
            "OUT_BITS": self.out_type.bits,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no memories: the weights are in the adders."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * cols) to (frames, vectors * rows)."""
        found = evaluate(self.circuit, frames.reshape(len(frames) * self.vectors, self.cols))
        return found.reshape(len(frames), self.vectors * self.rows)

    @property
    def product(self) -> Product:
        """The matrix product, all of it in every cycle; of a chain of layers, from first to last."""
        return Product(
            engine="spatial", rows=self.rows, cols=self.cols, pe=self.rows, simd=self.cols, weight_bits=None
        )

    def features(self) -> dict[str, float]:
        """What the protocol says, and the size of the circuit, which the parameters do not tell."""
        nodes = self.circuit.nodes
        sums = [node for node in nodes if isinstance(node, Sum) and not node.is_wire]
        return {
            **Block.features(self),
            "sums": float(len(sums)),
            "terms": float(sum(len(node.terms) for node in sums)),
            "tails": float(sum(isinstance(node, (Requantize, Levels)) for node in nodes)),
            "tables": float(sum(isinstance(node, Lookup) for node in nodes)),
            "register_bits": float(self.circuit.register_bits()),
        }

    def cost(self, family: Family) -> Resources:
        """Count the LUTs of every node and the registers between the ranks."""
        circuit = self.circuit
        sums = [n for n, node in enumerate(circuit.nodes) if isinstance(node, Sum) and not node.is_wire]
        return Resources(
            lut=luts(circuit, family),
            ff=circuit.register_bits() + circuit.rank_count,
            carry=sum(carry_cells(family, node_luts(circuit, n, family)) for n in sums),
        )

    def verilog_library(self) -> dict[str, str]:
        """The adders and clips of a rank, for the cells that the block is made of."""
        return design_library(self.cells)

    def verilog_modules(self, module: str) -> dict[str, str]:
        """A module for every rank, and the one with the registers around them."""
        return emit_circuit(self.circuit, module, (self.in_type, self.out_type))

    def hls_functions(self, instance: str) -> tuple[HlsFunction, ...]:
        """``compute``, from a word of inputs to a word of outputs."""
        return (
            HlsFunction(
                name="compute",
                declaration="void compute(const ap_uint<COLS * IN_BITS> &x, ap_uint<ROWS * OUT_BITS> &y)",
                definition=emit_compute(self.circuit, instance, signed=self.in_type.signed),
            ),
        )
