# SPDX-License-Identifier: Apache-2.0
"""The last integers are in the order of the network's outputs, and the class and decisions come from the hardware."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx
import pytest
import tailrace as tr
from ending_networks import ending_network
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, Generated, check
from onnx import TensorProto
from tailrace.frontend.ranking import RANK_BITS_AT_MOST, ranks
from tailrace.graph import Affine, ArgMax, Bias, Map
from tailrace.verify.software import verify_software


def fractions(values: object) -> np.ndarray:
    flat = np.asarray(values)
    result = np.empty(flat.shape, dtype=object)
    result[:] = [Fraction(v) for v in flat.tolist()]
    return result


def signs(scale: np.ndarray, offset: np.ndarray, low: np.ndarray, high: np.ndarray) -> dict[object, int]:
    """Return how each integer of each channel compares with each of each other one."""
    values = [[scale[c] * q + offset[c] for q in range(low[c], high[c] + 1)] for c in range(len(scale))]
    flat = [(c, v) for c, row in enumerate(values) for v in row]
    return {
        (i, j): int(a > b) - int(a < b)
        for i, (c, a) in enumerate(flat)
        for j, (d, b) in enumerate(flat)
        if c < d
    }


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_ranks_compare_as_what_they_stand_for(seed):
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(2, 5))
    scale = rng.uniform(0.1, 1, channels if rng.random() < 0.5 else 1) * np.ones(channels)
    if rng.random() < 0.3:
        scale = scale * rng.choice([-1, 1], channels)
    offset = rng.choice([rng.normal(0, 3, channels), rng.integers(-4, 4, channels) * scale[0]])
    if rng.random() < 0.5:
        scale, offset = (np.round(v * 16) / 16 + (v == 0) for v in (scale, offset))
        scale[scale == 0] = 0.25
    low = rng.integers(-9, 1, channels)
    high = low + rng.integers(0, 9, channels)
    exact = fractions(scale.astype(np.float32)), fractions(offset.astype(np.float32))
    found = ranks(*exact, low, high)
    assert found is not None
    assert signs(found.factors, found.bias, low, high) == signs(*exact, low, high)


def test_ranks_of_one_scale_take_a_bit_for_every_doubling_of_the_classes():
    offset = fractions([0.125, 0.1875, -0.6875, 5.25, 0.1875])  # in steps: 1/2, 3/4, -3 + 1/4, 21, 3/4
    found = ranks(fractions(np.full(5, 0.25)), offset, np.full(5, -100), np.full(5, 100))
    assert found is not None
    assert found.factors.tolist() == [4] * 5
    assert (found.bias - found.bias[0]).tolist() == [0, 1, -13, 82, 1]


def test_ranks_of_many_scales_are_narrower_than_the_exact_ones():
    scale, offset = fractions(np.float32([0.113, 0.22, 0.37])), fractions(np.float32([0.31, -0.17, 0.05]))
    found = ranks(scale, offset, np.full(3, -30), np.full(3, 30))
    assert found is not None
    assert 0 < int(found.factors.max()).bit_length() < 16


def test_ranks_that_are_too_wide_are_none():
    scale = fractions([1.0, 2.0**-RANK_BITS_AT_MOST * 3])
    wide = np.full(2, 1 << 22)
    assert ranks(scale, fractions([0.0, 0.0]), -wide, wide) is None


def reached(graph: tr.Graph, x: np.ndarray, network) -> None:
    """Assert that the last integers rank the classes as exact arithmetic does, ties included."""
    q = graph.host.encode(x)
    last = graph.predict_int(q.reshape(-1, *graph.tensors[graph.input].shape))
    logits = np.asarray(graph.reference.run(x, [network.logits])[network.logits])
    shape = graph.reference.network.shapes[network.logits]
    logits = np.moveaxis(logits.reshape(len(x), *shape[1:]), network.axis, -1)
    ours = last.reshape(logits.shape)
    for a in range(ours.shape[-1]):
        for b in range(a):
            order = np.sign(ours[..., a] - ours[..., b])
            theirs = logits[..., a].astype(np.float64) - logits[..., b]
            clear = np.abs(theirs) > 1e-5  # what float32 can tell for certain
            assert np.array_equal(order[clear], np.sign(theirs[clear]))


def one(seed: int, folder) -> tr.Graph:
    network = ending_network(seed)
    check(network, folder)
    graph = tr.load(folder / "network.onnx")
    operations = {node.op_type for node in network.model.graph.node}
    picks = operations & {"ArgMax", "ArgMin", "TopK"}
    assert bool(picks) == isinstance(graph.nodes[-1], ArgMax) or "left to the host" in "".join(graph.notices)
    if not picks and not operations & {"Greater", "Round"}:
        reached(graph, network.inputs, network)
    return graph


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_random_classifier_is_exact_and_its_integers_are_in_order(seed, tmp_path_factory):
    one(seed, tmp_path_factory.mktemp("network"))


def weights(build: Builder, *shape: int) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, shape)), bits=4)


def graph_of(
    build: Builder, y: str, shape: tuple[int, ...], folder, kind: int = TensorProto.FLOAT
) -> tr.Graph:
    x = np.random.default_rng(1).normal(0, 1.5, (20, *shape)).astype(np.float32)
    check(Generated(build.model(y, kind=kind), None, x), folder)
    return tr.load(folder / "network.onnx")


def test_a_float_bias_goes_into_the_order_of_the_integers(tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 5))
    y = build.node("Add", y, build.constant(np.float32([0.11, -0.2, 0.33, 0.04, 0.5])))
    graph = graph_of(build, y, (4,), tmp_path)
    last = graph.nodes[-1]
    assert isinstance(last, Affine)
    assert set(last.factors.tolist()) == {8}  # five classes: three bits
    assert graph.notices == ()


@pytest.mark.parametrize("operation", ["Softmax", "Sigmoid"])
def test_what_keeps_the_order_is_left_out_in_front_of_an_index(operation, tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 5))
    y = build.node("Add", y, build.constant(np.float32([0.11, -0.2, 0.33, 0.04, 0.5])))
    y = build.node("ArgMax", build.node(operation, y), axis=1, keepdims=0)
    graph = graph_of(build, y, (4,), tmp_path, TensorProto.INT64)
    assert isinstance(graph.nodes[-1], ArgMax)
    assert graph.host.output.after is None


def test_a_tie_that_float32_makes_is_counted_as_its_rounding(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 2]), scale=1.0, bits=8)
    columns = build.constant([[1, 1, 0], [0, 0, 1]])
    bias = build.constant(np.float32([0, 2.0**-20, 0]))  # less than a step of float32 beside 64
    y = build.node("Add", build.node("MatMul", x, columns), bias)
    y = build.node("ArgMax", build.node("Softmax", y, axis=1), axis=1, keepdims=0)
    model = build.model(y, kind=TensorProto.INT64)
    onnx.save(model, tmp_path / "network.onnx")
    graph = tr.load(tmp_path / "network.onnx")
    inputs = np.float32([[64, 0], [1, 0], [100, 3], [0, 9]])  # float32 can tell 1 from the next number
    assert graph.predict(inputs).reshape(-1).tolist() == [1, 1, 1, 2]
    result = verify_software(graph, graph.reference, inputs)
    assert (result.mismatches, result.framework_rounding) == (0, 2)


def test_an_index_behind_what_makes_channels_equal_is_the_hosts_and_is_told(tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 5))
    y = build.node("ArgMax", build.node("Relu", y), axis=1, keepdims=0)
    graph = graph_of(build, y, (4,), tmp_path, TensorProto.INT64)
    (notice,) = graph.notices
    assert notice == (
        "ArgMax (ArgMax_4) is left to the host: what stands in front of it may make equal what is not, or turn the "
        "order; put it behind the last layer or a softmax"
    )


def test_an_index_of_the_pixels_is_the_hosts_and_is_told(tmp_path):
    build = Builder()
    y = build.node("Conv", build.quant(build.input([1, 2, 3, 3])), weights(build, 4, 2, 1, 1))
    y = build.node("ArgMax", y, axis=2, keepdims=0)
    graph = graph_of(build, y, (2, 3, 3), tmp_path, TensorProto.INT64)
    assert "it does not go over the channels of the last layer" in graph.notices[0]


@pytest.mark.parametrize("bias", [True, False])
def test_a_decision_is_made_in_hardware(bias, tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 1))
    y = build.node("Add", y, build.constant(np.float32([0.3]))) if bias else y
    y = build.node("Round", build.node("Sigmoid", y))
    graph = graph_of(build, y, (4,), tmp_path)
    assert isinstance(graph.nodes[-1], Map)
    assert (graph.tensors[graph.output].type.bits, graph.host.output.after) == (1, None)


def test_a_bias_on_the_grid_costs_no_bits(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]), scale=0.25)
    y = build.node("MatMul", x, weights(build, 4, 3))
    y = build.node("Add", y, build.constant(np.float32([1, 2, -3]) / 16))
    graph = graph_of(build, y, (4,), tmp_path)
    assert isinstance(graph.nodes[-1], Bias)
    assert graph.nodes[-1].values.tolist() == [1, 2, -3]


def test_scales_of_their_own_are_brought_together(tmp_path):
    build = Builder()
    scale = np.float32([[0.11, 0.23, 0.31]])
    w = build.quant(build.constant(build.rng.normal(0, 0.5, (4, 3))), scale=scale, bits=4)
    y = build.node("MatMul", build.quant(build.input([1, 4])), w)
    graph = graph_of(build, y, (4,), tmp_path)
    last = graph.nodes[-1]
    assert isinstance(last, Affine)
    assert np.array_equal(np.argsort(last.factors), [0, 1, 2])


def test_heads_are_joined_and_the_host_works_on_the_pieces(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    heads = []
    for rows, operation in ((1, "Sigmoid"), (3, "Softmax"), (2, "")):
        y = build.node(
            "Add", build.node("MatMul", x, weights(build, 4, rows)), build.constant(np.full(rows, 0.3))
        )
        heads.append(build.node(operation, y) if operation else y)
    y = build.node("Mul", build.node("Concat", *heads, axis=1), build.constant(2.0))
    graph = graph_of(build, y, (4,), tmp_path)
    assert graph.tensors[graph.output].shape == (6,)


def test_heads_of_images_are_joined_pixel_by_pixel(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 2, 3, 3]))
    heads = []
    for rows in (2, 3):
        y = build.node("Conv", x, weights(build, rows, 2, 1, 1), build.constant(build.rng.normal(0, 1, rows)))
        heads.append(build.node("Sigmoid", y) if rows == 2 else y)
    graph = graph_of(build, build.node("Concat", *heads, axis=1), (2, 3, 3), tmp_path)
    assert graph.tensors[graph.output].shape == (3, 3, 5)


@pytest.mark.parametrize("operation", ["ArgMax", "TopK", ""])
def test_a_batch_norm_behind_the_last_layer_goes_into_the_order(operation, tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 5))
    values = [build.rng.uniform(0.5, 1.5, 5), *build.rng.normal(0, 1, (2, 5)), build.rng.uniform(0.5, 2, 5)]
    y = build.node("BatchNormalization", y, *(build.constant(v) for v in values))
    if operation == "TopK":
        build.node("TopK", y, build.constant([1], np.int64), outputs=2, axis=1)
        y = build.nodes[-1].output[1]
    elif operation:
        y = build.node(operation, y, axis=1, keepdims=0)
    kind = TensorProto.INT64 if operation else TensorProto.FLOAT
    graph = graph_of(build, y, (4,), tmp_path, kind)
    assert [type(node) for node in graph.nodes[1:]] == ([Affine, ArgMax] if operation else [Affine])


@pytest.mark.parametrize(
    ("operation", "way"),
    [
        ("Softmax", "the class needs none, because the integers are in the order of what comes of them"),
        ("Relu", "a quantizer behind it would bring it into the hardware"),
        ("CumSum", "end the network in front of it where there should be no host"),
    ],
)
def test_what_the_host_does_is_told_with_a_way_out(operation, way, tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 5))
    axis = [build.constant(1, np.int64)] if operation == "CumSum" else []
    graph = graph_of(build, build.node(operation, y, *axis), (4,), tmp_path)
    assert graph.notices == (f"{operation} behind the last integers is left to the host; {way}",)
