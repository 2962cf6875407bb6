# SPDX-License-Identifier: Apache-2.0
"""Brevitas' QuantLSTMCell, the one node that its QuantLSTM is exported as, written as a step with all its quantizers.

Its operands: the input, the states h and c, four matrices for the input and four for h (gates in the order input,
forget, cell, output), four biases, then scale, zero point and bit width of eleven quantizers. The arithmetic, and the
order of the sums, are those of ``brevitas.nn.quant_rnn`` (its ``_QuantLSTMCell.forward_iter``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.operations import QONNX_DOMAIN
from tailrace.frontend.recurrence.course import Course
from tailrace.frontend.recurrence.sheet import CellError

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.recurrence.sheet import StepSheet

GATES = ("input", "forget", "cell", "output")
QUANTIZERS = (
    "output", "cell_state", "input_acc", "forget_acc", "cell_acc", "output_acc", "input_sigmoid", "forget_sigmoid",
    "cell_tanh", "output_sigmoid", "hidden_state_tanh",
)  # fmt: skip
"""In the order of their operands."""

WEIGHTS, BIASES, PARAMETERS = 3, 11, 15
"""The first operands of these kinds."""

OPERANDS = PARAMETERS + 3 * len(QUANTIZERS)


def write_lstm(sheet: StepSheet, node: NodeProto) -> None:
    """Write a step of an LSTM. Raises CellError where it goes backwards, or its input is no sequence."""
    attributes = Attributes(node)
    name = node.name or node.output[0]
    if len(node.input) < OPERANDS:
        raise CellError(
            f"it has {len(node.input)} operands, wanted {OPERANDS}",
            "an LSTM that Brevitas exported with all of its quantizers",
            "export it again, with quantizers for gates and states",
        )
    if attributes.flag("reverse_input", default=False):
        raise CellError(
            "it goes through the sequence from its end",
            "bidirectional=False: the first step comes first",
            "a network that reads a sequence backwards has to hold all of it: build the two directions as two networks",
        )
    source = sheet.courses.get(node.input[0])
    axis = 1 if attributes.flag("batch_first", default=False) else 0
    if source is None or source.axis != axis or source.rank != 3:
        raise CellError(
            f"its input {node.input[0]} is no sequence ({'1, steps' if axis else 'steps, 1'}, features)",
            "one sequence at a time",
            "export it for a batch of 1",
        )
    whole = next((s for s in sheet.constants.outside.values() if len(s) == 3 and s[1 - axis] > 1), None)
    if whole is not None:
        raise CellError(
            f"the network takes {whole[1 - axis]} sequences at once",
            "one sequence at a time",
            "export it for a batch of 1",
        )
    shape = (1, _hidden(sheet, node))
    sheet.layers.append(name)
    h = sheet.state(f"{name}/h", shape, node.input[1])
    c = sheet.state(f"{name}/c", shape, node.input[2])
    step = _Cell(sheet=sheet, node=node, name=name, attributes=attributes)
    x = sheet.bare(node.input[0])
    gates = {gate: step.gate(gate, x, h) for gate in GATES if gate != "forget"}
    if attributes.flag("cifg", default=False):  # forget what is not taken in
        one = step.quantized(
            "input_sigmoid", sheet.constant(f"{name}/one", np.ones(shape, np.float32)), "one/quant"
        )
        gates["forget"] = step.made("Sub", [one, gates["input"]], "forget")
    else:
        gates["forget"] = step.gate("forget", x, h)
    kept = step.quantized("cell_state", step.made("Mul", [gates["forget"], c], "kept"), "kept/quant")
    taken = step.quantized(
        "cell_state", step.made("Mul", [gates["input"], gates["cell"]], "taken"), "taken/quant"
    )
    next_c = step.quantized("cell_state", step.made("Add", [kept, taken], "sum"), "c_next")
    tanh = step.quantized("hidden_state_tanh", step.made("Tanh", [next_c], "tanh"), "tanh/quant")
    next_h = step.quantized("output", step.made("Mul", [gates["output"], tanh], "product"), "h_next")
    outputs = [*node.output, "", ""]
    if outputs[0]:
        sheet.write(outputs[0], next_h, Course(rank=3, axis=axis))
    for state, left, output in ((h, next_h, outputs[1]), (c, next_c, outputs[2])):
        sheet.states[state] = left
        sheet.courses[left] = Course(rank=2, axis=None, state=True)
        if output:
            sheet.write(output, left, Course(rank=2, axis=None, state=True))


def _hidden(sheet: StepSheet, node: NodeProto) -> int:
    """Return the size of the states: that of their first value, or of a bias."""
    for operand in (node.input[1], *node.input[BIASES:PARAMETERS]):
        value = sheet.constants.get(operand)
        if value is not None and value.size > 1:
            return int(value.shape[-1])
        if operand in sheet.constants.outside:
            return sheet.constants.outside[operand][-1]
    raise CellError(
        "the size of its states is not known", "a first value of h that is a constant", "export it again"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cell:
    sheet: StepSheet
    node: NodeProto
    name: str
    attributes: Attributes

    def made(self, operation: str, inputs: list[str], part: str) -> str:
        """Add an operation of the cell, named after a part of it."""
        return self.sheet.node(operation, inputs, f"{self.name}/{part}")

    def gate(self, gate: str, x: str, h: str) -> str:
        """Add a gate: what x and h make of it, summed, quantized, through its function, and quantized again."""
        place = GATES.index(gate)
        sums = []
        for source, first in ((x, WEIGHTS), (h, WEIGHTS + len(GATES))):
            part = f"{gate}/{'x' if source == x else 'h'}"
            turned = self.made("Transpose", [self.node.input[first + place]], f"{part}/weights")
            sums.append(self.made("MatMul", [source, turned], part))
        total = self.made("Add", sums, f"{gate}/sum")
        total = self.made("Add", [total, self.node.input[BIASES + place]], f"{gate}/bias")
        total = self.quantized(f"{gate}_acc", total, f"{gate}/acc")
        function = "tanh" if gate == "cell" else "sigmoid"
        return self.quantized(
            f"{gate}_{function}", self.made(function.capitalize(), [total], f"{gate}/{function}"), gate
        )

    def quantized(self, quantizer: str, source: str, part: str) -> str:
        """Add one of the cell's quantizers; its parameters may be integers in the file."""
        place = PARAMETERS + 3 * QUANTIZERS.index(quantizer)
        numbers = [
            self.sheet.node("Cast", [operand], f"{self.name}/{part}/{what}", to=TensorProto.FLOAT)
            for what, operand in zip(("scale", "zero_point", "bits"), self.node.input[place:], strict=False)
        ]
        narrow = self.attributes.integer(
            f"{quantizer}_narrow", self.attributes.integer(f"{quantizer}_narrow_range", 0)
        )
        return self.sheet.node(
            "Quant",
            [source, *numbers],
            f"{self.name}/{part}",
            domain=QONNX_DOMAIN,
            signed=self.attributes.integer(f"{quantizer}_signed", 1),
            narrow=narrow,
            rounding_mode=self.attributes.text(f"{quantizer}_rounding_mode", "ROUND"),
        )
