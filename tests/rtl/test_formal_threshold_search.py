# SPDX-License-Identifier: Apache-2.0
"""Stable, counted, marked: proven for tr_threshold_search, and refuted for broken copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from map_harness import prove_module

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

MEMORY = {"CHANNELS": 2, "PE": 1, "IN_BITS": 2, "THRESHOLD_BITS": 3, "LEVELS": 3, "OUT_BITS": 3, "OFFSETS": 1}
CONSTANT = {
    "CHANNELS": 2,
    "PE": 2,
    "IN_BITS": 3,
    "IN_SIGNED": 0,
    "THRESHOLD_BITS": 3,
    "LEVELS": 7,
    "OUT_BITS": 3,
    "BASE": 5,
}

MUTANTS = {
    "moves while stalled": (MEMORY, "enable = !m_axis_tvalid || m_axis_tready;", "enable = 1'b1;"),
    "takes a word while stalled": (MEMORY, "assign s_axis_tready = enable;", "assign s_axis_tready = 1'b1;"),
    "compares strictly": (CONSTANT, "reached = value >= threshold", "reached = value > threshold"),
    "forgets what it found": (CONSTANT, "index_q <= g_step[step-1].next", "index_q <= g_step[step-1].index"),
    "searches another channel": (MEMORY, "address = {g_step[step-1].turn,", "address = {fold,"),
    "forgets the base": (CONSTANT, "<= START[OUT_BITS-1:0] + found", "<= found"),
    "counts the wrong way": (MEMORY, "((base ^ flip) +", "(base +"),
}


@pytest.mark.parametrize("parameters", [MEMORY, CONSTANT])
def test_threshold_search_is_proven(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_module("tr_threshold_search", parameters, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_threshold_search_is_refuted(mutant: str, tmp_path: Path) -> None:
    parameters, right, wrong = MUTANTS[mutant]
    assert not prove_module("tr_threshold_search", parameters, folder=tmp_path, replace=(right, wrong)).passed
