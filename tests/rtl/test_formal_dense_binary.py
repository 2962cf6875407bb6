# SPDX-License-Identifier: Apache-2.0
"""dense_binary, proven over all runs of some cycles; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dense_harness import prove_with

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

# The schedule, which it shares with dense_folded, is proven by induction in test_formal_dense_folded.py.
PARAMETERS = {
    "one lane": {"ROWS": 2, "COLS": 2, "PE": 1, "SIMD": 1, "OUT_BITS": 3, "BIAS": 1},
    "two by five": {"ROWS": 2, "COLS": 10, "PE": 2, "SIMD": 5, "OUT_BITS": 4},
}

# what is broken: (module, the text in it, what replaces it)
MUTANTS = {
    "counts what differs": ("dense_binary_lane", "~(inputs ^ weights)", "inputs ^ weights"),
    "three of three are two": (
        "dense_binary_lane",
        "equal[4*group] ^ equal[4*group+1] ^ equal[4*group+2]",
        "(equal[4*group] ^ equal[4*group+1]) & ~equal[4*group+2]",
    ),
    "fourth column lost": ("dense_binary_lane", "equal[4*group+3];", "1'b0;"),
    "counts bits that are not there": (
        "dense_binary_lane",
        "{4 * GROUPS + 4 - SIMD{1'b0}}",
        "{4 * GROUPS + 4 - SIMD{1'b1}}",
    ),
    "accumulator without a start": ("accumulator", "first ? start : total_q", "total_q"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_dense_binary_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_with("dense_binary", None, parameters=PARAMETERS[case], depth=10, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_dense_binary_is_found(mutant: str, tmp_path: Path) -> None:
    parameters = PARAMETERS["two by five"]
    proof = prove_with("dense_binary", MUTANTS[mutant], parameters=parameters, depth=10, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
