# SPDX-License-Identifier: Apache-2.0
"""FIFO depths from the stream simulator: the smallest at which the plan is as fast as with endless FIFOs everywhere."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Literal

from tailrace.blocks.fifo import Fifo
from tailrace.core.errors import MappingError
from tailrace.planning.plan import Plan, Stage
from tailrace.planning.streams.simulator import PlanSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.blocks.base import Stream

    _Check = Callable[[Mapping[str, int], bool], Mapping[str, int] | None]

log = logging.getLogger(__name__)

FRAMES_TO_SETTLE = 6
"""With FIFOs that are deep enough a schedule repeats itself at most so many frames later than with endless ones."""

SIMULATIONS = 60
"""That a search takes, more or less."""

FRAMES_AT_FIRST = 1
"""Most do so at once: only the last words of the search, which has the depths nearly, wait for the others."""

VISITS_AT_MOST = 250 * 10**6
"""Of the simulator to automata, about ten seconds of them: then the search ends with the depths that it has."""

VISITS_FOR_SOME_ROWS = 30 * 10**6
"""The same for the search on some rows of an image, which leaves time to show that the depths are enough for all."""

Goal = Literal["throughput", "deadlock-free"]


def size_fifos(plan: Plan, *, goal: Goal = "throughput", shorter: Plan | None = None) -> Plan:
    """Return the plan with the FIFOs it needs, as small as can be: none can shrink without a loss.

    Where a frame takes so long to simulate that the search would go on for more than some ten seconds, it ends with the
    depths that it has, which are no less right, and the plan gets a notice. With ``shorter``, the same plan for some
    rows of the image, the depths are found on that, and shown to be enough for the whole by one simulation.

    ``throughput``: the interval is that of endless FIFOs on all wires, which is that of the slowest block. Wires that
    need a FIFO get one, and those that need none lose theirs. ``deadlock-free``: the FIFOs that the plan has are made
    so small that it just does not stop for ever. With either it does not, whenever words come at the input and are
    taken at the output.

    Raises MappingError for a plan that stops for ever with any FIFOs.
    """
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


def _searched(plan: Plan, goal: Goal, visits_at_most: int) -> _Search:
    """Return the search for the depths of a plan, done, or stopped after so many visits to automata."""
    simulator = PlanSimulator(plan, least_room=goal == "deadlock-free")
    fifos = [stage.outputs[0] for stage in plan.stages if isinstance(stage.block, Fifo)]
    entries = {stage.inputs[0] for stage in plan.stages if isinstance(stage.block, Fifo)}
    if goal == "throughput":
        wires = [w for w in plan.wires if w != plan.output and (w in fifos or w not in entries)]
        search = _throughput_search(simulator, wires, visits_at_most)
    else:
        wires = fifos
        search = _deadlock_search(simulator, wires, visits_at_most)
    # Wide FIFOs first: what can wait on a narrow wire as well shall wait there. If time is short, large ones first.
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
    """Return the plan with the depths of a plan for fewer rows, or None where they are not enough for all rows."""
    search = _searched(shorter, "throughput", VISITS_FOR_SOME_ROWS)
    simulator = PlanSimulator(plan)
    most_frames = search.filled + FRAMES_AT_FIRST
    schedule = simulator.at_pace(plan.interval_cycles, depths=search.depths, most_frames=most_frames)
    if schedule is None:
        log.info("the depths for fewer rows are not enough")
        return None
    notice = (
        "FIFO depths are the smallest for some rows of the image, and shown to be enough for all; "
        "a few may be deeper than needed"
    )
    sized = with_depths(plan, {wire: schedule.held.get(wire, 0) for wire in search.depths})
    return replace(sized, notices=(*sized.notices, notice))


def with_depths(plan: Plan, depths: Mapping[str, int]) -> Plan:
    """Return the plan with other FIFOs, by the wire behind them; 0 takes one out, a wire without one gets one."""
    stages: list[Stage] = []
    wires: dict[str, Stream] = {}
    behind: dict[str, str] = {}

    def put(wire: str, stage: Stage | None) -> None:
        """Offer a wire to its reader, through a FIFO if it is to have one; ``stage`` is the FIFO that it has."""
        depth = depths.get(wire, stage.block.depth if stage and isinstance(stage.block, Fifo) else 0)
        if stage is not None:
            entry = behind[stage.inputs[0]]
            if depth == 0:
                behind[wire] = entry
                return
            behind[wire] = wire
            wires[wire] = plan.wires[wire]
            block = Fifo(stream=plan.wires[wire], depth=depth)
            stages.append(replace(stage, block=block, inputs=(entry,)))
            return
        wires[wire] = plan.wires[wire]
        behind[wire] = wire
        if depth:
            name = f"{wire}_fifo"
            behind[wire] = f"{name}_out"
            wires[behind[wire]] = plan.wires[wire]
            producer = plan.producer(wire)
            stages.append(
                Stage(
                    name=name,
                    block=Fifo(stream=plan.wires[wire], depth=depth),
                    node=producer.node if producer else plan.graph.input,
                    inputs=(wire,),
                    outputs=(behind[wire],),
                )
            )

    put(plan.input, None)
    for stage in plan.stages:
        if isinstance(stage.block, Fifo):
            put(stage.outputs[0], stage)
            continue
        stages.append(replace(stage, inputs=tuple(behind[wire] for wire in stage.inputs)))
        for wire in stage.outputs:
            put(wire, None)
    return replace(plan, stages=tuple(stages), wires=wires, output=behind[plan.output])


@dataclass(kw_only=True, eq=False)
class _Search:
    """Shrinks the depths of FIFOs as long as they do: ``is_good(depths, patient)`` then returns what they held.

    ``patient`` is to find all that do, and may take longer; without it, a few may be missed.
    """

    is_good: _Check
    depths: dict[str, int]
    simulator: PlanSimulator
    visits_at_most: int
    filled: int = 0
    """Frames that are in when the first is out."""
    most: Mapping[str, int] = field(default_factory=dict)
    """What endless FIFOs held."""
    stopped: bool = False
    slow: bool = False
    """Whether it is not sure that words that come sooner than the interval do no harm."""
    patient: bool = False
    simulations: int = 0

    def _tries(self, **changed: int) -> bool:
        """Take over other depths if they do, and no more than what was held with them."""
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
        """Return depths of which none can be smaller while the others stay as they are."""
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
        """Take out as many FIFOs as possible: all, or else the one half and then the other."""
        if not wires or self._tries(**dict.fromkeys(wires, 0)):
            return
        if len(wires) > 1:
            half = len(wires) // 2
            self._remove(wires[:half])
            self._remove(wires[half:])

    def _shrink_all(self, order: Sequence[str]) -> None:
        for wire in order:
            if self.depths[wire]:
                self._shrink(wire)

    def _shrink(self, wire: str) -> None:
        """Find the depth of one FIFO: by steps of 1, 8, 64, ... words less, then by bisection.

        What a FIFO held is often what it has to hold.
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
    """Return the search that begins with what endless FIFOs hold when frames come at the interval."""
    pace = simulator.plan.interval_cycles
    endless = simulator.run(depths=dict.fromkeys(wires), pace_cycles=pace)
    if endless.deadlock is not None or endless.cycles_per_frame is None:
        raise _stops(simulator, str(endless.deadlock))
    if endless.cycles_per_frame > pace:
        log.warning("%s cycles a frame, although no block needs more than %d", endless.cycles_per_frame, pace)
        pace = ceil(endless.cycles_per_frame)
    plan = simulator.plan
    filled = -(-endless.wires[plan.input].words // plan.wires[plan.input].words)

    def is_good(depths: Mapping[str, int], patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        most_frames = filled + (FRAMES_TO_SETTLE if patient else FRAMES_AT_FIRST)
        schedule = simulator.at_pace(pace, depths=depths, most_frames=most_frames)
        return schedule.held if schedule else None

    return _Search(
        is_good=is_good,
        depths={wire: endless.held[wire] for wire in wires},
        simulator=simulator,
        visits_at_most=visits_at_most,
        filled=filled,
        most={wire: endless.held[wire] for wire in wires},
    )


def _for_any_words(found: _Search, order: Sequence[str]) -> _Search:
    """Return the search for what more is needed when words do not come at the interval: sooner, or with gaps.

    Offered as soon as they are taken, they may leave other bubbles in the pipelines, and cost cycles: where there are
    depths at which they do not, these are found. With gaps, at the input or at the output, pipelines may hold a word
    only, and a plan with branches may stop for ever.
    """
    plan, floor = found.simulator.plan, found.depths
    pace = plan.interval_cycles
    least = PlanSimulator(plan, least_room=True)
    branches = any(len(stage.inputs) > 1 for stage in plan.stages)

    def flooded(depths: Mapping[str, int], patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        frames = found.filled + (FRAMES_TO_SETTLE if patient else FRAMES_AT_FIRST)
        schedule = found.simulator.at_pace(pace, depths=depths, most_frames=frames, flooded=True)
        return schedule.held if schedule else None

    def with_gaps(depths: Mapping[str, int], _patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        if not branches:
            return {}
        schedule = least.run(depths=depths)
        return schedule.held if schedule.deadlock is None else None

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
    """Return the search that begins with what endless FIFOs hold when frames come one by one."""
    alone = simulator.run(1, depths=dict.fromkeys(wires))
    if alone.deadlock is not None:
        raise _stops(simulator, str(alone.deadlock))

    def is_good(depths: Mapping[str, int], _patient: bool) -> Mapping[str, int] | None:  # noqa: FBT001
        schedule = simulator.run(depths=depths)
        return schedule.held if schedule.deadlock is None else None

    return _Search(
        is_good=is_good,
        depths={wire: alone.held[wire] for wire in wires},
        simulator=simulator,
        visits_at_most=visits_at_most,
    )


def _stops(simulator: PlanSimulator, reason: str) -> MappingError:
    return MappingError(
        f"the design stops for ever, with any FIFOs: {reason}",
        where=simulator.plan.name,
        hint="this is a fault of tailrace; please report it with the network",
    )
