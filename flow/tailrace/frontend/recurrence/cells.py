# SPDX-License-Identifier: Apache-2.0
"""The recurrent layers that have a step, one entry an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.table import Table
from tailrace.frontend.recurrence.lstm import write_lstm
from tailrace.frontend.recurrence.scan import first_values_of_scan, write_scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnx import NodeProto

    from tailrace.frontend.recurrence.sheet import StepSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How a recurrent layer is written as a step, and which of its operands its states begin with."""

    write: Callable[[StepSheet, NodeProto], None]
    first_values: Callable[[NodeProto], list[str]]


CELLS: Table[str, Cell] = Table(
    "CELLS",
    __name__,
    {
        "Scan": Cell(write=write_scan, first_values=first_values_of_scan),
        "QuantLSTMCell": Cell(write=write_lstm, first_values=lambda node: list(node.input[1:3])),
    },
)
"""{operation: its step}."""


def is_recurrent(node: NodeProto) -> bool:
    """Say whether a node is a recurrent layer that has a step."""
    return node.op_type in CELLS and (node.op_type != "Scan" or node.domain in ("", "ai.onnx"))
