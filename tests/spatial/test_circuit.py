# SPDX-License-Identifier: Apache-2.0
"""The data types of the spatial engine: what they compute, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from tailrace.spatial.circuit import Circuit, Input, Levels, Lookup, Requantize, Sum, Term, evaluate


def circuit(*nodes: object, outputs: tuple[int, ...]) -> Circuit:
    return Circuit(
        nodes=nodes, products=("",) * len(nodes), ranks=(0,) * len(nodes), rank_count=1, outputs=outputs
    )


def test_every_kind_of_node_computes_what_it_says() -> None:
    made = circuit(
        Input(lane=0, low=-8, high=7),
        Input(lane=1, low=0, high=3),
        Sum(
            terms=(Term(node=0, shift=1, negative=True), Term(node=1)),
            constant=5,
            low=-14 + 5,
            high=16 + 3 + 5,
        ),
        Requantize(source=2, shift=2, ties_even=True, low=0, high=4),
        Levels(source=2, thresholds=(0, 0, 9), base=1, falling=True, low=-2, high=1),
        Lookup(sources=(1,), values=(3, 1, None, 2), low=1, high=3),
        outputs=(2, 3, 4, 5),
    )
    x = np.array([[-8, 0], [7, 3], [3, 1], [0, 3]])
    sums = [21, -6, 0, 8]
    ties_even = [4, 0, 0, 2]
    levels = [-2, 1, -1, -1]
    assert evaluate(made, x).tolist() == np.array([sums, ties_even, levels, [3, 2, 1, 2]]).T.tolist()


def test_ties_go_to_the_even_neighbour() -> None:
    made = circuit(
        Input(lane=0, low=-40, high=40),
        Sum(terms=(Term(node=0),), constant=4, low=-36, high=44),
        Requantize(source=1, shift=3, ties_even=True, low=-9, high=9),
        outputs=(2,),
    )
    x = np.arange(-40, 41)
    assert evaluate(made, x[:, None])[:, 0].tolist() == np.rint(x / 8).astype(int).tolist()


def test_a_value_outside_its_range_is_found() -> None:
    made = circuit(
        Input(lane=0, low=0, high=1), Sum(terms=(Term(node=0),), constant=1, low=0, high=1), outputs=(1,)
    )
    with pytest.raises(ValueError, match=r"node 1: 2\.\.2 is outside 0\.\.1"):
        evaluate(made, np.array([[1]]))


def test_registers_are_counted_once_per_rank() -> None:
    made = Circuit(
        nodes=(
            Input(lane=0, low=0, high=15),
            Sum(terms=(Term(node=0), Term(node=0, shift=1)), constant=0, low=0, high=45),
            Sum(terms=(Term(node=0), Term(node=1)), constant=0, low=0, high=60),
        ),
        products=("", "a", "a"),
        ranks=(0, 0, 2),
        rank_count=3,
        outputs=(2,),
    )
    assert made.register_bits() == 2 * 4 + 2 * 6 + 6


def test_a_node_that_reads_a_later_one_is_refused() -> None:
    with pytest.raises(ValueError, match="node 0 reads a later one"):
        circuit(
            Sum(terms=(Term(node=1),), constant=0, low=0, high=1), Input(lane=0, low=0, high=1), outputs=(0,)
        )
