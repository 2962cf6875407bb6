# SPDX-License-Identifier: Apache-2.0
"""argmax, proven over all runs of some cycles; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dense_harness import prove_with

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

PARAMETERS = {
    "one lane": {"CHANNELS": 3, "PE": 1, "IN_BITS": 2, "IN_SIGNED": 1, "OUT_BITS": 2},
    "two lanes": {"CHANNELS": 6, "PE": 2, "IN_BITS": 2, "IN_SIGNED": 0, "OUT_BITS": 3},
    "three lanes, smallest": {
        "CHANNELS": 3,
        "PE": 3,
        "IN_BITS": 2,
        "IN_SIGNED": 1,
        "OUT_BITS": 2,
        "SMALLEST": 1,
    },
}

# what is broken: (module, the text in it, what replaces it)
MUTANTS = {
    "the last of equals": ("argmax", "key > best_q", "key >= best_q"),
    "the second lane of equals": (
        "argmax",
        "[(2*node+1)*IN_BITS+:IN_BITS] >\n",
        "[(2*node+1)*IN_BITS+:IN_BITS] >=\n",
    ),
    "state from the vector before": ("argmax", "first_q || key > best_q", "key > best_q"),
    "base runs on": ("argmax", "base_q  <= last_q[DEPTH-1] ? {OUT_BITS{1'b0}} : base_q", "base_q  <= base_q"),
    "every word is answered": (
        "argmax",
        "out_valid_q <= valid[DEPTH] && last[DEPTH];",
        "out_valid_q <= valid[DEPTH];",
    ),
    "moves while stalled": ("argmax", "= !out_valid_q || m_axis_tready;", "= 1'b1;"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_argmax_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove_with("argmax", None, parameters=PARAMETERS[case], depth=10, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_argmax_is_found(mutant: str, tmp_path: Path) -> None:
    parameters = PARAMETERS["two lanes"]
    proof = prove_with("argmax", MUTANTS[mutant], parameters=parameters, depth=10, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
