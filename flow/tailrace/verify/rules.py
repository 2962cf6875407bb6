# SPDX-License-Identifier: Apache-2.0
"""What float32 may make of each operation: the table SOFTWARE, for E1 (:mod:`tailrace.verify.software`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tailrace.core.normalization import EPSILON_TOLERANCE
from tailrace.core.table import Table
from tailrace.graph import (
    Add,
    Affine,
    ArgMax,
    Bias,
    Concat,
    Dense,
    Depthwise,
    Graph,
    Map,
    Multiply,
    Node,
    Normalize,
    Operation,
    Pad,
    Permute,
    Pool,
    Product,
    Reshape,
    Shuffle,
    Slice,
    Softmax,
    Upsample,
    Window,
)

if TYPE_CHECKING:
    from tailrace.graph import Tensor

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Marks = NDArray[np.bool_]

UNIT = 2.0**-24
"""Half the distance from 1 to the next float32: the relative error of one rounding."""


class Bounds(Protocol):
    """What is known of the tensors in front of a node, (n, *shape) each, in steps of their scales."""

    @property
    def unit(self) -> float:
        """The relative error of a rounding of the software, :data:`UNIT`; with 0, what the graph rounds is left."""

    def error(self, name: str) -> Floats:
        """Bound how far the software's value of a tensor is off the exact one."""

    def magnitude(self, name: str) -> Floats:
        """Bound the size of what the software holds for a tensor."""

    def integers(self, name: str) -> Integers:
        """Return the integers of a tensor."""


Error = Callable[[Graph, Any, Floats, Bounds], Floats]
Spread = Callable[[Graph, Any, Marks], Marks]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareRule:
    """How the software's float32 differs from exact integers behind an operation.

    ``error(graph, node, own, bounds)`` bounds the float32 error of the output (n, *shape), in steps of its scale;
    ``own`` is the size of what the software holds for it. ``spread(graph, node, marked)`` says which outputs (n, size)
    come from marked inputs (n, size). ``is_quantizer``: its integers are small, so that the software has them exactly
    and they are compared; ``keeps(node)``: those of a quantizer are so still behind it, and may stand for it.
    ``is_choice``: the output is chosen, not computed, so that what is looked at where it differs is the rounding of its
    input. Any in the types: each function takes the type that it stands beside in the table.
    """

    error: Error
    spread: Spread
    is_quantizer: bool = False
    keeps: Callable[[Any], bool] = lambda _: False
    is_choice: bool = False


# --- errors: the standard bounds of recursive summation ---------------------------------------------------------


def one_rounding(_graph: Graph, _node: Node, own: Floats, bounds: Bounds) -> Floats:
    """Bound the error of integers that are made anew from whatever comes."""
    return 2 * bounds.unit * (own + 1)


def _of_dense(_graph: Graph, node: Dense, own: Floats, bounds: Bounds) -> Floats:
    cols = node.weights.shape[1]
    x = bounds.magnitude(node.input).reshape(-1, cols)
    w = np.abs(node.weights).T.astype(np.float64)
    inner = bounds.error(node.input).reshape(x.shape)
    return np.asarray((cols + 3) * bounds.unit * (x @ w) + inner @ w).reshape(own.shape)


def _of_depthwise(_graph: Graph, node: Depthwise, own: Floats, bounds: Bounds) -> Floats:
    taps = node.weights.shape[1]
    weights = np.abs(node.weights.T.astype(np.float64))
    x = bounds.magnitude(node.input).reshape(-1, *weights.shape)
    inner = bounds.error(node.input).reshape(x.shape)
    summed = ((taps + 3) * bounds.unit * x * weights + inner * weights).sum(axis=1)
    return np.asarray(summed).reshape(own.shape)


def _of_product(graph: Graph, node: Product, own: Floats, bounds: Bounds) -> Floats:
    _, cols = node.sizes([tensor.shape for tensor in _ins(graph, node)])
    a, b = bounds.magnitude(node.a), bounds.magnitude(node.b)
    error_a, error_b = bounds.error(node.a), bounds.error(node.b)
    summed = (cols + 3) * bounds.unit * node.sums(a, b)
    inner = node.sums(error_a, b) + node.sums(a + error_a, error_b)
    return np.asarray(summed + inner).reshape(own.shape)


