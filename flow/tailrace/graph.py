# SPDX-License-Identifier: Apache-2.0
"""The integer graph: *what* a network computes, in integers only.

Nodes are frozen and flat; tensors carry shape, type and the exact reachable range of every channel. Floats exist
only in :class:`tailrace.host.Host`, where numbers enter and leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.errors import ModelError
from tailrace.steps import Steps, tabulate
from tailrace.types import IntType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.host import Host

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


Node = Dense | Map | Add | Multiply | Bias | ArgMax | Reshape


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
        last_use = {name: index for index, node in enumerate(self.nodes) for name in node.inputs}
        chunks = []
        for start in range(0, max(len(q), 1), CHUNK):
            values = {self.input: q[start : start + CHUNK].astype(np.int64).reshape(-1, *tensor.shape)}
            for index, (node, evaluate) in enumerate(self.program):
                values[node.output] = evaluate(*(values[name] for name in node.inputs))
                for name in node.inputs:
                    if last_use[name] == index and name != self.output:
                        values.pop(name, None)
            chunks.append(values[self.output])
        return np.concatenate(chunks)

    def predict(self, x: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return what the network returns for inputs as the network has them, batch first: (n, *input shape)."""
        return self.host.decode(self.predict_int(self.host.encode(x)))

    def trace(self, x: NDArray[np.generic]) -> dict[str, Integers]:
        """Evaluate every tensor for network inputs, batch first; returns {tensor: (n, *shape) integers}."""
        return self.trace_int(self.host.encode(x))

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read ``tensor``."""
        return tuple(node for node in self.nodes if tensor in node.inputs)

    def producer(self, tensor: str) -> Node | None:
        """Return the node that writes ``tensor``; None for the input."""
        return next((node for node in self.nodes if node.output == tensor), None)


CHUNK = 1024
"""Samples evaluated at a time, so that the intermediate tensors stay in the cache."""


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
    if not good:
        raise ValueError(f"{node.name}: shapes {[t.shape for t in ins]} -> {out.shape} do not fit")


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
        case Reshape():
            raise ValueError("a Reshape takes its range from reshape_range, which needs the new shape")


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
        low, high = reshape_range(ins[0], old.shape) if isinstance(node, Reshape) else output_range(node, ins)
        tensors[node.output] = Tensor(name=old.name, shape=old.shape, low=low, high=high, origin=old.origin)
    return replace(graph, nodes=nodes, tensors=tensors)
