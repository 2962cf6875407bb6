# SPDX-License-Identifier: Apache-2.0
"""What is constant in a file whose constants are not folded yet: first values, indices, shapes, each when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.limits import elements, is_endless, result_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto, NodeProto

    from tailrace.core.limits import Limits

Array = NDArray[Any]


class Constants:
    """The constants of a graph. ``shapes`` are those that its inputs have in a step, which ``Shape`` gives."""

    def __init__(
        self, graph: GraphProto, opset: int, limits: Limits, shapes: Mapping[str, tuple[int, ...]]
    ) -> None:
        self.opset, self.limits, self.shapes = opset, limits, shapes
        self.outside = {
            value.name: tuple(max(1, int(d.dim_value)) for d in value.type.tensor_type.shape.dim)
            for value in graph.input
            if value.name not in {each.name for each in graph.initializer}
        }
        """The inputs of the graph with their shapes; an axis of no fixed length has 1."""
        self._initializers = {each.name: each for each in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._found: dict[str, Array | None] = {}

    def __contains__(self, name: str) -> bool:
        """Say whether a tensor is a constant."""
        return self.get(name) is not None

    def get(self, name: str) -> Array | None:
        """Return the value of a tensor, None where it is none, depends on an input, or is too large."""
        waiting = [name]
        while waiting:
            now = waiting[-1]
            if now in self._found:
                waiting.pop()
                continue
            if now in self._initializers or now not in self._makers:
                self._found[now] = self._stored(now)
                waiting.pop()
                continue
            node = self._makers[now]
            missing = [each for each in node.input if each and each not in self._found]
            if node.op_type == "Shape" and node.input[0] in self.shapes:
                missing = []
            if missing:
                self._found.update(dict.fromkeys(set(missing) & set(waiting)))  # a loop has no value
                waiting.extend(each for each in missing if each not in self._found)
                continue
            self._found.update(dict.fromkeys(node.output))
            self._found.update(self._made(node))
            waiting.pop()
        return self._found[name]

    def _stored(self, name: str) -> Array | None:
        if name not in self._initializers:
            return None
        try:
            return numpy_helper.to_array(self._initializers[name])
        except Exception:  # noqa: BLE001 - onnx raises many kinds; whoever needs the values says that they are damaged
            return None

    def _made(self, node: NodeProto) -> Mapping[str, Array]:
        """Return what a node of constants makes; nothing where it cannot be run."""
        if node.op_type == "Shape" and node.input[0] in self.shapes:
            attributes = Attributes(node)
            dims = self.shapes[node.input[0]][
                attributes.integer("start", 0) : attributes.integer("end", None)
            ]
            return {node.output[0]: np.array(dims, np.int64)}
        values: dict[str, Array] = {}
        for name in node.input:
            value = self._found.get(name) if name else None
            if value is None and name:
                return {}
            if value is not None:
                values[name] = value
        if node.domain not in ("", "ai.onnx") or is_endless(node):
            return {}
        shapes = result_shapes(node, values, self.opset).values()
        if any(elements(shape) > self.limits.elements for shape in shapes):
            return {}
        try:
            return run_node(node, values, self.opset, {})
        except Exception:  # noqa: BLE001 - whatever an executor raises, nothing is known
            return {}
