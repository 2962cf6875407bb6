# SPDX-License-Identifier: Apache-2.0
"""The stream simulator: when every word of a plan moves, to the cycle, without data and without RTL.

Schedules are static, so the handshakes of the blocks (:mod:`tailrace.planning.streams.schedules`) say it all: the
interval, the latency, how full each FIFO gets, where words wait, and whether the design stops for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.fifo import Fifo
from tailrace.planning.streams.schedules import Exchange, Pipeline, Queue, Spread, Store, automata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from tailrace.planning.plan import Plan
    from tailrace.planning.streams.schedules import Automaton, Program

Integers = NDArray[np.int64]

MOST_FRAMES = 128
"""Frames after which a schedule that does not repeat itself is taken as it is."""

MOST_WORDS = 1 << 25
"""Words out that are kept at most, where the number of frames is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSchedule:
    """What happened on a wire: words that moved, and the edges of the first and the last (None if none moved).

    ``stalled_cycles`` are those in which a word was on offer and not taken.
    """

    words: int
    first_cycle: int | None
    last_cycle: int | None
    stalled_cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlock:
    """A design that stops for ever: the wire on which a word waits for what is behind itself, and why."""

    wire: str
    reason: str

    def __str__(self) -> str:
        return f"deadlock on the wire {self.wire}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """When words move; cycle 0 is the first edge after reset.

    ``output_cycles`` is (frames, words): the edges on which the words of the complete frames leave.
    ``interval_cycles`` is the largest distance of the ends of two frames once the schedule repeats itself (or, where it
    does not within the frames simulated, in their second half), ``cycles_per_frame`` the mean; ``latency_cycles`` is
    the number of cycles from the edge that takes the first word to that after which the first frame is out. They are
    None where there are too few frames; ``repeats`` says that the schedule goes on like that for ever.
    ``held`` is the highest number of words in each FIFO, by the wire behind it. ``visits`` is what the simulation took:
    so often it had to look at an automaton.
    """

    interval_cycles: int | None
    cycles_per_frame: Fraction | None
    latency_cycles: int | None
    output_cycles: Integers
    wires: Mapping[str, WireSchedule]
    held: Mapping[str, int]
    repeats: bool
    deadlock: Deadlock | None = None
    visits: int = 0

    @property
    def frames(self) -> int:
        """The complete frames that came out."""
        return len(self.output_cycles)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Unit:
    """An automaton between wires; ``automaton`` is None for the source and the sink."""

    name: str
    automaton: Automaton | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class _Netlist:
    """The units in topological order, the source first, the sink last."""

    units: list[_Unit] = field(default_factory=list)
    alias: dict[str, str] = field(default_factory=dict)
    """The wire that stands for another one: that behind a FIFO that was put in, that before one that was taken out."""
    queues: dict[str, int] = field(default_factory=dict)
    """The unit of every FIFO, by the wire of the plan behind it."""


def simulate(
    plan: Plan,
    frames: int | None = None,
    *,
    depths: Mapping[str, int | None] | None = None,
    pace_cycles: int = 0,
) -> Schedule:
    """Run frames through a plan, as :meth:`PlanSimulator.run` says."""
    return PlanSimulator(plan).run(frames, depths=depths, pace_cycles=pace_cycles)


class PlanSimulator:
    """The automata of a plan; for several runs.

    ``least_room``: pipelines, which hold as many words as they have stages unless bubbles came between, hold one. What
    does not stop for ever then never does, whenever words come and go: the schedule of blocks that wait for all they
    need and for room depends on time in nothing but the bubbles.
    """

    def __init__(self, plan: Plan, *, least_room: bool = False) -> None:
        self.plan = plan
        self.visits = 0
        """What all runs took together."""
        self.chains = {stage.name: automata(stage.block) for stage in plan.stages}
        if least_room:
            self.chains = {name: tuple(map(_of_one_stage, chain)) for name, chain in self.chains.items()}

    def run(
        self,
        frames: int | None = None,
        *,
        depths: Mapping[str, int | None] | None = None,
        pace_cycles: int = 0,
    ) -> Schedule:
        """Run ``frames`` frames through the plan, or as many as it takes until the schedule repeats itself.

        Words are always there at the input and always taken at the output; with ``pace_cycles``, frame n is not
        offered before cycle n * pace_cycles. ``depths`` gives FIFOs other depths, by the wire behind them: None is
        endless, 0 takes the FIFO out; a wire without a FIFO gets one (of one cycle of latency, as all).

        Raises ValueError for a wire that the plan does not have.
        """
        if frames is not None and frames < 1:
            raise ValueError(f"frames={frames} must be at least 1")
        netlist = _netlist(self.plan, self.chains, depths or {})
        schedule = _run(self.plan, netlist, frames, pace_cycles, most_frames=0)
        self.visits += schedule.visits
        return schedule

    def at_pace(
        self,
        pace_cycles: int,
        *,
        depths: Mapping[str, int | None] | None = None,
        most_frames: int,
        flooded: bool = False,
    ) -> Schedule | None:
        """Return the schedule if it takes a frame every ``pace_cycles`` cycles, and repeats itself so, or None.

        That must have shown when ``most_frames`` frames are in: a plan that is too slow may repeat itself late. Frames
        are offered at that pace, or, where it is ``flooded``, as soon as they are taken.
        """
        netlist = _netlist(self.plan, self.chains, depths or {})
        offered = 0 if flooded else pace_cycles
        schedule = _run(self.plan, netlist, None, offered, most_frames=most_frames)
        self.visits += schedule.visits
        return schedule if schedule.repeats and schedule.cycles_per_frame == pace_cycles else None


def _of_one_stage(automaton: Automaton) -> Automaton:
    return replace(automaton, depth=1) if isinstance(automaton, (Pipeline, Store)) else automaton


def _run(
    plan: Plan, netlist: _Netlist, frames: int | None, pace_cycles: int, *, most_frames: int
) -> Schedule:
    from tailrace.planning.streams import kernel as engine  # noqa: PLC0415 - numba takes a third of a second to import

    words_in, words_out = plan.wires[plan.input].words, plan.wires[plan.output].words
    image = _Image(netlist, words_in, words_out)
    kept = frames or max(2, min(MOST_FRAMES, MOST_WORDS // words_out))
    output_cycles = np.zeros(kept * words_out, np.int64)
    period = np.zeros(0 if frames else engine.PERIOD_ENTRIES, np.int64)
    settings = np.array(
        [len(netlist.units), len(image.wires), frames or engine.NEVER, pace_cycles, most_frames, 0], np.int64
    )
    result = engine.simulate(image.memory, settings, output_cycles, period)
    deadlock = None
    if result == engine.DEADLOCK:
        deadlock = _Diagnosis(netlist, image).find()
    done = image.entry(-1, engine.ARRIVED)
    ends = output_cycles[:done][words_out - 1 :: words_out]
    mean = None
    steady = np.diff(ends)[max(0, min(len(ends) // 2, len(ends) - 2)) :]
    if result == engine.REPEATS:
        mark, end = int(period[engine.MARK_WORDS]), int(period[engine.END_WORDS])
        count = (end - mark) // words_out
        mean = Fraction(int(period[engine.END_CYCLE] - period[engine.MARK_CYCLE]), count)
        steady = _steady(ends, count, int(period[engine.END_CYCLE] - period[engine.MARK_CYCLE]))
    elif deadlock is None and len(steady):
        mean = Fraction(int(steady.sum()), len(steady))
    wires = {name: image.wire_schedule(netlist.alias.get(name, name)) for name in plan.wires}
    begin = wires[plan.input].first_cycle
    return Schedule(
        interval_cycles=int(steady.max()) if len(steady) and deadlock is None else None,
        cycles_per_frame=mean,
        latency_cycles=int(ends[0]) - begin + 1 if len(ends) and begin is not None else None,
        output_cycles=output_cycles[: len(ends) * words_out].reshape(-1, words_out),
        wires=wires,
        held={name: image.entry(unit, engine.PEAK) for name, unit in netlist.queues.items()},
        repeats=result == engine.REPEATS,
        deadlock=deadlock,
        visits=int(settings[engine.VISITS]),
    )


def _steady(ends: Integers, count: int, cycles: int) -> Integers:
    """Return the distances of the ends of ``count`` frames, which repeat every ``cycles`` cycles."""
    last = ends[-count:]
    distances: Integers = np.diff(np.r_[last, last[0] + cycles])
    return distances


def _netlist(
    plan: Plan, chains: Mapping[str, tuple[Automaton, ...]], depths: Mapping[str, int | None]
) -> _Netlist:
    unknown = sorted(set(depths) - set(plan.wires))
    if unknown:
        raise ValueError(f"the plan has no wire {unknown[0]}")
    netlist = _Netlist()
    behind: dict[str, str] = {}  # the wire that readers of a wire of the plan are joined to

    def drive(wire: str, *, has_fifo: bool) -> None:
        """Put a FIFO on a wire that has none and is to have one."""
        behind[wire] = behind.get(wire, wire)
        depth = depths.get(wire, 0)
        if not has_fifo and depth != 0:
            entry, behind[wire] = behind[wire], f"{wire} behind its FIFO"
            netlist.queues[wire] = len(netlist.units)
            queue = Queue(depth=_endless(depth))
            netlist.units.append(
                _Unit(name=f"FIFO on {wire}", automaton=queue, inputs=(entry,), outputs=(behind[wire],))
            )

    netlist.units.append(_Unit(name="input", automaton=None, inputs=(), outputs=(plan.input,)))
    drive(plan.input, has_fifo=False)
    for stage in plan.stages:
        chain = chains[stage.name]
        is_fifo = isinstance(stage.block, Fifo)
        if is_fifo and stage.outputs[0] in depths:
            depth = depths[stage.outputs[0]]
            if depth == 0:
                behind[stage.outputs[0]] = netlist.alias[stage.outputs[0]] = behind[stage.inputs[0]]
                continue
            chain = (Queue(depth=_endless(depth)),)
        if is_fifo:
            netlist.queues[stage.outputs[0]] = len(netlist.units)
        entries = tuple(behind[wire] for wire in stage.inputs)
        for index, automaton in enumerate(chain):
            last = index == len(chain) - 1
            outputs = stage.outputs if last else (f"{stage.name} part {index}",)
            netlist.units.append(_Unit(name=stage.name, automaton=automaton, inputs=entries, outputs=outputs))
            entries = outputs
        for wire in stage.outputs:
            drive(wire, has_fifo=is_fifo)
    netlist.units.append(_Unit(name="output", automaton=None, inputs=(behind[plan.output],), outputs=()))
    return netlist


def _endless(depth: int | None) -> int:
    from tailrace.planning.streams import kernel as engine  # noqa: PLC0415 - as in simulate

    return engine.NEVER if depth is None else depth


class _Image:
    """A netlist as the engine has it, in ``memory``; the places of its units, by name, and of its wires."""

    def __init__(self, netlist: _Netlist, words_in: int, words_out: int) -> None:
        from tailrace.planning.streams import kernel as engine  # noqa: PLC0415 - as in simulate

        self.engine = engine
        units, count = netlist.units, len(netlist.units)
        names = [wire for unit in units for wire in unit.outputs]
        self.units = [count + index * engine.UNIT_ENTRIES for index in range(count)]
        wires_begin = count + count * engine.UNIT_ENTRIES
        self.wires = {name: wires_begin + n * engine.WIRE_ENTRIES for n, name in enumerate(names)}
        programs_begin = wires_begin + len(names) * engine.WIRE_ENTRIES
        self.memory = np.zeros(programs_begin, np.int64)
        self.tail: list[Integers] = []
        self.end = programs_begin
        for index, unit in enumerate(units):
            place = self.units[index]
            entries = self._entries(unit, words_in, words_out)
            entries |= {engine.INDEX: index, engine.INPUT_COUNT: len(unit.inputs)}
            entries |= {engine.OUTPUT_COUNT: len(unit.outputs)}
            entries[engine.INPUTS] = self._append(np.array([self.wires[w] for w in unit.inputs], np.int64))
            entries[engine.OUTPUTS] = self._append(np.array([self.wires[w] for w in unit.outputs], np.int64))
            for entry, value in entries.items():
                self.memory[place + entry] = value
            for wire in unit.inputs:
                self.memory[self.wires[wire] + engine.CONSUMER] = index
            for wire in unit.outputs:
                self.memory[self.wires[wire] + engine.PRODUCER] = index
        self.memory[self.wires[units[0].outputs[0]] + engine.VALID] = 1
        self.memory[self.wires[units[-1].inputs[0]] + engine.READY] = 1
        self.memory = np.concatenate([self.memory, *self.tail])

    def _append(self, values: Integers) -> int:
        """Put values behind all else; returns their place."""
        place = self.end
        self.tail.append(values.reshape(-1))
        self.end += values.size
        return place

    def _program(self, program: Program) -> tuple[int, int]:
        """Put a program behind all else; returns its place and its end."""
        rows = np.pad(program, ((0, 0), (0, self.engine.ROW_ENTRIES - program.shape[1])))
        return self._append(rows), self.end

    def _entries(self, unit: _Unit, words_in: int, words_out: int) -> dict[int, int]:
        """Return the entries of a unit that do not depend on its neighbours."""
        engine = self.engine
        match unit.automaton:
            case Pipeline(program=program, depth=depth):
                begin, end = self._program(program)
                return {
                    engine.KIND: engine.PIPELINE,
                    engine.DEPTH: depth,
                    **_started(engine, program, begin, end),
                }
            case Store(program=program, words=words, depth=depth, entry=entry):
                begin, end = self._program(program)
                entry = np.array([[words, 1]], np.int64) if entry is None else entry
                entry_begin, entry_end = self._program(entry)
                return {
                    engine.KIND: engine.STORE,
                    engine.DEPTH: depth,
                    engine.WORDS: words,
                    **_started(engine, program, begin, end),
                    engine.NEED: int(program[0, 1]),
                    engine.LIMIT: int(program[0, 3]),
                    engine.ENTRY_PROGRAM: entry_begin,
                    engine.ENTRY_PROGRAM_END: entry_end,
                    engine.ENTRY_RUN: entry_begin,
                    engine.ENTRY_LEFT: int(entry[0, 0]),
                }
            case Spread(program=program):
                begin, end = self._program(program)
                return {engine.KIND: engine.SPREAD, **_started(engine, program, begin, end)}
            case Queue(depth=depth, registered=registered):
                return {engine.KIND: engine.QUEUE, engine.DEPTH: depth, engine.REGISTERED: int(registered)}
            case Exchange(words=words):
                return {engine.KIND: engine.EXCHANGE, engine.WORDS: words}
        words = words_out if unit.inputs else words_in
        kind = engine.SINK if unit.inputs else engine.SOURCE
        return {engine.KIND: kind, engine.WORDS: words, engine.LEFT: words}

    def entry(self, unit: int, entry: int) -> int:
        """Return an entry of a unit's record."""
        return int(self.memory[self.units[unit] + entry])

    def wire_schedule(self, name: str) -> WireSchedule:
        """Return what happened on a wire."""
        engine, place = self.engine, self.wires[name]
        moved = int(self.memory[place + engine.MOVED])
        return WireSchedule(
            words=moved,
            first_cycle=int(self.memory[place + engine.FIRST]) if moved else None,
            last_cycle=int(self.memory[place + engine.LAST]) if moved else None,
            stalled_cycles=int(self.memory[place + engine.STALLED]),
        )


