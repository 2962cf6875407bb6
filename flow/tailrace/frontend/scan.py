# SPDX-License-Identifier: Apache-2.0
"""An ONNX Scan is a network of one step, its body, whose states are kept from step to step.

Frames are then steps: what the Scan takes apart along its first axis comes frame by frame, and so does what it stacks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from tailrace.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[Any]

HINT = "export one step of the recurrence as a network, and name its states: --state h=h_next"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """A model of one step: ``states`` are {input: output that it was a step before}, ``initial`` their first values.

    A state that has no first value of the file's own, because it is an input of the network, begins with 0.
    """

    model: ModelProto
    states: Mapping[str, str] = field(default_factory=dict)
    initial: Mapping[str, Array] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def step_of(model: ModelProto, where: str) -> Step:
    """Return the step of a network that is a Scan and nothing else; any other network as it is.

    Raises ModelError for a Scan that goes backwards or along another axis than the first, or whose ends are not the
    network's.
    """
    graph = model.graph
    scans = [node for node in graph.node if node.op_type == "Scan" and node.domain in ("", "ai.onnx")]
    inputs = {value.name for value in graph.input} - {each.name for each in graph.initializer}
    moving, others = set(inputs), []
    for node in graph.node:
        if moving.intersection(node.input):
            moving.update(node.output)
            others += [node] if node not in scans else []
    if len(scans) != 1 or others:
        return Step(model=model)  # the walk says why it is refused
    return _inlined(model, scans[0], inputs, where)


def _inlined(model: ModelProto, scan: NodeProto, inputs: set[str], where: str) -> Step:
    graph, attributes = model.graph, {a.name: a for a in scan.attribute}
    body = attributes["body"].g
    scanned = attributes["num_scan_inputs"].i
    count = len(body.input) - scanned
    for name in ("scan_input_axes", "scan_output_axes", "scan_input_directions", "scan_output_directions"):
        if name in attributes and any(attributes[name].ints):
            raise ModelError(
                f"the Scan {scan.name} has {name} {list(attributes[name].ints)}, wanted 0 (forwards, first axis)",
                where=where,
                hint=HINT,
            )
    if len(scan.input) != len(body.input) or not set(scan.input[count:]) <= inputs:
        raise ModelError(
            f"the Scan {scan.name} scans something else than inputs of the network", where=where, hint=HINT
        )
    if {value.name for value in graph.output} - {name for name in scan.output if name}:
        raise ModelError(f"the network has outputs beside its Scan {scan.name}", where=where, hint=HINT)
    shapes = {value.name: value.type.tensor_type for value in graph.input}
    known = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    made = GraphProto(name=graph.name)
    made.initializer.extend(graph.initializer)
    made.initializer.extend(body.initializer)
    made.node.extend(node for node in graph.node if node.op_type != "Scan")
    states: dict[str, str] = {}
    initial: dict[str, Array] = {}
    renamed: dict[str, str] = {}
    for index, (outer, inner) in enumerate(zip(scan.input, body.input, strict=True)):
        name = outer if outer in inputs else f"{scan.name or 'scan'}/{inner.name}"
        renamed[inner.name] = name
        value = made.input.add()
        value.CopyFrom(inner)
        value.name = name
        if index < count and outer not in inputs:
            first = known.get(outer)
            if first is None:
                raise ModelError(
                    f"the first value of the state {inner.name} of the Scan {scan.name} is computed",
                    where=where,
                    hint="give it as a constant of the file, or as an input of the network, which begins with 0",
                )
            initial[name] = first
        if not inner.type.tensor_type.HasField("shape") and outer in shapes:
            value.type.CopyFrom(
                helper.make_tensor_type_proto(
                    shapes[outer].elem_type, _step_shape(shapes[outer], index >= count)
                )
            )
    made.node.extend(_renamed(node, renamed) for node in body.node)
    for index, inner in enumerate(body.output):
        outer = scan.output[index] if index < len(scan.output) else ""
        name = outer or f"{scan.name or 'scan'}/{inner.name}"
        made.node.append(
            helper.make_node("Identity", [renamed.get(inner.name, inner.name)], [name], name=f"{name}/step")
        )
        if index < count:
            states[renamed[body.input[index].name]] = name
        if outer or index < count:
            value = made.output.add()
            value.CopyFrom(inner)
            value.name = name
    step = ModelProto()
    step.CopyFrom(model)
    step.graph.CopyFrom(made)
    free = [name for name in states if name not in initial]
    notices = [f"{scan.name or 'the Scan'} is built as one step a frame"]
    if free:
        notices.append(f"{', '.join(free)}: states that begin with 0, and no inputs of the hardware")
    return Step(model=step, states=states, initial=initial, notices=tuple(notices))


def _step_shape(tensor: Any, scanned: bool) -> list[int]:  # noqa: ANN401, FBT001 - a message of onnx
    dims = [int(d.dim_value) for d in tensor.shape.dim]
    return dims[1:] if scanned else dims


def _renamed(node: NodeProto, names: Mapping[str, str]) -> NodeProto:
    """Return a node of the body that reads the step's inputs by the names that they have outside."""
    made = NodeProto()
    made.CopyFrom(node)
    for index, name in enumerate(node.input):
        made.input[index] = names.get(name, name)
    return made
