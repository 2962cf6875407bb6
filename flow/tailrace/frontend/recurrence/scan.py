# SPDX-License-Identifier: Apache-2.0
"""An ONNX Scan is a step, its body, and the states that it hands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import NodeProto, TensorProto

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.limits import graphs_of
from tailrace.frontend.recurrence.course import Course
from tailrace.frontend.recurrence.sheet import CellError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto

    from tailrace.frontend.recurrence.sheet import StepSheet

HINT = "export one step of the recurrence as a network, and name its states: --state h=h_next"


def first_values_of_scan(node: NodeProto) -> list[str]:
    """Return the operands that the states of a Scan begin with."""
    return list(node.input[: len(node.input) - Attributes(node).integer("num_scan_inputs")])


def write_scan(sheet: StepSheet, node: NodeProto) -> None:
    """Write the body of a Scan. Raises CellError where it goes backwards, or scans what is no sequence."""
    body = _body(node)
    name = node.name or "scan"
    attributes = Attributes(node)
    states = len(first_values_of_scan(node))
    for way in ("scan_input_directions", "scan_output_directions"):
        if any(attributes.integers(way, [])):
            raise CellError(
                f"its {way} are {attributes.integers(way)}: it goes backwards",
                "0 (forwards): the first step comes first",
                HINT,
            )
    if len(node.input) != len(body.input) or any(graphs_of(inner) for inner in body.node):
        raise CellError(
            "its body has other inputs than it, or graphs of its own", "a body of operations", HINT
        )
    outside = next((n for inner in body.node for n in inner.input if n in sheet.courses), None)
    if outside is not None:
        raise CellError(
            f"its body reads {outside} of the network around it", "a body that reads its inputs", HINT
        )
    taken = attributes.integers("scan_input_axes", [0] * (len(node.input) - states))
    renamed: dict[str, str] = {}
    for index, (outer, inner) in enumerate(zip(node.input, body.input, strict=True)):
        shape = [int(d.dim_value) for d in inner.type.tensor_type.shape.dim]
        if index < states:
            renamed[inner.name] = sheet.state(f"{name}/{inner.name}", _shape(sheet, outer, shape), outer)
            continue
        course = sheet.courses.get(outer)
        if course is None or course.axis is None or taken[index - states] % course.rank != course.axis:
            raise CellError(f"it scans {outer}, which is no sequence along that axis", "a sequence", HINT)
        renamed[inner.name] = sheet.bare(outer)
    alone = len(sheet.layers) == 0  # names of bodies may be the same in all of them
    sheet.layers.append(name)
    written = {o for inner in body.node for o in inner.output} | {each.name for each in body.initializer}
    if not alone:
        renamed |= {each: f"{name}/{each}" for each in written}
    for each in body.initializer:
        tensor = TensorProto()
        tensor.CopyFrom(each)
        tensor.name = renamed.get(each.name, each.name)
        sheet.initializers.append(tensor)
    sheet.nodes.extend(_renamed(inner, renamed) for inner in body.node)
    stacked = attributes.integers("scan_output_axes", [0] * (len(body.output) - states))
    for index, value in enumerate(body.output):
        outer = node.output[index] if index < len(node.output) else ""
        inner = renamed.get(value.name, value.name)
        if index < states:
            left = outer or f"{name}/{value.name}"
            sheet.states[renamed[body.input[index].name]] = left
            sheet.write(left, inner, Course(rank=0, axis=None, state=True))
        elif outer:
            rank = len(value.type.tensor_type.shape.dim) + 1
            sheet.write(outer, inner, Course(rank=rank, axis=stacked[index - states] % rank))


def _body(node: NodeProto) -> GraphProto:
    body: GraphProto | None = next((a.g for a in node.attribute if a.name == "body"), None)
    if body is None:
        raise CellError("it has no body", "a Scan with a body", HINT)
    return body


def _shape(sheet: StepSheet, outer: str, shape: list[int]) -> list[int]:
    """Return the shape of a state: that of the body's input, or where it says none, of its first value."""
    first = sheet.constants.get(outer)
    if not shape and first is not None:
        return list(first.shape)
    if not shape and outer in sheet.constants.outside:
        return list(sheet.constants.outside[outer])
    return [max(1, n) for n in shape]


def _renamed(node: NodeProto, names: Mapping[str, str]) -> NodeProto:
    """Return a node of the body with the names that its tensors have outside."""
    made = NodeProto()
    made.CopyFrom(node)
    made.input[:] = [names.get(name, name) for name in node.input]
    made.output[:] = [names.get(name, name) for name in node.output]
    return made
