# SPDX-License-Identifier: Apache-2.0
"""E1 tells rounding of the framework from errors of ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from tailrace.core.steps import Steps
from tailrace.graph import Dense, Depthwise, Map, retype
from tailrace.verify.software import verify_software

TENTH = np.float32(0.1)


def load_tie(folder):
    """Three terms of 0.1, then a quantizer whose steps are twice as far apart: every odd sum is a tie."""
    build = Builder()
    x = build.quant(build.input([1, 3]), scale=TENTH, bits=4)
    w = build.quant(build.constant(np.ones((3, 2)) * [1, -1]), scale=1.0, bits=2)
    y = build.node("MatMul", x, w)
    return load(build, folder, build.quant(y, scale=TENTH * 2, bits=5))


def load(build: Builder, folder, name: str):
    path = folder / "network.onnx"
    onnx.save(build.model(name), path)
    return tailrace.load(path)


def all_inputs() -> np.ndarray:
    grid = np.arange(-8, 8)
    points = np.stack(np.meshgrid(grid, grid, [-8, 1], indexing="ij"), axis=-1).reshape(-1, 3)
    return (points * TENTH).astype(np.float32)


def test_ties_that_float_summation_decides_otherwise_are_counted_as_rounding(tmp_path):
    graph = load_tie(tmp_path)
    result = verify_software(graph, graph.reference, all_inputs())
    assert result.mismatches == 0
    assert result.framework_rounding > 0
    # Without ties there is nothing to round: an even sum only.
    even = all_inputs()[np.rint(all_inputs().astype(float) * 10).sum(axis=1) % 2 == 0]
    assert verify_software(graph, graph.reference, even).framework_rounding == 0


def test_a_tail_that_the_software_itself_does_not_follow_is_no_rounding(tmp_path):
    graph = load_tie(tmp_path)
    software, quantized = graph.reference, graph.nodes[-1].output
    origin = graph.tensors[quantized].origin

    class Other:
        """The software, with one number behind its quantizer that its own accumulator does not lead to."""

        def __getattr__(self, name):
            return getattr(software, name)

        def run(self, x, names):
            found = software.run(x, names)
            found[origin][5, 1] += 2 * TENTH
            return found

    x = all_inputs()
    rounded = verify_software(graph, software, x)
    result = verify_software(graph, Other(), x)
    assert rounded.mismatches == 0
    assert result.mismatches == 1
    assert (result.first.layer, result.first.index[0]) == (quantized, 5)
    assert result.framework_rounding - rounded.framework_rounding in {-1, 0}


def corrupt(graph, change):
    """Return the graph with one node changed."""
    nodes = tuple(change(node) for node in graph.nodes)
    assert sum(a is not b for a, b in zip(nodes, graph.nodes, strict=True)) == 1
    return retype(graph, nodes)


def test_a_weight_that_is_off_by_one_is_a_mismatch(tmp_path):
    graph = load_tie(tmp_path)

    def change(node):
        if not isinstance(node, Dense):
            return node
        weights = node.weights.copy()
        weights[0, 0] += 1
        return replace(node, weights=weights)

    result = verify_software(corrupt(graph, change), graph.reference, all_inputs())
    assert result.mismatches > 0
    assert result.first is not None
    assert result.first.layer == "map_0"
    assert result.first.check == "software"


@pytest.mark.parametrize("offset", [-1, 1])
@pytest.mark.parametrize("step", [0, 3, -1])
def test_a_threshold_that_is_off_by_one_is_a_mismatch_even_at_a_tie(offset, step, tmp_path):
    graph = load_tie(tmp_path)

    def change(node):
        if not isinstance(node, Map):
            return node
        breaks = node.steps.breaks.copy()
        breaks[0, step] += offset
        return replace(node, steps=Steps(breaks, node.steps.values))

    good = verify_software(graph, graph.reference, all_inputs())
    bad = verify_software(corrupt(graph, change), graph.reference, all_inputs())
    assert good.mismatches == 0
    assert bad.mismatches > 0


@pytest.mark.parametrize("vectors", [1, 7])
def test_vectors_that_are_compared_in_groups_give_the_same_result(vectors, tmp_path, monkeypatch):
    graph = load_tie(tmp_path)

    def change(node):
        return replace(node, bias=node.bias + np.array([0, 1])) if isinstance(node, Dense) else node

    pairs = [(graph, all_inputs()), (corrupt(graph, change), all_inputs()[-40:])]

    def results():
        return [verify_software(ours, graph.reference, x) for ours, x in pairs]

    together = results()
    size = sum(tensor.size for tensor in graph.tensors.values())
    monkeypatch.setattr("tailrace.verify.software.VALUES_AT_ONCE", vectors * size)
    for group, whole in zip(results(), together, strict=True):
        assert replace(group, first=None) == replace(whole, first=None)
        assert str(group.first) == str(whole.first)
    assert together[0].framework_rounding > 0
    assert together[1].mismatches > 0
    x = np.concatenate([np.zeros((10, 3), np.float32), all_inputs()[-40:]])
    late = verify_software(corrupt(graph, change), graph.reference, x).first
    assert late is not None
    assert late.index == (10 + together[1].first.index[0], *together[1].first.index[1:])


def test_logits_that_are_off_by_one_are_a_mismatch(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]), scale=0.25, bits=4)
    y = build.node("MatMul", x, build.quant(build.constant(np.eye(4)[:, :3]), scale=0.3, bits=4))
    graph = load(build, tmp_path, y)

    def change(node):
        return replace(node, bias=node.bias + np.array([0, 1, 0])) if isinstance(node, Dense) else node

    inputs = np.random.default_rng(1).normal(0, 1, (8, 4)).astype(np.float32)
    assert verify_software(graph, graph.reference, inputs).mismatches == 0
    assert verify_software(corrupt(graph, change), graph.reference, inputs).mismatches == 8


@pytest.mark.parametrize("channels", [2, 4], ids=["depthwise", "grouped"])
def test_float_sums_beyond_24_bits_are_rounding_and_a_wrong_bias_is_not(channels, tmp_path):
    build = Builder()
    x = build.quant(build.input([1, channels, 5, 5]), scale=1, bits=16)
    weights = np.random.default_rng(2).integers(-(1 << 13), 1 << 13, (4, channels // 2, 3, 3))
    y = build.node("Conv", x, build.quant(build.constant(weights), scale=1, bits=14), group=2)
    graph = load(build, tmp_path, y)
    first = next(node for node in graph.nodes if isinstance(node, (Dense, Depthwise)))

    def change(node):
        return replace(node, bias=node.bias + 1) if node is first else node

    inputs = np.random.default_rng(3).normal(0, 10_000, (8, channels, 5, 5)).astype(np.float32)
    good = verify_software(graph, graph.reference, inputs)
    assert good.mismatches == 0
    assert good.framework_rounding > 0
    assert verify_software(corrupt(graph, change), graph.reference, inputs).mismatches > 0


def test_an_index_is_compared_too(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]), scale=0.25, bits=4)
    y = build.node("MatMul", x, build.quant(build.constant(np.eye(4)), scale=0.25, bits=3))
    path = tmp_path / "network.onnx"
    onnx.save(build.model(build.node("ArgMax", y, axis=1), kind=onnx.TensorProto.INT64), path)
    graph = tailrace.load(path)
    inputs = np.random.default_rng(1).normal(0, 1, (16, 4)).astype(np.float32)
    assert verify_software(graph, graph.reference, inputs).mismatches == 0

    def change(node):
        return replace(node, bias=node.bias + np.array([0, 9, 0, 0])) if isinstance(node, Dense) else node

    assert verify_software(corrupt(graph, change), graph.reference, inputs).mismatches > 0
