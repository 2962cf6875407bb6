# SPDX-License-Identifier: Apache-2.0
"""The operation in software, as QONNX runs it: what the hardware is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper
from qonnx.custom_op.base import CustomOp


class Median(CustomOp):
    """The median over the last axis, which has an odd number of elements and keeps its place with one."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return the attributes: none."""
        return {}

    def make_shape_compatible_op(self, model: Any) -> Any:  # noqa: ANN401 - qonnx has no types
        """Return an operation of ONNX with the same shape of its output."""
        del model
        node = self.onnx_node
        return helper.make_node("ReduceMax", [node.input[0]], [node.output[0]], axes=[-1], keepdims=1)

    def infer_node_datatype(self, model: Any) -> None:  # noqa: ANN401
        """Leave the data type of the input to the output."""
        node = self.onnx_node
        model.set_tensor_datatype(node.output[0], model.get_tensor_datatype(node.input[0]))

    def execute_node(self, context: dict[str, np.ndarray], graph: Any) -> None:  # noqa: ANN401
        """Compute the output from what ``context`` has of the input."""
        del graph
        x = context[self.onnx_node.input[0]]
        context[self.onnx_node.output[0]] = np.sort(x, axis=-1)[..., x.shape[-1] // 2, None]

    def verify_node(self) -> list[str]:
        """Return what is wrong with the node: nothing."""
        return []


custom_op = {"Median": Median}
