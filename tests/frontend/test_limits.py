# SPDX-License-Identifier: Apache-2.0
"""``frontend/limits.py``: what is too large is answered before it is made; the limits can be raised."""

from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from onnx import TensorProto, helper
from tailrace.cli.main import main
from tailrace.core.errors import ModelError, UsageError
from tailrace.core.limits import Limits
from tailrace.frontend import UnsupportedError
from tailrace.frontend.limits import operations_of, result_shapes


def refusal(model: onnx.ModelProto, **limits: int) -> ModelError:
    with pytest.raises(ModelError) as caught:
        tailrace.load(model, limits=Limits(**limits))
    return caught.value


def layer(build: Builder, x: str, rows: int = 4, cols: int = 4) -> str:
    w = build.quant(build.constant(build.rng.normal(0, 1, (cols, rows))), bits=4)
    return build.quant(build.node("MatMul", x, w))


@pytest.mark.parametrize("size", [1 << 26, 1 << 31, 1 << 62])
def test_an_input_of_any_size_is_answered(size):
    build = Builder()
    error = refusal(build.model(build.quant(build.input([1, size]))))
    count = f"{size:,}" if size < 1 << 40 else "more than 2^62"
    assert error.message == (
        f"the input x of shape [1, {size}] is too large: {count} elements, at most 16,777,216 are taken"
    )
    assert error.hint == (
        "if this is meant, raise the limit: --limits elements=N, or load(path, limits=Limits(elements=N))"
    )


def test_a_limit_can_be_raised_and_lowered(tmp_path, capsys):
    build = Builder()
    onnx.save(build.model(layer(build, build.quant(build.input([1, 4])))), tmp_path / "net.onnx")
    assert main(["check", str(tmp_path / "net.onnx"), "--limits", "elements=3"]) == 1
    assert (
        "the input x of shape [1, 4] is too large: 4 elements, at most 3 are taken" in capsys.readouterr().err
    )
    assert main(["check", str(tmp_path / "net.onnx"), "--limits", "elements=4, nodes=1e6"]) == 0
    assert tailrace.load(tmp_path / "net.onnx", limits="elements=4").nodes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size=3", "there is no limit 'size'"),
        ("nodes=many", "the limit nodes is 'many'"),
        ("nodes=0", "the limit nodes is 0"),
        ("nodes=1e999", "the limit nodes is '1e999'"),
    ],
)
def test_limits_that_are_none_are_refused(text, message):
    with pytest.raises(UsageError) as caught:
        Limits.parse(text)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("operation", "values", "shape"),
    [
        ("Expand", [1 << 20, 4], [1 << 20, 4]),
        ("Tile", [1 << 40, 1], [1 << 40, 4]),
        ("Pad", [0, 0, 0, 1 << 40], [1, (1 << 40) + 4]),
    ],
)
def test_a_node_that_makes_much_of_little_is_refused_before_it_is_run(operation, values, shape):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    error = refusal(build.model(build.node(operation, x, build.constant(values, np.int64))), elements=1 << 20)
    assert isinstance(error, UnsupportedError)
    assert [(p.operation, p.found) for p in error.problems] == [
        (operation, f"it would make a tensor of shape {shape}")
    ]
    assert error.problems[0].accepted == "tensors of at most 1,048,576 elements"


def test_operations_of_all_nodes_are_counted():
    build = Builder()
    x = build.quant(build.input([1, 64]))
    for _ in range(4):
        x = layer(build, x, 64, 64)
    model = build.model(x)
    assert tailrace.load(model, limits="operations=100000").nodes
    error = refusal(model, operations=20_000)
    assert error.message.startswith("the network is too large at MatMul_")
    assert error.message.endswith(" operations, at most 20,000 are taken")


def test_a_product_counts_what_it_multiplies():
    w = np.zeros((3, 2, 3, 3), np.float32)
    values = {"x": np.zeros((1, 2, 8, 8), np.float32), "w": w}
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    assert result_shapes(conv, values, 13) == {"y": (1, 3, 6, 6)}
    assert operations_of(conv, values, (1, 3, 6, 6)) == 128 + 3 * 36 * 18


# Functions


def with_functions(functions: dict[str, list[str]], called: str = "F0") -> onnx.ModelProto:
    """A network whose first node calls a function; each function calls others one behind the other."""
    build = Builder()
    x = build.quant(build.input([1, 4]))
    build.nodes.append(helper.make_node(called, [x], ["z"], domain="local"))
    model = build.model(layer(build, "z"))
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("local", 1)]
    for name, calls in functions.items():
        nodes = [
            helper.make_node(call, [f"v{i}"], [f"v{i + 1}"], domain="local" if call in functions else "")
            for i, call in enumerate(calls)
        ]
        model.functions.append(
            helper.make_function("local", name, ["v0"], [f"v{len(calls)}"], nodes, imports)
        )
    model.opset_import.append(helper.make_opsetid("local", 1))
    return model


