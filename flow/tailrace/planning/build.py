# SPDX-License-Identifier: Apache-2.0
"""From a graph to its plan: engines, folding, layout and FIFOs, for a rate, a latency and a part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.graph import Dense, Graph, Node
from tailrace.planning.candidates import Question
from tailrace.planning.folding import (
    Folding,
    fold,
    interval_for,
    largest_interval,
    smallest_interval,
    unfolded,
)
from tailrace.planning.layout import LayerOptions, Layout
from tailrace.planning.objective import KINDS, Objective
from tailrace.planning.optimize import Optimizer, proof
from tailrace.planning.placement import laid_out
from tailrace.planning.plan import Asked
from tailrace.planning.spatial import (
    Choice,
    chain,
    rank_ns,
    wanted_engines,
)
from tailrace.planning.streams.fifos import Goal, size_fifos
from tailrace.planning.streams.shorten import shortened
from tailrace.planning.streams.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.planning.plan import Instance, Plan
    from tailrace.targets.parts import Part

LOGIC_AT_MOST = 0.7
"""Of a part's LUTs and flip-flops, where neither a rate nor a folding is asked for; routing gets hard beyond."""

RANK_LONGER = 1.1
"""By so much ranks of spatial layers grow at a time, until the latency is what is asked for."""

LONG_FRAME_WORDS = 2 * 10**6
"""With more words on all wires together, FIFOs are sized on some rows of an image."""


def plan(
    graph: Graph,
    *,
    part: Part,
    clock_mhz: float,
    fps: float | None = None,
    asked: Mapping[str, Mapping[str, int | str]] | None = None,
    fifos: Goal = "throughput",
    layers: Mapping[str, LayerOptions] | None = None,
    latency_cycles: int | None = None,
    objective: Objective | None = None,
) -> Plan:
    """Return the plan for ``graph`` on ``part``: ``fps`` frames/s at ``clock_mhz``, or the folding ``asked`` for.

    With neither, it is as fast as :data:`DEFAULT_INTERVAL` says, or as can be so that it fits the part by estimate.
    ``latency_cycles`` is the most from the first word of a frame in to its last word out: where need be, layers are
    folded less and pipelines are shorter. With an ``objective``, and where the plan would not fit the part, all choices
    are made by ``planning/optimize.py``. Raises MappingError where the rate, the latency, the folding or the budget is
    impossible.
    """
    asked, layers = asked or {}, layers or {}
    engines = wanted_engines(graph, {name: own.engine for name, own in layers.items()})
    whole = bool(engines) and set(engines.values()) == {"spatial"}
    interval = interval_for(graph, clock_mhz, fps, as_fast_as_can_be=whole)
    most_ns = rank_ns(clock_mhz)

    def lay_out(interval: int, most_ns: float = most_ns) -> Plan:
        chosen = choose(graph, interval, asked, engines, Choice(graph, part, _requantizers(graph, layers)))
        return laid_out(Layout(graph, part, clock_mhz, interval, *chosen, asked, layers, most_ns))

    optimizing = _Optimizing(
        graph=graph,
        part=part,
        clock_mhz=clock_mhz,
        asked=asked,
        fifos=fifos,
        layers=layers,
        engines=engines,
    )
    if objective is not None:
        wanted = None if fps is None else interval
        if latency_cycles is None:
            built = optimizing.plan(objective, wanted, most_ns)
        else:
            built = _quick(
                graph,
                latency_cycles,
                largest_interval(graph) if fps is None else interval,
                most_ns,
                lambda interval, most_ns: _timed(optimizing.plan(objective, interval, most_ns)),
            )
        return _answered(_noticed(built), Asked(fps=fps, latency_cycles=latency_cycles, fifos=fifos))
    if latency_cycles is not None:

        def finished(interval: int, most_ns: float) -> Plan:
            return _timed(_with_fifos(lay_out(interval, most_ns), fifos, layers, most_ns))

        built = _noticed(_quick(graph, latency_cycles, interval, most_ns, finished))
        return _answered(built, Asked(fps=fps, latency_cycles=latency_cycles, fifos=fifos))
    built = lay_out(interval)
    if fps is None and not asked:
        tried = [built]
        while _fill(tried[-1]) > 1 and interval < largest_interval(graph):
            interval *= 2
            tried.append(lay_out(interval))
        built = min(tried, key=lambda plan: max(_fill(plan), 1.0))
    if _over(built):
        # What fits, if anything does; else the plan as it is, which says what is too much. Adders side by side would
        # take a search of minutes, and are no way to save.
        folded = {name: "folded" if engine == "auto" else engine for name, engine in engines.items()}
        chosen = Objective(minimize="interval" if fps is None else "lut", use=dict.fromkeys(KINDS, 1.0))
        try:
            smaller = replace(optimizing, engines=folded).plan(
                chosen, None if fps is None else interval, most_ns
            )
        except MappingError:
            pass
        else:
            return _answered(_noticed(smaller), Asked(fps=fps, fifos=fifos))
    return _answered(_noticed(_with_fifos(built, fifos, layers, most_ns)), Asked(fps=fps, fifos=fifos))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Optimizing:
    """What the optimizer needs to know of what is asked for."""

    graph: Graph
    part: Part
    clock_mhz: float
    asked: Mapping[str, Mapping[str, int | str]]
    fifos: Goal
    layers: Mapping[str, LayerOptions]
    engines: Mapping[str, str]

    def plan(self, objective: Objective, interval: int | None, most_ns: float) -> Plan:
        """Return the best plan with its FIFOs, whose depths are found last: what they take too much is taken off.

        Raises MappingError where nothing fits.
        """
        question = Question(
            graph=self.graph,
            part=self.part,
            clock_mhz=self.clock_mhz,
            asked=self.asked,
            layers=self.layers,
            engines=self.engines,
            most_ns=most_ns,
            interval=interval,
        )
        optimizer = Optimizer(question, objective)
        budget, taken = objective.budget(self.part), Resources()
        while True:
            built, found = optimizer.best(interval, taken)
            built = _with_fifos(built, self.fifos, {**self.layers, **optimizer.layers(found)}, most_ns)
            used = built.estimated
            over = {kind: getattr(used, kind) - count for kind, count in budget.items()}
            if all(more <= 1e-6 * (1 + budget[kind]) for kind, more in over.items()):
                line = proof(objective, found, budget)
                faster = optimizer.faster(found, budget) if objective.minimize == "interval" else None
                return replace(built, notices=(*built.notices, f"{line}; {faster}" if faster else line))
            taken = taken + Resources(**{kind: max(0.0, more) for kind, more in over.items()})


