# SPDX-License-Identifier: Apache-2.0
"""QuantizeLinear, Clip, DequantizeLinear: as Brevitas and ONNX Runtime export them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import tailrace
from networks import Builder, Generated, check, execute
from tailrace.core.errors import ModelError
from tailrace.graph import Dense, Map
from tailrace.graph.host import GridQuantizer


def qdq(build: Builder, x: str, scale, zero, kind, clip=None, **attributes) -> str:  # noqa: PLR0917 - as in a list
    operands = build.constant(scale), build.constant(zero, kind)
    q = build.node("QuantizeLinear", x, *operands, **attributes)
    if clip:
        q = build.node("Clip", q, *(build.constant(v, kind) for v in clip))
    return build.node("DequantizeLinear", q, *operands, **attributes)


def weights(build: Builder, cols: int, rows: int, *, axis: int | None = None) -> str:
    values = build.rng.integers(-127, 128, (cols, rows))
    if axis is None:
        return build.node("DequantizeLinear", build.constant(values, np.int8), build.constant(0.013))
    scale = build.constant(build.rng.uniform(0.01, 0.02, values.shape[axis]))
    zero = build.constant(np.zeros(values.shape[axis]), np.int8)
    return build.node("DequantizeLinear", build.constant(values, np.int8), scale, zero, axis=axis)


def inputs(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("opset", [13, 14, 17, 19, 21])
@pytest.mark.parametrize(
    ("kind", "zero", "clip"), [(np.int8, 0, (-7, 7)), (np.uint8, 0, None), (np.uint8, 117, None)]
)
def test_a_qcdq_network_is_imported(opset, kind, zero, clip, tmp_path):
    build = Builder(opset=opset, domain="")
    x = qdq(build, build.input([1, 6]), 0.03, zero, kind, clip)
    y = build.node("MatMul", x, weights(build, 6, 5))
    bias = build.node("DequantizeLinear", build.constant(build.rng.integers(-900, 900, 5), np.int32),
                      build.constant(0.03 * 0.013))  # fmt: skip
    y = build.node("Relu", build.node("Add", y, bias))
    x = qdq(build, y, 0.05, 0, np.uint8)
    y = build.node("Gemm", x, weights(build, 5, 3, axis=1))
    out = qdq(build, y, 0.1, zero, kind)
    check(Generated(build.model(out), None, inputs(20, 6)), tmp_path)


def test_the_host_sends_the_clipped_integers(tmp_path):
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), 0.1, 0, np.int8, (-3, 3))
    onnx.save(build.model(build.node("MatMul", x, weights(build, 4, 2))), tmp_path / "n.onnx")
    graph = tailrace.load(tmp_path / "n.onnx")
    tensor = graph.tensors[graph.input]
    assert (int(tensor.low.min()), int(tensor.high.max())) == (-3, 3)
    assert isinstance(graph.host.input.quantizer, GridQuantizer)
    assert graph.host.encode(np.array([[-9, -0.1, 0.26, 9]], np.float32)).tolist() == [[-3, -1, 3, 3]]
    assert graph.host.input.steps()[0] == "QuantizeLinear 0.1, 0"


def test_scales_per_channel_are_exact(tmp_path):
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), [0.1, 0.05, 0.07, 0.2], [0, 3, -2, 0], np.int8, axis=1)
    y = build.node("MatMul", x, weights(build, 4, 3, axis=1))
    x = qdq(build, build.node("Sigmoid", y), [0.01, 0.02, 0.004], [0, 0, 5], np.uint8, axis=1)
    check(
        Generated(build.model(build.node("MatMul", x, weights(build, 3, 2))), None, inputs(20, 4)), tmp_path
    )


def test_dequantizers_of_one_tensor_become_one_map(tmp_path):
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), 0.1, 0, np.int8)
    y = build.node("MatMul", x, weights(build, 4, 4))
    operands = build.constant(0.05), build.constant(0, np.uint8)
    q = build.node("QuantizeLinear", y, *operands)
    a, b = (build.node("DequantizeLinear", q, *operands) for _ in range(2))
    y = build.node("Add", build.node("MatMul", a, weights(build, 4, 4)), b)
    network = Generated(build.model(qdq(build, y, 0.1, 0, np.int8)), None, inputs(20, 4))
    check(network, tmp_path)
    graph = tailrace.load(tmp_path / "network.onnx")
    assert sum(isinstance(node, Map) for node in graph.nodes) == 2
    assert sum(isinstance(node, Dense) for node in graph.nodes) == 2


def test_an_integer_input_may_be_dequantized_first(tmp_path):
    build = Builder(opset=13, domain="")
    x = build.node("DequantizeLinear", build.input([1, 4], onnx.TensorProto.UINT8), build.constant(0.02),
                   build.constant(128, np.uint8))  # fmt: skip
    y = build.node("MatMul", x, weights(build, 4, 3))
    values = np.random.default_rng(1).integers(0, 256, (20, 4)).astype(np.uint8)
    check(Generated(build.model(y), None, values), tmp_path)


def test_weights_quantized_in_the_graph_stay_integers(tmp_path):
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), 0.1, 0, np.int8)
    w = qdq(build, build.constant(build.rng.normal(0, 1, (3, 4))), 0.02, 0, np.int8, (-63, 63))
    y = build.node("MatMul", x, build.node("Transpose", w, perm=[1, 0]))
    check(Generated(build.model(y), None, inputs(20, 4)), tmp_path)
    graph = tailrace.load(tmp_path / "network.onnx")
    (dense,) = (node for node in graph.nodes if isinstance(node, Dense))
    assert int(np.abs(dense.weights).max()) == 63


def test_a_quantizer_behind_the_last_softmax_is_left_to_the_host(tmp_path):
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), 0.1, 0, np.int8)
    y = build.node("Softmax", build.node("MatMul", x, weights(build, 4, 3)), axis=1)
    network = Generated(build.model(qdq(build, y, 1 / 256, 0, np.uint8)), None, inputs(20, 4))
    check(network, tmp_path)


def test_dequantized_accumulators_are_refused(tmp_path):
    build = Builder(opset=13, domain="")
    x = build.node("DequantizeLinear", build.input([1, 4], onnx.TensorProto.INT32), build.constant(0.1))
    onnx.save(build.model(build.node("MatMul", x, weights(build, 4, 3))), tmp_path / "n.onnx")
    with pytest.raises(ModelError, match="holds int32"):
        tailrace.load(tmp_path / "n.onnx", "int8")


def test_execute_is_onnxruntime_for_a_qcdq_network():
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), 0.1, 0, np.int8)
    model = build.model(build.node("MatMul", x, weights(build, 4, 3)))
    values = inputs(2, 4)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = [session.run(None, {"x": sample[None]})[0] for sample in values]
    actual = [tensors[model.graph.output[0].name] for tensors in execute(model, values)]
    assert np.allclose(expected, actual, rtol=1e-6)


def test_the_product_of_tensors_with_zero_points_is_compared_as_both_are_quantized(tmp_path):
    build = Builder(opset=13, domain="")
    x = qdq(build, build.input([1, 4]), 0.03, 12, np.int8)
    a = qdq(build, build.node("MatMul", x, weights(build, 4, 4)), 0.05, 117, np.uint8)
    b = qdq(build, build.node("Sigmoid", a), 1 / 256, 3, np.uint8)
    y = qdq(build, build.node("Mul", a, b), 0.04, 100, np.uint8)
    check(Generated(build.model(y), None, inputs(20, 4)), tmp_path)
