# SPDX-License-Identifier: Apache-2.0
"""Where the steps of a sequence stand in a tensor, and what each operation makes of them.

A network of sequences computes all steps at once: along one axis of its tensors stand the steps. It is built as a
network of one step if every operation treats each step by itself; the same operation on a sequence of length 1 is then
the step. Here stands for each operation whether it does so, and which axis of its output has the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.table import Table
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.operations import ELEMENTWISE, QUANTIZERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnx import NodeProto

    from tailrace.frontend.recurrence.constants import Constants

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A tensor of ``rank`` axes that has the steps of a sequence along ``axis``.

    Without an axis it belongs to the last step alone, such as a class; then ``state`` says whether it is nothing but
    what a state is after that step.
    """

    rank: int
    axis: int | None
    state: bool = False

    @property
    def at_end(self) -> bool:
        """Whether it belongs to the last step."""
        return self.axis is None


class MixedError(Exception):
    """An operation makes one step out of several, or takes one out of the middle; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visit:
    """A node whose first operand has steps along an axis; ``length`` is their number, 0 where it is not known."""

    node: NodeProto
    courses: Mapping[str, Course]
    constants: Constants
    opset: int
    length: int

    @property
    def first(self) -> Course:
        """The course of the first operand."""
        course = self.courses.get(self.node.input[0]) if self.node.input else None
        if course is None:
            raise MixedError("its first operand is a constant")
        return course

    @property
    def axis(self) -> int:
        """The axis of the first operand along which the steps stand."""
        axis = self.first.axis
        if axis is None:
            raise MixedError("its first operand belongs to the last step alone")
        return axis

    def constant(self, index: int, attribute: str) -> Array | None:
        """Return what is an operand in newer files and an attribute in older ones."""
        attributes = Attributes(self.node)
        if attribute in attributes:
            return np.array(attributes.integers(attribute))
        name = self.node.input[index] if index < len(self.node.input) else ""
        if not name:
            return None
        value = self.constants.get(name)
        if value is None:
            raise MixedError(f"its operand {name} is no constant")
        return value

    def axes(self, index: int = 1) -> list[int]:
        """Return the axes of a Squeeze, Unsqueeze or Reduce, not negative."""
        found = self.constant(index, "axes")
        rank = self.first.rank
        if self.node.op_type == "Unsqueeze" and found is not None:
            rank += found.size
        return sorted(int(axis) % rank for axis in np.ravel(found)) if found is not None else []

    def is_last(self, index: int) -> bool:
        """Say whether an index along the steps is that of the last."""
        return index == -1 or (self.length > 0 and index == self.length - 1)


def _pointwise(visit: Visit) -> Course:
    """Element by element: every operand with steps has them at the same place, counted from the last axis."""
    known = [visit.courses[name] for name in visit.node.input if name in visit.courses]
    places = {course.rank - course.axis for course in known if course.axis is not None}
    if len(places) != 1 or any(course.at_end for course in known):
        raise MixedError("its operands have their steps at different axes")
    (place,) = places
    for name in visit.node.input:
        value = visit.constants.get(name) if name and name not in visit.courses else None
        if value is not None and value.ndim >= place and value.shape[-place] != 1:
            raise MixedError(f"its constant {name} has a value of its own for every step")
    rank = max(course.rank for course in known)
    return Course(rank=rank, axis=rank - place)


def _dequantized(visit: Visit) -> Course:
    """A QuantizeLinear or DequantizeLinear: its constants belong to the tensor, or to an axis."""
    scale = visit.constants.get(visit.node.input[1])
    axis = Attributes(visit.node).integer("axis", 1) % visit.first.rank
    if scale is None or (scale.size > 1 and axis == visit.axis):
        raise MixedError("it has a scale of its own for every step")
    return visit.first


def _transposed(visit: Visit) -> Course:
    order = Attributes(visit.node).integers("perm", list(range(visit.first.rank))[::-1])
    return replace(visit.first, axis=order.index(visit.axis))


def _squeezed(visit: Visit) -> Course:
    axes = visit.axes()
    if not axes or visit.axis in axes:
        raise MixedError("it takes the axis of the steps away")
    return Course(
        rank=visit.first.rank - len(axes), axis=visit.axis - sum(axis < visit.axis for axis in axes)
    )


def _unsqueezed(visit: Visit) -> Course:
    axes = visit.axes()
    rank = visit.first.rank + len(axes)
    free = [axis for axis in range(rank) if axis not in axes]
    return Course(rank=rank, axis=free[visit.axis])


def _reshaped(visit: Visit) -> Course:
    """A Reshape keeps the steps apart where nothing but axes of length 1 stands in front of them, before and behind."""
    shape = visit.constants.get(visit.node.input[1])
    if shape is None or visit.axis > 1:
        raise MixedError("its shape depends on the data, or steps do not stand in front")
    for place, count in enumerate(int(n) for n in shape):
        if count == 1 or (count == 0 and place < visit.axis):
            continue
        steps = count in (-1, visit.length) or (count == 0 and place == visit.axis)
        if not steps or (count == -1 and visit.length == 0):
            raise MixedError(f"it makes {shape.tolist()} of the steps")
        return Course(rank=shape.size, axis=place)
    raise MixedError(f"it makes {shape.tolist()} of the steps")


def _flattened(visit: Visit) -> Course:
    if Attributes(visit.node).integer("axis", 1) % visit.first.rank != visit.axis + 1 or visit.axis > 1:
        raise MixedError("it puts the steps into one vector")
    return Course(rank=2, axis=0)


def _gathered(visit: Visit) -> Course:
    """The last step, or the same channels of every step."""
    axis = Attributes(visit.node).integer("axis", 0) % visit.first.rank
    index = visit.constants.get(visit.node.input[1])
    if index is None:
        raise MixedError("its index depends on the data")
    rank = visit.first.rank - 1 + index.ndim
    if axis != visit.axis:
        moved = index.ndim - 1 if axis < visit.axis else 0
        return Course(rank=rank, axis=visit.axis + moved)
    if index.size != 1 or not visit.is_last(int(index.reshape(-1)[0])):
        raise MixedError(f"it takes the steps {index.reshape(-1).tolist()[:4]}")
    return Course(rank=rank, axis=None)


def _sliced(visit: Visit) -> Course:
    """The last step, or the same channels of every step."""
    starts, ends = visit.constant(1, "starts"), visit.constant(2, "ends")
    if starts is None or ends is None:
        raise MixedError("its range is not known")
    axes, steps = visit.constant(3, "axes"), visit.constant(4, "steps")
    places = range(starts.size) if axes is None else [int(axis) % visit.first.rank for axis in axes]
    strides = np.ones(starts.size, int) if steps is None else steps
    for place, start, end, stride in zip(places, starts, ends, strides, strict=True):
        if place != visit.axis:
            continue
        whole = end >= (visit.length or np.iinfo(np.int32).max)
        if stride != 1 or not whole or (start != 0 and not visit.is_last(int(start))):
            raise MixedError(f"it takes the steps from {start} to {end}")
        if start != 0 or visit.length == 1:
            return replace(visit.first, axis=None)
    return visit.first


def _beside(attribute: str, default: int) -> Callable[[Visit], Course]:
    """Return the rule of an operation that works along an axis that is not that of the steps."""

    def rule(visit: Visit) -> Course:
        if Attributes(visit.node).integer(attribute, default) % visit.first.rank == visit.axis:
            raise MixedError("it works along the steps")
        return visit.first

    return rule


def _softmax(visit: Visit) -> Course:
    if visit.opset < 13 and Attributes(visit.node).integer("axis", 1) % visit.first.rank <= visit.axis:
        raise MixedError("it works along the steps")
    return _beside("axis", -1)(visit)


def _joined(visit: Visit) -> Course:
    course = _beside("axis", 0)(visit)
    if any(visit.courses.get(name) != course for name in visit.node.input):
        raise MixedError("it joins tensors whose steps stand at different axes")
    return course


def _reduced(visit: Visit) -> Course:
    axes = visit.axes()
    if not axes or visit.axis in axes:
        raise MixedError("it works along the steps")
    if Attributes(visit.node).flag("keepdims", default=True):
        return visit.first
    return Course(
        rank=visit.first.rank - len(axes), axis=visit.axis - sum(axis < visit.axis for axis in axes)
    )


def _picked(visit: Visit) -> Course:
    course = _beside("axis", 0)(visit)
    if Attributes(visit.node).flag("keepdims", default=True):
        return course
    axis = Attributes(visit.node).integer("axis", 0) % course.rank
    return Course(rank=course.rank - 1, axis=visit.axis - (axis < visit.axis))


def _multiplied(visit: Visit) -> Course:
    """A MatMul with a matrix of constants, on either side."""
    left, right = visit.node.input
    if (left in visit.courses) == (right in visit.courses):
        raise MixedError("both of its operands depend on the input")
    course = visit.courses[left if left in visit.courses else right]
    matrix = visit.constants.get(right if left in visit.courses else left)
    if matrix is not None and matrix.ndim != 2:
        raise MixedError("its constant is no matrix")
    summed = course.rank - (1 if left in visit.courses else 2)
    if course.axis is None or course.axis == summed or (right in visit.courses and course.axis > summed):
        raise MixedError("it works along the steps")
    return course


def _by_sample(visit: Visit) -> Course:
    """What treats every sample by itself, where the steps stand where the samples do."""
    if visit.axis != 0 or Attributes(visit.node).flag("transA", default=False):
        raise MixedError("it works along the steps")
    return visit.first


def _normalized(visit: Visit) -> Course:
    if visit.axis == 1:
        raise MixedError("it has a scale of its own for every step")
    return visit.first


COURSES: Table[str, Callable[[Visit], Course]] = Table(
    "COURSES",
    __name__,
    {
        **dict.fromkeys(ELEMENTWISE | QUANTIZERS | {"IntQuant", "Identity", "Cast", "Dropout"}, _pointwise),
        **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _dequantized),
        **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"), _reduced),
        **dict.fromkeys(
            ("Gemm", "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
             "DepthToSpace", "SpaceToDepth"),
            _by_sample,
        ),
        **dict.fromkeys(("ArgMax", "ArgMin"), _picked),
        **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
        "BatchNormalization": _normalized,
        "Transpose": _transposed,
        "Squeeze": _squeezed,
        "Unsqueeze": _unsqueezed,
        "Reshape": _reshaped,
        "Flatten": _flattened,
        "Gather": _gathered,
        "Slice": _sliced,
        "Concat": _joined,
        "Split": _beside("axis", 0),
        "MatMul": _multiplied,
    },
)  # fmt: skip
"""{operation: the course of its outputs}. An operation without an entry mixes steps, as far as anybody knows."""