def _answered(plan: Plan, asked: Asked) -> Plan:
    """Return the finished plan with its latency and what was asked for, and a notice where that is missed."""
    plan = replace(_timed(plan), asked=asked)
    missed = plan.missed_rate
    return replace(plan, notices=(*plan.notices, missed)) if missed else plan


def _timed(plan: Plan) -> Plan:
    """Return the plan with its latency, simulated where it is not known yet."""
    if plan.latency_cycles is not None:
        return plan
    return replace(plan, latency_cycles=simulate(plan).latency_cycles)


def _with_fifos(plan: Plan, fifos: Goal, layers: Mapping[str, LayerOptions], most_ns: float) -> Plan:
    """Return the plan with FIFOs where streams join or come in bursts."""
    joins = len(plan.outputs) > 1 or any(len(instance.inputs) > 1 for instance in plan.instances)
    if not joins and not any(node.role == "moves" for node in plan.graph.nodes):
        return plan
    sized = size_fifos(plan, shorter=_shorter(plan, layers, most_ns))
    if fifos == "throughput":
        return sized
    small = size_fifos(replace(sized, notices=plan.notices), goal=fifos)
    result = simulate(small)
    return replace(
        small, fifo_interval_cycles=result.interval_cycles or 1, latency_cycles=result.latency_cycles
    )


def choose(
    graph: Graph,
    interval: int,
    asked: Mapping[str, Mapping[str, int | str]],
    engines: Mapping[str, str],
    choice: Choice,
) -> tuple[Folding, dict[str, tuple[Node, ...]]]:
    """Return the folding, and for each spatial layer the nodes that may go into it.

    ``engines`` is {matrix product: engine}; "auto" is what costs less for ``interval``.
    """
    nodes = {node.name: node for node in graph.nodes if isinstance(node, Dense)}
    whole = {name: dict(asked.get(name, {})) for name in asked}
    for name, engine in engines.items():
        if engine == "spatial":
            whole[name] = unfolded(nodes[name], asked.get(name, {}))
    folding = fold(graph, interval, whole)
    chosen = {}
    for name, engine in engines.items():
        rows, cols = nodes[name].weights.shape
        fixed = {**asked.get("*", {}), **asked.get(name, {})}
        free = set(fixed.values()) <= {"auto"} or folding[name] == {"pe": rows, "simd": cols}
        free = free and engine == "auto"
        if engine == "spatial" or (free and choice.is_cheaper(nodes[name], folding[name], interval)):
            folding[name] = {"pe": rows, "simd": cols}
            chosen[name] = chain(graph, nodes[name], choice.requantizers)
    return folding, chosen


