# SPDX-License-Identifier: Apache-2.0
"""The schedule of matrix products, proven by induction; dense_folded itself over all runs of some cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dense_harness import prove_with

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SCHEDULES = {
    "two by three": {"ROW_GROUPS": 2, "COLUMN_GROUPS": 3, "STAGES": 2, "BIAS": 1},
    "three by one": {"ROW_GROUPS": 3, "COLUMN_GROUPS": 1, "STAGES": 1, "BIAS": 1},
    "one by two": {"ROW_GROUPS": 1, "COLUMN_GROUPS": 2, "STAGES": 3, "BIAS": 1},
    "one by one": {"ROW_GROUPS": 1, "COLUMN_GROUPS": 1, "STAGES": 1},
    "block memory": {"ROW_GROUPS": 2, "COLUMN_GROUPS": 2, "STAGES": 1, "BIAS": 1, "STYLE": 3},
}
NARROW = {"INPUTS_BITS": 2, "WEIGHTS_BITS": 2, "BIASES_BITS": 2}

TABLES = {"ROWS": 2, "COLS": 2, "PE": 1, "SIMD": 1, "IN_BITS": 1, "WEIGHT_BITS": 2, "OUT_BITS": 4, "BIAS": 1}
ROWS = {"ROWS": 1, "COLS": 2, "PE": 1, "SIMD": 1, "IN_BITS": 3, "WEIGHT_BITS": 4, "OUT_BITS": 9}
PARAMETERS = {
    "tables": TABLES,
    "two lanes": {**TABLES, "PE": 2, "SIMD": 2, "BIAS": 0},
    "rows for carry chains": ROWS,
    "signed rows": {**ROWS, "IN_SIGNED": 1, "OUT_SIGNED": 1},
}

# what is broken: (module, the text in it, what replaces it)
SCHEDULE_MUTANTS = {
    "every sum is sent": ("out_valid_q <= valid && last_q[DEPTH-1];", "out_valid_q <= valid;"),
    "moves while stalled": ("= !out_valid_q || out_ready;", "= 1'b1;"),
    "counts words that are not there": ("if (take) begin", "if (enable) begin"),
    "a valid flag too many": (
        "valid_q     <= {valid_q[DEPTH-2:0], in_valid};",
        "valid_q     <= {valid_q[DEPTH-2:0], 1'b1};",
    ),
    "weights of the word before": (".address (fold_q)", ".address (fold_q + 1'b1)"),
    "bias of the next rows": (
        "enable && valid_q[DEPTH-2] && first_q[DEPTH-2]",
        "enable && valid_q[DEPTH-2] && last_q[DEPTH-2]",
    ),
}
MUTANTS = {
    "accumulator without a start": ("accumulator", "first ? start : total_q", "total_q"),
    "accumulator runs on": ("accumulator", "if (enable && valid) total_q", "if (enable) total_q"),
    "carry lost": ("accumulator", "{base, carry}", "{base, 1'b0}"),
    "low places of a product lost": ("dense_lane", "2'b11}", "2'b10}"),
    "no negative rows": ("dense_lane", "row      = row ^ {ROW_BITS{negative}};", ""),
    "sums move while stalled": ("adder_tree", "if (enable) begin", "begin"),
}


@pytest.mark.parametrize("case", SCHEDULES)
def test_the_schedule_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    parameters = {**SCHEDULES[case], **NARROW}
    proof = prove_with(
        "dense_schedule", None, parameters=parameters, depth=5, folder=tmp_path, induction=True
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", SCHEDULE_MUTANTS)
def test_a_broken_schedule_is_found(mutant: str, tmp_path: Path) -> None:
    parameters = {**SCHEDULES["two by three"], **NARROW}
    change = ("dense_schedule", *SCHEDULE_MUTANTS[mutant])
    proof = prove_with("dense_schedule", change, parameters=parameters, depth=14, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"


@pytest.mark.parametrize("case", PARAMETERS)
def test_dense_folded_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_with("dense_folded", None, parameters=PARAMETERS[case], depth=8, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_dense_folded_is_found(mutant: str, tmp_path: Path) -> None:
    proof = prove_with("dense_folded", MUTANTS[mutant], parameters=ROWS, depth=10, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
