# SPDX-License-Identifier: Apache-2.0
"""A Concat with constants, such as the class token of a vision transformer: they become functions of their neighbour.

Hardware has no stream without a source. So a constant part is made of as many places of a part that depends on the
input, each of them mapped to the constant whatever it is. The Concat as it is in the file stays what the network's
software runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tailrace.frontend.rewriting import Written

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.rewriting import Ledger


def with_sources(ledger: Ledger, node: NodeProto) -> list[NodeProto]:
    """Return the nodes that stand for one: itself, where it joins no constant with anything else."""
    if node.op_type != "Concat" or node.domain:
        return [node]
    moving = [name for name in node.input if name not in ledger.constants]
    if not moving or len(moving) == len(node.input) or any(name not in ledger.shapes for name in moving):
        return [node]
    written = Written(ledger, node)
    shape = ledger.shapes[moving[0]]
    axis = written.attributes.integer("axis", 0) % max(len(shape), 1)
    inputs = []
    for index, name in enumerate(node.input):
        if name in moving:
            inputs.append(name)
            continue
        value = ledger.constants[name]
        if value.ndim != len(shape) or any(
            value.shape[i] != shape[i] for i in range(len(shape)) if i != axis
        ):
            return [node]
        if value.dtype.kind != "f" or not value.size or not shape[axis]:
            return [node]
        places = written.constant(f"places{index}", np.zeros(value.shape[axis], np.int64))
        near = written.add("Gather", [moving[0], places], f"near{index}", axis=axis)
        nothing = written.add(
            "Mul", [near, written.constant(f"zero{index}", np.zeros((), value.dtype))], f"none{index}"
        )
        inputs.append(_quantized(written, written.add("Add", [nothing, name], f"part{index}"), name, index))
    written.add("Concat", inputs, "", axis=axis)
    ledger.wholes.append(node)
    return written.nodes


def _quantized(written: Written, part: str, name: str, index: int) -> str:
    """Return the part behind the quantizer that the constant went through, if it did."""
    grid = written.ledger.grids.get(name)
    if grid is None or grid.scale.size != 1:
        return part
    low, high = int(grid.integers.min()), int(grid.integers.max())
    return written.held(part, low, high, float(grid.scale.reshape(())), f"held{index}")
