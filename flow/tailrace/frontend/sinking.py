# SPDX-License-Identifier: Apache-2.0
"""Move pooling behind the quantizer: the largest of several values, quantized, is the largest of their integers.

A maximum commutes with every function that never falls, so a MaxPool between an accumulator and its quantizer can as
well stand behind the quantizer, where the numbers are few bits wide. Where the functions between fall in some channels
(a batch-norm of negative gain), the smallest is taken there, as the attribute FALLS of the pool says. Repeating pixels
commutes with whatever works pixel by pixel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.operations import ELEMENTWISE, LAYOUT, QUANTIZERS

if TYPE_CHECKING:
    from tailrace.frontend.network import Network

Array = NDArray[Any]

FALLS = "falls"
"""The attribute of a moved MaxPool that lists the channels in which it takes the smallest value."""

INTS = AttributeProto.AttributeType.INTS

RISING = frozenset(
    {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Erf", "Exp",
     "Floor", "Ceil", "Round", "Clip", "Sign", "Atan", "ThresholdedRelu", "Min", "Max", "Add", "Identity", "Dropout"}
)  # fmt: skip
"""Operations with constants that never fall (a LeakyRelu of negative slope is looked at)."""


def sink_pools(network: Network) -> Network:
    """Return the network with every MaxPool and Resize in front of a quantizer moved behind it, as far as that goes.

    The last pool comes first, so that one in front of another finds the way free; each is looked at once.
    """
    moving = _Moving(network)
    for node in reversed(network.nodes):
        if node.op_type in ("MaxPool", "GlobalMaxPool", "Resize", "Upsample") and len(node.output) == 1:
            moving.sink(node)
    return moving.network()


class _Moving:
    """The nodes of a network while pools are moved; who writes and who reads a tensor is known at every time."""

    def __init__(self, network: Network) -> None:
        self.whole = network
        self.shapes, self.dtypes = dict(network.shapes), dict(network.dtypes)
        self.makers = dict(network.makers)
        self.readers = {name: list(nodes) for name, nodes in network.readers.items()}
        self.slots: list[list[NodeProto]] = [[node] for node in network.nodes]
        """What stands at the place of each node of the network now."""
        self.places = {node.name: place for place, node in enumerate(network.nodes)}

    def network(self) -> Network:
        """Return the network as it is now."""
        nodes = tuple(node for slot in self.slots for node in slot)
        return replace(self.whole, nodes=nodes, shapes=self.shapes, dtypes=self.dtypes)

    def sink(self, pool: NodeProto) -> None:
        """Move a pool behind its quantizer, where that gives the same."""
        source, shape = pool.input[0], self.shapes.get(pool.input[0])
        if shape is None or len(shape) not in (3, 4) or self._is_quantized(source):
            return
        chain = self._chain(pool)
        if chain is None:
            return
        if any(node.output[0] not in self.shapes for node in (pool, *chain)):  # of a node that is refused
            return
        channels = shape[1]
        repeats = pool.op_type in ("Resize", "Upsample")
        sign = np.ones(channels)
        for node in chain:
            own = _direction(self.whole, node, channels)
            if own is None or not (self._keeps_channels(node, channels) and (repeats or own.all())):
                return
            sign *= own
        after = chain[-1].output[0]
        mark = f"before {pool.name}"
        before = f"{after}/{mark}"
        nodes: list[NodeProto] = []
        name, previous = source, pool.output[0]
        for node in chain:
            copy = NodeProto()
            copy.CopyFrom(node)
            copy.input[list(node.input).index(previous)] = name
            previous = node.output[0]
            name = before if node is chain[-1] else f"{node.output[0]}/{mark}"
            copy.output[0] = name
            self.shapes[name], self.dtypes[name] = shape, self.dtypes[node.output[0]]
            nodes.append(copy)
        last = NodeProto()
        last.CopyFrom(pool)
        last.input[0], last.output[0] = before, after
        if not repeats:
            last.attribute.append(helper.make_attribute(FALLS, np.flatnonzero(sign < 0), attr_type=INTS))
        self._replace([pool, *chain], [*nodes, last])

    def _replace(self, old: list[NodeProto], new: list[NodeProto]) -> None:
        """Let nodes stand for others, at the place of the last of these."""
        place = self.places[old[-1].name]
        slot = self.slots[place]
        where = next(i for i, node in enumerate(slot) if node is old[-1])
        slot[where:where] = new
        for node in old:
            slot = self.slots[self.places[node.name]]
            slot[:] = [other for other in slot if other is not node]
            for name in dict.fromkeys(node.input):
                self.readers[name] = [other for other in self.readers[name] if other is not node]
        for node in new:
            self.places[node.name] = place
            self.makers[node.output[0]] = node
            for name in dict.fromkeys(node.input):
                self.readers.setdefault(name, []).append(node)

    def _is_quantized(self, name: str) -> bool:
        """Say whether a tensor comes from a quantizer or from the input, with nothing but layout between."""
        while name in self.makers:
            node = self.makers[name]
            if node.op_type in QUANTIZERS:
                return True
            if node.op_type not in LAYOUT | {"MaxPool", "GlobalMaxPool", "Resize", "Upsample"}:
                return False
            name = node.input[0]
        return True

    def _chain(self, pool: NodeProto) -> list[NodeProto] | None:
        """Return what follows the pool up to its quantizer, where each is read by the next alone."""
        chain: list[NodeProto] = []
        name = pool.output[0]
        while name not in self.whole.outputs:
            readers = self.readers.get(name, [])
            if len(readers) != 1:
                return None
            node = readers[0]
            dynamic = [n for n in node.input if n and n not in self.whole.constants]
            if dynamic != [name] or len(node.output) != 1 or node.op_type not in ELEMENTWISE | QUANTIZERS:
                return None
            chain.append(node)
            if node.op_type in QUANTIZERS:
                return chain
            name = node.output[0]
        return None

    def _keeps_channels(self, node: NodeProto, channels: int) -> bool:
        """Say whether all constants of a node are the same for every position of a channel."""
        for name in node.input:
            value = self.whole.constants.get(name)
            if value is None or value.size == 1 or node.op_type in ("BatchNormalization", "MultiThreshold"):
                continue
            rank = len(self.shapes[node.output[0]])
            shape = (1,) * (rank - value.ndim) + value.shape
            if shape[1] not in (1, channels) or any(n != 1 for i, n in enumerate(shape) if i != 1):
                return False
        return True


def _direction(network: Network, node: NodeProto, channels: int) -> Array | None:
    """Return 1 for every channel in which a node never falls, -1 where it never rises, 0 where it may do both."""
    values = [network.constants[n] for n in node.input if n in network.constants]

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
            return np.full(channels, 1.0 if node.input[1] in network.constants else -1.0)
        case "Mul":
            return signs(values[0])
        case "Div" if node.input[1] in network.constants:
            return signs(values[0])
        case "BatchNormalization":
            return signs(values[0])
        case operation if operation in RISING:
            return np.ones(channels)
        case operation if operation in ELEMENTWISE:
            return np.zeros(channels)
    return None
