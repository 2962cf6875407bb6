# SPDX-License-Identifier: Apache-2.0
"""From rows of terms to adders: each row becomes a tree of two- or three-input sums with exact ranges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tailrace.spatial import summing
from tailrace.spatial.circuit import Node, Sum, Term
from tailrace.spatial.share import Rows, order

Integers = NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Builder:
    """Collects the nodes of a circuit, the product of each, and its number of adder levels."""

    nodes: list[Node] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)

    def add(self, node: Node, *, product: str, level: int) -> int:
        """Append a node and return its number."""
        self.nodes.append(node)
        self.products.append(product)
        self.levels.append(level)
        return len(self.nodes) - 1


@dataclass(frozen=True, slots=True)
class _Operand:
    """A value of the tree: ``sign * (node << shift)``, or a constant (``node`` -1)."""

    node: int
    shift: int
    sign: int
    constant: int = 0


class _Trees:
    """The adders of one product; ``weights[node]`` are the coefficients of a node over the inputs of the product."""

    def __init__(
        self,
        builder: Builder,
        sources: tuple[int, ...],
        rows: Rows,
        *,
        product: str,
        ternary: bool,
        depth_first: int,
    ) -> None:
        self.builder, self.product = builder, product
        self.ternary, self.depth_first = ternary, depth_first
        self.low = np.array([builder.nodes[source].low for source in sources], np.int64)
        self.high = np.array([builder.nodes[source].high for source in sources], np.int64)
        unit = np.eye(len(sources), dtype=np.int64)
        self.weights: dict[int, Integers] = {}
        self.offset: dict[int, int] = {}
        for place, source in enumerate(sources):
            self.weights[source] = self.weights.get(source, np.zeros(len(sources), np.int64)) + unit[place]
            self.offset[source] = 0
        self.node_of = dict(enumerate(sources))
        self.inputs = rows.inputs

    def sum(self, operands: list[_Operand]) -> int:
        """Add a Sum of up to three operands; its range is exact."""
        weights = np.zeros(len(self.low), np.int64)
        constant = 0
        offset = 0
        terms = []
        for operand in operands:
            if operand.node < 0:
                constant += operand.sign * (operand.constant << operand.shift)
                continue
            terms.append(Term(node=operand.node, shift=operand.shift, negative=operand.sign < 0))
            weights += operand.sign * (self.weights[operand.node] << operand.shift)
            offset += operand.sign * (self.offset[operand.node] << operand.shift)
        offset += constant
        up, down = np.maximum(weights, 0), np.minimum(weights, 0)
        node = Sum(
            terms=tuple(terms),
            constant=constant,
            low=int(up @ self.low + down @ self.high) + offset,
            high=int(up @ self.high + down @ self.low) + offset,
        )
        level = max((self.builder.levels[term.node] for term in terms), default=0) + (not node.is_wire)
        number = self.builder.add(node, product=self.product, level=level)
        self.weights[number], self.offset[number] = weights, offset
        return number

    def row(self, terms: tuple[tuple[int, int, int], ...], constant: int) -> int:
        """Return the node of a row: its terms, by the numbers of the rows, and a constant."""
        operands = [_Operand(self.node_of[node], shift, sign) for node, shift, sign in terms]
        if constant or not operands:
            zeros = (constant & -constant).bit_length() - 1 if constant else 0
            operands.append(_Operand(-1, zeros, 1, constant >> zeros))
        if len(operands) == 1:
            only = operands[0]
            return only.node if only.node >= 0 and only.shift == 0 and only.sign > 0 else self.sum(operands)
        return self.tree(operands)

    def tree(self, operands: list[_Operand]) -> int:
        count = len(operands)
        arrays = [np.zeros(2 * count + 2, np.int64) for _ in range(5)]
        nodes = self.builder.nodes
        for place, operand in enumerate(operands):
            low, high = (
                (nodes[operand.node].low, nodes[operand.node].high)
                if operand.node >= 0
                else (operand.constant, operand.constant)
            )
            level = self.builder.levels[operand.node] if operand.node >= 0 else 0
            for array, value in zip(arrays, (operand.shift, operand.sign, low, high, level), strict=True):
                array[place] = value
        plan = np.zeros((count + 1, 4), np.int64)
        tree: Any = summing.tree
        _, _, adders = tree(*arrays, count, self.ternary, self.depth_first, True, plan)  # noqa: FBT003
        values = list(operands)
        for step in range(int(adders)):
            chosen = [values[int(place)] for place in plan[step, :3] if place >= 0]
            flip = int(plan[step, 3])
            last = step == adders - 1
            base = 0 if last else min(operand.shift for operand in chosen)
            number = self.sum([_Operand(o.node, o.shift - base, o.sign * flip, o.constant) for o in chosen])
            values.append(_Operand(number, base, flip))
        return values[-1].node


def add_rows(
    builder: Builder,
    sources: tuple[int, ...],
    rows: Rows,
    constants: Integers,
    *,
    product: str,
    ternary: bool,
    depth_first: int = 64,
) -> list[int]:
    """Add the adders of ``rows`` over the nodes ``sources``; return the node of each output, its constant added."""
    trees = _Trees(builder, sources, rows, product=product, ternary=ternary, depth_first=depth_first)
    for row in order(rows):
        constant = int(constants[row]) if row < rows.outputs else 0
        trees.node_of[rows.inputs + row] = trees.row(rows.rows[row], constant)
    return [trees.node_of[rows.inputs + row] for row in range(rows.outputs)]
