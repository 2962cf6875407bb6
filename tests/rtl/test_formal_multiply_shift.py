# SPDX-License-Identifier: Apache-2.0
"""Stable, counted, marked: proven for tr_multiply_shift, and refuted for broken copies of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from map_harness import prove_module

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

MEMORY = {
    "CHANNELS": 3,
    "PE": 1,
    "IN_BITS": 3,
    "FACTOR_BITS": 3,
    "BIAS_BITS": 4,
    "SHIFT": 2,
    "OUT_BITS": 2,
    "LOW": -1,
    "HIGH": 1,
    "DSP": 1,
}
ADDERS = {
    "CHANNELS": 2,
    "PE": 2,
    "IN_BITS": 3,
    "IN_SIGNED": 0,
    "FACTOR_BITS": 3,
    "BIAS_BITS": 4,
    "SHIFT": 1,
    "OUT_BITS": 3,
    "LOW": 0,
    "HIGH": 7,
    "DSP": 0,
}
LONG_SHIFT = {
    "CHANNELS": 1,
    "PE": 1,
    "IN_BITS": 2,
    "FACTOR_BITS": 2,
    "BIAS_BITS": 3,
    "SHIFT": 7,
    "OUT_BITS": 2,
    "LOW": -2,
    "HIGH": 1,
    "DSP": 0,
}

MUTANTS = {
    "moves while stalled": (MEMORY, "enable = !m_axis_tvalid || m_axis_tready;", "enable = 1'b1;"),
    "takes a word while stalled": (MEMORY, "assign s_axis_tready = enable;", "assign s_axis_tready = 1'b1;"),
    "adds the row of the sign": (ADDERS, "upper_d = upper_d - (", "upper_d = upper_d + ("),
    "adds the bias of another word": (MEMORY, "bias_q   <= bias[fold_2_q]", "bias_q   <= bias[fold_1_q]"),
    "takes the factor of the first channel": (MEMORY, "factor_q <= factors[fold]", "factor_q <= factors[0]"),
    "wraps above": (ADDERS, "assign over  = !value[WIDE-1] && (|value[WIDE-1:BOX-1])", "assign over  = 1'b0"),
    "extends x without its sign": (MEMORY, "{{FACTOR_BITS{x[X_BITS-1]}}, x}\n", "{{FACTOR_BITS{1'b0}}, x}\n"),
}


@pytest.mark.parametrize("parameters", [MEMORY, ADDERS, LONG_SHIFT])
def test_multiply_shift_is_proven(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove_module("tr_multiply_shift", parameters, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_multiply_shift_is_refuted(mutant: str, tmp_path: Path) -> None:
    parameters, right, wrong = MUTANTS[mutant]
    assert not prove_module("tr_multiply_shift", parameters, folder=tmp_path, replace=(right, wrong)).passed
