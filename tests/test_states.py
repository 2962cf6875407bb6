# SPDX-License-Identifier: Apache-2.0
"""Networks with states go down the whole ladder: sequences with resets at random places, stalls on every port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from state_networks import recurrent
from tailrace.planning.streams.simulator import PlanSimulator

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = (0, 1)
MANY = range(2, 20)


def down_the_ladder(seed: int, folder: Path) -> None:
    path, states = recurrent(seed, folder)
    graph = tr.load(path, states=states)
    fold = str(np.random.default_rng(seed).choice(["min", "max"]))
    plan = tr.plan(graph, fold={"*": {"pe": fold, "simd": "min"}})
    simulated = PlanSimulator(plan).run()
    assert simulated.interval_cycles == plan.interval_cycles
    report = tr.emit(plan, folder / "build").verify(vectors=64, seed=seed)
    assert report.verify.software.mismatches == 0
    assert (report.verify.hls.mismatches, report.verify.rtl.mismatches) == (0, 0)
    assert report.performance.interval_cycles == simulated.interval_cycles
    assert report.performance.latency_cycles == simulated.latency_cycles


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_with_states_goes_down_the_ladder(seed: int, tmp_path: Path) -> None:
    down_the_ladder(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_many_networks_with_states_go_down_the_ladder(seed: int, tmp_path: Path) -> None:
    down_the_ladder(seed, tmp_path)


@pytest.mark.slow
def test_the_public_cell_goes_down_the_ladder(shared_models: Path, tmp_path: Path) -> None:
    graph = tr.load(shared_models / "lstm_cell_qonnx.onnx", states="h_t-1=h_t,c_t-1=c_t")
    golden = np.load(shared_models / "lstm_cell_qonnx.golden.npz")
    report = tr.emit(tr.plan(graph), tmp_path / "build").verify(golden["x"][None], vectors=24)
    assert report.verify.software.mismatches == 0
    assert (report.verify.hls.mismatches, report.verify.rtl.mismatches) == (0, 0)


def test_the_plan_knows_that_a_loop_bounds_the_interval(tmp_path: Path) -> None:
    path, states = recurrent(0, tmp_path)
    with_loop, without = (tr.plan(tr.load(path, states=s)) for s in (states, None))
    slowest = max(instance.block.interval_cycles for instance in with_loop.instances)
    assert with_loop.interval_cycles > slowest == without.interval_cycles
