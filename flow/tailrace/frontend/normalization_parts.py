# SPDX-License-Identifier: Apache-2.0
"""Take normalizations apart: one whose scale is 1 and whose bias is 0, and scale and bias as operations behind it."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from tailrace.frontend.attributes import Attributes

SCALES_OF_CHANNELS = 21
"""The version of ONNX from which on a GroupNormalization has a scale for every channel, and not for every group."""


def split_normalization(node: NodeProto, opset: int) -> list[NodeProto]:
    """Return the parts of a normalization of ONNX, the last of which writes what it writes."""
    parts = _Parts(node)
    match node.op_type:
        case "InstanceNormalization":
            parts.instances(node.input[0], node.input[1:], node.output[0])
        case "GroupNormalization":
            parts.groups(Attributes(node).integer("num_groups"), of_channels=opset >= SCALES_OF_CHANNELS)
        case _:
            parts.last_axes()
    return parts.nodes


class _Parts:
    """The nodes that a normalization becomes; every method of one node returns the tensor that it writes."""

    def __init__(self, node: NodeProto) -> None:
        self.whole = node
        self.nodes: list[NodeProto] = []

    def add(self, operation: str, *inputs: str, out: str = "", **attributes: object) -> str:
        """Add a node."""
        name = f"{self.whole.name}/{operation.lower()}{len(self.nodes)}"
        out = out or f"{self.whole.output[0]}/{operation.lower()}{len(self.nodes)}"
        node = helper.make_node(operation, list(inputs), [out], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return out

    def integers(self, *values: int) -> str:
        """Add a constant."""
        return self.add("Constant", value=numpy_helper.from_array(np.array(values, np.int64)))

    def filled(self, like: str, value: float) -> str:
        """Return a constant of the shape of another one, all of it the same number."""
        one = numpy_helper.from_array(np.full(1, value, np.float32))
        return self.add("ConstantOfShape", self.add("Shape", like), value=one)

    def normalized(self, operation: str, *inputs: str, outputs: tuple[str, ...] = ()) -> str:
        """Add the normalization itself, with the attributes of the whole."""
        out = self.add(operation, *inputs)
        node = self.nodes[-1]
        node.output.extend(outputs)
        others = ("num_groups", "stash_type") if operation == "InstanceNormalization" else ()
        node.attribute.extend(a for a in self.whole.attribute if a.name not in others)
        return out

    def affine(self, x: str, scale: str, bias: str, out: str) -> None:
        """Multiply by a scale and add a bias; "" for none."""
        if not bias:
            self.add("Mul", x, scale, out=out)
        else:
            self.add("Add", self.add("Mul", x, scale), bias, out=out)

    def last_axes(self) -> None:
        """Split a normalization along the last axes, whose scale and bias have the shape of these."""
        x, scale, *bias = self.whole.input
        ones = self.filled(scale, 1.0)
        y = self.normalized(self.whole.op_type, x, ones, outputs=tuple(self.whole.output[1:]))
        self.affine(y, scale, bias[0] if bias else "", self.whole.output[0])

    def along_channels(self, values: str, x: str) -> str:
        """Return (channels,) values as (channels, 1, ...), to stand beside ``x`` of (1, channels, ...)."""
        rank = self.add("Shape", self.add("Shape", x))
        others = self.add("Sub", rank, self.integers(2))
        ones = self.add("ConstantOfShape", others, value=numpy_helper.from_array(np.ones(1, np.int64)))
        return self.add("Reshape", values, self.add("Concat", self.integers(-1), ones, axis=0))

    def instances(self, x: str, sides: list[str], out: str) -> None:
        """Split a normalization of every channel along all its positions."""
        scale, bias = sides
        y = self.normalized("InstanceNormalization", x, self.filled(scale, 1.0), self.filled(bias, 0.0))
        self.affine(y, self.along_channels(scale, x), self.along_channels(bias, x), out)

    def groups(self, count: int, *, of_channels: bool) -> None:
        """Split a normalization of groups of channels: a group is a channel of a tensor of other shape."""
        x, scale, bias = self.whole.input
        grouped = self.add("Reshape", x, self.integers(1, count, -1))
        if not of_channels:
            inner = f"{self.whole.output[0]}/groups"
            self.instances(grouped, [scale, bias], inner)
            self.add("Reshape", inner, self.add("Shape", x), out=self.whole.output[0])
            return
        ones, zeros = (
            self.add(
                "ConstantOfShape",
                self.integers(count),
                value=numpy_helper.from_array(np.full(1, v, np.float32)),
            )
            for v in (1, 0)
        )
        y = self.add(
            "Reshape", self.normalized("InstanceNormalization", grouped, ones, zeros), self.add("Shape", x)
        )
        self.affine(y, self.along_channels(scale, x), self.along_channels(bias, x), self.whole.output[0])
