# SPDX-License-Identifier: Apache-2.0
"""What moves integers: padding, repetition, shuffles, slices, other orders, two streams as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tailrace.blocks.concat import Concat as ConcatBlock
from tailrace.blocks.pad import Pad as PadBlock
from tailrace.blocks.permute import Permute as PermuteBlock
from tailrace.blocks.shuffle import Shuffle as ShuffleBlock
from tailrace.blocks.slice import Slice as SliceBlock
from tailrace.blocks.upsample import Upsample as UpsampleBlock
from tailrace.planning.rules import FOLDINGS

if TYPE_CHECKING:
    from tailrace.blocks.base import Stream
    from tailrace.graph import Concat, Pad, Permute, Reshape, Shuffle, Slice, Upsample
    from tailrace.planning.layout import Layout


class _Image(TypedDict):
    stream: Stream
    height: int
    width: int
    channels: int


def _image(layout: Layout, node: Pad | Upsample | Shuffle, wire: str) -> _Image:
    height, width, channels = layout.graph.tensors[node.input].shape
    return {"stream": layout.wires[wire], "height": height, "width": width, "channels": channels}


def place_reshape(_layout: Layout, _node: Reshape, wire: str) -> str:
    """Place nothing: the stream is the same."""
    return wire


def place_pad(layout: Layout, node: Pad, wire: str) -> str:
    """Place the padding of an image, whose lanes are wide enough for the value."""
    wire = layout.cast(f"{node.name}_wide", layout.fed(node, wire), node.output, node.name)
    block = PadBlock(
        **_image(layout, node, wire),
        top=node.top,
        bottom=node.bottom,
        left=node.left,
        right=node.right,
        value=node.value,
    )
    return layout.place(node, block, wire)


def place_upsample(layout: Layout, node: Upsample, wire: str) -> str:
    """Place the repetition of pixels and rows."""
    wire = layout.fed(node, wire)
    return layout.place(node, UpsampleBlock(**_image(layout, node, wire), factor=node.factor), wire)


def place_shuffle(layout: Layout, node: Shuffle, wire: str) -> str:
    """Place the exchange of channels and pixels."""
    wire = layout.fed(node, wire)
    block = ShuffleBlock(**_image(layout, node, wire), block=node.block, mode=node.mode)
    return layout.place(node, block, wire)


def place_slice(layout: Layout, node: Slice, wire: str) -> str:
    """Place the choice of some channels."""
    wire = layout.fed(node, wire)
    channels = layout.graph.tensors[node.input].channels
    block = SliceBlock(stream=layout.wires[wire], channels=channels, start=node.start, stop=node.stop)
    return layout.place(node, block, wire)


def place_permute(layout: Layout, node: Permute, wire: str) -> str:
    """Place the exchange of whole words."""
    wire = layout.fed(node, wire)
    stream = layout.wires[wire]
    order = node.order.reshape(-1, stream.lanes)[:, 0] // stream.lanes
    return layout.place(node, PermuteBlock(stream=stream, order=order), wire)


def place_concat(layout: Layout, node: Concat, a: str, b: str) -> str:
    """Place two streams as one, both with the lanes and the type of the result."""
    lanes = layout.explicit(node)
    rule = FOLDINGS[type(node)]
    unit, work = rule.lanes(layout.graph, node), rule.work(layout.graph, node)
    if lanes is None:
        arriving = [layout.wires[w].lanes for w in (a, b)]
        good = [n for n in arriving if unit % n == 0 and work // n <= layout.interval]
        lanes = min(good) if good else layout.folding[node.name]["pe"]
    a, b = (
        layout.cast(
            f"{node.name}_{side}_cast",
            layout.with_lanes(f"{node.name}_{side}", wire, lanes, node.name),
            node.output,
            node.name,
        )
        for side, wire in (("a", a), ("b", b))
    )
    block = ConcatBlock(
        a=layout.wires[a],
        b=layout.wires[b],
        a_channels=layout.graph.tensors[node.a].channels,
        b_channels=layout.graph.tensors[node.b].channels,
    )
    return layout.place(node, block, a, b)
