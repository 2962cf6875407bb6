# SPDX-License-Identifier: Apache-2.0
"""Windows of an image: one tap after the other, or whole."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from tailrace.blocks.window import Window as WindowBlock
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.planning.rules import divisors

if TYPE_CHECKING:
    from tailrace.graph import Window
    from tailrace.planning.layout import Layout


def place_window(layout: Layout, node: Window, wire: str) -> str:
    """Place a window whose words are as wide as what reads them wants."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    height, width, channels = tensor.shape
    readers = layout.readers(node.output)
    simd = layout.folding[readers[0].name].get("simd") if len(readers) == 1 else None
    lanes = layout.working_lanes(node, wire)
    explicit = layout.explicit(node)
    if explicit is None and readers:
        wanted = simd if simd is not None else layout.folding[readers[0].name]["pe"]
        lanes = wanted if channels % wanted == 0 else gcd(channels, wanted)
    if explicit is None and out.size // lanes > layout.interval:
        fast = [n for n in divisors(channels) if max(out.size, tensor.size) // n <= layout.interval]
        lanes = fast[0] if fast else channels
    # One tap after the other, as long as that is fast enough; else whole windows.
    whole = explicit is None and out.size // lanes > layout.interval
    whole = whole or (explicit is not None and layout.folding[node.name]["simd"] > 1)
    wire = layout.with_lanes(node.name, wire, lanes, node.name)
    kind = WindowParallel if whole else WindowBlock
    block = kind(
        stream=layout.wires[wire],
        height=height,
        width=width,
        channels=channels,
        kernel=node.kernel,
        stride=node.stride,
        dilation=node.dilation,
    )
    return layout.place(node, block, wire)
