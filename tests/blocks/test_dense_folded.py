# SPDX-License-Identifier: Apache-2.0
"""dense_folded: numpy = HLS C++ = Verilog, its schedule, its memories, and what it refuses."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from dense_harness import SOURCES, hex_words, replayed, vectors_of
from hls_harness import HlsCase, run_hls
from rtl_harness import assert_frames_equal, build_rtl
from tailrace.blocks.dense_folded import DenseFolded, dense
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError, ToolError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES
from tailrace.tools.yosys import synthesize

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers
    from tailrace.core.resources import Resources


def folded(
    *,
    rows: int,
    cols: int,
    pe: int,
    simd: int,
    x: str,
    weight_bits: int,
    bias: bool = False,
    style: str = "auto",
    dsp: bool = False,
    vectors: int = 1,
) -> DenseFolded:
    """Return a block with random weights that use their whole type, and the narrowest accumulator."""
    generator = np.random.default_rng(rows * 1000 + cols * 10 + weight_bits)
    weight_type = IntType(weight_bits, signed=True)
    in_type = IntType(int(x.removeprefix("u").removeprefix("int")), signed=not x.startswith("u"))
    weights = generator.integers(weight_type.min, weight_type.max, (rows, cols), np.int64, endpoint=True)
    weights[0, 0] = weight_type.min
    weights[-1, -1] = weight_type.max
    biases = generator.integers(-9, 9, rows, np.int64, endpoint=True) if bias else np.zeros(rows, np.int64)
    ends = np.stack([weights * in_type.min, weights * in_type.max])
    low = int((ends.min(axis=0).sum(axis=1) + biases).min())
    high = int((ends.max(axis=0).sum(axis=1) + biases).max())
    return DenseFolded(
        weights=weights,
        bias=biases if bias else None,
        pe=pe,
        simd=simd,
        in_type=in_type,
        out_type=IntType.containing(low, high),
        style=style,
        dsp=dsp,
        vectors=vectors,
    )


CASES = {
    "one by one by one": folded(rows=1, cols=1, pe=1, simd=1, x="uint1", weight_bits=1),
    "one lane": folded(rows=3, cols=5, pe=1, simd=1, x="int3", weight_bits=4, bias=True, vectors=2),
    "bits": folded(rows=4, cols=6, pe=2, simd=3, x="uint1", weight_bits=2),
    "tables": folded(rows=6, cols=12, pe=3, simd=4, x="uint2", weight_bits=2, bias=True, vectors=2),
    "signed tables": folded(rows=4, cols=7, pe=4, simd=7, x="int3", weight_bits=3),
    "one row a product": folded(rows=6, cols=10, pe=2, simd=5, x="uint8", weight_bits=2, bias=True),
    "two rows": folded(rows=4, cols=16, pe=2, simd=8, x="uint4", weight_bits=4),
    "two rows signed": folded(rows=4, cols=9, pe=1, simd=9, x="int5", weight_bits=3, bias=True),
    "recoded inputs": folded(rows=4, cols=6, pe=2, simd=6, x="uint1", weight_bits=7, bias=True),
    "recoded signed inputs": folded(rows=4, cols=6, pe=2, simd=2, x="int2", weight_bits=8),
    "long products": folded(rows=4, cols=6, pe=2, simd=3, x="uint8", weight_bits=8, vectors=2),
    "long signed products": folded(rows=2, cols=11, pe=2, simd=11, x="int9", weight_bits=7, bias=True),
    "long products, recoded inputs": folded(rows=2, cols=4, pe=2, simd=2, x="uint5", weight_bits=12),
    "multiplier blocks": folded(rows=4, cols=10, pe=2, simd=5, x="uint8", weight_bits=8, dsp=True, bias=True),
    "signed multiplier blocks": folded(rows=4, cols=6, pe=2, simd=6, x="int8", weight_bits=6, dsp=True),
    "block memory": folded(rows=6, cols=8, pe=2, simd=4, x="int4", weight_bits=4, style="block", bias=True),
    "registers": folded(rows=6, cols=8, pe=3, simd=2, x="int4", weight_bits=5, style="registers"),
    "distributed": folded(rows=2, cols=34, pe=1, simd=17, x="uint3", weight_bits=2, style="distributed"),
    "parallel": folded(rows=5, cols=9, pe=5, simd=9, x="uint4", weight_bits=4, bias=True, vectors=3),
    "wide": folded(rows=2, cols=3, pe=1, simd=3, x="int16", weight_bits=16, bias=True),
}


def by_definition(block: DenseFolded, vectors: Integers) -> Integers:
    """Return the sums in Python's integers, one multiplication after the other."""
    bias = [0] * block.rows if block.bias is None else block.bias.tolist()
    rows = list(zip(block.weights.tolist(), bias, strict=True))
    return np.array(
        [
            [
                start + sum(w * x for w, x in zip(row, vector, strict=True))
                for vector in frame
                for row, start in rows
            ]
            for frame in vectors.tolist()
        ],
        np.int64,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_multiplies_on_schedule(case: str, tmp_path: Path, seed: int) -> None:
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


def test_the_hls_multiplies(tmp_path: Path, seed: int) -> None:
    vectors = [vectors_of(block, seed=seed) for block in CASES.values()]
    cases = [
        HlsCase(block=block, frames=(replayed(block, given),))
        for block, given in zip(CASES.values(), vectors, strict=True)
    ]
    for block, given, (got,) in zip(CASES.values(), vectors, run_hls(cases, tmp_path), strict=True):
        assert np.array_equal(by_definition(block, given), got), dict(block.parameters())


def test_the_memories_are_laid_out_by_hand() -> None:
    weights = np.array([[1, -2, 3, -4], [5, -6, 7, 0], [-1, 2, -3, 4], [-8, 6, -7, 1]], np.int64)
    block = DenseFolded(
        weights=weights,
        bias=np.array([1, -1, 7, -8], np.int64),
        pe=2,
        simd=2,
        in_type=IntType(2, signed=False),
        out_type=IntType(8, signed=True),
    )
    memory, bias = block.memories()
    # A word is {row 1 column 1, row 1 column 0, row 0 column 1, row 0 column 0} of its block, 4 bits each.
    assert hex_words(memory.hex_lines()) == [0xA5E1, 0x07C3, 0x682F, 0x194D]
    assert hex_words(bias.hex_lines()) == [0xFF01, 0xF807]
    assert block.parameters()["WEIGHT_BITS"] == 4


def test_the_verilog_reads_memories_written_by_hand(tmp_path: Path) -> None:
    block = DenseFolded(
        weights=np.zeros((4, 4), np.int64) - 8,  # so that WEIGHT_BITS is 4; the files below are what counts
        bias=np.zeros(4, np.int64),
        pe=2,
        simd=2,
        in_type=IntType(2, signed=False),
        out_type=IntType(8, signed=True),
    )
    model = build_rtl(block, folder=tmp_path, sources=SOURCES)
    (tmp_path / "weights.mem").write_text("A5E1\n07C3\n682F\n194D\n")
    (tmp_path / "bias.mem").write_text("FF01\nF807\n")
    run = model.run(np.array([[1, 2, 3, 0, 1, 2, 3, 0]], np.int64))
    assert run.frames[0].tolist() == [[1 - 4 + 9 + 1, 5 - 12 + 21 - 1, -1 + 4 - 9 + 7, -8 + 12 - 21 - 8]]


def test_a_bias_outside_the_accumulator_counts_modulo(tmp_path: Path) -> None:
    # The inputs are 2 or 3 here, so the sums are 0 to 3: two bits hold them, but not the bias.
    block = DenseFolded(
        weights=np.array([[1, 1, 1]], np.int64),
        bias=np.array([-6], np.int64),
        pe=1,
        simd=1,
        in_type=IntType(2, signed=False),
        out_type=IntType(2, signed=False),
    )
    assert block.parameters()["BIAS"] == 2
    frames = np.array([[2, 2, 2], [3, 2, 2], [2, 3, 3]], np.int64)
    assert block.evaluate(frames).tolist() == [[0], [1], [2]]
    run = build_rtl(block, folder=tmp_path, sources=SOURCES).run(frames)
    assert_frames_equal(block.evaluate(frames), run)


@pytest.mark.parametrize("signed", [False, True])
def test_a_sum_too_wide_for_the_accumulator_stops_the_simulation(tmp_path: Path, *, signed: bool) -> None:
    block = replace(CASES["two rows"], out_type=IntType(9, signed=signed))
    frames = replayed(block, vectors_of(block, seed=1, count=4))
    with pytest.raises(ToolError, match="does not fit 9 bits"):
        build_rtl(block, folder=tmp_path, sources=SOURCES).run(frames)


@pytest.mark.slow
def test_a_large_parallel_layer_compiles_and_computes(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    block = DenseFolded(
        weights=generator.integers(-1, 2, (64, 784)),
        pe=64,
        simd=784,
        in_type=IntType(2, signed=False),
        out_type=IntType(13, signed=True),
    )
    frames = generator.integers(0, 4, (20, 784))
    start = time.perf_counter()
    run = build_rtl(block, folder=tmp_path, sources=SOURCES).run(frames)
    print(f"50,176 products a cycle: {time.perf_counter() - start:.1f} s")  # noqa: T201
    assert_frames_equal(frames @ block.weights.T, run)


def synthesized(block: DenseFolded, family: str, folder: Path) -> Resources:
    """Return what yosys makes of the block with its weights."""
    folder.mkdir(parents=True)
    files = {}
    for memory in block.memories():
        (folder / f"{memory.name}.mem").write_text(memory.hex_lines(), encoding="utf-8")
        files[f"{memory.name.upper()}_FILE"] = f"{memory.name}.mem"
    return synthesize(
        top="tr_dense_folded",
        sources=[data_folder("rtl") / "tr_dense_folded.v", *SOURCES],
        folder=folder,
        family=FAMILIES[family],
        parameters={**block.parameters(), **files},
        options=() if block.dsp else ("-nodsp",),
    ).resources


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
def test_the_style_says_where_the_weights_are(family: str, tmp_path: Path) -> None:
    block = folded(rows=16, cols=16, pe=1, simd=4, x="uint2", weight_bits=2)
    for style, blocks in (("block", 1), ("registers", 0), ("distributed", 0)):
        resources = synthesized(replace(block, style=style), family, tmp_path / style)
        assert blocks == resources.bram18, style


def test_constant_weights_shrink_the_multipliers(tmp_path: Path) -> None:
    parallel = folded(rows=4, cols=8, pe=4, simd=8, x="uint4", weight_bits=4)
    repeated = folded(rows=16, cols=16, pe=4, simd=8, x="uint4", weight_bits=4, style="block")
    constant = synthesized(parallel, "ecp5", tmp_path / "constant")
    general = synthesized(repeated, "ecp5", tmp_path / "general")
    assert constant.lut < 0.6 * general.lut


@pytest.mark.parametrize("dsp", [False, True])
def test_multiplier_blocks_are_used_where_allowed(tmp_path: Path, *, dsp: bool) -> None:
    block = folded(rows=4, cols=4, pe=2, simd=2, x="int8", weight_bits=8, style="block", dsp=dsp)
    assert synthesized(block, "ecp5", tmp_path / "dense").dsp == (4 if dsp else 0)


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.slow
def test_the_estimate_is_within_thirty_percent(bits: int, family: str, tmp_path: Path) -> None:
    block = folded(
        rows=16, cols=32, pe=2, simd=8, x=f"uint{bits}", weight_bits=bits, style="block", bias=True
    )
    estimate, measured = block.cost(FAMILIES[family]), synthesized(block, family, tmp_path / "dense")
    for resource in ("lut", "ff", "carry", "bram18"):
        expected = getattr(measured, resource)
        assert abs(getattr(estimate, resource) - expected) <= 0.3 * expected, resource


def test_products_are_exact_in_every_arithmetic(rng: np.random.Generator) -> None:
    weights = rng.integers(-128, 128, (3, 40))
    for bits in (8, 20, 40):  # float32, float64, int64
        x = rng.integers(0, 1 << bits, (5, 40))
        x[0] = (1 << bits) - 1
        expected = [
            [sum(a * b for a, b in zip(v, w, strict=True)) + 3 for w in weights.tolist()] for v in x.tolist()
        ]
        assert dense(x, weights, np.full(3, 3)).tolist() == expected
    with pytest.raises(OverflowError, match="do not fit 64 bits"):
        dense(np.full((1, 40), 1 << 56), weights)


def test_products_of_nothing_are_nothing() -> None:
    assert dense(np.zeros((0, 4), np.int64), np.ones((2, 4), np.int64)).shape == (0, 2)


def test_a_folding_that_does_not_divide_names_those_that_do() -> None:
    with pytest.raises(MappingError, match="simd=5 does not divide the 12 inputs") as error:
        replace(CASES["tables"], simd=5)
    assert error.value.hint == "use one of 1, 2, 3, 4, 6, 12"
    with pytest.raises(MappingError, match="pe=4 does not divide the 6 outputs"):
        replace(CASES["tables"], pe=4)


def test_an_unknown_style_names_the_known_ones() -> None:
    with pytest.raises(MappingError, match="style='lut' is no place for weights") as error:
        replace(CASES["tables"], style="lut")
    assert error.value.hint == "use one of auto, registers, distributed, block"


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bias must have the shape \(6,\), got \(5,\)"):
        replace(CASES["tables"], bias=np.zeros(5, np.int64))
    with pytest.raises(ValueError, match=r"weights must be \(rows, cols\)"):
        replace(CASES["tables"], weights=np.zeros(12, np.int64))
    with pytest.raises(MappingError, match="the accumulator needs 63 bits, 62 are possible"):
        replace(CASES["tables"], out_type=IntType(63, signed=True))
