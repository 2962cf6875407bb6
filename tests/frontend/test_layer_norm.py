# SPDX-License-Identifier: Apache-2.0
"""Layer and RMS normalization, as one node and written out: equal to their software, or refused with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.graph import Normalize
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs
from token_networks import FEATURES, HIDDEN, OUTPUTS, QONNX, TOKENS, Network, random_normalization

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EPSILON = 1e-5


def scaled(net: Network, y: str, channels: int = HIDDEN) -> str:
    """The scale and the bias of a normalization, as operations of their own, and a quantizer."""
    y = net.add("Mul", y, net.random(channels))
    return net.quant(net.add("Add", y, net.random(channels)), 0.06)


def quantized(net: Network) -> str:
    return net.quant(net.hidden(), 0.06, 6)


def layer(net: Network) -> str:
    x, gain, bias = quantized(net), net.random(HIDDEN), net.random(HIDDEN)
    return net.quant(net.add("LayerNormalization", x, gain, bias, axis=-1, epsilon=EPSILON), 0.06)


def layer_without_bias(net: Network) -> str:
    return net.quant(net.add("LayerNormalization", quantized(net), net.random(HIDDEN)), 0.06)


def layer_then_gelu(net: Network) -> str:
    y = net.add("LayerNormalization", net.quant(net.hidden(), 0.5, 3), net.random(HIDDEN), epsilon=0.5)
    return net.quant(net.add("Mul", y, net.add("Sigmoid", y)), 0.06)


def layer_of_an_accumulator(net: Network) -> str:
    return net.quant(net.add("LayerNormalization", net.hidden(), net.random(HIDDEN), epsilon=1e-3), 0.06)


def layer_behind_a_bias(net: Network) -> str:
    x = net.add("Add", net.hidden(), net.random(HIDDEN))
    return net.quant(net.add("LayerNormalization", x, net.random(HIDDEN), epsilon=1e-3), 0.06)


def layer_of_a_residual(net: Network) -> str:
    x = net.add("Add", net.quant(net.hidden(), 0.0625, 5), net.quant(net.hidden(), 0.0625, 5))
    return net.quant(net.add("LayerNormalization", x, net.random(HIDDEN)), 0.06)


def layer_of_a_residual_of_two_scales(net: Network) -> str:
    x = net.add("Add", net.quant(net.hidden(), 0.0612, 5), net.quant(net.hidden(), 0.0371, 5))
    return net.quant(net.add("LayerNormalization", x, net.random(HIDDEN)), 0.06)


def layer_of_scales_by_channel(net: Network) -> str:
    scale = net.constant(net.rng.uniform(0.05, 0.2, (1, HIDDEN)))
    weights = net.add("Quant", net.random(FEATURES, HIDDEN), scale, 0.0, 4, domain=QONNX, signed=1, narrow=1,
                      rounding_mode="ROUND")  # fmt: skip
    x = net.add("Add", net.add("MatMul", net.quant("x", 0.05), weights), net.random(HIDDEN))
    return net.quant(net.add("LayerNormalization", x, net.random(HIDDEN), epsilon=1e-3), 0.06)


def rms_of_an_accumulator(net: Network) -> str:
    x = net.add("Add", net.hidden(), net.random(HIDDEN))
    return scaled(net, net.add("SimplifiedLayerNormalization", x, net.random(HIDDEN), epsilon=1e-3))


def layer_behind_a_relu(net: Network) -> str:
    x = net.add("Relu", net.add("Add", net.hidden(), net.random(HIDDEN)))
    return net.quant(net.add("LayerNormalization", x, net.random(HIDDEN), epsilon=1e-3), 0.06)


def layer_of_all(net: Network) -> str:
    gain, bias = (net.constant(net.rng.normal(1, 0.3, (TOKENS, HIDDEN))) for _ in range(2))
    return net.quant(net.add("LayerNormalization", quantized(net), gain, bias, axis=1), 0.06)


def layer_of_columns(net: Network) -> str:
    x = net.add("Transpose", quantized(net), perm=[0, 2, 1])
    y = net.add("LayerNormalization", x, net.random(TOKENS))
    return net.quant(net.add("Transpose", y, perm=[0, 2, 1]), 0.06)


def rms(net: Network) -> str:
    return scaled(net, net.add("SimplifiedLayerNormalization", quantized(net), net.random(HIDDEN), axis=-1))


def by_hand(net: Network, x: str, *, kind: str, inverse: str = "") -> str:
    """A normalization written out, as exporters of before version 17 do it."""
    top = net.add("Sub", x, net.add("ReduceMean", x, axes=[-1])) if kind == "layer" else x
    square = net.add("Pow", top, 2.0) if kind == "layer" else net.add("Mul", top, top)
    root = net.add("Sqrt", net.add("Add", net.add("ReduceMean", square, axes=[-1]), EPSILON))
    if not inverse:
        return scaled(net, net.add("Div", top, root))
    return scaled(
        net, net.add("Mul", top, net.add(*((inverse,) if inverse != "Div" else ("Div", 1.0)), root))
    )


def layer_scaled_by_activations(net: Network) -> str:
    x = quantized(net)
    gain = net.add(
        "Reshape", net.quant(net.add("ReduceMean", x, axes=[1]), 0.06), net.constant([HIDDEN], np.int64)
    )
    return net.quant(net.add("LayerNormalization", x, gain), 0.06)


def instances(net: Network) -> str:
    x = net.add("Transpose", quantized(net), perm=[0, 2, 1])
    y = net.add("InstanceNormalization", x, net.random(HIDDEN), net.random(HIDDEN), epsilon=1e-3)
    return net.quant(net.add("Transpose", y, perm=[0, 2, 1]), 0.06)


def groups(net: Network) -> str:
    x = net.add("Transpose", quantized(net), perm=[0, 2, 1])
    y = net.add("GroupNormalization", x, net.random(3), net.random(3), num_groups=3)
    return net.quant(net.add("Transpose", y, perm=[0, 2, 1]), 0.06)


def groups_of_one_token(net: Network) -> str:
    x = net.add("Gather", quantized(net), net.constant([0], np.int64), axis=1)
    x = net.add("Reshape", x, net.constant([1, HIDDEN, 1], np.int64))
    y = net.add("GroupNormalization", x, net.random(2), net.random(2), num_groups=2)
    return net.quant(net.add("Reshape", y, net.constant([1, 1, HIDDEN], np.int64)), 0.06)


def layer_by_hand(net: Network) -> str:
    return by_hand(net, quantized(net), kind="layer")


def rms_by_hand(net: Network) -> str:
    return by_hand(net, quantized(net), kind="rms", inverse="Reciprocal")


def rms_by_a_quotient(net: Network) -> str:
    return by_hand(net, quantized(net), kind="rms", inverse="Div")


FORMS: tuple[Callable[[Network], str], ...] = (
    layer, layer_without_bias, layer_then_gelu, layer_of_an_accumulator, layer_behind_a_bias, layer_of_a_residual,
    layer_of_a_residual_of_two_scales, layer_of_scales_by_channel, rms_of_an_accumulator, layer_behind_a_relu,
    layer_of_all, layer_of_columns, layer_scaled_by_activations,
    instances, rms, layer_by_hand, rms_by_hand, rms_by_a_quotient,
)  # fmt: skip


OPSETS = {groups: 18, groups_of_one_token: 18}
"""Forms that older versions of ONNX do not have."""


def made(form: Callable[[Network], str], folder: Path, seed: int = 0) -> tr.Graph:
    net = Network(seed)
    y = net.dense(form(net), HIDDEN, OUTPUTS)
    return tr.load(net.save(folder / "net.onnx", y, opset=OPSETS.get(form, 17)))


@pytest.mark.parametrize("form", [*FORMS, *OPSETS], ids=lambda form: form.__name__)
def test_it_equals_its_software(form, tmp_path: Path):
    graph = made(form, tmp_path)
    assert sum(isinstance(node, Normalize) for node in graph.nodes) == 1
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 20, seed=1))
    assert result.mismatches == 0, result.first
    assert tr.plan(graph, part="ecp5-85k").interval_cycles > 0


@pytest.mark.slow
@pytest.mark.parametrize("form", [*FORMS, *OPSETS], ids=lambda form: form.__name__)
def test_it_is_equal_in_hardware(form, tmp_path: Path):
    plan = tr.plan(made(form, tmp_path, seed=1), part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=12, seed=1)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]


@pytest.mark.parametrize(
    "index", [*range(8), *(pytest.param(index, marks=pytest.mark.slow) for index in range(8, 100))]
)
def test_a_random_network_equals_its_software(index: int, seed: int, tmp_path: Path):
    graph = tr.load(random_normalization(seed + index, tmp_path / "net.onnx"))
    assert any(isinstance(node, Normalize) for node in graph.nodes)
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 20, seed=index))
    assert result.mismatches == 0, result.first


@pytest.mark.slow
@pytest.mark.parametrize("index", range(8))
def test_a_random_network_is_equal_in_hardware(index: int, seed: int, tmp_path: Path):
    plan = tr.plan(tr.load(random_normalization(seed + 1000 + index, tmp_path / "net.onnx")), part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=12, seed=1)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]


def test_the_scale_of_the_network_does_not_reach_the_normalization(tmp_path: Path):
    (one,) = (node for node in made(layer, tmp_path).nodes if isinstance(node, Normalize))
    assert (one.kind, one.size, one.groups, one.fraction_bits) == ("layer", HIDDEN, 1, 16)


def test_an_accumulator_with_a_bias_is_normalized_on_a_grid_and_a_notice_says_so(tmp_path: Path):
    graph = made(layer_behind_a_bias, tmp_path)
    (notice,) = graph.notices
    assert notice.endswith(
        "is normalized without a quantizer in front, on a grid of 28 bits; a quantizer makes the normalization exact "
        "and much smaller"
    )
    (one,) = (node for node in graph.nodes if isinstance(node, Normalize))
    assert graph.tensors[one.input].type.bits <= 28


def test_a_last_normalization_is_left_to_the_host(tmp_path: Path):
    net = Network(0)
    y = net.add("LayerNormalization", net.dense(quantized(net), HIDDEN, OUTPUTS), net.random(OUTPUTS))
    graph = tr.load(net.save(tmp_path / "net.onnx", y))
    assert not any(isinstance(node, Normalize) for node in graph.nodes)
    x = random_inputs(graph, 5, seed=1)
    assert graph.predict(x).shape == (5, TOKENS, OUTPUTS)


def test_a_scale_for_every_channel_of_a_group_is_that_of_version_21(tmp_path: Path):
    net = Network(0)
    x = net.add("Transpose", quantized(net), perm=[0, 2, 1])
    y = net.add("GroupNormalization", x, net.random(HIDDEN), net.random(HIDDEN), num_groups=2)
    y = net.dense(net.quant(net.add("Transpose", y, perm=[0, 2, 1]), 0.06), HIDDEN, OUTPUTS)
    graph = tr.load(net.save(tmp_path / "net.onnx", y, opset=21))
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 20, seed=1))
    assert (result.mismatches, result.vectors) == (0, 20), result.first


def test_a_normalization_that_the_version_of_the_file_lacks_is_refused(tmp_path: Path):
    net = Network(0)
    y = net.dense(net.quant(groups(net), 0.06), HIDDEN, OUTPUTS)
    with pytest.raises(tr.TailraceError, match=r"GroupNormalization\): the operation cannot be executed"):
        tr.load(net.save(tmp_path / "net.onnx", y, opset=17))


def refused(net: Network, y: str, folder: Path) -> str:
    with pytest.raises(tr.TailraceError) as caught:
        tr.load(net.save(folder / "net.onnx", net.dense(net.quant(y, 0.06), HIDDEN, OUTPUTS)))
    return str(caught.value)


def test_an_epsilon_of_zero_is_refused(tmp_path: Path):
    net = Network(0)
    y = net.add("LayerNormalization", quantized(net), net.random(HIDDEN), epsilon=0.0)
    message = refused(net, y, tmp_path)
    assert "its epsilon is 0: a group whose values are all equal would be 0 / 0" in message
    assert "give the layer an epsilon (1e-5 is usual)" in message


def test_a_mean_that_is_read_is_refused(tmp_path: Path):
    net = Network(0)
    y = net.add("LayerNormalization", quantized(net), net.random(HIDDEN))
    net.nodes[-1].output.append("mean")
    message = refused(net, net.add("Add", y, "mean"), tmp_path)
    assert "its output mean is read" in message


def test_groups_of_one_are_refused(tmp_path: Path):
    net = Network(0)
    x = net.add("Reshape", quantized(net), net.constant([1, TOKENS * HIDDEN, 1], np.int64))
    y = net.add("LayerNormalization", x, net.random(1))
    y = net.add("Reshape", y, net.constant([1, TOKENS, HIDDEN], np.int64))
    assert "it normalizes groups of 1" in refused(net, y, tmp_path)


def test_floats_in_front_are_refused(tmp_path: Path):
    net = Network(0)
    y = net.add("LayerNormalization", net.add("Exp", net.hidden()), net.random(HIDDEN))
    assert "is not quantized" in refused(net, y, tmp_path)


def test_a_form_that_is_no_normalization_is_refused_as_before(tmp_path: Path):
    net = Network(0)
    x, other = quantized(net), net.quant(net.hidden(), 0.06)
    root = net.add("Sqrt", net.add("Add", net.add("ReduceMean", net.add("Mul", x, x), axes=[-1]), EPSILON))
    assert "(from Mul n_t8) is not quantized" in refused(net, net.add("Div", other, root), tmp_path)
