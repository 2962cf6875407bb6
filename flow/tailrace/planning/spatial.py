# SPDX-License-Identifier: Apache-2.0
"""Which matrix products are adders side by side instead of folded, and the circuits of these."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.graph import Dense, Graph, Map
from tailrace.graph.passes.exact.absorb_bias import is_binary
from tailrace.planning.requantize import price, requantizer
from tailrace.spatial.block import Spatial
from tailrace.spatial.build import (
    SPATIAL,
    BiasRule,
    ConstantProduct,
    ShiftRule,
    TailRule,
    Uncut,
    products_of,
    search,
)
from tailrace.spatial.pipeline import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Block
    from tailrace.graph import Node, Tensor
    from tailrace.spatial.circuit import Circuit
    from tailrace.targets.family import Family
    from tailrace.targets.parts import Part

ENGINES = ("auto", "folded", "spatial")

MOST_FOLDS = 10
"""A layer that may take more cycles is folded without asking: its multipliers are then a fraction of its adders."""

MOST_FOLDS_SMALL = 4
"""The same for a layer of fewer than ..."""
SMALL_WEIGHTS = 128
"""... so many weights, whose few multipliers cost little however they are folded."""

MOST_WEIGHTS = 20_000
"""Without being asked for, larger layers are not tried: the search takes a minute or more."""

LUTS_PER_BIT = 0.1
"""LUTs for each bit of each weight that is not 0 and of what it is multiplied with, of which no circuit takes less
(those of public networks take 0.12 to 0.9): where a part has not even these, the search for a circuit is spared."""

PERIOD_USED = 0.8
"""Of a clock period, by the delays of spatial/pipeline.py; the rest is for what these do not know."""

_SEARCHED: dict[bytes, Uncut] = {}
"""What was searched in this process: plans are laid out several times."""


def rank_ns(clock_mhz: float) -> float:
    """Return how long a rank may be, by estimate."""
    return PERIOD_USED * 1e3 / clock_mhz


def wanted_engines(graph: Graph, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return {matrix product: engine} of what is asked for by name ("*" for all); "auto" for the rest.

    Raises MappingError where there is no such layer, or no such engine.
    """
    for name, engine in wanted.items():
        if engine not in ENGINES:
            raise MappingError(
                f"there is no engine {engine!r}", where=name, hint=f"use one of {', '.join(ENGINES)}"
            )
    return {
        node.name: wanted.get(node.name, wanted.get("*", "auto"))
        for node in graph.nodes
        if isinstance(node, Dense)
    }


def chain(graph: Graph, dense: Dense, requantizers: Mapping[str, str]) -> tuple[Node, ...]:
    """Return the matrix product with the bias and the maps behind it that nobody else reads.

    ``requantizers`` are those that are asked for by name: such a map has a block of its own.
    """
    found: list[Node] = [dense]
    tail = False
    while found[-1].output not in graph.leaving:
        readers = graph.consumers(found[-1].output)
        if len(readers) != 1:
            break
        rule = SPATIAL[type(readers[0])]
        if isinstance(rule, (BiasRule, ShiftRule)) and tail:
            break
        if not isinstance(rule, (BiasRule, ShiftRule, TailRule)):
            break
        if isinstance(rule, ShiftRule) and rule.shift(readers[0]) is None:
            break
        if requantizers.get(readers[0].name, "auto") != "auto":
            break
        found.append(readers[0])
        tail = tail or isinstance(rule, TailRule)
    return tuple(found)


def searched(nodes: tuple[Node, ...], tensor: Tensor, family: Family) -> tuple[tuple[Node, ...], Uncut]:
    """Return the circuit of a chain of nodes that reads ``tensor``, and which of them it computes.

    A map that the engine cannot compute is left to a block of its own, and all behind it.
    """
    while True:
        try:
            return nodes, _search(products_of(nodes), tensor, family)
        except MappingError:
            if not isinstance(SPATIAL[type(nodes[-1])], TailRule):
                raise
            nodes = nodes[:-1]


def _search(products: tuple[ConstantProduct, ...], tensor: Tensor, family: Family) -> Uncut:
    key = _key(products, tensor, family)
    if key not in _SEARCHED:
        _SEARCHED[key] = search(products, tensor.low, tensor.high, family=family)
    return _SEARCHED[key]


