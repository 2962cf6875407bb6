# SPDX-License-Identifier: Apache-2.0
"""How much the optimizer gains over folding each layer greedily for the rate, and how sure that is.

    .venv/bin/python bench/optimality.py [--shared ../shared] [--only NAME ...] [--write]

Every network is folded greedily for some cycles a frame, then optimized for the fewest LUTs at no more cycles, once
with at most the flip-flops, block RAMs and multipliers that the greedy plan takes, once with all of the part's; and for
the fewest cycles in the same part as the greedy search by doubling. All by the same estimates, with the folded engine,
without FIFOs, which are sized afterwards in both. ``--write`` puts the table into docs/planning.md. Seconds are those
of the machine it runs on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tailrace as tr
from tailrace.core.resources import Resources
from tailrace.graph import Dense
from tailrace.graph.passes import pipeline as passes
from tailrace.planning.build import choose
from tailrace.planning.candidates import Question
from tailrace.planning.folding import largest_interval, smallest_interval
from tailrace.planning.layout import Layout
from tailrace.planning.objective import KINDS, Objective
from tailrace.planning.optimize import Optimizer
from tailrace.planning.placement import laid_out
from tailrace.planning.spatial import Choice, rank_ns
from tailrace.targets.parts import part

if TYPE_CHECKING:
    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan

PAGE = Path(__file__).resolve().parents[1] / "docs" / "planning.md"
BEGIN, END = "<!-- bench/optimality.py -->", "<!-- end of bench/optimality.py -->"
CLOCK_MHZ = 100.0

HEAD = (
    "| network | part | cycles | LUT: greedy | no more of the rest | optimizer | gap | s "
    "| fewest cycles: greedy | optimizer | gap | s |"
)

ROWS = (
    ("TFC_1W1A", "ecp5-25k", 256),
    ("TFC_2W2A", "ecp5-25k", 256),
    ("TFC_2W2A", "ice40-hx8k", 1024),
    ("unsw_nb15-mlp-w2a2", "ecp5-45k", 256),
    ("qkeras_jettagging", "ecp5-25k", 64),
    ("cern_qmlp57", "ecp5-25k", 256),
    ("gtsrb_12x12_w2a3", "ecp5-45k", 1300),
    ("radioml_cnn1d_2class", "ecp5-45k", 1024),
    ("CNV_light_CIFAR10_W1A1", "xck26", 65_536),
    ("CNV_light_GTSRB_W2A2", "xck26", 65_536),
)


def asked(graph: Graph, name: str, interval: int | None) -> Question:
    """Return the question of a network with the folded engine, nothing fixed."""
    return Question(
        graph=graph,
        part=part(name),
        clock_mhz=CLOCK_MHZ,
        asked={},
        layers={},
        engines={node.name: "folded" for node in graph.nodes if isinstance(node, Dense)},
        most_ns=rank_ns(CLOCK_MHZ),
        interval=interval,
    )


def greedy(question: Question, interval: int) -> Plan:
    """Return the plan of each layer's own cheapest folding for the interval."""
    graph = question.graph
    folding, spatial = choose(graph, interval, {}, question.engines, Choice(graph, question.part, {}))
    return laid_out(
        Layout(graph, question.part, CLOCK_MHZ, interval, folding, spatial, {}, {}, question.most_ns)
    )


def fits(plan: Plan) -> bool:
    """Whether a plan is within the usual budget of its part."""
    used, budget = plan.estimated, Objective().budget(plan.part)
    return all(getattr(used, kind) <= budget[kind] for kind in KINDS)


def doubled(question: Question) -> int | None:
    """Return the cycles a frame of the greedy plan that fits first when they are doubled; None where none does."""
    interval = smallest_interval(question.graph)
    while True:
        plan = greedy(question, interval)
        if fits(plan):
            return plan.interval_cycles
        if interval >= largest_interval(question.graph):
            return None
        interval *= 2


def row(graph: Graph, network: str, name: str, interval: int) -> str:
    """Return a line of the table."""
    question = asked(graph, name, interval)
    old = greedy(question, interval)
    used, most = old.estimated, max(interval, old.interval_cycles)
    start = time.process_time()
    optimizer = Optimizer(question, Objective(minimize="lut", use={"lut": 1.0, "ff": 1.0}))
    weights = optimizer.weights
    same = {kind: getattr(used, kind) for kind in KINDS[1:]}
    strict = optimizer.program.solve(most_cycles=most, weights=weights, budget=same)
    free = optimizer.program.solve(
        most_cycles=most, weights=weights, budget={**optimizer.objective.budget(old.part), "lut": 1e12}
    )
    seconds = time.process_time() - start
    assert strict is not None
    assert free is not None
    start = time.process_time()
    fastest = Optimizer(asked(graph, name, None), Objective())
    _, best = fastest.best(None, Resources())
    more = time.process_time() - start
    before = doubled(question)
    return (
        f"| {network} | {name} | {old.interval_cycles:,} | {used.lut:,.0f} | {strict.cost.lut:,.0f} "
        f"| {free.cost.lut:,.0f} | {max(strict.gap, free.gap):.1%} | {seconds:.1f} "
        f"| {'none' if before is None else f'{before:,}'} | {best.cycles:,} | {best.gap:.1%} | {more:.1f} |"
    )


def main() -> None:
    """Read the command line, print the table, write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = [HEAD, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    print("\n".join(lines), flush=True)
    for network, name, interval in ROWS:
        if options.only and network not in options.only:
            continue
        graph = passes.run(tr.load(options.shared / "models" / f"{network}.onnx"))
        lines.append(row(graph, network, name, interval))
        print(lines[-1], flush=True)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        text = "\n".join(lines)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
