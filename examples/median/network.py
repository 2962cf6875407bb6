# SPDX-License-Identifier: Apache-2.0
"""Write median.onnx: a quantized layer, the median of each five of its outputs, and a layer behind it.

python examples/median/network.py [FILE]
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

POSITIONS, CHANNELS = 6, 5


def network() -> onnx.ModelProto:
    """Return the network: (1, 8) -> dense, quantized -> (1, 6, 5) -> medians (1, 6, 1) -> dense -> (1, 3)."""
    rng = np.random.default_rng(3)
    weights = {
        "first": rng.integers(-3, 4, (8, POSITIONS * CHANNELS)) * 0.25,
        "last": rng.integers(-3, 4, (POSITIONS, 3)) * 0.5,
    }
    constants: dict[str, np.ndarray] = {name: value.astype(np.float32) for name, value in weights.items()}
    constants |= {"zero": np.float32(0), "four": np.float32(4), "three": np.float32(3), "six": np.float32(6)}
    constants |= {"step": np.float32(0.25), "half": np.float32(0.5)}
    constants |= {"image": np.array([1, POSITIONS, CHANNELS]), "flat": np.array([1, POSITIONS])}

    def quant(x: str, scale: str, bits: str, out: str) -> onnx.NodeProto:
        return helper.make_node(
            "Quant", [x, scale, "zero", bits], [out], domain="qonnx.custom_op.general", signed=1, narrow=0,
            rounding_mode="ROUND",
        )  # fmt: skip

    nodes = [
        quant("x", "step", "four", "x_quantized"),
        quant("first", "step", "three", "first_quantized"),
        helper.make_node("MatMul", ["x_quantized", "first_quantized"], ["sums"]),
        quant("sums", "step", "six", "sums_quantized"),
        helper.make_node("Reshape", ["sums_quantized", "image"], ["vectors"]),
        helper.make_node("Median", ["vectors"], ["medians"], domain="tailrace_median.software"),
        helper.make_node("Reshape", ["medians", "flat"], ["features"]),
        quant("last", "half", "three", "last_quantized"),
        helper.make_node("MatMul", ["features", "last_quantized"], ["scores"]),
        quant("scores", "half", "six", "y"),
    ]
    graph = helper.make_graph(
        nodes,
        "median",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    imports.append(helper.make_opsetid("tailrace_median.software", 1))
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


if __name__ == "__main__":
    onnx.save(network(), sys.argv[1] if len(sys.argv) > 1 else "median.onnx")