def _started(engine: ModuleType, program: Program, begin: int, end: int) -> dict[int, int]:
    """Return the entries of a unit that is at the begin of its program."""
    return {
        engine.PROGRAM: begin,
        engine.PROGRAM_END: end,
        engine.RUN: begin,
        engine.LEFT: int(program[0, 0]),
    }


class _Diagnosis:
    """Why a design that stands still does so: who waits for whom, followed until it closes to a cycle."""

    def __init__(self, netlist: _Netlist, image: _Image) -> None:
        self.netlist, self.image = netlist, image
        self.producer = {wire: unit for unit in netlist.units for wire in unit.outputs}
        self.consumer = {wire: unit for unit in netlist.units for wire in unit.inputs}

    def find(self) -> Deadlock:
        """Start at the output, which waits for a word."""
        path: list[
            tuple[str, bool, str]
        ] = []  # wire, whether the unit on it shall take (or give) a word, words
        wire, takes = self.netlist.units[-1].inputs[0], False
        seen: dict[tuple[str, bool], int] = {}
        while (wire, takes) not in seen:
            seen[wire, takes] = len(path)
            unit = self.consumer[wire] if takes else self.producer[wire]
            cause, cause_takes = self._cause(unit, wire, takes=takes)
            path.append((wire, takes, self._words(unit, wire, takes, cause, cause_takes)))
            wire, takes = cause, cause_takes
        circle = path[seen[wire, takes] :]
        full = [name for name, taking, _ in circle if taking]
        return Deadlock(wire=full[0] if full else wire, reason="; ".join(words for _, _, words in circle))

    def _cause(self, unit: _Unit, wire: str, *, takes: bool) -> tuple[str, bool]:
        """Return the wire that keeps ``unit`` from taking from (or giving to) ``wire``, and on which side it is."""
        blocked = [w for w in unit.outputs if w != wire and self._waits(w)]
        if blocked and (takes or isinstance(unit.automaton, Spread)):
            return blocked[0], True
        missing = [w for w in unit.inputs if w != wire and not self._offered(w)]
        if missing:
            return self._needed(unit, missing), False
        return (unit.inputs or unit.outputs)[0], False

    def _needed(self, unit: _Unit, missing: list[str]) -> str:
        """Return the input that the step of a pipeline takes from, of those that are missing."""
        if isinstance(unit.automaton, Pipeline):
            engine = self.image.engine
            run = self.image.entry(self.netlist.units.index(unit), engine.RUN)
            waits = int(self.image.memory[run + engine.STEP_WAITS])
            wanted = [w for port, w in enumerate(unit.inputs) if waits >> port & 1 and w in missing]
            return (wanted or missing)[0]
        return missing[0]

    def _words(self, unit: _Unit, wire: str, takes: bool, cause: str, cause_takes: bool) -> str:  # noqa: FBT001
        full = isinstance(unit.automaton, Queue) and takes
        does = f"takes no word of {wire}" if takes else f"has no word for {wire}"
        if full:
            held = self.image.entry(self.netlist.units.index(unit), self.image.engine.ARRIVED)
            does = f"takes no word of {wire}, it is full with {held}"
        other = self.consumer[cause] if cause_takes else self.producer[cause]
        return f"{unit.name} {does}, it waits for {other.name} to {'take' if cause_takes else 'send'} one"

    def _offered(self, wire: str) -> bool:
        return bool(self.image.memory[self.image.wires[wire] + self.image.engine.VALID])

    def _waits(self, wire: str) -> bool:
        ready = self.image.memory[self.image.wires[wire] + self.image.engine.READY]
        return self._offered(wire) and not ready
