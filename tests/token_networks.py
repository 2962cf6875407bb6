# SPDX-License-Identifier: Apache-2.0
"""Networks on sequences of tokens, written one node after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

TOKENS, FEATURES, HIDDEN, OUTPUTS = 5, 8, 6, 3
QONNX = "qonnx.custom_op.general"


class Network:
    """A network on (1, TOKENS, FEATURES) floats, or inputs of other shapes, one node after another."""

    def __init__(self, seed: int, **shapes: tuple[int, ...]) -> None:
        self.rng = np.random.default_rng(seed)
        self.shapes = shapes or {"x": (1, TOKENS, FEATURES)}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def add(self, operation: str, *inputs: object, domain: str = "", **attributes: object) -> str:
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        out = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(operation, names, [out], name=f"n_{out}", domain=domain, **attributes)
        )
        return out

    def quant(self, x: str, scale: object, bits: int = 8, signed: int = 1, zero: object = 0.0) -> str:
        kind = {"signed": signed, "narrow": 0, "rounding_mode": "ROUND"}
        return self.add("Quant", x, scale, zero, bits, domain=QONNX, **kind)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.add("MatMul", x, self.quant(self.random(inputs, outputs), 0.1, 4))

    def random(self, *shape: int) -> str:
        return self.constant(self.rng.normal(0, 0.6, shape))

    def hidden(self) -> str:
        return self.dense(self.quant("x", 0.05), FEATURES, HIDDEN)

    def save(self, path: Path, output: str, opset: int = 17) -> Path:
        graph = helper.make_graph(
            self.nodes,
            "tokens",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in self.shapes.items()],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(QONNX, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path


def random_normalization(seed: int, path: Path) -> Path:
    """Write a random network with a normalization between two layers.

    In front of it stand a quantizer, an accumulator, a residual of one scale or of two, or a ReLU, with a bias or a
    scale for every channel here and there; it is one node or written out; an activation may follow.
    """
    net = Network(seed)
    rng = net.rng
    features = int(rng.choice([2, 3, 4, 7, 12, 16]))

    def scale() -> float:
        return float(np.float32(rng.choice([2.0 ** -int(rng.integers(1, 7)), rng.uniform(0.01, 0.3)])))

    def layer(x: str) -> str:
        by_channel = net.constant(rng.uniform(0.03, 0.2, (1, features)))
        step = by_channel if rng.random() < 0.3 else scale()
        bits = float(rng.integers(2, 6))
        rounding = {"signed": 1, "narrow": 1, "rounding_mode": "ROUND"}
        y = net.add(
            "MatMul",
            x,
            net.add("Quant", net.random(FEATURES, features), step, 0.0, bits, domain=QONNX, **rounding),
        )
        return net.add("Add", y, net.random(features)) if rng.random() < 0.4 else y

    x = net.quant("x", scale(), int(rng.integers(2, 9)))
    match rng.choice(["quantizer", "accumulator", "one scale", "two scales", "relu"]):
        case "quantizer":
            y = net.quant(layer(x), scale(), int(rng.integers(2, 9)))
        case "accumulator":
            y = layer(x)
        case "one scale":
            step = scale()
            y = net.add("Add", net.quant(layer(x), step, 5), net.quant(layer(x), step, 5))
        case "two scales":
            y = net.add("Add", net.quant(layer(x), scale(), 5), net.quant(layer(x), scale(), 6))
        case _:
            y = net.add("Relu", layer(x))
    epsilon = float(rng.choice([1e-12, 1e-6, 1e-5, 1e-3, 0.1]))
    gain, bias = net.random(features), net.random(features)
    form = rng.choice(["layer", "rms", "layer by hand", "rms by hand"])
    if form == "layer":
        y = net.add("LayerNormalization", y, gain, bias, epsilon=epsilon)
    elif form == "rms":
        y = net.add("SimplifiedLayerNormalization", y, gain, epsilon=epsilon)
    else:
        if form == "layer by hand":
            y = net.add("Sub", y, net.add("ReduceMean", y, axes=[-1]))
        square = net.add("Add", net.add("ReduceMean", net.add("Pow", y, 2.0), axes=[-1]), epsilon)
        y = net.add("Add", net.add("Mul", net.add("Div", y, net.add("Sqrt", square)), gain), bias)
    activation = rng.choice(["", "Relu", "Tanh", "Sigmoid"])
    if activation:
        y = net.add(str(activation), y)
    y = net.quant(y, float(rng.choice([0.03, 0.1, 0.25])), int(rng.integers(2, 9)))
    return net.save(path, net.dense(y, features, OUTPUTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """An encoder block of a transformer: attention and two layers, each with a residual sum.

    ``weights`` is what stands between scores and values: a softmax, or a ReLU; ``normalized``: with layer
    normalization behind each sum.
    """

    tokens: int = 16
    features: int = 32
    heads: int = 2
    hidden: int = 64
    bits: int = 4
    weights: str = "Softmax"
    normalized: bool = False

    def save(self, path: Path, seed: int = 0) -> Path:
        """Write the encoder with random weights."""
        net = Network(seed, x=(1, self.tokens, self.features))
        bits = self.bits
        step = 2.4 / (1 << (bits - 1))
        width = self.features // self.heads
        shape = net.constant([1, self.tokens, self.heads, width], np.int64)

        def layer(x: str, inputs: int, outputs: int) -> str:
            size = inputs**-0.5
            weights = net.quant(net.constant(net.rng.normal(0, size, (inputs, outputs))), size * step, bits)
            return net.add("Add", net.add("MatMul", x, weights), net.random(outputs))

        def split(x: str, *perm: int) -> str:
            return net.add("Transpose", net.add("Reshape", x, shape), perm=list(perm))

        def summed(x: str, y: str) -> str:
            total = net.quant(net.add("Add", x, y), 1.5 * step, bits)
            if not self.normalized:
                return total
            scale, bias = (net.constant(net.rng.normal(at, 0.1, self.features)) for at in (1, 0))
            y = net.add("LayerNormalization", total, scale, bias, axis=-1, epsilon=1e-5)
            return net.quant(y, step, bits)

        x = net.quant("x", step, bits)
        q, k, v = (net.quant(layer(x, self.features, self.features), step, bits) for _ in range(3))
        scores = net.add("Mul", net.add("MatMul", split(q, 0, 2, 1, 3), split(k, 0, 2, 3, 1)), width**-0.5)
        if self.weights == "Softmax":
            inside = net.add("Softmax", net.quant(scores, step, bits), axis=-1)
            weights = net.quant(inside, 1 / ((1 << bits) - 1), bits, signed=0)
        else:
            weights = net.quant(net.add("Relu", scores), step, bits, signed=0)
        mix = net.add("Transpose", net.add("MatMul", weights, split(v, 0, 2, 1, 3)), perm=[0, 2, 1, 3])
        mix = net.add("Reshape", mix, net.constant([1, self.tokens, self.features], np.int64))
        mix = net.quant(mix, step, bits)
        x = summed(x, net.quant(layer(mix, self.features, self.features), step, bits))
        inner = net.quant(net.add("Relu", layer(x, self.features, self.hidden)), step, bits, signed=0)
        x = summed(x, net.quant(layer(inner, self.hidden, self.features), step, bits))
        return net.save(path, x)
