# SPDX-License-Identifier: Apache-2.0
"""When each block takes and sends words: its handshake as one of five automata, without any data.

A new block is one more ``case`` in :func:`automata`; the simulator needs to know nothing else of it. A block that is
none of them is several of them in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.argmax import ArgMax
from tailrace.blocks.concat import Concat
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.pad import Pad
from tailrace.blocks.permute import Permute
from tailrace.blocks.pool import Pool
from tailrace.blocks.replay import Replay
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.shuffle import Shuffle
from tailrace.blocks.skid import Skid
from tailrace.blocks.slice import Slice
from tailrace.blocks.split import Split
from tailrace.blocks.table import Table
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.blocks.upsample import Upsample
from tailrace.blocks.width import Width
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.spatial.block import Spatial

if TYPE_CHECKING:
    from tailrace.blocks.base import Block
    from tailrace.blocks.ring import RingSchedule

Program = NDArray[np.int64]

MOST_STAGES = 62
"""The valid bits of a pipeline are kept in one 64-bit integer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pipeline:
    """Stages that move together: ``enable = !m_valid || m_ready``; bubbles stay where they are.

    The first stage works through ``program`` again and again, (runs, 5) integers: so many steps; the inputs that each
    takes a word from (a mask); whether it sends a word (1) or none (0); the inputs that must be valid for it (a mask,
    those that it takes from and maybe more); whether it is free (1) or needs ``enable`` (0). A step that needs
    ``enable`` and is not done for want of a valid input lets a bubble enter. An input is ready where the step takes
    from it, ``enable`` holds or is not needed, and the other inputs that must be valid are. A word sent is on offer
    ``depth`` edges later.
    """

    program: Program
    depth: int
    inputs: int = 1

    def __post_init__(self) -> None:
        _check_depth(self.depth)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Store:
    """A memory that is written in order and read by ``program``, and a pipeline behind its read port.

    (runs, 5) integers: so many reads; the words that must be inside for the first of them, and by how many more each
    next one needs; the limit during the first of them, and by how much it rises with each: a word is taken while fewer
    words than the limit have come. Words are counted from the begin of the program, and one program uses up ``words``.
    A word is inside on the edge after the one that took it. Input and output meet in the memory only: ready does not
    depend on the output in the same cycle. ``depth`` are the registers behind the memory, of which the last is the
    output; they move together.

    ``entry``, (runs, 2): so many words that are kept (1), or taken at any time and dropped (0).
    """

    program: Program
    words: int
    depth: int = 1
    entry: Program | None = None

    def __post_init__(self) -> None:
        _check_depth(self.depth)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """A register for each of several outputs. ``program``, (runs, 2): so many words, each to every output in the mask.

    An output may take a word before the others; the next word comes in on the edge on which the last output that it
    goes to is free.
    """

    program: Program
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queue:
    """Up to ``depth`` words; ready while there is room, and, unless ``registered``, while a word leaves a full one."""

    depth: int
    registered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exchange:
    """Gathers ``words`` words, then sends as many while it gathers the next; the last of these waits for the others."""

    words: int


Automaton = Pipeline | Store | Spread | Queue | Exchange


def _check_depth(depth: int) -> None:
    if not 1 <= depth <= MOST_STAGES:
        raise ValueError(f"a pipeline of {depth} stages: possible are 1 to {MOST_STAGES}")


