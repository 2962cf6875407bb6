# SPDX-License-Identifier: Apache-2.0
"""Networks of sequences become networks of one step: every operation around a recurrent layer, and Brevitas' LSTM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import tailrace as tr
from onnx import TensorProto, helper, numpy_helper
from tailrace.core.errors import ModelError
from tailrace.frontend.problems import UnsupportedError
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from pathlib import Path

FEATURES, HIDDEN, STEPS = 4, 3, 7
GATES = ("input", "forget", "cell", "output")
QUANTIZERS = (
    "output", "cell_state", "input_acc", "forget_acc", "cell_acc", "output_acc", "input_sigmoid", "forget_sigmoid",
    "cell_tanh", "output_sigmoid", "hidden_state_tanh",
)  # fmt: skip
QONNX = "qonnx.custom_op.general"
value_of = helper.make_tensor_value_info


def quant(source: str, output: str) -> onnx.NodeProto:
    """Eight bits on steps of 1/32."""
    return helper.make_node(
        "Quant", [source, "gate", "zero", "eight"], [output], output, domain=QONNX,
        signed=1, narrow=0, rounding_mode="ROUND",
    )  # fmt: skip


def lstm(
    *,
    batch_first: bool = False,
    coupled: bool = False,
    backwards: bool = False,
    layers: int = 1,
    behind: tuple[onnx.NodeProto, ...] = (),
    end: str = "",
    more: dict[str, Any] | None = None,
    batch: int = 1,
    steps: int | str = STEPS,
) -> onnx.ModelProto:
    """A network of Brevitas' QuantLSTMCell; ``behind`` reads "y" (and "h", what the state is at the end)."""
    rng = np.random.default_rng(5)
    numbers: dict[str, Any] = {
        "zero": np.float32(0),
        "eight": np.float32(8),
        "none": np.zeros((1, HIDDEN), np.float32),
    }
    for name, scale in (("fine", 0.0078125), ("gate", 0.03125), ("unsigned", 0.00390625)):
        numbers[name] = np.float32(scale)
    nodes = [quant("x", "xq")]
    source = "xq"
    for layer in range(layers):
        width = HIDDEN if layer else FEATURES
        operands = [source, "none", "none"]
        for part, columns in (("x", width), ("h", HIDDEN)):
            for gate in GATES:
                name = f"w{layer}{part}{gate}"
                numbers[name] = (rng.integers(-31, 32, (HIDDEN, columns)) / 32).astype(np.float32)
                nodes.append(quant(name, f"{name}/q"))
                operands.append(f"{name}/q")
        for gate in GATES:
            numbers[f"b{layer}{gate}"] = rng.uniform(-0.5, 0.5, HIDDEN).astype(np.float32)
            operands.append(f"b{layer}{gate}")
        for quantizer in QUANTIZERS:
            scale = "gate" if "acc" in quantizer else "unsigned" if "sigmoid" in quantizer else "fine"
            operands += [scale, "zero", "eight"]
        signed = {f"{q}_signed": int("sigmoid" not in q) for q in QUANTIZERS}
        source = "y" if layer == layers - 1 else f"y{layer}"
        ends = [source, "h" if layer == layers - 1 else f"h{layer}", f"c{layer}"]
        nodes.append(
            helper.make_node(
                "QuantLSTMCell", operands, ends, f"lstm{layer}", domain="onnx.brevitas", batch_first=int(batch_first),
                cifg=int(coupled), reverse_input=int(backwards), **signed,
            )
        )  # fmt: skip
    nodes += behind
    numbers |= more or {}
    shape = [batch, steps, FEATURES] if batch_first else [steps, batch, FEATURES]
    graph = helper.make_graph(
        nodes,
        "lstm",
        [value_of("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info(end or "y")],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in numbers.items()],
    )
    imports = [
        helper.make_opsetid("", 17),
        helper.make_opsetid(QONNX, 1),
        helper.make_opsetid("onnx.brevitas", 1),
    ]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def rounded(x: np.ndarray, scale: float, low: int, high: int) -> np.ndarray:
    return np.clip(np.rint(x / np.float32(scale)), low, high).astype(np.float32) * np.float32(scale)


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    found = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    for node in model.graph.node:  # the quantizers of weights and biases, by what is written there
        known = [found.get(name) for name in node.input]
        if any(value is None for value in known):
            continue
        if node.op_type in ("Quant", "QuantizeLinear"):
            bits = int(np.ravel(known[3])[0]) if node.op_type == "Quant" else 8
            half = 1 << (bits - 1)
            found[node.output[0]] = rounded(known[0], known[1], -half, half - 1)
        elif node.op_type == "Clip":
            scale = next(found[n.input[1]] for n in model.graph.node if n.output[0] == node.input[0])
            found[node.output[0]] = np.clip(known[0], known[1] * scale, known[2] * scale)
        elif node.op_type == "DequantizeLinear":
            found[node.output[0]] = known[0]
    return found


def brevitas(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """Return h at every step, (n, steps, hidden), in float32, as the QuantLSTMCell of ``model`` is defined."""
    found = constants(model)
    cell = next(node for node in model.graph.node if node.op_type == "QuantLSTMCell")
    attributes = {a.name: helper.get_attribute_value(a) for a in cell.attribute}
    weights = [found[name] for name in cell.input[3:11]]
    biases = [found[name].reshape(-1) for name in cell.input[11:15]]

    def quantized(name: str, values: np.ndarray) -> np.ndarray:
        place = 15 + 3 * QUANTIZERS.index(name)
        scale, _, bits = (np.ravel(found[n])[0] for n in cell.input[place : place + 3])
        signed = attributes[f"{name}_signed"]
        low = -(1 << (int(bits) - 1)) if signed else 0
        return rounded(values, scale, low, low + (1 << int(bits)) - 1)

    first = quantized("output", x) if model.graph.name != "lstm" else rounded(x, 0.03125, -128, 127)
    h = c = np.zeros((len(x), biases[0].size), np.float32)
    states = []
    for step in range(x.shape[1]):
        gates = {}
        for place, gate in enumerate(GATES):
            total = first[:, step] @ weights[place].T + h @ weights[4 + place].T + biases[place]
            total = quantized(f"{gate}_acc", total)
            curve = np.tanh(total) if gate == "cell" else 1 / (1 + np.exp(-total))
            gates[gate] = quantized(
                f"{gate}_{'tanh' if gate == 'cell' else 'sigmoid'}", curve.astype(np.float32)
            )
        if attributes.get("cifg"):
            gates["forget"] = quantized("input_sigmoid", np.ones_like(c)) - gates["input"]
        kept, taken = (
            quantized("cell_state", gates["forget"] * c),
            quantized("cell_state", gates["input"] * gates["cell"]),
        )
        c = quantized("cell_state", kept + taken)
        h = quantized("output", gates["output"] * quantized("hidden_state_tanh", np.tanh(c)))
        states.append(h)
    return np.stack(states, axis=1)


def sequences(count: int = 4, steps: int = 30, features: int = FEATURES) -> np.ndarray:
    return np.random.default_rng(8).uniform(-2, 2, (count, steps, features)).astype(np.float32)


def loaded(model: onnx.ModelProto, folder: Path) -> tr.Graph:
    onnx.save(model, folder / "lstm.onnx")
    return tr.load(folder / "lstm.onnx")


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("coupled", [False, True])
def test_an_lstm_of_brevitas_is_a_step_with_two_states(batch_first, coupled, tmp_path):
    model = lstm(batch_first=batch_first, coupled=coupled)
    graph = loaded(model, tmp_path)
    assert [state.entering.name for state in graph.states] == ["lstm0/h", "lstm0/c"]
    assert [end.name for end in graph.host.outputs] == ["y"]
    x = sequences()
    assert np.array_equal(graph.predict(x).reshape(4, 30, HIDDEN), brevitas(model, x))
    assert np.unique(brevitas(model, x)).size > 20
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 20, seed=3))
    assert (result.mismatches, result.vectors) == (0, 16)


def test_layers_follow_each_other(tmp_path):
    graph = loaded(lstm(layers=2), tmp_path)
    assert [state.entering.name for state in graph.states] == ["lstm0/h", "lstm0/c", "lstm1/h", "lstm1/c"]
    x = sequences()
    first, second = lstm(), lstm(layers=2)
    between = brevitas(first, x)
    cell = [node for node in second.graph.node if node.op_type == "QuantLSTMCell"][1]
    kept = [node for node in second.graph.node if node.op_type != "QuantLSTMCell"]
    del second.graph.node[:]
    second.graph.node.extend([*kept, cell])
    second.graph.name = "behind"  # its input is quantized as its output is
    assert np.array_equal(graph.predict(x).reshape(4, 30, HIDDEN), brevitas(second, between))


def node(operation: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operation, inputs, [output], output, **attributes)


WEIGHTS = (np.arange(2 * HIDDEN).reshape(HIDDEN, 2) - 2.0).astype(np.float32) / 4
LAST = {"w": WEIGHTS, "last": np.int64(-1), "sixth": np.int64(STEPS - 1), "flat": np.array([1, HIDDEN])}
MATMUL = (
    quant("w", "wq"),
    node("MatMul", ["picked", "wq"], "z"),
)


@pytest.mark.parametrize(
    "behind",
    [
        (node("Gather", ["y", "last"], "picked", axis=0), *MATMUL),
        (node("Gather", ["y", "sixth"], "picked", axis=0), *MATMUL),
        (
            node("Transpose", ["y"], "t", perm=[1, 0, 2]),
            node("Gather", ["t", "last"], "picked", axis=1),
            *MATMUL,
        ),
        (node("Squeeze", ["h"], "s"), node("Reshape", ["s", "flat"], "picked"), *MATMUL),
        (node("Reshape", ["y", "steps"], "picked"), *MATMUL),
        (
            node("Slice", ["y", "from", "to", "axis"], "cut"),
            node("Squeeze", ["cut", "axis"], "picked"),
            *MATMUL,
        ),
        (node("Identity", ["y"], "picked"), *MATMUL),
    ],
    ids=["last", "by number", "transposed", "state", "reshaped", "slice", "every step"],
)
def test_what_is_computed_behind_it_is_computed_at_every_step(behind, tmp_path):
    numbers = {
        **LAST,
        "steps": np.array([STEPS, HIDDEN]), "from": np.array([-1]), "to": np.array([2**31 - 1]), "axis": np.array([0]),
    }  # fmt: skip
    model = lstm(behind=behind, end="z", more=numbers)
    graph = loaded(model, tmp_path)
    x = sequences()
    assert np.array_equal(graph.predict(x).reshape(4, 30, 2), brevitas(lstm(), x) @ WEIGHTS)
    picks = behind[0].op_type in ("Gather", "Slice", "Squeeze") or behind[1].op_type == "Gather"
    assert any("the network's is that of the last one" in notice for notice in graph.notices) == picks


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ((node("ReduceMean", ["y"], "z", axes=[0]),), "it works along the steps"),
        ((node("Gather", ["y", "first"], "z", axis=0),), r"it takes the steps \[0\]"),
        ((node("Slice", ["y", "first", "last"], "z"),), "it takes the steps from 0 to -1"),
        ((node("Reshape", ["y", "flat"], "z"),), f"it makes \\[1, {STEPS * HIDDEN}\\] of the steps"),
        ((node("Flatten", ["y"], "z", axis=2),), "it puts the steps into one vector"),
        ((node("Softmax", ["y"], "z", axis=0),), "it works along the steps"),
        ((node("Add", ["y", "times"], "z"),), "its constant times has a value of its own for every step"),
        ((node("CumSum", ["y", "first"], "z"),), "nobody knows what it does with steps"),
        ((node("Add", ["y", "h"], "z"),), "it reads the last step beside all steps"),
    ],
)  # fmt: skip
def test_what_mixes_steps_is_named(behind, said, tmp_path):
    numbers = {
        "first": np.array([0]), "last": np.array([-1]), "flat": np.array([1, STEPS * HIDDEN]),
        "times": np.ones((STEPS, 1, 1), np.float32),
    }  # fmt: skip
    with pytest.raises(UnsupportedError, match=said) as caught:
        loaded(lstm(behind=behind, end="z", more=numbers), tmp_path)
    assert [problem.node for problem in caught.value.problems] == ["z"]


