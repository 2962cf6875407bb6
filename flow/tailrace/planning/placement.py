# SPDX-License-Identifier: Apache-2.0
"""From a graph and its folding to instances and wires: the walk over the nodes, each lowered as its table says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.blocks.base import Stream
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.mark import Mark
from tailrace.blocks.state import StateBuffer
from tailrace.core.errors import MappingError
from tailrace.core.names import as_identifiers
from tailrace.planning.lowering import LOWERINGS
from tailrace.planning.lowering.side_by_side import place_side_by_side
from tailrace.planning.plan import MARK_INSTANCE, Instance, Plan
from tailrace.planning.rules import FOLDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.graph import Node, Tensor
    from tailrace.graph.host import HostInput, HostOutput
    from tailrace.graph.states import State
    from tailrace.planning.folding import Folding
    from tailrace.planning.layout import Layout


def laid_out(layout: Layout) -> Plan:
    """Return the plan for an empty sheet, without FIFOs. Raises MappingError for what no block can do."""
    graph = layout.graph
    inputs, outputs = [], []
    for name, label in zip(graph.inputs, _labels(graph.host.inputs), strict=True):
        tensor, wire = graph.tensors[name], f"in{label}"
        lanes = _input_lanes(layout, tensor)
        layout.wires[wire] = Stream(lanes=lanes, type=tensor.type, words=tensor.size // lanes)
        inputs.append(wire)
    marks = _marks(layout, inputs) if graph.states else []
    streams = [inputs[0] if not marks else "mark_out0", *inputs[1:]]
    for name, wire in zip(graph.inputs, streams, strict=True):
        layout.offer(name, wire)
    for number, state in enumerate(graph.states):
        _place_state(layout, state, marks[number])
    for node in graph.nodes:
        try:
            lowered(layout, node)
        except ValueError as error:
            hint = "it is beyond what the blocks can do; fewer bits, or a scale that is shared, may help"
            raise MappingError(f"no block can do this: {error}", where=node.name, hint=hint) from error
    for state in graph.states:
        _close_loop(layout, state)
    for name, label in zip(graph.outputs, _labels(graph.host.outputs), strict=True):
        out = layout.skid(f"output_skid{label}", layout.take(name), name)
        frame = Frame(stream=layout.wires[out])
        outputs.append(layout.instance(f"frame{label}", frame, name, (out,), name))
    return Plan(
        graph=graph,
        part=layout.part,
        clock_mhz=layout.clock_mhz,
        instances=tuple(layout.instances),
        wires=layout.wires,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        folding=_folding_in_use(layout),
    )


def _marks(layout: Layout, inputs: list[str]) -> list[str]:
    """Place what takes the mark of a sequence off the first input; returns a wire with it for every state."""
    entry, states = inputs[0], layout.graph.states
    block = Mark(stream=layout.wires[entry], every=layout.graph.host.length)
    layout.wires[entry] = block.inputs[0]
    outputs = ("mark_out0", "mark_out1")
    layout.wires.update(zip(outputs, block.outputs, strict=True))
    tensor = layout.graph.inputs[0]
    layout.instances.append(
        Instance(
            name=MARK_INSTANCE, block=block, node=tensor, inputs=(entry,), outputs=outputs, tensor=tensor
        )
    )
    if len(states) == 1:
        return [outputs[1]]
    branches = tuple(f"mark_fork_out{number}" for number in range(len(states)))
    layout.wires.update(dict.fromkeys(branches, block.outputs[1]))
    fork = Fork(stream=block.outputs[1], branches=len(states))
    layout.instances.append(
        Instance(name="mark_fork", block=fork, node=tensor, inputs=(outputs[1],), outputs=branches)
    )
    return list(branches)


def _place_state(layout: Layout, state: State, mark: str) -> None:
    """Place what keeps a state, with the lanes of its first reader; what comes back is joined by ``_close_loop``."""
    tensor = layout.graph.tensors[state.input]
    lanes = _input_lanes(layout, tensor)
    stream = Stream(lanes=lanes, type=tensor.type, words=tensor.size // lanes)
    block = StateBuffer(stream=stream, initial=state.initial)
    wire = layout.instance(f"{state.input}_state", block, state.input, (mark, _back(state)), state.input)
    layout.offer(state.input, wire)


def _back(state: State) -> str:
    """Return what the wire is called, to begin with, on which a state comes back."""
    return f"{state.input}_back"


def _close_loop(layout: Layout, state: State) -> None:
    """Let what is left for a state come back to its block, with the lanes and of the type that this has."""
    name = f"{state.input}_back"
    place, instance = next((n, i) for n, i in enumerate(layout.instances) if i.inputs[1:] == (_back(state),))
    stream = instance.block.inputs[1]
    wire = layout.with_lanes(name, layout.take(state.output), stream.lanes, state.output)
    wire = layout.cast_to(f"{name}_cast", wire, stream.type, state.output)
    layout.instances[place] = replace(instance, inputs=(instance.inputs[0], wire))


def _labels(ends: Sequence[HostInput | HostOutput]) -> list[str]:
    """Return what stands behind the names of what belongs to each of several ends; "" where there is one."""
    labels = as_identifiers([end.name for end in ends])
    return [f"_{label}" for label in labels] if len(labels) > 1 else [""]


def lowered(layout: Layout, node: Node) -> None:
    """Add the instances of a node to the sheet, unless a spatial block computes it; its tensor is then offered."""
    if node.name in layout.absorbed:
        return
    if node.name in layout.spatial:
        place_side_by_side(layout, node)
        return
    out = LOWERINGS[type(node)](layout, node, *(layout.take(name) for name in node.inputs))
    layout.offer(node.output, layout.cast(f"{node.name}_cast", out, node.output, node.name))


def _input_lanes(layout: Layout, tensor: Tensor) -> int:
    """Return the lanes of the design's input: those of its first reader, or of the dense layer behind a map."""
    readers = layout.readers(tensor.name)
    for node in readers:
        if (lanes := _fed(layout, node)) is not None:
            return lanes
    if not readers:  # an input that is an output, too
        possible = (n for n in range(1, tensor.channels + 1) if tensor.channels % n == 0)
        fast = (n for n in possible if tensor.size // n <= layout.interval)
        return next(fast, tensor.channels)
    node = readers[0]
    if (explicit := layout.explicit(node)) is not None:
        return explicit
    for behind in layout.readers(node.output):
        lanes = _fed(layout, behind)
        if lanes is not None and tensor.channels % lanes == 0 and tensor.size // lanes <= layout.interval:
            return lanes
    return layout.folding[node.name]["pe"]


def _fed(layout: Layout, node: Node) -> int | None:
    """Return the lanes that a node has to be fed with; None where it can take those that arrive."""
    key = FOLDINGS[type(node)].fed
    return layout.folding[node.name][key] if key else None


def _folding_in_use(layout: Layout) -> Folding:
    """Return the folding with the lanes that channel-by-channel blocks took over from what arrives."""
    blocks = {instance.name: instance.block for instance in layout.instances if instance.tensor}
    found: Folding = {}
    for node in layout.graph.nodes:
        if node.name in layout.folding and node.name not in layout.absorbed:
            rule, own = FOLDINGS[type(node)], layout.folding[node.name]
            block = blocks.get(node.name)
            found[node.name] = rule.in_use(node, block, own) if block else dict(own)
    return found
