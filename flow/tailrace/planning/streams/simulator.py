# SPDX-License-Identifier: Apache-2.0
"""The stream simulator: when every word of a plan moves, to the cycle, without data and without Verilog.

No block looks at its data to decide when to move. So it is enough to know, of every block, when it can take a word and
when it has one to send: its schedule, a network of small automata (:mod:`tailrace.blocks.automata`). This module joins
the schedules of all instances of a plan, runs frames through them, and reads off the interval, the latency, how full
each FIFO gets, where words wait, and whether the design stops for ever, and why.

The inner loop is compiled (:mod:`tailrace.planning.streams.kernel`); it works on one array of integers, which
:class:`_Image` writes and reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.automata import Exchange, Pipeline, Queue, Schedule, Spread, Store, in_a_row
from tailrace.blocks.base import stream_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from tailrace.blocks.automata import Automaton, Program
    from tailrace.planning.plan import Instance, Plan

Integers = NDArray[np.int64]

MOST_FRAMES = 128
"""Frames after which a schedule that does not repeat itself is taken as it is."""

MOST_WORDS = 1 << 25
"""At most so many words that leave are remembered with their cycle, where the number of frames is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRun:
    """What happened on one wire: how many words moved, and in which cycles the first and the last did (None: none did).

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
class Run:
    """What a simulation showed. Cycle n is the one that ends with clock edge n after reset, the first being edge 0.

    ``output_cycles``: (frames, words), the cycles in which the words of the complete frames left the design; the words
    of several outputs stand one output after the other.
    ``interval_cycles``: the most cycles between the ends of two frames, once the design does the same again and again;
    where it never did within the frames simulated, in the second half of them. ``cycles_per_frame`` is the mean of the
    same. ``latency_cycles``: from the cycle that takes the first word in to the one that takes the first frame's last
    word out, both counted. These three are None where too few frames came out.
    ``wires``: what happened on each wire of the plan. ``held``: the most words that were ever in each FIFO, by the wire
    behind it. ``repeats``: whether the design was seen to do the same again and again, so that it goes on like that
    for ever. ``deadlock``: why it stopped for ever, if it did. ``visits``: how often the simulation had to look at an
    automaton, which is the time that it took.
    """

    interval_cycles: int | None
    cycles_per_frame: Fraction | None
    latency_cycles: int | None
    output_cycles: Integers
    wires: Mapping[str, WireRun]
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
    """An automaton between wires; ``automaton`` is None for a source and a sink, whose frames have ``words`` words."""

    name: str
    automaton: Automaton | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    words: int = 0


@dataclass(kw_only=True, eq=False)
class _Netlist:
    """The automata of all instances, joined by wires; each behind those it reads, sources first, sinks last."""

    units: list[_Unit] = field(default_factory=list)
    alias: dict[str, str] = field(default_factory=dict)
    """For a wire that is gone, because the FIFO in front of it was taken out: the wire that takes its place."""
    queues: dict[str, int] = field(default_factory=dict)
    """For each FIFO, by the wire of the plan behind it, the number of its unit."""


def simulate(
    plan: Plan,
    frames: int | None = None,
    *,
    depths: Mapping[str, int | None] | None = None,
    pace_cycles: int = 0,
) -> Run:
    """Run frames through a plan once; see :meth:`PlanSimulator.run`."""
    return PlanSimulator(plan).run(frames, depths=depths, pace_cycles=pace_cycles)


class PlanSimulator:
    """The schedules of a plan's instances, ready for several runs with other FIFOs or other input.

    With ``least_room`` every pipeline is simulated as if it had one register. A pipeline of five registers holds five
    words if they come without gaps, but only one if each comes late, so how much it holds depends on when words come.
    A design that does not stop for ever with the least room in all pipelines does not stop whenever words come and go.
    """

    def __init__(self, plan: Plan, *, least_room: bool = False) -> None:
        self.plan = plan
        self.visits = 0
        """The visits of all runs together."""
        self.schedules = {instance.name: instance.block.schedule() for instance in plan.instances}
        if least_room:
            self.schedules = {name: _with_least_room(schedule) for name, schedule in self.schedules.items()}

    def run(
        self,
        frames: int | None = None,
        *,
        depths: Mapping[str, int | None] | None = None,
        pace_cycles: int = 0,
    ) -> Run:
        """Run ``frames`` frames through the plan, or as many as it takes until it does the same again and again.

        There is always a word at the input, and words are always taken at the output; with ``pace_cycles``, frame n is
        not offered before cycle n * pace_cycles. ``depths`` gives FIFOs other depths, by the wire behind them: None is
        endless, 0 takes the FIFO out. A wire that has no FIFO gets one of that depth (and of one cycle of latency, as
        all FIFOs).

        Raises ValueError for a wire that the plan does not have.
        """
        if frames is not None and frames < 1:
            raise ValueError(f"frames={frames} must be at least 1")
        netlist = _netlist(self.plan, self.schedules, depths or {})
        run = _run(self.plan, netlist, frames, pace_cycles, most_frames=0)
        self.visits += run.visits
        return run

    def at_pace(
        self,
        pace_cycles: int,
        *,
        depths: Mapping[str, int | None] | None = None,
        most_frames: int,
        flooded: bool = False,
    ) -> Run | None:
        """Return the run if the plan takes a frame every ``pace_cycles`` cycles for ever, or None.

        That must have shown by the time that ``most_frames`` frames are in, because a plan that is too slow may take
        very long to do the same again. Frames are offered at that pace or, ``flooded``, as soon as they are taken.
        """
        netlist = _netlist(self.plan, self.schedules, depths or {})
        offered = 0 if flooded else pace_cycles
        run = _run(self.plan, netlist, None, offered, most_frames=most_frames)
        self.visits += run.visits
        return run if run.repeats and run.cycles_per_frame == pace_cycles else None


def _with_least_room(schedule: Schedule) -> Schedule:
    """Return the schedule with all its pipelines cut to one register."""
    parts = tuple(
        replace(part, automaton=replace(part.automaton, depth=1))
        if isinstance(part.automaton, (Pipeline, Store))
        else part
        for part in schedule.parts
    )
    return replace(schedule, parts=parts)


def _run(plan: Plan, netlist: _Netlist, frames: int | None, pace_cycles: int, *, most_frames: int) -> Run:
    """Simulate a netlist, and read off what it shows; the arguments are those of :class:`PlanSimulator`'s methods."""
    from tailrace.planning.streams import kernel  # noqa: PLC0415 - numba takes a third of a second to import

    words = [plan.wires[wire].words for wire in plan.outputs]
    kept = frames or max(2, min(MOST_FRAMES, MOST_WORDS // sum(words)))
    image = _Image(netlist, kept)
    output_cycles = np.zeros(kept * sum(words), np.int64)
    period = np.zeros(0 if frames else kernel.PERIOD_ENTRIES, np.int64)
    ends = [len(plan.inputs), len(plan.outputs)]
    counts = [len(netlist.units), len(image.wires), frames or kernel.NEVER, pace_cycles, most_frames, 0]
    settings = np.array([*counts, *ends], np.int64)
    result = kernel.simulate(image.memory, settings, output_cycles, period)
    deadlock = None
    if result == kernel.DEADLOCK:
        deadlock = _Diagnosis(netlist, image).find()
    done = min(image.entry(unit - len(words), kernel.ARRIVED) // n for unit, n in enumerate(words))
    firsts = np.cumsum([0, *words]) * kept
    left = [
        output_cycles[first : first + done * n].reshape(done, n)
        for first, n in zip(firsts, words, strict=False)
    ]
    # Each output by itself: its frames may end before those of the others.
    last = np.stack([cycles[:, -1] for cycles in left], axis=1)
    mean = None
    steady = np.diff(last, axis=0)[max(0, min(done // 2, done - 2)) :]
    if result == kernel.REPEATS:
        mark, end = int(period[kernel.MARK_WORDS]), int(period[kernel.END_WORDS])
        count = (end - mark) // words[0]
        mean = Fraction(int(period[kernel.END_CYCLE] - period[kernel.MARK_CYCLE]), count)
        steady = _steady(last, count, int(period[kernel.END_CYCLE] - period[kernel.MARK_CYCLE]))
    elif deadlock is None and len(steady):
        mean = max(Fraction(int(cycles), len(steady)) for cycles in steady.sum(axis=0))
    wires = {name: image.wire_run(netlist.alias.get(name, name)) for name in plan.wires}
    begin = min((c for wire in plan.inputs if (c := wires[wire].first_cycle) is not None), default=None)
    return Run(
        interval_cycles=int(steady.max()) if len(steady) and deadlock is None else None,
        cycles_per_frame=mean,
        latency_cycles=int(last[0].max()) - begin + 1 if done and begin is not None else None,
        output_cycles=np.concatenate(left, axis=1),
        wires=wires,
        held={name: image.entry(unit, kernel.PEAK) for name, unit in netlist.queues.items()},
        repeats=result == kernel.REPEATS,
        deadlock=deadlock,
        visits=int(settings[kernel.VISITS]),
    )


def _steady(ends: Integers, count: int, cycles: int) -> Integers:
    """Return the cycles between the ends (frames, outputs) of the last ``count`` frames, a period that repeats itself.

    The period has so many ``cycles``.
    """
    last = ends[-count:]
    distances: Integers = np.diff(np.concatenate([last, last[:1] + cycles]), axis=0)
    return distances


def _netlist(plan: Plan, schedules: Mapping[str, Schedule], depths: Mapping[str, int | None]) -> _Netlist:
    """Join the schedules of all instances, with FIFOs of other ``depths``."""
    unknown = sorted(set(depths) - set(plan.wires))
    if unknown:
        raise ValueError(f"the plan has no wire {unknown[0]}")
    netlist = _Netlist()
    behind: dict[
        str, str
    ] = {}  # what the reader of a wire of the plan reads: the wire, or what a FIFO makes of it

    def drive(wire: str, *, has_fifo: bool) -> None:
        """Let a wire be read; if ``depths`` wants a FIFO on it and it has none (``has_fifo``), behind a new one."""
        behind[wire] = behind.get(wire, wire)
        depth = depths.get(wire, 0)
        if not has_fifo and depth != 0:
            entry, behind[wire] = behind[wire], f"{wire} behind its FIFO"
            netlist.queues[wire] = len(netlist.units)
            queue = Queue(depth=_endless(depth))
            netlist.units.append(
                _Unit(name=f"FIFO on {wire}", automaton=queue, inputs=(entry,), outputs=(behind[wire],))
            )

    for port in plan.input_ports:
        name, words = f"input {port.label}".rstrip(), port.stream.words
        netlist.units.append(_Unit(name=name, automaton=None, inputs=(), outputs=(port.wire,), words=words))
    for wire in plan.inputs:
        drive(wire, has_fifo=False)
    for instance in plan.instances:
        schedule = schedules[instance.name]
        is_fifo = instance.block.fifo_depth > 0
        if is_fifo and instance.outputs[0] in depths:
            depth = depths[instance.outputs[0]]
            if depth == 0:
                behind[instance.outputs[0]] = netlist.alias[instance.outputs[0]] = behind[instance.inputs[0]]
                continue
            schedule = in_a_row(Queue(depth=_endless(depth)))
        if is_fifo:
            netlist.queues[instance.outputs[0]] = len(netlist.units)
        entries = tuple(behind.get(wire, wire) for wire in instance.inputs)  # a loop's wire is driven later
        _check_ends(instance, schedule)
        ends = {
            **dict(zip(schedule.inputs, entries, strict=True)),
            **dict(zip(schedule.outputs, instance.outputs, strict=True)),
        }
        for part in schedule.parts:
            inputs, outputs = (
                tuple(ends.get(name, f"{name} of {instance.name}") for name in names)
                for names in (part.inputs, part.outputs)
            )
            netlist.units.append(
                _Unit(name=instance.name, automaton=part.automaton, inputs=inputs, outputs=outputs)
            )
        for wire in instance.outputs:
            drive(wire, has_fifo=is_fifo)
    for number, unit in enumerate(netlist.units):
        if _ends_loop(unit):
            entries = tuple(behind.get(wire, wire) for wire in unit.inputs)
            netlist.units[number] = replace(unit, inputs=entries)
    for port in plan.output_ports:
        name, words = f"output {port.label}".rstrip(), port.stream.words
        entry = behind[port.wire]
        netlist.units.append(_Unit(name=name, automaton=None, inputs=(entry,), outputs=(), words=words))
    return netlist


def _ends_loop(unit: _Unit) -> bool:
    """Say whether a unit takes words that come from behind."""
    return isinstance(unit.automaton, Queue) and unit.automaton.words > 0


def _check_ends(instance: Instance, schedule: Schedule) -> None:
    """Raise ValueError where a schedule is not between the streams of the ports of its block."""
    block = instance.block
    wanted = stream_names(block.input_ports), stream_names(block.output_ports)
    if wanted != (schedule.inputs, schedule.outputs):
        raise ValueError(
            f"{instance.name}: the schedule of {block.name} is from {schedule.inputs} to {schedule.outputs}, "
            f"its streams are {wanted[0]} and {wanted[1]}"
        )


def _endless(depth: int | None) -> int:
    """Return a depth as the kernel has it, which knows None as a number that is never reached."""
    from tailrace.planning.streams import kernel  # noqa: PLC0415 - as in simulate

    return kernel.NEVER if depth is None else depth


class _Image:
    """A netlist as the kernel has it: one array of integers, ``memory``, with a record for each unit and each wire.

    ``units`` are the places of the units' records in the order of the netlist, ``wires`` those of the wires' by name.
    The cycles of the words of so many ``frames`` that leave are kept, one sink after the other.
    """

    def __init__(self, netlist: _Netlist, frames: int) -> None:
        from tailrace.planning.streams import kernel  # noqa: PLC0415 - as in simulate

        self.kernel = kernel
        units, count = netlist.units, len(netlist.units)
        names = [wire for unit in units for wire in unit.outputs]
        self.units = [count + index * kernel.UNIT_ENTRIES for index in range(count)]
        wires_begin = count + count * kernel.UNIT_ENTRIES
        self.wires = {name: wires_begin + n * kernel.WIRE_ENTRIES for n, name in enumerate(names)}
        programs_begin = wires_begin + len(names) * kernel.WIRE_ENTRIES
        self.memory = np.zeros(programs_begin, np.int64)
        self.tail: list[Integers] = []
        self.frames, self.kept = frames, 0
        self.end = programs_begin
        for index, unit in enumerate(units):
            place = self.units[index]
            entries = self._entries(unit)
            entries |= {kernel.INDEX: index, kernel.INPUT_COUNT: len(unit.inputs)}
            entries |= {kernel.OUTPUT_COUNT: len(unit.outputs)}
            entries[kernel.INPUTS] = self._append(np.array([self.wires[w] for w in unit.inputs], np.int64))
            entries[kernel.OUTPUTS] = self._append(np.array([self.wires[w] for w in unit.outputs], np.int64))
            for entry, value in entries.items():
                self.memory[place + entry] = value
            for wire in unit.inputs:
                self.memory[self.wires[wire] + kernel.CONSUMER] = index
            for wire in unit.outputs:
                self.memory[self.wires[wire] + kernel.PRODUCER] = index
        for unit in units:
            if not unit.inputs or _ends_loop(unit):
                self.memory[self.wires[unit.outputs[0]] + kernel.VALID] = 1
            if not unit.outputs:
                self.memory[self.wires[unit.inputs[0]] + kernel.READY] = 1
        self.memory = np.concatenate([self.memory, *self.tail])

    def _append(self, values: Integers) -> int:
        """Put values behind all else, and return their place."""
        place = self.end
        self.tail.append(values.reshape(-1))
        self.end += values.size
        return place

    def _program(self, program: Program) -> tuple[int, int]:
        """Put a program behind all else, and return where it begins and ends."""
        rows = np.pad(program, ((0, 0), (0, self.kernel.ROW_ENTRIES - program.shape[1])))
        return self._append(rows), self.end

    def _entries(self, unit: _Unit) -> dict[int, int]:
        """Return {entry: value} of what a unit is and how it begins, without its neighbours."""
        kernel = self.kernel
        match unit.automaton:
            case Pipeline(program=program, depth=depth):
                begin, end = self._program(program)
                return {
                    kernel.KIND: kernel.PIPELINE,
                    kernel.DEPTH: depth,
                    **_started(kernel, program, begin, end),
                }
            case Store(program=program, words=words, depth=depth, entry=entry):
                begin, end = self._program(program)
                entry = np.array([[words, 1]], np.int64) if entry is None else entry
                entry_begin, entry_end = self._program(entry)
                return {
                    kernel.KIND: kernel.STORE,
                    kernel.DEPTH: depth,
                    kernel.WORDS: words,
                    **_started(kernel, program, begin, end),
                    kernel.NEED: int(program[0, 1]),
                    kernel.LIMIT: int(program[0, 3]),
                    kernel.ENTRY_PROGRAM: entry_begin,
                    kernel.ENTRY_PROGRAM_END: entry_end,
                    kernel.ENTRY_RUN: entry_begin,
                    kernel.ENTRY_LEFT: int(entry[0, 0]),
                }
            case Spread(program=program):
                begin, end = self._program(program)
                return {kernel.KIND: kernel.SPREAD, **_started(kernel, program, begin, end)}
            case Queue(depth=depth, words=words) if words:
                return {kernel.KIND: kernel.LOOP, kernel.DEPTH: depth, kernel.ARRIVED: words}
            case Queue(depth=depth, registered=registered):
                return {kernel.KIND: kernel.QUEUE, kernel.DEPTH: depth, kernel.REGISTERED: int(registered)}
            case Exchange(words=words):
                return {kernel.KIND: kernel.EXCHANGE, kernel.WORDS: words}
        words = unit.words
        ends = {kernel.KIND: kernel.SOURCE, kernel.WORDS: words, kernel.LEFT: words}
        if not unit.inputs:
            return ends
        begin, self.kept = self.kept, self.kept + self.frames * words
        return {**ends, kernel.KIND: kernel.SINK, kernel.FIRST_KEPT: begin, kernel.END_KEPT: self.kept}

    def entry(self, unit: int, entry: int) -> int:
        """Return one entry of a unit's record; -1 is the last unit, a sink."""
        return int(self.memory[self.units[unit] + entry])

    def wire_run(self, name: str) -> WireRun:
        """Return what happened on the wire ``name``."""
        kernel, place = self.kernel, self.wires[name]
        moved = int(self.memory[place + kernel.MOVED])
        return WireRun(
            words=moved,
            first_cycle=int(self.memory[place + kernel.FIRST]) if moved else None,
            last_cycle=int(self.memory[place + kernel.LAST]) if moved else None,
            stalled_cycles=int(self.memory[place + kernel.STALLED]),
        )


def _started(kernel: ModuleType, program: Program, begin: int, end: int) -> dict[int, int]:
    """Return {entry: value} of a unit that has not begun its program yet, which is from ``begin`` to ``end``."""
    return {
        kernel.PROGRAM: begin,
        kernel.PROGRAM_END: end,
        kernel.RUN: begin,
        kernel.LEFT: int(program[0, 0]),
    }


class _Diagnosis:
    """Why a design stands still: who waits for whom, followed from the output until it comes round in a circle."""

    def __init__(self, netlist: _Netlist, image: _Image) -> None:
        self.netlist, self.image = netlist, image
        self.producer = {wire: unit for unit in netlist.units for wire in unit.outputs}
        self.consumer = {wire: unit for unit in netlist.units for wire in unit.inputs}

    def find(self) -> Deadlock:
        """Follow the waiting from the output, which has no word, and return the circle that it ends in."""
        path: list[
            tuple[str, bool, str]
        ] = []  # wire, whether the unit on it shall take (or give) a word, words
        sinks = [unit.inputs[0] for unit in self.netlist.units if not unit.outputs]
        wire, takes = next((w for w in sinks if not self._offered(w)), sinks[0]), False
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
            kernel = self.image.kernel
            run = self.image.entry(self.netlist.units.index(unit), kernel.RUN)
            waits = int(self.image.memory[run + kernel.STEP_WAITS])
            wanted = [w for port, w in enumerate(unit.inputs) if waits >> port & 1 and w in missing]
            return (wanted or missing)[0]
        return missing[0]

    def _words(self, unit: _Unit, wire: str, takes: bool, cause: str, cause_takes: bool) -> str:  # noqa: FBT001
        """Say in words that ``unit`` does not take from (or give to) ``wire``, and what it waits for."""
        full = isinstance(unit.automaton, Queue) and takes
        does = f"takes no word of {wire}" if takes else f"has no word for {wire}"
        if full:
            held = self.image.entry(self.netlist.units.index(unit), self.image.kernel.ARRIVED)
            does = f"takes no word of {wire}, it is full with {held}"
        other = self.consumer[cause] if cause_takes else self.producer[cause]
        return f"{unit.name} {does}, it waits for {other.name} to {'take' if cause_takes else 'send'} one"

    def _offered(self, wire: str) -> bool:
        return bool(self.image.memory[self.image.wires[wire] + self.image.kernel.VALID])

    def _waits(self, wire: str) -> bool:
        ready = self.image.memory[self.image.wires[wire] + self.image.kernel.READY]
        return self._offered(wire) and not ready
