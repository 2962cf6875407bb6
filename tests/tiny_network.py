# SPDX-License-Identifier: Apache-2.0
"""A network of two layers, small enough that its design compiles in a second or two, and ways to spoil it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

QONNX = "qonnx.custom_op.general"
INPUTS, HIDDEN, OUTPUTS = 6, 4, 3


def quant(name: str, source: str, output: str) -> onnx.NodeProto:
    """A ``Quant`` node that takes scale, zero point and bits from constants named after it."""
    inputs = [source, f"{name}_scale", f"{name}_zero", f"{name}_bits"]
    return helper.make_node(
        "Quant", inputs, [output], name, domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND"
    )


def constants(name: str, scale: float | np.ndarray, bits: int) -> dict[str, np.ndarray]:
    """The constants of a ``Quant`` node."""
    values = {"scale": scale, "zero": 0.0, "bits": float(bits)}
    return {f"{name}_{key}": np.asarray(value, np.float32) for key, value in values.items()}


def tiny_network(
    *,
    seed: int = 1,
    quantized_weights: bool = True,
    batch: int | str = 1,
    operation: str = "Relu",
    scale: float | None = None,
    name: str = "tiny",
) -> onnx.ModelProto:
    """6 inputs of 4 bits, 4 hidden units, ReLU, 4 bits, 3 outputs; weights of 3 bits.

    The keywords spoil it: float weights, another batch axis, another operation than Relu, another scale of the
    hidden activation.
    """
    rng = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {
        "w0": rng.integers(-4, 4, (INPUTS, HIDDEN)).astype(np.float32) * np.float32(0.25),
        "w1": rng.integers(-4, 4, (HIDDEN, OUTPUTS)).astype(np.float32) * np.float32(0.5),
        **constants("q_in", 0.125, 4),
        **constants("q_w0", 0.25, 3),
        **constants("q_hidden", 0.37 if scale is None else scale, 4),
        **constants("q_w1", 0.5, 3),
    }
    if not quantized_weights:
        values["w0"] = rng.normal(size=(INPUTS, HIDDEN)).astype(np.float32)
    nodes = [
        quant("q_in", "x", "x_q"),
        quant("q_w0", "w0", "w0_q"),
        helper.make_node("MatMul", ["x_q", "w0_q" if quantized_weights else "w0"], ["h"], "hidden"),
        helper.make_node(operation, ["h"], ["r"], "activation"),
        quant("q_hidden", "r", "h_q"),
        quant("q_w1", "w1", "w1_q"),
        helper.make_node("MatMul", ["h_q", "w1_q"], ["y"], "logits"),
    ]
    if not quantized_weights:
        nodes = [node for node in nodes if node.name != "q_w0"]
    return model(nodes, values, batch, name)


def model(
    nodes: list[onnx.NodeProto], values: Mapping[str, np.ndarray], batch: int | str, name: str
) -> onnx.ModelProto:
    """A model with the nodes, of 6 float inputs and 3 float outputs."""
    used = {source for node in nodes for source in node.input}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, OUTPUTS])],
        [numpy_helper.from_array(value, key) for key, value in values.items() if key in used],
    )
    imports = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def write_tiny(path: Path, **changes: Any) -> Path:
    """Write :func:`tiny_network` to ``path`` and return the path."""
    onnx.save(tiny_network(**changes), str(path))
    return path
