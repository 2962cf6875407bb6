# SPDX-License-Identifier: Apache-2.0
"""The optimizer: as good as trying everything, never worse than the greedy foldings, and honest where nothing fits."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
import tailrace as tr
from networks import random_network
from state_networks import recurrent
from tailrace.core.errors import MappingError, UsageError
from tailrace.core.resources import Resources
from tailrace.graph import Dense
from tailrace.graph.passes import pipeline as passes
from tailrace.planning import serialize
from tailrace.planning.build import choose
from tailrace.planning.candidates import Question
from tailrace.planning.folding import smallest_interval
from tailrace.planning.layout import Layout
from tailrace.planning.objective import KINDS, Objective, objective, read_shares
from tailrace.planning.optimize import Optimizer
from tailrace.planning.placement import laid_out
from tailrace.planning.program import Solution
from tailrace.planning.spatial import Choice, rank_ns
from tailrace.targets.parts import part
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.graph import Graph

CLOCK_MHZ = 100.0
ALL = dict.fromkeys(KINDS, 1.0)


def question(graph: Graph, name: str, engine: str = "folded") -> Question:
    engines = {node.name: engine for node in graph.nodes if isinstance(node, Dense)}
    return Question(
        graph=graph,
        part=part(name),
        clock_mhz=CLOCK_MHZ,
        asked={},
        layers={},
        engines=engines,
        most_ns=rank_ns(CLOCK_MHZ),
    )


def priced(optimizer: Optimizer, cost: Resources) -> float:
    return sum(weight * getattr(cost, kind) for kind, weight in optimizer.weights.items())


@pytest.fixture
def tiny(tmp_path: Path) -> Graph:
    return passes.run(tr.load(write_tiny(tmp_path / "tiny.onnx")))


@pytest.mark.parametrize(("engine", "minimize"), [("folded", "lut"), ("auto", "ff")])
def test_the_optimum_is_that_of_trying_everything(tiny: Graph, engine: str, minimize: str) -> None:
    optimizer = Optimizer(question(tiny, "ice40-hx8k", engine), Objective(minimize=minimize, use=ALL))
    found = optimizer.program.found
    prices: dict[int, float] = {}
    for own in product(*found.values()):
        chosen = dict(zip(found, own, strict=True))
        solution = Solution(chosen=chosen, cost=Resources(), cycles=1, value=0, bound=0)
        circuits = {name: c.circuit for name, c in chosen.items() if c.circuit and not c.inside}
        inside = {name for circuit in circuits.values() for name in circuit[1:]}
        if inside != {name for name, c in chosen.items() if c.inside}:
            continue
        plan = optimizer.placed(solution)
        cycles = max(c.cycles for c in own)
        price = priced(optimizer, plan.estimated)
        prices[cycles] = min(price, prices.get(cycles, price))
    assert len(prices) > 3
    for cycles in optimizer.program.intervals:
        best = min(price for each, price in prices.items() if each <= cycles)
        plan, solution = optimizer.best(cycles, Resources())
        assert solution.gap < 1e-6
        assert plan.interval_cycles <= cycles
        assert priced(optimizer, plan.estimated) == pytest.approx(best, rel=1e-9)
        assert solution.value == pytest.approx(best, rel=1e-9)


def test_the_fewest_cycles_are_those_of_trying_every_interval(tiny: Graph) -> None:
    for share in (0.02, 0.05, 0.1):
        optimizer = Optimizer(question(tiny, "ice40-hx8k"), Objective(use={"lut": share, "ff": 1.0}))
        budget = optimizer.objective.budget(part("ice40-hx8k"))
        fits = [
            cycles
            for cycles in optimizer.program.intervals
            if optimizer.program.solve(most_cycles=cycles, weights={"lut": 1.0}, budget=budget) is not None
        ]
        if fits:
            assert optimizer.best(None, Resources())[1].cycles == fits[0]
            assert fits == optimizer.program.intervals[-len(fits) :]
        else:
            with pytest.raises(MappingError, match="nothing fits ice40-hx8k at any rate"):
                optimizer.best(None, Resources())


@pytest.mark.parametrize("seed", range(8))
def test_a_random_network_is_never_worse_than_by_the_greedy_folding(seed: int) -> None:
    network = random_network(seed)
    graph = passes.run(tr.load(network.model, network.input_type))
    asked = question(graph, "xcvu13p")
    optimizer = Optimizer(asked, Objective(minimize="lut", use=ALL))
    for interval in (smallest_interval(graph), 4 * smallest_interval(graph), 1024):
        choice = Choice(graph, asked.part, {})
        folding, spatial = choose(graph, interval, {}, asked.engines, choice)
        sheet = Layout(graph, asked.part, CLOCK_MHZ, interval, folding, spatial, {}, {}, asked.most_ns)
        greedy = laid_out(sheet)
        plan, _ = optimizer.best(max(interval, greedy.interval_cycles), Resources())
        assert priced(optimizer, plan.estimated) <= priced(optimizer, greedy.estimated) * (1 + 1e-9)


def test_what_is_fixed_stays(tiny: Graph) -> None:
    fold = {"dense_0": {"pe": 2, "simd": 3}}
    layers = {"dense_1": {"memory": "block"}}
    plan = tr.plan(tiny, part="ecp5-25k", fold=fold, layers=layers, engine="folded", minimize="lut")
    assert plan.folding["dense_0"] == {"pe": 2, "simd": 3}
    blocks = {instance.name: instance.block for instance in plan.instances}
    assert blocks["dense_1"].style == "block"


def test_the_same_question_has_the_same_plan(tiny: Graph) -> None:
    plans = [tr.plan(tiny, part="ecp5-25k", minimize="interval") for _ in range(2)]
    assert serialize.dumps(plans[0]) == serialize.dumps(plans[1])
    assert (plans[0].asked.minimize, plans[0].asked.use) == ("interval", None)
    (notice,) = plans[0].notices
    assert notice.startswith("optimized: by estimate 1 cycles a frame are the fewest within 17,002 LUTs")
    assert notice.endswith("(proven)")


def test_a_latency_in_microseconds_is_met(tiny: Graph) -> None:
    plan = tr.plan(tiny, part="ecp5-25k", latency_us=0.3, minimize="lut")
    assert plan.latency_cycles is not None
    assert plan.latency_cycles <= 30
    assert plan.asked.latency_cycles == 30


def test_an_impossible_budget_says_what_is_short_and_what_would_do(tiny: Graph) -> None:
    with pytest.raises(MappingError) as nothing:
        tr.plan(tiny, part="ice40-hx1k", use="lut=1%")
    assert "by estimate nothing fits ice40-hx1k at any rate: the nearest design needs" in str(nothing.value)
    assert "LUTs, and may take 13" in str(nothing.value)
    with pytest.raises(MappingError) as slower:
        tr.plan(tiny, part="ice40-hx1k", fps=50e6, use="lut=30%", engine="folded")
    assert "at 50,000,000 frames/s" in str(slower.value)
    assert "the fastest that fits makes" in str(slower.value)


def test_a_network_with_a_state_is_refused(tmp_path: Path) -> None:
    path, states = recurrent(1, tmp_path)
    graph = tr.load(path, states=states)
    with pytest.raises(MappingError, match="networks with a state are not optimized"):
        tr.plan(graph, part="ecp5-25k", minimize="lut")


def test_a_network_that_is_too_large_as_folded_by_default_is_made_to_fit(shared_models: Path) -> None:
    graph = tr.load(shared_models / "TFC_2W2A.onnx")
    for fps in (None, 1e4):
        plan = tr.plan(graph, part="ice40-hx8k", fps=fps)
        assert plan.estimated.lut <= plan.part.lut
        assert plan.estimated.bram18 <= plan.part.bram18
        assert plan.missed_rate is None
        assert not [notice for notice in plan.notices if "needs more than" in notice]


@pytest.mark.parametrize(
    ("text", "shares"), [("lut=60%", {"lut": 0.6}), ("lut=0.5, bram18=40%", {"lut": 0.5, "bram18": 0.4})]
)
def test_shares_are_read(text: str, shares: dict[str, float]) -> None:
    assert read_shares(text) == shares


@pytest.mark.parametrize(
    ("minimize", "use", "message"),
    [
        ("luts", None, "minimize is 'luts'\n  hint: use one of interval, lut, ff, dsp, bram18"),
        (
            None,
            "luts=3%",
            "there is no budget for 'luts'\n  hint: possible: lut, ff, dsp, bram18, as lut=60%",
        ),
        (None, "lut=many", "the share of lut is 'many'\n  hint: write a number: lut=60%"),
        (None, "lut=130%", "the share of lut is 1.3\n  hint: wanted 0% to 100%"),
    ],
)
def test_what_cannot_be_wanted_is_refused(minimize: str | None, use: str | None, message: str) -> None:
    with pytest.raises(UsageError) as error:
        objective(minimize, use, rate=False)
    assert str(error.value) == message


def test_without_a_wish_there_is_no_objective() -> None:
    assert objective(None, None, rate=True) is None
    assert objective(None, "lut=50%", rate=True) == Objective(minimize="lut", use={"lut": 0.5})
    assert objective(None, "lut=50%", rate=False) == Objective(minimize="interval", use={"lut": 0.5})
