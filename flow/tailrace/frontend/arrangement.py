# SPDX-License-Identifier: Apache-2.0
"""Put the nodes of a network in order and take out those that do nothing, in time linear in their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import NodeProto, helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def sort_nodes(
    nodes: Sequence[NodeProto], known: Collection[str], problems: list[Problem]
) -> list[NodeProto]:
    """Return the nodes in an order in which every tensor is written before it is read.

    Nodes that read what nothing writes, and those of a loop, are added to ``problems``; what depends on a loop is left
    out. Of the orders possible, it is the one in which as many as possible keep the place that they have in the file.
    """
    makers = {name: index for index, node in enumerate(nodes) for name in node.output if name not in known}
    needs: list[list[int]] = []
    for node in nodes:
        missing = [name for name in node.input if name and name not in makers and name not in known]
        if missing:
            problems.append(
                Problem(
                    node=node.name,
                    operation=node.op_type,
                    found=f"it reads {', '.join(missing)}, which nothing writes",
                    accepted="inputs that are weights, the network's input, or outputs of other nodes",
                    hint="export the network again: the file is not whole",
                )
            )
        needs.append([makers[name] for name in dict.fromkeys(node.input) if name in makers])
    # In each round of a reader who goes through the file again and again, a node is in order where all that it needs
    # came earlier in this round, or in one before.
    rounds = _rounds(needs)
    stuck = [index for index, found in enumerate(rounds) if found is None]
    if stuck:
        first = nodes[stuck[0]]
        problems.append(
            Problem(
                node=first.name,
                operation=first.op_type,
                found=f"its input depends on its own output {first.output[0]}",
                accepted="a network without loops",
                hint="unroll the loop before the export",
            )
        )
    order = sorted((found, index) for index, found in enumerate(rounds) if found is not None)
    return [nodes[index] for _, index in order]


def _rounds(needs: Sequence[Sequence[int]]) -> list[int | None]:
    """Return for each node in which round it is in order, given the nodes that it needs; None in or behind a loop."""
    readers: list[list[int]] = [[] for _ in needs]
    open_needs = [len(set(makers)) for makers in needs]
    for index, makers in enumerate(needs):
        for maker in set(makers):
            readers[maker].append(index)
    rounds: list[int | None] = [None] * len(needs)
    earliest = [0] * len(needs)
    ready = [index for index, count in enumerate(open_needs) if not count]
    while ready:
        index = ready.pop()
        rounds[index] = earliest[index]
        for reader in readers[index]:
            earliest[reader] = max(earliest[reader], earliest[index] + (index > reader))
            open_needs[reader] -= 1
            if not open_needs[reader]:
                ready.append(reader)
    return rounds


def merge_equal(nodes: list[NodeProto], ends: set[str]) -> list[NodeProto]:
    """Let (de)quantizers that do the same with the same tensor be one: exporters write one for every reader."""
    seen: dict[bytes, NodeProto] = {}
    renamed: dict[str, str] = {}
    result = []
    for node in nodes:
        for position, name in enumerate(node.input):
            node.input[position] = renamed.get(name, name)
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.output[0] not in ends:
            twin = NodeProto()
            twin.CopyFrom(node)
            twin.ClearField("name")
            twin.ClearField("output")
            first = seen.setdefault(twin.SerializeToString(deterministic=True), node)
            if first is not node:
                renamed[node.output[0]] = first.output[0]
                continue
        result.append(node)
    return result


def cancel_transposes(nodes: list[NodeProto]) -> list[NodeProto]:
    """Let a Transpose that undoes the Transpose before it be an Identity of that one's input."""
    made: dict[str, NodeProto] = {}
    result = []
    for node in nodes:
        before = made.get(node.input[0]) if node.input else None
        if node.op_type == "Transpose" and before is not None:
            first, second = (Attributes(n).integers("perm", []) for n in (before, node))
            if first and second and [first[i] for i in second] == list(range(len(first))):
                node = helper.make_node("Identity", [before.input[0]], [node.output[0]], name=node.name)  # noqa: PLW2901
        if node.op_type == "Transpose":
            made[node.output[0]] = node
        result.append(node)
    return result


def drop_unused(nodes: list[NodeProto], outputs: set[str]) -> list[NodeProto]:
    """Return the nodes on which some of the outputs depends."""
    needed = set(outputs)
    kept = []
    for node in reversed(nodes):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1]
