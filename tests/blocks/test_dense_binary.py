# SPDX-License-Identifier: Apache-2.0
"""dense_binary: numpy = HLS C++ = Verilog, its schedule, its memories, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from dense_harness import SOURCES, hex_words, replayed, vectors_of
from hls_harness import HlsCase, run_hls
from rtl_harness import assert_frames_equal, build_rtl
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.core.errors import MappingError, ToolError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers


def binary(
    *,
    rows: int,
    cols: int,
    pe: int,
    simd: int,
    bias: bool = False,
    style: str = "auto",
    vectors: int = 1,
) -> DenseBinary:
    """Return a block with random weights, one row of all ones, and the narrowest accumulator."""
    generator = np.random.default_rng(rows * 1000 + cols)
    weights = 2 * generator.integers(0, 2, (rows, cols)) - 1
    weights[-1] = 1
    biases = generator.integers(-9, 9, rows, np.int64, endpoint=True)
    return DenseBinary(
        weights=weights,
        bias=biases if bias else None,
        pe=pe,
        simd=simd,
        out_type=IntType.containing(int(biases.min()), cols + int(biases.max()))
        if bias
        else IntType.containing(0, cols),
        style=style,
        vectors=vectors,
    )


CASES = {
    "one by one": binary(rows=1, cols=1, pe=1, simd=1),
    "one lane": binary(rows=3, cols=5, pe=1, simd=1, bias=True, vectors=2),
    "two columns": binary(rows=2, cols=6, pe=2, simd=2),
    "three columns": binary(rows=4, cols=9, pe=2, simd=3, bias=True),
    "four columns": binary(rows=4, cols=8, pe=4, simd=4),
    "five columns": binary(rows=3, cols=15, pe=3, simd=5, style="registers"),
    "two levels": binary(rows=2, cols=26, pe=1, simd=13, bias=True),
    "three levels": binary(rows=2, cols=32, pe=2, simd=32, style="distributed"),
    "block memory": binary(rows=4, cols=64, pe=2, simd=16, style="block", bias=True, vectors=3),
    "parallel": binary(rows=5, cols=67, pe=5, simd=67, bias=True),
}


def by_definition(block: DenseBinary, vectors: Integers) -> Integers:
    """Return the sums in Python's integers: one for every column where bit and weight agree."""
    bias = [0] * block.rows if block.bias is None else block.bias.tolist()
    rows = list(zip(block.weights.tolist(), bias, strict=True))
    return np.array(
        [
            [
                start + sum((w == 1) == (x == 1) for w, x in zip(row, vector, strict=True))
                for vector in frame
                for row, start in rows
            ]
            for frame in vectors.tolist()
        ],
        np.int64,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_counts_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    vectors = vectors_of(block, seed=seed)
    frames = replayed(block, vectors)
    expected = by_definition(block, vectors)
    assert np.array_equal(expected, block.evaluate(frames))
    model = build_rtl(block, folder=tmp_path, sources=SOURCES)
    run = model.run(frames)
    assert_frames_equal(expected, run)
    assert block.latency_cycles == run.latency_cycles
    assert block.interval_cycles == run.interval_cycles
    assert_frames_equal(expected, model.run(frames, stall=0.4, seed=seed))


def test_the_hls_counts(tmp_path: Path, seed: int) -> None:
    vectors = [vectors_of(block, seed=seed) for block in CASES.values()]
    cases = [
        HlsCase(block=block, frames=(replayed(block, given),))
        for block, given in zip(CASES.values(), vectors, strict=True)
    ]
    for block, given, (got,) in zip(CASES.values(), vectors, run_hls(cases, tmp_path), strict=True):
        assert np.array_equal(by_definition(block, given), got), dict(block.parameters())


def test_the_sum_of_products_follows_from_the_count(rng: np.random.Generator) -> None:
    block = CASES["two levels"]
    vectors = vectors_of(block, seed=3)
    products = (2 * vectors[:, 0] - 1) @ block.weights.T
    counts = block.evaluate(replayed(block, vectors)) - block.bias
    assert np.array_equal(products, 2 * counts - block.cols)


def test_the_memory_is_laid_out_by_hand() -> None:
    weights = np.array([[1, -1, 1, 1], [-1, -1, 1, -1], [1, 1, -1, -1], [-1, 1, -1, 1]], np.int64)
    block = DenseBinary(weights=weights, pe=2, simd=2, out_type=IntType(3, signed=False))
    (memory,) = block.memories()
    # A word is {row 1 column 1, row 1 column 0, row 0 column 1, row 0 column 0} of its rows and columns.
    assert hex_words(memory.hex_lines()) == [0b0001, 0b0111, 0b1011, 0b1000]


def test_a_count_too_wide_for_the_accumulator_stops_the_simulation(tmp_path: Path) -> None:
    block = replace(CASES["four columns"], out_type=IntType(3, signed=False))
    frames = replayed(block, vectors_of(block, seed=1, count=4))
    with pytest.raises(ToolError, match="the sum 8 does not fit 3 bits"):
        build_rtl(block, folder=tmp_path, sources=SOURCES).run(frames)


def test_weights_other_than_plus_and_minus_one_are_refused() -> None:
    weights = CASES["four columns"].weights.copy()
    weights[1, 2] = 0
    with pytest.raises(ValueError, match=r"binary weights are \+1 or -1, got 0"):
        replace(CASES["four columns"], weights=weights)


def test_a_folding_that_does_not_divide_names_those_that_do() -> None:
    with pytest.raises(MappingError, match="simd=4 does not divide the 9 inputs") as error:
        replace(CASES["three columns"], simd=4)
    assert error.value.hint == "use one of 1, 3, 9"
