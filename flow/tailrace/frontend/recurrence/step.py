# SPDX-License-Identifier: Apache-2.0
"""From a network of sequences to a network of one step, whose states are kept from step to step.

Frames are then steps: what stands along the steps' axis comes and leaves frame by frame. Between the recurrent layers,
and in front of and behind them, every operation has to treat each step by itself (see ``course``).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from onnx import ModelProto

from tailrace.core.errors import ModelError
from tailrace.frontend.arrangement import sort_nodes
from tailrace.frontend.operations import LAYOUT, QONNX_DOMAIN
from tailrace.frontend.problems import Problem, UnsupportedError
from tailrace.frontend.recurrence.cells import CELLS, is_recurrent
from tailrace.frontend.recurrence.constants import Constants
from tailrace.frontend.recurrence.course import COURSES, Course, MixedError, Visit
from tailrace.frontend.recurrence.sheet import CellError, Step, StepSheet
from tailrace.frontend.screening import check_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import NodeProto, ValueInfoProto

    from tailrace.core.limits import Limits

HINT = "end the network in front of it, or export one step as a network and name its states: --state h=h_next"

STATE_KEPT = LAYOUT | {"Concat"}
"""Operations that make nothing but states of states."""

FIRST_AXES = 2
"""The steps of an input stand along one of its first axes, ..."""

MOST_CHOICES = 16
"""... and so many choices for all inputs together are tried."""


def step_of(model: ModelProto, opset: int, limits: Limits, where: str) -> Step:
    """Return the step of a network with recurrent layers; any other network as it is.

    Raises UnsupportedError with every node that mixes steps, ModelError for a recurrent layer that is no step's.
    """
    if not any(is_recurrent(node) for node in model.graph.node):
        return Step(model=model)
    names = {each.name for each in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in names]
    refusals: list[UnsupportedError] = []
    for axes in _possible_axes(model, inputs):
        try:
            return _unrolled(model, axes, opset, limits, where)
        except UnsupportedError as error:
            refusals.append(error)
    if not refusals:
        return Step(model=model)
    raise min(refusals, key=lambda error: len(error.problems))


def _possible_axes(model: ModelProto, inputs: Sequence[ValueInfoProto]) -> list[dict[str, int | None]]:
    """Return for every input along which axis the steps may stand; None for one that is a state's first value."""
    first = {
        name
        for node in model.graph.node
        if is_recurrent(node)
        for name in CELLS[node.op_type].first_values(node)
    }
    choices = []
    for value in inputs:
        rank = len(value.type.tensor_type.shape.dim)
        choices.append([None] if value.name in first else list(range(min(FIRST_AXES, rank - 1))))
    return [
        dict(zip((value.name for value in inputs), axes, strict=True))
        for axes in itertools.islice(itertools.product(*choices), MOST_CHOICES)
    ]


def _unrolled(
    model: ModelProto, axes: Mapping[str, int | None], opset: int, limits: Limits, where: str
) -> Step:
    """Return the step where the steps of each input stand along these axes."""
    graph = model.graph
    values = {value.name: value for value in graph.input if value.name in axes}
    shapes = {name: _step_shape(values[name], axis) for name, axis in axes.items() if axis is not None}
    lengths = {_length(values[name], axis) for name, axis in axes.items() if axis is not None}
    constants = Constants(graph, opset, limits, shapes)
    sheet = StepSheet(
        constants=constants, opset=opset, where=where, length=lengths.pop() if len(lengths) == 1 else 0
    )
    for name, axis in axes.items():
        if axis is not None:
            bare = tuple(n for place, n in enumerate(shapes[name]) if place != axis)
            sheet.read(name, bare, axis, values[name].type.tensor_type.elem_type)
    known = {*(each.name for each in graph.initializer), *(value.name for value in graph.input)}
    nodes = sort_nodes(graph.node, known, [])  # what is wrong with their order is said of the step
    problems = [problem for node in nodes if (problem := _visited(sheet, node)) is not None]
    if problems:
        raise UnsupportedError(where, tuple(problems))
    return _written(model, sheet, where)


def _length(value: ValueInfoProto, axis: int) -> int:
    return max(0, int(value.type.tensor_type.shape.dim[axis].dim_value))