def test_functions_are_expanded():
    graph = tailrace.load(with_functions({"F0": ["F1", "F1"], "F1": ["Relu", "Neg"]}))
    assert [type(node).__name__ for node in graph.nodes].count("Dense") == 1


@pytest.mark.parametrize("depth", [14, 25, 60])
def test_functions_that_double_and_double_again_are_counted_not_expanded(depth):
    doubled = {f"F{i}": [f"F{i + 1}"] * 2 for i in range(depth)} | {f"F{depth}": ["Relu"]}
    error = refusal(with_functions(doubled))
    assert error.message.startswith("the network is too large: ")
    assert error.message.endswith(" nodes, at most 16,384 are taken")


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"F0": ["F0"]}, "the function F0 calls itself"),
        ({"F0": ["Relu", "F1"], "F1": ["F0"]}, "the function F0 calls itself (through F1)"),
        ({"F0": ["F1"], "F1": ["F2"], "F2": ["Relu", "F1"]}, "the function F1 calls itself (through F2)"),
    ],
)
def test_functions_that_call_themselves_are_named(functions, message):
    error = refusal(with_functions(functions))
    assert error.message == message
    assert error.hint == "export the network without functions, or expand them before the export"


# Loops


def test_a_loop_without_end_is_not_run():
    build = Builder()
    x = build.quant(build.input([1, 4]))
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Relu", ["v"], ["v2"])],
        "body",
        [
            info("i", TensorProto.INT64, []),
            info("c", TensorProto.BOOL, []),
            info("v", TensorProto.FLOAT, None),
        ],
        [info("c2", TensorProto.BOOL, []), info("v2", TensorProto.FLOAT, None)],
    )
    ever = build.constant((1 << 63) - 1, np.int64), build.constant(True, np.bool_)
    y = build.node("Loop", *ever, x, body=body)
    z = build.node("Loop", *ever, build.constant(np.zeros(4)), body=body)
    error = refusal(build.model(layer(build, build.node("Add", y, z))))
    assert {p.node: p.found for p in error.problems} == {
        "Loop_1": "Loop runs a network inside of it step by step, which is not read",
        "Loop_2": "Loop computes a constant, and nobody knows before how long that takes",
    }


# Long networks


def chain(count: int, operation: str = "Relu") -> onnx.ModelProto:
    build = Builder()
    x = build.quant(build.input([1, 4]))
    for _ in range(count):
        x = build.node(operation, x)
    return build.model(layer(build, x))


def test_a_chain_of_hundreds_of_operations_is_a_map():
    graph = tailrace.load(chain(500, "Neg"))
    x = np.random.default_rng(1).normal(0, 1, (20, 1, 4)).astype(np.float32)
    assert np.array_equal(graph.predict(x), tailrace.load(chain(0)).predict(x))


@pytest.mark.parametrize("count", [3000, 16_000])
def test_a_chain_of_thousands_of_operations_is_answered_in_time(count):
    start = time.process_time()
    error = refusal(chain(count))
    assert time.process_time() - start < 40
    assert isinstance(error, UnsupportedError)
    assert error.problems[0].found == "more than 1,024 float operations stand between the integers and it"


@pytest.mark.parametrize("bits", [20, 24, 32])
def test_quantizers_of_many_bits_are_answered_in_time(bits):
    build = Builder()
    x = build.quant(build.input([1, 4]), bits=8, scale=1 / 64)
    y = build.node(
        "MatMul", x, build.quant(build.constant(build.rng.normal(0, 1, (4, 4))), bits=8, scale=1 / 64)
    )
    y = build.quant(y, bits=bits, scale=2.0**-24)
    y = build.node(
        "MatMul", y, build.quant(build.constant(build.rng.normal(0, 1, (4, 4))), bits=8, scale=1 / 64)
    )
    model = build.model(build.quant(build.node("Sigmoid", y), bits=bits, scale=2.0**-20))
    start = time.process_time()
    if bits == 20:
        assert tailrace.load(model).nodes
    else:
        assert "monotone" in str(refusal(model))
    assert time.process_time() - start < 30


def test_more_nodes_than_are_taken_are_counted():
    error = refusal(chain(20_000))
    assert error.message == "the network is too large: 20,004 nodes, at most 16,384 are taken"


def test_hundreds_of_layers_in_reverse_order_are_imported_in_time():
    build = Builder()
    x = build.quant(build.input([1, 4]))
    for _ in range(500):
        x = layer(build, x)
    model = build.model(x)
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    start = time.process_time()
    assert len(tailrace.load(model).nodes) == 1000
    assert time.process_time() - start < 60
