# SPDX-License-Identifier: Apache-2.0
"""An ONNX Scan is built as a network of one step: sequences equal those of ONNX Runtime, which runs the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import tailrace as tr
from onnx import TensorProto, helper, numpy_helper
from tailrace.core.errors import ModelError
from tailrace.frontend.problems import UnsupportedError
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from pathlib import Path

FEATURES, HIDDEN = 4, 3


def cell(*, first: str = "input", behind: str = "", directions: tuple[int, ...] = (0,)) -> onnx.ModelProto:
    """A recurrent cell as a Scan; ``first``: what its state begins with, ``behind``: a node behind the Scan."""
    rng = np.random.default_rng(2)
    weights = {
        "w": rng.integers(-7, 8, (FEATURES, HIDDEN)) * 0.125,
        "u": rng.integers(-7, 8, (HIDDEN, HIDDEN)) * 0.125,
        "s": np.float32(0.0625),
    }
    quantizers = {"z": np.int8(0), "b": np.array([[1.5, -0.5, 0.25]], np.float32)}
    initializers = [
        numpy_helper.from_array(np.asarray(v, np.float32 if n != "z" else np.int8), n)
        for n, v in {**weights, **quantizers}.items()
    ]

    def quantized(x: str, out: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("QuantizeLinear", [x, "s", "z"], [f"{out}/q"], name=f"{out}/q"),
            helper.make_node("DequantizeLinear", [f"{out}/q", "s", "z"], [out], name=f"{out}/d"),
        ]

    def held(x: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("QuantizeLinear", [x, "s", "z"], [f"{x}/q"], name=f"{x}/q"),
            helper.make_node("DequantizeLinear", [f"{x}/q", "s", "z"], [f"{x}/d"], name=f"{x}/d"),
        ]

    nodes = [
        *quantized("x", "xq"),
        *held("w"),
        *held("u"),
        helper.make_node("MatMul", ["xq", "w/d"], ["a"], name="a"),
        helper.make_node("MatMul", ["h", "u/d"], ["r"], name="r"),
        helper.make_node("Add", ["a", "r"], ["sum"], name="sum"),
        helper.make_node("Add", ["sum", "b"], ["biased"], name="biased"),
        helper.make_node("Tanh", ["biased"], ["tanh"], name="tanh"),
        *quantized("tanh", "next"),
    ]
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        nodes,
        "body",
        [value("h", TensorProto.FLOAT, [1, HIDDEN]), value("x", TensorProto.FLOAT, [1, FEATURES])],
        [value("next", TensorProto.FLOAT, [1, HIDDEN]), value("out", TensorProto.FLOAT, [1, HIDDEN])],
    )
    body.node.append(helper.make_node("Identity", ["next"], ["out"], name="out"))
    scan = helper.make_node(
        "Scan", ["h0", "xs"], ["last", "ys"], name="scan", body=body, num_scan_inputs=1,
        scan_input_directions=list(directions),
    )  # fmt: skip
    whole = [scan]
    inputs = [value("xs", TensorProto.FLOAT, ["steps", 1, FEATURES])]
    if first == "input":
        inputs.insert(0, value("h0", TensorProto.FLOAT, [1, HIDDEN]))
    else:
        start = np.array([[0.5, -0.25, 0.0]] if first == "constant" else [[0.03, 0, 0]], np.float32)
        initializers.append(numpy_helper.from_array(start, "h0"))
    ends = [
        value("last", TensorProto.FLOAT, [1, HIDDEN]),
        value("ys", TensorProto.FLOAT, ["steps", 1, HIDDEN]),
    ]
    if behind:
        whole.append(helper.make_node(behind, ["ys"], ["more"], name="more"))
        ends[1] = value("more", TensorProto.FLOAT, ["steps", 1, HIDDEN])
    graph = helper.make_graph(whole, "cell", inputs, ends, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def whole_sequence(model: onnx.ModelProto, x: np.ndarray, first: str) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {"xs": x} | ({"h0": np.zeros((1, HIDDEN), np.float32)} if first == "input" else {})
    return session.run(["ys"], feed)[0]


@pytest.mark.parametrize("first", ["input", "constant"])
def test_sequences_equal_those_of_the_whole_file(first, tmp_path: Path):
    model = cell(first=first)
    onnx.save(model, tmp_path / "cell.onnx")
    graph = tr.load(tmp_path / "cell.onnx")
    assert [state.leaving.name for state in graph.states] == ["last"]
    assert [end.name for end in graph.host.outputs] == ["ys"]
    x = np.random.default_rng(1).uniform(-3, 3, (3, 40, FEATURES)).astype(np.float32)
    ours = graph.predict(x)
    for sequence, found in zip(x, ours, strict=True):
        theirs = whole_sequence(model, sequence.reshape(-1, 1, FEATURES), first)
        assert np.array_equal(np.asarray(found).reshape(theirs.shape), theirs)
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 30, seed=3))
    assert result.mismatches == 0, result.first


@pytest.mark.slow
@pytest.mark.parametrize("first", ["input", "constant"])
def test_a_scan_is_equal_in_hardware(first, tmp_path: Path):
    onnx.save(cell(first=first), tmp_path / "cell.onnx")
    plan = tr.plan(tr.load(tmp_path / "cell.onnx"), part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=24, seed=1)
    assert [check.mismatches for check in (report.verify.software, report.verify.hls, report.verify.rtl)] == [
        0,
        0,
        0,
    ]


def test_a_public_scan_equals_onnx_runtime(shared_models: Path):
    path = shared_models / "lstm_scan_qcdq.onnx"
    graph = tr.load(path)
    x = np.random.default_rng(4).uniform(-1, 1, (2, 30, 10, 1)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    zeros = {name: np.zeros((20, 1), np.float32) for name in ("inp_a", "inp_b")}
    for sequence, found in zip(x, graph.predict(x), strict=True):
        theirs = session.run(["out_c"], {**zeros, "scan_input": sequence})[0]
        assert np.array_equal(np.asarray(found).reshape(theirs.shape), theirs)


def test_what_a_scan_may_not_be_is_said(tmp_path: Path):
    onnx.save(cell(directions=(1,)), tmp_path / "back.onnx")
    with pytest.raises(ModelError, match="scan_input_directions"):
        tr.load(tmp_path / "back.onnx")
    onnx.save(cell(first="between"), tmp_path / "between.onnx")
    with pytest.raises(ModelError, match=r"begins with 0\.03"):
        tr.load(tmp_path / "between.onnx")
    onnx.save(cell(behind="LpNormalization"), tmp_path / "behind.onnx")
    with pytest.raises(UnsupportedError, match="does not treat every step of the sequence by itself"):
        tr.load(tmp_path / "behind.onnx")


def test_operations_in_front_and_behind_are_part_of_the_step(tmp_path: Path):
    model = cell(behind="Relu")
    model.graph.node[0].input[1] = "doubled"
    front = helper.make_node("Add", ["xs", "xs"], ["doubled"], name="doubled")
    nodes = [front, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, tmp_path / "more.onnx")
    graph = tr.load(tmp_path / "more.onnx")
    assert [end.name for end in graph.host.outputs] == ["more"]
    x = np.random.default_rng(1).uniform(-3, 3, (2, 40, FEATURES)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for sequence, found in zip(x, graph.predict(x), strict=True):
        feed = {"xs": sequence.reshape(-1, 1, FEATURES), "h0": np.zeros((1, HIDDEN), np.float32)}
        theirs = session.run(["more"], feed)[0]
        assert np.array_equal(np.asarray(found).reshape(theirs.shape), theirs)


def gru(hidden: int) -> onnx.ModelProto:
    """A GRU as a Scan: update and reset gates, the reset behind the product with h, as PyTorch has it."""
    rng = np.random.default_rng(hidden)
    numbers = {"fine": np.float32(1 / 128), "wide": np.float32(1 / 16), "unit": np.float32(1 / 256)}
    numbers |= {
        "one": np.float32(1),
        "zero": np.int8(0),
        "none": np.uint8(0),
        "h0": np.zeros((1, hidden), np.float32),
    }
    nodes: list[onnx.NodeProto] = []

    def node(operation: str, *inputs: str) -> str:
        out = f"{operation}{len(nodes)}"
        nodes.append(helper.make_node(operation, list(inputs), [out], out))
        return out

    def quantized(x: str, scale: str, zero: str = "zero") -> str:
        return node("DequantizeLinear", node("QuantizeLinear", x, scale, zero), scale, zero)

    def product(x: str, rows: int, name: str) -> str:
        numbers[name] = rng.uniform(-1, 1, (rows, hidden)).astype(np.float32) / np.float32(np.sqrt(rows))
        return node("MatMul", x, quantized(name, "fine"))

    def gate(name: str) -> str:
        numbers[f"b{name}"] = rng.uniform(-0.5, 0.5, (1, hidden)).astype(np.float32)
        total = node("Add", product(x, FEATURES, f"w{name}"), product("h", hidden, f"u{name}"))
        total = quantized(node("Add", total, f"b{name}"), "wide")
        return quantized(node("Sigmoid", total), "unit", "none")

    x = quantized("x", "wide")
    update, reset = gate("z"), gate("r")
    recurrent = quantized(product("h", hidden, "un"), "wide")
    total = node("Add", product(x, FEATURES, "wn"), node("Mul", reset, recurrent))
    new = quantized(node("Tanh", quantized(total, "wide")), "fine")
    kept = quantized(node("Mul", update, "h"), "fine")
    taken = quantized(node("Mul", node("Sub", "one", update), new), "fine")
    nodes.append(
        helper.make_node("Identity", [quantized(node("Add", kept, taken), "fine")], ["next"], "next")
    )
    nodes.append(helper.make_node("Identity", ["next"], ["out"], "out"))
    value = helper.make_tensor_value_info
    state, step = [1, hidden], [1, FEATURES]
    body = helper.make_graph(
        nodes,
        "body",
        [value("h", TensorProto.FLOAT, state), value("x", TensorProto.FLOAT, step)],
        [value("next", TensorProto.FLOAT, state), value("out", TensorProto.FLOAT, state)],
    )
    scan = helper.make_node("Scan", ["h0", "xs"], ["last", "ys"], name="scan", body=body, num_scan_inputs=1)
    graph = helper.make_graph(
        [scan],
        "gru",
        [value("xs", TensorProto.FLOAT, ["steps", *step])],
        [value("ys", TensorProto.FLOAT, ["steps", *state])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in numbers.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("hidden", [8, 128])
def test_a_gru_equals_onnx_runtime_at_every_step(hidden: int, tmp_path: Path):
    model = gru(hidden)
    onnx.save(model, tmp_path / "gru.onnx")
    graph = tr.load(tmp_path / "gru.onnx")
    x = np.random.default_rng(1).uniform(-4, 4, (2, 64, FEATURES)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for sequence, found in zip(x, graph.predict(x), strict=True):
        theirs = session.run(["ys"], {"xs": sequence.reshape(-1, 1, FEATURES)})[0]
        assert np.array_equal(np.asarray(found).reshape(theirs.shape), theirs)
        assert np.unique(theirs).size > 30
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 16, seed=3))
    assert result.mismatches == 0, result.first


@pytest.mark.slow
def test_a_gru_is_equal_in_hardware(tmp_path: Path):
    onnx.save(gru(8), tmp_path / "gru.onnx")
    plan = tr.plan(tr.load(tmp_path / "gru.onnx", sequence=16), part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=64, seed=1)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]
