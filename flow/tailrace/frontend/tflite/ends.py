# SPDX-License-Identifier: Apache-2.0
"""Where numbers enter and leave: QUANTIZE of the input, DEQUANTIZE of the output, SOFTMAX on the host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.frontend.tflite.arithmetic import BOUNDS, rescale
from tailrace.frontend.tflite.elementwise import requantize
from tailrace.frontend.tflite.sheet import HostTail
from tailrace.frontend.tflite.tails import tabulated
from tailrace.graph.softmax import TfliteSoftmax

if TYPE_CHECKING:
    from tailrace.frontend.tflite.records import Operator
    from tailrace.frontend.tflite.sheet import TfliteSheet


def quantize(sheet: TfliteSheet, operator: Operator) -> None:
    """Map QUANTIZE: of floats it is the host's, of integers a function."""
    tail = sheet.tails.get(operator.inputs[0])
    if tail is not None and tail.softmax is not None:
        x, y = sheet.record(operator, 0), sheet.output(operator)
        low, high = (np.array([end], np.int64) for end in BOUNDS[x.type])
        function = rescale(x, y, float(np.float64(x.scale) / np.float64(y.scale)))
        softmax = replace(tail.softmax, then=tabulated(function, low, high))
        sheet.tails[operator.outputs[0]] = replace(tail, softmax=softmax)
        return
    requantize(sheet, operator)


def dequantize(sheet: TfliteSheet, operator: Operator) -> None:
    """Leave DEQUANTIZE to the host."""
    x, index = sheet.record(operator, 0), operator.outputs[0]
    tail = sheet.tails.get(operator.inputs[0])
    if tail is None:
        sheet.tails[index] = HostTail(source=operator.inputs[0], floats=x)
    elif tail.softmax is not None:
        softmax = replace(tail.softmax, scale=float(x.scale), zero_point=x.zero_point)
        sheet.tails[index] = replace(tail, softmax=softmax)


def softmax(sheet: TfliteSheet, operator: Operator) -> None:
    """Leave SOFTMAX to the host, in the kernel's own integers."""
    x, y = sheet.record(operator, 0), sheet.output(operator)
    zero, scale = (-128, 1 / 256) if x.type == "INT8" else (0, 1 / 32768)
    if y.zero_point != zero or abs(float(y.scale) - scale) > 0.001 * scale:
        sheet.problem(
            operator,
            f"its output has the scale {y.scale:g} and the zero point {y.zero_point}",
            f"{scale:g} and {zero}, the only ones of the kernel",
            "convert it again",
        )
        return
    if operator.options.beta <= 0 or x.shape != y.shape:
        sheet.problem(
            operator, f"its beta is {operator.options.beta:g}", "a beta above 0", "convert it again"
        )
        return
    tail = TfliteSoftmax.of(float(x.scale), operator.options.beta, 8 if x.type == "INT8" else 16)
    if tail is None:
        sheet.problem(
            operator,
            f"its input's scale {x.scale:g} times beta is too fine for the kernel",
            "a scale above 2**-26",
            "convert it again",
        )
        return
    sheet.tails[operator.outputs[0]] = HostTail(source=operator.inputs[0], softmax=tail)
