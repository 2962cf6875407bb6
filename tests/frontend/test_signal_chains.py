# SPDX-License-Identifier: Apache-2.0
"""Quantizers behind anything: random chains are exact, and what each step of the way does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, Generated, check
from signal_chains import random_chain
from tailrace.frontend import UnsupportedError, load_onnx
from tailrace.frontend.files import network_of
from tailrace.frontend.hoisting import hoist_picks
from tailrace.frontend.sinking import sink_carriers

TRUE_REASONS = (
    "is not quantized",  # a sigmoid, summed or averaged
    "is not monotone",
    "would need",  # bits without a quantizer
    "is not on the grid of its input",  # what a chain makes of the value of a Pad
    "too fine to put zero among them",  # padding of what each channel has clipped at another end
    "stands in front of",
    "scale of its input differs from pixel to pixel",
)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_a_random_chain_is_exact_or_refused_with_a_reason(seed, tmp_path_factory):
    network = random_chain(seed)
    try:
        check(network, tmp_path_factory.mktemp("chain"))
    except UnsupportedError as error:
        assert any(reason in problem.found for problem in error.problems for reason in TRUE_REASONS), error  # noqa: PT017


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 100))
def test_two_thousand_chains_are_exact_or_refused(first, tmp_path):
    for seed in range(first, first + 100):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            check(random_chain(seed), folder)
        except UnsupportedError:
            continue


@pytest.mark.parametrize(
    "seed",
    [
        14,  # a Concat of one tensor twice
        73,  # a global maximum behind a batch-norm of negative gain
        1400,  # a batch-norm of one channel, behind a transposed image of four
    ],
)
def test_a_chain_that_was_once_wrong_is_right(seed, tmp_path):
    check(random_chain(seed), tmp_path)


def image(build: Builder, channels: int = 4, kernel: int = 1) -> str:
    """An accumulator: a convolution of a quantized image."""
    x = build.inputs[0].name if build.inputs else build.input([1, 2, 6, 6])
    x = build.quant(x, bits=6, scale=0.125)
    weights = build.constant(build.rng.normal(0, 1, (channels, 2, kernel, kernel)))
    return build.node("Conv", x, build.quant(weights, bits=4, scale=0.11))


def normed(build: Builder, y: str, gains: list[float]) -> str:
    n = len(gains)
    parts = [gains, build.rng.normal(0, 0.4, n), build.rng.normal(0, 0.4, n), build.rng.uniform(0.3, 2, n)]
    return build.node("BatchNormalization", y, *(build.constant(p) for p in parts))


def operations(model, *passes) -> list[str]:
    network = network_of(model)
    for each in passes:
        network = each(network)
    return [node.op_type for node in network.nodes]


def kinds(model) -> list[str]:
    """The operations of the integer graph."""
    return [type(node).__name__ for node in load_onnx(model).nodes]


def exact(model, tmp_path, size: int = 6) -> None:
    x = np.random.default_rng(1).normal(0, 1.2, (20, 2, size, size)).astype(np.float32)
    check(Generated(model, None, x), tmp_path)


def test_a_quantizer_is_pushed_through_layout_pool_and_concatenation(tmp_path):
    build = Builder()
    parts = [normed(build, image(build), [1.0, -0.5, 0.7, 1.2]) for _ in range(2)]
    y = build.node("Concat", *parts, axis=1)
    y = build.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = build.node("Flatten", build.node("Relu", y))
    model = build.model(build.quant(y, signed=0))
    found = operations(model, sink_carriers)
    assert found[-3:] == ["Concat", "MaxPool", "Flatten"]
    assert found.count("Relu") == 2
    exact(model, tmp_path)


def test_every_reader_of_a_pool_has_its_own_tail(tmp_path):
    build = Builder()
    y = build.node("MaxPool", build.node("Sigmoid", image(build)), kernel_shape=[2, 2], strides=[2, 2])
    a, b = build.quant(y, bits=3), build.quant(build.node("Relu", y), bits=5, scale=0.03, signed=0)
    model = build.model(build.quant(build.node("Add", a, b)))
    assert operations(model, sink_carriers).count("MaxPool") == 2
    exact(model, tmp_path)


def test_a_slice_picks_accumulators(tmp_path):
    build = Builder()
    y = normed(build, image(build), [1.0, -0.5, 0.7, 1.2])
    ends = [build.constant([n], np.int64) for n in (1, 3, 1)]
    y = build.node("Slice", build.node("Tanh", y), *ends)
    model = build.model(build.quant(build.node("Neg", y)))
    found = operations(model, sink_carriers, hoist_picks)
    assert found.index("Slice") == found.index("Conv") + 1
    assert "Affine" not in kinds(model)
    exact(model, tmp_path)


def test_padding_carries_what_the_chain_makes_of_its_value(tmp_path):
    build = Builder()
    pads = build.constant([0, 0, 1, 0, 0, 0, 0, 2], np.int64)
    y = build.node("Pad", image(build), pads, build.constant(0.4))
    y = build.node("Add", y, build.constant(1.0))
    model = build.model(build.quant(y, bits=6))
    assert operations(model, sink_carriers)[-1] == "Pad"
    exact(model, tmp_path)


def test_a_sum_is_exact_where_the_steps_allow_it(tmp_path):
    """Powers of two have a common step: nothing is rounded, and nobody is told so."""
    build = Builder()
    a, b = (build.node("Relu", build.node("Mul", image(build), build.constant(2.0**k))) for k in (-3, 2))
    model = build.model(build.quant(build.node("Add", a, b), bits=6))
    assert not [n for n in load_onnx(model).notices if "grid" in n]
    exact(model, tmp_path)


def test_a_sum_of_batch_norms_is_on_a_grid_and_says_so(tmp_path):
    build = Builder()
    a, b = (normed(build, image(build), [1.0, -0.5, 0.7, 1.2]) for _ in range(2))
    model = build.model(build.quant(build.node("Relu", build.node("Add", a, b)), bits=6, signed=0))
    graph = load_onnx(model)
    assert [type(node).__name__ for node in graph.nodes].count("Affine") == 2
    assert any("summed or averaged without a quantizer" in notice for notice in graph.notices)
    exact(model, tmp_path)


def test_a_clip_of_the_accumulator_itself_needs_no_grid(tmp_path):
    build = Builder()
    y = build.node("GlobalAveragePool", build.node("Relu", image(build, kernel=3)))
    model = build.model(build.quant(build.node("Flatten", y), bits=6, scale=0.02))
    graph = load_onnx(model)
    assert not [n for n in graph.notices if "grid" in n]
    assert max(t.type.bits for t in graph.tensors.values()) < 24
    exact(model, tmp_path)


def test_a_sum_of_three_is_a_sum_of_two_and_one(tmp_path):
    build = Builder()
    y = build.node("Sum", *(image(build) for _ in range(3)))
    model = build.model(build.quant(y, bits=6))
    assert kinds(model).count("Add") == 2
    exact(model, tmp_path)


def test_a_sigmoid_cannot_be_averaged_without_a_quantizer():
    build = Builder()
    y = build.node("GlobalAveragePool", build.node("Sigmoid", image(build, kernel=3)))
    with pytest.raises(UnsupportedError, match="is not quantized"):
        load_onnx(build.model(build.quant(build.node("Flatten", y))))


def bent(build: Builder) -> str:
    """LeakyRelus behind a batch-norm of both signs and behind an accumulator, batch-normed again and added."""
    y = build.node("LeakyRelu", normed(build, image(build), [0.7, -1.1, 0.4, 1.3]), alpha=0.1)
    z = build.node("LeakyRelu", image(build, kernel=1), alpha=0.3)
    return build.node("Add", normed(build, y, [1.0, -0.5, 0.8, 1.2]), z)


def bent_mean(build: Builder) -> str:
    """PRelu with slopes of both signs and one of 0, averaged with padding that does not count."""
    slopes = build.constant(np.array([-0.25, 0.1, 0.0, 0.75], np.float32).reshape(4, 1, 1))
    y = build.node("PRelu", image(build), slopes)
    return build.node("AveragePool", y, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def bent_twice(build: Builder) -> str:
    """Abs behind a LeakyRelu, both of steep powers of two, less a HardSigmoid."""
    y = build.node("LeakyRelu", image(build), alpha=0.25)
    y = build.node("Abs", build.node("Add", y, build.constant(0.5)))
    z = build.node("HardSigmoid", image(build, kernel=1), alpha=0.125)
    return build.node("Sub", y, z)


def other_ends(build: Builder) -> str:
    """A clip with both ends elsewhere in every channel, padded and summed up."""
    y = normed(build, build.clip(image(build), -1.0, 2.0), [0.7, -1.1, 0.4, 1.3])
    y = build.node("Pad", y, build.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    return build.node("AveragePool", y, kernel_shape=[3, 3])


def one_end(build: Builder) -> str:
    """A ReLU with its end elsewhere in every channel, averaged with padding."""
    y = normed(build, build.node("Relu", image(build)), [0.7, 1.1, 0.4, 1.3])
    return build.node("AveragePool", y, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


@pytest.mark.parametrize("chain", [bent, bent_mean, bent_twice, other_ends, one_end])
def test_what_is_piecewise_linear_is_summed_without_a_quantizer(chain, tmp_path):
    build = Builder(seed=3, opset=16)
    out = build.quant(chain(build), bits=7, scale=0.06)
    x = build.rng.normal(0, 1.2, (12, 2, 6, 6)).astype(np.float32)
    check(Generated(build.model(out), None, x), tmp_path)


def test_slopes_of_zero_and_one_are_refused_by_name(tmp_path):
    build = Builder(seed=3, opset=16)
    y = build.node(
        "PRelu", image(build), build.constant(np.array([0.0, 0.1, 1.0, -1], np.float32).reshape(4, 1, 1))
    )
    out = build.quant(build.node("GlobalAveragePool", y), bits=7)
    with pytest.raises(UnsupportedError, match="is not quantized"):
        check(Generated(build.model(out), None, np.zeros((1, 2, 6, 6), np.float32)), tmp_path)
