# SPDX-License-Identifier: Apache-2.0
"""Networks of several inputs and outputs go down the whole ladder, ports that stall by themselves included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tailrace as tr
from port_networks import draw
from tailrace.planning.streams.simulator import PlanSimulator
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = (2, 3)
MANY = range(10, 40)


def network(seed: int, folder: Path) -> tr.Graph:
    build, outputs = draw(seed)
    onnx.save(build.model(*outputs), folder / "net.onnx")
    return tr.load(folder / "net.onnx")


@pytest.mark.parametrize("seed", range(40))
def test_a_network_of_several_ends_equals_its_software(seed: int, tmp_path: Path) -> None:
    graph = network(seed, tmp_path)
    result = verify_software(graph, graph.reference, random_inputs(graph, 8, seed))
    assert result.mismatches == 0, result.first


def test_the_networks_have_one_to_four_inputs_and_outputs(tmp_path: Path) -> None:
    found = {(len(g.inputs), len(g.outputs)) for seed in range(40) if (g := network(seed, tmp_path))}
    assert {a for a, _ in found} == {1, 2, 3, 4}
    assert {b for _, b in found} == {1, 2, 3, 4}


def down_the_ladder(seed: int, folder: Path) -> None:
    graph = network(seed, folder)
    rng = np.random.default_rng(seed)
    plan = tr.plan(graph, fold={"*": {"pe": str(rng.choice(["min", "max"])), "simd": "min"}})
    simulated = PlanSimulator(plan).run()
    assert simulated.interval_cycles == plan.interval_cycles
    report = tr.emit(plan, folder / "build").verify(vectors=8, seed=seed)
    assert report.verify.software.mismatches == 0
    assert (report.verify.hls.mismatches, report.verify.rtl.mismatches) == (0, 0)
    assert report.performance.interval_cycles == simulated.interval_cycles
    assert report.performance.latency_cycles == simulated.latency_cycles


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_of_several_ends_goes_down_the_ladder(seed: int, tmp_path: Path) -> None:
    down_the_ladder(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_many_networks_of_several_ends_go_down_the_ladder(seed: int, tmp_path: Path) -> None:
    down_the_ladder(seed, tmp_path)


@pytest.mark.parametrize("name", ["two_inputs", "yolo_two_heads"])
def test_a_shared_case_of_several_ends_equals_its_software(name: str, shared_models: Path) -> None:
    graph = tr.load(shared_models.parent / "cases" / f"{name}.onnx")
    golden = np.load(shared_models.parent / "cases" / f"{name}.golden.npz")
    names = [end.name for end in graph.host.inputs]
    x = {n: golden[f"inputs_{i}"] for i, n in enumerate(names)} if len(names) > 1 else golden["inputs"]
    result = verify_software(graph, graph.reference, x)
    assert (result.mismatches, result.framework_rounding) == (0, 0)
    y = graph.predict(x)
    if name == "two_inputs":
        assert y.reshape(golden["outputs"].shape).tolist() == golden["outputs"].tolist()
    else:
        assert [array.shape for array in y.values()] == [(8, 9, 4, 4), (8, 9, 8, 8)]
