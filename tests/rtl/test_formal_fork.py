# SPDX-License-Identifier: Apache-2.0
"""The fork, proven by induction for any one of its outputs; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_fork.v"

PARAMETERS = [
    {"WIDTH": 1, "OUTPUTS": 1},
    {"WIDTH": 2, "OUTPUTS": 2},
    {"WIDTH": 2, "OUTPUTS": 5},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "word doubled": (
        "else pending_q <= left;",
        "else pending_q <= pending_q;",
        {"WIDTH": 2, "OUTPUTS": 2},
    ),
    "word lost": (
        "assign s_axis_tready = left == {OUTPUTS{1'b0}};",
        "assign s_axis_tready = left != {OUTPUTS{1'b1}};",
        {"WIDTH": 2, "OUTPUTS": 2},
    ),
    "overwritten while stalled": (
        "if (s_axis_tready) word_q <=",
        "word_q <=",
        {"WIDTH": 2, "OUTPUTS": 2},
    ),
    "output forgotten": (
        "else if (s_axis_tready) pending_q <= {OUTPUTS{s_axis_tvalid}};",
        "else if (s_axis_tready) pending_q <= {{(OUTPUTS-1){s_axis_tvalid}}, 1'b0};",
        {"WIDTH": 2, "OUTPUTS": 2},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_fork_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_fork", parameters=parameters, depth=4, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_fork_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
