# SPDX-License-Identifier: Apache-2.0
"""The choice of a candidate for every node as an integer program, solved by HiGHS.

There is a 0/1 variable for each candidate of each node, one of which is 1. Where a tensor goes from one node to
another there is a variable for each pair of lanes that can meet, which is 1 where the chosen candidates have these: it
carries the cost of the width converter between them. Budgets are sums over all. The interval is no sum but a largest
value: :func:`solve` is given the most cycles a frame, and leaves out what is slower.

The optimum is proven by the solver; where it stops before (a fixed number of nodes, so that the result is the same on
every machine), what is left between the best plan and the bound is the gap.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import highspy
import numpy as np

from tailrace.core.resources import Resources
from tailrace.planning import candidates as sites
from tailrace.planning.candidates import INSIDE, Candidate, Question
from tailrace.planning.objective import KINDS
from tailrace.planning.rules import FOLDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Node

MOST_NODES = 20_000
"""Of the search tree: the solver stops there, with a gap."""

GAP = 1e-6
"""Relative difference between plan and bound that counts as none."""

INPUT, OUTPUT = "input", "output"
"""The names of both ends of the design, in whose place no node can stand: they are no identifiers of a graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The chosen candidates {node: candidate}; ``value`` of the objective, and its proven ``bound`` from below."""

    chosen: Mapping[str, Candidate]
    cost: Resources
    cycles: int
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """The relative difference between value and bound; 0 where the optimum is proven."""
        return max(0.0, self.value - self.bound) / max(abs(self.value), 1e-9)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A tensor on its way: the nodes at both ends (or an end of the design), and which input of the second it is."""

    tensor: str
    source: str
    target: str
    position: int
    alone: bool
    """Nobody else reads the tensor, and the target is placed right behind the source."""
    first: str
    """Where it comes from, through what is free: a tensor that a node makes, or an input of the design."""


