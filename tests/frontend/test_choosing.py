# SPDX-License-Identifier: Apache-2.0
"""What only moves: Gather, Slice, Tile, Expand, padding by the image itself, broadcasting, and tables looked up."""

from __future__ import annotations

import numpy as np
import pytest
import tailrace as tr
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_networks import moving_network
from networks import Builder, Generated, check
from onnx import TensorProto
from tailrace.frontend import UnsupportedError
from tailrace.graph import Concat, Map, Permute, Upsample
from tailrace.verify.vectors import random_inputs


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_random_chain_of_movements_moves_as_its_software_does(seed, tmp_path_factory):
    check(moving_network(seed), tmp_path_factory.mktemp("network"))


@pytest.mark.parametrize("seed", [118])
def test_a_chain_that_was_once_wrong_is_right(seed, tmp_path):
    check(moving_network(seed), tmp_path)


def dense(build: Builder, x: str, cols: int, rows: int = 3) -> str:
    weights = build.quant(build.constant(build.rng.normal(0, 1, (cols, rows))), bits=4)
    return build.quant(build.node("MatMul", x, weights))


def exact(build: Builder, y: str, shape: tuple[int, ...], folder) -> tr.Graph:
    """Assert the first equality; returns the graph as it was imported."""
    x = np.random.default_rng(1).normal(0, 1.5, (20, *shape)).astype(np.float32)
    check(Generated(build.model(y), None, x), folder)
    return tr.load(build.model(y))


def count(graph: tr.Graph, kind: type) -> int:
    return sum(isinstance(node, kind) for node in graph.nodes)


@pytest.mark.parametrize(
    ("places", "blocks"),
    [
        ([2, 3, 4], (0, 0, 0)),
        ([1, 0], (1, 0, 0)),
        ([1, 1, 1], (0, 0, 1)),
        ([0, 1, 0, 1, 0, 1], (0, 0, 1)),
        ([4, 0, 1, 2, 3], (1, 0, 0)),
        ([1, 0, 1, 2, 3, 4, 3], (0, 2, 0)),
        ([0, 3, 1, 4, 1, 0, 2, 3, 1, 0, 4], (1, 0, 1)),
    ],
)
def test_steps_are_taken_by_as_few_blocks_as_it_needs(places, blocks, tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 5, 4]))
    x = build.node("Gather", x, build.constant(places, np.int64), axis=1)
    graph = exact(build, dense(build, x, 4), (5, 4), tmp_path)
    assert tuple(count(graph, kind) for kind in (Permute, Concat, Upsample)) == blocks


def test_a_gather_of_one_step_drops_the_axis(tmp_path):
    build = Builder()
    steps = dense(build, build.quant(build.input([1, 5, 4])), 4)
    last = build.node("Gather", steps, build.constant(-1, np.int64), axis=1)
    exact(build, dense(build, last, 3, 2), (5, 4), tmp_path)


def test_indices_of_two_axes_make_two_axes(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 6]))
    x = build.node("Gather", x, build.constant([[0, 1, 5], [5, 2, 2]], np.int64), axis=1)
    exact(build, dense(build, x, 3), (6,), tmp_path)


def test_a_slice_goes_backwards(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 5, 4]))
    x = build.node("Slice", x, *(build.constant([v], np.int64) for v in (-1, -99, 1, -2)))
    exact(build, dense(build, x, 4), (5, 4), tmp_path)


@pytest.mark.parametrize("operation", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize(
    ("a", "b"), [((5, 4), (4,)), ((5, 1), (1, 4)), ((5, 4), (5, 1)), ((2, 1, 3), (4, 1)), ((1, 4), (5, 1))]
)
def test_operands_are_repeated_as_numpy_does(operation, a, b, tmp_path):
    build = Builder()
    whole = build.input([1, 60])
    parts = []
    for index, shape in enumerate((a, b)):
        size = int(np.prod(shape))
        part = build.node("Slice", whole, *(build.constant([v], np.int64) for v in (0, size, 1)))
        part = build.node("Reshape", part, build.constant([1, *shape], np.int64))
        parts.append(build.quant(part, scale=0.25 + 0.05 * index))
    y = build.node("Flatten", build.node(operation, *parts))
    size = int(np.prod(np.broadcast_shapes((1, *a), (1, *b))))
    model = Generated(
        build.model(dense(build, y, size)),
        "fixed<8,3>",
        np.random.default_rng(1).normal(0, 1.5, (8, 60)).astype(np.float32),
    )
    check(model, tmp_path)


def test_more_than_one_sample_is_told():
    build = Builder()
    x = build.quant(build.input([1, 4]))
    x = build.node("Expand", x, build.constant([3, 4], np.int64))
    with pytest.raises(UnsupportedError) as caught:
        tr.load(build.model(dense(build, x, 4)))
    (problem,) = caught.value.problems
    assert problem.found == "which elements it takes is not known, or it takes them from more than one sample"


def look_up(table: str | None, build: Builder, indices: list[int], **attributes: int) -> str:
    x = build.input(indices, TensorProto.INT64)
    values = build.constant(build.rng.normal(0, 1, (7, 4)))
    return build.node(
        "Gather", build.quant(values, bits=4) if table == "quantized" else values, x, **attributes
    )


@pytest.mark.parametrize("table", ["quantized", "floats"])
def test_a_table_is_looked_up_in_hardware(table, tmp_path):
    build = Builder()
    x = build.quant(look_up(table, build, [1, 5]))
    model = build.model(dense(build, build.node("Flatten", x), 20))
    graph = tr.load(model)
    assert (graph.tensors[graph.input].low.min(), graph.tensors[graph.input].high.max()) == (0, 6)
    assert random_inputs(graph, 20, seed=2).max() <= 6
    check(Generated(model, None, np.arange(35).reshape(7, 5) % 7), tmp_path)
    assert graph.host.input.steps() == ("q = half_even(x / 1), clipped to 0..7 (uint3)",)


def test_columns_are_looked_up_in_tables_of_their_own(tmp_path):
    build = Builder()
    x = build.input([1, 2], TensorProto.INT32)
    parts = []
    for column, rows in enumerate((5, 5)):
        index = build.node("Gather", x, build.constant(column, np.int64), axis=1)
        table = build.quant(build.constant(build.rng.normal(0, 1, (rows, 3))), bits=4, scale=0.2 + column)
        parts.append(build.quant(build.node("Gather", table, index)))
    model = build.model(dense(build, build.node("Concat", *parts, axis=1), 6))
    graph = tr.load(model)
    check(Generated(model, None, random_inputs(graph, 12, seed=2)), tmp_path)
    assert count(graph, Map) >= 4


def test_a_table_of_columns_is_refused():
    build = Builder()
    with pytest.raises(UnsupportedError) as caught:
        tr.load(build.model(dense(build, build.quant(look_up("quantized", build, [1], axis=1)), 1)))
    assert "row by row" in caught.value.problems[0].found


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_an_image_is_padded_by_itself(mode, tmp_path):
    build = Builder(opset=19)
    x = build.quant(build.input([1, 2, 4, 5]))
    x = build.node("Pad", x, build.constant([0, 0, 2, 1, 0, 0, 1, 3], np.int64), mode=mode)
    weights = build.quant(build.constant(build.rng.normal(0, 1, (3, 2, 3, 3))), bits=3)
    exact(build, build.quant(build.node("Conv", x, weights)), (2, 4, 5), tmp_path)
