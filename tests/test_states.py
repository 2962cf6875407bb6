# SPDX-License-Identifier: Apache-2.0
"""Networks with states go down the whole ladder: sequences with resets at random places, stalls on every port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from state_networks import recurrent
from tailrace.core.errors import ModelError, UsageError
from tailrace.planning.streams.simulator import PlanSimulator
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = (0, 1)
MANY = range(2, 20)


def down_the_ladder(seed: int, folder: Path, sequence: int | None = None) -> None:
    path, states = recurrent(seed, folder)
    graph = tr.load(path, states=states, sequence=sequence)
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
    down_the_ladder(seed, tmp_path, sequence=None if seed % 3 else seed)


def test_sequences_of_one_length_need_no_mark(tmp_path: Path) -> None:
    path, states = recurrent(0, tmp_path)
    marked, counted = (tr.load(path, states=states, sequence=length) for length in (None, 5))
    x = random_inputs(counted, 20, seed=2)
    for mine, theirs in zip(arrays(counted.predict(x)), arrays(marked.predict(x)), strict=True):
        assert np.array_equal(mine, theirs)
    assert counted.frame_sizes[0] == marked.frame_sizes[0] - 1
    plan = tr.plan(counted)
    assert not any(port.marked for port in plan.input_ports)
    design = tr.emit(plan, tmp_path / "build")
    assert not any(
        "tuser" in file.read_text() for file in (tmp_path / "build" / "rtl").glob(f"{plan.name}*.v")
    )
    report = design.verify(vectors=20, seed=1)
    assert (report.verify.software.mismatches, report.verify.rtl.mismatches) == (0, 0)
    with pytest.raises(ModelError, match="got sequences of 4 steps, wanted 5"):
        counted.predict(random_inputs(marked, 16, seed=2, steps=4))


def arrays(y: dict[str, np.ndarray] | np.ndarray) -> list[np.ndarray]:
    return list(y.values()) if isinstance(y, dict) else [y]


def test_a_length_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path, states = recurrent(0, tmp_path)
    with pytest.raises(UsageError, match="sequences of 0 steps"):
        tr.load(path, states=states, sequence=0)
    with pytest.raises(UsageError, match="the network has no states"):
        tr.load(path, sequence=4)


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