class Program:
    """The integer program of a question; solved for several budgets and intervals."""

    def __init__(self, question: Question, found: Mapping[str, tuple[Candidate, ...]]) -> None:
        self.question = question
        self.found = found
        self.edges = _edges(question)
        self.leaders = {tensor: _leader(question, tensor) for tensor in question.graph.inputs}
        self._between: dict[tuple[_Edge, tuple[int, bool], tuple[int, bool]], Resources | None] = {}

    @property
    def intervals(self) -> list[int]:
        """The cycles a frame that a plan can have, ascending."""
        least = max(min(c.cycles for c in own) for own in self.found.values())
        every = {c.cycles for own in self.found.values() for c in own if c.cycles >= least}
        return sorted(every)

    def solve(
        self,
        *,
        most_cycles: int,
        weights: Mapping[str, float],
        budget: Mapping[str, float],
        slack: Mapping[str, float] | None = None,
    ) -> Solution | None:
        """Return the cheapest choice of at most ``most_cycles`` a frame within the budget; None where there is none.

        ``weights`` {resource: weight} is what is made small. With ``slack`` {resource: weight} budgets may be
        overrun at that price.
        """
        table = _Table()
        columns: dict[str, list[tuple[int, Candidate]]] = {}
        for node, own in self.found.items():
            fast = [c for c in own if c.cycles <= most_cycles]
            if not fast:
                return None
            columns[node] = [(table.column(c.cost, integer=True), c) for c in fast]
            table.row({index: 1.0 for index, _ in columns[node]}, 1.0, 1.0)
        self._circuits(table, columns)
        for edge in self.edges:
            if not self._edge(table, edge, columns):
                return None
        over = {kind: table.column(Resources(), integer=False) for kind in (slack or {})}
        for kind in KINDS:
            if kind in budget:
                row = table.resource(kind)
                if kind in over:
                    row[over[kind]] = -1.0
                table.row(row, -highspy.kHighsInf, budget[kind])
        cost = dict.fromkeys(range(len(table.costs)), 0.0)
        for kind, weight in weights.items():
            for index, amount in table.resource(kind).items():
                cost[index] += weight * amount
        for kind, weight in (slack or {}).items():
            cost[over[kind]] += weight
        solved = table.minimized(cost)
        if solved is None:
            return None
        x, value, bound = solved
        chosen = {node: next(c for index, c in own if x[index] > 0.5) for node, own in columns.items()}
        total = Resources()
        for index, amount in enumerate(x):
            if amount > 0.5:
                total = total + table.costs[index]
        cycles = max(c.cycles for c in chosen.values())
        return Solution(chosen=chosen, cost=total, cycles=cycles, value=value, bound=bound)

    def _circuits(self, table: _Table, columns: Mapping[str, list[tuple[int, Candidate]]]) -> None:
        """A node is in a circuit exactly where the product that the circuit is named after is spatial."""
        for own in columns.values():
            for index, candidate in own:
                for name in candidate.circuit[1:] if not candidate.inside else ():
                    inside = [i for i, c in columns[name] if c.inside and c.circuit == candidate.circuit[:1]]
                    table.row({index: 1.0, **dict.fromkeys(inside, -1.0)}, 0.0, 0.0)

    def _edge(self, table: _Table, edge: _Edge, columns: Mapping[str, list[tuple[int, Candidate]]]) -> bool:
        """Add the variables of a tensor on its way; False where no lanes can meet."""
        leaving: dict[tuple[int, bool], list[int]] = defaultdict(list)
        arriving: dict[tuple[int, bool], list[int]] = defaultdict(list)
        if edge.source == INPUT:
            for index, candidate in columns[self.leaders[edge.first] or ""]:
                leaving[candidate.ins[0], False].append(index)
        else:
            for index, candidate in columns[edge.source]:
                leaving[candidate.out, candidate.skid_last and edge.alone].append(index)
        if edge.target == OUTPUT:
            for key in leaving:
                arriving[key] = []
        else:
            for index, candidate in columns[edge.target]:
                lanes = candidate.ins[min(edge.position, len(candidate.ins) - 1)]
                arriving[lanes, candidate.skid_first and edge.alone].append(index)
        from_row: dict[tuple[int, bool], dict[int, float]] = {key: {} for key in leaving}
        into_row: dict[tuple[int, bool], dict[int, float]] = {key: {} for key in arriving}
        for a in leaving:
            for b in arriving:
                if edge.target == OUTPUT and a != b:
                    continue
                cost = self._meeting(edge, a, b)
                if cost is None:
                    continue
                index = table.column(cost, integer=False)
                from_row[a][index] = 1.0
                into_row[b][index] = 1.0
        for key, row in from_row.items():
            table.row({**row, **dict.fromkeys(leaving[key], -1.0)}, 0.0, 0.0)
        for key, row in into_row.items():
            if edge.target != OUTPUT:
                table.row({**row, **dict.fromkeys(arriving[key], -1.0)}, 0.0, 0.0)
        return any(from_row.values())

    def _meeting(self, edge: _Edge, a: tuple[int, bool], b: tuple[int, bool]) -> Resources | None:
        """Return what stands between the lanes ``a`` of the source and ``b`` of the target; None where nothing can."""
        key = (edge, a, b)
        if key not in self._between:
            self._between[key] = self._priced(edge, a, b)
        return self._between[key]

    def _priced(self, edge: _Edge, a: tuple[int, bool], b: tuple[int, bool]) -> Resources | None:
        if edge.target == OUTPUT:
            return (
                None if a[0] == INSIDE else sites.ending(self.question, edge.tensor, a[0], behind_skid=a[1])
            )
        if edge.source == INPUT and edge.target == self.leaders[edge.first] and a[0] != b[0]:
            return None
        cost = sites.between(self.question, edge.tensor, a[0], b[0])
        if cost is not None and a[0] == b[0] and a[1] and b[1]:
            saved = sites.skid(self.question, edge.tensor, a[0])
            cost = Resources(lut=-saved.lut, ff=-saved.ff)
        return cost