def _requantizers(graph: Graph, layers: Mapping[str, LayerOptions]) -> dict[str, str]:
    """Return {map: the block that is asked for}."""
    return {
        node.name: layers.get(node.name, layers.get("*", LayerOptions())).requantizer for node in graph.nodes
    }


def _quick(
    graph: Graph,
    latency_cycles: int,
    interval: int,
    most_ns: float,
    lay_out: Callable[[int, float], Plan],
) -> Plan:
    """Return the plan of the least parallel folding, and of the shortest ranks, with at most this latency."""
    least = smallest_interval(graph)
    built = lay_out(interval, most_ns)
    while (cycles := _latency(built)) > latency_cycles and interval > least:
        interval = max(least, interval // 2)
        built = lay_out(interval, most_ns)
    while cycles > latency_cycles and any(_ranks(instance) > 1 for instance in built.instances):
        most_ns *= RANK_LONGER
        built = lay_out(interval, most_ns)
        cycles = _latency(built)
    if cycles > latency_cycles:
        raise MappingError(
            f"a latency of {latency_cycles} cycles cannot be met: the best found is {cycles}",
            hint=f"use --latency-cycles {cycles} or more, or --engine spatial",
        )
    return built


def _latency(plan: Plan) -> int:
    """Return the cycles from the first word of a frame in to its last word out."""
    cycles = plan.latency_cycles
    if cycles is None:
        raise MappingError("nothing comes out of the design", hint="report this as a fault of tailrace")
    return cycles


def _ranks(instance: Instance) -> int:
    """Return the ranks that the planner chose, of an instance of the spatial engine; 0 for any other."""
    return instance.block.latency_cycles if instance.engine == "spatial" else 0


def _shorter(plan: Plan, layers: Mapping[str, LayerOptions], most_ns: float) -> Plan | None:
    """Return the plan for images of fewer rows where frames are long, as fast a row as the whole and else the same."""
    words = sum(stream.words for stream in plan.wires.values())
    interval, size = plan.interval_cycles, plan.graph.frame_sizes[0]
    wires = {wire: stream.bits for wire, stream in plan.wires.items()}
    for divisor in range(ceil(words / LONG_FRAME_WORDS), 1, -1):
        graph = shortened(plan.graph, divisor)
        if graph is None:
            continue
        asked = {name: dict(own) for name, own in plan.folding.items()}
        spatial = {instance.node for instance in plan.instances if instance.engine == "spatial"}
        chosen = {
            node.name: chain(graph, node, _requantizers(graph, layers))
            for node in graph.nodes
            if isinstance(node, Dense) and node.name in spatial
        }
        short = laid_out(
            Layout(graph, plan.part, plan.clock_mhz, interval, asked, chosen, asked, layers, most_ns)
        )
        # What a frame takes beside its rows weighs the more the fewer the rows: then the other blocks have time to
        # spare that they do not have in the whole.
        if short.interval_cycles * size > interval * graph.frame_sizes[0]:
            continue
        alike = [instance.name for instance in short.instances] == [
            instance.name for instance in plan.instances
        ]
        same = wires == {wire: stream.bits for wire, stream in short.wires.items()}
        return short if alike and same else None
    return None


def _noticed(plan: Plan) -> Plan:
    """Return the plan with a notice where it needs more of something than its part has, by estimate."""
    over = _over(plan)
    if not over:
        return plan
    needs = f"by estimate the design needs more than {plan.part.name} has: {', '.join(over)}"
    notice = f"{needs}; ask for fewer --fps, or take a larger part"
    return replace(plan, notices=(*plan.notices, notice))


def _over(plan: Plan) -> list[str]:
    """Say what a plan needs more of than its part has, by estimate; nothing of standard cells: a chip can be large."""
    cost, part = plan.estimated, plan.part
    if part.liberty:
        return []
    counts = (
        ("LUTs", cost.lut, part.lut),
        ("flip-flops", cost.ff, part.ff),
        ("block RAMs of 18 kbit", cost.bram18, part.bram18),
        ("multipliers", cost.dsp, part.dsp),
    )
    return [f"{used:,.0f} {what} ({has:,.0f})" for what, used, has in counts if used > has]


def _fill(plan: Plan) -> float:
    """Return how full the part is, by estimate: 1 where no more than is good for the router is used."""
    cost, part = plan.cost, plan.part
    if part.liberty:
        return 0.0
    logic = max(cost.lut / part.lut, cost.ff / part.ff) / LOGIC_AT_MOST
    return max(logic, cost.bram18 / part.bram18 if part.bram18 else float(cost.bram18 > 0))
