# SPDX-License-Identifier: Apache-2.0
"""Float networks, ONNX Runtime's quantizer on them, and what ONNX Runtime makes of the files, without tailrace."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
from networks import Builder
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

if TYPE_CHECKING:
    from pathlib import Path


class Samples(CalibrationDataReader):
    """Hands out samples one by one."""

    def __init__(self, name: str, samples: np.ndarray) -> None:
        self.waiting = iter([{name: sample} for sample in samples])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.waiting, None)


def _conv(build: Builder, x: str, inputs: int, outputs: int, kernel: int = 3, groups: int = 1, **more) -> str:  # noqa: PLR0917 - as in a list
    taps = inputs // groups * kernel**2
    weights = build.rng.normal(0, (2 / taps) ** 0.5, (outputs, inputs // groups, kernel, kernel))
    bias = build.constant(build.rng.normal(0, 0.1, outputs))
    return build.node(
        "Conv", x, build.constant(weights), bias, kernel_shape=[kernel, kernel], group=groups, **more
    )


def _gemm(build: Builder, x: str, inputs: int, outputs: int) -> str:
    weights = build.constant(build.rng.normal(0, inputs**-0.5, (inputs, outputs)))
    return build.node("Gemm", x, weights, build.constant(build.rng.normal(0, 0.1, outputs)))


def perceptron(build: Builder) -> str:
    x = build.node("Relu", _gemm(build, build.input([1, 10]), 10, 16))
    x = build.node("LeakyRelu", _gemm(build, x, 16, 12), alpha=0.1)
    x = build.node("MatMul", x, build.constant(build.rng.normal(0, 0.3, (12, 5))))
    return build.node("Add", x, build.constant(build.rng.normal(0, 0.3, 5)))


def residual(build: Builder) -> str:
    same = {"pads": [1] * 4}
    x = build.node("Relu", _conv(build, build.input([1, 3, 8, 8]), 3, 8, **same))
    x = build.node("Relu", build.node("Add", x, _conv(build, x, 8, 8, **same)))
    x = build.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = build.node("Flatten", build.node("GlobalAveragePool", x))
    return build.node("Softmax", _gemm(build, x, 8, 4), axis=1)


def depthwise(build: Builder) -> str:
    x = _conv(build, build.input([1, 3, 8, 8]), 3, 8, pads=[1] * 4)
    x = build.node("Clip", x, build.constant(0.0), build.constant(6.0))
    x = build.node("Relu", _conv(build, x, 8, 8, groups=8, pads=[1] * 4))
    x = build.node("AveragePool", _conv(build, x, 8, 16, 1), kernel_shape=[2, 2], strides=[2, 2])
    return _gemm(build, build.node("Flatten", build.node("Sigmoid", x)), 256, 5)


def attention_by_channel(build: Builder) -> str:
    x = build.input([1, 2, 6, 6])
    a = build.node("Relu", _conv(build, x, 2, 6, pads=[1] * 4))
    x = build.node("Concat", a, build.node("Relu", _conv(build, x, 2, 6, 1)), axis=1)
    x = build.node("Mul", x, build.node("Sigmoid", _conv(build, x, 12, 12, 1)))
    x = build.node(
        "Resize", x, "", build.constant([1, 1, 2, 2]), mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip
    return _conv(build, x, 12, 3, 1)


def hard_swish(build: Builder) -> str:
    x = build.node("HardSwish", _conv(build, build.input([1, 3, 9, 9]), 3, 8, pads=[1] * 4, strides=[2, 2]))
    x = build.node("Tanh", _conv(build, x, 8, 8))
    x = build.node("Flatten", x)
    return _gemm(build, x, 72, 4)


FLOATS = {f.__name__: f for f in (perceptron, residual, depthwise, attention_by_channel, hard_swish)}
"""The float networks."""


def float_network(name: str, seed: int = 0) -> onnx.ModelProto:
    """Return a float network with every shape inferred, as quantize_static wants it."""
    build = Builder(opset=17, domain="", seed=seed)
    out = FLOATS[name](build)
    return onnx.shape_inference.infer_shapes(build.model(out))


def quantized(
    model: onnx.ModelProto,
    path: Path,
    *,
    form: str = "QDQ",
    activations: str = "QUInt8",
    weights: str = "QInt8",
    per_channel: bool = False,
    symmetric: bool = False,
    **options: object,
) -> onnx.ModelProto:
    """Quantize a float network with ONNX Runtime's quantizer, calibrated on 32 normal samples; writes ``path``."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    samples = np.random.default_rng(7).normal(0, 1, (32, *shape)).astype(np.float32)
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            model,
            path,
            Samples(model.graph.input[0].name, samples),
            quant_format=getattr(QuantFormat, form),
            activation_type=getattr(QuantType, activations),
            weight_type=getattr(QuantType, weights),
            per_channel=per_channel,
            extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": symmetric, **options},
        )
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(path)


def session(model: onnx.ModelProto, *, fused: bool = False) -> onnxruntime.InferenceSession:
    """Return a session for a file as it is: node by node, or with ONNX Runtime's default optimizations."""
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if fused else levels.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def quantized_tensors(model: onnx.ModelProto, samples: np.ndarray) -> dict[str, np.ndarray]:
    """Return every tensor of 8-bit or 16-bit integers that a file computes, node by node, on (n, *shape) samples."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    constants = {i.name for i in whole.graph.initializer}
    known = {o.name for o in whole.graph.output}
    names = [
        node.output[0]
        for node in whole.graph.node
        if node.output[0] not in known and any(name not in constants for name in node.input)
    ]
    whole.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    run = session(whole)
    found: dict[str, list[np.ndarray]] = {}
    for sample in samples:
        results = run.run(None, {whole.graph.input[0].name: sample[None]})
        for output, value in zip(run.get_outputs(), results, strict=True):
            if value.dtype.kind in "iu" and value.dtype.itemsize <= 2:
                found.setdefault(output.name, []).append(value.reshape(-1))
    return {name: np.stack(rows) for name, rows in found.items()}
