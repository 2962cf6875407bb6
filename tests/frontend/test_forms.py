# SPDX-License-Identifier: Apache-2.0
"""Single forms that exporters write, each compared with the network's own software."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder, Generated, check, execute
from onnx import TensorProto, helper
from tailrace.core.errors import ModelError
from tailrace.core.types import IntType
from tailrace.graph import ArgMax, Dense


def weights(build: Builder, *shape: int, scale: object = 0.25) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, shape)), scale=scale, bits=4)


def inputs(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1.5, (20, *shape)).astype(np.float32)


def faithful(build: Builder, out: str, x: np.ndarray, folder, input_type: str | None = None, **options):
    """Check a network and return its graph."""
    check(Generated(build.model(out, **options), input_type, x), folder)
    return tailrace.load(folder / "network.onnx", input_type)


def test_tokens_folded_into_the_batch_axis_and_back(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 3, 4]))
    y = build.node("Reshape", x, build.constant([-1, 4], np.int64))
    y = build.node("MatMul", y, weights(build, 4, 5))
    y = build.quant(build.node("Softplus", build.node("Add", y, build.constant(build.rng.normal(0, 1, 5)))))
    y = build.node("MatMul", y, weights(build, 5, 2))
    y = build.quant(build.node("Reshape", y, build.constant([1, 3, 2], np.int64)))
    graph = faithful(build, y, inputs(3, 4), tmp_path)
    assert [graph.tensors[n.output].shape for n in graph.nodes if isinstance(n, Dense)] == [(3, 5), (3, 2)]


def test_a_shape_computed_in_the_graph(tmp_path):
    build = Builder(opset=11)
    x = build.quant(build.input(["batch", 2, 3]))
    batch = build.node("Gather", build.node("Shape", x), build.constant(0, np.int64), axis=0)
    shape = build.node("Concat", build.unsqueeze(batch, [0]), build.constant([-1], np.int64), axis=0)
    y = build.node("MatMul", build.node("Reshape", x, shape), weights(build, 6, 2))
    graph = faithful(build, y, inputs(2, 3), tmp_path)
    assert graph.notices == ("the batch axis of x is dynamic (batch): one sample at a time is built",)


def test_weights_that_stand_on_the_left(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4, 1]))
    faithful(build, build.quant(build.node("MatMul", weights(build, 3, 4), x)), inputs(4, 1), tmp_path)


def test_a_vector_of_weights(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 3, 4]))
    faithful(build, build.quant(build.node("MatMul", x, weights(build, 4))), inputs(3, 4), tmp_path)


def test_a_gemm_with_both_operands_transposed(tmp_path):
    build = Builder()
    x = build.node("Transpose", build.quant(build.input([1, 4])), perm=[1, 0])
    y = build.node("Gemm", x, weights(build, 3, 4), transA=1, transB=1, alpha=0.5)
    faithful(build, build.quant(y), inputs(4), tmp_path)


def test_a_scale_per_channel_of_an_image(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 3, 2, 2]), scale=np.array([0.5, 0.25, 0.125]).reshape(1, 3, 1, 1))
    y = build.node("MatMul", build.node("Flatten", x), weights(build, 12, 4))
    faithful(build, build.quant(y), inputs(3, 2, 2), tmp_path)


def test_an_image_normalized_per_channel_behind_a_grid(tmp_path):
    build = Builder()
    x = build.node(
        "Sub", build.input([1, 3, 2, 2]), build.constant(np.array([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1))
    )
    x = build.node("Div", x, build.constant(np.array([0.5, 0.6, 0.7]).reshape(1, 3, 1, 1)))
    y = build.node("MatMul", build.node("Flatten", build.quant(x)), weights(build, 12, 4))
    faithful(build, build.quant(y), inputs(3, 2, 2), tmp_path, "fixed<8,3>")


def test_two_quantizers_of_one_input_take_a_grid(tmp_path):
    build = Builder()
    x = build.input([1, 4])
    a = build.node("MatMul", build.quant(x, bits=3), weights(build, 4, 3))
    b = build.node("MatMul", build.quant(x, bits=5, scale=0.1), weights(build, 4, 3))
    graph = faithful(build, build.quant(build.node("Add", a, b)), inputs(4), tmp_path)
    assert "fixed<16,6> was chosen" in graph.notices[0]


def test_one_quantizer_feeds_two_layers_that_share_their_weights(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    w = weights(build, 4, 4)
    y = build.quant(build.node("MatMul", x, w))
    y = build.node("Sub", build.node("MatMul", y, w), build.node("MatMul", x, w))
    faithful(build, build.quant(y), inputs(4), tmp_path)


def test_a_gate_multiplies_two_quantized_tensors(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    a = build.quant(build.node("MatMul", x, weights(build, 4, 3)), scale=0.3)
    b = build.quant(
        build.node("Sigmoid", build.node("MatMul", x, weights(build, 4, 3))), scale=1 / 16, signed=0
    )
    faithful(build, build.quant(build.node("Mul", a, b)), inputs(4), tmp_path)


def test_a_row_times_a_column_of_activations(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 1, 4]))
    a = build.quant(build.node("MatMul", x, weights(build, 4, 3)))
    b = build.node(
        "Reshape",
        build.quant(build.node("MatMul", x, weights(build, 4, 3))),
        build.constant([1, 3, 1], np.int64),
    )
    faithful(build, build.node("MatMul", a, b), inputs(1, 4), tmp_path)


@pytest.mark.parametrize(("axis", "keepdims"), [(1, 1), (-1, 0)])
@pytest.mark.parametrize("operation", ["ArgMax", "ArgMin"])
def test_the_index_is_found_in_hardware(operation, axis, keepdims, tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 6))
    y = build.node("Mul", build.node("Sigmoid", y), build.constant(-2.0))
    y = build.node(operation, y, axis=axis, keepdims=keepdims)
    graph = faithful(build, y, inputs(4), tmp_path, kind=TensorProto.INT64)
    assert isinstance(graph.nodes[-1], ArgMax)
    assert graph.nodes[-1].smallest == (operation == "ArgMax")


@pytest.mark.parametrize("axis", [0, 1])
def test_an_index_along_another_axis_is_left_to_the_host(axis, tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 3, 4])), weights(build, 4, 2))
    y = build.node("ArgMax", y, axis=axis, keepdims=0)
    graph = faithful(build, y, inputs(3, 4), tmp_path, kind=TensorProto.INT64)
    assert not any(isinstance(node, ArgMax) for node in graph.nodes)


def test_local_functions_are_inlined(tmp_path):
    build = Builder(opset=14)
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 3))
    y = build.node("HardGate", y, domain="local")
    model = build.model(build.quant(y))
    body = [helper.make_node("HardSigmoid", ["x"], ["g"]), helper.make_node("Mul", ["x", "g"], ["y"])]
    imports = [helper.make_opsetid("", 14)]
    model.functions.append(helper.make_function("local", "HardGate", ["x"], ["y"], body, imports))
    model.opset_import.append(helper.make_opsetid("local", 1))
    onnx.save(model, tmp_path / "net.onnx")
    x = inputs(4)
    session_free = tailrace.load(tmp_path / "net.onnx").predict(x)
    plain = onnx.inliner.inline_local_functions(model)
    check(Generated(plain, None, x), tmp_path)
    assert np.array_equal(tailrace.load(tmp_path / "network.onnx").predict(x), session_free)


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT8, TensorProto.INT16, TensorProto.BOOL])
def test_an_integer_input_is_sent_as_it_is(kind, tmp_path):
    build = Builder()
    x = build.node("Cast", build.input([1, 4], kind), to=TensorProto.FLOAT)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    values = (
        np.random.default_rng(1).integers(0, 2 if kind == TensorProto.BOOL else 120, (20, 4)).astype(dtype)
    )
    graph = faithful(build, build.node("MatMul", x, weights(build, 4, 3)), values, tmp_path)
    assert np.array_equal(graph.host.encode(values).reshape(values.shape), values.astype(np.int64))


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [("BIPOLAR", IntType(1, signed=False)), ("TERNARY", IntType(2, signed=True)), ("UINT3", IntType(3, signed=False)),
     ("FIXED<6,2>", IntType(6, signed=True))],
)  # fmt: skip
def test_an_annotated_input_is_sent_as_its_type(annotation, kind, tmp_path):
    build = Builder()
    build.initializers_as_inputs = True
    x = build.input([1, 4], annotation=annotation)
    values = np.where(inputs(4) > 0, 1, -1 if "U" not in annotation else 0).astype(np.float32)
    graph = faithful(build, build.node("MatMul", x, weights(build, 4, 3)), values, tmp_path)
    assert graph.tensors[graph.input].type == kind


def test_an_annotation_gives_way_to_the_users_type(tmp_path):
    build = Builder()
    y = build.node("MatMul", build.input([1, 4], annotation="INT8"), weights(build, 4, 3))
    graph = faithful(build, y, inputs(4), tmp_path, "fixed<6,3>")
    assert graph.tensors[graph.input].type == IntType(6, signed=True)


def test_a_zero_gain_makes_a_constant_channel(tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 3))
    parts = [build.constant(v) for v in ([0, -1.5, 0.5], [0.3, 0, 1], [0.1, 0.2, 0.3], [1, 2, 3])]
    graph = faithful(build, build.quant(build.node("BatchNormalization", y, *parts)), inputs(4), tmp_path)
    out = graph.tensors[graph.output]
    assert out.low[0] == out.high[0]


def test_two_imports_give_the_same_graph(tmp_path):
    from tailrace.planning import serialize  # noqa: PLC0415 - the test of one line

    build = Builder()
    y = build.node("Tanh", build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 3)))
    onnx.save(build.model(build.quant(y)), tmp_path / "net.onnx")
    first, second = (serialize.dumps(tailrace.load(tmp_path / "net.onnx")) for _ in range(2))
    assert first == second


def test_thresholds_with_a_scale_and_a_bias_round_as_the_network_does(tmp_path):
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), weights(build, 4, 3))
    thresholds = build.constant(np.sort(build.rng.normal(0, 1, (3, 7)), axis=1))
    y = build.node("MultiThreshold", y, thresholds, out_dtype="UINT3", out_scale=0.1, out_bias=-0.35)
    onnx.save(build.model(y), tmp_path / "net.onnx")
    expected = np.stack([tensors[y] for tensors in execute(build.model(y), inputs(4))])
    graph = tailrace.load(tmp_path / "net.onnx")
    assert np.array_equal(expected.reshape(-1, 3), graph.predict(inputs(4)))
    assert graph.host.output.steps() == ("value = 1 * q", "Mul 0.1", "Add -0.35")


@pytest.mark.parametrize("domain", ["onnx.brevitas", "qonnx.custom_op.general"])
def test_a_debug_marker_hands_on_what_it_gets(domain):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    x = build.node("DebugMarker", x, domain=domain, export_debug_name="first")
    model = build.model(build.quant(build.node("MatMul", x, weights(build, 4, 3))))
    assert [type(node).__name__ for node in tailrace.load(model).nodes] == ["Dense", "Map"]


def test_weights_that_were_left_out_are_asked_for():
    build = Builder()
    x = build.quant(build.input([1, 4]))
    w = build.quant(build.input([3, 4]), bits=3)
    y = build.node("Gemm", x, w, build.input([3]), transB=1)
    with pytest.raises(ModelError) as caught:
        tailrace.load(build.model(y))
    assert caught.value.message == "2 of its 3 inputs are weights without values (x1, x2)"
    assert caught.value.hint is not None
    assert "export_params=True" in caught.value.hint
