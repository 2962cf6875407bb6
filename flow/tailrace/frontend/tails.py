# SPDX-License-Identifier: Apache-2.0
"""Probe a tail: the function from integers to integers that float operations and a quantizer make.

The float operations are run as they are, by ONNX Runtime and qonnx, on the integers that can really occur: on all of
them where they are few, by bisection between the changes of the value where the function is monotone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.order import Order, placed, unplaced
from tailrace.core.steps import Steps, from_rows
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.operations import LAYOUT, MONOTONE_UNARY
from tailrace.frontend.programs import cut, depends_on_position
from tailrace.frontend.signals import batch_shape, floats, numbered

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.network import Network
    from tailrace.frontend.signals import Signal
    from tailrace.graph import Tensor

Array = NDArray[Any]
Integers = NDArray[np.int64]
Finish = Callable[[Array], Array]

log = logging.getLogger(__name__)

ENUMERATED = 1 << 22
"""Up to this many points a monotone tail is evaluated everywhere rather than bisected."""

ENUMERATED_AT_MOST = 1 << 27
"""Up to this many points a tail that may not be monotone is evaluated everywhere."""

LEVELS_AT_MOST = 1 << 24
"""Channels times output levels that a bisected tail may have."""

CHUNK = 1 << 20
"""Points evaluated at a time."""


def float_function(network: Network, signal: Signal) -> Callable[[Integers], Array]:
    """Return the function from (points, size) source integers to (points, *batch shape) float values of ``signal``."""
    source = signal.source
    scale, offset = floats(source.scale), floats(source.offset)
    program: Callable[[Array], Array] | None = None
    if signal.nodes:
        program = (network.software.function if network.software else cut)(
            network, signal.nodes, source.name, signal.name
        )
    dtype = network.dtypes[source.name] if source.name in network.dtypes else np.dtype(np.float32)

    def run(q: Integers) -> Array:
        values = unplaced(q, source.order) * scale + offset
        values = values.astype(dtype).reshape(len(q), *batch_shape(source.shape))
        return program(values) if program else values

    return run


def _by_position(network: Network, nodes: Sequence[NodeProto]) -> bool:
    """Say whether the last bit of a tail depends on where an element stands."""
    asked = network.software.depends_on_position if network.software else depends_on_position
    return asked(network, nodes)


def probe(
    network: Network, signal: Signal, finish: Finish, *, uniform_finish: bool, by_channel: bool
) -> Steps:
    """Return the canonical form of ``finish(signal)`` as a function of the source's integers.

    ``finish`` maps (points, *shape) floats to integers of the same shape, element by element;
    ``uniform_finish`` says that it treats all elements alike, ``by_channel`` that the whole tail treats all positions
    alike. The result has one row, or one per channel of the source tensor, or, where its positions differ, one per
    element. Raises ModelError where the range is too wide to be probed.
    """
    tensor = signal.source.tensor
    if tensor is None:
        raise ValueError("the input has no integers yet")
    run = float_function(network, signal)
    size = tensor.size
    if uniform_finish and _is_uniform(network, signal):
        columns = 1
    elif by_channel and not _by_position(network, signal.nodes):
        columns = tensor.channels
    else:
        columns = size
    low, high = (
        np.broadcast_to(e, (tensor.vectors, tensor.channels)).reshape(-1)[:columns]
        for e in (tensor.low, tensor.high)
    )
    if columns == 1:
        low, high = np.array([tensor.low.min()]), np.array([tensor.high.max()])

    def evaluate(points: Integers) -> Integers:
        """(points, columns) integers -> integers; several points in one sample where there are fewer columns."""
        rows = max(columns, CHUNK) // columns
        return np.concatenate([_evaluate(points[i : i + rows]) for i in range(0, len(points), rows)])

    def _evaluate(points: Integers) -> Integers:
        samples = -(-points.size // size)
        whole = np.resize(points, (samples, size))
        found = placed(finish(run(whole)).reshape(samples, size).astype(np.int64), signal.order)
        return found.reshape(-1)[: points.size].reshape(points.shape)

    steps = _canonical(evaluate, low, high, monotone=is_monotone(network, signal), where=signal.name)
    return _per_channel(steps, tensor)


def _canonical(
    evaluate: Callable[[Integers], Integers], low: Integers, high: Integers, *, monotone: bool, where: str
) -> Steps:
    points = int((high - low).max()) + 1
    if points * len(low) <= (ENUMERATED if monotone else ENUMERATED_AT_MOST):
        return _enumerate(evaluate, low, high)
    if not monotone:
        raise ModelError(
            f"the function in front of the quantizer is not monotone, and its input has {points} values",
            where=where,
            hint="quantize the accumulator to fewer bits before it, or use a monotone activation",
        )
    steps = _bisect(evaluate, low, high, where)
    rng = np.random.default_rng(0)
    check = rng.integers(low, high, (max(4, 4096 // len(low)), len(low)), endpoint=True)
    if not np.array_equal(steps(check), evaluate(check)):
        if points * len(low) <= ENUMERATED_AT_MOST:
            return _enumerate(evaluate, low, high)
        raise ModelError(
            "the float function in front of the quantizer should be monotone, but its rounding is not",
            where=where,
            hint="quantize the accumulator to fewer bits before it",
        )
    return steps


def _enumerate(evaluate: Callable[[Integers], Integers], low: Integers, high: Integers) -> Steps:
    points = int((high - low).max()) + 1
    rows = max(1, ENUMERATED // len(low))
    last = evaluate(low[None])
    breaks: list[list[Integers]] = [[] for _ in low]
    values: list[list[Integers]] = [[last[0, c : c + 1]] for c in range(len(low))]
    for start in range(1, points, rows):
        x = np.minimum(low + np.arange(start, min(start + rows, points), dtype=np.int64)[:, None], high)
        y = evaluate(x)
        changes = np.diff(y, axis=0, prepend=last) != 0
        for c in np.flatnonzero(changes.any(axis=0)):
            breaks[c].append(x[changes[:, c], c])
            values[c].append(y[changes[:, c], c])
        last = y[-1:]
    none = np.zeros(0, np.int64)
    return from_rows(
        [(np.concatenate([none, *b]), np.concatenate(v)) for b, v in zip(breaks, values, strict=True)]
    )


def _bisect(evaluate: Callable[[Integers], Integers], low: Integers, high: Integers, where: str) -> Steps:
    """Find, for every channel and every level between the values at both ends, where it is first reached."""
    first, last = evaluate(low[None])[0], evaluate(high[None])[0]
    sign = np.where(last >= first, 1, -1)
    count = np.abs(last - first)
    levels = int(count.max())
    if levels * len(low) > LEVELS_AT_MOST:
        raise ModelError(
            f"the quantizer has {levels} levels for each of {len(low)} channels",
            where=where,
            hint="quantize to fewer bits (16 are plenty)",
        )
    target = np.minimum(
        np.arange(1, levels + 1)[:, None], count
    )  # (levels, channels), a channel's last one repeated
    below = np.broadcast_to(low, (levels, len(low))).copy()
    reached = np.broadcast_to(high, (levels, len(low))).copy()
    while levels and int((reached - below).max()) > 1:
        middle = (below + reached) // 2
        hit = (evaluate(middle) - first) * sign >= target
        reached = np.where(hit, middle, reached)
        below = np.where(hit, below, middle)
    rows = []
    for c in range(len(low)):
        breaks = np.unique(reached[: int(count[c]), c])
        rows.append(breaks)
    width = max((len(b) for b in rows), default=0)
    grid = np.stack(
        [np.concatenate([b, np.full(width - len(b), high[c])]) for c, b in enumerate(rows)], axis=1
    )
    values = evaluate(grid) if width else np.zeros((0, len(low)), np.int64)
    return from_rows(
        [(b, np.concatenate([first[c : c + 1], values[: len(b), c]])) for c, b in enumerate(rows)]
    )


def _per_channel(steps: Steps, tensor: Tensor) -> Steps:
    """Merge the rows of all positions of a channel where they agree."""
    if steps.rows in (1, tensor.channels):
        return steps
    breaks = steps.breaks.reshape(tensor.vectors, tensor.channels, -1)
    values = steps.values.reshape(tensor.vectors, tensor.channels, -1)
    if not ((breaks == breaks[0]).all() and (values == values[0]).all()):
        return steps
    return from_rows([(breaks[0, c], values[0, c]) for c in range(tensor.channels)])


def _is_uniform(network: Network, signal: Signal) -> bool:
    """Say whether all elements go through the same function."""
    source = signal.source
    if source.scale.size > 1 or source.offset.size > 1 or depends_on_position(network, signal.nodes):
        return False
    for node in signal.nodes:
        if node.op_type in LAYOUT:
            continue
        for name in node.input:
            if name in network.constants and len(np.unique(network.constants[name])) > 1:
                if node.op_type == "Clip":  # minimum and maximum are scalars each
                    continue
                return False
    return True


def is_by_channel(
    network: Network, signal: Signal, nodes: Sequence[NodeProto], orders: Mapping[str, Order]
) -> bool:
    """Say whether ``nodes`` treat all positions of a channel of the source's integers alike.

    ``orders`` are those of the tensors that the nodes write; the order of the last one is that of ``signal``.
    """
    source = signal.source
    tensor = source.tensor
    if tensor is None or tensor.vectors == 1:
        return True

    def differs(values: Array, order: Order) -> bool:
        """Say whether the positions of a channel have different values in a tensor of ``order``."""
        if values.size == 1:
            return False
        table = placed(values.reshape(1, -1), order).reshape(-1, tensor.channels)
        return bool((table != table[:1]).any())

    if any(differs(numbered(values), source.order) for values in (source.scale, source.offset)):
        return False
    for node in nodes:
        if node.op_type in LAYOUT:
            continue
        shape = network.shapes[node.output[0]]
        order = orders.get(node.output[0], signal.order)
        for index, name in enumerate(node.input):
            if name not in network.constants or network.constants[name].size == 1:
                continue
            value = network.constants[name]
            if node.op_type in ("BatchNormalization", "MultiThreshold", "QuantizeLinear", "DequantizeLinear"):
                if value.ndim > 1 and node.op_type != "MultiThreshold":
                    return False
                axis = _channel_axis(node, len(shape))
                along = np.arange(shape[axis]) if node.op_type == "MultiThreshold" else value
                if len(along) != shape[axis]:
                    return False
                value = along.reshape([-1 if i == axis else 1 for i in range(len(shape))])
                if len(network.constants[name]) == 1 and index == 1:  # thresholds for all channels
                    continue
            if differs(np.broadcast_to(value, shape), order):
                return False
    return True


def _channel_axis(node: NodeProto, rank: int) -> int:
    attributes = Attributes(node)
    if node.op_type == "MultiThreshold":
        layout = attributes.text("data_layout", "")
        return layout.index("C") if "C" in layout and len(layout) == rank else min(1, rank - 1)
    return attributes.integer("axis", 1) % rank


def is_monotone(network: Network, signal: Signal) -> bool:
    """Say whether every operation is monotone in its one operand that is not a constant."""
    return all(_node_is_monotone(network, node) for node in signal.nodes)


def _node_is_monotone(network: Network, node: NodeProto) -> bool:
    if node.op_type in LAYOUT:
        return True
    dynamic = [name for name in node.input if name and name not in network.constants]
    if len(dynamic) != 1:
        return False
    match node.op_type:
        case "Div":
            return node.input[0] in dynamic
        case "LeakyRelu" | "Elu" | "Celu" | "Selu":
            return Attributes(node).number("alpha", 0.01) >= 0
        case "PRelu":
            return bool((network.constants[node.input[1]] >= 0).all())
        case operation:
            return operation in MONOTONE_UNARY
