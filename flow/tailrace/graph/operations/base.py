# SPDX-License-Identifier: Apache-2.0
"""What every operation of the integer graph says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tailrace.graph.tensors import Range, Shape, Tensor

Array = NDArray[Any]
Evaluator = Callable[..., Array]
"""Takes (n, *shape) of every input, in their order, and returns (n, *shape) of the output."""

Role = Literal["computes", "moves", "free"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation(ABC):
    """One node of the integer graph, and everything that belongs to it alone.

    An operation is a flat frozen dataclass in a module of its family: its fields are its constants and the names of
    the tensors that it reads, and ``__post_init__`` refuses constants that cannot be. Every type states two facts:

    ``reads``: the fields that name the tensors read, in order.
    ``role``: ``computes``; ``moves`` (no integer is changed, so floats are moved likewise, and words come in another
    order or number, which takes FIFOs); ``free`` (the same integers in the same order: nothing in hardware).

    What belongs to the operation and somebody else (the planner, E1, the spatial engine) stands in their tables.
    """

    reads: ClassVar[tuple[str, ...]]
    role: ClassVar[Role]

    name: str
    output: str

    def __init_subclass__(cls) -> None:
        lacking = [fact for fact in ("reads", "role") if fact not in vars(cls)]
        if lacking:
            raise TypeError(f"the operation {cls.__name__} does not say {' and '.join(lacking)}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return tuple(getattr(self, field) for field in self.reads)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors written."""
        return (self.output,)

    def reading(self, instead: Mapping[str, str]) -> Self:
        """Return the operation with other tensors to read: ``instead`` is {tensor now: tensor then}."""
        changed = {field: instead[name] for field in self.reads if (name := getattr(self, field)) in instead}
        return replace(self, **changed) if changed else self

    @abstractmethod
    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the output for those of the inputs; ValueError where they do not fit."""

    @abstractmethod
    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the exact (low, high) of every output channel from the ranges of the inputs."""

    @abstractmethod
    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the function that computes the output, prepared for these inputs."""

    def mover(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the function that moves floats as the operation moves integers; what it adds of its own is 0."""
        if self.role == "computes":
            raise TypeError(f"{type(self).__name__} computes: it cannot move floats")
        return self.evaluator(ins)

    def row_step(self, axis: int) -> int | None:
        """Return the rows (``axis`` 0) or columns (1) of an image before it that make one behind it.

        None, the worst case: it has no meaning for an image with fewer rows, so the schedule of such an image says
        nothing about that of the whole.
        """
        return None

    def on_rows(self, whole: Sequence[Shape], short: Sequence[Shape], axis: int) -> Self | None:
        """Return the operation for inputs of ``short``, fewer rows than ``whole`` along ``axis``; None: impossible."""
        return self

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return the multiplications of one sample, by which the time of simulations is judged."""
        return 0


def positions(shape: Shape) -> int:
    """Return the number of vectors of a tensor of ``shape``."""
    return prod(shape[:-1])


def only(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of the one input."""
    (shape,) = shapes
    return shape


def same(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that all inputs have; ValueError where they differ."""
    if len(set(shapes)) != 1:
        raise ValueError(f"its inputs have the shapes {', '.join(map(str, shapes))}, wanted equal ones")
    return shapes[0]


def image(shapes: Sequence[Shape]) -> tuple[int, int, int]:
    """Return (height, width, channels) of the one input; ValueError where it is no image."""
    shape = only(shapes)
    if len(shape) != 3:
        raise ValueError(f"its input has the shape {shape}, wanted (height, width, channels)")
    return shape[0], shape[1], shape[2]


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise ValueError with ``message`` unless ``condition``."""
    if not condition:
        raise ValueError(message)


def as_samples(values: Array, shape: Shape) -> Array:
    """Return (n, *shape), n being 0 or more."""
    return np.asarray(values).reshape(-1, *shape)
