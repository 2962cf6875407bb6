# SPDX-License-Identifier: Apache-2.0
"""When a block takes and sends words, without any data: its handshake as a network of five kinds of automata.

No block looks at its data to decide when to move, so this is all that the stream simulator
(:mod:`tailrace.planning.streams.simulator`) has to know of it. Every block says it itself, in
:meth:`tailrace.blocks.base.Block.schedule`. Most blocks are one automaton, some are a few in a row; a block that keeps
one operand while another streams by is a :class:`Store` beside a :class:`Pipeline`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Program = NDArray[np.int64]

MOST_RANKS = 62
"""The valid bits of a pipeline are kept in one 64-bit integer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pipeline:
    """Registers that move together: ``enable = !m_valid || m_ready``; bubbles stay where they are.

    The first register works through ``program`` again and again. A row of it, (runs, 5) integers, is: how many steps;
    the inputs that each step takes a word from (a mask); whether it sends a word (1) or none (0); the inputs that must
    be valid for it (a mask: those that it takes from, and maybe more); whether it needs ``enable`` (0) or is free (1).
    A step that needs ``enable`` and is not done, because an input is not valid, lets a bubble enter. An input is ready
    where the step takes from it, ``enable`` holds or is not needed, and the other inputs that must be valid are. A word
    sent is on offer ``depth`` clock edges later.
    """

    program: Program
    depth: int
    inputs: int = 1

    def __post_init__(self) -> None:
        _check_depth(self.depth)

    @property
    def outputs(self) -> int:
        """A pipeline sends on one stream."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Store:
    """A memory that is written in order and read by ``program``, and a pipeline behind its read port.

    A row of the program, (runs, 5) integers, is: how many reads; the words that must be inside for the first of them,
    and by how many more each next one needs; the limit during the first of them, and by how much it rises with each: a
    word is taken while fewer words than the limit have come. Words are counted from the begin of the program, and one
    pass through the program uses up ``words``. A word is inside on the clock edge after the one that took it. Input and
    output meet in the memory only: ready does not depend on the output in the same cycle. ``depth`` registers are
    behind the memory, of which the last is the output; they move together.

    ``entry``, (runs, 2): so many words that are kept (1), or taken at any time and dropped (0); None keeps all.
    """

    program: Program
    words: int
    depth: int = 1
    entry: Program | None = None

    def __post_init__(self) -> None:
        _check_depth(self.depth)

    @property
    def inputs(self) -> int:
        """A store takes from one stream."""
        return 1

    @property
    def outputs(self) -> int:
        """A store sends on one stream."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """A register for each of several outputs. ``program``, (runs, 2): so many words, each to every output in the mask.

    An output may take a word before the others; the next word comes in on the clock edge on which the last output that
    it goes to is free.
    """

    program: Program
    outputs: int

    @property
    def inputs(self) -> int:
        """What is spread comes on one stream."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queue:
    """Up to ``depth`` words; ready while there is room, and, unless ``registered``, while a word leaves a full one.

    ``words`` are inside after a reset. Where there are some, it is the queue of a loop: what comes in comes from
    behind, and it has to be ``registered``.
    """

    depth: int
    registered: bool = False
    words: int = 0

    @property
    def inputs(self) -> int:
        """A queue takes from one stream."""
        return 1

    @property
    def outputs(self) -> int:
        """A queue sends on one stream."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exchange:
    """Gathers ``words`` words, then sends as many while it gathers the next; the last of these waits for the others."""

    words: int

    @property
    def inputs(self) -> int:
        """An exchange takes from one stream."""
        return 1

    @property
    def outputs(self) -> int:
        """An exchange sends on one stream."""
        return 1


Automaton = Pipeline | Store | Spread | Queue | Exchange


def _check_depth(depth: int) -> None:
    if not 1 <= depth <= MOST_RANKS:
        raise ValueError(f"a pipeline of {depth} ranks: possible are 1 to {MOST_RANKS}")


# --- networks of automata ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One automaton of a schedule between the streams that it takes from and sends on, by their names."""

    automaton: Automaton
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        kind = type(self.automaton).__name__
        for names, count, what in (
            (self.inputs, self.automaton.inputs, "inputs"),
            (self.outputs, self.automaton.outputs, "outputs"),
        ):
            if len(names) != count:
                raise ValueError(f"a {kind} of {count} {what} is joined to {len(names)}: {', '.join(names)}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """The automata of a block, in the order in which words reach them.

    ``inputs`` and ``outputs`` are the names of the block's own streams (those of its ports,
    :func:`tailrace.blocks.base.stream_names`); all other names are of streams between the parts. Every stream is
    driven once and read once.

    Raises:
        ValueError: a part reads what nothing before it drives, or a stream is driven or read twice or not at all.

    """

    parts: tuple[Part, ...]
    inputs: tuple[str, ...] = ("s_axis",)
    outputs: tuple[str, ...] = ("m_axis",)

    def __post_init__(self) -> None:
        waiting = list(self.inputs)
        driven = set(self.inputs)
        for part in self.parts:
            for name in part.inputs:
                if name not in waiting:
                    fault = "is read twice" if name in driven else "is read before it is driven"
                    raise ValueError(f"the stream {name} {fault}")
                waiting.remove(name)
            for name in part.outputs:
                if name in driven:
                    raise ValueError(f"the stream {name} is driven twice")
                driven.add(name)
                waiting.append(name)
        if sorted(waiting) != sorted(self.outputs):
            raise ValueError(f"what is left of the streams are {sorted(waiting)}, not {sorted(self.outputs)}")


def in_a_row(
    *automata: Automaton, inputs: tuple[str, ...] = ("s_axis",), outputs: tuple[str, ...] = ("m_axis",)
) -> Schedule:
    """Return the schedule of automata that stand one behind the other, from ``inputs`` to ``outputs``."""
    parts = []
    entries = inputs
    for index, automaton in enumerate(automata):
        ends = outputs if index == len(automata) - 1 else (f"part_{index}",)
        parts.append(Part(automaton=automaton, inputs=entries, outputs=ends))
        entries = ends
    return Schedule(parts=tuple(parts), inputs=inputs, outputs=outputs)


# --- programs ----------------------------------------------------------------------------------------------


def rows(*steps: tuple[int, ...]) -> Program:
    """Return the program of those rows that stand for one step at least; a program of one row steps singly."""
    program = np.array([step for step in steps if step[0]], np.int64)
    if len(program) == 1:
        program[0, 0] = 1
    return program


def step(count: int, *, takes: int, sends: int = 1, waits: int = 0, free: int = 0) -> tuple[int, ...]:
    """Return a row of a pipeline's program: ``count`` steps, which also wait for the inputs in ``waits``."""
    return (count, takes, sends, takes | waits, free)


