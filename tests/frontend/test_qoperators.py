# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime's QOperator format: the tail of every kernel over its whole range, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from onnx import TensorProto
from onnxruntime_networks import session
from tailrace.core.errors import ModelError
from tailrace.frontend import UnsupportedError
from tailrace.frontend.hints import INSTEAD
from tailrace.verify.software import verify_software

MICROSOFT = "com.microsoft"
KINDS = (np.uint8, np.int8)


class Kernels(Builder):
    """Networks of single kernels; scales and zero points are drawn, powers of two where ``ties`` are wanted."""

    def __init__(self, kind: type, seed: int, *, ties: bool) -> None:
        super().__init__(opset=17, domain="", seed=seed)
        self.kind = kind
        self.ties = ties

    def model(self, *outputs: str, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        model = super().model(*outputs, kind=kind)
        model.opset_import.append(onnx.helper.make_opsetid(MICROSOFT, 1))
        return model

    def scale(self, low: float = 0.02, high: float = 0.1) -> str:
        value = 2.0 ** self.rng.integers(-5, -2) if self.ties else self.rng.uniform(low, high)
        return self.constant(np.float32(value))

    def zero(self) -> str:
        info = np.iinfo(self.kind)
        return self.constant(self.rng.integers(info.min // 2, info.max // 2), self.kind)

    def quantized(self, shape: list[int]) -> tuple[str, str, str]:
        """An input that is one of the 256 integers for every whole number from 0: scale 1."""
        scale, zero = self.constant(1.0), self.zero()
        return self.node("QuantizeLinear", self.input(shape), scale, zero), self.scale(), zero

    def out(self) -> tuple[str, str]:
        return self.scale(0.3, 1.0), self.zero()

    def integers(self, *shape: int) -> np.ndarray:
        """Inputs that reach all integers of the input's quantizer."""
        return self.rng.integers(-260, 261, shape).astype(np.float32)


def equal(build: Kernels, out: str, scale: str, zero: str, x: np.ndarray) -> None:
    """Assert that a network gives ONNX Runtime's integers and floats, and that no rounding had to be explained."""
    model = build.model(build.node("DequantizeLinear", out, scale, zero))
    graph = tailrace.load(model)
    result = verify_software(graph, graph.reference, x)
    assert (result.mismatches, result.framework_rounding, result.reference) == (0, 0, "onnxruntime"), (
        result.first
    )
    run = session(model)
    expected = np.stack([run.run(None, {"x": sample[None]})[0][0] for sample in x])
    assert np.array_equal(expected, graph.predict(x).reshape(expected.shape))


def every_accumulator(zero: int, low: int) -> np.ndarray:
    """(1, 2, 256, 127) integers: with weights 1 and 127 they give every sum of a range of 2^15."""
    first, second = np.meshgrid(np.arange(127), np.arange(256))
    return (np.stack([first, second])[None] + low - zero).astype(np.float32)


@pytest.mark.parametrize(("kind", "ties", "per_channel"), [(np.uint8, False, True), (np.int8, True, False)])
def test_a_convolution_is_requantized_as_the_kernel_does_on_every_accumulator(kind, ties, per_channel):
    build = Kernels(kind, 3, ties=ties)
    x, x_scale, zero = build.quantized([1, 2, 256, 127])
    rows = 4
    weights = build.constant(np.tile([[1, 127]], (rows, 1)).reshape(rows, 2, 1, 1), np.int8)
    scales = [float(build.initializers[build.scale(0.001, 0.02)]) for _ in range(rows)]
    w_scale = build.constant(scales if per_channel else scales[0])
    w_zero = build.constant(np.zeros(rows) if per_channel else 0, np.int8)
    bias = build.constant(build.rng.integers(-9000, 9000, rows), np.int32)
    out = build.out()
    y = build.node("QLinearConv", x, x_scale, zero, weights, w_scale, w_zero, *out, bias, kernel_shape=[1, 1])
    low = int(np.iinfo(kind).min)
    equal(build, y, *out, every_accumulator(int(build.initializers[zero]), low))


def test_a_bias_beyond_float32_is_added_as_an_integer():
    for operation in ("QLinearConv", "QGemm"):
        build = Kernels(np.uint8, 4, ties=False)
        image = operation == "QLinearConv"
        x, x_scale, zero = build.quantized([1, 4, 3, 3] if image else [1, 4])
        shape = (5, 4, 1, 1) if image else (4, 5)
        weights = build.constant(build.rng.integers(-127, 128, shape), np.int8)
        bias = build.constant([(1 << 26) + 1, (1 << 27) + 3, -(1 << 26) - 5, 77, (1 << 28) + 7], np.int32)
        scale, out = build.constant(0.01), (build.constant(40000.0), build.zero())
        parts = (x, x_scale, zero, weights, scale, build.constant(0, np.int8))
        if image:
            y = build.node(operation, *parts, *out, bias, kernel_shape=[1, 1])
        else:
            y = build.node(operation, *parts, bias, *out, domain=MICROSOFT)
        equal(build, y, *out, build.integers(40, *(4, 3, 3) if image else (4,)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ties", [False, True])
def test_products_of_matrices_are_requantized_as_the_kernels_do(kind, ties):
    for operation, domain, turned in (
        ("QLinearMatMul", "", False),
        ("QGemm", MICROSOFT, False),
        ("QGemm", MICROSOFT, True),
    ):
        build = Kernels(kind, 5, ties=ties)
        x, x_scale, zero = build.quantized([1, 8])
        weights = build.constant(build.rng.integers(-127, 128, (7, 8) if turned else (8, 7)), np.int8)
        out, scale = build.out(), build.scale(0.001, 0.02)
        parts = (x, x_scale, zero, weights, scale, build.constant(3, np.int8))
        if operation == "QGemm":
            bias = build.constant(build.rng.integers(-3000, 3000, 7), np.int32)
            y = build.node(operation, *parts, bias, *out, domain=domain, transB=int(turned), alpha=1.5)
        else:
            y = build.node(operation, *parts, *out)
        equal(build, y, *out, build.integers(200, 8))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("operation", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("seed", [0, 9, 17])
def test_sums_and_products_of_two_tensors_are_the_kernel_s_on_every_pair(operation, kind, ties, seed):
    build = Kernels(kind, seed, ties=ties)
    x, _, zero = build.quantized([1, 512])
    sizes = build.constant([256, 256], np.int64)
    a = build.node("Split", x, sizes, axis=1, outputs=2)
    b = a + "_1"
    terms = [build.scale(), zero, build.scale(), zero]
    out = (
        (build.constant(np.float32(build.initializers[terms[0]] * 2)), build.zero()) if ties else build.out()
    )
    if operation == "QLinearMul":
        out = (build.constant(np.float32(build.rng.uniform(0.1, 0.3))), out[1])
    y = build.node(operation, a, *terms[:2], b, *terms[2:], *out, domain=MICROSOFT)
    every = np.arange(256) + np.iinfo(kind).min - float(build.initializers[zero])
    pairs = np.stack([np.concatenate([every, np.roll(every, shift)]) for shift in range(256)])
    equal(build, y, *out, pairs.astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ties", [False, True])
def test_functions_of_one_tensor_are_the_kernels_tables(kind, ties):
    for operation, more in (("QLinearLeakyRelu", {"alpha": 0.1}), ("QLinearSigmoid", {})):
        build = Kernels(kind, 6, ties=ties)
        x, x_scale, zero = build.quantized([1, 8])
        out = (build.constant(1 / 256), build.zero()) if operation == "QLinearSigmoid" else build.out()
        y = build.node(operation, x, x_scale, zero, *out, domain=MICROSOFT, **more)
        weights = build.constant(np.eye(8), np.int8)  # a network has a layer
        one, none = build.constant(1.0), build.constant(0, np.int8)
        y = build.node("QLinearMatMul", y, *out, weights, one, none, *out)
        equal(build, y, *out, build.integers(200, 8))


@pytest.mark.parametrize("kind", KINDS)
def test_pools_and_joins_are_the_kernels(kind):
    build = Kernels(kind, 7, ties=False)
    x, x_scale, zero = build.quantized([1, 4, 6, 6])
    a = build.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    out = build.out()
    b = build.node("QLinearAveragePool", x, x_scale, zero, *out, domain=MICROSOFT, kernel_shape=[2, 2],
                   strides=[2, 2])  # fmt: skip
    joint = build.out()
    y = build.node("QLinearConcat", *joint, a, x_scale, zero, b, *out, domain=MICROSOFT, axis=1)
    end = build.out()
    y = build.node("QLinearGlobalAveragePool", y, *joint, *end, domain=MICROSOFT, channels_last=0)
    equal(build, y, *end, build.integers(60, 4, 6, 6))


def test_integer_products_without_a_scale_are_accumulators():
    build = Kernels(np.uint8, 8, ties=False)
    x, x_scale, zero = build.quantized([1, 3, 5, 5])
    weights = build.constant(build.rng.integers(0, 256, (4, 3, 3, 3)), np.uint8)
    y = build.node("ConvInteger", x, weights, zero, build.constant(120, np.uint8), pads=[1] * 4)
    y = build.node("Mul", build.node("Cast", y, to=TensorProto.FLOAT), x_scale)
    y = build.node("QuantizeLinear", build.node("Relu", y), *(q := build.out()))
    y = build.node("Flatten", y)
    weights = build.constant(build.rng.integers(-127, 128, (100, 5)), np.int8)
    y = build.node("MatMulInteger", y, weights, q[1], build.constant(0, np.int8))
    y = build.node("Mul", build.node("Cast", y, to=TensorProto.FLOAT), build.constant(0.003))
    out = build.constant(2.0), build.zero()
    equal(build, build.node("QuantizeLinear", y, *out), *out, build.integers(40, 3, 5, 5))


def test_the_integers_of_an_integer_output_are_made_by_the_hardware():
    build = Kernels(np.uint8, 9, ties=False)
    x, x_scale, zero = build.quantized([1, 4])
    weights = build.constant(build.rng.integers(-127, 128, (4, 3)), np.int8)
    out = build.out()
    y = build.node(
        "QLinearMatMul", x, x_scale, zero, weights, build.constant(0.01), build.constant(0, np.int8), *out
    )
    model = build.model(y, kind=TensorProto.UINT8)
    graph = tailrace.load(model)
    assert str(graph.tensors[graph.output].type) == "uint8"
    x = build.integers(50, 4)
    assert verify_software(graph, graph.reference, x).mismatches == 0
    expected = np.concatenate([session(model).run(None, {"x": sample[None]})[0] for sample in x])
    assert np.array_equal(expected, graph.predict(x))


def test_a_softmax_at_the_end_is_the_host_s():
    build = Kernels(np.uint8, 10, ties=False)
    x, x_scale, zero = build.quantized([1, 4])
    weights = build.constant(build.rng.integers(-127, 128, (4, 3)), np.int8)
    out, end = build.out(), (build.constant(1 / 256), build.constant(0, np.uint8))
    y = build.node(
        "QLinearMatMul", x, x_scale, zero, weights, build.constant(0.01), build.constant(0, np.int8), *out
    )
    y = build.node("QLinearSoftmax", y, *out, *end, domain=MICROSOFT, axis=1, opset=13)
    equal(build, y, *end, build.integers(50, 4))


@pytest.mark.parametrize("name", ["ort_qop"])
def test_the_case_in_the_format_is_mapped(name, shared_models):
    path = shared_models.parent / "cases" / f"{name}.onnx"
    if not path.exists():
        pytest.skip("the small cases are not there")
    graph = tailrace.load(path)
    x = np.random.default_rng(9).normal(0, 1, (8, *graph.host.input.shape)).astype(np.float32)
    result = verify_software(graph, graph.reference, x)
    assert (result.mismatches, result.framework_rounding, result.reference) == (0, 0, "onnxruntime")
    run = session(onnx.load(path))
    expected = np.concatenate([run.run(None, {"x": sample[None]})[0] for sample in x])
    assert np.array_equal(expected, graph.predict(x))


def test_dynamic_quantization_is_refused_with_the_true_reason(shared_models):
    path = shared_models.parent / "cases" / "ort_dynamic.onnx"
    if not path.exists():
        pytest.skip("the small cases are not there")
    with pytest.raises(UnsupportedError) as caught:
        tailrace.load(path)
    problems = caught.value.problems
    assert {p.hint for p in problems} == {INSTEAD["DynamicQuantizeLinear"]}
    assert {p.operation: p.found for p in problems} == {
        "DynamicQuantizeLinear": "it chooses its scale and zero point anew for every input",
        "ConvInteger": "its zero point t5_0_zero_point depends on the network's input",
        "MatMulInteger": "its zero point t12_0_zero_point depends on the network's input",
    }


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"channels_last": 1}, "its channels are last (channels_last=1)"),
        ({"scale": [0.1, 0.2]}, "its scale has 2 elements"),
        ({"channels_last": 1.0}, "its attribute channels_last is a"),
    ],
)
def test_what_has_no_such_form_is_refused(changes, found):
    build = Kernels(np.uint8, 11, ties=False)
    x, _, zero = build.quantized([1, 2, 4, 4])
    scale = build.constant(changes.get("scale", 0.1))
    more = {"kernel_shape": [2, 2], **{k: v for k, v in changes.items() if k != "scale"}}
    y = build.node("QLinearAveragePool", x, scale, zero, *build.out(), domain=MICROSOFT, **more)
    with pytest.raises(ModelError) as caught:
        tailrace.load(build.model(y, kind=TensorProto.UINT8))
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "kind", "found"),
    [
        (1, np.nan, np.float32, "its scale is [nan]"),
        (1, 0.0, np.float32, "its scale is [0.0]"),
        (3, np.ones((4, 3)), np.float32, "its weights holds float32"),
        (3, 3, np.int8, "the operation cannot be executed"),
        (4, [0.1, 0.2], np.float32, "the operation cannot be executed"),
        (5, [0, 0], np.int8, "its operands do not fit together"),
        (6, -1.0, np.float32, "its output scale is [-1.0]"),
        (7, None, None, "it has 7 inputs"),
        (0, None, None, "cannot be"),
    ],
)
def test_broken_operands_are_answered_once(place, value, kind, found):
    build = Kernels(np.uint8, 12, ties=False)
    x, x_scale, zero = build.quantized([1, 4])
    weights = build.constant(build.rng.integers(-127, 128, (4, 3)), np.int8)
    operands = [x, x_scale, zero, weights, build.constant(0.01), build.constant(0, np.int8), *build.out()]
    operands[place] = "" if value is None else build.constant(value, kind)
    y = build.node("QLinearMatMul", *operands)
    with pytest.raises(ModelError) as caught:
        tailrace.load(build.model(y, kind=TensorProto.UINT8))
    assert found in str(caught.value)
