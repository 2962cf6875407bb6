# SPDX-License-Identifier: Apache-2.0
"""Which designs of a sweep no other one beats, and which of these to measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.design.exploration.store import Contents, Estimate, Measurement

MEASURED = ("lut", "ff", "dsp", "bram18")


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A point with the best that is known of it: the cells of the last stage that counted them, the clock reached."""

    estimate: Estimate
    stages: Mapping[str, Measurement]
    accuracy: float | None

    def cells(self, kind: str) -> float | None:
        """The cells of a kind: placed, synthesized or, with neither, estimated."""
        for stage in ("place", "synthesize"):
            value = getattr(self.stages[stage], kind) if stage in self.stages else None
            if value is not None:
                return float(value)
        value = getattr(self.estimate, kind)
        return None if value is None else float(value)

    @property
    def stage(self) -> str:
        """The furthest stage that the design has passed."""
        passed = [stage for stage in ("simulate", "synthesize", "place") if stage in self.stages]
        return next((s for s in reversed(passed) if self.stages[s].state == "done"), "estimate")

    @property
    def wrong(self) -> bool:
        """Whether hardware and model disagreed, or a stage failed."""
        return any(found.state != "done" for found in self.stages.values())

    @property
    def clock(self) -> float:
        """The clock that the design runs at: the one asked for, or less where place and route reached less."""
        reached = self.stages["place"].fmax_mhz if "place" in self.stages else None
        return min(self.estimate.clock_mhz, reached) if reached else self.estimate.clock_mhz

    @property
    def fps(self) -> float | None:
        """Frames a second at that clock."""
        return None if self.estimate.fps is None else self.estimate.fps * self.clock / self.estimate.clock_mhz

    @property
    def latency_us(self) -> float | None:
        """Latency at that clock."""
        cycles = self.estimate.latency_cycles
        return None if cycles is None else cycles / self.clock

    def costs(self) -> tuple[float, ...]:
        """What should be small, figure by figure; what is not known is worst."""
        worst = float("inf")
        cells = [self.cells(kind) for kind in MEASURED if kind != "ff"]
        return (
            -(self.fps or 0.0),
            worst if self.latency_us is None else self.latency_us,
            *(worst if value is None else value for value in cells),
            -(self.accuracy or 0.0),
        )


def designs(contents: Contents, keys: Sequence[str] | None = None, data: str | None = None) -> list[Design]:
    """Return the planned points (of ``keys``, or all), with what was measured; accuracy on ``data``, or on any."""
    stages: dict[str, dict[str, Measurement]] = {}
    for found in contents.measurements:
        stages.setdefault(found.design, {})[found.stage] = found
    scores = {s.sha256: s.correct / s.total for s in contents.scores if data is None or s.data == data}
    wanted = None if keys is None else set(keys)
    return [
        Design(estimate=e, stages=stages.get(e.design or "", {}), accuracy=scores.get(e.sha256))
        for e in contents.estimates
        if e.state == "planned" and (wanted is None or e.key in wanted)
    ]


def front(found: Sequence[Design]) -> list[Design]:
    """Return the sound designs that fit and that no other of their family beats, one for equal hardware.

    One beats another if it is as good in every figure (rate, latency, LUTs, multipliers, block RAMs, accuracy) and
    better in one. LUTs of different families are different things.
    """
    sound: dict[str | None, Design] = {}
    for design in found:
        if design.estimate.fits and not design.wrong:
            sound.setdefault(design.estimate.design, design)
    kept = []
    for design in sound.values():
        costs = design.costs()
        rivals = (
            other.costs() for other in sound.values() if other.estimate.family == design.estimate.family
        )
        if not any(all(a <= b for a, b in zip(o, costs, strict=True)) and o != costs for o in rivals):
            kept.append(design)
    return sorted(kept, key=lambda d: (d.estimate.family, d.costs(), d.estimate.key))


def spread(found: Sequence[Design], most: int) -> list[Design]:
    """Return at most ``most`` designs of a front: from each family in turn, evenly over its rates."""
    families: dict[str, list[Design]] = {}
    for design in found:
        families.setdefault(design.estimate.family, []).append(design)
    share = (
        [most // len(families) + (i < most % len(families)) for i in range(len(families))] if families else []
    )
    kept = []
    for count, members in zip(share, families.values(), strict=True):
        last = len(members) - 1
        if len(members) <= count:
            kept += members
        elif count == 1:
            kept.append(members[last // 2])
        else:
            kept += [members[round(i * last / (count - 1))] for i in range(count)]
    return kept
