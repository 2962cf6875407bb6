# SPDX-License-Identifier: Apache-2.0
"""Write the integer graph node by node; every front door's sheet is one of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.graph import Map, Node, Permute, Reshape, Tensor, output_of

if TYPE_CHECKING:
    from tailrace.core.order import Order
    from tailrace.core.steps import Steps


class Writer:
    """The nodes of an integer graph so far, and the tensors between them, by name."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self._counts: dict[str, int] = {}

    def new_name(self, kind: str) -> str:
        """Return a name for a node that no other has."""
        index = self._counts.get(kind, 0)
        self._counts[kind] = index + 1
        return f"{kind}_{index}"

    def emit(self, node: Node, shape: tuple[int, ...], origin: str) -> Tensor:
        """Add a node; returns its output, which stands for the tensor ``origin`` of the network (or none)."""
        tensor = output_of(node, [self.tensors[name] for name in node.inputs], origin)
        if tensor.shape != shape:
            raise ValueError(f"{node.name}: the shape is {tensor.shape}, {shape} was expected")
        self.nodes.append(node)
        self.tensors[tensor.name] = tensor
        return tensor

    def emit_map(self, tensor: Tensor, steps: Steps, origin: str) -> Tensor:
        """Add a map, one function for all, for every channel, or for every element."""
        if steps.rows not in (1, tensor.channels):  # one function for every position
            tensor = self.reshaped(tensor, (tensor.size,))
        name = self.new_name("map")
        return self.emit(Map(name=name, input=tensor.name, output=name, steps=steps), tensor.shape, origin)

    def reshaped(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the same integers as ``shape``."""
        if tensor.shape == shape:
            return tensor
        name = self.new_name("reshape")
        return self.emit(
            Reshape(name=name, input=tensor.name, output=name, shape=shape), shape, tensor.origin
        )

    def named(self, tensor: Tensor, origin: str) -> Tensor:
        """Let a tensor that stands for none of the network's yet stand for ``origin``."""
        if tensor.origin:
            return tensor
        self.tensors[tensor.name] = replace(tensor, origin=origin)
        return self.tensors[tensor.name]

    def arranged(self, tensor: Tensor, order: Order, shape: tuple[int, ...]) -> Tensor:
        """Return the integers in the order of the float tensor, as ``shape``."""
        if order is None:
            return self.reshaped(tensor, shape)
        name = self.new_name("permute")
        return self.emit(
            Permute(name=name, input=tensor.name, output=name, order=order, shape=shape), shape, ""
        )
