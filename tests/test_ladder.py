# SPDX-License-Identifier: Apache-2.0
"""Random convolutional networks down the whole ladder: software, integer graph, HLS C++, Verilog, netlist.

Each test draws its networks from ``--seed`` (printed where it fails) until one can be mapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tailrace as tr
from image_networks import random_image_network
from networks import check
from tailrace.errors import MappingError
from tailrace.frontend import UnsupportedError
from tailrace.planning.simulator import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.plan import Plan


def drawn(
    seed: int, layers: int, folder: Path, parts: tuple[str, ...] = ("ecp5-85k",)
) -> tuple[Plan, np.ndarray]:
    """Return the plan of the first network from ``seed`` on that can be mapped, and inputs of it."""
    for offset in range(20):
        network = random_image_network(seed + offset, layers=layers)
        rng = np.random.default_rng(seed + offset)
        path = folder / f"network{seed + offset}.onnx"
        onnx.save(network.model, path)
        cycles = float(rng.choice([300, 1000, 5000]))
        fold = {"*": {"pe": "min", "simd": "min"}} if rng.random() < 0.3 else None
        part = str(rng.choice(parts))
        try:
            graph = tr.load(path, network.input_type)
            check(network, folder)
            fps = None if fold or graph.tensors[graph.input].size > cycles else 100e6 / cycles
            return tr.plan(graph, part=part, clock_mhz=100, fps=fps, fold=fold), network.inputs
        except (UnsupportedError, MappingError):
            continue
    raise AssertionError(f"none of 20 networks from seed {seed} on can be mapped")


def assert_equalities(plan: Plan, x: np.ndarray, folder: Path) -> None:
    """All three equalities on all vectors, with stalls; latency and interval as the stream simulator says."""
    design = tr.emit(plan, folder / "build")
    report = design.verify(x, vectors=16, seed=1, stall=0.4)
    schedule = simulate(plan)
    measured = report.performance
    assert plan.interval_cycles == schedule.interval_cycles
    assert (schedule.interval_cycles, schedule.latency_cycles) == (
        measured.interval_cycles,
        measured.latency_cycles,
    )
    checks = design.synth("yosys", x=x, vectors=4).verify
    for result in (checks.software, checks.hls, checks.rtl, checks.netlist):
        assert result is not None
        assert result.vectors > 0
        assert result.mismatches == 0


@pytest.mark.parametrize("index", range(52))
def test_a_small_random_network_is_equal_down_to_its_netlist(index: int, seed: int, tmp_path: Path) -> None:
    plan, x = drawn(seed, 2, tmp_path)
    assert_equalities(plan, x, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("index", range(40))
def test_a_larger_random_network_is_equal_down_to_its_netlist(index: int, seed: int, tmp_path: Path) -> None:
    plan, x = drawn(seed, 6, tmp_path, ("ecp5-85k", "xczu7ev", "xc7a35t"))
    assert_equalities(plan, x, tmp_path)
