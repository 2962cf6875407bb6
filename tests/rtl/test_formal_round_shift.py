# SPDX-License-Identifier: Apache-2.0
"""Stable, counted, marked: proven for tr_round_shift, and refuted for broken copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from map_harness import prove_module

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

MEMORY = {
    "CHANNELS": 2,
    "PE": 1,
    "IN_BITS": 4,
    "BIAS_BITS": 3,
    "SHIFT": 2,
    "MODE": 0,
    "OUT_BITS": 2,
    "LOW": 4294967295,
    "HIGH": 1,
    "BIASED": 1,
}
CONSTANT = {
    "CHANNELS": 2,
    "PE": 2,
    "IN_BITS": 4,
    "BIAS_BITS": 3,
    "SHIFT": 1,
    "MODE": 8,
    "OUT_BITS": 3,
    "LOW": 0,
    "HIGH": 7,
    "BIASED": 1,
}
UNSIGNED = {
    "CHANNELS": 1,
    "PE": 1,
    "IN_BITS": 5,
    "IN_SIGNED": 0,
    "SHIFT": 2,
    "MODE": 7,
    "OUT_BITS": 2,
    "LOW": 0,
    "HIGH": 3,
    "BIASED": 0,
}
NO_SHIFT = {
    "CHANNELS": 1,
    "PE": 1,
    "IN_BITS": 4,
    "IN_SIGNED": 0,
    "SHIFT": 0,
    "OUT_BITS": 3,
    "LOW": 0,
    "HIGH": 7,
    "BIASED": 0,
}

MUTANTS = {
    "moves while stalled": (MEMORY, "enable = !m_axis_tvalid || m_axis_tready;", "enable = 1'b1;"),
    "takes a word while stalled": (MEMORY, "assign s_axis_tready = enable;", "assign s_axis_tready = 1'b1;"),
    "rounds half to odd": (MEMORY, "half && (rest || quotient[0])", "half && (rest || !quotient[0])"),
    "rounds half to zero": (CONSTANT, "half && (rest || !negative)", "half && (rest || negative)"),
    "wraps above": (
        UNSIGNED,
        "assign over  = !value[WIDE-1] && (|value[WIDE-1:BOX-1])",
        "assign over  = 1'b0",
    ),
    "forgets the lower end": (MEMORY, "assign below = under || (!over", "assign below = under || (over"),
    "adds the bias of another channel": (MEMORY, "row_q <= bias[fold]", "row_q <= bias[0]"),
}


@pytest.mark.parametrize("parameters", [MEMORY, CONSTANT, UNSIGNED, NO_SHIFT])
def test_round_shift_is_proven(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_module("tr_round_shift", parameters, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_round_shift_is_refuted(mutant: str, tmp_path: Path) -> None:
    parameters, right, wrong = MUTANTS[mutant]
    assert not prove_module("tr_round_shift", parameters, folder=tmp_path, replace=(right, wrong)).passed
