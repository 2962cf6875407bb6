# SPDX-License-Identifier: Apache-2.0
"""How deep the FIFOs of a plan are, and on which wires it needs one at all.

Where streams part and join again, or come in bursts, a block may have to wait for another although both are fast
enough, unless a FIFO between them holds some words. How many is found by trying: the stream simulator
(:mod:`tailrace.planning.streams.simulator`) runs the plan with FIFOs without end on all wires, which shows how many
words wait where; then every FIFO is made smaller as long as the plan stays as fast (or, where less is asked for, as
long as it does not stop for ever). What is left cannot shrink: any FIFO one word smaller would cost cycles.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Literal

from tailrace.blocks.fifo import Fifo
from tailrace.core.errors import MappingError
from tailrace.planning.plan import Instance, Plan
from tailrace.planning.streams.simulator import PlanSimulator, simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.blocks.base import Stream

    _Check = Callable[[Mapping[str, int], bool], Mapping[str, int] | None]

log = logging.getLogger(__name__)

FRAMES_TO_SETTLE = 6
"""A plan whose FIFOs are deep enough may take so many frames more, before it does the same again and again, than one
with endless FIFOs. A plan that has not settled by then is taken to be too slow."""

FRAMES_AT_FIRST = 1
"""The same for the first, rough part of a search: most plans settle at once, and waiting for the few others is left to
the end of the search, when nearly all depths are found."""

SIMULATIONS = 60
"""About how many simulations a search takes; only used to guess whether there is time for all."""

VISITS_AT_MOST = 250 * 10**6
"""After so many visits of the simulator to automata, about ten seconds, a search ends with the depths that it has."""

VISITS_FOR_SOME_ROWS = 30 * 10**6
"""The same for a search on some rows of an image, so that there is time to show that its depths do for all rows."""

LOOP_FRAMES = 24
"""Frames after which a plan with loops has shown its interval, where nothing but its blocks and loops holds it up."""

Goal = Literal["throughput", "deadlock-free"]


def size_fifos(plan: Plan, *, goal: Goal = "throughput", shorter: Plan | None = None) -> Plan:
    """Return the plan with the FIFOs that it needs, each as small as it can be.

    ``goal`` is what the FIFOs are for. "throughput": the plan is as fast as with endless FIFOs on all wires, which is
    as fast as its slowest block; wires that need a FIFO get one, and those that need none lose theirs.
    "deadlock-free": only the FIFOs that the plan has stay, so small that it just does not stop for ever. With either
    goal the plan never stops for ever, whenever words come at its input and are taken at its output.

    A search is bounded, to about ten seconds. Where frames are too long to try all depths in that time, it ends with
    depths that are enough, but perhaps not the smallest, and the plan gets a notice that says so. ``shorter``, if it is
    given, is the same plan for fewer rows of the image: the depths are then found on that, and one simulation of the
    whole plan shows that they are enough.

    Raises:
        MappingError: the plan stops for ever with any FIFOs, which is a fault of tailrace.

    """
    plan = _with_loops(plan)
    if shorter is not None and goal == "throughput":
        sized = _sized_like(plan, shorter)
        if sized is not None:
            return sized
    search = _searched(plan, goal, VISITS_AT_MOST)
    sized = with_depths(plan, search.depths)
    if search.slow:
        sized = replace(sized, fifo_interval_cycles=PlanSimulator(sized).run().interval_cycles or 1)
    if search.stopped:
        notice = "some FIFOs may be deeper than needed: frames are too long to try all depths"
        sized = replace(sized, notices=(*sized.notices, notice))
    return sized


def _with_loops(plan: Plan) -> Plan:
    """Return the plan with the interval that its loops leave: a frame waits for what the one before leaves."""
    if not any(instance.block.fed_back for instance in plan.instances):
        return plan
    depths = dict.fromkeys(_possible(plan))
    endless = simulate(plan, LOOP_FRAMES, depths=depths, pace_cycles=plan.interval_cycles)
    cycles = endless.interval_cycles or 1
    return replace(plan, fifo_interval_cycles=cycles) if cycles > plan.interval_cycles else plan


def _possible(plan: Plan) -> list[str]:
    """Return the wires on which FIFOs may stand: not those of loops, which they make longer, unless it has to be.

    Where streams join, words wait in front of a block that sends each several times, not behind it.
    """
    fifos = [instance.outputs[0] for instance in plan.instances if instance.block.fifo_depth]
    entries = {instance.inputs[0] for instance in plan.instances if instance.block.fifo_depth}
    joined = {wire for instance in plan.instances if len(instance.inputs) > 1 for wire in instance.inputs}
    copied = {wire for instance in plan.instances if instance.block.copies > 1 for wire in instance.outputs}
    closed = {*plan.outputs, *(joined & copied)}
    wires = [w for w in plan.wires if w not in closed and (w in fifos or w not in entries)]
    loops = _loops(plan)
    outside = [wire for wire in wires if wire not in loops]
    if not loops:
        return wires
    for least_room in (False, True):
        simulator = PlanSimulator(plan, least_room=least_room)
        if simulator.run(LOOP_FRAMES, depths=dict.fromkeys(outside)).deadlock is not None:
            return wires
    return outside


def _loops(plan: Plan) -> set[str]:
    """Return the wires through which something of a frame comes back to the next one."""
    found: set[str] = set()
    for end in plan.instances:
        for number in end.block.fed_back:
            ahead, behind = set(end.outputs), {end.inputs[number]}
            for instance in plan.instances:
                if not ahead.isdisjoint(instance.inputs):
                    ahead.update(instance.outputs)
            for instance in reversed(plan.instances):
                if not behind.isdisjoint(instance.outputs):
                    behind.update(instance.inputs)
            found |= ahead & behind
    return found


def _searched(plan: Plan, goal: Goal, visits_at_most: int) -> _Search:
    """Search for the depths of a plan; return the search, finished, or stopped after ``visits_at_most`` visits."""
    simulator = PlanSimulator(plan, least_room=goal == "deadlock-free")
    fifos = [instance.outputs[0] for instance in plan.instances if instance.block.fifo_depth]
    if goal == "throughput":
        wires = _possible(plan)
        search = _throughput_search(simulator, wires, visits_at_most)
    else:
        wires = fifos
        search = _deadlock_search(simulator, wires, visits_at_most)
    # FIFOs on wide wires shrink first, so that words wait on narrow ones where they can; if time is short, the FIFOs
    # with the most bits shrink first, so that most is won before it is over.
    short = SIMULATIONS * simulator.visits > visits_at_most
    size = {wire: plan.wires[wire].bits * (search.depths[wire] if short else 1) for wire in wires}
    order = sorted(wires, key=lambda wire: (-size[wire], wire))
    depths = search.smallest(order)
    if goal == "throughput":
        search = _for_any_words(search, order)
        depths = search.depths
    log.info(
        "FIFO depths: %s (%d simulations)",
        ", ".join(f"{wire} {depth}" for wire, depth in depths.items() if depth) or "none needed",
        search.simulations,
    )
    return search


def _sized_like(plan: Plan, shorter: Plan) -> Plan | None:
    """Return ``plan`` with the depths found for ``shorter``, or None where these are not enough for all rows."""
    search = _searched(shorter, "throughput", VISITS_FOR_SOME_ROWS)
    simulator = PlanSimulator(plan)
    most_frames = search.filled + FRAMES_AT_FIRST
    run = simulator.at_pace(plan.interval_cycles, depths=search.depths, most_frames=most_frames)
    if run is None:
        log.info("the depths for fewer rows are not enough")
        return None
    notice = (
        "FIFO depths are the smallest for some rows of the image, and shown to be enough for all; "
        "a few may be deeper than needed"
    )
    sized = with_depths(plan, {wire: run.held.get(wire, 0) for wire in search.depths})
    return replace(sized, notices=(*sized.notices, notice))


def with_depths(plan: Plan, depths: Mapping[str, int]) -> Plan:
    """Return the plan with FIFOs of other depths, by the wire behind each.

    A depth of 0 takes the FIFO out; a wire without a FIFO gets one. FIFOs that ``depths`` does not name stay.
    """
    instances: list[Instance] = []
    wires: dict[str, Stream] = {}
    behind: dict[str, str] = {}

    def put(wire: str, instance: Instance | None) -> None:
        """Let a wire be read, behind a FIFO if it is to have one; ``instance`` is the FIFO that drives it, if any."""
        depth = depths.get(wire, instance.block.fifo_depth if instance else 0)
        if instance is not None:
            entry = behind[instance.inputs[0]]
            if depth == 0:
                behind[wire] = entry
                return
            behind[wire] = wire
            wires[wire] = plan.wires[wire]
            block = Fifo(stream=plan.wires[wire], depth=depth)
            instances.append(replace(instance, block=block, inputs=(entry,)))
            return
        wires[wire] = plan.wires[wire]
        behind[wire] = wire
        if depth:
            name = f"{wire}_fifo"
            behind[wire] = f"{name}_out"
            wires[behind[wire]] = plan.wires[wire]
            producer = plan.producer(wire)
            instances.append(
                Instance(
                    name=name,
                    block=Fifo(stream=plan.wires[wire], depth=depth),
                    node=producer.node if producer else plan.graph.inputs[plan.inputs.index(wire)],
                    inputs=(wire,),
                    outputs=(behind[wire],),
                )
            )

    for wire in plan.inputs:
        put(wire, None)
    for instance in plan.instances:
        if instance.block.fifo_depth:
            put(instance.outputs[0], instance)
            continue
        instances.append(replace(instance, inputs=tuple(behind.get(wire, wire) for wire in instance.inputs)))
        for wire in instance.outputs:
            put(wire, None)
    for place, instance in enumerate(instances):  # what ends a loop was there before the wire that it reads
        ends = [behind[w] if n in instance.block.fed_back else w for n, w in enumerate(instance.inputs)]
        instances[place] = replace(instance, inputs=tuple(ends))
    return replace(
        plan, instances=tuple(instances), wires=wires, outputs=tuple(behind[wire] for wire in plan.outputs)
    )


@dataclass(kw_only=True, eq=False)
class _Search:
    """Makes FIFOs smaller, one after the other, as long as their depths are enough.

    Whether they are, ``is_good(depths, patient)`` says: it returns the most words that each FIFO held, or None where
    the depths are too small. A patient check may take longer and finds all depths that are enough; one that is not
    patient may take a few of them to be too small.
    """

    is_good: _Check
    depths: dict[str, int]
    """The smallest depths found so far that are enough, by wire; 0 is no FIFO."""
    simulator: PlanSimulator
    visits_at_most: int
    """After so many visits of the simulator the search keeps what it has."""
    filled: int = 0
    """How many frames are in the design, or partly so, when the first one is out."""
    most: Mapping[str, int] = field(default_factory=dict)
    """The most words that endless FIFOs held, by wire."""
    stopped: bool = False
    """Whether the time was over before all depths were tried."""
    slow: bool = False
    """Whether words that come faster than the interval might cost cycles: no depths were found that rule it out."""
    patient: bool = False
    """Whether checks are patient by now."""
    simulations: int = 0
    """How many depths were checked."""

    def _tries(self, **changed: int) -> bool:
        """Try other depths for the wires ``changed``; if they are enough, keep of each what was held, and say so."""
        if self.simulations and self.simulator.visits >= self.visits_at_most:
            self.stopped = True
            return False
        self.simulations += 1
        held = self.is_good({**self.depths, **changed}, self.patient)
        if held is None:
            return False
        self.depths = {wire: held.get(wire, 0) for wire in self.depths}
        return True

    def smallest(self, order: Sequence[str]) -> dict[str, int]:
        """Return depths of which none can be smaller while the others stay; FIFOs shrink in ``order``."""
        # Where never more than one word waited, hardly any FIFO is needed: most go at once.
        self._remove([wire for wire in order if self.depths[wire] == 1])
        for wire in order:
            if self.depths[wire]:
                self._tries(**{wire: 0})
        self._shrink_all(order)
        self.patient = True
        before = None
        while before != self.depths:
            before = dict(self.depths)
            self._shrink_all(order)
        return self.depths

    def _remove(self, wires: Sequence[str]) -> None:
        """Take out as many of these FIFOs as possible: all at once, or else first the one half and then the other."""
        if not wires or self._tries(**dict.fromkeys(wires, 0)):
            return
        if len(wires) > 1:
            half = len(wires) // 2
            self._remove(wires[:half])
            self._remove(wires[half:])

    def _shrink_all(self, order: Sequence[str]) -> None:
        """Make every FIFO as small as it can be while the others stay, one after the other."""
        for wire in order:
            if self.depths[wire]:
                self._shrink(wire)

    def _shrink(self, wire: str) -> None:
        """Find the smallest depth of one FIFO: by steps of 1, 8, 64, ... words less, then by bisection.

        The steps begin small because what a FIFO held is often just what it has to hold.
        """
        too_small, step, found = 0 if not self.patient else -1, 1, False
        while self.depths[wire] - too_small > 1:
            middle = (self.depths[wire] + too_small) // 2
            less = middle if found else max(self.depths[wire] - step, middle)
            if self._tries(**{wire: less}):
                step *= 8
            else:
                too_small, found = less, True


def _throughput_search(simulator: PlanSimulator, wires: Sequence[str], visits_at_most: int) -> _Search:
    """Return the search for throughput; it begins with what endless FIFOs hold when frames come at the interval.

    Depths are good where the plan takes a frame every interval, for ever.
    """
    pace = simulator.plan.interval_cycles
    endless = simulator.run(depths=dict.fromkeys(wires), pace_cycles=pace)
    if endless.deadlock is not None or endless.cycles_per_frame is None:
        raise _stops(simulator, str(endless.deadlock))
    if endless.cycles_per_frame > pace:
        log.warning("%s cycles a frame, although no block needs more than %d", endless.cycles_per_frame, pace)
        pace = ceil(endless.cycles_per_frame)
    plan = simulator.plan
    filled = max(-(-endless.wires[wire].words // plan.wires[wire].words) for wire in plan.inputs)

    def is_good(depths: Mapping[str, int], patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        most_frames = filled + (FRAMES_TO_SETTLE if patient else FRAMES_AT_FIRST)
        run = simulator.at_pace(pace, depths=depths, most_frames=most_frames)
        return run.held if run else None

    return _Search(
        is_good=is_good,
        depths={wire: endless.held[wire] for wire in wires},
        simulator=simulator,
        visits_at_most=visits_at_most,
        filled=filled,
        most={wire: endless.held[wire] for wire in wires},
    )


def _for_any_words(found: _Search, order: Sequence[str]) -> _Search:
    """Deepen the FIFOs that ``found`` has, where words that come at other times than expected need that.

    The search before assumed that a frame comes every interval. Words may come sooner, as soon as they are taken: then
    they leave other gaps in the pipelines, which may cost cycles. Where there are depths at which they do not, these
    are taken. And words may come or be taken with gaps: then a pipeline may hold a single word, and a plan with
    branches may stop for ever. Depths at which it does not are always found.
    """
    plan, floor = found.simulator.plan, found.depths
    pace = plan.interval_cycles
    least = PlanSimulator(plan, least_room=True)
    branches = len(plan.outputs) > 1 or any(len(instance.inputs) > 1 for instance in plan.instances)

    def flooded(depths: Mapping[str, int], patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        frames = found.filled + (FRAMES_TO_SETTLE if patient else FRAMES_AT_FIRST)
        run = found.simulator.at_pace(pace, depths=depths, most_frames=frames, flooded=True)
        return run.held if run else None

    def with_gaps(depths: Mapping[str, int], _patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        if not branches:
            return {}
        run = least.run(depths=depths)
        return run.held if run.deadlock is None else None

    def all_of(*checks: _Check) -> _Check:
        def is_good(depths: Mapping[str, int], patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
            if any(depths[wire] < floor[wire] for wire in floor):
                return None
            needed = dict(floor)
            for check in checks:
                held = check(depths, patient)
                if held is None:
                    return None
                needed = {wire: max(words, held.get(wire, 0)) for wire, words in needed.items()}
            return {wire: min(words, depths[wire]) for wire, words in needed.items()}

        return is_good

    both = all_of(flooded, with_gaps)
    if both(floor, True) is not None:  # noqa: FBT003
        return found
    alone = least.run(1, depths=dict.fromkeys(floor)).held
    enough = {wire: max(floor[wire], alone[wire]) for wire in floor}
    deep = {wire: max(enough[wire], found.most[wire]) for wire in floor}
    for is_good, start in ((both, enough), (both, deep), (all_of(with_gaps), enough)):
        held = is_good(start, True)  # noqa: FBT003
        if held is not None:
            search = replace(
                found, is_good=is_good, depths=dict(held), patient=False, slow=is_good is not both
            )
            search.smallest(order)
            return search
    raise _stops(found.simulator, "with words that come in gaps")


def _deadlock_search(simulator: PlanSimulator, wires: Sequence[str], visits_at_most: int) -> _Search:
    """Return the search for FIFOs that just do not stop for ever; it begins with what endless ones hold."""
    alone = simulator.run(1, depths=dict.fromkeys(wires))
    if alone.deadlock is not None:
        raise _stops(simulator, str(alone.deadlock))

    def is_good(depths: Mapping[str, int], _patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        run = simulator.run(depths=depths)
        return run.held if run.deadlock is None else None

    return _Search(
        is_good=is_good,
        depths={wire: alone.held[wire] for wire in wires},
        simulator=simulator,
        visits_at_most=visits_at_most,
    )


def _stops(simulator: PlanSimulator, reason: str) -> MappingError:
    """Return the error for a plan that no FIFOs keep from stopping for ever."""
    return MappingError(
        f"the design stops for ever, with any FIFOs: {reason}",
        where=simulator.plan.name,
        hint="this is a fault of tailrace; please report it with the network",
    )
