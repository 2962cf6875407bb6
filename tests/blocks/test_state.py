# SPDX-License-Identifier: Apache-2.0
"""State: numpy = Verilog; proven for runs of any length, and a broken copy is found.

Its C++ reads what a later call leaves, so it is compared in whole designs: ``tests/test_states.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from rtl_harness import check_rtl, prove_mutant, run_bench
from tailrace.blocks.base import Stream
from tailrace.blocks.state import StateBuffer
from tailrace.core.data import data_folder
from tailrace.core.types import IntType
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path


def state(lanes: int, bits: int, words: int, *, signed: bool = False) -> StateBuffer:
    kind = IntType(bits, signed=signed)
    values = np.random.default_rng(words).integers(kind.min, kind.max, lanes * words, np.int64, endpoint=True)
    return StateBuffer(stream=Stream(lanes=lanes, type=kind, words=words), initial=values)


CASES = {
    "one word": state(1, 1, 1),
    "two words": state(3, 4, 2),
    "signed": state(2, 3, 5, signed=True),
    "long": state(1, 9, 40),
}
SAMPLE = CASES["signed"]


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    check_rtl(CASES[case], folder=tmp_path, seed=seed, count=12)


def test_a_frame_goes_out_in_the_next_one_and_a_marked_one_begins_anew() -> None:
    block = state(1, 4, 2)
    back = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
    initial = block.initial.tolist()
    found = block.evaluate(np.array([[0], [0], [1], [0]]), back)
    assert found.tolist() == [initial, [1, 2], initial, [5, 6]]
    (later,), kept = block.evaluate_from([np.array([[0]]), np.array([[9, 9]])], {"kept": back[-1]})
    assert later.tolist() == [[7, 8]]
    assert kept["kept"].tolist() == [9, 9]


def test_initial_values_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="3 initial values for"):
        StateBuffer(
            stream=Stream(lanes=2, type=IntType(4, signed=True), words=2), initial=np.zeros(3, np.int64)
        )


@pytest.mark.cocotb
def test_the_bench_of_state_passes(tmp_path: Path, seed: int) -> None:
    run_bench(SAMPLE, folder=tmp_path, seed=seed, tests=2)


@pytest.mark.formal
@pytest.mark.parametrize("words", [2, 3, 4])
def test_state_is_stable_counted_and_marked(words: int, tmp_path: Path) -> None:
    source, parameters = data_folder("rtl") / "tr_state.v", {"LANES": 1, "BITS": 2, "DEPTH": words}
    assert prove(sources=[source], top="tr_state", parameters=parameters, depth=5, folder=tmp_path).passed


@pytest.mark.formal
@pytest.mark.parametrize(
    ("text", "replacement"),
    [
        ("if (step) out_q", "out_q"),
        ("if (put) words[write_q]", "words[write_q]"),
        ("stored_q != DEPTH[COUNT_BITS-1:0]", "1'b1"),
        ("if (enable) valid_q <= step", "valid_q <= step"),
        ("is_first ? first_word : words[read_q]", "is_first ? first_word : words[write_q]"),
        ("stored_q <= DEPTH[COUNT_BITS-1:0];", "stored_q <= {COUNT_BITS{1'b0}};"),
    ],
)
def test_a_broken_state_is_found(text: str, replacement: str, tmp_path: Path) -> None:
    source, parameters = data_folder("rtl") / "tr_state.v", {"LANES": 1, "BITS": 2, "DEPTH": 3}
    proof = prove_mutant(source, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed
