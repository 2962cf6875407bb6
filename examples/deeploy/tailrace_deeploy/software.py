# SPDX-License-Identifier: Apache-2.0
"""The operations in software, as QONNX runs them: what the hardware is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx import helper
from qonnx.custom_op.base import CustomOp

from tailrace_deeploy.formulas import (
    Integers,
    Levels,
    number,
    over_root,
    requantized,
    softmax,
    whole,
    without_norm,
)

if TYPE_CHECKING:
    import numpy as np


class _Operation(CustomOp):
    """An operation whose output has the shape of its first input."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return the attributes that QONNX reads: none, :func:`tailrace_deeploy.formulas.number` does."""
        return {}

    def make_shape_compatible_op(self, model: Any) -> Any:  # noqa: ANN401 - qonnx has no types
        """Return an operation of ONNX with the same shape of its output."""
        del model
        return helper.make_node("Identity", [self.onnx_node.input[0]], [self.onnx_node.output[0]])

    def infer_node_datatype(self, model: Any) -> None:  # noqa: ANN401
        """Leave the data type as it is."""
        del model

    def execute_node(self, context: dict[str, np.ndarray], graph: Any) -> None:  # noqa: ANN401
        """Compute the output from what ``context`` has of the inputs."""
        del graph
        node = self.onnx_node
        result = self.compute(*(whole(context[name]) for name in node.input))
        context[node.output[0]] = result.astype(context[node.input[0]].dtype)

    def compute(self, *inputs: Integers) -> Integers:
        """Return the output for integers."""
        raise NotImplementedError

    def verify_node(self) -> list[str]:
        """Return what is wrong with the node: nothing."""
        return []


class RequantShift(_Operation):
    """A multiplication, an addition and a division that rounds, clipped."""

    def compute(self, *inputs: Integers) -> Integers:
        """Return the output for integers, factors and summands."""
        node = self.onnx_node
        levels = Levels.of(number(node, "n_levels_out"), signed=bool(number(node, "signed")))
        return requantized(*inputs, number(node, "div"), levels)


class INoNorm(_Operation):
    """A factor and a summand for every element in place of a normalization."""

    def compute(self, *inputs: Integers) -> Integers:
        """Return the output for integers, weights and bias."""
        node = self.onnx_node
        levels = Levels.of(number(node, "n_levels"), signed=True)
        return without_norm(*inputs, (number(node, "mul"), number(node, "D")), levels)


class IRmsNorm(_Operation):
    """A division by the root of the mean square."""

    def compute(self, *inputs: Integers) -> Integers:
        """Return the output for integers and weights."""
        node = self.onnx_node
        return over_root(*inputs, number(node, "D"), Levels.of(number(node, "n_levels"), signed=True))


class ISoftmax(_Operation):
    """The softmax of I-BERT."""

    def compute(self, *inputs: Integers) -> Integers:
        """Return the output for integers."""
        return softmax(
            *inputs, *(number(self.onnx_node, name) for name in ("coeffB", "coeffC", "log2", "n_levels"))
        )


custom_op = {"RequantShift": RequantShift, "iNoNorm": INoNorm, "iRMSNorm": IRmsNorm, "iSoftmax": ISoftmax}
