# SPDX-License-Identifier: Apache-2.0
"""Find normalizations that are written out, as exporters of ONNX before version 17 write them.

The mean, the difference, its square (Pow or Mul), the mean of that, epsilon, the root and the quotient, in this form::

    ReduceMean  Sub  Pow  ReduceMean  Add  Sqrt  Div          layer
                     Pow  ReduceMean  Add  Sqrt  Div          root mean square

In place of Div may stand Reciprocal (or 1 over it) and Mul. Scale and bias stand behind it as they always do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.frontend.attributes import Attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

    from tailrace.core.normalization import Kind
    from tailrace.frontend.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normalized:
    """A normalization of the tensor ``source`` along its axes from ``axis`` on, as a network computes it."""

    source: str
    kind: Kind
    axis: int
    epsilon: float
    by_group: bool = False
    """Whether scale and bias, which stand behind it, are those of a group rather than of its elements."""
    inner: frozenset[str] = frozenset()
    """The nodes in front of the last one that do nothing else."""


def written_out(network: Network) -> Mapping[str, Normalized]:
    """Return {last node: normalization} for those that a network writes out."""
    found = {}
    for node in network.nodes:
        form = _form(network, node) if node.op_type in ("Div", "Mul") else None
        if form is not None:
            found[node.name] = form
    return found


def _form(network: Network, node: NodeProto) -> Normalized | None:
    """Return the normalization that ``node`` ends, or None."""
    makers = network.makers
    if node.op_type == "Div":
        top, below, inner = node.input[0], makers.get(node.input[1]), [node]
    else:
        inverse = [n for name in node.input if (n := makers.get(name)) is not None and _divisor(network, n)]
        if len(inverse) != 1:
            return None
        top = next((name for name in node.input if name != inverse[0].output[0]), "")
        below, inner = makers.get(_divisor(network, inverse[0])), [node, inverse[0]]
    if below is None or below.op_type != "Sqrt" or top in network.constants:
        return None
    added = makers.get(below.input[0])
    constant = _beside_constant(network, added, "Add")
    if added is None or constant is None or constant[1].size != 1:
        return None
    mean = makers.get(constant[0])
    axis = _mean_axis(network, mean)
    square = makers.get(mean.input[0]) if mean is not None and axis is not None else None
    if mean is None or axis is None or square is None or _squared(network, square) != top:
        return None
    inner += [below, added, mean, square]
    epsilon = float(constant[1].reshape(()))
    difference = makers.get(top)
    source, kind = top, "rms"
    centered = _centered(network, difference, axis)
    if centered is not None and difference is not None:
        source, kind = centered.input[0], "layer"
        inner += [difference, centered]
    alone = _alone(network, inner)
    return Normalized(
        source=source, kind="layer" if kind == "layer" else "rms", axis=axis, epsilon=epsilon, inner=alone
    )


def _divisor(network: Network, node: NodeProto) -> str:
    """Return the tensor over which a node is 1; "" for any other node."""
    if node.op_type == "Reciprocal":
        return str(node.input[0])
    one = network.constants.get(node.input[0]) if node.op_type == "Div" else None
    return str(node.input[1]) if one is not None and one.size == 1 and float(one.reshape(())) == 1 else ""


def _beside_constant(network: Network, node: NodeProto | None, operation: str) -> tuple[str, Array] | None:
    """Return the operand and the constant of an operation on one of each."""
    if node is None or node.op_type != operation or len(node.input) != 2:
        return None
    constants = [name for name in node.input if name in network.constants]
    if len(constants) != 1:
        return None
    other = next(name for name in node.input if name not in network.constants)
    return other, np.asarray(network.constants[constants[0]])


def _mean_axis(network: Network, node: NodeProto | None) -> int | None:
    """Return the first of the last axes over which a node takes the mean and which it keeps; None for any other."""
    if node is None or node.op_type != "ReduceMean" or not Attributes(node).flag("keepdims", default=True):
        return None
    rank = len(network.shapes.get(node.input[0], ()))
    given = Attributes(node).integers("axes", [])
    if len(node.input) > 1 and node.input[1]:
        if node.input[1] not in network.constants:
            return None
        given = np.asarray(network.constants[node.input[1]]).reshape(-1).tolist()
    axes = sorted(axis % rank for axis in given) if rank else []
    return axes[0] if axes and axes == list(range(axes[0], rank)) else None


def _squared(network: Network, node: NodeProto) -> str | None:
    """Return the tensor whose square a node is."""
    if node.op_type == "Mul" and node.input[0] == node.input[1]:
        return str(node.input[0])
    if node.op_type != "Pow" or node.input[1] not in network.constants:
        return None
    power = np.asarray(network.constants[node.input[1]])
    return str(node.input[0]) if power.size == 1 and float(power.reshape(())) == 2 else None


def _centered(network: Network, node: NodeProto | None, axis: int) -> NodeProto | None:
    """Return the node that takes the mean which ``node`` takes off, or None where it does something else."""
    if node is None or node.op_type != "Sub":
        return None
    mean = network.makers.get(node.input[1])
    if mean is None or _mean_axis(network, mean) != axis or mean.input[0] != node.input[0]:
        return None
    return mean


def _alone(network: Network, nodes: list[NodeProto]) -> frozenset[str]:
    """Return the nodes, but for the first, of whose results nothing outside of ``nodes`` is made."""
    alone, ends = {nodes[0].name}, set(network.outputs)
    for node in nodes[1:]:  # from the last one back
        readers = network.readers.get(node.output[0], ())
        if node.output[0] not in ends and all(reader.name in alone for reader in readers):
            alone.add(node.name)
    return frozenset(alone - {nodes[0].name})
