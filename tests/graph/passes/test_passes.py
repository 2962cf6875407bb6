# SPDX-License-Identifier: Apache-2.0
"""Each pass leaves a valid graph of the same function, and does what it is for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
import pytest
import tailrace
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, random_network
from tailrace.core.errors import ModelError
from tailrace.graph import Add, Bias, Dense, Map, Reshape
from tailrace.graph.passes import pipeline as passes
from tailrace.graph.passes.exact.absorb_bias import absorb_bias, is_binary
from tailrace.graph.passes.exact.flatten_first import flatten_first
from tailrace.graph.passes.exact.fuse_maps import fuse_maps
from tailrace.graph.passes.exact.merge_bias import merge_bias
from tailrace.graph.passes.exact.split_maps import TABLE_BITS_AT_MOST, split_maps
from tailrace.verify.vectors import random_integers


def load(build: Builder, out: str, folder, input_type: str | None = None):
    onnx.save(build.model(out), folder / "net.onnx")
    return tailrace.load(folder / "net.onnx", input_type)


def assert_same_function(before, after, count: int = 300) -> None:
    q = random_integers(before, count, seed=1).reshape(-1, *before.tensors[before.input].shape)
    assert np.array_equal(before.predict_int(q), after.predict_int(q))
    # The ranges that a pass states hold for all tensors.
    for name, values in after.trace_int(q).items():
        tensor = after.tensors[name]
        assert (values >= tensor.low).all(), name
        assert (values <= tensor.high).all(), name


def dense(build: Builder, x: str, cols: int, rows: int, *, scale: float = 0.25, bits: int = 4) -> str:
    return build.node(
        "MatMul", x, build.quant(build.constant(build.rng.normal(0, 1, (cols, rows))), scale=scale, bits=bits)
    )


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_each_pass_keeps_the_function_of_a_random_network(seed, tmp_path_factory):
    network = random_network(seed)
    folder = tmp_path_factory.mktemp("network")
    onnx.save(network.model, folder / "net.onnx")
    graph = tailrace.load(folder / "net.onnx", network.input_type)
    steps = [graph]
    passes.run(graph, watch=lambda _, after: steps.append(after))
    assert len(steps) == 1 + len(passes.LOWER)
    for before, after in pairwise(steps):
        assert_same_function(before, after, 60)


def test_maps_in_a_row_become_one_and_identities_go(tmp_path):
    build = Builder()
    x = dense(build, build.quant(build.input([1, 3])), 3, 4)
    x = build.quant(build.quant(build.quant(x, bits=6), bits=4), bits=4)
    graph = load(build, dense(build, x, 4, 2), tmp_path, "fixed<6,3>")
    after = fuse_maps(graph)
    assert [type(node) for node in after.nodes].count(Map) < [type(node) for node in graph.nodes].count(Map)
    assert_same_function(graph, after)


def test_a_map_whose_input_others_read_stays(tmp_path):
    build = Builder()
    x = build.quant(dense(build, build.quant(build.input([1, 4])), 4, 4), bits=6)
    y = build.node("Add", build.quant(x, bits=3, scale=0.5), x)
    graph = load(build, build.quant(y), tmp_path)
    after = fuse_maps(graph)
    assert_same_function(graph, after)


def test_a_bias_on_the_grid_moves_into_its_dense_layer(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    y = build.node("Add", dense(build, x, 4, 3), build.constant([0.25, -0.5, 1.0]))
    graph = load(build, y, tmp_path)
    after = merge_bias(graph)
    assert any(isinstance(node, Bias) for node in graph.nodes)
    assert [type(node) for node in after.nodes] == [Dense]
    assert_same_function(graph, after)


def test_a_bias_behind_a_sum_moves_through_it(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    y = build.node("Add", dense(build, x, 4, 4), dense(build, x, 4, 4))
    graph = load(build, build.node("Add", y, build.constant([0.25, -0.5, 1.0, 0.0])), tmp_path)
    after = merge_bias(graph)
    assert [type(node) for node in after.nodes] == [Dense, Dense, Add]
    assert_same_function(graph, after)


def test_a_binary_layer_takes_its_popcount_offset_from_the_map_behind_it(tmp_path):
    build = Builder()
    x = build.node("BipolarQuant", build.input([1, 5]), build.constant(1))
    w = build.node("BipolarQuant", build.constant(build.rng.normal(0, 1, (5, 3))), build.constant(1))
    graph = load(build, build.node("BipolarQuant", build.node("MatMul", x, w), build.constant(1)), tmp_path)
    after = absorb_bias(graph)
    (layer,) = (node for node in after.nodes if isinstance(node, Dense))
    assert is_binary(after, layer)
    assert layer.bias.tolist() == (layer.weights < 0).sum(axis=1).tolist()
    assert int(after.tensors[layer.output].low.min()) >= 0  # a popcount is never negative
    assert_same_function(graph, after)


def test_a_wide_map_that_rises_and_falls_is_split(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]), bits=8, scale=1 / 32)
    y = dense(build, x, 4, 3, scale=1 / 64, bits=8)
    out = build.quant(build.node("Mul", y, build.node("Sigmoid", y)), scale=0.1, bits=5)
    graph = load(build, out, tmp_path)
    assert graph.tensors[graph.nodes[-1].inputs[0]].type.bits > TABLE_BITS_AT_MOST
    after = split_maps(graph)
    first, second = (node for node in after.nodes if isinstance(node, Map))
    assert first.steps.direction().all()
    assert after.tensors[second.input].type.bits <= TABLE_BITS_AT_MOST
    assert_same_function(graph, after)


def test_a_range_that_does_not_fit_is_refused_with_the_tensor(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 8]), bits=24, scale=2.0**-10)
    w = build.quant(build.constant(build.rng.normal(0, 1e9, (8, 8))), bits=32, scale=1.0)
    y = build.node("MatMul", build.node("MatMul", x, w), w)
    with pytest.raises(ModelError, match="at most 62 bits are possible"):
        load(build, y, tmp_path)


def test_an_image_that_is_only_flattened_is_flattened_first(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 6, 4]), bits=3)
    flat = build.node("Reshape", x, build.constant(np.array([1, 24]), np.int64))
    graph = fuse_maps(load(build, dense(build, flat, 24, 5), tmp_path, "fixed<6,3>"))
    after = flatten_first(graph)
    assert [type(node) for node in graph.nodes] == [Map, Reshape, Dense]
    assert [type(node) for node in after.nodes] == [Reshape, Map, Dense]
    assert_same_function(graph, after)
    plan = tailrace.plan(after, part="xczu7ev", clock_mhz=100, fps=100e6)
    assert plan.interval_cycles == 1  # before, six: a row of four a cycle
