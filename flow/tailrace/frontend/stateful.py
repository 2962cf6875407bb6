# SPDX-License-Identifier: Apache-2.0
"""States of a network: an input is what an output was a frame before, so both are the same integers.

The network is imported as one step first. An input that is a state comes on the grid of the output that is left for it;
its range is the least that is found to hold everything that can be left, the initial value included.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import ModelError, UsageError
from tailrace.core.names import did_you_mean
from tailrace.core.types import IntType
from tailrace.frontend.closing import needed_nodes
from tailrace.frontend.inputs import InputGrid
from tailrace.graph.host import Host
from tailrace.graph.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.frontend.closing import Closing
    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.network import Network
    from tailrace.frontend.signals import Signal
    from tailrace.graph import Floats, Graph

    Import = Callable[[Mapping[str, InputGrid | None]], tuple[Closing, Mapping[str, Encoding]]]

ROUNDS = 12
"""So often a network is imported until the ranges of its states hold what is left for them, ..."""

ROUNDS_EXACT = 4
"""... and after so many, they take all integers of as many bits."""


def check_states(network: Network, states: Mapping[str, str]) -> None:
    """Raise UsageError where ``states`` names an input or output that the network has not, or leaves it none."""
    for names, known, what in (
        (states, network.inputs, "input"),
        (states.values(), network.outputs, "output"),
    ):
        for name in names:
            if name not in known:
                raise UsageError(
                    f"the network has no {what} {name}, which is to be a state",
                    where=network.name,
                    hint=f"its {what}s are {', '.join(known)}; {did_you_mean(name, known, 'tailrace check')}",
                )
    for name, output in states.items():
        now, then = network.shapes.get(name), network.shapes.get(output)
        if now is None or then is None:
            continue  # behind a node that is refused
        if now != then:
            raise UsageError(
                f"the state {name} has the shape {list(now)}, and {output} has {list(then)}",
                where=network.name,
                hint="a state is what the output was a frame before",
            )
    if set(states) == set(network.inputs):
        raise UsageError(
            "all inputs of the network are states",
            where=network.name,
            hint="leave one that comes from outside",
        )


def with_states(
    imported: Import,
    grids: Mapping[str, InputGrid | None],
    states: Mapping[str, str],
    initial: Mapping[str, Floats],
) -> tuple[Graph, Mapping[str, Encoding]]:
    """Return the graph in which ``states`` are kept from frame to frame, and the encodings of its tensors.

    ``initial`` has the first values of states that do not begin with 0.

    ``imported`` imports the network for given grids of its inputs.
    """
    closing, _ = imported(grids)  # the scales of what is left do not depend on how far the states reach
    chosen = {name: _grid(closing, name, output, initial.get(name)) for name, output in states.items()}
    for round_ in range(ROUNDS):
        closing, encodings = imported({**grids, **chosen})
        left = {name: _grid(closing, name, output, initial.get(name)) for name, output in states.items()}
        grown = [name for name in states if not _holds(chosen[name], left[name])]
        if not grown:
            return _closed(closing, chosen, states, initial), encodings
        chosen = {name: _joined(chosen[name], left[name], exact=round_ < ROUNDS_EXACT) for name in states}
    raise ModelError(
        f"the state {grown[0]} can grow from step to step without end",
        where=closing.graph.name,
        hint=f"put a quantizer in front of the output {states[grown[0]]}",
    )


def _signal(closing: Closing, output: str) -> Signal:
    """Return the signal of an output that is a state: integers with one scale and one offset."""
    signal = closing.signals[output]
    if signal.scale is None or signal.offset is None or signal.source.tensor is None:
        raise ModelError(
            f"the output {output} is to be a state, and floats stand behind its last quantizer",
            where=closing.graph.name,
            hint="put a quantizer in front of the output",
        )
    if signal.scale.size > 1 or signal.offset.size > 1:
        raise ModelError(
            f"the output {output} is to be a state, and has a scale for each channel",
            where=closing.graph.name,
            hint="put a quantizer with one scale in front of it",
        )
    return signal


def _grid(closing: Closing, name: str, output: str, initial: Floats | None) -> InputGrid:
    """Return the grid of what is left for a state, and of what it begins with."""
    signal = _signal(closing, output)
    tensor = signal.source.tensor
    assert tensor is not None and signal.scale is not None and signal.offset is not None  # noqa: PT018, S101
    scale, offset = (Fraction(v.reshape(-1)[0]) for v in (signal.scale, signal.offset))
    first = [_first(value, scale, offset) for value in _begins(initial)]
    wrong = next((value for value, q in zip(_begins(initial), first, strict=True) if q is None), None)
    if wrong is not None:
        raise ModelError(
            f"the state {name} begins with {wrong:g}, which is none of the numbers that {output} can be",
            where=closing.graph.name,
            hint=f"use a quantizer that has {wrong:g}",
        )
    known = [q for q in first if q is not None]
    low, high = min(int(tensor.low.min()), *known), max(int(tensor.high.max()), *known)
    return InputGrid(scale=scale, offset=offset, low=low, high=high)


def _begins(initial: Floats | None) -> list[float]:
    """Return what the elements of a state begin with, each value once."""
    return [0.0] if initial is None else [float(value) for value in np.unique(initial)]


def _first(value: float, scale: Fraction, offset: Fraction) -> int | None:
    """Return the integer of a first value; None where there is none."""
    steps = (Fraction(value) - offset) / scale
    return int(steps) if steps.denominator == 1 else None


def _holds(grid: InputGrid, other: InputGrid) -> bool:
    same = (grid.scale, grid.offset) == (other.scale, other.offset)
    return same and grid.low <= other.low and other.high <= grid.high


def _joined(grid: InputGrid, other: InputGrid, *, exact: bool) -> InputGrid:
    """Return the grid of ``other`` that holds what both do; unless ``exact``, all integers of as many bits."""
    low, high = min(grid.low, other.low), max(grid.high, other.high)
    if (grid.scale, grid.offset) != (other.scale, other.offset):
        return other
    kind = IntType.containing(low, high)
    return replace(other, low=low if exact else kind.min, high=high if exact else kind.max)


def _closed(
    closing: Closing,
    grids: Mapping[str, InputGrid],
    states: Mapping[str, str],
    initial: Mapping[str, Floats],
) -> Graph:
    """Return the graph of a step with its states closed; what is left for them leaves no more, unless it is all."""
    graph = closing.graph
    entering = dict(zip((end.name for end in graph.host.inputs), graph.inputs, strict=True))
    leaving = {end.name: end for end in graph.host.outputs}
    made: list[State] = []
    for name, output in states.items():
        signal = _signal(closing, output)
        source = signal.source.tensor
        assert source is not None  # noqa: S101 - by _signal
        now = graph.tensors[entering[name]]
        same_order = signal.order is None and _order_of(graph, name) is None
        if source.name not in graph.tensors or source.shape != now.shape or not same_order:
            raise ModelError(
                f"the output {output} has its integers in another shape or order than the state {name}",
                where=graph.name,
                hint="give input and output the same form, (1, features)",
            )
        grid = grids[name]
        values = initial[name].reshape(-1) if name in initial else np.zeros(now.size)
        first = [_first(float(value), grid.scale, grid.offset) for value in values]
        end = replace(
            leaving[output],
            base_shape=leaving[output].shape,
            scale=np.array(float(grid.scale)),
            offset=np.array(float(grid.offset)),
            after=None,
            is_integer=False,
            order=None,
        )
        state = State(
            input=now.name,
            output=source.name,
            initial=np.array(first, np.int64),
            entering=next(e for e in graph.host.inputs if e.name == name),
            leaving=end,
        )
        made.append(state)
    kept = [n for n in leaving if n not in states.values()] or list(leaving)
    pairs = zip(graph.outputs, graph.host.outputs, strict=True)
    outputs = [(tensor, end) for tensor, end in pairs if end.name in kept]
    inputs = [(entering[end.name], end) for end in graph.host.inputs if end.name not in states]
    needed = {tensor for tensor, _ in outputs} | {state.output for state in made}
    nodes = needed_nodes(graph.nodes, needed)
    known = {*entering.values(), *(node.output for node in nodes)}
    return replace(
        graph,
        nodes=nodes,
        tensors={tensor: value for tensor, value in graph.tensors.items() if tensor in known},
        inputs=tuple(tensor for tensor, _ in inputs),
        outputs=tuple(tensor for tensor, _ in outputs),
        states=tuple(made),
        host=Host(
            inputs=tuple(end for _, end in inputs), outputs=tuple(end for _, end in outputs), sequences=True
        ),
        notices=tuple(
            n for n in graph.notices if not any(n.startswith(f"the input {s} has no") for s in states)
        ),
    )


def _order_of(graph: Graph, name: str) -> object:
    return next(end.order for end in graph.host.inputs if end.name == name)
