# SPDX-License-Identifier: Apache-2.0
"""Layout operations: the same numbers in another order, which costs nothing before they are integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.order import plain
from tailrace.frontend.sums import elementwise

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Exact, Signal


def move(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Let the output of a layout operation be its input in another order."""
    moved = sheet.moved(node, sheet.network.shapes[node.input[0]])
    if moved is None:
        sheet.derive(node, [signal], signal.scale, signal.offset, order=signal.order)
        return

    def move(values: Exact | None) -> Exact | None:
        return values if values is None or values.size == 1 else values[moved]

    places = moved if signal.order is None else signal.order[moved]
    sheet.derive(node, [signal], move(signal.scale), move(signal.offset), order=plain(places))


def cast(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map a Cast: one to a wider type leaves the numbers as they are, any other is a function of them."""
    old, new = sheet.network.dtypes[ins[0].name], sheet.network.dtypes[node.output[0]]
    wider = new.kind == "f" and (old.kind == "f" or old.itemsize < new.itemsize)
    if wider and old.itemsize <= new.itemsize:
        move(sheet, node, ins[0])
    else:
        elementwise(sheet, node, ins)
