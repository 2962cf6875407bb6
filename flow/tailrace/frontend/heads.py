# SPDX-License-Identifier: Apache-2.0
"""Heads joined at the end: the hardware joins their last integers, the host does the rest on the pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import helper

from tailrace.core.order import plain
from tailrace.frontend.classes import in_order_of_outputs
from tailrace.frontend.operations import PICKS
from tailrace.frontend.signals import Exact, Signal, Source, collapse, objects
from tailrace.graph import Concat, Tensor

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet


def joins_heads(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> bool:
    """Say whether a Concat joins heads that the host can take apart again: nothing behind it needs their integers."""
    if sheet.goes_on(node) or not sheet.network.leading_to(PICKS).isdisjoint(node.output):
        return False
    return len(ins) == len(node.input) and all(signal.source.tensor is not None for signal in ins)


def join_heads(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Emit the last integers of all heads as one tensor; the host's program begins with cutting it into them."""
    sources: list[Source] = []
    nodes: dict[str, NodeProto] = {}
    for signal in ins:
        ready = signal
        if (
            sum(other.source is signal.source for other in ins) == 1
        ):  # each head in the order of its own outputs
            ready = in_order_of_outputs(sheet, signal)
        if ready.source not in sources:
            sources.append(ready.source)
        nodes |= {n.output[0]: n for n in ready.nodes}
    nodes[node.output[0]] = node
    name = f"{node.output[0]} in pieces"
    whole, places = _joined(sheet, sources)
    scale, offset = (_beside(sources, [getattr(s, side) for s in sources]) for side in ("scale", "offset"))
    dtype = sheet.network.dtypes[ins[0].source.name]
    sheet.know(name, (1, whole.size), dtype)
    before = _pieces(sheet, name, sources)
    shape = sheet.network.shapes[node.output[0]]
    source = Source(
        tensor=whole,
        name=name,
        shape=(1, whole.size),
        scale=scale,
        offset=offset,
        order=plain(places),
    )
    sheet.signals[node.output[0]] = Signal(
        name=node.output[0],
        shape=shape,
        source=source,
        nodes=(*before, *sheet.in_place(nodes.values())),
        host_only=node,
    )


def _joined(
    sheet: Sheet, sources: list[Source]
) -> tuple[Tensor, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Return the integers of all sources in one tensor, and the place of each element, one source after the other.

    They are joined position by position where all have the same positions.
    """
    tensors = [s.tensor for s in sources if s.tensor is not None]
    if len({t.shape[:-1] for t in tensors}) > 1:
        tensors = [sheet.reshaped(t, (t.size,)) for t in tensors]
    channels = sum(t.channels for t in tensors)
    whole, first, places = tensors[0], 0, []
    for index, (tensor, source) in enumerate(zip(tensors, sources, strict=True)):
        own = np.arange(tensor.size) if source.order is None else source.order
        position, channel = np.divmod(own, tensor.channels)
        places.append(position * channels + first + channel)
        first += tensor.channels
        if index:
            name = sheet.new_name("concat")
            join = Concat(name=name, a=whole.name, b=tensor.name, output=name)
            whole = sheet.emit(join, (*tensor.shape[:-1], first), "")
    return whole, np.concatenate(places)


def _beside(sources: list[Source], values: list[Exact]) -> Exact:
    """Return the values of all elements, one source after the other."""
    sizes = [s.tensor.size for s in sources if s.tensor is not None]
    return collapse(
        objects(np.concatenate([np.broadcast_to(v, (n,)) for v, n in zip(values, sizes, strict=True)]))
    )


def _pieces(sheet: Sheet, name: str, sources: list[Source]) -> list[NodeProto]:
    """Return the operations that cut the tensor ``name`` into those of the sources."""
    nodes: list[NodeProto] = []
    start = 0
    for index, source in enumerate(sources):
        size = int(np.prod(source.shape, dtype=np.int64))
        flat, places, shape = (f"{name}/{what}{index}" for what in ("piece", "places", "shape"))
        sheet.know_constant(places, np.arange(start, start + size, dtype=np.int64))
        sheet.know_constant(shape, np.array(source.shape, np.int64))
        sheet.know(flat, (1, size), sheet.network.dtypes[name])
        nodes.append(helper.make_node("Gather", [name, places], [flat], name=flat, axis=1))
        nodes.append(helper.make_node("Reshape", [flat, shape], [source.name], name=f"{flat}/shaped"))
        start += size
    return nodes
