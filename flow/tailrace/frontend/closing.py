# SPDX-License-Identifier: Apache-2.0
"""The end of a network: what the hardware computes last, and what is left to the host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import ModelError
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.grids import GRID_POINTS_AT_MOST, InputNeedsGridError, with_bias
from tailrace.frontend.operations import ELEMENTWISE, LAYOUT, SPATIAL
from tailrace.frontend.programs import cut
from tailrace.frontend.signals import Signal, batch_shape, floats, fraction, is_zero
from tailrace.frontend.tails import float_function
from tailrace.graph import ArgMax, Graph, Map, Node, Tensor
from tailrace.graph.host import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.frontend.network import Network
    from tailrace.frontend.sheet import Sheet


def close(sheet: Sheet, output: Signal) -> tuple[Graph, Mapping[str, Encoding]]:
    """Return the integer graph whose output is that of the network, and the encodings of its tensors."""
    if output.source.tensor is None:
        raise InputNeedsGridError
    if not sheet.nodes:
        raise _no_layer(sheet)
    network = sheet.network
    output = _hardware_bias(sheet, output)
    source = output.source
    found = _hardware_argmax(sheet, output)
    if found is None:
        after = cut(network, output.nodes, source.name, output.name) if output.nodes else None
        tensor, scale, offset, base = (
            source.tensor,
            source.scale,
            source.offset,
            batch_shape(source.shape),
        )
    else:
        tensor, scale, offset, after = found, fraction(1), fraction(0), None
        base = batch_shape(network.shapes[output.name])
    assert tensor is not None and sheet.input_tensor is not None and sheet.quantizer is not None  # noqa: PT018, S101
    host = Host(
        input_name=network.inputs[0],
        input_shape=network.shapes[network.inputs[0]][1:],
        input_dtype=str(network.dtypes[network.inputs[0]]),
        before=sheet.before,
        quantizer=sheet.quantizer,
        output_name=output.name,
        output_shape=batch_shape(network.shapes[network.outputs[0]]),
        base_shape=base,
        scale=floats(scale),
        offset=floats(offset),
        after=after,
        output_is_integer=found is not None,
        input_order=sheet.input_order,
        output_order=source.order if found is None else None,
    )
    nodes = _needed(sheet.nodes, tensor.name)
    graph = Graph(
        name=network.name,
        sha256=network.sha256,
        nodes=nodes,
        tensors={name: sheet.tensors[name] for name in (sheet.input_tensor.name, *(n.output for n in nodes))},
        input=sheet.input_tensor.name,
        output=tensor.name,
        host=host,
        notices=sheet.notices,
    )
    return graph, sheet.encodings


def _no_layer(sheet: Sheet) -> ModelError:
    """Return the answer to a network of which nothing is left for the hardware."""
    where, layers = sheet.network.name, SPATIAL | {"MatMul"}
    if any(node.op_type in layers for node in sheet.network.nodes):
        return ModelError(
            "there is nothing to compute in integers", where=where, hint="quantize at least one layer"
        )
    return ModelError(
        "it has no layer: what it does, the host does when it sends the input",
        where=where,
        hint="put a layer (Conv, Gemm, MatMul, a pool) behind the quantizer",
    )


def _hardware_bias(sheet: Sheet, output: Signal) -> Signal:
    """Add a final bias that lies on the grid of the accumulator in hardware: the integers are the logits."""
    base = output.source
    if base.tensor is None or base.tensor.vectors > 1 or output.order is not None:
        return output
    candidates = [(base.name, output.nodes)]
    for index, node in enumerate(output.nodes):
        dynamic = [n for n in node.input if n and n not in sheet.network.constants]
        later = {n for other in output.nodes[index + 1 :] for n in other.input}
        if dynamic != [candidates[-1][0]] or later & {name for name, _ in candidates}:
            break
        candidates.append((node.output[0], output.nodes[index + 1 :]))
    for name, rest in reversed(candidates):
        signal = sheet.signals.get(name)
        if signal is None or signal.scale is None or signal.offset is None or is_zero(signal.offset):
            continue
        if rest == () and signal.offset.size == 1 and base.offset.size == 1:
            continue  # one constant for all: the host adds it for nothing
        if name == base.name and (signal.offset.size == 1 or isinstance(_maker(sheet, base.tensor), Map)):
            continue
        biased = with_bias(sheet, signal, name)
        if biased is not None:
            if name == base.name:  # the network has one tensor for both
                sheet.tensors[base.tensor.name] = replace(base.tensor, origin="")
            return replace(output, source=biased.source, nodes=rest)
    return output


def _maker(sheet: Sheet, tensor: Tensor) -> Node | None:
    return next((node for node in sheet.nodes if node.output == tensor.name), None)


def _hardware_argmax(sheet: Sheet, output: Signal) -> Tensor | None:
    """Find the index in hardware where the float operations in front of it keep the order of the integers."""
    nodes = list(output.nodes)
    while nodes and nodes[-1].op_type in LAYOUT:
        nodes.pop()
    if not nodes or nodes[-1].op_type not in ("ArgMax", "ArgMin", "TopK"):
        return None
    pick = nodes.pop()
    attributes = Attributes(pick)
    tensor = output.source.tensor
    shape = sheet.network.shapes[pick.input[0]]
    if (
        tensor is None
        or tensor.vectors > 1
        or output.source.order is not None
        or shape[-1] != tensor.channels
        or any(d != 1 for d in shape[:-1])
    ):
        return None
    if attributes.integer("axis", -1 if pick.op_type == "TopK" else 0) not in (-1, len(shape) - 1):
        return None
    if attributes.flag("select_last_index", default=False):
        return None
    largest = pick.op_type == "ArgMax" or (
        pick.op_type == "TopK" and attributes.flag("largest", default=True)
    )
    if pick.op_type == "TopK":
        count = (
            sheet.network.constants.get(pick.input[1])
            if len(pick.input) > 1
            else attributes.integer("k", None)
        )
        last = output.nodes[len(nodes) + 1 :]
        index_read = pick.output[1] in ({n for node in last for n in node.input} | {output.name})
        if count is None or int(np.asarray(count).reshape(-1)[0]) != 1 or not index_read:
            return None
    if any(node.op_type not in ELEMENTWISE | LAYOUT for node in nodes):
        return None
    rising = _order_kept(sheet, replace(output, name=pick.input[0], shape=shape, nodes=tuple(nodes)))
    if not rising:
        return None
    name = sheet.new_name("argmax")
    node = ArgMax(name=name, input=tensor.name, output=name, smallest=largest != (rising > 0))
    out = sheet.emit(node, (1,), output.name)
    sheet.encodings[output.name] = Encoding(scale=np.ones(()), offset=np.zeros(()))
    return out


def _order_kept(sheet: Sheet, values: Signal) -> int:
    """Return 1 (-1) where all channels share one strictly rising (falling) float function, else 0."""
    tensor = values.source.tensor
    if tensor is None or not _uniform_nodes(sheet.network, values):
        return 0
    low, high = int(tensor.low.min()), int(tensor.high.max())
    if high - low >= GRID_POINTS_AT_MOST or values.source.scale.size > 1 or values.source.offset.size > 1:
        return 0
    points = np.arange(low, high + 1, dtype=np.int64)
    grid = np.resize(points, (-(-len(points) // tensor.size), tensor.size))
    reached = float_function(sheet.network, values)(grid).reshape(-1)[: len(points)]
    delta = np.diff(reached)
    return 1 if (delta > 0).all() else -1 if (delta < 0).all() else 0


def _needed(nodes: list[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes on which the output depends, in their order."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(kept[::-1])


def _uniform_nodes(network: Network, signal: Signal) -> bool:
    return all(
        len(np.unique(network.constants[name])) <= 1
        for node in signal.nodes
        if node.op_type not in LAYOUT
        for name in node.input
        if name in network.constants
    )
