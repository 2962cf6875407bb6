# SPDX-License-Identifier: Apache-2.0
"""The end of a network: what the hardware computes last, and what is left to the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.errors import ModelError
from tailrace.frontend.classes import (
    Result,
    class_index,
    decision,
    host_notices,
    in_order_of_outputs,
)
from tailrace.frontend.grids import InputNeedsGridError
from tailrace.frontend.operations import SPATIAL
from tailrace.frontend.programs import cut
from tailrace.frontend.signals import Signal, batch_shape, floats
from tailrace.graph import Graph, Node
from tailrace.graph.host import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.sheet import Sheet


def close(sheet: Sheet, output: Signal) -> tuple[Graph, Mapping[str, Encoding]]:
    """Return the integer graph whose output is that of the network, and the encodings of its tensors."""
    if output.source.tensor is None:
        raise InputNeedsGridError
    if not sheet.nodes:
        raise _no_layer(sheet)
    network = sheet.network
    found = class_index(sheet, output) or decision(sheet, output)
    if found is None:
        output = in_order_of_outputs(sheet, output)
        source = output.source
        after = cut(network, output.nodes, source.name, output.name) if output.nodes else None
        result = Result(
            tensor=source.tensor,
            scale=source.scale,
            offset=source.offset,
            shape=batch_shape(source.shape),
            order=source.order,
        )
    else:
        result, after = found, None
    tensor = result.tensor
    assert tensor is not None and sheet.input_tensor is not None and sheet.quantizer is not None  # noqa: PT018, S101
    host = Host(
        input_name=network.inputs[0],
        input_shape=network.shapes[network.inputs[0]][1:],
        input_dtype=str(network.dtypes[network.inputs[0]]),
        before=sheet.before,
        quantizer=sheet.quantizer,
        output_name=output.name,
        output_shape=batch_shape(network.shapes[network.outputs[0]]),
        base_shape=result.shape,
        scale=floats(result.scale),
        offset=floats(result.offset),
        after=after,
        output_is_integer=result.is_index,
        input_order=sheet.input_order,
        output_order=result.order,
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
        notices=(*sheet.notices, *host_notices(output, found)),
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


def _needed(nodes: list[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes on which the output depends, in their order."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(kept[::-1])
