# SPDX-License-Identifier: Apache-2.0
"""Threshold search: numpy = HLS C++ = Verilog, its schedule, its memories, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import check_hls, check_rtl, frames_of
from tailrace.blocks.base import Block
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path


def search(
    *,
    channels: int = 4,
    pe: int = 2,
    bits: int = 8,
    signed: bool = True,
    levels: int = 5,
    out: IntType | None = None,
    rows: int | None = None,
    never: bool = False,
    offsets: bool = False,
    base: int = 0,
    vectors: int = 1,
) -> ThresholdSearch:
    """Return a block with random thresholds, some equal, some at the ends of the type."""
    generator = np.random.default_rng(bits * 1000 + levels)
    in_type = IntType(bits, signed=signed)
    rows = channels if rows is None else rows
    thresholds = generator.integers(in_type.min, in_type.max, (rows, levels), np.int64, endpoint=True)
    thresholds[0, 0] = in_type.min
    thresholds[-1, -1] = in_type.max + never
    thresholds.sort(axis=1)
    decreasing = generator.integers(0, 2, rows).astype(bool) if offsets else np.zeros(1, bool)
    bases = base + np.where(decreasing, levels, 0) if offsets else np.array([base])
    return ThresholdSearch(
        thresholds=thresholds,
        base=bases.astype(np.int64),
        decreasing=decreasing,
        channels=channels,
        pe=pe,
        in_type=in_type,
        out_type=out or IntType.containing(base, base + levels),
        vectors=vectors,
    )


CASES = {
    "one lane one bit": search(channels=1, pe=1, bits=1, signed=False, levels=1),
    "one step from memory": search(channels=3, pe=1, bits=5, levels=1, base=-1),
    "constants": search(channels=3, pe=3, levels=7),
    "one row for all": search(channels=6, pe=3, rows=1, levels=6, base=-7, vectors=2),
    "memory": search(channels=6, pe=2, bits=13, levels=15, base=-15, never=True, vectors=3),
    "unsigned and padded": search(channels=3, pe=1, bits=7, signed=False, levels=9),
    "offsets from memory": search(channels=10, pe=2, bits=9, levels=12, base=-8, offsets=True, vectors=2),
    "constant offsets": search(channels=11, pe=11, bits=5, levels=3, offsets=True, never=True),
    "wide words": search(channels=4, pe=2, bits=40, levels=31, never=True),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_computes_the_steps_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    check_rtl(block, frames_of(block, seed=seed), folder=tmp_path, seed=seed)


def test_the_hls_computes_the_steps(tmp_path: Path, seed: int) -> None:
    check_hls([*CASES.values()], folder=tmp_path, seed=seed)


@pytest.mark.parametrize("case", CASES)
def test_the_search_computes_what_the_comparators_compute(case: str, seed: int) -> None:
    block = CASES[case]
    compared = Threshold(
        thresholds=block.padded,
        base=block.base,
        decreasing=block.decreasing,
        channels=block.channels,
        pe=block.pe,
        in_type=block.in_type,
        out_type=block.out_type,
        vectors=block.vectors,
    )
    frames = frames_of(block, seed=seed)
    assert np.array_equal(compared.evaluate(frames), block.evaluate(frames))


def test_every_step_has_a_memory_of_its_own() -> None:
    block = ThresholdSearch(
        thresholds=np.array([[1, 2, 3, 4, 5, 6, 7], [11, 12, 13, 14, 15, 16, 17]]),
        base=np.zeros(1, np.int64),
        decreasing=np.zeros(1, bool),
        channels=2,
        pe=1,
        in_type=IntType(5, signed=False),
        out_type=IntType(3, signed=False),
    )
    values = {memory.name: memory.values.ravel().tolist() for memory in block.memories()}
    assert values == {
        "thresholds_0000_00": [4, 14],
        "thresholds_0000_01": [2, 6, 12, 16],
        "thresholds_0000_02": [1, 3, 5, 7, 11, 13, 15, 17],
    }
    assert block.memory_parameters("dense_3") == {"THRESHOLDS_PREFIX": "dense_3_thresholds"}


def test_lanes_that_do_not_divide_the_channels_are_refused_with_those_that_do() -> None:
    with pytest.raises(MappingError) as caught:
        search(channels=10, pe=3)
    assert str(caught.value) == "pe=3 does not divide the 10 channels\n  hint: use one of 1, 2, 5, 10"


def test_more_lanes_than_files_can_be_numbered_are_refused() -> None:
    with pytest.raises(MappingError, match="pe=20000 is too many lanes\n  hint: use at most 10000"):
        search(channels=20000, pe=20000, rows=1)


def test_descending_thresholds_are_refused() -> None:
    with pytest.raises(ValueError, match="must ascend"):
        replace(search(), thresholds=np.array([[2, 1]]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5", "ice40"])
def test_it_is_a_block_that_costs_something_everywhere(case: str, family: str) -> None:
    block = CASES[case]
    assert isinstance(block, Block)
    cost = block.cost(FAMILIES[family])
    assert cost.lut > 0
    assert cost.ff > 0