def _of_affine(_graph: Graph, node: Affine, own: Floats, bounds: Bounds) -> Floats:
    inner = bounds.error(node.input).reshape(own.shape) * np.abs(node.factors)
    size = bounds.magnitude(node.input).reshape(own.shape) * np.abs(node.factors) + np.abs(node.bias)
    return np.asarray(inner + 4 * bounds.unit * size)


def _of_add(_graph: Graph, node: Add, _own: Floats, bounds: Bounds) -> Floats:
    a, b = bounds.error(node.a), bounds.error(node.b)
    size_a, size_b = bounds.magnitude(node.a), bounds.magnitude(node.b)
    fa, fb = abs(node.a_factor), abs(node.b_factor)
    return fa * a + fb * b + 2 * bounds.unit * (fa * size_a + fb * size_b)


def _of_multiply(_graph: Graph, node: Multiply, _own: Floats, bounds: Bounds) -> Floats:
    a, b = bounds.error(node.a), bounds.error(node.b)
    size_a, size_b = bounds.magnitude(node.a), bounds.magnitude(node.b)
    return a * size_b + b * size_a + a * b + 2 * bounds.unit * size_a * size_b


def one_more_rounding(_graph: Graph, node: Node, own: Floats, bounds: Bounds) -> Floats:
    """Bound the error where each number becomes another one by one float operation."""
    return bounds.error(node.inputs[0]).reshape(own.shape) + 2 * bounds.unit * own


