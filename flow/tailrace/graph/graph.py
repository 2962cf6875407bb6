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
from tailrace.graph.host import Host
from tailrace.graph.operations.base import Evaluator, Operation
from tailrace.graph.states import State, sequences
from tailrace.graph.tensors import Integers, Tensor
from tailrace.graph.values import Values, by_port, each, one_or_named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

Node = Operation
"""What a graph is made of."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Graph:
    """An integer network: nodes in topological order, tensors by name, and the host's side of its ends.

    ``inputs`` and ``outputs`` are the tensors that enter and leave, in the order of the host's; an output may be any
    tensor, and several outputs the same. The integers of a *frame* are those of all inputs (or outputs), one after the
    other. A graph with ``states`` computes sequences of frames: behind the last integer of a frame that goes in stands
    1 where it is the first of a sequence, else 0.
    """

    name: str
    sha256: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    host: Host
    states: tuple[State, ...] = ()
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
        first, last = (
            " + ".join(f"{self.tensors[name].size} × {self.tensors[name].type}" for name in names)
            for names in (self.inputs, self.outputs)
        )
        counts = Counter(type(node).__name__ for node in self.nodes)
        nodes = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
        return f"{first} → {nodes} → {last}"

    @property
    def input(self) -> str:
        """The tensor that enters a graph of one input; ValueError where there are several."""
        (only,) = self.inputs
        return only

    @property
    def output(self) -> str:
        """The tensor that leaves a graph of one output; ValueError where there are several."""
        (only,) = self.outputs
        return only

    @property
    def leaving(self) -> frozenset[str]:
        """The tensors that somebody beside the nodes reads: the outputs, and what states take to the next frame."""
        return frozenset((*self.outputs, *(state.output for state in self.states)))

    @cached_property
    def cell(self) -> Graph:
        """The graph of one step: what enters and leaves as a state is an input and an output like others."""
        host = Host(
            inputs=(*self.host.inputs, *(state.entering for state in self.states)),
            outputs=(*self.host.outputs, *(state.leaving for state in self.states)),
        )
        return replace(
            self,
            inputs=(*self.inputs, *(state.input for state in self.states)),
            outputs=(*self.outputs, *(state.output for state in self.states)),
            states=(),
            host=host,
        )

    @cached_property
    def program(self) -> tuple[tuple[Node, Evaluator], ...]:
        """The nodes with their prepared evaluators."""
        return tuple(
            (node, node.evaluator([self.tensors[name] for name in node.inputs])) for node in self.nodes
        )

    def trace_int(self, q: Values) -> dict[str, Integers]:
        """Evaluate every tensor for input integers as :meth:`predict_int` takes them; returns {tensor: (n, *shape)}."""
        self._require_no_states()
        return self._traced(self.frames(q))

    def walk_int(self, frames: Integers) -> Iterator[tuple[str, Integers]]:
        """Evaluate tensor after tensor for frames (n, size), and keep each no longer than others need it."""
        last_use = {name: index for index, node in enumerate(self.nodes) for name in node.inputs}
        values = self.entering(frames)
        yield from values.items()
        for index, (node, evaluate) in enumerate(self.program):
            result = evaluate(*(values[name] for name in node.inputs))
            for name in node.inputs:
                if last_use[name] == index:
                    values.pop(name, None)
            if node.output in last_use:
                values[node.output] = result
            yield node.output, result

    def frames(self, q: Values) -> Integers:
        """Return the (n, size) integers of frames for those of the inputs; ModelError where they are not in order."""
        names = [end.name for end in self.host.inputs]
        if len(names) > 1 and isinstance(q, np.ndarray):
            q = dict(zip(names, self.parted(self.inputs, q), strict=True))  # frames, as the host encodes them
        arrays = by_port(q, names)
        parts = [self._checked(*pair) for pair in zip(self.inputs, arrays, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _checked(self, name: str, q: Integers) -> Integers:
        """Return (n, size) integers of an input, or raise ModelError saying what was wanted."""
        tensor = self.tensors[name]
        if q.ndim == 0 or (len(q) and q[0].size != tensor.size):
            raise ModelError(
                f"got an array of shape {q.shape}, wanted (n, {', '.join(map(str, tensor.shape))})",
                where=name,
            )
        if not np.issubdtype(q.dtype, np.integer):
            raise ModelError(
                f"got {q.dtype} values, wanted integers", where=name, hint="predict takes floats"
            )
        if len(q) and (int(q.min()) < tensor.type.min or int(q.max()) > tensor.type.max):
            raise ModelError(
                f"values from {q.min()} to {q.max()} do not fit {tensor.type}",
                where=name,
                hint="graph.host.encode(x) makes the integers that the hardware takes",
            )
        return np.asarray(q, np.int64).reshape(len(q), tensor.size)

    def entering(self, frames: Integers) -> dict[str, Integers]:
        """Return {input or state: (n, *shape)} of frames (n, size)."""
        flat = np.asarray(frames, np.int64).reshape(len(frames), self.frame_sizes[0])
        found = dict(zip(self.inputs, self.parted(self.inputs, flat), strict=True))
        if not self.states:
            return found
        length = self.host.length
        first = np.arange(len(flat)) % length == 0 if length else flat[:, -1]
        return {**found, **self._stepped(found, first)}

    def _stepped(self, entering: Mapping[str, Integers], first: Integers) -> dict[str, Integers]:
        """Return {state: (n, *shape)} at every frame; the steps of all sequences are computed side by side."""
        begins, steps = sequences(first)
        shapes = {state.input: self.tensors[state.input].shape for state in self.states}
        values = {name: np.zeros((len(first), *shape), np.int64) for name, shape in shapes.items()}
        now = {
            state.input: np.broadcast_to(
                state.initial.reshape(shapes[state.input]), (len(begins), *shapes[state.input])
            ).copy()
            for state in self.states
        }
        for step in range(int(steps.max(initial=0))):
            going = steps > step
            rows = begins[going] + step
            known = {name: array[rows] for name, array in entering.items()}
            for name in shapes:
                values[name][rows] = known[name] = now[name][going]
            for node, evaluate in self.program:
                known[node.output] = evaluate(*(known[name] for name in node.inputs))
            for state in self.states:
                now[state.input][going] = known[state.output]
        return values

    def parted(self, names: Sequence[str], frames: Integers) -> list[Integers]:
        """Return the integers (n, *shape) of each of the tensors that a frame (n, size) is made of."""
        parts, start = [], 0
        for name in names:
            tensor = self.tensors[name]
            parts.append(frames[:, start : start + tensor.size].reshape(-1, *tensor.shape))
            start += tensor.size
        return parts

    def place_of_output(self, place: int) -> tuple[str, tuple[int, ...]]:
        """Return (tensor, index in it) of a place in the (size,) integers of a frame that comes out."""
        for name in self.outputs:
            tensor = self.tensors[name]
            if place < tensor.size:
                return name, tuple(int(i) for i in np.unravel_index(place, tensor.shape))
            place -= tensor.size
        raise IndexError("a frame has fewer integers")

    @property
    def frame_sizes(self) -> tuple[int, int]:
        """The integers of a frame that goes in, the mark of a sequence among them, and of one that comes out."""
        ends = (self.inputs, self.outputs)
        first, last = (sum(self.tensors[name].size for name in names) for names in ends)
        return first + self.host.marked, last

    def run_frames(self, frames: Integers) -> Integers:
        """Return the integers (n, size) of the frames that come out for those that go in, (n, size)."""
        if self.states:
            entering = self.entering(frames)
            cell = self.cell
            parts = [entering[name].reshape(len(frames), -1) for name in cell.inputs]
            return cell.run_frames(np.concatenate(parts, axis=1))[:, : self.frame_sizes[1]]
        chunks = []
        count = max(1, min(CHUNK, CHUNK_INTEGERS // max(t.size for t in self.tensors.values())))
        for start in range(0, max(len(frames), 1), count):
            part = frames[start : start + count]
            ends = {n: values for n, values in self.walk_int(part) if n in self.outputs}
            chunks.append(
                np.concatenate(
                    [ends[n].reshape(len(part), self.tensors[n].size) for n in self.outputs], axis=1
                )
            )
        return np.concatenate(chunks)

    def predict_int(self, q: Values) -> Any:  # noqa: ANN401 - an array, or a dict of several
        """Return the output integers (n, *output shape) for input integers (n, *input shape), as on the wires.

        Where there are several inputs (or outputs), {name in the network: array}; it takes the (n, size) integers of
        ``host.encode`` as well.
        """
        self._require_no_states()
        parts = self.parted(self.outputs, self.run_frames(self.frames(q)))
        return one_or_named([end.name for end in self.host.outputs], parts)

    def _require_no_states(self) -> None:
        if self.states:
            raise ModelError(
                "the network has states, so an answer depends on the frames before",
                where=self.name,
                hint="graph.predict takes sequences (n, steps, *shape), graph.cell is one step",
            )

    def predict(self, x: Values) -> Any:  # noqa: ANN401 - an array, or a dict of several
        """Return what the network returns for inputs as the network has them, batch first: (n, *input shape).

        Where there are several inputs (or outputs), {name in the network: array}. A network with states takes and gives
        sequences, (n, steps, *shape), and begins each with the initial states.
        """
        frames = self.host.encode(x)
        y = self.host.decode(self.run_frames(frames))
        if not self.states:
            return y
        count = len(frames) // self.host.length if self.host.length else int(np.count_nonzero(frames[:, -1]))
        return each(y, lambda array: array.reshape(count, -1, *array.shape[1:]))

    def trace(self, x: Values) -> dict[str, Integers]:
        """Evaluate every tensor for network inputs, batch first; returns {tensor: (n, *shape) integers}."""
        return self._traced(self.host.encode(x))

    def _traced(self, frames: Integers) -> dict[str, Integers]:
        values = self.entering(frames)
        for node, evaluate in self.program:
            values[node.output] = evaluate(*(values[name] for name in node.inputs))
        return values

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read ``tensor``."""
        return self._consumers.get(tensor, ())

    def producer(self, tensor: str) -> Node | None:
        """Return the node that writes ``tensor``; None for an input."""
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
    known = {*graph.inputs, *(state.input for state in graph.states)}
    if len(known) != len(graph.inputs) + len(graph.states) or not graph.inputs or not graph.outputs:
        raise ValueError(
            f"the inputs {graph.inputs} or outputs {graph.outputs} are none, or an input is named twice"
        )
    if (len(graph.inputs), len(graph.outputs)) != (len(graph.host.inputs), len(graph.host.outputs)):
        raise ValueError("the host has not the ends of the graph")
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
    for name in graph.outputs:
        if name not in known:
            raise ValueError(f"the output {name} is never written")
    for state in graph.states:
        _check_state(graph, state, known)
    names = [node.name for node in graph.nodes]
    if len(set(names)) != len(names):
        raise ValueError("node names are not unique")


def _check_state(graph: Graph, state: State, known: Collection[str]) -> None:
    """Raise ValueError unless a state takes everything that is left for it."""
    if state.output not in known:
        raise ValueError(f"the state {state.output} is never written")
    now, then = graph.tensors[state.input], graph.tensors[state.output]
    if now.shape != then.shape or state.initial.shape != (now.size,):
        raise ValueError(
            f"the state {state.input} has the shape {now.shape}, what is left for it {then.shape}"
        )
    low, high = (np.tile(end, now.vectors) for end in (now.low, now.high))
    outside = (then.low < now.low).any() or (then.high > now.high).any()
    if outside or (state.initial < low).any() or (state.initial > high).any():
        raise ValueError(f"the state {state.input} cannot hold all that {state.output} can be")


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
    entering = (*graph.inputs, *(state.input for state in graph.states))
    tensors = {name: graph.tensors[name] for name in entering}
    for node in nodes:
        old = graph.tensors.get(node.output)
        ins = [tensors[name] for name in node.inputs]
        tensors[node.output] = output_of(node, ins, old.origin if old else "")
    return replace(graph, nodes=nodes, tensors=tensors)
