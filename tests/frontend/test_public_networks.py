# SPDX-License-Identifier: Apache-2.0
"""The eight public quantized perceptrons: golden outputs, accuracy, and the speed of the golden model."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import tailrace
from tailrace.graph.passes import pipeline as passes
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs, random_integers

MAPPED = (
    "TFC_1W1A",
    "TFC_2W2A",
    "cern_qmlp57",
    "finn_tfc_w1a1_finnonnx",
    "finnlab_tfc_w2a2_finnonnx",
    "hls4ml_bnn_fc_1layer",
    "qkeras_jettagging",
    "unsw_nb15-mlp-w2a2",
)


@pytest.fixture(scope="module", params=MAPPED)
def network(request, shared_models):
    """A network's graph with its golden inputs and outputs."""
    golden = np.load(shared_models / f"{request.param}.golden.npz")
    graph = tailrace.load(shared_models / f"{request.param}.onnx")
    return graph, golden["inputs"], golden["outputs"]


def test_predictions_equal_the_golden_outputs(network):
    graph, inputs, outputs = network
    assert np.array_equal(outputs, graph.predict(inputs).reshape(outputs.shape))


def test_every_quantizer_equals_the_software(network):
    graph, inputs, _ = network
    golden = verify_software(graph, graph.reference, inputs[:6])
    random = verify_software(graph, graph.reference, random_inputs(graph, 4, seed=3))
    assert (golden.mismatches, random.mismatches) == (0, 0)
    assert golden.tensors > 1


def test_the_passes_leave_the_function_as_it_is(network):
    graph, inputs, _ = network
    lowered = passes.run(graph)
    q = random_integers(graph, 200, seed=5).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), lowered.predict_int(q))
    assert np.array_equal(graph.predict(inputs), lowered.predict(inputs))


@pytest.fixture(scope="module")
def digits(shared_data):
    """The MNIST test set: images (10000, 1, 28, 28) in 0..1, and labels."""
    images = np.frombuffer(
        gzip.decompress((shared_data / "mnist_t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8
    )
    labels = np.frombuffer(
        gzip.decompress((shared_data / "mnist_t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8
    )
    return (images.reshape(-1, 1, 28, 28) / np.float32(255)).astype(np.float32), labels


@pytest.mark.parametrize(("name", "right"), [("TFC_1W1A", 9296), ("TFC_2W2A", 9660)])
def test_the_integer_graph_classifies_the_digits_like_its_software(name, right, digits, shared_models):
    images, labels = digits
    found = tailrace.load(shared_models / f"{name}.onnx").predict(images).argmax(axis=-1)
    assert int((found == labels).sum()) == right
