# SPDX-License-Identifier: Apache-2.0
"""The table of operators: what is done with each, and which of its inputs are activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.table import Table
from tailrace.frontend.tflite.elementwise import activate, activate_by_slope, add, multiply
from tailrace.frontend.tflite.ends import dequantize, quantize, softmax
from tailrace.frontend.tflite.layers import convolve, convolve_depthwise, convolve_transposed, fully_connected
from tailrace.frontend.tflite.moves import (
    concatenate,
    pad,
    reshape,
    resize,
    slice_,
    split,
    strided_slice,
    transpose,
)
from tailrace.frontend.tflite.pools import average_over_axes, pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.frontend.tflite.records import Operator
    from tailrace.frontend.tflite.sheet import TfliteSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """What is done with the operators of one kind.

    ``write`` puts one on the sheet. ``data`` are the places of its activations among its inputs (empty: all of them),
    of which some may be constants where ``mixed``; ``least`` and ``most`` bound the number of its inputs. ``moves``:
    its output has the scale and zero point of its input.
    """

    write: Callable[[TfliteSheet, Operator], None]
    data: tuple[int, ...] = (0,)
    mixed: bool = False
    least: int = 1
    most: int = 1
    moves: bool = False


_ACTIVATION = Handler(write=activate)
_SUM = Handler(write=add, data=(0, 1), mixed=True, least=2, most=2)

HANDLERS: Table[str, Handler] = Table(
    "HANDLERS",
    __name__,
    {
        "CONV_2D": Handler(write=convolve, least=2, most=3),
        "DEPTHWISE_CONV_2D": Handler(write=convolve_depthwise, least=2, most=3),
        "TRANSPOSE_CONV": Handler(write=convolve_transposed, data=(2,), least=3, most=4),
        "FULLY_CONNECTED": Handler(write=fully_connected, least=2, most=3),
        "ADD": _SUM,
        "SUB": _SUM,
        "MUL": Handler(write=multiply, data=(0, 1), mixed=True, least=2, most=2),
        "AVERAGE_POOL_2D": Handler(write=pool),
        "MAX_POOL_2D": Handler(write=pool),
        "MEAN": Handler(write=average_over_axes, least=2, most=2),
        "RELU": _ACTIVATION,
        "RELU6": _ACTIVATION,
        "RELU_N1_TO_1": _ACTIVATION,
        "HARD_SWISH": _ACTIVATION,
        "LOGISTIC": _ACTIVATION,
        "TANH": _ACTIVATION,
        "LEAKY_RELU": _ACTIVATION,
        "PRELU": Handler(write=activate_by_slope, least=2, most=2),
        "PAD": Handler(write=pad, least=2, most=2, moves=True),
        "PADV2": Handler(write=pad, least=3, most=3, moves=True),
        "CONCATENATION": Handler(write=concatenate, data=(), most=1 << 14),
        "SPLIT": Handler(write=split, data=(1,), least=2, most=2, moves=True),
        "SLICE": Handler(write=slice_, least=3, most=3, moves=True),
        "STRIDED_SLICE": Handler(write=strided_slice, least=4, most=4, moves=True),
        "RESHAPE": Handler(write=reshape, most=2, moves=True),
        "SQUEEZE": Handler(write=reshape, moves=True),
        "EXPAND_DIMS": Handler(write=reshape, most=2, moves=True),
        "TRANSPOSE": Handler(write=transpose, least=2, most=2, moves=True),
        "RESIZE_NEAREST_NEIGHBOR": Handler(write=resize, least=2, most=2, moves=True),
        "QUANTIZE": Handler(write=quantize),
        "DEQUANTIZE": Handler(write=dequantize),
        "SOFTMAX": Handler(write=softmax),
    },
)
"""{operator: handler}; an operator without one is refused."""
