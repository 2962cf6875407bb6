# SPDX-License-Identifier: Apache-2.0
"""Where the time goes: how much of a frame each instance works, waits for input, or waits for room behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.planning.streams.simulator import PlanSimulator

if TYPE_CHECKING:
    from tailrace.planning.plan import Instance, Plan

WARM_FRAMES = 4
"""Frames after which the pipeline is taken to be full, ..."""
FRAMES = 8
"""... and frames up to which is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What an instance does with the cycles of a frame; the three shares are 1 together.

    ``busy``: the cycles that it needs for a frame; ``waits_for_room``: it has a word to send that nobody takes;
    ``waits_for_input``: the rest.
    """

    name: str
    node: str
    busy: float
    waits_for_input: float
    waits_for_room: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The shares of all instances, in order, and the cycles of a frame that they are of."""

    cycles: float
    shares: tuple[Share, ...]

    @property
    def bottlenecks(self) -> tuple[Share, ...]:
        """The instances that wait least: they set the rate."""
        most = max(share.busy for share in self.shares)
        return tuple(share for share in self.shares if share.busy == most)

    def in_words(self) -> str:
        """Say in a sentence what sets the rate."""
        slow = self.bottlenecks
        layers = ", ".join(dict.fromkeys(share.node for share in slow))
        verb = "sets" if len({share.node for share in slow}) == 1 else "set"
        busy = slow[0].busy
        if busy > 1 - 1e-9:
            return f"{layers} {verb} the rate: busy in every cycle of a frame"
        return f"{layers} {verb} the rate: busy in {busy:.0%} of the cycles; for the rest the streams around it wait"


def timeline(plan: Plan) -> Timeline:
    """Return where the time goes once the pipeline is full, input always there and output always taken."""
    simulator = PlanSimulator(plan)
    warm, later = simulator.run(WARM_FRAMES), simulator.run(FRAMES)
    count = later.frames - warm.frames
    if count < 1 or later.deadlock:
        raise ValueError(f"the plan does not get through {FRAMES} frames")
    span = int(later.output_cycles[-1].max() - warm.output_cycles[-1].max())
    cycles = span / count

    def share(instance: Instance) -> Share:
        stalled = max(
            later.wires[wire].stalled_cycles - warm.wires[wire].stalled_cycles for wire in instance.outputs
        )
        busy = min(1.0, instance.block.interval_cycles / cycles)
        room = min(1.0 - busy, stalled / count / cycles)
        return Share(
            name=instance.name,
            node=instance.node or instance.name,
            busy=busy,
            waits_for_input=1.0 - busy - room,
            waits_for_room=room,
        )

    return Timeline(cycles=cycles, shares=tuple(share(instance) for instance in plan.instances))
