# SPDX-License-Identifier: Apache-2.0
"""The sheet of a TensorFlow Lite model: the integers of its tensors so far, and what is wrong.

The integers of a tensor are those of the file, zero point included, in the file's order (channels last), without the
batch axis of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailrace.frontend.encodings import Encoding
from tailrace.frontend.images import Image
from tailrace.frontend.problems import Problem
from tailrace.frontend.signals import fraction, sample_shape
from tailrace.frontend.tflite.arithmetic import BOUNDS
from tailrace.frontend.tflite.tails import probed, tabulated
from tailrace.frontend.writer import Writer
from tailrace.graph import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tailrace.frontend.tflite.arithmetic import Function
    from tailrace.frontend.tflite.records import FlatModel, Operator, Record
    from tailrace.graph.softmax import TfliteSoftmax

    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostTail:
    """What the host makes of the integers of the tensor ``source``: a softmax, or floats."""

    source: int
    softmax: TfliteSoftmax | None = None
    floats: Record | None = None
    """The tensor whose scale and zero point the floats have, where there is no softmax."""


class TfliteSheet(Writer):
    """What is known of a model while it is walked through: ``values`` holds the integers of every tensor, by index."""

    def __init__(self, model: FlatModel) -> None:
        super().__init__()
        self.model = model
        self.values: dict[int, Tensor] = {}
        self.problems: list[Problem] = []
        self.encodings: dict[str, Encoding] = {}
        self.tails: dict[int, HostTail] = {}
        """The tensors that only the host can make, by index."""

    def problem(self, operator: Operator, found: str, accepted: str, hint: str) -> None:
        """Remember what is wrong with an operator."""
        self.problems.append(
            Problem(node=operator.name, operation=operator.kind, found=found, accepted=accepted, hint=hint)
        )

    def record(self, operator: Operator, place: int) -> Record:
        """Return the tensor that an operator has at a place among its inputs."""
        return self.model.tensors[operator.inputs[place]]

    def output(self, operator: Operator, place: int = 0) -> Record:
        """Return the tensor that an operator writes."""
        return self.model.tensors[operator.outputs[place]]

    def value(self, operator: Operator, place: int = 0) -> Tensor:
        """Return the integers at a place among an operator's inputs."""
        return self.values[operator.inputs[place]]

    def constant(self, operator: Operator, place: int) -> Integers | None:
        """Return a constant as int64; None where there is none, or what is there is no constant of integers."""
        if place >= len(operator.inputs) or operator.inputs[place] < 0:
            return None
        data = self.record(operator, place).data
        return None if data is None or data.dtype.kind not in "iu" else data.astype(np.int64)

    def image(self, operator: Operator, place: int = 0) -> Image:
        """Return the integers at a place as an image (height, width, channels)."""
        return image(self.value(operator, place))

    def settle(self, operator: Operator, tensor: Tensor, place: int = 0) -> None:
        """Let integers be what an operator writes."""
        record = self.output(operator, place)
        if record.size != tensor.size:
            raise ValueError(
                f"it makes {tensor.size} elements for an output of the shape {list(record.shape)}"
            )
        tensor = self.named(self.reshaped(tensor, sample_shape(record.shape)), record.name)
        self.values[record.index] = tensor
        self.stand_for(record)

    def stand_for(self, record: Record) -> None:
        """Remember that the integers of a tensor of the file are compared with the interpreter's."""
        self.encodings[record.name] = Encoding(scale=np.ones(()), offset=np.zeros(()))

    def enter(self, record: Record, name: str) -> Tensor:
        """Let a tensor be the network's input: any integers of its type."""
        shape = sample_shape(record.shape)
        low, high = BOUNDS[record.type]
        tensor = Tensor(
            name=name,
            shape=shape,
            low=np.full(shape[-1], low, np.int64),
            high=np.full(shape[-1], high, np.int64),
            origin=record.name,
        )
        self.tensors[name] = tensor
        self.values[record.index] = tensor
        self.stand_for(record)
        return tensor

    def mapped(
        self, tensor: Tensor, function: Function, *, rising: bool, alike: bool, origin: str = ""
    ) -> Tensor:
        """Emit a function of one integer; ``rising``: it never falls; ``alike``: it is the same for all channels."""
        probe = probed if rising else tabulated
        low, high = tensor.low, tensor.high
        if alike:
            low, high = low.min(keepdims=True), high.max(keepdims=True)
        return self.emit_map(tensor, probe(function, low, high), origin)


def image(tensor: Tensor) -> Image:
    """Return integers (height, width, channels) as an image that stands for itself."""
    return Image(tensor=tensor, scale=fraction(1), offset=fraction(0))
