# SPDX-License-Identifier: Apache-2.0
"""FIFO depths: as small as can be, and no throughput lost; the Verilog with these depths confirms it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from planning_harness import PlanBuilder, RandomPlan, assert_rtl_agrees, cifar_network, forked
from tailrace.blocks.fifo import Fifo
from tailrace.planning.fifos import size_fifos, with_depths
from tailrace.planning.simulator import simulate
from tailrace.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.plan import Plan


def depths_of(plan: Plan) -> dict[str, int]:
    """The depths of the FIFOs of a plan, by the wire behind them."""
    return {stage.outputs[0]: stage.block.depth for stage in plan.stages if isinstance(stage.block, Fifo)}


def assert_each_is_needed(plan: Plan) -> None:
    """Half of any FIFO costs cycles or stops the design."""
    for wire, depth in depths_of(plan).items():
        halved = simulate(plan, depths={wire: depth // 2})
        assert halved.deadlock is not None or halved.cycles_per_frame > plan.interval_cycles, wire  # type: ignore[operator]


@pytest.mark.parametrize("fps", [None, 1e6, 5e6])
def test_a_fork_over_five_layers_gets_one_fifo_and_needs_it(fps: float | None, shared_models: Path) -> None:
    graph = tr.load(shared_models / "cern_qmlp57.onnx")
    plan = size_fifos(tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=fps))
    assert len(depths_of(plan)) == 1
    assert simulate(plan).cycles_per_frame == plan.interval_cycles
    assert_each_is_needed(plan)


def test_the_fifos_of_convolutions_are_few_and_needed() -> None:
    plan = cifar_network(40_000)
    slow = simulate(plan).cycles_per_frame
    sized = size_fifos(plan)
    assert slow is not None
    assert slow > plan.interval_cycles == simulate(sized).cycles_per_frame
    assert 0 < len(depths_of(sized)) < 12
    assert_each_is_needed(sized)


@pytest.mark.parametrize("start", [1, 3, 40])
def test_a_fork_around_a_product_gets_the_depth_it_needs(start: int) -> None:
    plan = size_fifos(forked(fifo=start))
    assert simulate(plan).cycles_per_frame == plan.interval_cycles == 6
    assert_each_is_needed(plan)
    assert depths_of(plan) == depths_of(size_fifos(forked(fifo=12)))


def test_the_smallest_depth_without_deadlock_is_one_more_than_the_largest_with(seed: int) -> None:
    plan = size_fifos(forked(fifo=40), goal="deadlock-free")
    ((wire, depth),) = depths_of(plan).items()
    assert simulate(plan).deadlock is None
    assert simulate(plan, depths={wire: depth - 1}).deadlock is not None
    assert depth <= depths_of(size_fifos(forked(fifo=40)))[wire]


def test_fifos_that_no_one_needs_are_taken_out() -> None:
    build = PlanBuilder(name="chain", lanes=1, type_=IntType(2, signed=False), shape=(1, 1, 4))
    for depth in (7, 1, 300):
        build.add("fifo", lambda stream, depth=depth: Fifo(stream=stream, depth=depth))
    plan = size_fifos(build.plan())
    assert depths_of(plan) == {}
    assert [stage.block.name for stage in plan.stages] == ["frame"]


def test_depths_go_into_a_plan_and_out_of_it() -> None:
    plan = forked(fifo=5)
    deeper = with_depths(plan, {"s1_fifo_out": 9, "s3_width_out": 4, "in": 2})
    assert depths_of(deeper) == {"in_fifo_out": 2, "s1_fifo_out": 9, "s3_width_out_fifo_out": 4}
    back = with_depths(deeper, {"in_fifo_out": 0, "s1_fifo_out": 5, "s3_width_out_fifo_out": 0})
    assert [(stage.name, stage.inputs, stage.outputs) for stage in back.stages] == [
        (stage.name, stage.inputs, stage.outputs) for stage in plan.stages
    ]
    assert depths_of(back) == depths_of(plan)


def test_random_plans_are_as_fast_as_their_slowest_block(seed: int) -> None:
    for offset in range(12):
        plan = RandomPlan(rng=np.random.default_rng(seed + offset), stages=10, most_values=150).draw()
        sized = size_fifos(plan)
        schedule = simulate(sized)
        assert schedule.deadlock is None
        assert schedule.cycles_per_frame == plan.interval_cycles, seed + offset


def test_the_verilog_with_these_depths_has_the_interval(shared_models: Path, tmp_path: Path) -> None:
    graph = tr.load(shared_models / "cern_qmlp57.onnx")
    plan = size_fifos(tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=1e6))
    schedule = simulate(plan, 8)
    assert schedule.interval_cycles == plan.interval_cycles
    assert_rtl_agrees(plan, schedule, 8, tmp_path)


def test_the_fifos_of_a_public_network_are_needed(shared_models: Path) -> None:
    plan = tr.plan(tr.load(shared_models / "gtsrb_12x12_w2a3.onnx"), part="xczu7ev", clock_mhz=100, fps=6e3)
    assert depths_of(plan)
    assert_each_is_needed(plan)


def test_fifos_without_deadlock_only_are_no_deeper_and_slower_in_the_verilog(
    shared_models: Path, tmp_path: Path
) -> None:
    graph = tr.load(shared_models / "cern_qmlp57.onnx")
    fast, small = (
        tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=1e6, fifos=goal)
        for goal in ("throughput", "deadlock-free")
    )
    assert sum(depths_of(small).values()) < sum(depths_of(fast).values())
    schedule = simulate(small)
    assert schedule.deadlock is None
    assert small.interval_cycles == schedule.interval_cycles > fast.interval_cycles
    assert_rtl_agrees(small, simulate(small, 8), 8, tmp_path)


def test_a_plan_without_a_rate_fits_its_part(shared_models: Path) -> None:
    graph = tr.load(shared_models / "CNV_light_GTSRB_W2A2.onnx")
    large, small = (tr.plan(graph, part=part, clock_mhz=100) for part in ("xczu7ev", "ecp5-85k"))
    assert large.interval_cycles < small.interval_cycles
    for plan in (large, small):
        assert plan.cost.lut < 0.7 * plan.part.lut
        assert plan.cost.bram18 <= plan.part.bram18
