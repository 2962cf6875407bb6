# SPDX-License-Identifier: Apache-2.0
"""FIFO depths: as small as can be, and no throughput lost; the Verilog with these depths confirms it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import tailrace as tr
from image_networks import random_image_network
from networks import Builder
from planning_harness import PlanBuilder, RandomPlan, assert_rtl_agrees, cifar_network, forked
from tailrace.blocks.fifo import Fifo
from tailrace.core.types import IntType
from tailrace.graph import Reshape, Window
from tailrace.graph.passes import pipeline as passes
from tailrace.planning.build import plan as make_plan
from tailrace.planning.streams import fifos
from tailrace.planning.streams.fifos import size_fifos, with_depths
from tailrace.planning.streams.shorten import shortened
from tailrace.planning.streams.simulator import PlanSimulator, simulate
from tailrace.targets.parts import part

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan


def depths_of(plan: Plan) -> dict[str, int]:
    """The depths of the FIFOs of a plan, by the wire behind them."""
    return {
        instance.outputs[0]: instance.block.depth
        for instance in plan.instances
        if isinstance(instance.block, Fifo)
    }


def assert_each_is_needed(plan: Plan) -> None:
    """Half of any FIFO costs cycles or stops the design, be it only when words come with gaps."""
    for wire, depth in depths_of(plan).items():
        halved = simulate(plan, depths={wire: depth // 2})
        slower = halved.deadlock is not None or halved.cycles_per_frame > plan.interval_cycles  # type: ignore[operator]
        assert slower or stops_with_gaps(plan, {wire: depth // 2}), wire


def stops_with_gaps(plan: Plan, depths: dict[str, int] | None = None) -> bool:
    """Whether the design may stop for ever when pipelines hold as little as they can."""
    return PlanSimulator(plan, least_room=True).run(depths=depths).deadlock is not None


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
    assert not stops_with_gaps(plan)
    assert stops_with_gaps(plan, {wire: depth - 1})
    assert depth <= depths_of(size_fifos(forked(fifo=40)))[wire]


SEEDS = (200451, 200726, 201310)
"""Random networks whose designs, with FIFOs for words at the interval only, stopped when words came in gaps."""


@pytest.mark.parametrize("number", SEEDS)
def test_no_design_stops_when_words_come_and_go_in_gaps(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = random_image_network(number, layers=int(np.random.default_rng(number).integers(1, 7)))
    onnx.save(network.model, tmp_path / "network.onnx")
    graph = tr.load(tmp_path / "network.onnx", network.input_type)
    plan = tr.plan(graph, part="ecp5-85k", engine="folded")
    assert not stops_with_gaps(plan)
    assert simulate(plan).cycles_per_frame == plan.interval_cycles
    assert_each_is_needed(plan)
    design = tr.emit(plan, tmp_path / "build", backends=["rtl"])
    design.verify(network.inputs, vectors=16, stall=0.4, backends=["rtl"])
    monkeypatch.setattr(fifos, "_for_any_words", lambda search, _: search)
    assert stops_with_gaps(tr.plan(graph, part="ecp5-85k", engine="folded"))


def test_fifos_that_no_one_needs_are_taken_out() -> None:
    build = PlanBuilder(name="chain", lanes=1, type_=IntType(2, signed=False), shape=(1, 1, 4))
    for depth in (7, 1, 300):
        build.add("fifo", lambda stream, depth=depth: Fifo(stream=stream, depth=depth))
    plan = size_fifos(build.plan())
    assert depths_of(plan) == {}
    assert [instance.block.name for instance in plan.instances] == ["frame"]


def test_depths_go_into_a_plan_and_out_of_it() -> None:
    plan = forked(fifo=5)
    deeper = with_depths(plan, {"s1_fifo_out": 9, "s3_width_out": 4, "in": 2})
    assert depths_of(deeper) == {"in_fifo_out": 2, "s1_fifo_out": 9, "s3_width_out_fifo_out": 4}
    back = with_depths(deeper, {"in_fifo_out": 0, "s1_fifo_out": 5, "s3_width_out_fifo_out": 0})
    assert [(instance.name, instance.inputs, instance.outputs) for instance in back.instances] == [
        (instance.name, instance.inputs, instance.outputs) for instance in plan.instances
    ]
    assert depths_of(back) == depths_of(plan)


def test_random_plans_are_as_fast_as_their_slowest_block(seed: int) -> None:
    for offset in range(12):
        plan = RandomPlan(rng=np.random.default_rng(seed + offset), instances=10, most_values=150).draw()
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


@pytest.fixture
def tall(tmp_path: Path) -> Graph:
    """64 rows of 12 pixels: a convolution of stride 2, a branch over two more, and up to the first size again."""
    build = Builder(seed=3)
    channels = 2

    def layer(x: str, rows: int, stride: int = 1) -> str:
        nonlocal channels
        weights = build.constant(build.rng.normal(0, 0.6, (rows, channels, 3, 3)))
        kernel = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [stride, stride]}
        channels = rows
        x = build.node("Conv", x, build.quant(weights, scale=np.float32(0.25), bits=3), **kernel)
        return build.quant(x, scale=np.float32(0.5), bits=4, signed=0)

    first = layer(build.quant(build.input([1, 2, 64, 12]), scale=np.float32(0.25), bits=4, signed=0), 4, 2)
    joined = build.node("Concat", layer(layer(first, 4), 4), first, axis=1)
    channels = 8
    last = layer(joined, 8)
    scales = build.constant(np.float32([1, 1, 2, 2]))
    large = build.node("Resize", last, build.constant(np.float32([])), scales, mode="nearest",
                       coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    path = tmp_path / "tall.onnx"
    onnx.save(build.model(large), path)
    return passes.run(tr.load(path))


def test_a_shorter_graph_is_the_same_but_for_its_rows(tall: Graph) -> None:
    short = shortened(tall, 4)
    assert short is not None
    rows = {name: (tensor.shape[0], short.tensors[name].shape[0]) for name, tensor in tall.tensors.items()}
    assert rows[tall.input] == rows[tall.output] == (64, 16)
    left_out = {name: whole - some for name, (whole, some) in rows.items()}
    # The first convolution reads every second row, the last layer doubles them again.
    strided = [window.output for window in tall.nodes if isinstance(window, Window)]
    assert [left_out[name] for name in strided] == [24] * 4
    assert set(left_out.values()) == {48, 24, 24 * 6}  # a matrix product has no rows, it counts positions
    assert [t.shape[1:] for t in short.tensors.values()] == [t.shape[1:] for t in tall.tensors.values()]
    free = [node.name for node in tall.nodes if isinstance(node, Reshape)]
    assert [node for node in short.nodes if node.name not in free] == [
        node for node in tall.nodes if node.name not in free
    ]
    assert [(node.name, node.inputs) for node in short.nodes] == [
        (node.name, node.inputs) for node in tall.nodes
    ]
    assert shortened(tall, 11) is None  # less than four rows behind the stride


def test_a_network_that_needs_all_its_rows_is_not_shortened(shared_models: Path) -> None:
    assert (
        shortened(passes.run(tr.load(shared_models / "gtsrb_12x12_w2a3.onnx")), 2) is None
    )  # dense layers behind
    assert shortened(passes.run(tr.load(shared_models / "TFC_2W2A.onnx")), 2) is None  # no image


def test_the_fifos_found_on_some_rows_do_for_the_whole_and_are_needed(
    tall: Graph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = make_plan(tall, part=part("xczu7ev"), clock_mhz=100, fps=12e3)
    words = sum(stream.words for stream in whole.wires.values())
    monkeypatch.setattr("tailrace.planning.build.LONG_FRAME_WORDS", words // 3)
    some = make_plan(tall, part=part("xczu7ev"), clock_mhz=100, fps=12e3)
    assert any("some rows" in notice for notice in some.notices)
    assert not any("some rows" in notice for notice in whole.notices)
    assert simulate(some).cycles_per_frame == some.interval_cycles == whole.interval_cycles
    assert depths_of(some) == depths_of(whole)
    assert_each_is_needed(some)
    assert_rtl_agrees(some, simulate(some, 4), 4, tmp_path)


def test_depths_that_fail_the_whole_image_are_not_taken(tall: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    sized = make_plan(tall, part=part("xczu7ev"), clock_mhz=100, fps=12e3)
    needed = depths_of(sized)
    plan = with_depths(sized, dict.fromkeys(needed, 0))
    search, asked = fifos._searched, []

    def poor(plan: Plan, *arguments: Any) -> Any:
        found = search(plan, *arguments)
        asked.append(found)
        if len(asked) == 1:
            found.depths = dict.fromkeys(found.depths, 0)
        return found

    monkeypatch.setattr(fifos, "_searched", poor)
    again = size_fifos(plan, shorter=plan)
    assert len(asked) == 2
    assert depths_of(again) == {f"{wire.removesuffix('_fifo_out')}_fifo_out": n for wire, n in needed.items()}
    assert simulate(again).cycles_per_frame == plan.interval_cycles
