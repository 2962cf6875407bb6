# SPDX-License-Identifier: Apache-2.0
"""Table: numpy = HLS C++ = Verilog, its schedule, its memories, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import check_hls, check_rtl, frames_of
from tailrace.blocks.base import Block
from tailrace.blocks.table import Table
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path


def table(
    *,
    channels: int = 4,
    pe: int = 2,
    bits: int = 4,
    signed: bool = True,
    out: IntType | None = None,
    shared: bool = False,
    style: int = 0,
    vectors: int = 1,
) -> Table:
    out = out or IntType(6, signed=True)
    generator = np.random.default_rng(bits)
    shape = (1 if shared else channels, 1 << bits)
    return Table(
        values=generator.integers(out.min, out.max, shape, np.int64, endpoint=True),
        channels=channels,
        pe=pe,
        in_type=IntType(bits, signed=signed),
        out_type=out,
        style=style,
        vectors=vectors,
    )


CASES = {
    "one lane one bit": table(channels=1, pe=1, bits=1, signed=False, out=IntType(1, signed=False)),
    "a table a channel": table(channels=6, pe=2, vectors=3),
    "a table a lane": table(channels=3, pe=3, bits=7, style=1),
    "shared by all": table(channels=6, pe=3, shared=True, style=2, vectors=2),
    "block memory": table(channels=5, pe=1, bits=9, signed=False, out=IntType(33, signed=True), style=3),
    "twelve lanes": table(channels=24, pe=12, bits=3, out=IntType(8, signed=False)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_looks_up_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    check_rtl(block, frames_of(block, seed=seed), folder=tmp_path, seed=seed)


def test_the_hls_looks_up(tmp_path: Path, seed: int) -> None:
    check_hls([*CASES.values()], folder=tmp_path, seed=seed)


def test_the_index_is_the_bit_pattern() -> None:
    block = Table(
        values=np.array([[10, 11, 12, 13], [20, 21, 22, 23]]),
        channels=2,
        pe=1,
        in_type=IntType(2, signed=True),
        out_type=IntType(5, signed=False),
    )
    frames = np.array([[0, 0], [1, 1], [-2, -2], [-1, -1]])
    assert block.evaluate(frames).tolist() == [[10, 20], [11, 21], [12, 22], [13, 23]]


def test_every_lane_has_a_memory_with_its_channels_one_after_another() -> None:
    block = Table(
        values=np.arange(8).reshape(4, 2),
        channels=4,
        pe=2,
        in_type=IntType(1, signed=False),
        out_type=IntType(3, signed=False),
    )
    values = {memory.name: memory.values.ravel().tolist() for memory in block.memories()}
    assert values == {"values_0000": [0, 1, 4, 5], "values_0001": [2, 3, 6, 7]}
    assert block.memory_parameters("gelu_1") == {"VALUES_PREFIX": "gelu_1_values"}


def test_equal_tables_are_one_table() -> None:
    shared = table(shared=True)
    repeated = replace(shared, values=np.repeat(shared.values, 4, axis=0))
    assert repeated.parameters()["SHARED"] == 1
    assert len(repeated.memories()) == 1


def test_lanes_that_do_not_divide_the_channels_are_refused_with_those_that_do() -> None:
    with pytest.raises(MappingError) as caught:
        table(channels=6, pe=4)
    assert str(caught.value) == "pe=4 does not divide the 6 channels\n  hint: use one of 1, 2, 3, 6"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.zeros((4, 8), np.int64)}, r"\(4, 8\), not \(4, 16\) or \(1, 16\)"),
        ({"values": np.full((1, 16), 40)}, r"40\.\.40 do not fit int6"),
        ({"style": 4}, "style=4 is none of"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(table(), **change)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5", "ice40"])
def test_it_is_a_block_that_costs_something_everywhere(case: str, family: str) -> None:
    block = CASES[case]
    assert isinstance(block, Block)
    cost = block.cost(FAMILIES[family])
    assert cost.lut > 0
    assert cost.ff > 0
