# SPDX-License-Identifier: Apache-2.0
"""Stable, counted, marked: proven for tr_table, and refuted for broken copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from map_harness import prove_module

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

MEMORY = {"CHANNELS": 3, "PE": 1, "IN_BITS": 2, "OUT_BITS": 2}
SHARED = {"CHANNELS": 4, "PE": 2, "IN_BITS": 1, "OUT_BITS": 2, "SHARED": 1, "STYLE": 3}

MUTANTS = {
    "moves while stalled": (MEMORY, "enable = !m_axis_tvalid || m_axis_tready;", "enable = 1'b1;"),
    "takes a word while stalled": (MEMORY, "assign s_axis_tready = enable;", "assign s_axis_tready = 1'b1;"),
    "never turns to the next channel": (MEMORY, "fold_q + 1'b1", "fold_q"),
    "turns without a word": (MEMORY, "else if (enable && s_axis_tvalid)", "else if (enable)"),
    "skips entry 0": (SHARED, "y_q <= values[address]", "y_q <= values[address | 1'b1]"),
    "holds the output too long": (MEMORY, "if (enable) y_q", "if (m_axis_tready) y_q"),
}


@pytest.mark.parametrize("parameters", [MEMORY, SHARED])
def test_table_is_proven(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_module("tr_table", parameters, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_table_is_refuted(mutant: str, tmp_path: Path) -> None:
    parameters, right, wrong = MUTANTS[mutant]
    assert not prove_module("tr_table", parameters, folder=tmp_path, replace=(right, wrong)).passed
