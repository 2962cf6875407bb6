# SPDX-License-Identifier: Apache-2.0
"""Move what carries numbers behind the quantizer: it then carries few bits instead of floats.

Repeating, joining, padding and picking elements commute with whatever works element by element, and so does a maximum
with every function that never falls. Where one stands between an accumulator and its quantizer, with chains of float
operations before and behind it, the chain behind it and the quantizer are done before it as well: then each accumulator
has its tail, and what is carried are integers. Where the functions behind a pool fall in some channels (a batch-norm of
negative gain), the smallest is taken there, as the attribute FALLS of the pool says.

Each quantizer is pushed up as far as that goes. A tensor that several quantizers read has a pool behind each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.chains import Chains, direction
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.operations import LAYOUT, QUANTIZERS

if TYPE_CHECKING:
    from tailrace.frontend.network import Network

Array = NDArray[Any]
Integers = NDArray[np.int64]

FALLS = "falls"
"""The attribute of a moved MaxPool that lists the channels in which it takes the smallest value."""

INTS = AttributeProto.AttributeType.INTS

POOLS = frozenset({"MaxPool", "GlobalMaxPool"})
REPEATS = frozenset({"Resize", "Upsample"})
CARRIERS = POOLS | REPEATS | {"Concat", "Pad"}
"""What is moved behind a quantizer."""


def sink_carriers(network: Network) -> Network:
    """Return the network with all that carries numbers to a quantizer moved behind it, as far as that goes."""
    sinking = _Sinking(network)
    for node in reversed(network.nodes):
        if node.op_type in QUANTIZERS and len(node.output) == 1:
            sinking.push(node)
    return sinking.network()


class _Sinking(Chains):
    """The nodes of a network while quantizers are pushed up."""

    def push(self, quantizer: NodeProto) -> None:
        """Move a quantizer, and the chain in front of it, before what carries numbers to it, again and again."""
        waiting = [quantizer]
        while waiting:
            last = waiting.pop()
            found = self._path(last)
            if found is None:
                continue
            carrier, chain = found
            parts = self._parts(carrier, chain)
            if parts is None:
                continue
            self._read_no_more([carrier, *chain])
            nodes = [node for part in parts[0] for node in part] + parts[1]
            self.put(nodes, in_place_of=last, slot=quantizer.name)
            waiting.extend(part[-1] for part in parts[0])

    def _read_no_more(self, nodes: list[NodeProto]) -> None:
        """Forget the last node as a reader, and those before it as far as nobody reads them."""
        for node in reversed(nodes):
            if node is not nodes[-1] and self.readers.get(node.output[0]):
                return
            for name in dict.fromkeys(node.input):
                self.readers[name] = [other for other in self.readers.get(name, []) if other is not node]

    def _path(self, quantizer: NodeProto) -> tuple[NodeProto, list[NodeProto]] | None:
        """Return what carries numbers to a quantizer, and the chain between; None where nothing should move."""
        if not self.is_link(quantizer, QUANTIZERS):
            return None
        chain = [quantizer]
        forked = False
        while True:
            name = self.moving_input(chain[0])
            assert name is not None  # noqa: S101 - by is_link
            node = self.makers.get(name)
            forked = forked or len(self.readers.get(name, [])) > 1 or name in self.whole.outputs
            if node is not None and self.is_link(node):
                chain.insert(0, node)
                continue
            break
        if node is None or node.op_type not in CARRIERS or len(node.output) > 1:
            return None
        if node.op_type in REPEATS and Attributes(node).text("mode", "nearest") != "nearest":
            return None  # it computes
        operands = [n for n in node.input if n and n not in self.constants]
        if any(n not in self.shapes for n in operands) or node.output[0] not in self.shapes:
            return None
        if all(self.is_quantized(n, CARRIERS) for n in operands):
            return None
        if forked and all(self._is_exact(n) for n in operands):
            return None  # one of accumulators serves all who read it
        return node, chain

    def _is_exact(self, name: str) -> bool:
        """Say whether a tensor is an exact multiple of integers, plus an offset."""
        nodes = []
        while (node := self.makers.get(name)) is not None and self.is_link(node):
            nodes.append(node)
            name = str(self.moving_input(node))
        return self.is_affine(nodes)

    def _parts(
        self, carrier: NodeProto, chain: list[NodeProto]
    ) -> tuple[list[list[NodeProto]], list[NodeProto]] | None:
        """Return the chain for every operand of the carrier, and the carrier with the layout behind it.

        None where this would not give the same.
        """
        operands = [n for n in carrier.input if n and n not in self.constants]
        before = self.shapes[operands[0]]
        if carrier.op_type == "Concat":
            taken = self._joined(carrier)
        elif len(before) in (3, 4) and before[0] == 1:
            taken = self._by_channel_of(carrier, before)
        else:
            taken = None
        if taken is None:
            return None
        after = chain[-1].output[0]
        numbers = np.arange(int(np.prod(self.shapes[carrier.output[0]], dtype=np.int64)))
        numbers = numbers.reshape(self.shapes[carrier.output[0]])
        uniform = carrier.op_type != "Concat"
        first = self.first_of_channel(carrier.output[0]) if uniform else numbers.ravel()
        parts: list[list[NodeProto]] = [[] for _ in operands]
        names = list(operands)
        signs = np.ones(before[1] if len(before) > 1 else 1)
        for node in chain:
            if node.op_type in LAYOUT:
                numbers = self.numbered(node, numbers)
                continue
            place = np.argsort(numbers.ravel(), kind="stable")  # of each element behind the carrier, now
            if uniform and not self.same_constants(node, place, place[first]):
                return None
            for index, operand in enumerate(operands):
                mark = f"before {carrier.name}" + (f" {index}" if index else "")
                writes = f"{node.output[0]}/{mark}"
                copy = self.moved(
                    node, place[taken[index]], self.shapes[operand], reads=names[index], writes=writes
                )
                if copy is None:
                    return None
                names[index] = writes
                parts[index].append(copy)
            own = direction(self.constants, parts[0][-1], len(signs))
            if carrier.op_type in POOLS and (own is None or not own.all()):
                return None
            signs = signs * own if own is not None and uniform else signs
        rest = self._behind(carrier, chain, names, after)
        if rest is None:
            return None
        if carrier.op_type in POOLS:
            rest[0].attribute.append(helper.make_attribute(FALLS, np.flatnonzero(signs < 0), attr_type=INTS))
        return parts, rest

    def _joined(self, carrier: NodeProto) -> list[Integers] | None:
        """Return which elements behind a Concat come from each of its operands; None where it cannot be moved."""
        shape = self.shapes[carrier.output[0]]
        axis = Attributes(carrier).integer("axis") % len(shape)
        if axis == 0 or any(name in self.constants for name in carrier.input) or shape[0] != 1:
            return None
        numbers = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
        ends = np.cumsum([self.shapes[name][axis] for name in carrier.input])[:-1]
        return [part.ravel() for part in np.split(numbers, ends, axis=axis)]

    def _by_channel_of(self, carrier: NodeProto, before: tuple[int, ...]) -> list[Integers] | None:
        """Return for each element in front of a pool, a pad or a Resize the first one of its channel behind it."""
        after = self.shapes[carrier.output[0]]
        if len(after) != len(before) or after[:2] != before[:2]:
            return None
        positions = int(np.prod(after[2:], dtype=np.int64))
        return [np.repeat(np.arange(after[1]) * positions, int(np.prod(before[2:], dtype=np.int64)))]

    def _behind(
        self, carrier: NodeProto, chain: list[NodeProto], names: list[str], after: str
    ) -> list[NodeProto] | None:
        """Return the carrier of integers, and the layout operations behind it; the last writes ``after``."""
        layouts = [node for node in chain if node.op_type in LAYOUT]
        copy = NodeProto()
        copy.CopyFrom(carrier)
        moving = [position for position, name in enumerate(copy.input) if name and name not in self.constants]
        for position, name in zip(moving, names, strict=True):
            copy.input[position] = name
        copy.name = (
            carrier.name if len(self.readers.get(carrier.output[0], [])) < 2 else f"{carrier.name}/{after}"
        )
        copy.output[0] = f"{after}/{carrier.name}" if layouts else after
        self.shapes[copy.output[0]] = self.shapes[carrier.output[0]]
        self.dtypes[copy.output[0]] = self.dtypes[after]
        if carrier.op_type == "Pad" and not self._pad_with(copy, carrier, chain):
            return None
        nodes = [copy]
        for node in layouts:
            moved = NodeProto()
            moved.CopyFrom(node)
            moved.name = f"{node.name}/{after}"
            moved.input[list(node.input).index(str(self.moving_input(node)))] = nodes[-1].output[0]
            moved.output[0] = after if node is layouts[-1] else f"{node.output[0]}/{after}"
            self.shapes[moved.output[0]] = self.shapes[node.output[0]]
            self.dtypes[moved.output[0]] = self.dtypes[after]
            nodes.append(moved)
        self.shapes[after] = self.shapes[chain[-1].output[0]]
        return nodes

    def _pad_with(self, copy: NodeProto, carrier: NodeProto, chain: list[NodeProto]) -> bool:
        """Let a Pad write what the chain makes of its value; says whether that is one value everywhere."""
        attributes = Attributes(carrier)
        if attributes.text("mode", "constant") != "constant":
            return True  # it repeats what is there
        value = np.float32(attributes.number("value", 0.0))
        if len(carrier.input) > 2 and carrier.input[2]:
            value = np.float32(np.asarray(self.constants[carrier.input[2]]).reshape(-1)[0])
        values: Array = np.full(self.shapes[carrier.output[0]], value, self.dtypes[carrier.output[0]])
        for node in chain:
            inputs = {n: self.constants[n] for n in node.input if n in self.constants}
            inputs[str(self.moving_input(node))] = values
            values = np.asarray(run_node(node, inputs, self.whole.opset, self.whole.versions)[node.output[0]])
        if not (values == values.reshape(-1)[0]).all() or len(copy.input) < 2:
            return False
        name = f"{copy.output[0]}/value"
        self.constants[name] = np.asarray(values.reshape(-1)[0])
        while len(copy.input) < 3:
            copy.input.append("")
        copy.input[2] = name
        return True
