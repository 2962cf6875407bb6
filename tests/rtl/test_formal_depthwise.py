# SPDX-License-Identifier: Apache-2.0
"""depthwise, proven over all runs of some cycles for any weights; the states of its groups: test_formal_pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from group_harness import prove_with

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

THREE = {"CHANNELS": 3, "TAPS": 2, "PE": 1, "IN_BITS": 1, "WEIGHT_BITS": 2, "OUT_BITS": 3, "BIAS": 1}
TWO = {"CHANNELS": 2, "TAPS": 2, "PE": 1, "IN_BITS": 1, "WEIGHT_BITS": 2, "OUT_BITS": 3}
ROWS = {"CHANNELS": 1, "TAPS": 2, "PE": 1, "IN_BITS": 3, "IN_SIGNED": 1, "WEIGHT_BITS": 4, "OUT_BITS": 9}
PARAMETERS = {
    "three groups": (THREE, 10),
    "two groups": (TWO, 9),
    "two groups, block memory": ({**TWO, "STYLE": 3, "BIAS": 1}, 9),
    "one group of two lanes": ({**TWO, "PE": 2, "TAPS": 3}, 9),
    "rows for carry chains": (ROWS, 6),
}

# what is broken: (the text in tr_depthwise, what replaces it, the parameters that show it)
MUTANTS = {
    "a sum without a start": ("first ? bias : state", "state", TWO),
    "every tap is sent": ("out_valid_q <= valid && last;", "out_valid_q <= valid;", TWO),
    "moves while stalled": ("= !out_valid_q || m_axis_tready;", "= 1'b1;", TWO),
    "weights of the word before": (".address (fold_q)", ".address (fold_q + 1'b1)", TWO),
    "counts words that are not there": ("if (s_axis_tvalid) fold_q", "fold_q", TWO),
    "bias of the first group": (".address (group)", ".address (2'd0)", THREE),
    "a valid flag too many": ("valid_d = {valid_q, s_axis_tvalid}", "valid_d = {valid_q, 1'b1}", TWO),
    "accumulates every cycle": (
        ".valid   (valid),\n                .first",
        ".valid   (1'b1),\n                .first",
        TWO,
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_depthwise_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    parameters, depth = PARAMETERS[case]
    proof = prove_with("depthwise", None, parameters=parameters, depth=depth, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_depthwise_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    change = ("depthwise", text, replacement)
    proof = prove_with("depthwise", change, parameters=parameters, depth=10, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
