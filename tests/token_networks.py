# SPDX-License-Identifier: Apache-2.0
"""Networks on sequences of tokens, written one node after the other."""

from __future__ import annotations

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