def _step_shape(value: ValueInfoProto, axis: int) -> tuple[int, ...]:
    """Return the shape of an input with one step; an axis of no fixed length is that of the samples."""
    dims = [int(d.dim_value) for d in value.type.tensor_type.shape.dim]
    return tuple(1 if place == axis else max(1, n) for place, n in enumerate(dims))


def _visited(sheet: StepSheet, node: NodeProto) -> Problem | None:
    """Write a node on the sheet of the step; returns why it cannot be one."""
    dynamic = [name for name in node.input if name in sheet.courses]
    if (wrong := check_form(node, sheet.opset)) is not None:
        _as_last(sheet, node)
        return wrong
    if is_recurrent(node):
        try:
            CELLS[node.op_type].write(sheet, node)
        except CellError as error:
            _as_last(sheet, node)
            return Problem(
                node=node.name,
                operation=node.op_type,
                found=error.found,
                accepted=error.accepted,
                hint=error.hint,
            )
        return None
    if not dynamic or node.op_type == "Shape":
        sheet.keep(node)
        return None
    known = [sheet.courses[name] for name in dynamic]
    try:
        if all(course.at_end for course in known):
            _as_last(sheet, node, state=node.op_type in STATE_KEPT and all(course.state for course in known))
        else:
            _course_of(sheet, node, known)
    except MixedError as error:
        _as_last(sheet, node)
        return Problem(
            node=node.name,
            operation=node.op_type,
            found=f"it does not treat every step of the sequence by itself: {error}",
            accepted="operations on each step, and the last step of a sequence at the end",
            hint=HINT,
        )
    sheet.keep(sheet.as_step(node))
    return None


def _course_of(sheet: StepSheet, node: NodeProto, known: Sequence[Course]) -> None:
    if any(course.at_end for course in known):
        raise MixedError("it reads the last step beside all steps")
    if node.op_type not in COURSES:
        raise MixedError("nobody knows what it does with steps")
    visit = Visit(
        node=node,
        courses=sheet.courses,
        constants=sheet.constants,
        opset=sheet.opset,
        length=sheet.length,
    )
    try:
        course = COURSES[node.op_type](visit)
    except (ValueError, IndexError) as error:  # axes that it has not, an order that is none
        raise MixedError("its axes are not those of its operands") from error
    sheet.courses.update(dict.fromkeys(node.output, course))


def _as_last(sheet: StepSheet, node: NodeProto, *, state: bool = False) -> None:
    """Let what a node makes belong to the last step: nothing more is asked of those behind it."""
    sheet.courses.update(dict.fromkeys(node.output, Course(rank=0, axis=None, state=state)))


def _written(model: ModelProto, sheet: StepSheet, where: str) -> Step:
    """Return the model of the step: what is nothing but a state after the last step is no output of it."""
    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:], made.graph.input[:], made.graph.output[:], made.graph.value_info[:]
    names = [value.name for value in model.graph.output]
    static = next((name for name in names if name not in sheet.courses), None)
    if static is not None:
        raise ModelError(
            f"the output {static} does not depend on the steps", where=where, hint="export the whole network"
        )
    kept = [name for name in names if not sheet.courses[name].state]
    left_out = [name for name in names if name not in kept and name not in sheet.states.values()]
    if not kept:
        kept, left_out = names, []
    outputs = dict.fromkeys(kept)
    for name in names:  # as the file orders them
        if name in sheet.states.values():
            outputs[name] = None
    outputs |= dict.fromkeys(sheet.states.values())
    ends = [sheet.leave(name) for name in outputs]
    made.graph.node.extend(sheet.nodes)
    made.graph.initializer.extend(sheet.initializers)
    made.graph.input.extend(sheet.inputs)
    made.graph.output.extend(ends)
    if not any(each.domain == QONNX_DOMAIN for each in made.opset_import):
        made.opset_import.add(domain=QONNX_DOMAIN, version=1)
    layers = ", ".join(sheet.layers)
    notices = [
        f"{layers} is built as one step a frame"
        if len(sheet.layers) == 1
        else f"one step a frame is built: {layers}"
    ]
    notices += sheet.notices
    if left_out:
        notices.append(
            f"{', '.join(left_out)}: what a state is behind the last step, and no outputs of the hardware"
        )
    last = [name for name in kept if sheet.courses[name].at_end and name not in sheet.states.values()]
    if last:
        notices.append(f"{', '.join(last)}: comes with every step; the network's is that of the last one")
    return Step(model=made, states=sheet.states, initial=sheet.initial, notices=tuple(notices))