def automata(block: Block) -> tuple[Automaton, ...]:
    """Return the automata of a block, from its inputs to its outputs.

    Raises NotImplementedError for a block that has none yet.
    """
    match block:
        case Skid():
            return (Queue(depth=2, registered=True),)
        case Fifo():
            return (Queue(depth=block.depth),)
        case Fork():
            return (Spread(program=_rows((1, (1 << block.branches) - 1)), outputs=block.branches),)
        case Split():
            lanes = block.stream.lanes
            a, b = block.a_channels // lanes, block.b_channels // lanes
            return (Spread(program=_rows((a, 0b01), (b, 0b10)), outputs=2),)
        case Slice():
            return (_in_order(block.kept()),)
        case Concat():
            a, b = block.a_channels // block.a.lanes, block.b_channels // block.b.lanes
            return (Pipeline(program=_rows(_step(a, takes=0b01), _step(b, takes=0b10)), depth=1, inputs=2),)
        case Width():
            return (_width(block.in_lanes, block.out_lanes),)
        case Replay():
            if block.times == 1:
                return (_each_word(1),)
            words = block.vector.words
            return (Store(program=_rows(*[(words, 1, 1, 2 * words, 0)] * block.times), words=words),)
        case Frame() | Spatial() | Threshold() | ThresholdSearch() | RoundShift() | MultiplyShift() | Table():
            return (_each_word(block.latency_cycles),)
        case Eltwise():
            return (Pipeline(program=_rows(_step(1, takes=0b11)), depth=block.latency_cycles, inputs=2),)
        case DenseFolded() | DenseBinary():
            return (_reduction(block.cols // block.simd, 1, block.latency_cycles),)
        case ArgMax():
            return (_reduction(block.channels // block.pe, 1, block.latency_cycles),)
        case Pool() | Depthwise():
            return (_reduction(block.taps, block.channels // block.pe, block.latency_cycles),)
        case Pad():
            return (_pad(block),)
        case Window():
            return (_in_order(block.schedule().kept) if block.in_order else _ring(block.schedule()),)
        case WindowParallel():
            runs = _runs(block.ends()).tolist()
            steps = [_step(count, takes=1, sends=sends) for count, sends in runs]
            return (Pipeline(program=_rows(*steps), depth=1),)
        case Upsample() | Permute():
            return (_ring(block.schedule()),)
        case Shuffle():
            gathered = (Exchange(words=block.block**2),) if block.transposed else ()
            return (*gathered, _ring(block.schedule()))
    raise NotImplementedError(f"planning/schedules.py has no schedule of the block {block.name}")


def _rows(*rows: tuple[int, ...]) -> Program:
    """Return a program of those of the rows that stand for a step at least; a program of one row steps singly."""
    program = np.array([row for row in rows if row[0]], np.int64)
    if len(program) == 1:
        program[0, 0] = 1
    return program


def _step(count: int, *, takes: int, sends: int = 1, waits: int = 0, free: int = 0) -> tuple[int, ...]:
    """Return a row of a pipeline's program."""
    return (count, takes, sends, takes | waits, free)


def _each_word(latency_cycles: int) -> Pipeline:
    """Return a pipeline that sends a word for every word."""
    return Pipeline(program=_rows(_step(1, takes=1)), depth=latency_cycles)


def _reduction(taps: int, words: int, latency_cycles: int) -> Pipeline:
    """Return a pipeline that sends ``words`` words for ``taps`` times as many, with the last of them.

    The latency counts from the first word taken to the first one sent.
    """
    waits = (taps - 1) * words
    return Pipeline(
        program=_rows(_step(waits, takes=1, sends=0), _step(words, takes=1)), depth=latency_cycles - waits
    )


def _pad(block: Pad) -> Pipeline:
    """Padding needs no word, but the first of a frame waits for one to be offered."""
    row = block.width * block.groups
    gap = (block.left + block.right) * block.groups
    tail = (block.right + block.bottom * block.out_width) * block.groups
    lead = block.lead_words
    steps = [_step(min(lead, 1), takes=0, waits=1), _step(max(lead - 1, 0), takes=0)]
    for index in range(block.height):
        steps += [_step(row, takes=1), _step(gap if index + 1 < block.height else tail, takes=0)]
    return Pipeline(program=_rows(*steps), depth=1)


def _in_order(kept: NDArray[np.bool_]) -> Pipeline:
    """Return the register of a slice or of a window without a ring: words not kept are taken at any time."""
    runs = [(int(count), bool(keeps)) for count, keeps in _runs(kept)]
    steps = [_step(count, takes=1, sends=int(keeps), free=int(not keeps)) for count, keeps in runs]
    return Pipeline(program=_rows(*steps), depth=1)


def _ring(schedule: RingSchedule) -> Store:
    """Return the store of a ring, its reads joined to runs in which need and limit grow evenly."""
    need = schedule.sources + 1
    limit = schedule.depth + np.cumsum(schedule.freed) - schedule.freed
    steps, rises = np.diff(need), np.diff(limit)
    usual = int(np.bincount(steps[steps >= 0]).argmax()) if (steps >= 0).any() else 0
    jumps = steps != usual
    bends = np.r_[False, (rises[1:] != rises[:-1]) & ~jumps[:-1]] if len(rises) else jumps
    begins = np.r_[0, np.flatnonzero(jumps | bends) + 1]
    counts = np.diff(np.r_[begins, len(need)])
    inside = np.r_[rises, 0][begins] * (counts > 1)
    program = np.column_stack([counts, need[begins], np.full(len(begins), usual), limit[begins], inside])
    return Store(program=program, words=int(schedule.kept.sum()), entry=_runs(schedule.kept))


def _runs(values: NDArray[np.bool_]) -> Program:
    """Return (runs, 2) integers: how many equal values follow each other, and the value."""
    begins = np.r_[0, np.flatnonzero(values[1:] != values[:-1]) + 1]
    return np.column_stack([np.diff(np.r_[begins, len(values)]), values[begins].astype(np.int64)])


def _width(in_lanes: int, out_lanes: int) -> Pipeline:
    common = gcd(in_lanes, out_lanes)
    taken, sent = in_lanes // common, out_lanes // common  # chunks of a word
    if taken > sent:  # each step sends; where an output word begins or cuts an input word, the step takes one
        starts = [word * sent % taken for word in range(taken)]
        steps = [_step(1, takes=int(start == 0 or start + sent > taken)) for start in starts]
    else:  # each step takes; the one that completes an output word sends
        places = [word * taken % sent for word in range(sent)]
        steps = [_step(1, takes=1, sends=int(place + taken >= sent)) for place in places]
    runs = [(len(list(equal)), *step[1:]) for step, equal in groupby(steps)]
    return Pipeline(program=_rows(*runs), depth=1)
