# SPDX-License-Identifier: Apache-2.0
"""The integer graph: *what* a network computes, in integers only.

Nodes are frozen and flat; tensors carry shape, type and the exact reachable range of every channel. Floats exist
only in :class:`tailrace.graph.host.Host`, where numbers enter and leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.steps import Steps, tabulate
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tailrace.graph.host import Host

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

MAX_BITS = 62
"""Wider integers would not fit the 64-bit golden model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """An integer tensor of one sample: ``shape`` is (positions..., channels), channels last.

    ``low`` and ``high`` are (channels,) int64: the exact reachable range of every channel.
    ``origin`` is the name of the network's tensor that carries the same information, or "".
    """

    name: str
    shape: tuple[int, ...]
    low: Integers
    high: Integers
    origin: str = ""

    def __post_init__(self) -> None:
        if self.low.shape != (self.shape[-1],) or self.high.shape != (self.shape[-1],):
            raise ValueError(f"{self.name}: ranges {self.low.shape} do not fit the shape {self.shape}")
        if self.type.bits > MAX_BITS:
            raise ModelError(
                f"values from {self.low.min()} to {self.high.max()} need {self.type.bits} bits",
                where=self.origin or self.name,
                hint=f"quantize earlier: at most {MAX_BITS} bits are possible",
            )

    @property
    def type(self) -> IntType:
        """The smallest type that holds the whole range."""
        return IntType.containing(int(self.low.min()), int(self.high.max()))

    @property
    def channels(self) -> int:
        """The size of the last axis."""
        return self.shape[-1]

    @property
    def vectors(self) -> int:
        """The number of positions, each a vector of ``channels``."""
        return int(np.prod(self.shape[:-1], dtype=np.int64))

    @property
    def size(self) -> int:
        """The number of integers of one sample."""
        return self.vectors * self.channels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dense:
    """``y = weights @ x + bias`` at every position; ``weights`` is (rows, cols), ``bias`` (rows,)."""

    name: str
    input: str
    output: str
    weights: Integers
    bias: Integers

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Map:
    """``y = steps(x)``, channel by channel: the tail between an accumulator and the next quantizer."""

    name: str
    input: str
    output: str
    steps: Steps

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Add:
    """``y = a_factor * a + b_factor * b``, element by element."""

    name: str
    a: str
    b: str
    output: str
    a_factor: int = 1
    b_factor: int = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.a, self.b)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multiply:
    """``y = a * b``, element by element."""

    name: str
    a: str
    b: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.a, self.b)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bias:
    """``y = x + values``, one integer per channel."""

    name: str
    input: str
    output: str
    values: Integers

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArgMax:
    """The index of the largest (or ``smallest``) channel at every position; the first of equals."""

    name: str
    input: str
    output: str
    smallest: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reshape:
    """The same integers in the same order under another shape; costs nothing in hardware."""

    name: str
    input: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Permute:
    """``y = x[order]`` on the flattened sample; ``order`` is (size,), each place once."""

    name: str
    input: str
    output: str
    order: Integers

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pad:
    """Rows and columns of ``value`` around an image (height, width, channels)."""

    name: str
    input: str
    output: str
    top: int
    bottom: int
    left: int
    right: int
    value: int = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """The windows of a ``kernel`` (rows, columns) on an image: (height, width, taps * channels), taps row by row."""

    name: str
    input: str
    output: str
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """The largest, or the sum, of ``taps`` pixels, channel by channel: (..., taps * channels) -> (..., channels)."""

    name: str
    input: str
    output: str
    operation: Literal["maximum", "sum"]
    taps: int

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Depthwise:
    """``y[c] = sum over t of weights[c, t] * x[t, c] + bias[c]``: (..., taps * channels) -> (..., channels)."""

    name: str
    input: str
    output: str
    weights: Integers
    bias: Integers

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Upsample:
    """Every row of an image ``factor[0]`` times, every pixel of it ``factor[1]`` times."""

    name: str
    input: str
    output: str
    factor: tuple[int, int]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shuffle:
    """Channels to pixels (``dcr``, ``crd``) or pixels to channels, as ONNX DepthToSpace and SpaceToDepth do."""

    name: str
    input: str
    output: str
    block: int
    mode: Literal["dcr", "crd", "space_to_depth"]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concat:
    """At every position the channels of ``a``, then those of ``b``."""

    name: str
    a: str
    b: str
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.a, self.b)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """At every position the channels ``start`` to ``stop - 1``."""

    name: str
    input: str
    output: str
    start: int
    stop: int

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors read."""
        return (self.input,)


Node = (
    Dense
    | Map
    | Add
    | Multiply
    | Bias
    | ArgMax
    | Reshape
    | Permute
    | Pad
    | Window
    | Pool
    | Depthwise
    | Upsample
    | Shuffle
    | Concat
    | Slice
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """An integer network: nodes in topological order, tensors by name, and the host's side of both ends."""

    name: str
    sha256: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    input: str
    output: str
    host: Host
    notices: tuple[str, ...] = field(default=())
    reference: Any = field(default=None, repr=False)
    """What runs the network's own software (a front end's), for comparison; not part of the graph's JSON."""

    def __post_init__(self) -> None:
        check(self)

    @cached_property
    def program(self) -> tuple[tuple[Node, Callable[..., Integers]], ...]:
        """The nodes with their prepared evaluators."""
        return tuple((node, _evaluator(self, node)) for node in self.nodes)

    def trace_int(self, q: Integers) -> dict[str, Integers]:
        """Evaluate every tensor for (n, *input shape) integers; returns {tensor: (n, *shape)}."""
        tensor = self.tensors[self.input]
        values = {self.input: np.asarray(q, np.int64).reshape(len(q), *tensor.shape)}
        for node, evaluate in self.program:
            values[node.output] = evaluate(*(values[name] for name in node.inputs))
        return values

    def walk_int(self, q: Integers) -> Iterator[tuple[str, Integers]]:
        """Evaluate tensor after tensor as :meth:`trace_int` does, and keep each no longer than others need it."""
        last_use = {name: index for index, node in enumerate(self.nodes) for name in node.inputs}
        values = {self.input: np.asarray(q, np.int64).reshape(-1, *self.tensors[self.input].shape)}
        yield self.input, values[self.input]
        for index, (node, evaluate) in enumerate(self.program):
            result = evaluate(*(values[name] for name in node.inputs))
            for name in node.inputs:
                if last_use[name] == index:
                    values.pop(name, None)
            if node.output in last_use:
                values[node.output] = result
            yield node.output, result

    def predict_int(self, q: Integers) -> Integers:
        """Return the output integers (n, *output shape) for input integers (n, *input shape), as on the wires."""
        tensor = self.tensors[self.input]
        q = np.asarray(q)
        if q.ndim == 0 or (len(q) and q[0].size != tensor.size):
            raise ModelError(
                f"got an array of shape {q.shape}, wanted (n, {', '.join(map(str, tensor.shape))})",
                where=self.input,
            )
        if not np.issubdtype(q.dtype, np.integer):
            raise ModelError(
                f"got {q.dtype} values, wanted integers", where=self.input, hint="predict takes floats"
            )
        if len(q) and (int(q.min()) < tensor.type.min or int(q.max()) > tensor.type.max):
            raise ModelError(
                f"values from {q.min()} to {q.max()} do not fit {tensor.type}",
                where=self.input,
                hint="graph.host.encode(x) makes the integers that the hardware takes",
            )
        chunks = []
        count = max(1, min(CHUNK, CHUNK_INTEGERS // max(t.size for t in self.tensors.values())))
        for start in range(0, max(len(q), 1), count):
            for name, values in self.walk_int(q[start : start + count]):
                if name == self.output:
                    chunks.append(values)
        return np.concatenate(chunks)

    def predict(self, x: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return what the network returns for inputs as the network has them, batch first: (n, *input shape)."""
        return self.host.decode(self.predict_int(self.host.encode(x)))

    def trace(self, x: NDArray[np.generic]) -> dict[str, Integers]:
        """Evaluate every tensor for network inputs, batch first; returns {tensor: (n, *shape) integers}."""
        return self.trace_int(self.host.encode(x))

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read ``tensor``."""
        return self._consumers.get(tensor, ())

    def producer(self, tensor: str) -> Node | None:
        """Return the node that writes ``tensor``; None for the input."""
        return self._producers.get(tensor)

    @cached_property
    def _producers(self) -> Mapping[str, Node]:
        """The node that writes each tensor; a search through all nodes would make every pass quadratic."""
        return {node.output: node for node in self.nodes}

    @cached_property
    def _consumers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each tensor, each once, in their order."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}


CHUNK = 1024
"""Samples evaluated at a time, so that the intermediate tensors stay in the cache."""

CHUNK_INTEGERS = 1 << 23
"""Integers of a tensor evaluated at a time: windows of images are large."""


def check(graph: Graph) -> None:
    """Raise ValueError unless the graph is in order: tensors known and written once, shapes and ranges consistent."""
    known = {graph.input}
    for node in graph.nodes:
        missing = [name for name in node.inputs if name not in known]
        if missing:
            raise ValueError(f"{node.name} reads {missing} before it is written")
        if node.output in known:
            raise ValueError(f"{node.output} is written twice")
        known.add(node.output)
        _check_node(graph, node)
    if graph.output not in known:
        raise ValueError(f"the output {graph.output} is never written")
    names = [node.name for node in graph.nodes]
    if len(set(names)) != len(names):
        raise ValueError("node names are not unique")


def _check_node(graph: Graph, node: Node) -> None:
    out = graph.tensors[node.output]
    ins = [graph.tensors[name] for name in node.inputs]
    match node:
        case Dense():
            rows, cols = node.weights.shape
            good = ins[0].channels == cols and out.channels == rows and ins[0].vectors == out.vectors
        case Map() | Bias():
            good = ins[0].shape == out.shape
        case Add() | Multiply():
            good = ins[0].shape == ins[1].shape == out.shape
        case ArgMax():
            good = out.channels == 1 and out.vectors == ins[0].vectors
        case Reshape():
            good = ins[0].size == out.size
        case Permute():
            order = np.sort(node.order)
            good = ins[0].size == out.size and np.array_equal(order, np.arange(out.size))
        case Slice():
            good = 0 <= node.start < node.stop <= ins[0].channels
            good = good and out.shape == (*ins[0].shape[:-1], node.stop - node.start)
        case Concat():
            good = out.shape == (*ins[0].shape[:-1], ins[0].channels + ins[1].channels)
            good = good and ins[0].shape[:-1] == ins[1].shape[:-1]
        case Pool():
            good = out.shape == (*ins[0].shape[:-1], ins[0].channels // node.taps)
            good = good and ins[0].channels % node.taps == 0
        case Depthwise():
            channels, taps = node.weights.shape
            good = ins[0].channels == channels * taps and out.shape == (*ins[0].shape[:-1], channels)
        case Pad() | Window() | Upsample() | Shuffle():
            good = out.shape == image_shape(node, ins[0].shape)
    if not good:
        raise ValueError(f"{node.name}: shapes {[t.shape for t in ins]} -> {out.shape} do not fit")


def image_shape(node: Pad | Window | Upsample | Shuffle, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the shape that an image of ``shape`` (height, width, channels) has behind ``node``."""
    height, width, channels = shape
    match node:
        case Pad():
            return height + node.top + node.bottom, width + node.left + node.right, channels
        case Window():
            rows, columns = (
                (size - (taps - 1) * dilation - 1) // stride + 1
                for size, taps, stride, dilation in zip(
                    (height, width), node.kernel, node.stride, node.dilation, strict=True
                )
            )
            return rows, columns, node.taps * channels
        case Upsample():
            return height * node.factor[0], width * node.factor[1], channels
        case Shuffle(mode="space_to_depth"):
            return height // node.block, width // node.block, channels * node.block**2
        case Shuffle():
            return height * node.block, width * node.block, channels // node.block**2


def output_range(node: Node, ins: list[Tensor]) -> tuple[Integers, Integers]:
    """Return the exact (low, high) of every output channel from the ranges of the inputs."""
    x = ins[0]
    match node:
        case Dense():
            w = node.weights.astype(object) if _is_wide(node.weights, x) else node.weights
            positive, negative = np.maximum(w, 0), np.minimum(w, 0)
            low = positive @ x.low + negative @ x.high + node.bias
            high = positive @ x.high + negative @ x.low + node.bias
            return _narrow(low, node.name), _narrow(high, node.name)
        case Map():
            rows = [_map_range(node.steps, c, int(x.low[c]), int(x.high[c])) for c in range(x.channels)]
            return np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], np.int64)
        case Bias():
            return x.low + node.values, x.high + node.values
        case Add():
            ends = [
                [f * v for v in (t.low.astype(object), t.high.astype(object))]
                for f, t in ((node.a_factor, ins[0]), (node.b_factor, ins[1]))
            ]
            low = sum(np.minimum(*e) for e in ends)
            high = sum(np.maximum(*e) for e in ends)
            return _narrow(low, node.name), _narrow(high, node.name)
        case Multiply():
            products = [
                p.astype(object) * q for p in (ins[0].low, ins[0].high) for q in (ins[1].low, ins[1].high)
            ]
            low, high = np.minimum.reduce(products), np.maximum.reduce(products)
            if node.a == node.b:  # a square is never negative
                low = np.where(
                    (ins[0].low <= 0) & (ins[0].high >= 0), 0, np.minimum(products[0], products[3])
                )
            return _narrow(low, node.name), _narrow(high, node.name)
        case ArgMax():
            return np.zeros(1, np.int64), np.full(1, x.channels - 1, np.int64)
        case Pad():
            return np.minimum(x.low, node.value), np.maximum(x.high, node.value)
        case Window():
            return np.tile(x.low, node.taps), np.tile(x.high, node.taps)
        case Pool():
            lows, highs = x.low.reshape(node.taps, -1), x.high.reshape(node.taps, -1)
            if node.operation == "maximum":
                return lows.max(axis=0), highs.max(axis=0)
            return lows.sum(axis=0), highs.sum(axis=0)
        case Depthwise():
            taps = (-1, len(node.weights))
            terms = np.stack([x.low.reshape(taps) * node.weights.T, x.high.reshape(taps) * node.weights.T])
            return terms.min(axis=0).sum(axis=0) + node.bias, terms.max(axis=0).sum(axis=0) + node.bias
        case Upsample():
            return x.low, x.high
        case Shuffle(mode="space_to_depth"):
            return np.tile(x.low, node.block**2), np.tile(x.high, node.block**2)
        case Shuffle():
            order = (-1, node.block**2) if node.mode == "crd" else (node.block**2, -1)
            axis = order.index(-1) ^ 1
            return x.low.reshape(order).min(axis=axis), x.high.reshape(order).max(axis=axis)
        case Concat():
            return np.concatenate([t.low for t in ins]), np.concatenate([t.high for t in ins])
        case Slice():
            return x.low[node.start : node.stop], x.high[node.start : node.stop]
        case Reshape() | Permute():
            raise ValueError("moved_range gives this range, it needs the new shape")


def moved_range(node: Reshape | Permute, tensor: Tensor, shape: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Return the exact (low, high) of every channel where ``node`` moves the integers of ``tensor`` to ``shape``."""
    if isinstance(node, Reshape):
        return reshape_range(tensor, shape)
    ends = (
        np.broadcast_to(end, (tensor.vectors, tensor.channels)).reshape(-1)
        for end in (tensor.low, tensor.high)
    )
    low, high = (end[node.order].reshape(-1, shape[-1]) for end in ends)
    return low.min(axis=0), high.max(axis=0)


def reshape_range(tensor: Tensor, shape: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Return the (low, high) of every channel of ``tensor`` under another shape of the same size."""
    ends = []
    for end, pick in ((tensor.low, np.min), (tensor.high, np.max)):
        full = np.broadcast_to(end, (tensor.vectors, tensor.channels)).reshape(-1, shape[-1])
        ends.append(np.asarray(pick(full, axis=0), np.int64))
    return ends[0], ends[1]


def _map_range(steps: Steps, channel: int, low: int, high: int) -> tuple[int, int]:
    row = 0 if steps.rows == 1 else channel
    start = int(np.searchsorted(steps.breaks[row], low, side="right"))
    stop = int(np.searchsorted(steps.breaks[row], high, side="right"))
    reached = steps.values[row, start : stop + 1]
    return int(reached.min()), int(reached.max())


def _is_wide(weights: Integers, x: Tensor) -> bool:
    bound = float(np.abs(weights).max(initial=0)) * float(
        max(abs(int(x.low.min())), abs(int(x.high.max())), 1)
    )
    return bool(bound * weights.shape[1] >= 2.0**62)


def _narrow(values: NDArray[np.generic], where: str) -> Integers:
    """Return int64 values, or raise ModelError where they do not fit."""
    if values.dtype == object and any(abs(int(v)) >> MAX_BITS for v in values):
        raise ModelError(
            f"values up to {max(abs(int(v)) for v in values)} are reached",
            where=where,
            hint=f"quantize earlier: at most {MAX_BITS} bits are possible",
        )
    return values.astype(np.int64)


def _evaluator(graph: Graph, node: Node) -> Callable[..., Integers]:
    ins = [graph.tensors[name] for name in node.inputs]
    out = graph.tensors[node.output]
    match node:
        case Dense():
            multiply = exact_matmul(
                node.weights, int(max(np.abs(ins[0].low).max(), np.abs(ins[0].high).max()))
            )
            bias = node.bias if node.bias.any() else None

            def dense(x: Integers) -> Integers:
                y = multiply(x.reshape(-1, ins[0].channels))
                if bias is not None:
                    y = y + bias
                return y.reshape(-1, *out.shape)

            return dense
        case Map():
            function = tabulate(node.steps, int(ins[0].low.min()), int(ins[0].high.max()))
            return lambda x: function(x.reshape(-1, ins[0].channels)).reshape(-1, *out.shape)
        case Add():
            return lambda a, b: node.a_factor * a + node.b_factor * b
        case Multiply():
            return lambda a, b: a * b
        case Bias():
            return lambda x: x + node.values
        case ArgMax():
            pick = np.argmin if node.smallest else np.argmax
            return lambda x: np.asarray(pick(x, axis=-1), np.int64).reshape(-1, *out.shape)
        case Reshape():
            return lambda x: x.reshape(-1, *out.shape)
        case Permute():
            return lambda x: x.reshape(len(x), -1)[:, node.order].reshape(-1, *out.shape)
        case Pad():
            sides = ((0, 0), (node.top, node.bottom), (node.left, node.right), (0, 0))
            return lambda x: np.pad(x, sides, constant_values=node.value)
        case Window():
            return lambda x: windows(x, node).reshape(-1, *out.shape)
        case Pool():
            reduce = np.max if node.operation == "maximum" else np.sum
            return lambda x: np.asarray(
                reduce(x.reshape(len(x), -1, node.taps, out.channels), axis=2)
            ).reshape(-1, *out.shape)
        case Depthwise():
            weights = np.ascontiguousarray(node.weights.T)
            return lambda x: ((x.reshape(-1, *weights.shape) * weights).sum(axis=1) + node.bias).reshape(
                -1, *out.shape
            )
        case Upsample():
            return lambda x: x.repeat(node.factor[0], axis=1).repeat(node.factor[1], axis=2)
        case Shuffle():
            return lambda x: shuffled(x, node)
        case Concat():
            return lambda a, b: np.concatenate([a, b], axis=-1)
        case Slice():
            return lambda x: x[..., node.start : node.stop]


def moved(graph: Graph, node: Node, *values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return floats (n, *shape) moved as ``node``, which computes nothing, moves integers; padding is 0."""
    if isinstance(node, Pad):
        node = replace(node, value=0)
    return np.asarray(_evaluator(graph, node)(*values))


def windows(x: Integers, node: Window) -> Integers:
    """Return (n, rows, columns, kernel rows, kernel columns, channels) windows of (n, height, width, channels)."""
    spans = [(taps - 1) * step + 1 for taps, step in zip(node.kernel, node.dilation, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(1, 2))
    view = view[:, :: node.stride[0], :: node.stride[1], :, :: node.dilation[0], :: node.dilation[1]]
    return np.asarray(np.moveaxis(view, 3, -1))


def shuffled(x: Integers, node: Shuffle) -> Integers:
    """Move blocks of channels to pixels, or back, in (n, height, width, channels)."""
    n, height, width, channels = x.shape
    b = node.block
    match node.mode:
        case "space_to_depth":
            moved = x.reshape(n, height // b, b, width // b, b, channels).transpose(0, 1, 3, 2, 4, 5)
            return moved.reshape(n, height // b, width // b, -1)
        case "dcr":
            moved = x.reshape(n, height, width, b, b, -1).transpose(0, 1, 3, 2, 4, 5)
        case "crd":
            moved = x.reshape(n, height, width, -1, b, b).transpose(0, 1, 4, 2, 5, 3)
    return moved.reshape(n, height * b, width * b, -1)


def exact_matmul(weights: Integers, magnitude: int) -> Callable[[Integers], Integers]:
    """Return ``x -> x @ weights.T`` for (n, cols) integers of at most ``magnitude``, through BLAS where that is exact.

    Every partial sum is below ``max_row(sum |w|) * magnitude``; below 2**24 (2**53) it is an exact float32 (float64).
    """
    bound = int(np.abs(weights).sum(axis=1).max(initial=0)) * max(magnitude, 1)
    for limit, kind in ((1 << 24, np.float32), (1 << 53, np.float64)):
        if bound < limit:
            matrix = np.ascontiguousarray(weights.T.astype(kind))
            return lambda x: (x.astype(kind) @ matrix).astype(np.int64)
    return lambda x: x @ weights.T


def retype(graph: Graph, nodes: tuple[Node, ...]) -> Graph:
    """Return the graph with these nodes, its ranges recomputed and unused tensors dropped."""
    tensors = {graph.input: graph.tensors[graph.input]}
    for node in nodes:
        ins = [tensors[name] for name in node.inputs]
        old = graph.tensors[node.output]
        if isinstance(node, (Reshape, Permute)):
            low, high = moved_range(node, ins[0], old.shape)
        else:
            low, high = output_range(node, ins)
        tensors[node.output] = Tensor(name=old.name, shape=old.shape, low=low, high=high, origin=old.origin)
    return replace(graph, nodes=nodes, tensors=tensors)
