# SPDX-License-Identifier: Apache-2.0
"""Softmax of rows: numpy = correctly rounded = HLS C++ = Verilog; closed entries; what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames, run_bench
from tailrace.blocks.softmax import Softmax
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.graph import Softmax as Operation
from tailrace.graph import Tensor
from tailrace.graph.operations.softmax import exponential_table

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers

SOURCES = [data_folder("rtl") / f"tr_{name}.v" for name in ("row_buffer", "rom", "adder_tree")]


def softmax(
    channels: int,
    pe: int,
    kind: str = "int4",
    *,
    step: Fraction = Fraction(1, 3),
    fraction: int = 8,
    bits: int = 7,
    rows: int = 1,
    style: int = 0,
    closed: bool = False,
) -> Softmax:
    in_type = IntType(int(kind.lstrip("uint")), signed=not kind.startswith("u"))
    table = exponential_table(step, fraction, in_type.max - in_type.min)
    assert table is not None
    mask = None
    if closed:
        mask = np.random.default_rng(channels).random((rows, channels)) < 0.5
        mask[np.arange(rows), np.arange(rows) % channels] = False
    return Softmax(
        table=table,
        channels=channels,
        pe=pe,
        in_type=in_type,
        bits=bits,
        out_type=IntType(bits + 1, signed=False),
        closed=mask,
        style=style,
        rows=rows,
    )


CASES = {
    "one value of one bit": softmax(1, 1, "uint1", bits=1),
    "one lane": softmax(6, 1, rows=2),
    "two lanes": softmax(6, 2),
    "four lanes, thirty bits": softmax(12, 4, "uint6", fraction=31, bits=30, rows=2),
    "all lanes, large steps": softmax(9, 9, "int5", step=Fraction(5, 2)),
    "a table of one entry": softmax(3, 3, "int3", step=Fraction(100)),
    "block memory": softmax(4, 2, "int7", step=Fraction(1, 20), style=3),
    "closed": softmax(6, 2, rows=3, closed=True),
    "closed, one lane": softmax(5, 1, "uint3", rows=2, closed=True),
    "closed, all lanes": softmax(5, 5, "int3", rows=4, closed=True),
}
SAMPLE = CASES["closed"]


def by_definition(block: Softmax, row: list[int], closed: list[bool]) -> list[int]:
    """Return the shares of a row in Python's own integers."""
    top = max(x for x, shut in zip(row, closed, strict=True) if not shut)
    table = block.table.tolist()
    e = [0 if shut or top - x >= len(table) else table[top - x] for x, shut in zip(row, closed, strict=True)]
    return [(value * 2 ** (block.bits + 1) + sum(e)) // (2 * sum(e)) for value in e]


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    check_rtl(CASES[case], folder=tmp_path, seed=seed, sources=SOURCES)


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 5, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(outputs[0], case.block.evaluate(*case.frames), strict=True)


@pytest.mark.parametrize("case", CASES)
def test_numpy_gives_what_the_definition_gives(case: str, seed: int) -> None:
    block = CASES[case]
    (frames,) = random_frames(block, 20, seed=seed)
    closed = np.zeros((block.rows, block.channels), bool) if block.closed is None else block.closed
    expected = [
        by_definition(block, row, shut)
        for frame in frames.reshape(20, block.rows, -1).tolist()
        for row, shut in zip(frame, closed.tolist(), strict=True)
    ]
    assert block.evaluate(frames).reshape(-1, block.channels).tolist() == expected


def exact_shares(rows: Integers, step: Fraction, bits: int) -> Integers:
    """Return the shares of exact arithmetic, correctly rounded, halves up: by mpmath, to 120 bits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workprec(120):
        exponential = {
            d: mpmath.exp(-mpmath.mpf(step.numerator) * d / step.denominator)
            for d in np.unique(rows.max(axis=1, keepdims=True) - rows).tolist()
        }
        found = []
        for row in rows.tolist():
            e = [exponential[max(row) - x] for x in row]
            total = mpmath.fsum(e)
            found.append([int(mpmath.floor(v / total * 2**bits + mpmath.mpf(1) / 2)) for v in e])
    return np.array(found, np.int64)


@pytest.mark.parametrize("step", [Fraction(1, 4), Fraction(0.3), Fraction(2)])
def test_all_rows_of_three_values_of_three_bits_are_correctly_rounded(step: Fraction) -> None:
    rows = np.array(list(product(range(8), repeat=3)))
    block = softmax(3, 1, "uint3", step=step, fraction=31, bits=20)
    assert (exact_shares(rows, step, 20) != block.evaluate(rows)).sum() == 0


@pytest.mark.parametrize(("channels", "different"), [(8, 137), (64, 52), (192, 14)])
def test_random_rows_are_correctly_rounded_but_for_a_count(channels: int, different: int) -> None:
    """The default of thirty bits: the table's own rounding shows in the last bit of some shares."""
    step = Fraction(0.043)
    rows = np.random.default_rng(channels).integers(-128, 127, (2000 // channels, channels), endpoint=True)
    block = softmax(channels, 1, "int8", step=step, fraction=31, bits=30)
    off = np.abs(exact_shares(rows, step, 30) - block.evaluate(rows))
    assert off.max() <= 1
    assert int((off > 0).sum()) == different


def test_a_range_of_the_operation_holds_all_shares(seed: int) -> None:
    generator = np.random.default_rng(seed)
    for _ in range(50):
        channels, groups = int(generator.integers(1, 5)), int(generator.integers(1, 3))
        low = generator.integers(-3, 2, channels * groups)
        x = Tensor(
            name="x", shape=(2, channels * groups), low=low, high=low + generator.integers(0, 4, low.size)
        )
        table = exponential_table(Fraction(int(generator.integers(1, 20)), 10), 8, 10)
        node = Operation(name="n", input="x", output="y", table=table, bits=7, groups=groups)
        values = generator.integers(x.low, x.high, (300, *x.shape), endpoint=True)
        shares, (least, greatest) = node.evaluator([x])(values), node.output_range([x])
        assert (shares >= least).all()
        assert (shares <= greatest).all()


def test_the_ends_of_a_range_are_reached_where_channels_are_alike() -> None:
    x = Tensor(name="x", shape=(3,), low=np.zeros(3, np.int64), high=np.full(3, 7))
    node = Operation(name="n", input="x", output="y", table=softmax(3, 1, "uint3").table, bits=7)
    shares = node.evaluator([x])(np.array(list(product(range(8), repeat=3))))
    assert np.array_equal(node.output_range([x]), [shares.min(axis=0), shares.max(axis=0)])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(MappingError, match="pe=4 does not divide the 6 channels"):
        softmax(6, 4)
    with pytest.raises(MappingError, match="a divider of 60 bits has 63 ranks, 62 are possible") as error:
        softmax(6, 1, fraction=0, bits=60)
    assert error.value.hint == "use at most 59 bits"
    with pytest.raises(ValueError, match="row 1 is all closed"):
        replace(softmax(2, 1, rows=2), closed=np.array([[False, True], [True, True]]))
    with pytest.raises(ValueError, match="does not fall from a power of two"):
        replace(softmax(2, 1), table=np.array([3, 1]))


def test_the_bench_of_softmax_passes(tmp_path: Path, seed: int) -> None:
    run_bench(SAMPLE, folder=tmp_path, seed=seed, tests=2)
