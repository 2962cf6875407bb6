# SPDX-License-Identifier: Apache-2.0
"""Threshold: numpy = HLS C++ = Verilog, its schedule, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import build_map, check_hls, check_rtl, frames_of
from rtl_harness import assert_frames_equal
from tailrace.blocks.base import Block
from tailrace.blocks.threshold import Threshold
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path


def threshold(
    *,
    channels: int = 4,
    pe: int = 2,
    bits: int = 8,
    signed: bool = True,
    levels: int = 3,
    out: str = "uint2",
    rows: int | None = None,
    never: bool = False,
    offsets: bool = False,
    base: int | None = None,
    vectors: int = 1,
) -> Threshold:
    """Return a block with random thresholds, some equal, some at the ends of the type."""
    generator = np.random.default_rng(bits * 1000 + levels)
    in_type = IntType(bits, signed=signed)
    out_type = IntType(int(out.removeprefix("u").removeprefix("int")), signed=not out.startswith("u"))
    rows = channels if rows is None else rows
    thresholds = generator.integers(in_type.min, in_type.max, (rows, levels), np.int64, endpoint=True)
    thresholds[0, 0] = in_type.min
    thresholds[-1, -1] = in_type.max + never
    thresholds.sort(axis=1)
    decreasing = generator.integers(0, 2, rows).astype(bool) if offsets else np.zeros(1, bool)
    low = out_type.min if base is None else base
    bases = np.where(decreasing, out_type.max, low) if offsets else np.array([low])
    return Threshold(
        thresholds=thresholds,
        base=bases.astype(np.int64),
        decreasing=decreasing,
        channels=channels,
        pe=pe,
        in_type=in_type,
        out_type=out_type,
        vectors=vectors,
    )


CASES = {
    "one lane one bit": threshold(channels=1, pe=1, bits=1, signed=False, levels=1, out="uint1"),
    "constants": threshold(channels=3, pe=3, levels=7, out="uint3"),
    "one row for all": threshold(channels=6, pe=3, rows=1, levels=2, out="int5", base=-7, vectors=2),
    "memory": threshold(channels=6, pe=2, bits=13, levels=15, out="int5", base=-15, never=True, vectors=3),
    "unsigned with never": threshold(
        channels=3, pe=1, bits=7, signed=False, levels=4, out="uint4", never=True
    ),
    "offsets from memory": threshold(
        channels=10, pe=2, bits=9, levels=6, out="int4", offsets=True, vectors=2
    ),
    "constant offsets": threshold(channels=5, pe=5, bits=5, levels=3, out="uint3", offsets=True, never=True),
    "wide words": threshold(channels=8, pe=4, bits=40, levels=5, out="uint3", never=True),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_computes_the_steps_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    check_rtl(block, frames_of(block, seed=seed), folder=tmp_path, seed=seed)


def test_the_hls_computes_the_steps(tmp_path: Path, seed: int) -> None:
    many = threshold(channels=2, pe=2, bits=33, levels=31, out="int7", base=-63)
    check_hls([*CASES.values(), many], folder=tmp_path, seed=seed)


def test_evaluate_counts_the_thresholds_reached() -> None:
    block = Threshold(
        thresholds=np.array([[-3, 0, 0, 8], [1, 2, 3, 4]]),
        base=np.array([-2, 7]),
        decreasing=np.array([False, True]),
        channels=2,
        pe=1,
        in_type=IntType(4, signed=True),
        out_type=IntType(4, signed=True),
    )
    frames = np.array([[-8, 0], [-3, 1], [-1, 2], [0, 3], [7, 7]])
    assert block.evaluate(frames).tolist() == [[-2, 7], [-1, 6], [-1, 5], [1, 4], [1, 3]]


@pytest.mark.parametrize("levels", [1, 16, 17, 255])
@pytest.mark.parametrize("rows", [1, 5])
def test_evaluate_is_the_same_for_few_and_many_levels(levels: int, rows: int, seed: int) -> None:
    block = threshold(
        channels=5, pe=1, bits=12, levels=levels, rows=rows, out="int10", offsets=True, vectors=2
    )
    frames = frames_of(block, seed=seed)
    reached = frames.reshape(-1, 5, 1) >= block.thresholds
    sign = np.where(block.decreasing, -1, 1)
    expected = (block.base + sign * reached.sum(axis=2)).reshape(frames.shape)
    assert np.array_equal(expected, block.evaluate(frames))


def test_equal_rows_are_one_row() -> None:
    shared = threshold(channels=4, pe=2, rows=1)
    repeated = replace(shared, thresholds=np.repeat(shared.thresholds, 4, axis=0))
    assert repeated.folds == 1
    assert shared.parameters() == repeated.parameters()
    assert shared.memories()[0].hex_lines() == repeated.memories()[0].hex_lines()


def test_lanes_that_do_not_divide_the_channels_are_refused_with_those_that_do() -> None:
    with pytest.raises(MappingError) as caught:
        threshold(channels=6, pe=4)
    assert str(caught.value) == "pe=4 does not divide the 6 channels\n  hint: use one of 1, 2, 3, 6"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thresholds": np.array([[2, 1]])}, "must ascend"),
        ({"thresholds": np.array([[200, 201]])}, "128 stands for never"),
        ({"thresholds": np.zeros((3, 2), np.int64)}, r"\(3, 2\), not \(4, 2\) or \(1, 2\)"),
        ({"thresholds": np.zeros((4, 0), np.int64)}, "at least one level"),
        ({"base": np.array([3])}, "do not fit uint2"),
        ({"decreasing": np.zeros(4, np.int64)}, "not bool"),
        ({"thresholds": np.zeros((4, 2), np.int32)}, "must be int64"),
    ],
)
def test_arrays_that_are_no_step_functions_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(threshold(), **change)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5", "ice40"])
def test_it_is_a_block_that_costs_something_everywhere(case: str, family: str) -> None:
    block = CASES[case]
    assert isinstance(block, Block)
    cost = block.cost(FAMILIES[family])
    assert cost.lut > 0
    assert cost.ff > 0


def test_a_broken_module_is_caught(tmp_path: Path, seed: int) -> None:
    block = CASES["memory"]
    text = (data_folder("rtl") / "tr_threshold.v").read_text(encoding="utf-8")
    source = tmp_path / "tr_threshold.v"
    source.write_text(text.replace("$signed(value) >= ", "$signed(value) > "), encoding="utf-8")
    frames = np.resize(block.thresholds[:, 3], (4, 18))
    run = build_map(block, folder=tmp_path, source=source).run(frames, seed=seed)
    with pytest.raises(AssertionError, match="frame 0 value 0 is"):
        assert_frames_equal(block.evaluate(frames), run)
