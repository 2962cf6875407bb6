# SPDX-License-Identifier: Apache-2.0
"""The Python interface: values of a wrong kind, what a plan remembers, what its report says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import pytest
import tailrace as tr
from tailrace.core.errors import UsageError
from tailrace.design.compiling import COMPILING, said
from tailrace.graph import retype
from tailrace.graph.passes import pipeline
from tailrace.graph.passes.base import exact
from tailrace.planning import build as planning
from tailrace.planning.streams.simulator import simulate
from tiny_network import INPUTS, write_tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.graph import Graph

OPTIONS: dict[str, Any] = {"part": "ecp5-25k", "clock_mhz": 50.0}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return tr.load(write_tiny(tmp_path / "tiny.onnx"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fps": "100e3"}, "fps is '100e3'\n  hint: wanted a number"),
        ({"fps": -1.0}, "fps is -1\n  hint: wanted a number above 0"),
        ({"fps": True}, "fps is True\n  hint: wanted a number"),
        ({"fps": float("nan")}, "fps is nan\n  hint: wanted a number above 0"),
        ({"clock_mhz": "fast"}, "clock_mhz is 'fast'\n  hint: wanted a number"),
        ({"latency_cycles": 10.5}, "latency_cycles is 10.5\n  hint: wanted a whole number"),
        ({"engine": "magic"}, "engine is 'magic'\n  hint: use one of auto, folded, spatial"),
        ({"fifos": "deep"}, "fifos is 'deep'\n  hint: use one of throughput, deadlock-free"),
        ({"layers": {"dense_0": {"memory": "tape"}}}, "layer dense_0: memory is 'tape'"),
        ({"layers": [1]}, "layers is [1]"),
        ({"fold": {"dense_0": {"pe": 1.5}}}, "layer dense_0: pe is 1.5"),
    ],
)
def test_values_of_a_wrong_kind_are_said(options: dict[str, Any], said: str, graph: Graph) -> None:
    with pytest.raises(UsageError) as error:
        tr.plan(graph, **options)
    assert str(error.value).startswith(said)


def test_numbers_of_numpy_are_numbers(graph: Graph) -> None:
    plan = tr.plan(graph, clock_mhz=np.float32(50), fps=np.int64(5_000_000), latency_cycles=np.int32(200))
    assert (plan.asked.fps, plan.clock_mhz) == (5e6, 50.0)
    json.dumps(plan.asked.fps)


def test_a_plan_keeps_its_latency_and_what_was_asked_for(graph: Graph, tmp_path: Path) -> None:
    plan = tr.plan(graph, fps=5e6, layers={"dense_0": {"memory": "block", "dsp": "auto"}}, **OPTIONS)
    assert plan.latency_cycles == simulate(plan).latency_cycles
    assert plan.asked.fps == 5e6
    assert plan.asked.layers == {"dense_0": {"memory": "block"}}
    again = tr.emit(plan, tmp_path / "b", backends=()).open(tmp_path / "b").plan
    assert (again.asked, again.latency_cycles) == (plan.asked, plan.latency_cycles)


def test_a_finished_plan_is_simulated_once(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def counted(plan: Any) -> Any:
        ran.append(plan)
        return simulate(plan)

    monkeypatch.setattr(planning, "simulate", counted)
    design = tr.emit(tr.plan(graph, fps=5e6, **OPTIONS), tmp_path / "b", backends=())
    assert design.report.performance.latency_cycles == design.plan.latency_cycles
    assert tr.Design.open(tmp_path / "b").report.performance.latency_cycles == design.plan.latency_cycles
    assert len(ran) == 1


def test_a_rate_that_a_fixed_folding_misses_is_a_notice(graph: Graph, tmp_path: Path) -> None:
    plan = tr.plan(graph, fps=5e6, fold={"dense_0": {"pe": 1, "simd": 1}}, **OPTIONS)
    said = "5,000,000 frames/s are asked for, the plan makes 2,083,333: 24 cycles a frame, set by dense_0"
    assert plan.missed_rate == said
    assert plan.notices[-1] == said
    assert said in tr.emit(plan, tmp_path / "b", backends=()).report.notices
    assert tr.plan(graph, fps=2e6, fold={"dense_0": {"pe": 1, "simd": 1}}, **OPTIONS).missed_rate is None


def test_auto_is_as_if_nothing_were_said(graph: Graph) -> None:
    free = tr.plan(graph, **OPTIONS)
    auto = tr.plan(graph, fold={"dense_0": {"pe": "auto", "simd": "auto"}}, **OPTIONS)
    assert (auto.folding, auto.asked) == (free.folding, free.asked)
    mixed = tr.plan(graph, fps=5e6, fold={"*": {"pe": "max"}, "dense_0": {"pe": "auto"}}, **OPTIONS)
    assert mixed.folding["dense_0"]["pe"] == tr.plan(graph, fps=5e6, **OPTIONS).folding["dense_0"]["pe"]
    assert mixed.folding["dense_1"]["pe"] == 3


def test_the_report_of_a_plan_says_how_to_build_it_again(graph: Graph, tmp_path: Path) -> None:
    plan = tr.plan(graph, fps=5e6, layers={"dense_0": {"memory": "block"}}, **OPTIONS)
    design = tr.emit(plan, tmp_path / "b", backends=())
    assert design.report.commands == (
        "tailrace build tiny.onnx --part ecp5-25k --clock 50 --fps 5e+06 -c tailrace.toml",
    )
    assert '[layers.dense_0]\nmemory = "block"' in (tmp_path / "b" / "tailrace.toml").read_text()


def test_an_exact_pass_that_changes_the_function_is_found(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(graph: Graph) -> Graph:
        nodes = tuple(
            replace(node, bias=node.bias + 1) if node.name == "dense_1" else node for node in graph.nodes
        )
        return retype(graph, nodes)

    monkeypatch.setattr(pipeline, "LOWER", (*pipeline.LOWER, exact(wrong)))
    for start in (graph, tr.change(graph, {"dense_0": {"prune": 0.5}})):
        design = tr.emit(tr.plan(start, **OPTIONS), tmp_path / start.form, backends=())
        with pytest.raises(tr.Mismatch, match=r"^passes: dense_1: channel 0 of vector 0 is "):
            design.verify(np.zeros((2, INPUTS)), vectors=4, backends=(), accuracy_loss=1.0)
        check = design.report.verify.software
        assert check is not None
        assert check.mismatches > 0


def test_it_is_said_once_that_the_simulator_is_compiled() -> None:
    heard: list[str] = []
    with said(heard.append):
        numba.njit(lambda x: x + 1)(1)
        numba.njit(lambda x: x + 2)(1)
    assert heard == [COMPILING]
    numba.njit(lambda x: x + 3)(1)
    with said(heard.append):
        pass
    assert heard == [COMPILING]


def test_the_graphs_of_a_plan_are_in_the_folder(graph: Graph, tmp_path: Path) -> None:
    tr.emit(tr.plan(graph, fps=5e6, **OPTIONS), tmp_path / "a", backends=())
    names = {"imported.json", "encodings.json", "lowered.json"}
    assert {path.name for path in (tmp_path / "a" / "graph").iterdir()} == names
    tr.emit(tr.plan(tr.change(graph, {"*": {"prune": 0.5}}), **OPTIONS), tmp_path / "b", backends=())
    assert {path.name for path in (tmp_path / "b" / "graph").iterdir()} == {*names, "changed.json"}
