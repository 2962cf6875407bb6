# SPDX-License-Identifier: Apache-2.0
"""The host's side: floats to integers as QONNX quantizes, and back."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tailrace
from hypothesis import given
from hypothesis import strategies as st
from networks import ROUNDINGS, Builder, execute
from qonnx.custom_op.general.quant import quant
from tailrace.core.errors import ModelError
from tailrace.core.types import IntType
from tailrace.graph.host import GridQuantizer, UniformQuantizer, number


@given(
    mode=st.sampled_from(ROUNDINGS),
    bits=st.integers(2, 9),
    signed=st.booleans(),
    narrow=st.booleans(),
    zero=st.sampled_from([0.0, 1.0, -2.0, 0.5]),
    scale=st.sampled_from([0.5, 0.1, 1.0, 3.0]),
)
def test_the_host_quantizes_as_qonnx_does(*, mode, bits, signed, narrow, zero, scale):
    x = (np.arange(-600, 600) * np.float32(0.25) * np.float32(scale)).astype(np.float32)
    scale, zero = np.float32(scale), np.float32(zero)
    quantizer = UniformQuantizer(
        scale=np.asarray(scale),
        zero_point=np.asarray(zero),
        bits=bits,
        signed=signed,
        narrow=narrow,
        rounding=mode,
    )
    q = quantizer(x)
    expected = quant(x, scale, zero, np.asarray(bits, np.float32), signed, narrow, mode)
    assert np.array_equal(expected, ((q.astype(np.float32) - zero) * scale).astype(np.float32))
    assert quantizer.low <= q.min()
    assert q.max() <= quantizer.high


def test_a_grid_rounds_to_even_and_saturates():
    grid = GridQuantizer(scale=0.5, offset=0.0, type=IntType(4, signed=True))
    assert grid(np.array([0.25, 0.75, -0.25, 9.0, -9.0])).tolist() == [0, 2, 0, 7, -8]
    assert grid.text() == "q = half_even(x / 0.5), clipped to -8..7 (int4)"
    bipolar = GridQuantizer(scale=2.0, offset=-1.0, type=IntType(1, signed=False))
    assert bipolar(np.array([-1.0, 1.0])).tolist() == [0, 1]
    assert bipolar.text() == "q = half_even((x + 1) / 2), clipped to 0..1 (uint1)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.float32(0.1), "0.1"), (2.0, "2"), (0.25, "0.25"), (1 / 3, "0.333333333"), (1e-6, "1e-06")],
)
def test_numbers_are_as_short_as_they_can_be_read_back(value, text):
    assert number(value) == text


@pytest.fixture
def network(tmp_path):
    """A network with float operations at both ends that depend on their place in the array (Softplus, Elu)."""
    build = Builder(opset=13)
    x = build.node("Elu", build.node("Sub", build.input([1, 5]), build.constant(0.5)))
    x = build.quant(x, scale=0.125, bits=6)
    w = build.quant(build.constant(build.rng.normal(0, 1, (5, 7))), bits=4)
    y = build.node("Softplus", build.node("MatMul", x, w))
    model = build.model(y)
    onnx.save(model, tmp_path / "net.onnx")
    return tailrace.load(tmp_path / "net.onnx"), model


def test_both_ends_compute_the_same_bits_as_the_network(network):
    graph, model = network
    x = np.random.default_rng(0).normal(0, 2, (300, 5)).astype(np.float32)
    expected = np.stack([tensors[model.graph.output[0].name] for tensors in execute(model, x)])
    base = np.stack([tensors[graph.tensors[graph.output].origin] for tensors in execute(model, x)])
    ours = graph.host.output.dequantize(graph.predict_int(graph.host.encode(x)))
    assert np.array_equal(
        base.reshape(ours.shape), ours
    )  # all scales are powers of two: float sums are exact
    assert np.array_equal(expected.reshape(-1, 7), graph.predict(x))


def test_both_ends_say_what_they_do(network):
    graph, _ = network
    assert graph.host.input.steps() == (
        "Sub 0.5",
        "Elu",
        "q = round(x / 0.125), clipped to -32..31 (int6)",
    )
    assert graph.host.output.steps() == ("value = 0.03125 * q", "Softplus")


@pytest.mark.parametrize("shape", [(3, 5), (3, 1, 5)])
def test_the_networks_own_batch_axis_may_stay(network, shape):
    graph, _ = network
    assert graph.predict(np.zeros(shape, np.float32)).shape == (3, 7)


def test_a_wrong_shape_is_refused_with_the_right_one(network):
    graph, _ = network
    with pytest.raises(ModelError, match=r"x: got an array of shape \(3, 4\), wanted \(n, 5\)"):
        graph.predict(np.zeros((3, 4), np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(network, value):
    graph, _ = network
    with pytest.raises(ModelError, match="x: the input holds NaN or infinity\n  hint: send finite numbers"):
        graph.predict(np.full((1, 5), value, np.float32))
