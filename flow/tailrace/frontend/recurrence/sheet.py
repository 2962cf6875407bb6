# SPDX-License-Identifier: Apache-2.0
"""What the step of a network is written on: its nodes, its states, and where the steps stand in each tensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from tailrace.frontend.recurrence.course import Course

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.frontend.recurrence.constants import Constants

Array = NDArray[Any]

AXES_ARE_OPERANDS = 13
"""The version of ONNX whose Squeeze and Unsqueeze take their axes as an operand."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """A model of one step: ``states`` are {input: output that it was a step before}, ``initial`` their first values.

    A state that has no first value of the file's own, because it is an input of the network, begins with 0.
    """

    model: ModelProto
    states: Mapping[str, str] = field(default_factory=dict)
    initial: Mapping[str, Array] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


class CellError(Exception):
    """A recurrent layer that has no step: what was found, what would be accepted, the way out."""

    def __init__(self, found: str, accepted: str, hint: str) -> None:
        super().__init__(found)
        self.found, self.accepted, self.hint = found, accepted, hint


@dataclass(kw_only=True, eq=False)
class StepSheet:
    """The step as far as it is written.

    A tensor with steps exists in two forms: as the nodes of the file have it, with an axis of length 1 for the one
    step, and *bare*, without that axis, as the ends of the network and the cells have it. Either is made when it is
    asked for.
    """

    constants: Constants
    opset: int
    where: str
    length: int
    """The number of steps of a sequence in the file, 0 where it is not fixed."""
    nodes: list[NodeProto] = field(default_factory=list)
    initializers: list[TensorProto] = field(default_factory=list)
    inputs: list[ValueInfoProto] = field(default_factory=list)
    courses: dict[str, Course] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    initial: dict[str, Array] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    bare_names: dict[str, str] = field(default_factory=dict)
    """{tensor with steps: its bare form}, as far as there is one."""
    whole: set[str] = field(default_factory=set)
    """Tensors whose form with the axis is written under the name that they have in the file."""
    renamed: dict[str, str] = field(default_factory=dict)
    """{input of the network: its form with the axis}."""

    def read(self, name: str, shape: Sequence[int], axis: int, element_type: int) -> None:
        """Add an input of the network, of the (bare) ``shape`` in a step."""
        self.inputs.append(helper.make_tensor_value_info(name, element_type, list(shape)))
        self.courses[name] = Course(rank=len(shape) + 1, axis=axis)
        self.bare_names[name] = name

    def node(
        self,
        operation: str,
        inputs: Sequence[str],
        output: str,
        domain: str = "",
        **attributes: Any,  # noqa: ANN401 - whatever ONNX takes
    ) -> str:
        """Add a node named after the tensor that it writes, and return that."""
        self.nodes.append(
            helper.make_node(operation, list(inputs), [output], name=output, domain=domain, **attributes)
        )
        return output

    def constant(self, name: str, value: Array) -> str:
        """Add a constant, and return its name."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def keep(self, node: NodeProto) -> None:
        """Add a node of the file; what it reads with steps, it reads with their axis."""
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [self._with_axis(name) for name in node.input]
        self.nodes.append(copy)
        self.whole.update(node.output)

    def _with_axis(self, name: str) -> str:
        course = self.courses.get(name)
        if course is None or course.axis is None or name in self.whole:
            return name
        if name not in self.renamed:
            self.renamed[name] = self._moved("Unsqueeze", self.bare_names[name], f"{name}/steps", course.axis)
        return self.renamed[name]

    def bare(self, name: str) -> str:
        """Return the form of a tensor without the axis of the steps; one of the last step has none."""
        course = self.courses.get(name)
        if course is None or course.axis is None:
            return name
        if name not in self.bare_names:
            self.bare_names[name] = self._moved("Squeeze", name, f"{name}/step", course.axis)
        return self.bare_names[name]

    def _moved(self, operation: str, source: str, output: str, axis: int) -> str:
        if self.opset < AXES_ARE_OPERANDS:
            return self.node(operation, [source], output, axes=[axis])
        return self.node(operation, [source, self.constant(f"{output}/axes", np.array([axis]))], output)

    def write(self, name: str, bare: str, course: Course) -> None:
        """Let a tensor of the file be what stands, bare, in ``bare``."""
        self.courses[name] = course
        self.bare_names[name] = bare
        if course.at_end:
            self.node("Identity", [bare], name)

    def state(self, name: str, shape: Sequence[int], first: str) -> str:
        """Add a state that begins with the tensor ``first`` of the file, and return the input that it is.

        Raises CellError where its first value depends on data.
        """
        outside = first in self.constants.outside
        value = self.constants.get(first) if first else np.zeros(shape)
        if value is None and not outside:
            raise CellError(
                f"the first value of its state {name} is computed from the input",
                "constants, or an input of the network, which begins with 0",
                "give it as a constant of the file",
            )
        name = first if outside else name
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        if value is not None and value.size not in (1, np.prod(shape)):
            raise CellError(
                f"its state {name} of shape {list(shape)} begins with {value.size} values",
                "a first value for each element",
                "export it again",
            )
        if value is not None and value.size > 1:
            value = value.reshape(tuple(shape))
        if value is not None:
            self.initial[name] = np.broadcast_to(np.asarray(value, np.float64), tuple(shape))
        else:
            self.notices.append(f"{name}: a state that begins with 0, and no input of the hardware")
        return name

    def leave(self, name: str) -> ValueInfoProto:
        """Return an output of the network, written bare under its own name."""
        course = self.courses.get(name)
        if course is not None and course.axis is not None:
            if name in self.whole:  # the form with the axis gets another name
                steps = f"{name}/steps"
                for node in self.nodes:
                    node.input[:] = [steps if each == name else each for each in node.input]
                    node.output[:] = [steps if each == name else each for each in node.output]
                if name not in self.bare_names:
                    self.bare_names[name] = self._moved("Squeeze", steps, name, course.axis)
            if self.bare_names[name] != name:
                self.node("Identity", [self.bare_names[name]], name)
        return helper.make_empty_tensor_value_info(name)

    def as_step(self, node: NodeProto) -> NodeProto:
        """Return a node of the file as it is for one step: what counts steps counts one."""
        copy = NodeProto()
        copy.CopyFrom(node)
        course = self.courses.get(node.input[0]) if node.input else None
        if course is None or course.axis is None or node.op_type not in ("Reshape", "Gather", "Slice"):
            return copy
        value = self.constants.get(node.input[1]) if len(node.input) > 1 else None
        if value is None:
            return copy
        made = np.array(value)
        if node.op_type == "Reshape":
            place = self.courses[node.output[0]].axis
            made[place] = 1
            made[:place] = 1
        elif self.courses[node.output[0]].at_end:  # the index of the last step, or the start of a range
            made = (
                np.where(made == self.length - 1, 0, made)
                if node.op_type == "Gather"
                else self._starts(node, made)
            )
        copy.input[1] = self.constant(f"{node.output[0]}/one_step", made.astype(value.dtype))
        return copy

    def _starts(self, node: NodeProto, starts: Array) -> Array:
        """Return the starts of a Slice that takes the last step, for one step."""
        course = self.courses[node.input[0]]
        axes = self.constants.get(node.input[3]) if len(node.input) > 3 and node.input[3] else None
        places = np.arange(starts.size) if axes is None else np.asarray(axes) % course.rank
        return np.where(places == course.axis, 0, starts)