def _edges(question: Question) -> list[_Edge]:
    """Return every tensor on its way from what makes it to what reads it, through what is free."""
    graph = question.graph
    placed = [node.name for node in graph.nodes if node.role != "free"]
    edges = []

    def first(tensor: str) -> str:
        node = graph.producer(tensor)
        return first(node.inputs[0]) if node is not None and node.role == "free" else tensor

    def source(tensor: str) -> str:
        node = graph.producer(first(tensor))
        return INPUT if node is None else node.name

    def readers(tensor: str) -> int:
        return len(graph.consumers(tensor)) + graph.outputs.count(tensor)

    def alone(tensor: str, name: str) -> bool:
        if readers(tensor) > 1:
            return False
        made = graph.producer(tensor)
        if made is None:
            return False
        if made.role == "free":
            return alone(made.inputs[0], name)
        return name == OUTPUT or placed.index(name) == placed.index(made.name) + 1

    for node in graph.nodes:
        if node.role == "free":
            continue
        for position, tensor in enumerate(node.inputs):
            own = alone(tensor, node.name)
            edges.append(_Edge(tensor, source(tensor), node.name, position, own, first(tensor)))
    for tensor in graph.outputs:
        if source(tensor) == INPUT and _leader(question, first(tensor)) is None:
            continue  # what only passes through costs the same in every plan
        own = len(graph.outputs) == 1 and alone(tensor, OUTPUT)
        edges.append(_Edge(tensor, source(tensor), OUTPUT, 0, own, first(tensor)))
    return edges


def _leader(question: Question, tensor: str) -> str | None:
    """Return the node whose lanes are those of an input of the design; None where no node reads it."""
    graph = question.graph

    def readers(tensor: str) -> list[Node]:
        found: list[Node] = []
        for node in graph.consumers(tensor):
            found.extend(readers(node.output) if node.role == "free" else [node])
        return found

    own = readers(tensor)
    if not own:
        return None
    fed = [node.name for node in own if FOLDINGS[type(node)].fed]
    return fed[0] if fed else own[0].name


class _Table:
    """Columns and rows of the program as they come."""

    def __init__(self) -> None:
        self.costs: list[Resources] = []
        self.integer: list[bool] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def column(self, cost: Resources, *, integer: bool) -> int:
        """Add a variable, which costs this where it is 1; returns its number."""
        self.costs.append(cost)
        self.integer.append(integer)
        return len(self.costs) - 1

    def row(self, terms: dict[int, float], low: float, high: float) -> None:
        """Add low <= sum of factor * variable <= high."""
        self.rows.append((terms, low, high))

    def resource(self, kind: str) -> dict[int, float]:
        """Return how much of a resource each variable takes."""
        amounts = ((index, float(getattr(cost, kind))) for index, cost in enumerate(self.costs))
        return {index: amount for index, amount in amounts if amount}

    def minimized(self, cost: Mapping[int, float]) -> tuple[list[float], float, float] | None:
        """Return the values of the variables, the objective and its bound; None where nothing fits."""
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self.costs), len(self.rows)
        program.col_cost_ = np.array([cost[index] for index in range(len(self.costs))])
        program.col_lower_ = np.zeros(len(self.costs))
        program.col_upper_ = np.array([1.0 if i else highspy.kHighsInf for i in self.integer])
        program.row_lower_ = np.array([low for _, low, _ in self.rows])
        program.row_upper_ = np.array([high for _, _, high in self.rows])
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.cumsum([0, *(len(terms) for terms, _, _ in self.rows)])
        program.a_matrix_.index_ = np.array([i for terms, _, _ in self.rows for i in terms], np.int32)
        program.a_matrix_.value_ = np.array([v for terms, _, _ in self.rows for v in terms.values()])
        kinds = highspy.HighsVarType
        program.integrality_ = [kinds.kInteger if i else kinds.kContinuous for i in self.integer]
        solver = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 1),
            ("mip_rel_gap", GAP),
            ("mip_max_nodes", MOST_NODES),
        ):
            solver.setOptionValue(option, value)
        solver.passModel(program)
        solver.run()
        info = solver.getInfo()
        status = solver.getModelStatus()
        good = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit)
        if status not in good or info.primal_solution_status != 2:
            return None
        x = list(solver.getSolution().col_value)
        return x, info.objective_function_value, info.mip_dual_bound
