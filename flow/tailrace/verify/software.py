# SPDX-License-Identifier: Apache-2.0
"""E1: the integer graph gives what the network's own software gives, at every quantizer and at the end.

Every layer is fed with the integers of the software's own previous layer, so that one difference does not hide
another. Where an integer differs, the exact accumulator decides: if the software's float accumulator is off the exact
one, by no more than float summation can explain, the difference is the framework's rounding and is counted as such.
Any other difference is a mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tailrace.errors import Mismatch
from tailrace.graph import Add, Bias, Dense, Graph, Map, Multiply, Node, Reshape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Array = NDArray[Any]

UNIT = 2.0**-24
"""Half the distance from 1 to the next float32: the relative error of one rounding."""


class EncodingLike(Protocol):
    """scale and offset of a float tensor that stands for integers."""

    scale: Floats
    offset: Floats


class Reference(Protocol):
    """The software that a graph is compared with; see :class:`tailrace.frontend.reference.QonnxReference`."""

    name: str
    encodings: Mapping[str, Any]

    def run(self, x: Array, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) floats} for (n, *sample shape) inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareResult:
    """How many vectors were compared, and what differed: mismatches, and roundings of the framework."""

    vectors: int
    mismatches: int
    framework_rounding: int
    reference: str
    tensors: int
    first: Mismatch | None = None


def verify_software(graph: Graph, reference: Reference, x: Array) -> SoftwareResult:
    """Compare ``graph`` (as imported, before any pass) with ``reference`` on (n, *sample shape) inputs."""
    x = graph.host.on_grid(x)
    encodings = reference.encodings
    names = [t.origin for t in graph.tensors.values() if t.origin in encodings]
    floats = reference.run(x, dict.fromkeys(names))
    checker = _Checker(graph, encodings, floats)
    values: dict[str, Integers] = {graph.input: graph.host.encode(x).reshape(-1, *graph.tensors[graph.input].shape)}
    if graph.tensors[graph.input].origin in encodings:
        values[graph.input] = checker.quantizer(graph.input, values[graph.input], values, None)
    for node, evaluate in graph.program:
        y = evaluate(*(values[name] for name in node.inputs))
        if isinstance(node, Map) and graph.tensors[node.output].origin in encodings:
            y = checker.quantizer(node.output, y, values, node)
        values[node.output] = y
    if not isinstance(graph.producer(graph.output), Map):
        checker.accumulator(graph.output, values)
    return SoftwareResult(
        vectors=len(x),
        mismatches=checker.mismatches,
        framework_rounding=checker.roundings,
        reference=reference.name,
        tensors=checker.tensors,
        first=checker.first,
    )


class _Checker:
    def __init__(self, graph: Graph, encodings: Mapping[str, Any], floats: Mapping[str, Array]) -> None:
        self.graph = graph
        self.encodings = encodings
        self.floats = floats
        self.mismatches = 0
        self.roundings = 0
        self.tensors = 0
        self.first: Mismatch | None = None

    def quantizer(
        self, name: str, ours: Integers, values: Mapping[str, Integers], node: Node | None
    ) -> Integers:
        """Compare the integers of a quantizer; returns the software's."""
        theirs = self._integers(name).reshape(ours.shape)
        different = ours != theirs
        self.tensors += 1
        if different.any():
            explained = np.zeros(ours.shape, bool)
            if node is not None:
                explained = self._rounding(node.inputs[0], values, different)
            self._count(name, ours, theirs, different, explained)
        return theirs

    def accumulator(self, name: str, values: Mapping[str, Integers]) -> None:
        """Compare the last integers where no quantizer makes them (logits, an index)."""
        if self.graph.tensors[name].origin not in self.encodings:
            return
        ours = values[name]
        theirs = self._integers(name).reshape(ours.shape)
        different = ours != theirs
        self.tensors += 1
        if different.any():
            producer = self.graph.producer(name)
            source = name if isinstance(producer, (Dense, Add, Multiply, Bias)) else producer.inputs[0]  # type: ignore[union-attr]
            explained = self._rounding(source, values, different, represented=True)
            self._count(name, ours, theirs, different, explained)

    def _integers(self, name: str) -> Integers:
        origin = self.graph.tensors[name].origin
        encoding = self.encodings[origin]
        return np.rint((self.floats[origin].astype(np.float64) - encoding.offset) / encoding.scale).astype(np.int64)

    def _rounding(
        self,
        name: str,
        values: Mapping[str, Integers],
        different: NDArray[np.bool_],
        *,
        represented: bool = False,
    ) -> NDArray[np.bool_]:
        """Say where the software's accumulator is off the exact one, by no more than its rounding can explain.

        ``represented``: the accumulator itself is compared, so that an exact value which float32 cannot hold is
        already a rounding of the framework; behind a quantizer it is not, for the tail was probed on that float.
        """
        tensor = self.graph.tensors[name]
        while tensor.origin not in self.encodings:
            producer = self.graph.producer(name)
            if not isinstance(producer, Reshape):
                return np.zeros(different.shape, bool)
            name = producer.input
            tensor = self.graph.tensors[name]
        encoding = self.encodings[tensor.origin]
        n = len(different)
        scale = np.abs(np.broadcast_to(encoding.scale, (tensor.size,)))
        exact = values[name].reshape(n, -1) * encoding.scale + encoding.offset
        got = self.floats[tensor.origin].astype(np.float64)
        bound = self._error(name, values).reshape(n, -1) * scale + 2 * UNIT * np.abs(encoding.offset)
        off = (got != (exact if represented else exact.astype(np.float32))) & (np.abs(got - exact) <= bound)
        if off.shape[1] != different.reshape(n, -1).shape[1]:  # an index behind an argmax: any of its inputs
            return different & off.any(axis=1).reshape(n, *([1] * (different.ndim - 1)))
        return different & off.reshape(different.shape)

    def _error(self, name: str, values: Mapping[str, Integers]) -> Floats:
        """Bound the float32 error of a tensor, in steps of its scale: the standard bound of recursive summation."""
        node = self.graph.producer(name)
        own = np.abs(values[name].astype(np.float64))
        match node:
            case Dense():
                x = values[node.input].reshape(-1, node.weights.shape[1]).astype(np.float64)
                w = np.abs(node.weights).T.astype(np.float64)
                terms = node.weights.shape[1] + 3
                inner = self._error(node.input, values).reshape(x.shape)
                return (terms * UNIT * (np.abs(x) @ w) + inner @ w).reshape(own.shape)
            case Add():
                a, b = self._error(node.a, values), self._error(node.b, values)
                parts = abs(node.a_factor) * np.abs(values[node.a]) + abs(node.b_factor) * np.abs(values[node.b])
                return abs(node.a_factor) * a + abs(node.b_factor) * b + 2 * UNIT * parts
            case Multiply():
                a, b = self._error(node.a, values), self._error(node.b, values)
                return a * np.abs(values[node.b]) + b * np.abs(values[node.a]) + a * b + 2 * UNIT * own
            case Bias() | Reshape():
                return self._error(node.input, values).reshape(own.shape) + 2 * UNIT * own
            case _:
                return 2 * UNIT * (own + 1)

    def _count(
        self,
        name: str,
        ours: Integers,
        theirs: Integers,
        different: NDArray[np.bool_],
        explained: NDArray[np.bool_],
    ) -> None:
        self.roundings += int(explained.sum())
        real = different & ~explained
        count = int(real.sum())
        if count and self.first is None:
            at = tuple(int(i) for i in np.argwhere(real)[0])
            self.first = Mismatch(
                layer=name,
                index=at,
                expected=int(theirs[at]),
                got=int(ours[at]),
                stage="software",
                count=count,
                hint=f"the network's tensor is {self.graph.tensors[name].origin!r}",
            )
        self.mismatches += count
