# SPDX-License-Identifier: Apache-2.0
"""E1: the integer graph gives what the network's own software gives, at every quantizer and at the end.

Every layer is fed with the integers of the software's own previous layer, so that one difference does not hide
another. Where an integer differs, three questions decide, none of them answered by the integer graph:

* Is the graph's accumulator the exact one? The network's own nodes in float64 say so.
* Is the software's float32 accumulator off it by no more than float32 summation can explain?
* Does the network's own tail give the graph's integer when it is fed with the exact accumulator, and the software's
  integer when it is fed with the software's?

Only where all three are answered with yes, the difference is the framework's rounding and is counted as such. Any other
difference is a mismatch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import Mismatch
from tailrace.core.order import Order, placed, unplaced
from tailrace.graph import Affine, Normalize
from tailrace.graph.values import by_port, rows, samples
from tailrace.verify.rules import SOFTWARE, UNIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.graph import Graph, Node
    from tailrace.graph.values import Values

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Array = NDArray[Any]

VALUES_AT_ONCE = 1 << 26
"""Values of all tensors together that are compared at a time: the vectors of a large image go one by one."""

GRID_TOLERANCE = 2.0**-6
"""How much finer than the bound of float32's error the grid is on which sums of scaled accumulators are computed."""

ROUNDED = (Affine, Normalize)
"""Operations that have constants of the network rounded to a grid."""

HEARD_VECTORS = 16
"""So many at most where somebody wants to hear how far it is."""


class EncodingLike(Protocol):
    """scale and offset of a float tensor that stands for integers, and where in these its elements are."""

    scale: Floats
    offset: Floats
    order: Order


class Reference(Protocol):
    """The software that a graph is compared with; see :class:`tailrace.frontend.reference.QonnxReference`."""

    name: str
    encodings: Mapping[str, Any]
    exact: bool
    """Whether it computes in integers itself: then every tensor that it has is compared, and nothing is explained."""
    output: str
    """The tensor of the software that the host's results are compared with; "" where these are floats that round."""

    @property
    def missing(self) -> str:
        """Why it cannot run here, in one line; "" where it can."""

    def stored(self) -> Mapping[str, Any]:
        """Return, as JSON, what of the import it needs beside the model to be made again."""

    def run(self, x: Values, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) floats} for (n, *sample shape) inputs, {name: such} of several."""

    def follow(
        self, start: str, values: Array, end: str, beside: Mapping[str, Array] | None = None
    ) -> Array | None:
        """Return the software's tensor ``end`` (n, size) for values (n, size) of ``start``, None if it cannot.

        ``beside`` are tensors that it needs as well, where it does not follow from one alone.
        """

    def recompute(self, known: Mapping[str, Floats], end: str) -> Floats | None:
        """Return tensor ``end`` (n, size) in float64 for exact values of the tensors ``known``, None if it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareResult:
    """How many vectors were compared, and what differed: mismatches, and roundings of the framework."""

    vectors: int
    mismatches: int
    framework_rounding: int
    reference: str
    tensors: int
    first: Mismatch | None = None


