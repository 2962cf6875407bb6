# SPDX-License-Identifier: Apache-2.0
"""normalize: numpy = HLS C++ = Verilog, and numpy = what exact arithmetic gives, rounded."""

from __future__ import annotations

from itertools import product
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import assert_frames_equal, build_rtl, check_rtl, random_frames, run_bench, run_rtl
from tailrace.blocks.normalize import Normalize
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.core.normalization import Normalization
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def block(size: int, pe: int, bits: int, **more: object) -> Normalize:
    """A layer normalization of signed values to 6 fraction bits, unless said otherwise."""
    given: dict[str, object] = {
        "kind": "layer", "fraction_bits": 6, "epsilon": 5, "exponent": -1, "in_type": IntType(bits, signed=True)
    }  # fmt: skip
    given |= more
    function = Normalization(
        size=size, **{k: given[k] for k in ("kind", "fraction_bits", "epsilon", "exponent")}
    )
    kind: IntType = given["in_type"]
    low, high = (int(e[0]) for e in function.ends(np.full(size, kind.min), np.full(size, kind.max)))
    return Normalize(size=size, pe=pe, **{"out_type": IntType.containing(low, high), **given})


CASES = {
    "two values": block(2, 1, 2),
    "a vector a word": block(4, 4, 4, vectors=3),
    "two lanes": block(6, 2, 5, vectors=2),
    "unsigned": block(8, 8, 3, in_type=IntType(3, signed=False), exponent=0),
    "one bit": block(4, 2, 1, in_type=IntType(1, signed=False), vectors=2),
    "twelve, to sixteen bits": block(12, 3, 6, fraction_bits=16, epsilon=12345, exponent=-15),
    "a large epsilon": block(5, 1, 6, epsilon=77, exponent=4),
    "no fraction": block(7, 7, 5, fraction_bits=0, exponent=-7),
    "one digit": block(2, 1, 1, in_type=IntType(1, signed=False), fraction_bits=0, epsilon=1, exponent=0),
    "two cycles": block(6, 2, 4, cycles=2, vectors=2),
    "three cycles, odd digits": block(4, 1, 6, cycles=3, fraction_bits=9),
    "all digits in one": block(3, 1, 4, cycles=8),
    "wide": block(16, 2, 28, fraction_bits=12, epsilon=3, exponent=9),
    "root mean square": block(6, 2, 4, kind="rms", vectors=2),
    "root mean square, unsigned": block(4, 4, 4, kind="rms", in_type=IntType(4, signed=False), exponent=-8),
    "root mean square of one": block(1, 1, 5, kind="rms", exponent=2),
    "root mean square, folded": block(8, 1, 7, kind="rms", cycles=4, fraction_bits=10, exponent=-11),
}
SAMPLE = CASES["two lanes"]
SOURCES = (data_folder("rtl") / "tr_adder_tree.v",)


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    check_rtl(CASES[case], folder=tmp_path, seed=seed, count=12, sources=SOURCES)


@pytest.mark.parametrize(
    "each",
    [
        block(2, 1, 3, fraction_bits=1, epsilon=28, exponent=0),
        block(3, 3, 2, fraction_bits=4, epsilon=1, exponent=0),
        block(2, 2, 3, kind="rms", fraction_bits=3, epsilon=1, exponent=1),
    ],
    ids=["with ties", "three values", "root mean square"],
)
def test_all_vectors_of_small_blocks_are_exact_in_verilog(each: Normalize, tmp_path: Path) -> None:
    kind = each.in_type
    vectors = np.array(list(product(range(kind.min, kind.max + 1), repeat=each.size)), np.int64)
    assert_frames_equal(each.evaluate(vectors), run_rtl(each, vectors, folder=tmp_path, sources=SOURCES))


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=each, frames=random_frames(each, 20, seed=seed)) for each in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(outputs[0], case.block.evaluate(*case.frames), strict=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_a_million_values_of_wide_vectors(kind: str, tmp_path: Path, seed: int) -> None:
    """Of 192 values each: numpy is the quotient and root of Python's integers, and C++ and Verilog are numpy."""
    wide = block(192, 8, 8, kind=kind, fraction_bits=16, epsilon=24739011, exponent=-14)
    (vectors,) = random_frames(wide, 5300, seed=seed)
    vectors[::3] //= np.random.default_rng(seed).integers(
        1, 64, (len(vectors[::3]), 1)
    )  # small deviations, too
    results = wide.evaluate(vectors)
    function = wide.arithmetic
    signed, tops, below = function.terms(vectors.astype(object))
    exact = np.frompyfunc(
        lambda top, w: (isqrt((top << function.up) // ((w << function.finer) + function.epsilon)) + 1) >> 1,
        2,
        1,
    )(tops, np.broadcast_to(below, tops.shape))
    assert np.array_equal(results, np.where(signed < 0, -exact, exact).astype(np.int64))
    model = build_rtl(wide, folder=tmp_path / "rtl", sources=SOURCES)
    assert_frames_equal(results, model.run(vectors, timeout_cycles=500_000))
    ((outputs,),) = run_hls([HlsCase(block=wide, frames=(vectors,))], tmp_path / "hls")
    assert np.array_equal(results, outputs)


def test_results_that_do_not_fit_are_wrapped_as_the_hardware_does() -> None:
    whole, short = block(4, 2, 4), block(4, 2, 4, out_type=IntType(5, signed=True))
    (frames,) = random_frames(whole, 20, seed=1)
    results = whole.evaluate(frames)
    assert np.abs(results).max() > 15
    assert np.array_equal((results + 16) % 32 - 16, short.evaluate(frames))


def test_lanes_cycles_and_digits_that_cannot_be_are_refused() -> None:
    with pytest.raises(MappingError, match="pe=3 does not divide the 8 channels"):
        block(8, 3, 4)
    with pytest.raises(MappingError, match="a word every 12 cycles, for results of 9 digits") as error:
        block(6, 2, 5, cycles=12)
    assert error.value.hint == "1 to 9 cycles are possible"
    with pytest.raises(MappingError, match="results of 63 digits, 59 are possible") as error:
        block(6, 2, 5, fraction_bits=60)
    assert error.value.hint == "normalize to fewer fraction bits"


def test_the_bench_of_normalize_passes(tmp_path: Path, seed: int) -> None:
    run_bench(SAMPLE, folder=tmp_path, seed=seed, tests=2)
