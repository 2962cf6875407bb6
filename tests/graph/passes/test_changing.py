# SPDX-License-Identifier: Apache-2.0
"""Passes that change the function do exactly what they say, and say that they did."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import tailrace as tr
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, random_network
from tailrace.core.errors import MappingError, UsageError
from tailrace.graph import Dense, Depthwise, Graph, Map, retype
from tailrace.graph.passes import pipeline as passes
from tailrace.verify.vectors import random_inputs, random_integers
from tiny_network import write_tiny

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def layer(graph: Graph, name: str) -> Any:
    """The node of that name."""
    return next(node for node in graph.nodes if node.name == name)


@pytest.fixture
def tiny(tmp_path: Path) -> Graph:
    """Two dense layers with a map between them."""
    return tr.load(write_tiny(tmp_path / "tiny.onnx"))


# --- prune ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.99])
def test_the_smallest_weights_become_zero_so_many_that_the_share_is_met(share: float, tiny: Graph) -> None:
    weights = layer(tiny, "dense_0").weights
    changed = layer(tr.change(tiny, {"dense_0": {"prune": share}}), "dense_0").weights
    count = int(share * weights.size)
    gone = changed != weights
    assert (changed[gone] == 0).all()
    assert (changed == 0).sum() == max(count, (weights == 0).sum())
    if gone.any() and (~gone).any():
        assert np.abs(weights[gone]).max() <= np.abs(weights[changed != 0]).min()


def test_only_the_named_layers_change_and_a_star_means_all(tiny: Graph) -> None:
    one = tr.change(tiny, {"dense_1": {"prune": 0.5}})
    assert np.array_equal(layer(one, "dense_0").weights, layer(tiny, "dense_0").weights)
    assert (layer(one, "dense_1").weights == 0).sum() >= 6
    every = tr.change(tiny, {"*": {"prune": 0.5}, "dense_1": {"prune": 0.0}})
    assert (layer(every, "dense_0").weights == 0).sum() >= 12
    assert np.array_equal(layer(every, "dense_1").weights, layer(tiny, "dense_1").weights)


# --- requantize_weights ---------------------------------------------------------------------------


def coarse(graph: Graph, bits: Mapping[str, int]) -> Graph:
    """The graph with the weights of layers on a coarser grid, the factor still in them: what the pass promises."""
    nodes = list(graph.nodes)
    for index, node in enumerate(nodes):
        if not isinstance(node, (Dense, Depthwise)) or node.name not in bits:
            continue
        low, high = int(node.weights.min()), int(node.weights.max())
        need = 1 + max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)
        shift = need - bits[node.name]
        if shift <= 0:
            continue
        half = 1 << (bits[node.name] - 1)
        weights = np.clip(np.rint(node.weights / 2.0**shift), -half, half - 1).astype(np.int64) << shift
        readers = graph.consumers(node.output)
        bias = node.bias
        if not (len(readers) == 1 and isinstance(readers[0], Map) and node.output != graph.output):
            bias = np.rint(bias / 2.0**shift).astype(np.int64) << shift
        nodes[index] = replace(node, weights=weights, bias=bias)
    return retype(graph, tuple(nodes))


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), bits=st.integers(2, 4))
def test_fewer_bits_compute_what_coarser_weights_compute(
    seed: int, bits: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = random_network(seed)
    folder = tmp_path_factory.mktemp("network")
    onnx.save(network.model, folder / "net.onnx")
    graph = passes.merge_bias(tr.load(folder / "net.onnx", network.input_type))
    done = {}
    changed = graph
    for node in graph.nodes:
        if isinstance(node, (Dense, Depthwise)):
            refused = ""
            try:
                changed = tr.change(changed, {node.name: {"weight_bits": bits}})
            except MappingError as error:
                refused = error.message
            if refused:
                assert "a factor of" in refused
                continue
            done[node.name] = bits
            have = layer(changed, node.name).weights
            assert have.min() >= -(1 << (bits - 1))
            assert have.max() < 1 << (bits - 1)
    x = random_inputs(graph, 40, seed)
    assert np.array_equal(coarse(graph, done).predict(x), changed.predict(x))
    q = random_integers(changed, 40, seed).reshape(-1, *changed.tensors[changed.input].shape)
    for name, values in changed.trace_int(q).items():
        assert (values >= changed.tensors[name].low).all(), name
        assert (values <= changed.tensors[name].high).all(), name


def test_the_bits_are_saved_in_the_hardware(tiny: Graph) -> None:
    saved = tr.plan(tiny, layers={"dense_0": {"weight_bits": 2}})
    before = tr.plan(tiny)

    def bits(plan: Any) -> int:
        return next(s.block for s in plan.instances if s.name == "dense_0").product.weight_bits

    assert (bits(before), bits(saved)) == (3, 2)


def test_a_factor_that_nobody_can_take_is_refused(tmp_path: Path) -> None:
    build = Builder()
    x = build.quant(build.input([1, 4]), bits=4)
    w = build.quant(build.constant(build.rng.normal(0, 4, (4, 4))), scale=0.25, bits=6)
    y = build.node("MatMul", x, w)
    both = build.node("Add", build.quant(y, bits=5), build.quant(y, bits=3))
    onnx.save(build.model(build.quant(both, bits=4)), tmp_path / "net.onnx")
    with pytest.raises(
        MappingError, match=r"fewer weight bits leave a factor of \d+ that .* cannot take"
    ) as error:
        tr.change(tr.load(tmp_path / "net.onnx"), {"dense_0": {"weight_bits": 2}})
    assert error.value.where == "dense_0"
    assert error.value.hint == "leave weight_bits out for this layer"


# --- what is asked for ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            {"prune": 1.0},
            "layer dense_0: prune is 1.0\n  hint: wanted a share of the weights from 0 to below 1",
        ),
        ({"prune": "half"}, "layer dense_0: prune is 'half'"),
        (
            {"weight_bits": 1},
            "layer dense_0: weight_bits is 1\n  hint: wanted a whole number of bits, at least 2",
        ),
        ({"weight_bits": True}, "layer dense_0: weight_bits is True"),
        ({"prun": 0.5}, "layer dense_0: unknown key 'prun'\n  hint: did you mean prune?"),
    ],
)
def test_values_that_cannot_be_are_refused(table: dict[str, Any], said: str, tiny: Graph) -> None:
    for function in (tr.change, lambda graph, layers: tr.plan(graph, layers=layers)):
        with pytest.raises(UsageError) as error:
            function(tiny, {"dense_0": table})
        assert str(error.value).startswith(said)


def test_layers_without_weights_are_refused(tiny: Graph) -> None:
    with pytest.raises(MappingError) as error:
        tr.change(tiny, {"map_0": {"prune": 0.5}})
    assert str(error.value) == (
        "there is no layer 'map_0' with weights\n  hint: layers with weights: dense_0, dense_1"
    )


def test_a_lowered_graph_cannot_be_changed(tiny: Graph) -> None:
    with pytest.raises(MappingError, match="prune comes before the graph is lowered"):
        tr.change(tr.plan(tiny).graph, {"dense_0": {"prune": 0.5}})


# --- once, and known ------------------------------------------------------------------------------


def test_each_graph_knows_how_far_it_is_and_what_it_was_made_of(tiny: Graph) -> None:
    assert (tiny.form, tiny.made_of) == ("imported", None)
    assert tr.change(tiny, {}) is tiny
    changed = tr.change(tr.change(tiny, {"dense_0": {"prune": 0.5}}), {"dense_1": {"prune": 0.5}})
    assert (changed.form, changed.made_of) == ("changed", tiny)
    assert changed.notices[-2:] == (
        "prune changes what the network computes: dense_0.prune = 0.5",
        "prune changes what the network computes: dense_1.prune = 0.5",
    )
    for plan in (tr.plan(changed), tr.plan(tiny, layers={"*": {"prune": 0.5}})):
        assert plan.graph.form == "lowered"
        assert plan.graph.made_of is not None
        assert plan.graph.made_of.form == "changed"
        assert plan.graph.made_of.made_of is tiny


def test_every_pass_runs_once(tiny: Graph, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "tailrace.graph.passes"):
        plan = tr.plan(tiny, layers={"dense_0": {"prune": 0.5}})
    ran = [message.partition(":")[0] for message in caplog.messages]
    assert ran == ["prune", *(item.name for item in passes.LOWER)]
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "tailrace.graph.passes"):
        assert tr.plan(plan.graph).graph is plan.graph
    assert caplog.messages == []
