# SPDX-License-Identifier: Apache-2.0
"""The integer graph: *what* a network computes, in integers only.

Nodes are frozen and flat; tensors carry shape, type and the exact reachable range of every channel. Floats exist
only in :class:`tailrace.graph.host.Host`, where numbers enter and leave.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tailrace.core.codec import TRANSIENT
from tailrace.core.errors import ModelError
from tailrace.core.names import require_identifier
from tailrace.core.notebook import html_table
from tailrace.graph.operations.base import Evaluator, Operation
from tailrace.graph.tensors import Integers, Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tailrace.graph.host import Host

Node = Operation
"""What a graph is made of."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
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
    reference: Any = field(default=None, repr=False, metadata=TRANSIENT)
    """What runs the network's own software (a front end's), for comparison; not part of the graph's JSON."""
    form: Literal["imported", "changed", "lowered"] = "imported"
    """How far the passes went: those that change the function, and those that every network goes through."""
    made_of: Graph | None = field(default=None, repr=False, metadata=TRANSIENT)
    """The graph that a changed or lowered one was made of; not part of the graph's JSON."""

    def __post_init__(self) -> None:
        check(self)

    def __repr__(self) -> str:
        return f"Graph({self.name!r}: {self._line()})"

    def _repr_html_(self) -> str:
        """Show the nodes as a table, in notebooks."""
        rows = []
        for node in self.nodes:
            tensor = self.tensors[node.output]
            shape = " × ".join(map(str, tensor.shape))
            rows.append(
                (node.name, type(node).__name__, ", ".join(node.inputs), shape, tensor.type, tensor.origin)
            )
        head = ("node", "operation", "reads", "shape", "type", "in the network")
        return html_table(f"{self.name}: {self._line()}", head, rows)

    def _line(self) -> str:
        """Return what goes in, what is done, and what comes out, in short."""
        first, last = self.tensors[self.input], self.tensors[self.output]
        counts = Counter(type(node).__name__ for node in self.nodes)
        nodes = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
        return f"{first.size} × {first.type} → {nodes} → {last.size} × {last.type}"

    @cached_property
    def program(self) -> tuple[tuple[Node, Evaluator], ...]:
        """The nodes with their prepared evaluators."""
        return tuple(
            (node, node.evaluator([self.tensors[name] for name in node.inputs])) for node in self.nodes
        )

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
    for name in graph.tensors:
        require_identifier(name, "a tensor")
    for node in graph.nodes:
        require_identifier(node.name, "a node")
        missing = [name for name in node.inputs if name not in known]
        if missing:
            raise ValueError(f"{node.name} reads {missing} before it is written")
        for name in node.outputs:
            if name in known:
                raise ValueError(f"{name} is written twice")
            known.add(name)
        _check_shape(graph, node)
    if graph.output not in known:
        raise ValueError(f"the output {graph.output} is never written")
    names = [node.name for node in graph.nodes]
    if len(set(names)) != len(names):
        raise ValueError("node names are not unique")


def _check_shape(graph: Graph, node: Node) -> None:
    shapes, out = [graph.tensors[name].shape for name in node.inputs], graph.tensors[node.output].shape
    try:
        wanted = node.output_shape(shapes)
    except ValueError as error:
        raise ValueError(f"{node.name}: {error}") from None
    if out != wanted:
        raise ValueError(f"{node.name}: {node.output} has the shape {out}, wanted {wanted}")


def output_of(node: Node, ins: list[Tensor], origin: str = "") -> Tensor:
    """Return the tensor that ``node`` makes of its inputs; ``origin`` is the network's tensor that it stands for."""
    low, high = node.output_range(ins)
    shape = node.output_shape([tensor.shape for tensor in ins])
    return Tensor(name=node.output, shape=shape, low=low, high=high, origin=origin)


def retype(graph: Graph, nodes: tuple[Node, ...]) -> Graph:
    """Return the graph with these nodes, its shapes and ranges computed anew and unused tensors dropped."""
    tensors = {graph.input: graph.tensors[graph.input]}
    for node in nodes:
        old = graph.tensors.get(node.output)
        ins = [tensors[name] for name in node.inputs]
        tensors[node.output] = output_of(node, ins, old.origin if old else "")
    return replace(graph, nodes=nodes, tensors=tensors)