def verify_software(
    graph: Graph, reference: Reference, x: Values, hear: Callable[[int, int], None] | None = None
) -> SoftwareResult:
    """Compare ``graph`` (as imported, before any pass) with ``reference`` on (n, *sample shape) inputs.

    ``hear`` is told how many of how many vectors are done.
    """
    x = graph.host.on_grid(x)
    if graph.states:
        return _verify_steps(graph, reference, x, hear)
    checker = _Checker(graph, reference)
    count = max(1, VALUES_AT_ONCE // sum(tensor.size for tensor in graph.tensors.values()))
    count = min(count, HEARD_VECTORS) if hear else count
    total = samples(x)
    for start in range(0, max(total, 1), count):
        checker.check(rows(x, slice(start, start + count)), start)
        if hear:
            hear(min(start + count, total), total)
    return SoftwareResult(
        vectors=total,
        mismatches=checker.mismatches,
        framework_rounding=checker.roundings,
        reference=reference.name,
        tensors=len(checker.tensors),
        first=checker.first,
    )


def _verify_steps(
    graph: Graph, reference: Reference, x: Values, hear: Callable[[int, int], None] | None
) -> SoftwareResult:
    """Compare sequences (n, steps, *shape): the software is stepped, each step is compared with that of the graph.

    A step of the graph begins with the software's own states. What it leaves is compared as well, so by induction whole
    sequences are equal. A mismatch names sequence and step.
    """
    names = [end.name for end in graph.host.inputs]
    arrays = by_port(x, names)
    count, steps = arrays[0].shape[:2]
    left = [state.leaving for state in graph.states]
    entering = [state.entering.name for state in graph.states]
    now: list[Array] = [
        np.repeat(state.leaving.decode(state.initial[None]), count, axis=0) for state in graph.states
    ]
    taken: dict[str, list[Array]] = {name: [] for name in entering}
    for step in range(steps):
        for name, values in zip(entering, now, strict=True):
            taken[name].append(values)
        feed = dict(zip(names, (array[:, step] for array in arrays), strict=True))
        feed |= dict(zip(entering, now, strict=True))
        found = reference.run(feed, [end.name for end in left])
        now = [found[end.name].reshape(count, *end.shape) for end in left]
    whole = {name: array.reshape(-1, *array.shape[2:]) for name, array in zip(names, arrays, strict=True)}
    whole |= {
        name: np.stack(values, axis=1).reshape(-1, *values[0].shape[1:]) for name, values in taken.items()
    }
    result = verify_software(graph.cell, reference, whole, hear)
    if result.first is not None:
        frame, *place = result.first.index
        result.first.index = (*divmod(frame, steps), *place)
    return result


class _LostError(Exception):
    """The way back from a quantizer leads to no accumulator that the software has too."""


def _is_compared(graph: Graph, node: Node) -> bool:
    """Say whether a node gives small integers, which the software has exactly: those of a quantizer, or of the input.

    What only moves them, or picks the largest of them, gives such integers as well.
    """
    waiting: list[Node | None] = [node]
    while waiting:
        here = waiting.pop()
        if here is None:
            continue
        rule = SOFTWARE[type(here)]
        if not rule.is_quantizer:
            if here is node and not rule.keeps(here):
                return False
            if not (rule.keeps(here) or here.role != "computes"):
                return False
            waiting.extend(graph.producer(name) for name in here.inputs)
    return True


class _Checker:
    def __init__(self, graph: Graph, reference: Reference) -> None:
        self.graph = graph
        self.reference = reference
        self.encodings = reference.encodings
        self.exact = reference.exact
        self.floats: Mapping[str, Array] = {}
        self.mismatches = 0
        self.roundings = 0
        self.tensors: set[str] = set()
        self.first: Mismatch | None = None
        self.start = 0
        """The vector of the whole run that is the first of those at hand."""
        self.left: set[int] = set()
        """Vectors that a rounding of the software took to an integer that exact arithmetic cannot reach."""

    def check(self, x: Values, start: int) -> None:
        """Compare all tensors on the inputs ``x`` (n, *sample shape), vectors ``start`` and following of the run."""
        graph = self.graph
        names = [t.origin for t in graph.tensors.values() if t.origin in self.encodings]
        self.floats = self.reference.run(x, dict.fromkeys(names))
        self.start, self.left = start, set()
        values = graph.entering(graph.host.encode(x))
        for name in graph.inputs:
            if graph.tensors[name].origin in self.encodings:
                values[name] = self.quantizer(name, values[name], values, None)
        for node, evaluate in graph.program:
            y = evaluate(*(values[name] for name in node.inputs))
            compared = self.exact or _is_compared(graph, node)
            if compared and graph.tensors[node.output].origin in self.encodings:
                y = self.quantizer(node.output, y, values, node)
            values[node.output] = y
        if self.reference.output:
            self.output(self.reference.output, x, values[graph.output])
        last = [] if self.exact else [name for output in graph.outputs for name in self._last(output)]
        for name in dict.fromkeys(last):
            self.accumulator(name, values)

    def _last(self, name: str) -> list[str]:
        """Return the last tensors in front of ``name``, or itself, that the software has too and no quantizer makes."""
        found, waiting = [], [name]
        while waiting:
            here = waiting.pop()
            node = self.graph.producer(here)
            if (
                node is not None
                and _is_compared(self.graph, node)
                and self.graph.tensors[here].origin in self.encodings
            ):
                continue
            if self.graph.tensors[here].origin in self.encodings:
                found.append(here)
            elif node is not None:
                waiting.extend(node.inputs)
        return found

    def output(self, name: str, x: Values, integers: Integers) -> None:
        """Compare what the host makes of the last integers with the software's own output ``name``."""
        ours = self.graph.host.output.decode(integers).reshape(len(integers), -1)
        theirs = self.reference.run(x, (name,))[name].reshape(ours.shape)
        different = np.asarray(ours != theirs)
        self._count(self.graph.output, ours, theirs, different, np.zeros(different.shape, bool))

    def quantizer(
        self, name: str, ours: Integers, values: Mapping[str, Integers], node: Node | None
    ) -> Integers:
        """Compare the integers of a quantizer; returns the software's."""
        theirs = self._integers(name).reshape(ours.shape)
        different = ours != theirs
        self.tensors.add(name)
        if different.any():
            explained = np.zeros(ours.shape, bool)
            if node is not None and not self.exact:
                explained = self._rounding(node.inputs[0], name, ours, theirs, values, different=different)
            self._count(name, ours, theirs, different, explained)
            tensor = self.graph.tensors[name]
            outside = explained & ((theirs < tensor.low) | (theirs > tensor.high))
            self.left.update(np.flatnonzero(outside.reshape(len(ours), -1).any(axis=1)).tolist())
        return theirs

    def accumulator(self, name: str, values: Mapping[str, Integers]) -> None:
        """Compare the last integers where no quantizer makes them (logits, an index)."""
        if self.graph.tensors[name].origin not in self.encodings:
            return
        ours = values[name]
        theirs = self._integers(name).reshape(ours.shape)
        # Beyond 24 bits, float32 cannot tell neighbours apart: the nearest one is right.
        exact = self._unplaced(name, self._exact(name, values, np.arange(len(ours)))).astype(np.float32)
        same = self.floats[self.graph.tensors[name].origin].reshape(exact.shape) == exact
        different = (ours != theirs) & ~self._placed(name, same).reshape(ours.shape)
        self.tensors.add(name)
        if different.any():
            producer = self.graph.producer(name)
            chosen = producer is not None and SOFTWARE[type(producer)].is_choice
            source = producer.inputs[0] if producer is not None and chosen else name
            explained = self._rounding(source, name, ours, theirs, values, different=different)
            self._count(name, ours, theirs, different, explained)

    def _integers(self, name: str) -> Integers:
        """Return the software's integers (n, size) of a tensor of the graph."""
        return self._to_integers(name, self.floats[self.graph.tensors[name].origin])

    def _to_integers(self, name: str, floats: Array) -> Integers:
        encoding = self.encodings[self.graph.tensors[name].origin]
        q = np.asarray(np.rint((floats.astype(np.float64) - encoding.offset) / encoding.scale), np.int64)
        return self._placed(name, q)

    def _placed(self, name: str, floats: Array) -> Array:
        """Return (n, size) values in the order of the software's tensor in that of the graph's integers."""
        return placed(floats.reshape(len(floats), -1), self.encodings[self.graph.tensors[name].origin].order)

    def _unplaced(self, name: str, values: Array) -> Array:
        """Return (n, size) values in the order of the graph's integers in that of the software's tensor."""
        return unplaced(
            values.reshape(len(values), -1), self.encodings[self.graph.tensors[name].origin].order
        )

    def _ends(self, name: str) -> tuple[Floats, Floats]:
        """Return the scale and the offset of a tensor, () or (size,), in the order of the graph's integers."""
        encoding = self.encodings[self.graph.tensors[name].origin]
        ends = [
            v if v.size == 1 else placed(v.reshape(1, -1), encoding.order)[0]
            for v in (encoding.scale, encoding.offset)
        ]
        return ends[0], ends[1]

    def _exact(self, name: str, values: Mapping[str, Integers], rows: Integers) -> Floats:
        """Return the float64 values (rows, size), in the order of the integers, that a tensor stands for."""
        scale, offset = self._ends(name)
        return np.asarray(values[name][rows].reshape(len(rows), -1) * scale + offset)

    def _rounding(
        self,
        name: str,
        end: str,
        ours: Integers,
        theirs: Integers,
        values: Mapping[str, Integers],
        *,
        different: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Say which of the differences at tensor ``end`` are the software's rounding of the accumulator ``name``."""
        none = np.zeros(different.shape, bool)
        n = len(different)
        rows = np.flatnonzero(different.reshape(n, -1).any(axis=1))
        starts: dict[str, Array] = {}
        try:
            off = self._off(name, end, values, rows, starts)
        except _LostError:
            return none
        mine, others = ours.reshape(n, -1)[rows], theirs.reshape(n, -1)[rows]
        same: NDArray[Any] = np.ones(mine.shape, bool)
        origins = {n: t.origin for n, t in self.graph.tensors.items()}
        if origins[end] not in starts:
            followed = self._followed(starts, end)
            known = self._followed({origin: self.floats[origin][rows] for origin in starts}, end)
            if followed is None or known is None:
                return none
            same = np.asarray(followed == mine)
            last = self.graph.producer(end)
            if last is not None and SOFTWARE[type(last)].is_choice:  # float32 may make equal what is not
                again = self.reference.recompute(starts, origins[end])
                if again is not None:
                    same |= self._to_integers(end, again).reshape(len(rows), -1) == mine
            same &= known == others  # the software's own tail of its own accumulator
        found = none.reshape(n, -1)
        found[rows] = same & off
        return np.asarray(different & found.reshape(different.shape))

    def _followed(self, starts: Mapping[str, Array], end: str) -> Integers | None:
        """Return the integers (n, size) that the software's own tail makes of accumulators; None if it cannot."""
        (first, value), *others = ((name, v.astype(np.float32)) for name, v in starts.items())
        beside = {"beside": dict(others)} if others else {}
        followed = self.reference.follow(first, value, self.graph.tensors[end].origin, **beside)
        return None if followed is None else self._to_integers(end, followed).reshape(len(value), -1)

    def _off(
        self,
        name: str,
        end: str,
        values: Mapping[str, Integers],
        rows: Integers,
        starts: dict[str, Array],
    ) -> NDArray[np.bool_]:
        """Mark the elements of tensor ``end`` (rows, size) that come from accumulators which the software has rounded.

        ``name`` is what is asked for: ``end`` itself, or the first tensor on the way back. The exact values of the
        accumulators are added to ``starts``, by the names of the software's tensors. Raises _LostError where the way
        back leads to none.
        """
        if name == end and self.graph.tensors[name].origin in self.encodings:
            return self._off_accumulator(name, values, rows, starts)
        marks: list[NDArray[np.bool_]] = []
        node = self.graph.producer(end)
        if node is None:
            raise _LostError
        for source in node.inputs:
            if self.graph.tensors[source].origin in self.encodings:
                marks.append(self._off_accumulator(source, values, rows, starts))
            else:
                marks.append(self._off("", source, values, rows, starts))
        if len(marks) == 1:
            return SOFTWARE[type(node)].spread(self.graph, node, marks[0])
        if node.role != "moves":
            raise _LostError
        tensors = [self.graph.tensors[source] for source in node.inputs]
        floats = [
            m.reshape(len(rows), *t.shape).astype(np.float64) for m, t in zip(marks, tensors, strict=True)
        ]
        return np.asarray(node.mover(tensors)(*floats) > 0).reshape(len(rows), -1)

    def _off_accumulator(
        self, name: str, values: Mapping[str, Integers], rows: Integers, starts: dict[str, Array]
    ) -> NDArray[np.bool_]:
        """Mark the values of an accumulator which the software has but for the rounding of its sums."""
        exact = self._exact(name, values, rows)
        scale, offset = self._ends(name)
        origin = self.graph.tensors[name].origin
        bound = self.error(name, values).reshape(len(values[name]), -1)[rows] * np.abs(scale)
        got = self._placed(name, self.floats[origin])[rows].astype(np.float64)
        near = np.abs(got - exact) <= bound + 2 * UNIT * np.abs(offset)
        starts[origin] = self._unplaced(name, exact)
        return np.asarray(near & self._is_exact(name, exact, values, rows))

    def _is_exact(
        self, name: str, exact: Floats, values: Mapping[str, Integers], rows: Integers
    ) -> NDArray[np.bool_]:
        """Say where float64 arithmetic with the network's own constants confirms the graph's accumulator."""
        tensors = self.graph.tensors
        known: dict[str, Floats] = {}
        waiting = list(self._sources(name))
        gridded = isinstance(self.graph.producer(name), ROUNDED)
        while waiting:
            source = waiting.pop()
            producer = self.graph.producer(source)
            gridded = gridded or isinstance(producer, ROUNDED)
            if (producer is None or _is_compared(self.graph, producer)) and tensors[
                source
            ].origin in self.encodings:
                known[tensors[source].origin] = self._unplaced(source, self._exact(source, values, rows))
            else:
                waiting.extend(self._sources(source))
        again = self.reference.recompute(known, tensors[name].origin) if known else None
        if again is None:
            return np.zeros(exact.shape, bool)
        rounded = self.error(name, values, unit=0.0).reshape(len(values[name]), -1)[rows]
        half = np.maximum(0.5, rounded) * np.abs(
            self._ends(name)[0]
        )  # a share of a softmax is rounded itself
        if gridded:  # scales and epsilons are rounded to a grid, much finer than float32
            bound = self.error(name, values).reshape(len(values[name]), -1)[rows]
            half = half + GRID_TOLERANCE * bound * np.abs(self._ends(name)[0])
        return np.asarray(np.abs(self._placed(name, again) - exact) < half + 2.0**-48 * np.abs(exact))

    def _sources(self, name: str) -> tuple[str, ...]:
        producer = self.graph.producer(name)
        return producer.inputs if producer is not None else ()

    def magnitude(self, name: str, values: Mapping[str, Integers]) -> Floats:
        """Bound the size of what the software holds for a tensor, in steps of its scale: a zero point adds to it."""
        tensor = self.graph.tensors[name]
        own: Floats = np.abs(values[name].astype(np.float64))
        if tensor.origin not in self.encodings:
            return own
        scale, zero = self._ends(name)
        offset: Floats = np.abs(np.broadcast_to(zero / scale, (tensor.size,)))
        return np.asarray(own + offset.reshape(tensor.shape))

    def error(self, name: str, values: Mapping[str, Integers], unit: float = UNIT) -> Floats:
        """Bound how far the software's float32 is off the graph's value of a tensor, in steps of its scale.

        With a ``unit`` of 0, how far exact arithmetic is off it.
        """
        node = self.graph.producer(name)
        own = self.magnitude(name, values)
        if node is None:
            return 2 * unit * (own + 1)
        return SOFTWARE[type(node)].error(self.graph, node, own, _Bounds(self, values, unit))

    def _count(
        self,
        name: str,
        ours: Integers,
        theirs: Integers,
        different: NDArray[np.bool_],
        explained: NDArray[np.bool_],
    ) -> None:
        for vector in self.left:  # what comes after its first rounding cannot be compared
            explained[vector] |= different[vector]
        self.roundings += int(explained.sum())
        real = different & ~explained
        count = int(real.sum())
        if not count:
            return
        self.mismatches += count
        first = self.first
        if first is None:
            vector, *place = (int(i) for i in np.argwhere(real)[0])
            at = (vector, *place)
            index, expected, got = (self.start + vector, *place), int(theirs[at]), int(ours[at])
        elif first.layer == name:  # the same layer, on later vectors
            index, expected, got, count = first.index, first.expected, first.got, first.count + count
        else:
            return
        self.first = Mismatch(
            layer=name,
            index=index,
            expected=expected,
            got=got,
            check="software",
            count=count,
            hint=f"the network's tensor is {self.graph.tensors[name].origin!r}",
        )


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What a checker knows of its tensors, for the rules."""

    checker: _Checker
    values: Mapping[str, Integers]
    unit: float

    def error(self, name: str) -> Floats:
        """Bound how far the software's value of a tensor is off the exact one."""
        return self.checker.error(name, self.values, self.unit)

    def magnitude(self, name: str) -> Floats:
        """Bound the size of what the software holds for a tensor."""
        return self.checker.magnitude(name, self.values)

    def integers(self, name: str) -> Integers:
        """Return the integers of a tensor."""
        return np.asarray(self.values[name], np.int64)
