# SPDX-License-Identifier: Apache-2.0
"""Quantizers as nodes of the integer graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.types import IntType
from tailrace.frontend.encodings import Encoding, encoding_of, host_quantizer, integer_bounds, to_integers
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.grids import InputNeedsGridError
from tailrace.frontend.inputs import entry_name, layout_of, new_tensor
from tailrace.frontend.pairs import settled
from tailrace.frontend.programs import cut
from tailrace.frontend.sheet import Entry
from tailrace.frontend.signals import Signal, Unreached, batch_shape
from tailrace.frontend.tails import is_by_channel, probe

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet

Array = NDArray[Any]


def quantize(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map a quantizer: a map of the integers in front of it, or what the host does with the network's input."""
    if signal.host_only is not None:
        if node.op_type == "DequantizeLinear":  # the host can run it
            sheet.derive(node, [signal], None, None)
        else:
            sheet.host_only(signal, node)
        return
    if node.op_type == "DequantizeLinear" and sheet.network.dtypes[signal.name].itemsize > 2:
        sheet.problem(
            node,
            f"its input {signal.name} holds {sheet.network.dtypes[signal.name]}",
            "8-bit or 16-bit integers from a QuantizeLinear",
            "export the network as QCDQ or QDQ: QuantizeLinear, Clip, DequantizeLinear",
        )
        return
    encoding = encoding_of(node, sheet.network, signal.shape)
    if signal.source.tensor is None:
        _host_quantize(sheet, node, signal, encoding)
        return

    def finish(values: Array) -> Array:
        inputs = {n: sheet.network.constants[n] for n in node.input[1:] if n}

        software = sheet.network.software
        if software is not None:
            return to_integers(
                software.function(sheet.network, [node], node.input[0], node.output[0])(values), encoding
            )

        def run(x: Array) -> Array:
            found = run_node(node, {node.input[0]: x, **inputs}, sheet.network.opset, sheet.network.versions)
            return found[node.output[0]]

        if batch_shape(signal.shape) != signal.shape:
            out = run(values)
        else:  # the samples have no axis of their own in this tensor
            out = np.stack([run(sample.reshape(signal.shape)) for sample in values])
        return to_integers(out, encoding)

    uniform = all(
        np.asarray(sheet.network.constants[n]).size == 1 or len(np.unique(sheet.network.constants[n])) == 1
        for n in node.input[1:]
        if n and node.op_type != "MultiThreshold"
    )
    if node.op_type == "MultiThreshold":
        uniform = sheet.network.constants[node.input[1]].shape[0] == 1
    orders = {name: known.order for name, known in sheet.signals.items()}
    steps = probe(
        sheet.network,
        signal,
        finish,
        uniform_finish=uniform,
        by_channel=is_by_channel(sheet.network, signal, (*signal.nodes, node), orders),
    )
    steps = settled(sheet, node, signal, steps, encoding)
    tensor = sheet.emit_map(signal.source.tensor, steps, node.output[0])
    shape = sheet.network.shapes[node.output[0]]
    sheet.signals[node.output[0]] = sheet.new_source(
        tensor, node.output[0], shape, encoding.exact_scale, encoding.exact_offset, order=signal.order
    )


def _host_quantize(sheet: Sheet, node: NodeProto, signal: Signal, encoding: Encoding) -> None:
    """Let the host quantize the input: the hardware takes the integers behind the first quantizer."""
    quantizer = host_quantizer(node, sheet.network, signal.shape, signal.nodes)
    entering = signal.source.name
    if quantizer is None or entering in sheet.entries:
        raise InputNeedsGridError(entering)
    low, high = encoding.low, encoding.high
    if node.op_type == "DequantizeLinear":
        low, high = integer_bounds(sheet.network, signal.nodes)
    before = cut(sheet.network, signal.nodes, entering, signal.name) if signal.nodes else None
    out = node.output[0]
    shape = sheet.network.shapes[out]
    inner, order = layout_of(sheet, out, shape)
    name = entry_name(sheet.network, entering)
    tensor = new_tensor(sheet, name, inner, IntType.containing(low, high), origin=out)
    tensor = replace(tensor, low=np.full_like(tensor.low, low), high=np.full_like(tensor.high, high))
    sheet.tensors[name] = tensor
    sheet.entries[entering] = Entry(tensor=tensor, quantizer=quantizer, before=before, order=order)
    sheet.signals[out] = sheet.new_source(
        tensor, out, shape, encoding.exact_scale, encoding.exact_offset, order=order
    )


def look_at_quantizer(sheet: Sheet, node: NodeProto, known: Unreached) -> Unreached:
    """Report what stands in front of a quantizer whose input is not known; behind it there are integers again."""
    if known.host_only is not None and node.name not in sheet.refused:
        sheet.host_only(known, node)
    return Unreached()