def runs(values: NDArray[np.bool_]) -> Program:
    """Return (runs, 2) integers: how many equal values follow each other, and the value."""
    begins = np.r_[0, np.flatnonzero(values[1:] != values[:-1]) + 1]
    return np.column_stack([np.diff(np.r_[begins, len(values)]), values[begins].astype(np.int64)])


def each_word(latency_cycles: int, *, inputs: int = 1) -> Pipeline:
    """Return the pipeline that sends a word for every word of each of its inputs."""
    return Pipeline(program=rows(step(1, takes=(1 << inputs) - 1)), depth=latency_cycles, inputs=inputs)


def reduction(taps: int, words: int, latency_cycles: int) -> Pipeline:
    """Return the pipeline that sends ``words`` words for ``taps`` times as many, with the last of them.

    The latency counts from the first word taken to the first one sent.
    """
    waits = (taps - 1) * words
    return Pipeline(
        program=rows(step(waits, takes=1, sends=0), step(words, takes=1)), depth=latency_cycles - waits
    )


def in_order(kept: NDArray[np.bool_]) -> Pipeline:
    """Return the register that sends the ``kept`` ones of its words: the others are taken at any time."""
    steps = [
        step(int(count), takes=1, sends=int(keeps), free=int(not keeps)) for count, keeps in _pairs(kept)
    ]
    return Pipeline(program=rows(*steps), depth=1)


def where_sent(sends: NDArray[np.bool_]) -> Pipeline:
    """Return the register that takes a word in every step, and sends one in those of ``sends``."""
    steps = [step(int(count), takes=1, sends=int(sent)) for count, sent in _pairs(sends)]
    return Pipeline(program=rows(*steps), depth=1)


def _pairs(values: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Return :func:`runs` as pairs of Python integers."""
    yield from runs(values).tolist()
