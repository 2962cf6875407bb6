# SPDX-License-Identifier: Apache-2.0
"""Move what picks elements in front of the float operations before it, so that it picks accumulators.

A slice, a repetition or a change of layout commutes with whatever works element by element, and a pool of the largest
with every function that never falls, or never rises, in a channel. Where such a one stands behind a chain of float
operations, and no quantizer could be moved before it, it is done to the integers that the chain starts from: what
follows then has one chain from the integers to its quantizer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.chains import Chains, direction
from tailrace.frontend.operations import ELEMENTWISE, LAYOUT
from tailrace.frontend.sinking import CARRIERS, FALLS, INTS, POOLS, REPEATS

if TYPE_CHECKING:
    from tailrace.frontend.network import Network

Array = NDArray[Any]
Integers = NDArray[np.int64]

PICKS = frozenset({"Slice", "Split", "Gather", "Expand", "Tile"}) | REPEATS
"""Operations each of whose outputs is one of the inputs."""

LARGEST_PICKED = 1 << 22
"""Elements up to which it is looked at where each comes from."""


def hoist_picks(network: Network) -> Network:
    """Return the network with what picks elements moved before the chains of float operations in front of it."""
    hoisting = _Hoisting(network)
    for node in network.nodes:
        if node.op_type in PICKS | POOLS:
            hoisting.hoist(node)
    return hoisting.network()


class _Hoisting(Chains):
    """The nodes of a network while some are moved up."""

    def hoist(self, node: NodeProto) -> None:
        """Move a node before the float operations in front of it, and before that the layout in front of it."""
        source = self.moving_input(node)
        if (
            source is None
            or any(o and o not in self.shapes for o in node.output)
            or source not in self.shapes
        ):
            return
        before = self.makers.get(source)
        if before is not None and before.op_type in LAYOUT and self.is_link(before):
            self.hoist(before)
            source = str(self.moving_input(node))
        chain = self._chain(source)
        if not chain or self.is_affine(chain):
            return
        start = str(self.moving_input(chain[0]))
        if self.is_quantized(start, CARRIERS | PICKS) or start not in self.shapes:
            return
        new = self._moved_up(node, source, start, chain)
        if new is None:
            return
        self.put(new, in_place_of=node, slot=node.name)

    def _chain(self, name: str) -> list[NodeProto]:
        """Return the operations element by element that lead to a tensor."""
        chain: list[NodeProto] = []
        while (node := self.makers.get(name)) is not None and self.is_link(node, ELEMENTWISE):
            chain.insert(0, node)
            name = str(self.moving_input(node))
        return chain

    def _moved_up(
        self, node: NodeProto, source: str, start: str, chain: list[NodeProto]
    ) -> list[NodeProto] | None:
        """Return the node at ``start``, then the chain for each of its outputs; None where this is impossible."""
        first = NodeProto()
        first.CopyFrom(node)
        first.name = f"{node.name}/{start}"
        first.input[list(node.input).index(source)] = start
        nodes = [first]
        signs: Array | None = None
        for index, output in enumerate(node.output):
            if not output:
                continue
            places = self._places(node, index, source)
            if places is None:
                return None
            reads = f"{output}/of {start}"
            first.output[index] = reads
            self.shapes[reads], self.dtypes[reads] = self.shapes[output], self.dtypes[start]
            for link in chain:
                writes = output if link is chain[-1] else f"{link.output[0]}/{output}"
                copy = self.moved(link, places, self.shapes[output], reads=reads, writes=writes)
                if copy is None:
                    return None
                if node.op_type in POOLS:
                    channels = self.shapes[output][1]
                    own = direction(self.constants, copy, channels)
                    if own is None or not own.all() or not self._treats_alike(link):
                        return None
                    signs = own if signs is None else signs * own
                nodes.append(copy)
                reads = writes
        if signs is not None:
            first.attribute.append(helper.make_attribute(FALLS, np.flatnonzero(signs < 0), attr_type=INTS))
        return nodes

    def _places(self, node: NodeProto, index: int, source: str) -> Integers | None:
        """Return which element of ``source`` each element of an output is; of a pool, the first of its channel."""
        shape, after = self.shapes[source], self.shapes[node.output[index]]
        if node.op_type in POOLS:
            if len(node.output) > 1 or len(shape) not in (3, 4) or shape[:2] != after[:2]:
                return None
            first = np.arange(shape[1]) * int(np.prod(shape[2:], dtype=np.int64))
            return np.repeat(first, int(np.prod(after[2:], dtype=np.int64)))
        size = int(np.prod(shape, dtype=np.int64))
        if size > LARGEST_PICKED or any(n and n not in self.constants for n in node.input if n != source):
            return None
        numbers = np.arange(size).reshape(shape)
        if node.op_type in REPEATS and Attributes(node).text("mode", "nearest") != "nearest":
            return None
        try:
            found = self.numbered_outputs(node, numbers, source)[index]
        except Exception:  # noqa: BLE001 - whatever the runtime raises: the handler of the node says what is wrong
            return None
        return found.reshape(-1) if found.shape == after else None

    def _treats_alike(self, node: NodeProto) -> bool:
        """Say whether a node does the same at all positions of a channel."""
        first = self.first_of_channel(node.output[0])
        return self.same_constants(node, np.arange(len(first)), first)
