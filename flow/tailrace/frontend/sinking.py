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
    """Return the network with every MaxPool and Resize in front of a quantizer moved behind it, as far as that goes."""
    for node in network.nodes:
        if node.op_type in ("MaxPool", "GlobalMaxPool", "Resize", "Upsample") and len(node.output) == 1:
            moved = _sunk(network, node)
            if moved is not None:
                return sink_pools(moved)
    return network


def _sunk(network: Network, pool: NodeProto) -> Network | None:
    source, shape = pool.input[0], network.shapes.get(pool.input[0])
    if shape is None or len(shape) not in (3, 4) or _is_quantized(network, source):
        return None
    chain = _chain(network, pool)
    if chain is None:
        return None
    if any(node.output[0] not in network.shapes for node in (pool, *chain)):  # of a node that is refused
        return None
    channels = shape[1]
    repeats = pool.op_type in ("Resize", "Upsample")
    sign = np.ones(channels)
    for node in chain:
        own = _direction(network, node, channels)
        if own is None or not (_keeps_channels(network, node, channels) and (repeats or own.all())):
            return None
        sign *= own
    shapes, dtypes = dict(network.shapes), dict(network.dtypes)
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
        shapes[name], dtypes[name] = shape, network.dtypes[node.output[0]]
        nodes.append(copy)

    last = NodeProto()
    last.CopyFrom(pool)
    last.input[0], last.output[0] = before, after
    if not repeats:
        last.attribute.append(helper.make_attribute(FALLS, np.flatnonzero(sign < 0), attr_type=INTS))
    nodes.append(last)
    gone = {pool.name, *(node.name for node in chain)}
    place = next(i for i, node in enumerate(network.nodes) if node.name == chain[-1].name)
    kept = [node for node in network.nodes[:place] if node.name not in gone]
    rest = [node for node in network.nodes[place:] if node.name not in gone]
    return replace(network, nodes=(*kept, *nodes, *rest), shapes=shapes, dtypes=dtypes)


def _is_quantized(network: Network, name: str) -> bool:
    """Say whether a tensor comes from a quantizer or from the input, with nothing but layout between."""
    makers = {out: node for node in network.nodes for out in node.output}
    while name in makers:
        node = makers[name]
        if node.op_type in QUANTIZERS:
            return True
        if node.op_type not in LAYOUT and node.op_type not in (
            "MaxPool",
            "GlobalMaxPool",
            "Resize",
            "Upsample",
        ):
            return False
        name = node.input[0]
    return True


def _chain(network: Network, pool: NodeProto) -> list[NodeProto] | None:
    """Return what follows the pool up to its quantizer, where each is read by the next alone."""
    chain: list[NodeProto] = []
    name = pool.output[0]
    while name not in network.outputs:
        readers = [node for node in network.nodes if name in node.input]
        if len(readers) != 1:
            return None
        node = readers[0]
        dynamic = [n for n in node.input if n and n not in network.constants]
        if dynamic != [name] or len(node.output) != 1 or node.op_type not in ELEMENTWISE | QUANTIZERS:
            return None
        chain.append(node)
        if node.op_type in QUANTIZERS:
            return chain
        name = node.output[0]
    return None


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


def _keeps_channels(network: Network, node: NodeProto, channels: int) -> bool:
    """Say whether all constants of a node are the same for every position of a channel."""
    for name in node.input:
        value = network.constants.get(name)
        if value is None or value.size == 1 or node.op_type in ("BatchNormalization", "MultiThreshold"):
            continue
        rank = len(network.shapes[node.output[0]])
        shape = (1,) * (rank - value.ndim) + value.shape
        if shape[1] not in (1, channels) or any(n != 1 for i, n in enumerate(shape) if i != 1):
            return False
    return True
