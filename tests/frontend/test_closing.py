# SPDX-License-Identifier: Apache-2.0
"""The end of a network: what is left to the host, the class that the hardware finds, and graphs without a layer."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from tailrace.core.errors import ModelError
from tailrace.frontend.closing import needed_nodes
from tailrace.graph import ArgMax, Bias, Dense


def logits(build: Builder) -> str:
    x = build.quant(build.input([1, 4]), bits=4)
    return build.node("MatMul", x, build.quant(build.constant(build.rng.normal(0, 1, (4, 3))), bits=3))


def load(build: Builder, output: str, tmp_path):
    onnx.save(build.model(output), tmp_path / "net.onnx")
    return tailrace.load(tmp_path / "net.onnx")


def test_a_softmax_at_the_end_is_the_hosts(tmp_path):
    build = Builder()
    graph = load(build, build.node("Softmax", logits(build)), tmp_path)
    assert [type(node) for node in graph.nodes] == [Dense]
    x = build.rng.normal(0, 2, (5, 4)).astype(np.float32)
    end = graph.host.output.name
    assert np.array_equal(graph.predict(x), graph.reference.run(x, [end])[end])


def test_an_index_at_the_end_is_found_in_the_hardware(tmp_path):
    build = Builder()
    graph = load(build, build.node("ArgMax", logits(build), axis=1, keepdims=0), tmp_path)
    assert [type(node) for node in graph.nodes] == [Dense, ArgMax]


def test_what_does_not_lead_to_the_output_is_left_out():
    bias = np.zeros(2, np.int64)
    nodes = [
        Bias(name="a", input="x", output="a", values=bias),
        Bias(name="unused", input="a", output="b", values=bias),
        Bias(name="c", input="a", output="y", values=bias),
    ]
    assert [node.name for node in needed_nodes(nodes, {"y"})] == ["a", "c"]


def test_a_network_without_a_layer_says_what_is_missing(tmp_path):
    build = Builder()
    with pytest.raises(
        ModelError, match="it has no layer: what it does, the host does when it sends the input"
    ):
        load(build, build.quant(build.input([1, 4]), bits=4), tmp_path)
