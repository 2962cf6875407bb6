# SPDX-License-Identifier: Apache-2.0
"""A folding that is written down gives the same plan again; one that cannot be is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import tailrace as tr
from tailrace.core.errors import MappingError
from tailrace.planning import serialize
from tailrace.planning.layout import block_rams
from tailrace.planning.streams.simulator import simulate

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {"part": "xczu7ev", "clock_mhz": 100}


@pytest.mark.parametrize(
    ("name", "fps"),
    [("gtsrb_12x12_w2a3", 411e3), ("radioml_cnn1d_2class", 1e5), ("cern_qmlp57", 1e6), ("TFC_2W2A", None)],
)
def test_the_folding_of_a_plan_gives_the_plan(name: str, fps: float | None, shared_models: Path) -> None:
    graph = tr.load(shared_models / f"{name}.onnx")
    plan = tr.plan(graph, fps=fps, **OPTIONS)
    again = tr.plan(graph, fold=plan.folding, **OPTIONS)
    assert again.asked.layers == plan.folding
    assert serialize.dumps(replace(again, asked=plan.asked)) == serialize.dumps(plan)


def test_all_lanes_of_all_layers_make_whole_windows(shared_models: Path) -> None:
    graph = tr.load(shared_models / "gtsrb_12x12_w2a3.onnx")
    plan = tr.plan(graph, fold={"*": {"pe": "max", "simd": "max"}}, **OPTIONS)
    blocks = [instance.block.name for instance in plan.instances]
    assert "window" not in blocks
    assert blocks.count("window_parallel") == 5
    assert (
        plan.interval_cycles == simulate(plan).interval_cycles == 196
    )  # a pixel of the padded image a cycle


@pytest.mark.parametrize("fold", [{"pe": "min", "simd": "max"}, {"pe": 1, "simd": 1}])
def test_what_is_asked_of_all_layers_leaves_windows_that_cannot_as_they_are(
    fold: dict[str, str | int], shared_models: Path
) -> None:
    graph = tr.load(shared_models / "gtsrb_12x12_w2a3.onnx")
    plan = tr.plan(graph, fold={"*": fold}, **OPTIONS)
    assert "window_parallel" not in [instance.block.name for instance in plan.instances]


def test_a_number_of_inputs_for_all_layers_is_none_of_taps(shared_models: Path) -> None:
    graph = tr.load(shared_models / "gtsrb_12x12_w2a3.onnx")
    plan = tr.plan(graph, fold={"*": {"simd": 4}, "dense_0": {"simd": 9}}, **OPTIONS)
    assert {plan.folding[f"dense_{index}"]["simd"] for index in range(1, 5)} == {4}
    assert {plan.folding[f"window_{index}"]["simd"] for index in range(1, 5)} == {1}


def test_a_part_of_a_window_is_refused(shared_models: Path) -> None:
    graph = tr.load(shared_models / "gtsrb_12x12_w2a3.onnx")
    with pytest.raises(MappingError, match=r"window_0: simd=2 is neither 1 nor the 9 taps of the window"):
        tr.plan(graph, fold={"window_0": {"pe": 1, "simd": 2}}, **OPTIONS)
    with pytest.raises(MappingError, match=r"window_0: a window with simd=9 needs whole pixels"):
        tr.plan(graph, fold={"window_0": {"pe": 1, "simd": 9}}, **OPTIONS)


def test_a_folding_that_a_layer_has_not_is_refused(shared_models: Path) -> None:
    graph = tr.load(shared_models / "gtsrb_12x12_w2a3.onnx")
    with pytest.raises(MappingError, match=r"map_0: a Map has no simd\n  hint: possible: pe"):
        tr.plan(graph, fold={"map_0": {"pe": 1, "simd": 2}}, **OPTIONS)


def test_a_plan_that_is_too_large_for_its_part_says_so(shared_models: Path) -> None:
    graph = tr.load(shared_models / "TFC_2W2A.onnx")
    (notice,) = tr.plan(graph, part="ecp5-25k", clock_mhz=100, fps=100e6).notices
    assert notice.startswith("by estimate the design needs more than ecp5-25k has: 2")
    assert "LUTs (24,288)" in notice
    assert notice.endswith("; ask for fewer --fps, or take a larger part")
    assert not tr.plan(graph, part="ecp5-25k", clock_mhz=100, fps=1e5).notices


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    [(512, 36, 1), (1024, 18, 1), (16384, 8, 8), (81920, 8, 40), (16384, 1, 1), (600, 40, 3)],
)
def test_a_weight_memory_is_counted_in_the_shape_that_takes_fewest_blocks(
    depth: int, width: int, blocks: int
) -> None:
    assert block_rams(depth, width) == blocks
