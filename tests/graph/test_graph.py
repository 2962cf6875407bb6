# SPDX-License-Identifier: Apache-2.0
"""The integer graph: evaluation, exact ranges, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from tailrace.core.errors import ModelError
from tailrace.core.steps import Steps
from tailrace.graph import (
    Add,
    ArgMax,
    Bias,
    Dense,
    Map,
    Multiply,
    Tensor,
    exact_matmul,
    reshape_range,
)
from tailrace.verify.software import verify_software


@pytest.fixture
def graph(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 2, 3]), bits=3)
    w = build.quant(build.constant(build.rng.normal(0, 1, (3, 2))), bits=3)
    y = build.quant(build.node("MatMul", x, w), bits=3)
    onnx.save(build.model(y), tmp_path / "net.onnx")
    return tailrace.load(tmp_path / "net.onnx")


def tensor(name: str, low: list[int], high: list[int]) -> Tensor:
    return Tensor(name=name, shape=(len(low),), low=np.array(low), high=np.array(high))


def every(*tensors: Tensor):
    """Yield every combination of the integers of small tensors, one array (channels,) for each."""
    spans = [range(int(lo), int(hi) + 1) for t in tensors for lo, hi in zip(t.low, t.high, strict=True)]
    for values in product(*spans):
        split = np.cumsum([t.channels for t in tensors])[:-1]
        yield np.split(np.array(values), split)


@pytest.mark.parametrize(
    "node",
    [
        Dense(
            name="n",
            input="a",
            output="y",
            weights=np.array([[1, -2], [0, 3], [-1, -1]]),
            bias=np.array([5, 0, -7]),
        ),
        Map(name="n", input="a", output="y", steps=Steps(np.array([[-1, 1]]), np.array([[3, -2, 9]]))),
        Bias(name="n", input="a", output="y", values=np.array([4, -4])),
        Add(name="n", a="a", b="b", output="y", a_factor=-3, b_factor=2),
        Multiply(name="n", a="a", b="b", output="y"),
        Multiply(name="n", a="a", b="a", output="y"),
    ],
    ids=["dense", "map", "bias", "add", "multiply", "square"],
)
def test_a_range_is_reached_at_both_ends_and_never_left(node):
    a, b = tensor("a", [-2, -1], [3, 1]), tensor("b", [-1, 0], [2, 4])
    ins = {"a": a, "b": b}
    low, high = node.output_range([ins[name] for name in node.inputs])
    reached = []
    for va, vb in every(a, b):
        match node:
            case Dense():
                reached.append(node.weights @ va + node.bias)
            case Map():
                reached.append(node.steps(va[None])[0])
            case Bias():
                reached.append(va + node.values)
            case Add():
                reached.append(node.a_factor * va + node.b_factor * vb)
            case Multiply():
                reached.append(va * (va if node.b == "a" else vb))
    assert low.tolist() == np.min(reached, axis=0).tolist()
    assert high.tolist() == np.max(reached, axis=0).tolist()


def test_a_reshape_keeps_the_range_of_every_channel():
    old = Tensor(name="a", shape=(2, 3), low=np.array([0, -1, 2]), high=np.array([1, 5, 9]))
    assert [end.tolist() for end in reshape_range(old, (6,))] == [[0, -1, 2, 0, -1, 2], [1, 5, 9, 1, 5, 9]]
    assert [end.tolist() for end in reshape_range(old, (3, 2))] == [[-1, -1], [9, 9]]


def test_an_index_is_the_first_of_equals():
    low, high = ArgMax(name="n", input="a", output="y").output_range([tensor("a", [0] * 5, [1] * 5)])
    assert (low.tolist(), high.tolist()) == ([0], [4])


@pytest.mark.parametrize("magnitude", [1 << 8, 1 << 20, 1 << 40])
def test_products_are_exact_at_any_size(magnitude):
    rng = np.random.default_rng(0)
    weights = rng.integers(-(1 << 12), 1 << 12, (5, 9))
    x = rng.integers(-magnitude, magnitude, (20, 9), endpoint=True)
    expected = (x.astype(object) @ weights.T.astype(object)).astype(np.int64)
    assert np.array_equal(expected, exact_matmul(weights, magnitude)(x))


def test_integers_and_floats_give_the_same(graph):
    x = np.random.default_rng(1).normal(0, 1, (5, 2, 3)).astype(np.float32)
    q = graph.host.encode(x)
    assert np.array_equal(graph.predict(x), graph.host.decode(graph.predict_int(q)))
    assert np.array_equal(graph.predict_int(q), graph.trace(x)[graph.output])


def test_every_tensor_knows_who_writes_and_who_reads_it(graph):
    assert graph.producer(graph.input) is None
    for node in graph.nodes:
        assert graph.producer(node.output) is node
        assert graph.consumers(node.output) == tuple(n for n in graph.nodes if node.output in n.inputs)
    assert graph.consumers("nothing") == ()


def test_no_sample_at_all_is_allowed(graph):
    assert graph.predict(np.zeros((0, 2, 3), np.float32)).shape == (0, 2, 2)


def test_many_samples_equal_one_at_a_time(graph):
    x = np.random.default_rng(1).normal(0, 1, (2500, 2, 3)).astype(np.float32)
    assert np.array_equal(
        graph.predict(x)[[0, 1024, 2499]],
        np.concatenate([graph.predict(x[i : i + 1]) for i in (0, 1024, 2499)]),
    )


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (np.zeros((2, 5), np.int64), "got an array of shape (2, 5), wanted (n, 2, 3)"),
        (np.zeros((2, 2, 3)), "got float64 values, wanted integers"),
        (np.full((2, 2, 3), 4), "values from 4 to 4 do not fit int3"),
    ],
)
def test_wrong_integers_are_refused(graph, q, message):
    with pytest.raises(ModelError) as caught:
        graph.predict_int(q)
    assert caught.value.message == message


def test_a_graph_checks_itself(graph):
    with pytest.raises(ValueError, match="before it is written"):
        replace(graph, nodes=tuple(reversed(graph.nodes)))


def test_a_factor_that_no_value_could_have_is_refused():
    zero = tensor("a", [0], [0])  # the range of the sum alone would not show it
    node = Add(name="n", a="a", b="b", output="y", a_factor=1, b_factor=1 << 70)
    with pytest.raises(ModelError, match=f"n: values up to {1 << 70} are reached"):
        node.output_range([zero, zero])


def two_ended(tmp_path):
    """Return a network of two inputs and two outputs, of which one is read by a layer, too."""
    build = Builder(seed=3)
    a, b = build.quant(build.input([1, 4])), build.quant(build.input([1, 3]), scale=0.5)
    left = build.quant(
        build.node("MatMul", a, build.quant(build.constant(build.rng.normal(0, 1, (4, 3))), bits=3))
    )
    both = build.quant(build.node("Add", left, b))
    onnx.save(build.model(left, both), tmp_path / "net.onnx")
    return tailrace.load(tmp_path / "net.onnx"), (left, both)


def test_several_inputs_and_outputs_go_by_their_names_in_the_network(tmp_path):
    graph, (left, both) = two_ended(tmp_path)
    rng = np.random.default_rng(1)
    x = {"x": rng.normal(0, 1, (5, 4)).astype(np.float32), "x1": rng.normal(0, 1, (5, 3)).astype(np.float32)}
    y = graph.predict(x)
    theirs = graph.reference.run(x, (left, both))
    assert {name: array.tolist() for name, array in y.items()} == {
        name: array.tolist() for name, array in theirs.items()
    }
    q = graph.host.encode(x)
    assert q.shape == (5, 7)
    by_name = graph.predict_int({"x": q[:, :4], "x1": q[:, 4:]})
    assert np.array_equal(np.concatenate(list(by_name.values()), axis=1), graph.run_frames(q))
    assert graph.host.decode(graph.run_frames(q))[both].tolist() == y[both].tolist()
    assert graph.trace(x)[graph.outputs[1]].tolist() == by_name[both].tolist()
    assert verify_software(graph, graph.reference, x).mismatches == 0


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 4)), "x: got one array, and there are 2 inputs"),
        ({"x": np.zeros((2, 4))}, "x1: got arrays for x\n"),
        ({"x": np.zeros((2, 4)), "x1": np.zeros((3, 3))}, "x: got 2 of x, 3 of x1\n"),
        ({"x": np.zeros((2, 4)), "x1": np.zeros((2, 3)), "y": np.zeros(2)}, "y: got arrays for x, x1, y\n"),
        (
            {"x": np.zeros((2, 4)), "x1": np.zeros((2, 2))},
            r"x1: got an array of shape \(2, 2\), wanted \(n, 3\)",
        ),
    ],
)
def test_arrays_that_do_not_fit_several_inputs_are_refused(x, message, tmp_path):
    graph, _ = two_ended(tmp_path)
    with pytest.raises(ModelError, match=message):
        graph.predict(x)
