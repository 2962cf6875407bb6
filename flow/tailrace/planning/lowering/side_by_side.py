# SPDX-License-Identifier: Apache-2.0
"""Matrix products of the spatial engine, with what is behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.planning.spatial import cut_circuit, searched, spatial_block

if TYPE_CHECKING:
    from tailrace.graph import Node
    from tailrace.planning.layout import Layout


READY_AT_MOST = 6
"""Spatial layers in a row without a register in the way of ``tready``."""


def place_side_by_side(layout: Layout, node: Node) -> None:
    """Place a matrix product of the spatial engine, with the nodes that its circuit computes, too."""
    tensor = layout.graph.tensors[node.inputs[0]]
    nodes, found = searched(layout.spatial[node.name], tensor, layout.part.estimator)
    block = spatial_block(layout.graph, nodes, cut_circuit(found, layout.part, layout.most_ns), layout.part)
    wire = layout.with_lanes(node.name, layout.take(node.inputs[0]), block.cols, node.name)
    if len(layout.instances) >= READY_AT_MOST and all(
        instance.engine == "spatial" for instance in layout.instances[-READY_AT_MOST:]
    ):
        wire = layout.skid(f"{node.name}_skid", wire, node.name)
    layout.absorbed |= {each.name for each in nodes[1:]}
    last = nodes[-1].output
    layout.offer(last, layout.instance(node.name, block, node.name, (wire,), last))
