# SPDX-License-Identifier: Apache-2.0
"""The circuit of the spatial engine: sums of shifted values and the tails between them, one node a value.

A circuit computes one vector a cycle. Its nodes stand in topological order; every node knows the exact range of its
value. Products may follow each other inside one circuit, so that the cuts of the pipeline fall where they are cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Iterator

Integers = NDArray[np.int64]

MAX_BITS = 62
"""Wider values would not fit the 64-bit evaluation."""


def _check_shift(shift: int) -> None:
    if not 0 <= shift <= MAX_BITS:
        raise ValueError(f"a value cannot be shifted by {shift}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """``value of node * 2**shift``, subtracted where ``negative``."""

    node: int
    shift: int = 0
    negative: bool = False

    def __post_init__(self) -> None:
        _check_shift(self.shift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Lane ``lane`` of the input word, ``low`` to ``high``."""

    lane: int
    low: int
    high: int

    @property
    def sources(self) -> tuple[int, ...]:
        """No node is read."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """``sum of terms + constant``; up to three terms are one adder of a part with three-input carry logic.

    Terms and the constant together are at most three operands, of which at most two are negative. One positive term
    alone is wiring; no term is a constant.
    """

    terms: tuple[Term, ...]
    constant: int
    low: int
    high: int

    def __post_init__(self) -> None:
        if len(self.terms) + (self.constant != 0) > 3:
            raise ValueError(f"an adder has three operands, got {len(self.terms)} terms and {self.constant}")
        if sum(term.negative for term in self.terms) > 2:
            raise ValueError("an adder subtracts at most two operands")

    @property
    def sources(self) -> tuple[int, ...]:
        """The nodes read."""
        return tuple(term.node for term in self.terms)

    @property
    def is_wire(self) -> bool:
        """Whether no adder is needed."""
        return not self.terms or (len(self.terms) == 1 and not self.terms[0].negative and not self.constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantize:
    """``y = clip(floor(x / 2**shift), low, high)``; the constant that makes the rounding is part of the source.

    With ``ties_even`` the source is ``value + 2**(shift - 1)``, and where its ``shift`` lower bits are all 0 (a tie)
    the lowest bit of the quotient is cleared: round half to even without an adder.
    """

    source: int
    shift: int
    ties_even: bool
    low: int
    high: int

    def __post_init__(self) -> None:
        _check_shift(self.shift)

    @property
    def sources(self) -> tuple[int, ...]:
        """The node read."""
        return (self.source,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """``y = base + number of thresholds <= x``, minus that number where ``falling``; thresholds ascend."""

    source: int
    thresholds: tuple[int, ...]
    base: int
    falling: bool
    low: int
    high: int

    def __post_init__(self) -> None:
        if any(a > b for a, b in pairwise(self.thresholds)):
            raise ValueError("thresholds must ascend")

    @property
    def sources(self) -> tuple[int, ...]:
        """The node read."""
        return (self.source,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """``y = values[address]``: the low bits of all sources, the first source lowest, each in the bits of its type.

    ``values`` has one entry per address; None where no reachable input leads.
    """

    sources: tuple[int, ...]
    values: tuple[int | None, ...]
    low: int
    high: int


Node = Input | Sum | Requantize | Levels | Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Nodes in topological order, the inputs first; ``outputs`` are the nodes that leave, lane by lane.

    ``products[i]`` names the product of node i ("" for inputs). ``ranks[i]`` is the rank that computes it, 0 for
    inputs and the first rank; a node reads nodes of its own or earlier ranks. There are ``rank_count`` ranks of
    registers: behind every rank whatever a later rank, or the output, reads.
    """

    nodes: tuple[Node, ...]
    products: tuple[str, ...]
    ranks: tuple[int, ...]
    rank_count: int
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.nodes) == len(self.products) == len(self.ranks):
            raise ValueError("each node needs a product and a rank")
        inputs = True
        for number, node in enumerate(self.nodes):
            inputs = inputs and isinstance(node, Input)
            if isinstance(node, Input) and (not inputs or node.lane != number):
                raise ValueError("the inputs come first, lane by lane")
            if any(source >= number for source in node.sources):
                raise ValueError(f"node {number} reads a later one")
            if any(self.ranks[source] > self.ranks[number] for source in node.sources):
                raise ValueError(f"node {number} reads a node of a later rank")
            if self.type_of(number).bits > MAX_BITS:
                raise ValueError(f"node {number} needs more than {MAX_BITS} bits")
        if not all(0 <= rank < self.rank_count for rank in self.ranks):
            raise ValueError(f"ranks are 0 to {self.rank_count - 1}")

    @property
    def lanes(self) -> int:
        """The number of inputs."""
        return sum(isinstance(node, Input) for node in self.nodes)

    def type_of(self, number: int) -> IntType:
        """Return the smallest type that holds the range of a node."""
        node = self.nodes[number]
        return IntType.containing(node.low, node.high)

    def word_type(self, numbers: Iterator[int] | tuple[int, ...]) -> IntType:
        """Return the type of the lanes of a stream that carries these nodes."""
        chosen = [self.nodes[number] for number in numbers]
        return IntType.containing(min(n.low for n in chosen), max(n.high for n in chosen))

    def last_use(self) -> list[int]:
        """Return for each node the last rank that reads it: ``rank_count`` where it is an output, -1 for none."""
        last = [-1] * len(self.nodes)
        for number, node in enumerate(self.nodes):
            for source in node.sources:
                last[source] = max(last[source], self.ranks[number])
        for number in self.outputs:
            last[number] = self.rank_count
        return last

    def register_bits(self) -> int:
        """Return the number of data registers of all ranks."""
        return sum(
            self.type_of(number).bits * max(0, last - self.ranks[number])
            for number, last in enumerate(self.last_use())
            if not is_constant(self.nodes[number])
        )


