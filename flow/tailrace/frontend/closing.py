# SPDX-License-Identifier: Apache-2.0
"""The end of a network: what the hardware computes last, and what is left to the host."""

from __future__ import annotations

from dataclasses import dataclass
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
from tailrace.graph import Graph, Node, Tensor
from tailrace.graph.host import Host, HostInput, HostOutput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.sheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Closing:
    """The graph of a network, and the signals that its outputs are: of the integers that leave, before the host."""

    graph: Graph
    signals: Mapping[str, Signal]
    tensors: Mapping[str, Tensor]
    """All tensors of the sheet, those that the outputs do not need among them."""


def close(sheet: Sheet, outputs: Sequence[Signal]) -> tuple[Closing, Mapping[str, Encoding]]:
    """Return the integer graph whose outputs are those of the network, and the encodings of its tensors."""
    for output in outputs:
        if output.source.tensor is None:
            raise InputNeedsGridError(output.source.name)
    if not sheet.nodes:
        raise _no_layer(sheet)
    network = sheet.network
    ends = [_close_output(sheet, output) for output in outputs]
    last = [tensor.name for tensor, _ in ends]
    nodes = needed_nodes(sheet.nodes, last)
    used = {*last, *(name for node in nodes for name in node.inputs)}
    unused = [n for n in network.inputs if n not in sheet.entries or sheet.entries[n].tensor.name not in used]
    if unused:
        raise ModelError(
            f"no output depends on the input {unused[0]}",
            where=network.name,
            hint="leave it out of the network",
        )
    entries = [sheet.entries[name] for name in network.inputs]
    inputs = [
        HostInput(
            name=name,
            shape=batch_shape(network.shapes[name]),
            dtype=str(network.dtypes[name]),
            before=entry.before,
            quantizer=entry.quantizer,
            order=entry.order,
        )
        for name, entry in zip(network.inputs, entries, strict=True)
    ]
    first = [entry.tensor.name for entry in entries]
    graph = Graph(
        name=network.name,
        sha256=network.sha256,
        nodes=nodes,
        tensors={name: sheet.tensors[name] for name in (*first, *(n.output for n in nodes))},
        inputs=tuple(first),
        outputs=tuple(last),
        host=Host(inputs=tuple(inputs), outputs=tuple(end for _, end in ends)),
        notices=sheet.notices,
    )
    signals = {output.name: output for output in outputs}
    return Closing(graph=graph, signals=signals, tensors=sheet.tensors), sheet.encodings


def _close_output(sheet: Sheet, output: Signal) -> tuple[Tensor, HostOutput]:
    """Return the last integers of an output, and what the host makes of them; a notice where that is much."""
    network, name = sheet.network, output.name
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
    assert tensor is not None  # noqa: S101 - by close
    sheet.notices = (*sheet.notices, *host_notices(output, found))
    end = HostOutput(
        name=name,
        shape=batch_shape(network.shapes[name]),
        base_shape=result.shape,
        scale=floats(result.scale),
        offset=floats(result.offset),
        after=after,
        is_integer=result.is_index,
        order=result.order,
    )
    return tensor, end


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


def needed_nodes(nodes: Sequence[Node], outputs: Iterable[str]) -> tuple[Node, ...]:
    """Return the nodes on which the outputs depend, in their order."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(kept[::-1])
