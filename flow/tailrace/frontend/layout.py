# SPDX-License-Identifier: Apache-2.0
"""Layout operations: the same numbers in another order, which costs nothing before they are integers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.core.order import plain
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.operations import LAYOUT
from tailrace.frontend.signals import floats
from tailrace.frontend.sums import elementwise

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Exact, Signal


def move(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Let the output of a layout operation be its input in another order."""
    moved = sheet.moved(node, sheet.network.shapes[node.input[0]])

    def move(values: Exact | None) -> Exact | None:
        return values if values is None or values.size == 1 or moved is None else values[moved]

    order = signal.order
    if moved is not None:
        order = plain(moved if signal.order is None else signal.order[moved])
    sheet.derive(node, [signal], move(signal.scale), move(signal.offset), order=order)
    _stand_for(sheet, node.output[0])


def _stand_for(sheet: Sheet, name: str) -> None:
    """Let integers whose own tensor only the moved network has stand for ``name``, which its software has too."""
    signal, made = sheet.signals.get(name), sheet.network.made
    if signal is None or name in made or signal.source.name not in made or signal.source.tensor is None:
        return
    if signal.scale is None or signal.offset is None or any(n.op_type not in LAYOUT for n in signal.nodes):
        return
    sheet.encodings[name] = Encoding(
        scale=floats(signal.scale), offset=floats(signal.offset), order=signal.order
    )
    tensor = sheet.tensors[signal.source.tensor.name]
    sheet.tensors[tensor.name] = replace(tensor, origin=name)


def cast(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Map a Cast: one to a wider type leaves the numbers as they are, any other is a function of them."""
    old, new = sheet.network.dtypes[ins[0].name], sheet.network.dtypes[node.output[0]]
    wider = new.kind == "f" and (old.kind == "f" or old.itemsize < new.itemsize)
    if wider and old.itemsize <= new.itemsize:
        move(sheet, node, ins[0])
    else:
        elementwise(sheet, node, ins)
