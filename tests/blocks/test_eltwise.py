# SPDX-License-Identifier: Apache-2.0
"""Element-wise sum and product: numpy = HLS C++ = Verilog over factors, signs and widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.eltwise import Eltwise, signed_digits
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def eltwise(
    operation: Literal["add", "multiply"],
    *,
    types: str,
    lanes: int = 2,
    words: int = 3,
    factors: tuple[int, int] = (1, 1),
    vectors: int = 1,
) -> Eltwise:
    """A block of three types: "int4 uint3 int9" are those of a, b and the result."""
    a, b, out = (IntType(int(name.lstrip("uint")), signed=not name.startswith("u")) for name in types.split())
    return Eltwise(
        operation=operation,
        a=Stream(lanes=lanes, type=a, words=words),
        b=Stream(lanes=lanes, type=b, words=words),
        out_type=out,
        a_factor=factors[0],
        b_factor=factors[1],
        vectors=vectors,
    )


CASES = {
    "one bit": eltwise("add", types="uint1 uint1 uint2", lanes=1, words=1),
    "plain sum": eltwise("add", types="int4 uint3 int6", vectors=2),
    "difference": eltwise("add", types="uint4 uint5 int6", factors=(1, -1)),
    "powers of two": eltwise("add", types="int5 int3 int12", factors=(-64, 8)),
    "nothing of a": eltwise("add", types="int5 int3 int4", factors=(0, -1)),
    "shifts": eltwise("add", types="int6 uint7 int14", factors=(11, -23), lanes=3),
    "large factors": eltwise("add", types="int8 int9 int33", factors=(5461, -2763)),
    "largest factors": eltwise("add", types="int8 uint8 int42", factors=(-(1 << 31), (1 << 31) - 1)),
    "result narrower": eltwise("add", types="int12 int12 int7", factors=(23, 1365)),
    "product": eltwise("multiply", types="int5 int4 int9", lanes=3),
    "product of unlike signs": eltwise("multiply", types="uint5 int4 int9"),
    "product of one bit": eltwise("multiply", types="uint1 uint1 uint1", lanes=1, words=1),
    "product in a wider type": eltwise("multiply", types="int3 int4 int12"),
    "product in a narrower type": eltwise("multiply", types="uint6 uint6 uint5"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    run = check_rtl(CASES[case], folder=tmp_path, seed=seed, count=20, stalls=(0.4,))
    assert (np.diff(run.output_cycles[0]) == 1).all()


def test_evaluate_is_the_formula_on_python_integers(seed: int) -> None:
    for block in CASES.values():
        a, b = random_frames(block, 4, seed=seed)
        bits = block.out_type.bits
        for x, y, got in zip(a.flat, b.flat, block.evaluate(a, b).flat, strict=True):
            product = block.operation == "multiply"
            exact = int(x) * int(y) if product else block.a_factor * int(x) + block.b_factor * int(y)
            assert (exact - int(got)) % (1 << bits) == 0
            assert block.out_type.min <= got <= block.out_type.max


@pytest.mark.parametrize(
    ("factor", "digits"),
    [(0, 0), (1, 1), (-8, 1), (7, 2), (-7, 2), (11, 3), (23, 3), (5461, 7), (-(1 << 31), 1)],
)
def test_signed_digits_counts_the_fewest_shifts(factor: int, digits: int) -> None:
    assert signed_digits(factor) == digits


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_a_factor_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        eltwise("add", types="int4 int4 int40", factors=(1 << 31, 1))
    assert str(caught.value) == (
        "the factor 2147483648 of an element-wise sum does not fit 32 bits\n"
        "  hint: bring the two scales closer together, or use scales with fewer digits"
    )
