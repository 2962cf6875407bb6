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
from networks import Builder, Generated, check
from tailrace.core.errors import MappingError
from tailrace.frontend import UnsupportedError
from tailrace.graph import Permute
from tailrace.planning.streams.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tailrace.planning.plan import Plan


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


@pytest.mark.parametrize(
    "index", [*range(20), *(pytest.param(i, marks=pytest.mark.slow) for i in range(20, 52))]
)
def test_a_small_random_network_is_equal_down_to_its_netlist(index: int, seed: int, tmp_path: Path) -> None:
    plan, x = drawn(seed, 2, tmp_path)
    assert_equalities(plan, x, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("index", range(40))
def test_a_larger_random_network_is_equal_down_to_its_netlist(index: int, seed: int, tmp_path: Path) -> None:
    plan, x = drawn(seed, 6, tmp_path, ("ecp5-85k", "xczu7ev", "xc7a35t"))
    assert_equalities(plan, x, tmp_path)


def turned_blocks(build: Builder, x: str) -> str:
    """Pixels that a transposed convolution with unequal strides puts side by side."""
    kernel = build.quant(build.constant(build.rng.normal(0, 1, (4, 3, 3, 2))), bits=3)
    return build.node("ConvTranspose", x, kernel, strides=[3, 2])


def turned_groups(build: Builder, x: str) -> str:
    """A transposed convolution in groups."""
    kernel = build.quant(build.constant(build.rng.normal(0, 1, (4, 2, 2, 2))), bits=3)
    return build.node("ConvTranspose", x, kernel, strides=[2, 2], group=2)


def turned_axes(build: Builder, x: str) -> str:
    """Rows and columns exchanged between two convolutions."""
    first = build.quant(build.constant(build.rng.normal(0, 1, (4, 4, 1, 1))), bits=3)
    x = build.quant(build.node("Conv", x, first), bits=3, scale=0.5)
    kernel = build.quant(build.constant(build.rng.normal(0, 1, (3, 4, 2, 1))), bits=3)
    return build.node("Conv", build.node("Transpose", x, perm=[0, 1, 3, 2]), kernel)


@pytest.mark.parametrize("layer", [turned_blocks, turned_groups, turned_axes])
def test_integers_that_no_layer_puts_in_order_are_sent_in_another(
    layer: Callable[[Builder, str], str], tmp_path: Path
) -> None:
    build = Builder(opset=13)
    x = build.quant(build.input([1, 4, 5, 6]), bits=3)
    y = build.quant(layer(build, x), bits=4, scale=0.5)
    shape = (2, 3 if layer is not turned_groups else 4, 2, 2)
    kernel = build.quant(build.constant(build.rng.normal(0, 1, shape)), bits=3)
    model = build.model(build.node("Conv", y, kernel))
    inputs = build.rng.normal(0, 2, (6, 4, 5, 6)).astype(np.float32)
    check(Generated(model=model, input_type=None, inputs=inputs), tmp_path)
    plan = tr.plan(tr.load(tmp_path / "network.onnx"), part="ecp5-85k", clock_mhz=100, fps=20e3)
    assert sum(isinstance(node, Permute) for node in plan.graph.nodes) == 1
    assert_equalities(plan, inputs, tmp_path)


def test_a_shortcut_that_takes_every_other_pixel_and_adds_channels(tmp_path: Path) -> None:
    """The shortcut of ResNets for CIFAR-10 without weights: x[:, :, ::2, ::2] and channels of zeros around it."""
    build = Builder(opset=13)
    x = build.quant(build.input([1, 3, 6, 7]), bits=4)
    kernel = build.quant(build.constant(build.rng.normal(0, 1, (6, 3, 3, 3))), bits=3)
    y = build.node("Conv", x, kernel, strides=[2, 2], pads=[1, 1, 1, 1])
    ends = [[0, 0], [6, 7], [2, 3], [2, 2]]
    short = build.node("Slice", x, *(build.constant(v, np.int64) for v in ends))
    short = build.node("Pad", short, build.constant([0, 1, 0, 0, 0, 2, 0, 0], np.int64))
    y = build.quant(build.node("Add", build.quant(y, bits=5), build.quant(short, bits=5)), bits=5)
    model = build.model(build.node("Pad", y, build.constant([0, -1, 0, -1, 0, -2, -1, 0], np.int64)))
    inputs = build.rng.normal(0, 2, (6, 3, 6, 7)).astype(np.float32)
    check(Generated(model=model, input_type=None, inputs=inputs), tmp_path)
    plan = tr.plan(tr.load(tmp_path / "network.onnx"), part="ecp5-85k", clock_mhz=100, fps=200e3)
    assert_equalities(plan, inputs, tmp_path)
