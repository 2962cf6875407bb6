# SPDX-License-Identifier: Apache-2.0
"""From a node of the network to the operation of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.extend import as_integers, in_order

from tailrace_median.operation import Median

if TYPE_CHECKING:
    from onnx import NodeProto
    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal


def write_median(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Write the median of quantized values; a problem where they have no common, positive scale."""
    signal = as_integers(sheet, node, ins[0])
    if signal is None:  # what is wrong has been reported
        return
    if signal.scale.size > 1 or signal.offset.size > 1 or signal.scale.reshape(-1)[0] < 0:
        sheet.problem(
            node,
            "its channels have several scales",
            "one scale for all channels",
            "use one scale for the whole tensor (Brevitas: scaling_per_output_channel=False)",
        )
        return
    *positions, channels = sheet.network.shapes[node.input[0]][1:]
    tensor = in_order(sheet, signal, None, (*positions, channels))
    name, out = sheet.new_name("median"), node.output[0]
    found = sheet.emit(Median(name=name, input=tensor.name, output=name), (*positions, 1), out)
    shape = sheet.network.shapes[out]
    sheet.signals[out] = sheet.new_source(found, out, shape, signal.scale, signal.offset)
