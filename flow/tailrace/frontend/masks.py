# SPDX-License-Identifier: Apache-2.0
"""Constant masks in front of a softmax: what is added to scores, or put in their place, so that they get no share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

if TYPE_CHECKING:
    from tailrace.frontend.network import Network

Array = NDArray[Any]

NO_SHARE = -104.0
"""An exponential of this or less is 0 in float32, whose least number is 2^-149."""


def without_masks(network: Network) -> Network:
    """Return the network whose softmaxes read their scores as they are without a mask; ``masks`` has these.

    A mask adds 0 or a large negative number, the same in every sample, or puts a constant in the place of scores.
    """
    nodes, masks = [], {}
    for node in network.nodes:
        found = _mask(network, node) if node.op_type == "Softmax" and not node.domain else None
        if found is None:
            nodes.append(node)
            continue
        scores, masks[node.name] = found
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[0] = scores
        nodes.append(copy)
    if not masks:
        return network
    read = {name for node in nodes for name in node.input} | {*network.outputs}
    kept = [node for node in nodes if read.intersection(node.output)]
    return replace(network, nodes=tuple(kept), masks=masks)


def _mask(network: Network, node: NodeProto) -> tuple[str, Array] | None:
    """Return the scores in front of a softmax's mask, and what it adds, of the scores' shape; None without one."""
    maker = network.makers.get(node.input[0])
    if maker is None or maker.domain or maker.op_type not in ("Add", "Where"):
        return None
    moving = [name for name in maker.input if name not in network.constants]
    if len(moving) != 1 or network.shapes.get(moving[0]) != network.shapes.get(maker.output[0]):
        return None
    shape = network.shapes[moving[0]]
    known = [np.asarray(network.constants[name]) for name in maker.input if name in network.constants]
    if maker.op_type == "Add":
        added = np.broadcast_to(known[0].astype(np.float64), shape)
    else:
        taken, place = known[0].astype(bool), list(maker.input).index(moving[0])
        closed = ~taken if place == 1 else taken
        added = np.broadcast_to(np.where(closed, known[-1].astype(np.float64), 0.0), shape)
        if (np.broadcast_to(closed, shape) != (added != 0)).any():
            return None  # a 0 in the place of a score is a score
    if not (added != 0).any() or np.isnan(added).any() or (added[added != 0] > NO_SHARE).any():
        return None
    return moving[0], added
