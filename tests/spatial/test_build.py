# SPDX-License-Identifier: Apache-2.0
"""Circuits equal the layers that they were made of, and the same layers give the same circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.core.errors import MappingError
from tailrace.core.steps import Steps
from tailrace.graph import ArgMax
from tailrace.spatial.build import ConstantProduct, build, chained, products_of
from tailrace.spatial.circuit import Circuit, Lookup, evaluate
from tailrace.spatial.cost import luts
from tailrace.spatial.share import Effort, expand, share
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from tailrace.targets.family import Family

XCUP, ECP5 = FAMILIES["xcup"], FAMILIES["ecp5"]
QUICK = Effort(rounds=3)


def half_even(shift: int, top: int, *, low: int = 0) -> Steps:
    """``clip(round half to even(x / 2**shift), low, top)``."""
    x = np.arange((low - 2) << shift, (top + 2) << shift)
    y = np.clip(np.rint(x / (1 << shift)).astype(np.int64), low, top)
    change = np.flatnonzero(np.diff(y)) + 1
    return Steps(x[change][None], np.concatenate([y[:1], y[change]])[None])


def golden(layers: tuple[ConstantProduct, ...], x: np.ndarray) -> np.ndarray:
    for layer in layers:
        x = x @ layer.weights.T + layer.bias
        if layer.steps is not None:
            x = layer.steps(x)
    return x


def random_layer(
    rng: np.random.Generator, shape: tuple[int, int], bits: int, steps: Steps | None = None
) -> ConstantProduct:
    weights = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape)
    return ConstantProduct(name="layer", weights=weights, bias=rng.integers(-50, 50, shape[0]), steps=steps)


def check(
    layers: tuple[ConstantProduct, ...],
    low: np.ndarray,
    high: np.ndarray,
    rng: np.random.Generator,
    **options: object,
) -> Circuit:
    made = build(layers, low, high, effort=QUICK, **options)
    x = rng.integers(low, high + 1, (500, len(low)))
    x[0], x[1] = low, high
    assert np.array_equal(golden(layers, x), evaluate(made, x))
    return made


@pytest.mark.parametrize("family", [XCUP, ECP5], ids=str)
@pytest.mark.parametrize(
    ("rows", "cols", "bits", "signed"),
    [
        (1, 1, 1, True),
        (3, 7, 2, False),
        (16, 16, 4, True),
        (5, 33, 8, True),
        (9, 2, 6, False),
        (12, 20, 1, True),
    ],
)
def test_a_random_matrix_is_computed_exactly(  # noqa: PLR0917 - pytest passes them by name
    family: Family, rows: int, cols: int, bits: int, signed: bool, rng: np.random.Generator
) -> None:
    low = np.full(cols, -8 if signed else 0)
    check((random_layer(rng, (rows, cols), bits),), low, np.full(cols, 7), rng, family=family, ranks=2)


@pytest.mark.parametrize("family", [XCUP, ECP5], ids=str)
@pytest.mark.parametrize(
    "weights",
    [
        [[0, 0], [0, 0]],
        [[1, 0], [0, 1]],
        [[-1, 0], [0, -4]],
        [[-1, -2], [-3, -1]],
        [[2, 4], [6, 2]],
        [[5, 5], [5, 5], [-5, -5]],
        [[-7, 0], [7, 0], [14, 1]],
    ],
)
@pytest.mark.parametrize("bias", [0, 6, -5])
def test_odd_matrices(family: Family, weights: list[list[int]], bias: int, rng: np.random.Generator) -> None:
    layer = ConstantProduct(name="odd", weights=np.array(weights), bias=np.full(len(weights), bias))
    check((layer,), np.array([-3, 0]), np.array([4, 9]), rng, family=family)


def test_inputs_of_one_value_are_constants(rng: np.random.Generator) -> None:
    layer = random_layer(rng, (4, 3), 4)
    check((layer,), np.array([-3, 5, 0]), np.array([4, 5, 0]), rng, family=XCUP, ranks=2)


@pytest.mark.parametrize("family", [XCUP, ECP5], ids=str)
@pytest.mark.parametrize(
    "steps",
    [
        half_even(3, 15),
        half_even(0, 7),
        half_even(2, 7, low=-8),
        half_even(2, 11, low=-3),
        Steps(np.array([[4]]), np.array([[-1, 1]])),
        Steps(np.array([[4]]), np.array([[1, 0]])),
        Steps(np.array([[-20, 3]]), np.array([[0, 1, 2]])),
        Steps(np.array([[-20, 3, 9]]), np.array([[3, 2, 1, 0]])),
        Steps(np.array([[-20, 3, 9]]), np.array([[0, 2, 1, 7]])),
        Steps(np.array([[100_000]]), np.array([[3, 4]])),
    ],
    ids=[
        "unsigned",
        "no shift",
        "signed",
        "odd ends",
        "sign",
        "falling",
        "two",
        "falling 3",
        "table",
        "constant",
    ],
)
def test_every_tail_is_computed_exactly(family: Family, steps: Steps, rng: np.random.Generator) -> None:
    layers = (random_layer(rng, (6, 8), 4, steps), random_layer(rng, (3, 6), 4))
    check(layers, np.full(8, -4), np.full(8, 3), rng, family=family, ranks=3)


@pytest.mark.parametrize("ranks", [1, 2, 5, 40])
def test_any_number_of_ranks(ranks: int, rng: np.random.Generator) -> None:
    layers = (random_layer(rng, (8, 8), 4, half_even(3, 15)), random_layer(rng, (4, 8), 4))
    made = check(layers, np.full(8, 0), np.full(8, 15), rng, family=XCUP, ranks=ranks)
    assert made.rank_count == ranks


def test_a_shorter_period_takes_more_ranks(rng: np.random.Generator) -> None:
    layer = random_layer(rng, (8, 16), 6)
    counts = [
        check((layer,), np.full(16, 0), np.full(16, 15), rng, family=XCUP, rank_ns=ns).rank_count
        for ns in (100.0, 1.6, 0.1)
    ]
    assert counts[0] == 1
    assert counts[0] < counts[1] < counts[2]


def test_the_same_layers_give_the_same_circuit(rng: np.random.Generator) -> None:
    layers = (random_layer(rng, (16, 16), 5, half_even(4, 15)),)
    low, high = np.full(16, -8), np.full(16, 7)
    first, second = (build(layers, low, high, family=XCUP, ranks=2) for _ in range(2))
    assert first == second


def test_sharing_saves_luts(rng: np.random.Generator) -> None:
    """A matrix of equal rows costs one row; a random one less than its digits alone."""
    row = rng.integers(-8, 8, (1, 16))
    layer = ConstantProduct(name="equal", weights=np.repeat(row, 5, axis=0), bias=np.zeros(5, np.int64))
    single = ConstantProduct(name="single", weights=row, bias=np.zeros(1, np.int64))
    low, high = np.full(16, 0), np.full(16, 15)
    five, one = (build((made,), low, high, family=ECP5, effort=QUICK) for made in (layer, single))
    assert luts(five, ECP5) == luts(one, ECP5)


def test_the_rows_of_the_search_expand_to_the_matrix(rng: np.random.Generator) -> None:
    weights = rng.integers(-128, 128, (20, 30))
    rows = share(
        weights, np.full(30, -8), np.full(30, 7), np.zeros(20, np.int64), ternary=True, effort=QUICK, seed=3
    )
    assert np.array_equal(weights, expand(rows))


def test_the_jet_tagger_equals_its_graph(shared_models, rng: np.random.Generator) -> None:
    graph = tr.load(shared_models / "qkeras_jettagging.onnx", "fixed<8,4>")
    tensor = graph.tensors[graph.input]
    made = build(products_of(graph.nodes), tensor.low, tensor.high, family=XCUP, ranks=6, effort=QUICK)
    x = rng.integers(tensor.low, tensor.high + 1, (2000, 16))
    assert np.array_equal(graph.predict_int(x), evaluate(made, x))


def test_other_nodes_are_refused() -> None:
    with pytest.raises(MappingError, match="cannot compute a ArgMax here"):
        products_of([ArgMax(name="best", input="a", output="b")])


def test_maps_in_a_row_are_one_tail() -> None:
    first, second = half_even(3, 15), Steps(np.array([[2, 7]]), np.array([[0, 3, 1]]))
    x = np.arange(-200, 200)
    assert np.array_equal(second(first(x)), chained(first, second)(x))


@pytest.mark.parametrize("family", [XCUP, ECP5], ids=str)
def test_a_neuron_of_few_bits_is_a_table(family: Family, rng: np.random.Generator) -> None:
    """Sparse layers of 2-bit inputs, three a neuron: six address bits, one LUT6 for each output bit."""
    weights = np.zeros((20, 12), np.int64)
    for row in weights:
        row[rng.choice(12, 3, replace=False)] = rng.choice([-7, -5, -3, 3, 5, 7], 3)
    layer = ConstantProduct(
        name="sparse", weights=weights, bias=rng.integers(-9, 9, 20), steps=half_even(3, 3)
    )
    made = check((layer,), np.zeros(12, np.int64), np.full(12, 3), rng, family=family)
    tables = [node for node in made.nodes if isinstance(node, Lookup)]
    if family.adds_three:
        assert len(tables) == 20
        assert luts(made, family) <= 40


def test_a_dense_layer_has_no_tables(rng: np.random.Generator) -> None:
    made = check((random_layer(rng, (8, 16), 4),), np.full(16, -8), np.full(16, 7), rng, family=XCUP)
    assert not any(isinstance(node, Lookup) for node in made.nodes)


def test_a_matrix_with_too_many_pairs_is_searched_in_parts(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr("tailrace.spatial.share.PAIRS_AT_MOST", 500)
    layer = random_layer(rng, (10, 30), 4, half_even(4, 7))
    layer.weights[4] = 2 * layer.weights[1]
    layer.weights[7] = layer.weights[1]
    check((layer,), np.full(30, -8), np.full(30, 7), rng, family=XCUP, ranks=3)


def test_longer_ranks_save_registers(rng: np.random.Generator) -> None:
    layers = (random_layer(rng, (12, 16), 6, half_even(5, 15)), random_layer(rng, (3, 12), 4))
    low, high = np.full(16, 0), np.full(16, 15)
    tight = check(layers, low, high, rng, family=ECP5, ranks=2)
    loose = check(layers, low, high, rng, family=ECP5, ranks=2, rank_ns=50.0)
    assert loose.rank_count == tight.rank_count
    assert loose.register_bits() < tight.register_bits()
