# SPDX-License-Identifier: Apache-2.0
"""Stable, counted, marked: proven for tr_threshold, and refuted for broken copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from map_harness import prove_module

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

MEMORY = {"CHANNELS": 3, "PE": 1, "IN_BITS": 2, "THRESHOLD_BITS": 3, "LEVELS": 4, "OUT_BITS": 3, "OFFSETS": 1}
CONSTANT = {
    "CHANNELS": 2,
    "PE": 2,
    "IN_BITS": 2,
    "IN_SIGNED": 0,
    "THRESHOLD_BITS": 2,
    "LEVELS": 2,
    "OUT_BITS": 3,
    "BASE": 5,
}

MUTANTS = {
    "moves while stalled": (MEMORY, "enable = !m_axis_tvalid || m_axis_tready;", "enable = 1'b1;"),
    "takes a word while stalled": (MEMORY, "assign s_axis_tready = enable;", "assign s_axis_tready = 1'b1;"),
    "compares strictly": (
        MEMORY,
        "$signed(value) >= $signed(threshold)",
        "$signed(value) > $signed(threshold)",
    ),
    "toggles a threshold early": (CONSTANT, "(START + k + 1)", "(START + k)"),
    "reads the offsets of another word": (
        MEMORY,
        "offsets[late[FOLD_BITS*(COUNTED-1) +: FOLD_BITS]]",
        "offsets[fold]",
    ),
    "never counts down": (
        MEMORY,
        "((base ^ flip) + count_q[lane*OUT_BITS +: OUT_BITS]) ^ flip",
        "base + count_q[lane*OUT_BITS +: OUT_BITS]",
    ),
    "numbers words that are not there": (MEMORY, "else if (enable && s_axis_tvalid)", "else if (enable)"),
}


@pytest.mark.parametrize("parameters", [MEMORY, CONSTANT])
def test_threshold_is_proven(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_module("tr_threshold", parameters, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_threshold_is_refuted(mutant: str, tmp_path: Path) -> None:
    parameters, right, wrong = MUTANTS[mutant]
    assert not prove_module("tr_threshold", parameters, folder=tmp_path, replace=(right, wrong)).passed