def test_what_an_lstm_may_not_be_is_said(tmp_path):
    with pytest.raises(UnsupportedError, match="it goes through the sequence from its end"):
        loaded(lstm(backwards=True), tmp_path)
    with pytest.raises(ModelError, match="3 sequences at once"):
        loaded(lstm(batch=3, steps="steps"), tmp_path)


def test_steps_of_no_fixed_number_are_a_step_too(tmp_path):
    model = lstm(
        steps="steps", behind=(node("Gather", ["y", "last"], "picked", axis=0), *MATMUL), end="z", more=LAST
    )
    x = sequences()
    assert np.array_equal(loaded(model, tmp_path).predict(x).reshape(4, 30, 2), brevitas(lstm(), x) @ WEIGHTS)


def test_public_lstms_equal_the_definition(shared_models: Path):
    x = sequences(features=10)
    path = shared_models / "brevitas_quantlstm_qcdq.onnx"
    theirs = brevitas(onnx.load(path), x)
    assert np.array_equal(tr.load(path).predict(x).reshape(theirs.shape), theirs)
    path = shared_models.parent / "cases" / "brev_lstm_old.onnx"
    model = onnx.load(path)
    found, x = constants(model), sequences(features=4)
    gemm = next(n for n in model.graph.node if n.op_type == "Gemm")
    theirs = brevitas(model, x) @ found[gemm.input[1]].T + found[gemm.input[2]]
    graph = tr.load(path)
    host = graph.host.output

    def integers(y: np.ndarray) -> np.ndarray:  # the host adds the bias in another order than the software
        return np.rint((y.astype(np.float64) - bias) / np.float64(host.scale)).astype(np.int64)

    bias = found[gemm.input[2]].astype(np.float64)
    assert np.array_equal(integers(graph.predict(x).reshape(theirs.shape)), integers(theirs))


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 2])
def test_an_lstm_is_equal_in_hardware(layers, tmp_path):
    graph = loaded(
        lstm(layers=layers, behind=(node("Gather", ["y", "last"], "z", axis=0),), end="z", more=LAST),
        tmp_path,
    )
    report = tr.emit(tr.plan(graph, part="ecp5-85k"), tmp_path / "build").verify(vectors=24, seed=1)
    assert [check.mismatches for check in (report.verify.software, report.verify.hls, report.verify.rtl)] == [
        0,
        0,
        0,
    ]
