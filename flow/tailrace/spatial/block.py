# SPDX-License-Identifier: Apache-2.0
"""Spatial: a layer with constant weights, all of it side by side: adders and tails instead of multipliers.

Its Verilog and C++ are written for the layer (``emit/spatial.py``, ``emit/spatial_hls.py``); docs/spatial.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks.base import Integers, Memory, Stream
from tailrace.blocks.lanes import carry_cells
from tailrace.core.resources import Resources
from tailrace.spatial.circuit import Circuit, Input, Sum, evaluate
from tailrace.spatial.cost import luts, node_luts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.types import IntType


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spatial:
    """``circuit`` on words of all its inputs, a word every cycle.

    The lanes of the streams are of ``in_type`` and ``out_type``, which hold all inputs and outputs of the circuit.
    ``cells`` is the family whose cells the adders are made of, or "portable".

    Raises:
        ValueError: a type is too narrow for the circuit.

    """

    name: ClassVar[str] = "spatial"

    circuit: Circuit
    in_type: IntType
    out_type: IntType
    cells: str = "portable"
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
        return self.circuit.stage_count

    def parameters(self) -> Mapping[str, int]:
        """The parameters of the C++ struct; the Verilog has none."""
        return {
            "COLS": self.cols,
            "ROWS": self.rows,
            "IN_BITS": self.in_type.bits,
            "OUT_BITS": self.out_type.bits,
        }

    def memories(self) -> tuple[Memory, ...]:
        """None: the weights are in the adders."""
        return ()

    def evaluate(self, frames: Integers) -> Integers:
        """(frames, vectors * cols) to (frames, vectors * rows)."""
        found = evaluate(self.circuit, frames.reshape(len(frames) * self.vectors, self.cols))
        return found.reshape(len(frames), self.vectors * self.rows)

    def cost(self, family: str) -> Resources:
        """Count the LUTs of every node and the registers between the stages."""
        circuit = self.circuit
        sums = [n for n, node in enumerate(circuit.nodes) if isinstance(node, Sum) and not node.is_wire]
        return Resources(
            lut=luts(circuit, family),
            ff=circuit.register_bits() + circuit.stage_count,
            carry=sum(carry_cells(family, node_luts(circuit, n, family)) for n in sums),
        )
