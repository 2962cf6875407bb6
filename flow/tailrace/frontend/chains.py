# SPDX-License-Identifier: Apache-2.0
"""Chains of operations element by element, and what they become for the same elements at other places.

An operation that works element by element does the same to an element wherever it stands, so it can be done before or
behind an operation that only moves elements: its constants are moved along. This is what sinking (a quantizer before
what moves) and hoisting (what moves before a chain) stand on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tailrace.frontend.arrangement import drop_unused
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.operations import AFFINE, ELEMENTWISE, LAYOUT, QUANTIZERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.frontend.network import Network

Array = NDArray[Any]
Integers = NDArray[np.int64]
Shape = tuple[int, ...]

PER_CHANNEL = frozenset({"BatchNormalization", "QuantizeLinear", "DequantizeLinear"})
"""Operations whose constants are lists along one axis, and do not broadcast."""

RISING = frozenset(
    {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Erf", "Exp",
     "Floor", "Ceil", "Round", "Clip", "Sign", "Atan", "ThresholdedRelu", "Min", "Max", "Add", "Identity", "Dropout",
     "QuantizeLinear", "DequantizeLinear"}
)  # fmt: skip
"""Operations with constants that never fall (a LeakyRelu of negative slope is looked at)."""


class Chains:
    """A network whose nodes are being moved; who writes and who reads a tensor is known at every time.

    ``constants``, ``shapes`` and ``dtypes`` grow by what is new; the nodes of the network stay as they are, others come
    in their places, and what nobody reads is left out in the end.
    """

    def __init__(self, network: Network) -> None:
        self.whole = network
        self.constants: dict[str, Array] = dict(network.constants)
        self.shapes, self.dtypes = dict(network.shapes), dict(network.dtypes)
        self.refused = frozenset(problem.node for problem in network.problems)
        self.makers: dict[str, NodeProto] = dict(network.makers)
        self.copies: dict[str, str] = dict(network.copies)
        self.readers = {name: list(nodes) for name, nodes in network.readers.items()}
        self._slots: dict[str, list[NodeProto]] = {node.name: [node] for node in network.nodes}
        self._is_changed = False

    def network(self) -> Network:
        """Return the network as it is now."""
        if not self._is_changed:
            return self.whole
        nodes = [node for slot in self._slots.values() for node in slot]
        return replace(
            self.whole,
            nodes=tuple(drop_unused(nodes, set(self.whole.outputs))),
            constants=self.constants,
            shapes=self.shapes,
            dtypes=self.dtypes,
            copies=self.copies,
            made=frozenset(self.shapes.keys() - self.whole.shapes.keys()) | self.whole.made,
        )

    def put(self, nodes: list[NodeProto], *, in_place_of: NodeProto, slot: str) -> None:
        """Let nodes stand in the place of another, among those that stand where node ``slot`` of the network stood."""
        self._is_changed = True
        here = self._slots[slot]
        where = next(i for i, node in enumerate(here) if node is in_place_of)
        here[where : where + 1] = nodes
        for node in nodes:
            self.makers |= {name: node for name in node.output if name}
            for name in dict.fromkeys(node.input):
                self.readers.setdefault(name, []).append(node)

    def moving_input(self, node: NodeProto) -> str | None:
        """Return the one operand of a node that is no constant; None where there is not one."""
        names = [name for name in node.input if name and name not in self.constants]
        return names[0] if len(names) == 1 else None

    def is_link(self, node: NodeProto | None, operations: Iterable[str] = ELEMENTWISE | LAYOUT) -> bool:
        """Say whether a node of these operations has one operand that is no constant, and shapes that are known."""
        return (
            node is not None
            and node.op_type in operations
            and len(node.output) == 1
            and self.moving_input(node) is not None
            and node.output[0] in self.shapes
            and node.name not in self.refused
        )

    def is_quantized(self, name: str, carriers: Iterable[str]) -> bool:
        """Say whether a tensor comes from a quantizer or the input, with nothing but carriers and layout between."""
        carriers = LAYOUT | set(carriers)
        waiting = [name]
        while waiting:
            node = self.makers.get(waiting.pop())
            if node is None or node.op_type in QUANTIZERS:
                continue
            if node.op_type not in carriers:
                return False
            waiting.extend(n for n in node.input if n and n not in self.constants)
        return True

    def is_affine(self, nodes: Iterable[NodeProto]) -> bool:
        """Say whether nodes keep exact multiples of integers, so that the integers themselves can be moved."""
        return all(node.op_type in AFFINE | LAYOUT for node in nodes)

    def numbered(self, node: NodeProto, numbers: Array) -> Array:
        """Return what a layout operation, or one that picks elements, makes of an array of numbers."""
        shape = self.shapes[node.output[0]]
        if node.op_type in LAYOUT - {"Transpose", "DepthToSpace", "SpaceToDepth"}:
            return numbers.reshape(shape)
        values: dict[str, Array] = {n: self.constants[n] for n in node.input if n in self.constants}
        name = self.moving_input(node)
        assert name is not None  # noqa: S101 - by is_link
        values[name] = numbers.astype(np.float64)
        found = run_node(node, values, self.whole.opset, self.whole.versions)
        return np.asarray(found[node.output[0]]).astype(np.int64)

    def numbered_outputs(self, node: NodeProto, numbers: Array, source: str) -> list[Array]:
        """Return what a node that only picks elements makes of an array of numbers in the place of ``source``."""
        values: dict[str, Array] = {n: self.constants[n] for n in node.input if n in self.constants}
        values[source] = numbers.astype(np.float32)
        found = run_node(node, values, self.whole.opset, self.whole.versions)
        return [np.asarray(found[name]).astype(np.int64) if name else np.zeros(0) for name in node.output]

    def first_of_channel(self, name: str) -> Integers:
        """Return for every element of a tensor (1, channels, ...) the first one of its channel, row-major."""
        shape = self.shapes[name]
        positions = int(np.prod(shape[2:], dtype=np.int64))
        return np.repeat(np.arange(shape[0] * shape[1]) * positions, positions)

    def same_constants(self, node: NodeProto, places: Integers, others: Integers) -> bool:
        """Say whether the constants of a node are the same for its elements at ``places`` and at ``others``."""
        whole = self.shapes[node.output[0]]
        for name in node.input:
            value = self.constants.get(name)
            if value is None or value.size == 1:
                continue
            along = value
            if node.op_type in PER_CHANNEL | {"MultiThreshold"}:
                if node.op_type == "MultiThreshold" and len(value) == 1:
                    continue
                axis = Attributes(node).integer("axis", 1) % len(whole)
                along = np.arange(len(value)).reshape([-1 if i == axis else 1 for i in range(len(whole))])
            try:
                flat = np.broadcast_to(along, whole).ravel()
            except ValueError:
                return False
            if not np.array_equal(flat[places], flat[others]):
                return False
        return True

    # Nodes at other places

    def moved(
        self, node: NodeProto, places: Integers, shape: Shape, *, reads: str, writes: str
    ) -> NodeProto | None:
        """Return an operation element by element for a tensor of ``shape`` whose elements stood at ``places`` before.

        ``places`` (size of ``shape``,) are row-major in the tensor that the node writes now. None where its constants
        cannot be brought into the form that the operation wants.
        """
        old, copy = self.moving_input(node), NodeProto()
        copy.CopyFrom(node)
        copy.name = f"{node.name}/{writes}"
        copy.output[0] = writes
        for position, name in enumerate(node.input):
            if name == old:
                copy.input[position] = reads
            elif name:
                value = self._moved_constant(node, name, places, shape)
                if value is None:
                    return None
                copy.input[position] = value
        if list(copy.input) == [reads if name == old else name for name in node.input]:
            self.copies[copy.name] = self.copies.get(node.name, node.name)
        if node.op_type in PER_CHANNEL:
            for attribute in copy.attribute:
                if attribute.name == "axis":
                    attribute.i = 1
            if node.op_type != "BatchNormalization" and not any(a.name == "axis" for a in copy.attribute):
                copy.attribute.append(helper.make_attribute("axis", 1))
        self.shapes[writes], self.dtypes[writes] = shape, self.dtypes[node.output[0]]
        return copy

    def _moved_constant(self, node: NodeProto, name: str, places: Integers, shape: Shape) -> str | None:
        """Return the name of a constant of ``node`` for other places; None where that is impossible."""
        value, whole = self.constants[name], self.shapes[node.output[0]]
        if value.size == 1 and node.op_type == "BatchNormalization" and len(shape) > 1 and shape[1] > 1:
            return self._new(name, np.repeat(value, shape[1]))  # one channel there, several here
        if value.size == 1:
            return name
        if node.op_type == "MultiThreshold":
            layout = Attributes(node).text("data_layout", "")
            axis = (
                layout.index("C") if "C" in layout and len(layout) == len(whole) else min(1, len(whole) - 1)
            )
            rows = self._by_channel(np.arange(len(value)), axis, whole, places, shape)
            same = rows is not None and np.array_equal(rows, np.arange(len(value)))
            return name if len(value) == 1 or (same and len(shape) == len(whole)) else None
        if node.op_type in PER_CHANNEL:
            if value.ndim != 1:
                return None
            rank = len(whole)
            axis = 1 if node.op_type == "BatchNormalization" else Attributes(node).integer("axis", 1) % rank
            rows = self._by_channel(value, axis, whole, places, shape)
            if rows is None:
                return None
            return name if np.array_equal(rows, value) else self._new(name, rows)
        spread = np.broadcast_to(value, whole).reshape(-1)[places].reshape(shape)
        if value.ndim <= len(shape) and _broadcasts(value, spread):
            return name
        return self._new(name, compact(spread))

    def _by_channel(
        self, value: Array, axis: int, whole: Shape, places: Integers, shape: Shape
    ) -> Array | None:
        """Return values along ``axis`` of a tensor of shape ``whole`` as values along axis 1 of one of ``shape``."""
        if len(shape) < 2 or len(value) != whole[axis]:
            return None
        along = np.broadcast_to(
            value.reshape([-1 if i == axis else 1 for i in range(len(whole))]), whole
        ).reshape(-1)[places]
        table = np.moveaxis(along.reshape(shape), 1, 0).reshape(shape[1], -1)
        return np.asarray(table[:, 0]) if (table == table[:, :1]).all() else None

    def _new(self, name: str, value: Array) -> str:
        """Add a constant that another one became; returns its name."""
        new = f"{name}/moved{len(self.constants)}"
        self.constants[new] = value
        return new


def _broadcasts(value: Array, spread: Array) -> bool:
    """Say whether an array, broadcast, is ``spread``."""
    try:
        return bool(np.array_equal(np.broadcast_to(value, spread.shape), spread))
    except ValueError:
        return False


def compact(values: Array) -> Array:
    """Return an array with every axis of equal values reduced to 1."""
    for axis in range(values.ndim):
        first = values.take([0], axis=axis)
        if values.shape[axis] > 1 and (values == first).all():
            values = first
    return np.ascontiguousarray(values)


def direction(constants: Mapping[str, Array], node: NodeProto, channels: int) -> Array | None:
    """Return 1 for every channel in which a node never falls, -1 where it never rises, 0 where it may do both.

    None for an operation that does not work element by element.
    """
    values = [constants[n] for n in node.input if n in constants]

    def signs(value: Array) -> Array:
        flat = np.sign(np.asarray(value, np.float64)).reshape(-1)
        return np.broadcast_to(flat, (channels,)).copy() if flat.size in (1, channels) else np.zeros(channels)

    match node.op_type:
        case "Quant" | "BipolarQuant" | "Trunc" | "MultiThreshold":
            falling = node.op_type == "MultiThreshold" and Attributes(node).number("out_scale", 1.0) < 0
            return np.full(channels, -1.0 if falling else 1.0)
        case "LeakyRelu" if Attributes(node).number("alpha", 0.01) < 0:
            return np.zeros(channels)
        case "Neg":
            return np.full(channels, -1.0)
        case "Sub":
            return np.full(channels, 1.0 if node.input[1] in constants else -1.0)
        case "Mul":
            return signs(values[0])
        case "Div" if node.input[1] in constants:
            return signs(values[0])
        case "BatchNormalization":
            return signs(values[0])
        case operation if operation in RISING:
            return np.ones(channels)
        case operation if operation in ELEMENTWISE:
            return np.zeros(channels)
    return None
