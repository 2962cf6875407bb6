# SPDX-License-Identifier: Apache-2.0
"""Products of two streams: numpy = HLS C++ = Verilog over kinds, heads, foldings and types, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.lanes import divisors
from tailrace.blocks.matmul import MatMul
from tailrace.core.data import data_folder
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.graph import Product, Tensor

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Integers


def product(kind: str, sizes: str, types: str, **more: Any) -> MatMul:
    """A block of "heads x rows x cols" and two types, "int4 uint3", with an accumulator that just fits."""
    heads, rows, cols = (int(number) for number in sizes.split("x"))
    a, b = (IntType(int(name.lstrip("uint")), signed=not name.startswith("u")) for name in types.split())
    ends = [x * y for x in (a.min, a.max) for y in (b.min, b.max)]
    out = IntType.containing(cols * min(ends), cols * max(ends))
    given = {"pe": 1, "simd": 1, **more}
    return MatMul(kind=kind, heads=heads, rows=rows, cols=cols, a_type=a, b_type=b, out_type=out, **given)


CASES = {
    "one of all": product("scores", "1x1x1", "uint1 uint1"),
    "scores": product("scores", "2x4x6", "int4 int4", pe=2, simd=3, vectors=3),
    "scores, one by one": product("scores", "3x3x2", "uint2 int3", vectors=2),
    "scores, unsigned": product("scores", "1x6x4", "int5 uint6", pe=3, simd=2, vectors=5),
    "scores, all at once": product("scores", "1x4x3", "int3 int3", pe=4, simd=3, vectors=4),
    "scores, more rows than vectors": product("scores", "1x8x2", "int3 int3", pe=8, simd=2, vectors=2),
    "mix": product("mix", "2x6x4", "uint4 int4", pe=3, simd=2, vectors=3),
    "mix, one by one": product("mix", "3x2x5", "uint2 int3", vectors=2),
    "mix, wide and in multipliers": product("mix", "1x4x5", "uint9 int10", pe=2, simd=5, vectors=3, dsp=True),
    "mix, block memory": product("mix", "2x2x3", "int8 uint8", pe=2, vectors=4, style="block"),
    "scores, LUT memory": product("scores", "2x3x4", "int2 int1", simd=4, vectors=4, style="distributed"),
}
SAMPLE = CASES["scores"]
SOURCES = [
    data_folder("rtl") / f"tr_{name}.v"
    for name in ("matmul_store", "dense_lane", "adder_tree", "accumulator")
]


def frames_of(block: MatMul, count: int, seed: int) -> tuple[Integers, Integers]:
    """Random frames, among them the ends of both types; the groups of a come as often as a replay sends them."""
    a, b = random_frames(block, count, seed=seed)
    groups = a.reshape(count, -1, block.rows // block.pe, block.cols)
    return np.broadcast_to(groups[:, :, :1], groups.shape).reshape(a.shape), b


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    check_rtl(
        block, folder=tmp_path, seed=seed, frames=frames_of(block, 8, seed), sources=SOURCES, stalls=(0.3,)
    )


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=frames_of(block, 4, seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(outputs[0], case.block.evaluate(*case.frames), strict=True)


@pytest.mark.parametrize("kind", ["scores", "mix"])
def test_it_computes_the_operation_whatever_the_folding(kind: str, rng: np.random.Generator) -> None:
    for _ in range(40):
        heads, rows, cols, n = (int(number) for number in rng.integers(1, [9, 17, 17, 17]))
        pe, simd = (int(rng.choice(divisors(size))) for size in (rows, cols))
        types = " ".join(f"{'u' * int(rng.integers(2))}int{rng.integers(1, 9)}" for _ in range(2))
        block = product(kind, f"{heads}x{rows}x{cols}", types, pe=pe, simd=simd, vectors=n)
        shapes = ((n, heads * cols), (rows, heads * cols) if kind == "scores" else (cols, heads * rows))
        ins, frames = [], []
        for name, shape, own in zip("ab", shapes, (block.a_type, block.b_type), strict=True):
            ends = [np.full(shape[-1], end) for end in (own.min, own.max)]
            ins.append(Tensor(name=name, shape=shape, low=ends[0], high=ends[1]))
            frames.append(rng.integers(own.min, own.max, (3, *shape), endpoint=True))
        node = Product(name="n", a="a", b="b", output="y", kind=block.kind, heads=heads)
        groups = frames[0].reshape(3, n * heads, 1, cols).repeat(rows // pe, axis=2)
        expected = node.evaluator(ins)(*frames)
        got = block.evaluate(groups.reshape(3, -1), frames[1].reshape(3, -1))
        assert expected.reshape(3, -1).tolist() == got.tolist()
        assert block.out_type == IntType.containing(*(int(e.flat[0]) for e in node.output_range(ins)))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"pe": 3}, "pe=3 does not divide the 4 outputs of a head\n  hint: use one of 1, 2, 4"),
        ({"simd": 4}, "simd=4 does not divide the 6 inputs of a head\n  hint: use one of 1, 2, 3, 6"),
        ({"style": "air"}, "style='air' is no place for the second operand\n  hint: use one of auto, reg"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError) as caught:
        product("scores", "2x4x6", "int4 int4", **more)
    assert str(caught.value).startswith(message)
