# SPDX-License-Identifier: Apache-2.0
"""The spatial engine in whole designs: alone and mixed with folded layers, behind windows, at a latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest
import tailrace as tr
from image_networks import random_image_network
from tailrace.core.errors import MappingError, TailraceError, UsageError
from tailrace.graph import Dense
from tailrace.graph.passes import pipeline
from tailrace.planning import serialize
from tailrace.planning import spatial as planning_spatial
from tailrace.planning.streams.simulator import simulate
from tailrace.spatial.block import Spatial
from tailrace.targets.parts import part
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan


def tiny(folder: Path) -> Graph:
    return tr.load(write_tiny(folder / "tiny.onnx"))


def engines(plan: Plan) -> dict[str, str]:
    """{matrix product: block} of a plan."""
    products = {node.name for node in plan.graph.nodes if isinstance(node, Dense)}
    return {instance.name: instance.block.name for instance in plan.instances if instance.name in products}


def ranks_of(plan: Plan) -> int:
    return sum(s.block.circuit.rank_count for s in plan.instances if isinstance(s.block, Spatial))


def assert_equal_down_to_the_netlist(plan: Plan, folder: Path, x: np.ndarray | None = None) -> None:
    """All equalities with stalls, and the cycles that the plan says."""
    design = tr.emit(plan, folder / "build")
    measured = design.verify(x, vectors=16, seed=1, stall=0.4).performance
    schedule = simulate(plan)
    assert (measured.interval_cycles, measured.latency_cycles) == (
        schedule.interval_cycles,
        schedule.latency_cycles,
    )
    checks = design.synth("yosys", vectors=4).verify
    for result in (checks.software, checks.hls, checks.rtl, checks.netlist):
        assert result is not None
        assert result.vectors > 0
        assert result.mismatches == 0


@pytest.mark.parametrize("part", ["ecp5-85k", "xczu7ev"])
def test_a_design_of_adders_alone_takes_a_frame_every_cycle(part: str, tmp_path: Path) -> None:
    plan = tr.plan(tiny(tmp_path), part=part, clock_mhz=50, engine="spatial")
    assert engines(plan) == {"dense_0": "spatial", "dense_1": "spatial"}
    assert plan.interval_cycles == 1
    assert "map_0" not in {instance.node for instance in plan.instances}  # it is inside of dense_0
    assert_equal_down_to_the_netlist(plan, tmp_path)


@pytest.mark.parametrize("spatial", ["dense_0", "dense_1"])
def test_both_engines_work_in_one_design(spatial: str, tmp_path: Path) -> None:
    folded = {"dense_0": "dense_1", "dense_1": "dense_0"}[spatial]
    layers = {spatial: {"engine": "spatial"}, folded: {"engine": "folded", "pe": 1, "simd": 2}}
    plan = tr.plan(tiny(tmp_path), part="ecp5-85k", clock_mhz=50, layers=layers)
    assert engines(plan) == {spatial: "spatial", folded: "dense_folded"}
    assert_equal_down_to_the_netlist(plan, tmp_path)


@pytest.mark.parametrize("index", range(3))
def test_a_convolution_is_adders_behind_its_window(index: int, seed: int, tmp_path: Path) -> None:
    for offset in range(40):
        network = random_image_network(seed + offset, layers=2)
        onnx.save(network.model, tmp_path / "network.onnx")
        try:
            plan = tr.plan(
                tr.load(tmp_path / "network.onnx", network.input_type), part="ecp5-85k", engine="spatial"
            )
        except TailraceError:
            continue
        spatial = [instance for instance in plan.instances if isinstance(instance.block, Spatial)]
        if any(instance.block.vectors > 1 for instance in spatial):
            assert set(engines(plan).values()) == {"spatial"}
            assert_equal_down_to_the_netlist(plan, tmp_path, network.inputs)
            return
    raise AssertionError(f"none of 40 networks from seed {seed} on has a convolution")


def test_without_being_asked_a_layer_is_what_costs_less(shared_models: Path) -> None:
    graph = tr.load(shared_models / "qkeras_jettagging.onnx")
    fast = tr.plan(graph, part="xcvu13p", clock_mhz=200, fps=200e6)
    slow = tr.plan(graph, part="xcvu13p", clock_mhz=200, fps=200e3)
    folded = tr.plan(graph, part="xcvu13p", clock_mhz=200, fps=200e6, engine="folded")
    assert set(engines(fast).values()) == {"spatial"}
    assert set(engines(slow).values()) == {"dense_folded"} == set(engines(folded).values())
    assert fast.cost.lut < folded.cost.lut


def test_a_shorter_latency_takes_fewer_ranks_and_less_folding(tmp_path: Path) -> None:
    graph = tiny(tmp_path)
    free = tr.plan(graph, part="ecp5-85k", clock_mhz=400, engine="spatial")
    latency = simulate(free).latency_cycles
    assert latency is not None
    short = tr.plan(graph, part="ecp5-85k", clock_mhz=400, engine="spatial", latency_cycles=latency - 1)
    assert (simulate(short).latency_cycles or 0) <= latency - 1
    assert ranks_of(short) < ranks_of(free)
    slow = tr.plan(graph, part="ecp5-85k", clock_mhz=50, fps=1e6, engine="folded")
    cycles = simulate(slow).latency_cycles
    assert cycles is not None
    quick = tr.plan(graph, part="ecp5-85k", clock_mhz=50, fps=1e6, engine="folded", latency_cycles=cycles - 5)
    assert (simulate(quick).latency_cycles or 0) <= cycles - 5
    assert quick.interval_cycles < slow.interval_cycles


def test_an_impossible_latency_is_refused_with_the_best(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"a latency of 2 cycles cannot be met: the best found is \d+"):
        tr.plan(tiny(tmp_path), part="ecp5-85k", engine="spatial", latency_cycles=2)


def test_a_higher_clock_takes_more_ranks(tmp_path: Path) -> None:
    plans = [tr.plan(tiny(tmp_path), part="ecp5-85k", clock_mhz=f, engine="spatial") for f in (20, 300)]
    ranks = [ranks_of(plan) for plan in plans]
    assert ranks[0] == 2 < ranks[1]


def test_a_spatial_layer_cannot_be_folded(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="pe=1 is asked for, but the spatial engine computes all 4"):
        tr.plan(tiny(tmp_path), layers={"dense_0": {"engine": "spatial", "pe": 1}})


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="engine is 'quick'"):
        tr.plan(tiny(tmp_path), engine="quick")


def test_a_requantizer_that_is_asked_for_stays_a_block(tmp_path: Path) -> None:
    layers = {"*": {"engine": "spatial"}, "map_0": {"requantizer": "threshold"}}
    plan = tr.plan(tiny(tmp_path), part="ecp5-85k", layers=layers)
    assert [s.block.name for s in plan.instances if s.node == "map_0"] == ["threshold"]
    assert_equal_down_to_the_netlist(plan, tmp_path)


def test_a_plan_with_spatial_layers_survives_its_json(tmp_path: Path) -> None:
    plan = tr.plan(tiny(tmp_path), engine="spatial")
    text = serialize.dumps(plan)
    assert serialize.dumps(serialize.loads(text)) == text


@pytest.mark.parametrize(
    ("backend", "file"), [("rtl", "tiny_dense_0_stage0.v"), ("hls", "dense_0_compute.inc")]
)
def test_an_adder_that_is_not_the_plans_is_found(backend: str, file: str, tmp_path: Path) -> None:
    design = tr.emit(tr.plan(tiny(tmp_path), engine="spatial"), tmp_path / "build")
    path = tmp_path / "build" / backend / file
    lines = path.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if "n6" in line)
    lines[place] += "  // touched"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(TailraceError, match=f"line {place + 1} is not what the plan says"):
        design.verify(vectors=4)


def test_the_block_refuses_lanes_that_are_too_narrow(tmp_path: Path) -> None:
    plan = tr.plan(tiny(tmp_path), engine="spatial")
    block = next(instance.block for instance in plan.instances if isinstance(instance.block, Spatial))
    narrow = type(block.out_type)(bits=1, signed=False)
    with pytest.raises(ValueError, match=r"the outputs .* do not fit"):
        Spatial(circuit=block.circuit, in_type=block.in_type, out_type=narrow)


def test_folded_is_folded(tmp_path: Path) -> None:
    plan = tr.plan(tiny(tmp_path), engine="folded", fold={"*": {"pe": "max", "simd": "max"}})
    assert engines(plan) == {"dense_0": "dense_folded", "dense_1": "dense_folded"}


def test_at_ten_cycles_a_frame_the_jet_tagger_is_adders_side_by_side(shared_models: Path) -> None:
    graph = tr.load(shared_models / "qkeras_jettagging.onnx")
    plan = tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=10e6)
    folded = tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=10e6, engine="folded")
    assert {instance.engine for instance in plan.instances} == {"spatial", None}
    assert plan.interval_cycles == 1
    assert folded.interval_cycles == 10
    assert plan.cost.lut < 0.7 * folded.cost.lut
    assert plan.cost.ff < 0.1 * folded.cost.ff


def test_no_circuit_is_searched_that_cannot_fit_the_part(
    shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(planning_spatial, "search", fail)
    monkeypatch.setattr(planning_spatial, "_SEARCHED", {})
    graph = pipeline.run(tr.load(shared_models / "qkeras_jettagging.onnx", "fixed<16,7>"))
    dense = next(node for node in graph.nodes if isinstance(node, Dense) and node.weights.shape == (32, 64))

    def is_cheaper(name: str) -> bool:
        choice = planning_spatial.Choice(graph, part(name), {})
        return choice.is_cheaper(dense, {"pe": 32, "simd": 64}, interval=1)

    assert not is_cheaper("ice40-hx1k")
    with pytest.raises(AssertionError, match="searched"):
        is_cheaper("xczu7ev")