def is_constant(node: Node) -> bool:
    """Say whether a node has one value only."""
    return node.low == node.high and not isinstance(node, Input)


def evaluate(circuit: Circuit, inputs: Integers) -> Integers:
    """Return the outputs (frames, outputs) of ``inputs`` (frames, lanes), int64; every value is held to its range.

    Raises:
        ValueError: an input is outside its range, or a node leaves the range that it claims.

    """
    if inputs.ndim != 2 or inputs.shape[1] != circuit.lanes:
        raise ValueError(f"expected (frames, {circuit.lanes}) inputs, got {inputs.shape}")
    values: list[Integers] = []
    for number, node in enumerate(circuit.nodes):
        value = _value(circuit, node, values, inputs)
        if len(value) and (int(value.min()) < node.low or int(value.max()) > node.high):
            raise ValueError(
                f"node {number}: {value.min()}..{value.max()} is outside {node.low}..{node.high}"
            )
        values.append(value)
    return np.stack([values[number] for number in circuit.outputs], axis=1)


def _value(circuit: Circuit, node: Node, values: list[Integers], inputs: Integers) -> Integers:
    match node:
        case Input():
            return inputs[:, node.lane].astype(np.int64)
        case Sum():
            total = np.full(len(inputs), node.constant, np.int64)
            for term in node.terms:
                shifted = values[term.node] << term.shift
                total = total - shifted if term.negative else total + shifted
            return total
        case Requantize():
            x = values[node.source]
            quotient = x >> node.shift
            if node.ties_even:
                tie = (x & ((1 << node.shift) - 1)) == 0
                quotient = np.where(tie, quotient & -2, quotient)
            return np.asarray(np.clip(quotient, node.low, node.high), np.int64)
        case Levels():
            count = np.searchsorted(np.array(node.thresholds, np.int64), values[node.source], side="right")
            return node.base - count if node.falling else node.base + count
        case Lookup():
            address = np.zeros(len(inputs), np.int64)
            offset = 0
            for source in node.sources:
                bits = circuit.type_of(source).bits
                address |= (values[source] & ((1 << bits) - 1)) << offset
                offset += bits
            table = np.array([node.low - 1 if value is None else value for value in node.values], np.int64)
            return np.asarray(table[address])
