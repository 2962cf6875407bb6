# SPDX-License-Identifier: Apache-2.0
"""Convolutional networks, public and random: the import equals the network's own software, or says why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tailrace
from hypothesis import given, settings
from hypothesis import strategies as st
from image_networks import random_image_network
from networks import Builder, check
from tailrace.frontend import UnsupportedError
from tailrace.graph import Permute, Shuffle
from tailrace.graph.passes import pipeline as passes
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from networks import Generated

PUBLIC = (
    "CNV_light_CIFAR10_W1A1",
    "CNV_light_GTSRB_W1A1",
    "CNV_light_GTSRB_W2A2",
    "CNV_light_GTSRB_W8A4",
    "gtsrb_12x12_w2a3",
    "radioml_cnn1d_2class",
    "espcn_subpixel_quant",
    "qonnx_eltwise_chanlast",
)


def checked(network: Generated, folder: Path) -> None:
    """Compare a random network with its software; one that is refused must be refused with a reason."""
    try:
        check(network, folder)
    except UnsupportedError as error:
        if not all(problem.hint for problem in error.problems):
            raise


@settings(max_examples=150)
@given(seed=st.integers(0, 10**6))
def test_a_random_network_computes_what_its_software_computes(seed, tmp_path_factory):
    checked(random_image_network(seed), tmp_path_factory.mktemp("network"))


@pytest.mark.slow
@settings(max_examples=3000)
@given(seed=st.integers(0, 10**7))
def test_thousands_of_random_networks_compute_what_their_software_computes(seed, tmp_path_factory):
    checked(random_image_network(seed), tmp_path_factory.mktemp("network"))


@pytest.mark.parametrize(
    "seed",
    [
        24,  # a part of a split that nobody reads
        34,  # a pool moved behind its quantizer, and float sums beyond 24 bits behind it
        411,  # a pool moved behind its quantizer, whose float accumulator is off by a rounding
        2102,  # a rounding that leads to an integer which exact arithmetic does not reach
    ],
)
def test_a_network_that_was_once_wrong_is_right(seed, tmp_path):
    check(random_image_network(seed), tmp_path)


def test_equal_seeds_give_equal_networks():
    assert (
        random_image_network(5).model.SerializeToString() == random_image_network(5).model.SerializeToString()
    )


def test_a_public_network_without_golden_outputs_equals_its_software_on_random_images(shared_models):
    graph = tailrace.load(shared_models / "nn2fpga_resnet8.onnx")
    result = verify_software(graph, graph.reference, random_inputs(graph, 16, seed=3))
    assert result.mismatches == 0, result.first
    assert (result.vectors, result.tensors) == (16, 28)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_network_equals_its_software_at_every_quantizer(name, shared_models):
    graph = tailrace.load(shared_models / f"{name}.onnx")
    with np.load(shared_models / f"{name}.golden.npz") as golden:
        inputs, outputs = golden["inputs"][:8], golden["outputs"][:8]
    result = verify_software(graph, graph.reference, graph.host.batch(inputs))
    assert result.mismatches == 0, result.first
    assert result.vectors == len(inputs)
    predicted = graph.predict(inputs).reshape(outputs.shape)
    if not result.framework_rounding and graph.host.output.after is None:
        off_grid = not np.array_equal(graph.host.on_grid(inputs), graph.host.batch(inputs))
        scale = np.abs(graph.host.output.scale).min()
        assert off_grid or np.array_equal(np.rint(predicted / scale), np.rint(outputs / scale))
    lowered = passes.run(graph)
    q = graph.host.encode(inputs).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), lowered.predict_int(q))


def test_a_pixel_shuffle_in_three_operations_is_found(tmp_path):
    build = Builder(opset=13)
    x = build.quant(build.input([1, 2, 3, 4]), bits=3)
    kernel = build.quant(build.constant(build.rng.normal(0, 1, (8, 2, 1, 1))), bits=3)
    x = build.quant(build.node("Conv", x, kernel), bits=3)
    y = build.node("Reshape", x, build.constant([1, 2, 2, 2, 3, 4], np.int64))
    y = build.node("Transpose", y, perm=[0, 3, 4, 1, 5, 2])
    y = build.node("Reshape", y, build.constant([1, 2, 6, 8], np.int64))
    weights = build.quant(build.constant(build.rng.normal(0, 1, (3, 2, 1, 1))), bits=3)
    onnx.save(build.model(build.node("Conv", y, weights)), tmp_path / "net.onnx")
    graph = passes.run(tailrace.load(tmp_path / "net.onnx"))
    assert [type(n) for n in graph.nodes if isinstance(n, (Permute, Shuffle))] == [Shuffle]


def test_an_axis_that_moves_in_front_of_a_whole_layer_is_its_weights_business(tmp_path):
    build = Builder(opset=13)
    y = build.node("Transpose", build.quant(build.input([1, 4, 3])), perm=[0, 2, 1])
    y = build.node("Flatten", y)
    weights = build.quant(build.constant(build.rng.normal(0, 1, (12, 5))), bits=3)
    onnx.save(build.model(build.node("MatMul", y, weights)), tmp_path / "net.onnx")
    graph = passes.run(tailrace.load(tmp_path / "net.onnx"))
    assert not any(isinstance(n, Permute) for n in graph.nodes)


def test_the_integer_graph_classifies_photos_like_its_software(shared_models, shared_data):
    photos = np.load(shared_data / "cifar10_test_slice_1000.npz")
    images = (photos["x"][:500].transpose(0, 3, 1, 2) / np.float32(255)).astype(np.float32)
    found = tailrace.load(shared_models / "CNV_light_CIFAR10_W1A1.onnx").predict(images).argmax(axis=-1)
    assert int((found.ravel() == photos["y"][:500]).sum()) == 330  # 66.00 % under QONNX, too
