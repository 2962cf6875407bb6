# SPDX-License-Identifier: Apache-2.0
"""Random classifiers: last layers with scales and biases of every kind, and what people put behind them.

``ending_network(seed)`` draws one: vectors, steps with channels last, or images; the last layer dense or a convolution;
a bias of floats or behind a quantizer of its own; a softmax, a sigmoid, an index, a decision, or nothing behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from networks import Builder, Generated
from onnx import TensorProto


@dataclass
class Ending(Generated):
    """A random classifier; ``logits`` is the tensor that ranks the classes, ``axis`` that of the classes in it."""

    logits: str = ""
    axis: int = -1


class _Ends(Builder):
    def __init__(self, seed: int) -> None:
        super().__init__(opset=int(np.random.default_rng(seed).choice([11, 13, 17])), seed=seed)
        self.classes = int(self.rng.integers(2, 9))
        self.dyadic = bool(self.rng.random() < 0.4)

    def maybe(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def scale(self, shape: tuple[int, ...] = (), at: float = 0.25) -> np.ndarray:
        power = at * 2.0 ** self.rng.integers(-1, 2, shape)
        return np.asarray(power if self.dyadic else power * self.rng.uniform(0.6, 1.4, shape), np.float32)

    def bias(self) -> str:
        value = self.rng.normal(0, 1, self.classes)
        if self.dyadic:
            value = np.round(value * 64) / 64
        value = self.constant(value)
        if self.maybe(0.4):
            scale = self.scale((), 1 / 32) if self.maybe(0.5) else self.scale((self.classes,), 1 / 32)
            value = self.quant(value, scale=scale, bits=int(self.rng.choice([8, 16, 32])))
        return value

    def layer(self) -> str:
        """A last layer of quantized weights and inputs; classes come last, or second in an image."""
        columns = int(self.rng.integers(2, 7))
        many = self.maybe(0.3)
        shapes = {"vector": [1, columns], "steps": [1, 3, columns], "image": [1, columns, 2, 3]}
        self.kind = str(self.rng.choice(["vector", "vector", "steps", "image"]))
        x = self.quant(self.input(shapes[self.kind]), scale=self.scale(), bits=4)
        self.inputs_shape = shapes[self.kind][1:]
        shape = (self.classes, columns) if self.kind != "image" else (self.classes, columns, 1, 1)
        scale = self.scale((self.classes, *[1] * (len(shape) - 1)) if many else (), 0.125)
        weights = self.quant(self.constant(self.rng.normal(0, 0.5, shape)), scale=scale, bits=4, narrow=1)
        bias = self.bias() if self.maybe(0.8) else ""
        if self.kind == "image":
            return self.node("Conv", x, weights, *([bias] if bias else []))
        y = self.node("MatMul", x, self.node("Transpose", weights, perm=[1, 0]))
        return self.node("Add", y, bias) if bias else y


def ending_network(seed: int) -> Ending:
    """Draw a classifier."""
    build = _Ends(seed)
    y = build.layer()
    axis = 1 if build.kind == "image" else len(build.inputs_shape)
    if build.maybe(0.2):
        y = build.node("Mul", y, build.constant(build.scale((), 1.0) * build.rng.choice([-1, 1])))
    logits, first = y, axis
    if build.kind == "image" and build.maybe(0.4):
        y, axis = build.node("Transpose", y, perm=[0, 2, 3, 1]), 3
    kind, integer = TensorProto.FLOAT, False
    if build.maybe(0.5):
        operation = str(build.rng.choice(["Softmax", "Softmax", "LogSoftmax", "Sigmoid", "Relu"]))
        attributes = {"axis": axis} if "Soft" in operation else {}
        y = build.node(operation, y, **attributes)
        build.log.append(operation)
    ending = str(build.rng.choice(["nothing", "ArgMax", "ArgMin", "TopK", "decision"]))
    build.log.append(ending)
    if ending.startswith("Arg"):
        y = build.node(ending, y, axis=axis, keepdims=int(build.maybe(0.5)))
        integer = True
    elif ending == "TopK":
        build.node(
            "TopK", y, build.constant([1], np.int64), outputs=2, axis=axis, largest=int(build.maybe(0.7))
        )
        y, integer = build.nodes[-1].output[1], True
    elif ending == "decision" and build.maybe(0.5):
        y = build.node("Round", build.node("Sigmoid", y))
    elif ending == "decision":
        y, kind = build.node("Greater", y, build.constant(0.3)), TensorProto.BOOL
    if build.maybe(0.2) and ending != "nothing":
        y = build.node("Flatten", y)
    inputs = build.rng.normal(0, 1, (24, *build.inputs_shape)).astype(np.float32)
    model = build.model(y, kind=TensorProto.INT64 if integer else kind)
    return Ending(model, None, inputs, [build.kind, *build.log], logits, first)
