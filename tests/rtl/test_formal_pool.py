# SPDX-License-Identifier: Apache-2.0
"""The states of channel groups, proven by induction; pool itself over all runs of some cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from group_harness import prove_with

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

STATES = {
    "one group": {"BITS": 2, "GROUPS": 1, "TAPS": 3, "ADDRESS_BITS": 1},
    "two groups": {"BITS": 2, "GROUPS": 2, "TAPS": 2, "ADDRESS_BITS": 1},
    "three groups": {"BITS": 2, "GROUPS": 3, "TAPS": 2, "ADDRESS_BITS": 2},
    "five groups, three taps": {"BITS": 1, "GROUPS": 5, "TAPS": 3, "ADDRESS_BITS": 3},
    "one tap": {"BITS": 1, "GROUPS": 2, "TAPS": 1, "ADDRESS_BITS": 1},
}

# what is broken: (the text in tr_group_state, what replaces it, the groups that show it)
STATE_MUTANTS = {
    "written too late": ("states[latest_q] <= latest;", "states[latest_q] <= state_q;", 3),
    "written to the place that is read": ("if (valid_q) latest_q <= group_q;", "latest_q <= group;", 3),
    "read a word too late": ("state_q <= states[group];", "state_q <= states[group_q];", 3),
    "registers move without a word": ("if (enable && valid_q) before_q", "if (enable) before_q", 2),
    "counts words that are not there": ("else if (enable && arrives)\n", "else if (enable)\n", 3),
    "a tap for every word": (
        " && group == LAST_GROUP[ADDRESS_BITS-1:0])\n                    tap_q",
        ") tap_q",
        2,
    ),
    "word lost": (
        "else if (enable) valid_q <= arrives;",
        "else if (enable) valid_q <= arrives && !valid_q;",
        3,
    ),
}

MAXIMUM = {"OPERATION": 0, "CHANNELS": 3, "PE": 1, "IN_BITS": 2, "IN_SIGNED": 1, "OUT_BITS": 2, "TAPS": 2}
SUM = {"OPERATION": 1, "CHANNELS": 2, "PE": 1, "IN_BITS": 2, "IN_SIGNED": 1, "OUT_BITS": 4, "TAPS": 3}
PARAMETERS = {
    "maximum, three groups": MAXIMUM,
    "maximum, two lanes, wider out": {**MAXIMUM, "CHANNELS": 2, "PE": 2, "OUT_BITS": 3, "TAPS": 3},
    "sum, two groups": SUM,
    "sum, one group": {**SUM, "PE": 2, "IN_SIGNED": 0},
    "one tap": {**SUM, "TAPS": 1},
}

# what is broken: (the text in tr_pool, what replaces it, the parameters that show it)
MUTANTS = {
    "the smallest wins": ("(value ^ SIGN) > (best ^ SIGN)", "(value ^ SIGN) < (best ^ SIGN)", MAXIMUM),
    "signed compares as unsigned": ("(value ^ SIGN) > (best ^ SIGN)", "value > best", MAXIMUM),
    "maximum without a start": ("first || (value", "(value", MAXIMUM),
    "sum without a start": ("first ? {OUT_BITS{1'b0}} : state", "state", SUM),
    "runs on while stalled": ("if (enable && valid) latest_q", "if (valid) latest_q", SUM),
    "moves while stalled": ("= !out_valid_q || m_axis_tready;", "= 1'b1;", SUM),
    "every tap is sent": ("out_valid_q <= valid && last;", "out_valid_q <= valid;", SUM),
}


@pytest.mark.parametrize("case", STATES)
def test_every_word_finds_the_state_of_its_group(case: str, tmp_path: Path) -> None:
    proof = prove_with("group_state", None, parameters=STATES[case], depth=4, folder=tmp_path, induction=True)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", STATE_MUTANTS)
def test_broken_states_are_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, groups = STATE_MUTANTS[mutant]
    parameters = {"BITS": 1, "GROUPS": groups, "TAPS": 2, "ADDRESS_BITS": 2 if groups > 2 else 1}
    change = ("group_state", text, replacement)
    proof = prove_with("group_state", change, parameters=parameters, depth=12, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"


@pytest.mark.parametrize("case", PARAMETERS)
def test_pool_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_with("pool", None, parameters=PARAMETERS[case], depth=10, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_pool_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_with("pool", ("pool", text, replacement), parameters=parameters, depth=10, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