def _of_softmax(graph: Graph, node: Softmax, own: Floats, bounds: Bounds) -> Floats:
    """Bound what becomes of the scores' error in the exponential, its own, the sum's and the quotient's.

    The graph's own share is half a step off the exact one, and what its table's entries are: half a unit each.
    """
    rows = (-1, graph.tensors[node.input].channels // node.groups)
    score = bounds.error(node.input).reshape(rows) + 4 * bounds.unit * bounds.magnitude(node.input).reshape(
        rows
    )
    exponent = node.largest_step * (score + score.max(axis=1, keepdims=True))
    share, channels = own.reshape(rows), rows[1]
    rounded = 0.5 + (2.0**node.bits + share * channels) / (2 * float(node.table[0]))
    relative = np.expm1(2 * exponent) + (channels + 20) * bounds.unit
    return np.asarray((share + rounded) * relative + rounded).reshape(own.shape)


def _of_pool(_graph: Graph, node: Pool, own: Floats, bounds: Bounds) -> Floats:
    shape = (len(own), -1, node.taps, own.shape[-1])
    inner = bounds.error(node.input).reshape(shape)
    if node.operation == "maximum":
        return np.asarray(inner.max(axis=2)).reshape(own.shape)
    x = bounds.magnitude(node.input).reshape(shape)
    summed = inner.sum(axis=2) + (node.taps + 3) * bounds.unit * x.sum(axis=2)
    return np.asarray(summed).reshape(own.shape)


def _of_normalize(_graph: Graph, node: Normalize, own: Floats, bounds: Bounds) -> Floats:
    """Bound the error of mean, difference, variance, root and quotient, and the rounding of the graph's own integers.

    The variance may be the mean of squared differences, or that of squares less the square of the mean: the bound is
    that of both, the second of which is the worse. Where the error may be half of the variance nothing is promised.
    """
    shape = (len(own), -1, node.groups, node.size)
    n, function = node.size, node.arithmetic
    off = bounds.error(node.input).reshape(shape)
    size = bounds.magnitude(node.input).reshape(shape) + off

    def mean(x: Floats) -> Floats:
        return np.asarray(x.mean(axis=-1, keepdims=True))

    value, _, below = function.terms(bounds.integers(node.input).reshape(shape).astype(object))
    spread = np.sqrt((below.astype(np.float64) + node.epsilon * 2.0**node.exponent) / n)
    inner = mean(2 * size * off) + (n + 4) * bounds.unit * mean(size**2)
    difference, distance = off, np.abs(value.astype(np.float64))
    if node.kind == "layer":
        spread, distance = spread / np.sqrt(n), distance / n
        center = mean(off) + (n + 1) * bounds.unit * mean(size)
        inner += (n + 4) * bounds.unit * mean(size) ** 2 + 2 * mean(size) * center + center**2
        difference = off + center + bounds.unit * (distance + off + center)
    relative = 2 * inner / spread**2 + 8 * bounds.unit
    exact = (distance * relative + difference * (1 + relative)) / spread
    exact = np.where(relative < 1 / 2, exact, np.inf)
    return np.asarray(1 / 2 + EPSILON_TOLERANCE + 2.0**node.fraction_bits * exact).reshape(own.shape)


def moved_errors(graph: Graph, node: Node, _own: Floats, bounds: Bounds) -> Floats:
    """Bound the error of numbers that are only moved."""
    return np.asarray(node.mover(_ins(graph, node))(*(bounds.error(name) for name in node.inputs)))


# --- which outputs come from marked inputs ----------------------------------------------------------------------


def in_place(_graph: Graph, _node: Node, marked: Marks) -> Marks:
    """Return the marks where they are: each output comes from the input at its place."""
    return marked


def all_channels(graph: Graph, node: Node, marked: Marks) -> Marks:
    """Mark what is made of a position where all its channels are marked."""
    channels, out = graph.tensors[node.inputs[0]].channels, graph.tensors[node.output].channels
    return np.repeat(marked.reshape(len(marked), -1, channels).all(axis=2), out, axis=1)


def _all_of_group(graph: Graph, node: Softmax, marked: Marks) -> Marks:
    """Mark what is made of a group where all of it is marked."""
    channels = graph.tensors[node.input].channels // node.groups
    return np.repeat(marked.reshape(len(marked), -1, channels).all(axis=2), channels, axis=1)


def _any_tap(graph: Graph, node: Pool, marked: Marks) -> Marks:
    taps = marked.reshape(len(marked), -1, node.taps, graph.tensors[node.output].channels)
    return np.asarray(taps.any(axis=2)).reshape(len(marked), -1)


def _of_groups(_graph: Graph, node: Normalize, marked: Marks) -> Marks:
    """Mark the groups all of whose channels are marked."""
    groups = marked.reshape(len(marked), -1, node.size)
    return np.repeat(groups.all(axis=2), node.size, axis=1)


def moved_marks(graph: Graph, node: Node, marked: Marks) -> Marks:
    """Move the marks as the numbers are moved; padding has none."""
    (tensor,) = _ins(graph, node)
    values = marked.reshape(len(marked), *tensor.shape).astype(np.float64)
    return np.asarray(node.mover([tensor])(values) > 0).reshape(len(marked), -1)


def nothing(graph: Graph, node: Node, marked: Marks) -> Marks:
    """Mark nothing: behind a node that reads several tensors it is not known whose rounding it was."""
    return np.zeros((len(marked), graph.tensors[node.output].size), bool)


def _ins(graph: Graph, node: Node) -> list[Tensor]:
    return [graph.tensors[name] for name in node.inputs]


MOVED = SoftwareRule(error=moved_errors, spread=moved_marks, keeps=lambda _: True)
"""Of an operation that moves what one tensor holds."""

SOFTWARE: Table[type[Operation], SoftwareRule] = Table(
    "SOFTWARE",
    __name__,
    {
        Dense: SoftwareRule(error=_of_dense, spread=all_channels),
        Depthwise: SoftwareRule(error=_of_depthwise, spread=all_channels),
        Product: SoftwareRule(error=_of_product, spread=nothing),
        Map: SoftwareRule(error=one_rounding, spread=in_place, is_quantizer=True),
        Bias: SoftwareRule(error=one_more_rounding, spread=in_place),
        Affine: SoftwareRule(error=_of_affine, spread=in_place),
        Add: SoftwareRule(error=_of_add, spread=nothing),
        Multiply: SoftwareRule(error=_of_multiply, spread=nothing),
        ArgMax: SoftwareRule(error=one_rounding, spread=all_channels, is_choice=True),
        Softmax: SoftwareRule(error=_of_softmax, spread=_all_of_group),
        # a pool of the largest may stand for the quantizer in front of it
        Pool: SoftwareRule(error=_of_pool, spread=_any_tap, keeps=lambda node: node.operation == "maximum"),
        Normalize: SoftwareRule(error=_of_normalize, spread=_of_groups),
        Window: MOVED,
        Pad: MOVED,
        Upsample: MOVED,
        Shuffle: MOVED,
        Slice: MOVED,
        Permute: MOVED,
        # what joins or repeats may stand for the quantizers in front of it
        Concat: SoftwareRule(error=moved_errors, spread=nothing, keeps=lambda _: True),
        Reshape: SoftwareRule(error=one_more_rounding, spread=in_place, keeps=lambda _: True),
    },
)
"""What float32 may make of each operation."""
