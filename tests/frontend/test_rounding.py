# SPDX-License-Identifier: Apache-2.0
"""Quantizers that are written out as Round and Clip are quantizers, in whatever way they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import tailrace as tr
from onnx import TensorProto, helper, numpy_helper
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from pathlib import Path

INPUTS, HIDDEN, OUTPUTS = 6, 5, 3


class Chain:
    """Nodes and constants of a small network, in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def add(self, operation: str, *inputs: object, **attributes: object) -> str:
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, names, [out], name=f"n_{out}", **attributes))
        return out

    def model(self, output: str, features: int) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "chain",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, INPUTS])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, features])],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def clip(chain: Chain, x: str, low: float, high: float) -> str:
    return chain.add("Clip", chain.add("Round", x), low, high)


def clip_first(chain: Chain, x: str, low: float, high: float) -> str:
    return chain.add("Round", chain.add("Clip", x, low - 0.3, high + 0.4))


def min_max(chain: Chain, x: str, low: float, high: float) -> str:
    return chain.add("Max", chain.add("Min", chain.add("Round", x), high), low)


def half_up(chain: Chain, x: str, low: float, high: float) -> str:
    return chain.add("Clip", chain.add("Floor", chain.add("Add", x, 0.5)), low, high)


def ceiling(chain: Chain, x: str, low: float, high: float) -> str:
    return chain.add("Min", chain.add("Identity", chain.add("Max", chain.add("Ceil", x), low)), high)


FORMS = (clip, clip_first, min_max, half_up, ceiling)


def network(form, zero: int, *, fake: bool) -> onnx.ModelProto:
    """Two layers; ``fake``: every quantizer is followed by what its integers stand for, as in fake quantization."""
    rng = np.random.default_rng(zero)
    chain = Chain()

    def quantizer(x: str, scale: float, zero: int, low: int, high: int) -> str:
        q = form(chain, chain.add("Add", chain.add("Div", x, scale), float(zero)), low, high)
        return chain.add("Mul", chain.add("Sub", q, float(zero)), scale) if fake else q

    def layer(x: str, ins: int, outs: int) -> str:
        weights = rng.normal(0, 1, (outs, ins))
        w = quantizer(chain.constant(weights), 0.11, 0, -7, 7)
        return chain.add("MatMul", x, chain.add("Transpose", w, perm=[1, 0]))

    x = quantizer("x", 0.043, zero, -128, 127)
    y = layer(x, INPUTS, HIDDEN)
    y = y if fake else chain.add("Mul", y, 0.0047)
    y = quantizer(chain.add("Relu", y), 0.031, zero, -zero % 5 - 5, 10)
    y = layer(y, HIDDEN, OUTPUTS)
    return chain.model(quantizer(y, 0.013 if fake else 2.3, 0, -100, 100), OUTPUTS)


@pytest.mark.parametrize("fake", [True, False], ids=["fake", "integers"])
@pytest.mark.parametrize("zero", [0, 3])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_quantizer_that_is_written_out_is_one(form, zero, fake, tmp_path: Path):
    model = network(form, zero, fake=fake)
    onnx.save(model, tmp_path / "chain.onnx")
    graph = tr.load(tmp_path / "chain.onnx")
    x = random_inputs(graph, 40, seed=1)
    result = verify_software(graph.reference.graph, graph.reference, x)
    assert result.mismatches == 0, result.first
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = np.concatenate([session.run(None, {"x": row.reshape(1, INPUTS)})[0] for row in x])
    assert len(np.unique(theirs)) > 5
    if not (fake and form is ceiling):  # float32 sums beside a tie, which E1 has looked at
        assert result.framework_rounding == 0
        assert np.array_equal(graph.predict(x), theirs)
    kinds = [type(node).__name__ for node in graph.nodes]
    assert (kinds.count("Dense"), kinds.count("Map")) == (2, 2)


@pytest.mark.parametrize("bounds", [None, (-2.5, 3)], ids=["no bounds", "a bound between"])
def test_a_rounding_that_is_no_quantizer_is_a_function_like_any_other(bounds, tmp_path: Path):
    chain = Chain()
    hidden = chain.add(
        "MatMul", clip(chain, chain.add("Div", "x", 0.1), -8, 7), np.full((INPUTS, HIDDEN), 2.0)
    )
    rounded = chain.add("Round", chain.add("Mul", hidden, 0.3))
    if bounds:
        rounded = chain.add("Clip", rounded, *bounds)
    weights = np.arange(HIDDEN * OUTPUTS).reshape(HIDDEN, OUTPUTS)
    onnx.save(chain.model(chain.add("MatMul", rounded, weights), OUTPUTS), tmp_path / "chain.onnx")
    graph = tr.load(tmp_path / "chain.onnx")
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 30, seed=1))
    assert result.mismatches == 0, result.first


@pytest.mark.parametrize("bounds", [(-1, 0), (0, 1), (-1, 1), (2, 2)], ids=str)
def test_a_quantizer_of_few_values_holds_these(bounds, tmp_path: Path):
    chain = Chain()
    weights = np.arange(INPUTS * OUTPUTS).reshape(INPUTS, OUTPUTS) - 9
    hidden = chain.add("MatMul", clip(chain, chain.add("Div", "x", 0.1), -8, 7), weights)
    onnx.save(
        chain.model(clip(chain, chain.add("Mul", hidden, 0.05), *bounds), OUTPUTS), tmp_path / "chain.onnx"
    )
    graph = tr.load(tmp_path / "chain.onnx")
    x = random_inputs(graph, 40, seed=1)
    result = verify_software(graph.reference.graph, graph.reference, x)
    assert result.mismatches == 0, result.first
    assert set(np.unique(graph.predict(x))) == set(range(bounds[0], bounds[1] + 1))


def test_the_transformer_of_deepquant_equals_onnx_runtime(shared_models: Path):
    graph = tr.load(shared_models / "deepquant_transformer.onnx")
    golden = np.load(shared_models / "deepquant_transformer.golden.npz")
    x, y = golden["inputs"], golden["outputs"]
    assert np.array_equal(graph.predict(x.reshape(len(x), *x.shape[2:])).reshape(y.shape), y)
    assert (
        verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 30, seed=2)).mismatches
        == 0
    )