def _key(products: tuple[ConstantProduct, ...], tensor: Tensor, family: Family) -> bytes:
    whole = hashlib.sha256(f"{family.adds_three}".encode())
    arrays = [tensor.low, tensor.high]
    for product in products:
        whole.update(product.name.encode())
        arrays += [product.weights, product.bias]
        if product.steps is not None:
            arrays += [product.steps.breaks, product.steps.values]
    for array in arrays:
        whole.update(f"{array.shape}".encode())
        whole.update(np.ascontiguousarray(array, np.int64).tobytes())
    return whole.digest()


@dataclass(frozen=True, slots=True)
class Choice:
    """Chooses between both engines, for ``part``; ``requantizers`` are those that are asked for, by name."""

    graph: Graph
    part: Part
    requantizers: Mapping[str, str]

    def is_cheaper(self, dense: Dense, folding: Mapping[str, int], interval: int) -> bool:
        """Whether the layer side by side costs less than folded like this."""
        rows, cols = dense.weights.shape
        tensor = self.graph.tensors[dense.input]
        folds = rows * cols // (folding["pe"] * folding["simd"])
        most = MOST_FOLDS_SMALL if dense.weights.size < SMALL_WEIGHTS else MOST_FOLDS
        if folds > most or dense.weights.size > MOST_WEIGHTS or tensor.vectors > interval:
            return False
        bits = IntType.containing(int(dense.weights.min()), int(dense.weights.max())).bits + tensor.type.bits
        if self.part.lut and LUTS_PER_BIT * bits * np.count_nonzero(dense.weights) > self.part.lut:
            return False
        try:
            nodes, found = searched(chain(self.graph, dense, self.requantizers), tensor, self.part.estimator)
            circuit = cut_circuit(found, self.part, None)
        except (MappingError, ValueError):  # beyond what the engine can do
            return False
        block = spatial_block(self.graph, nodes, circuit, self.part)
        return price(block.cost(self.part.estimator)) < self._folded_price(nodes, folding)

    def _folded_price(self, nodes: tuple[Node, ...], folding: Mapping[str, int]) -> float:
        """Return the price of the blocks that would compute ``nodes`` folded."""
        dense = nodes[0]
        assert isinstance(dense, Dense)  # noqa: S101 - see chain
        graph, family = self.graph, self.part.estimator
        tensor, out = graph.tensors[dense.input], graph.tensors[dense.output]
        whole = folding["pe"] * folding["simd"] == dense.weights.size
        style = "registers" if whole else "distributed"
        pe, simd = folding["pe"], folding["simd"]
        if is_binary(graph, dense):
            block: Block = DenseBinary(
                weights=dense.weights,
                pe=pe,
                simd=simd,
                out_type=out.type,
                style=style,
                vectors=tensor.vectors,
            )
        else:
            block = DenseFolded(
                weights=dense.weights,
                pe=pe,
                simd=simd,
                in_type=tensor.type,
                out_type=out.type,
                style=style,
                vectors=tensor.vectors,
            )
        total = price(block.cost(family))
        for node in nodes[1:]:
            rule = SPATIAL[type(node)]
            if isinstance(rule, TailRule):
                before, behind = graph.tensors[node.inputs[0]], graph.tensors[node.output]
                steps = rule.steps(node)
                tail = requantizer(
                    Map(name=node.name, input=before.name, output=behind.name, steps=steps),
                    before,
                    behind,
                    min(folding["pe"], before.channels),
                    family=family,
                )
                total += price(tail.cost(family))
        return total


def cut_circuit(found: Uncut, part: Part, most_ns: float | None) -> Circuit:
    """Return the circuit in as few ranks as ``most_ns`` each allows, or in one."""
    return cut(found.builder, found.outputs, family=part.estimator, ranks=None, rank_ns=most_ns)


def spatial_block(graph: Graph, nodes: tuple[Node, ...], circuit: Circuit, part: Part) -> Spatial:
    """Return the block of a circuit that computes ``nodes``."""
    tensor = graph.tensors[nodes[0].inputs[0]]
    return Spatial(
        circuit=circuit,
        in_type=tensor.type,
        out_type=graph.tensors[nodes[-1].output].type,
        cells=part.family.primitives,
        vectors=tensor.vectors,
    )
