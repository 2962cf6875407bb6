# SPDX-License-Identifier: Apache-2.0
"""The best plan for a goal and a budget, proven by an integer program; or what is short, and the nearest that is not.

A budget is a share of what the part has. The goal is a resource to save at a given interval, or the interval itself:
then the program is solved for intervals in between until the smallest is found that fits, which is proven, because a
design that fits an interval fits every longer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.errors import MappingError, UsageError
from tailrace.planning.candidates import Question, all_candidates
from tailrace.planning.layout import LayerOptions, Layout
from tailrace.planning.objective import KINDS, Objective
from tailrace.planning.placement import laid_out
from tailrace.planning.program import Program, Solution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.resources import Resources
    from tailrace.planning.plan import Plan

TITLES: Mapping[str, str] = {
    "lut": "LUTs",
    "ff": "flip-flops",
    "dsp": "multipliers",
    "bram18": "block RAMs of 18 kbit",
}

OTHERS = 1e-3
"""What the shares of all other resources count beside the one that is made small."""


class Optimizer:
    """The candidates of a question, and the best plans of them for several intervals and budgets."""

    def __init__(self, question: Question, objective: Objective) -> None:
        if question.part.liberty:
            raise UsageError(
                "a library of standard cells has no budget",
                hint="give --fps or --fold, without --minimize and --use",
            )
        if question.graph.states:
            raise MappingError(
                "networks with a state are not optimized: their interval depends on the latency of their loops",
                hint="leave --minimize and --use out",
            )
        self.question, self.objective = question, objective
        self.program = Program(question, all_candidates(question))

    def best(self, interval: int | None, taken: Resources) -> tuple[Plan, Solution]:
        """Return the best plan, before FIFOs, that leaves ``taken`` free, of at most ``interval`` cycles if given.

        Raises MappingError where nothing fits, with what is short and the nearest that is possible.
        """
        part = self.question.part
        budget = {
            kind: max(0.0, count - getattr(taken, kind))
            for kind, count in self.objective.budget(part).items()
        }
        if self.objective.minimize != "interval":
            most = interval if interval is not None else self.program.intervals[-1]
            found = self.program.solve(most_cycles=most, weights=self.weights, budget=budget)
        else:
            found = self._fastest(budget, interval)
        if found is None:
            raise self._short(budget, interval)
        return self.placed(found), found

    def faster(self, found: Solution, budget: Mapping[str, float]) -> str | None:
        """Say what one step fewer cycles a frame than ``found`` would take; None where there is no such step."""
        fewer = [cycles for cycles in self.program.intervals if cycles < found.cycles]
        if not fewer:
            return None
        near = self._nearest(budget, fewer[-1])
        if near is None:
            return None
        rate = self.question.clock_mhz * 1e6 / near.cycles
        return f"the next step, {near.cycles:,} cycles ({rate:,.0f} frames/s), needs {_needs(near, budget)}"

    def placed(self, found: Solution) -> Plan:
        """Return the plan of a solution."""
        question, chosen = self.question, found.chosen
        folding = {name: dict(c.folding) for name, c in chosen.items() if not c.inside}
        absorbed = {name: dict.fromkeys(("pe",), 1) for name, c in chosen.items() if c.inside}
        nodes = {node.name: node for node in question.graph.nodes}
        spatial = {
            name: tuple(nodes[each] for each in c.circuit)
            for name, c in chosen.items()
            if c.circuit and not c.inside
        }
        layers = self.layers(found)
        fixed = {name: own for name, own in folding.items() if name not in spatial}
        layout = Layout(
            question.graph,
            question.part,
            question.clock_mhz,
            found.cycles,
            {**folding, **absorbed},
            spatial,
            {**fixed, **{name: dict(folding[name]) for name in spatial}},
            layers,
            question.most_ns,
        )
        return laid_out(layout)

    def layers(self, found: Solution) -> dict[str, LayerOptions]:
        """Return the memories, multipliers, requantizers and engines of a solution."""
        return {name: c.options for name, c in found.chosen.items() if not c.inside}

    @property
    def weights(self) -> dict[str, float]:
        """Return what is made small: the resource, and a little of the shares of all others, so that ties are none."""
        part = self.question.part
        shares = {kind: 1 / getattr(part, kind) for kind in KINDS if getattr(part, kind)}
        if self.objective.minimize == "interval":
            return shares
        return {
            kind: share if kind == self.objective.minimize else OTHERS * share
            for kind, share in shares.items()
        }

    def _fastest(self, budget: Mapping[str, float], interval: int | None) -> Solution | None:
        """Return the solution of the fewest cycles a frame within the budget."""
        cycles = [n for n in self.program.intervals if interval is None or n <= interval]
        if not cycles:
            return None
        best = self.program.solve(most_cycles=cycles[-1], weights=self.weights, budget=budget)
        low, high = 0, len(cycles) - 1
        while best is not None and low < high:
            middle = (low + high) // 2
            found = self.program.solve(most_cycles=cycles[middle], weights=self.weights, budget=budget)
            if found is None:
                low = middle + 1
            else:
                best, high = found, cycles.index(found.cycles) if found.cycles in cycles else middle
        return best

    def _nearest(self, budget: Mapping[str, float], most_cycles: int) -> Solution | None:
        """Return the solution that overruns the budget least, in shares of the part; None where cycles are too few."""
        part = self.question.part
        shares = {kind: 1 / getattr(part, kind) for kind in KINDS if getattr(part, kind)}
        hard = {kind: 0.0 for kind in KINDS if not getattr(part, kind)}
        return self.program.solve(
            most_cycles=most_cycles,
            weights={kind: OTHERS * share for kind, share in shares.items()},
            budget={**budget, **hard},
            slack=shares,
        )

    def _short(self, budget: Mapping[str, float], interval: int | None) -> MappingError:
        """Return the error that says what is short, and the nearest that is possible."""
        question, program = self.question, self.program
        part = question.part
        most = program.intervals[-1] if interval is None else interval
        near = self._nearest(budget, most)
        at = (
            f" at {question.clock_mhz * 1e6 / most:,.0f} frames/s" if interval is not None else " at any rate"
        )
        if near is None:
            least = program.intervals[0]
            best = question.clock_mhz * 1e6 / least
            return MappingError(
                f"{most:,} cycles a frame cannot be met at {question.clock_mhz:g} MHz: the fewest are {least:,}",
                hint=f"use --fps {best:g} or less, or a faster clock",
            )
        slower = self._fastest(budget, None) if interval is not None else None
        if slower is not None:
            rate = question.clock_mhz * 1e6 / slower.cycles
            hint = (
                f"the fastest that fits makes {rate:,.0f} frames/s (--fps {int(rate)}); or take a larger part"
            )
        else:
            hint = "take a larger part, a larger share with --use, or a smaller network"
        return MappingError(
            f"by estimate nothing fits {part.name}{at}: the nearest design needs {_needs(near, budget)}",
            hint=hint,
        )


def _needs(near: Solution, budget: Mapping[str, float]) -> str:
    """Say what a solution takes beyond its budget."""
    return "; ".join(
        f"{_count(getattr(near.cost, kind))} {TITLES[kind]}, and may take {_count(budget[kind])}"
        for kind in KINDS
        if getattr(near.cost, kind) > budget[kind] * (1 + 1e-9)
    )


def _count(value: float) -> str:
    """Write a number of cells: whole, or in quarters (block RAMs of an iCE40)."""
    return f"{value:,.2f}" if (4 * value).is_integer() and not value.is_integer() else f"{value:,.0f}"


def proof(objective: Objective, found: Solution, budget: Mapping[str, float]) -> str:
    """Say in a line what was proven of a solution."""
    limits = ", ".join(f"{count:,.0f} {TITLES[kind]}" for kind, count in budget.items() if count)
    what = (
        f"{found.cycles:,} cycles a frame are the fewest"
        if objective.minimize == "interval"
        else f"{getattr(found.cost, objective.minimize):,.0f} {TITLES[objective.minimize]} are the fewest"
    )
    sure = "proven" if found.gap < 1e-6 else f"not proven: the gap is {found.gap:.1%}"
    return f"optimized: by estimate {what} within {limits} ({sure})"
