# SPDX-License-Identifier: Apache-2.0
"""Mark: numpy = HLS C++ = Verilog; proven for runs of any length, and a broken copy is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, prove_mutant, random_frames, run_bench
from tailrace.blocks.base import Stream
from tailrace.blocks.mark import Mark
from tailrace.core.data import data_folder
from tailrace.core.types import IntType
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path


def mark(lanes: int, bits: int, words: int, *, signed: bool = False, every: int = 0) -> Mark:
    return Mark(stream=Stream(lanes=lanes, type=IntType(bits, signed=signed), words=words), every=every)


CASES = {
    "one word": mark(1, 1, 1),
    "signed": mark(2, 3, 5, signed=True),
    "wide": mark(7, 13, 4),
    "counted": mark(2, 3, 2, every=3),
    "each": mark(1, 5, 3, every=1),
    "counted by a power of two": mark(1, 2, 1, signed=True, every=4),
}
SAMPLE = CASES["signed"]


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    check_rtl(CASES[case], folder=tmp_path, seed=seed)


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        for wanted, got in zip(case.block.evaluate(*case.frames), outputs, strict=True):
            np.testing.assert_array_equal(got, wanted, strict=True)


@pytest.mark.cocotb
@pytest.mark.parametrize("case", ["signed", "counted"])
def test_the_bench_of_mark_passes(case: str, tmp_path: Path, seed: int) -> None:
    run_bench(CASES[case], folder=tmp_path, seed=seed, tests=2)


def test_frames_are_counted_across_calls() -> None:
    block = mark(1, 4, 2, every=3)
    frames = np.arange(14).reshape(7, 2)
    (values, marks), state = block.evaluate_from([frames[:4]], block.reset())
    (_, more), _ = block.evaluate_from([frames[4:]], state)
    np.testing.assert_array_equal(values, frames[:4])
    assert [*marks.ravel(), *more.ravel()] == [1, 0, 0, 1, 0, 0, 1]


@pytest.mark.formal
@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("every", [0, 1, 3])
def test_mark_is_stable_counted_and_marked(words: int, every: int, tmp_path: Path) -> None:
    source = data_folder("rtl") / "tr_mark.v"
    parameters = {"WIDTH": 2, "MARK_BITS": 0 if every else 2, "WORDS": words, "EVERY": max(1, every)}
    assert prove(sources=[source], top="tr_mark", parameters=parameters, depth=5, folder=tmp_path).passed


@pytest.mark.formal
@pytest.mark.parametrize(
    ("text", "replacement"),
    [
        ("if (put) word_q", "word_q"),
        ("if (put && begins) mark_q", "if (put) mark_q"),
        ("mark_valid_q <= (put && begins) || mark_left", "mark_valid_q <= put || mark_left"),
        ("!word_left && !(begins && mark_left)", "!word_left"),
        ("word_valid_q <= put || word_left", "word_valid_q <= put"),
    ],
)
def test_a_broken_mark_is_found(text: str, replacement: str, tmp_path: Path) -> None:
    source, parameters = data_folder("rtl") / "tr_mark.v", {"WIDTH": 2, "MARK_BITS": 2, "WORDS": 3}
    proof = prove_mutant(source, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed
