# SPDX-License-Identifier: Apache-2.0
"""normalize, proven over all runs of some cycles against its definition by squares; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dense_harness import prove_with
from tailrace.blocks.normalize import Normalize
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal


def parameters_of(*, bits: int, signed: bool, digits: int, **more: object) -> dict[str, int]:
    """The parameters of a normalization of two values that adds 1 to W; results have a sign."""
    block = Normalize(
        size=2, epsilon=1, exponent=0, in_type=IntType(bits, signed=signed), out_type=IntType(digits + 1, signed=True),
        **{"kind": "layer", "pe": 1, "fraction_bits": 0, **more},
    )  # fmt: skip
    assert block.digits == digits
    return dict(block.parameters())


PARAMETERS = {
    "root mean square": (parameters_of(bits=2, signed=True, digits=2, kind="rms", pe=2), 15),
    "digits that share their logic": (
        parameters_of(bits=2, signed=False, digits=3, kind="rms", fraction_bits=1, cycles=2),
        17,
    ),
    "deviation, a vector a word": (parameters_of(bits=1, signed=False, digits=2, pe=2), 16),
    "deviation, a value a word": (parameters_of(bits=2, signed=True, digits=2), 17),
}
"""{case: its parameters and the cycles}; the latencies are 13 to 15."""

# what is broken: (module, the text in it, what replaces it)
MUTANTS = {
    "no rounding": ("normalize", "sign ^ last[0]}", "sign}"),
    "sums of the vector before": ("normalize", "(add_first ? {SQUARES_BITS{1'b0}} : squares_sum_q)", "squares_sum_q"),
    "a vector goes before it is whole": ("normalize", "whole_q != 2'd0 && (!fetched_q", "inside_q != 0 && (!fetched_q"),
    "more words than places": ("normalize", "assign room = inside_q != PLACES[COUNT_BITS-1:0];", "assign room = 1'b1;"),
    "moves while stalled": ("normalize", "move = !back_q[BACK] || m_axis_tready;", "move = 1'b1;"),
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if case == "root mean square" else pytest.mark.slow) for case in PARAMETERS],
)
def test_normalize_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    parameters, depth = PARAMETERS[case]
    proof = prove_with("normalize", None, parameters=parameters, depth=depth, folder=tmp_path)
    assert proof.passed, proof.log.read_text(encoding="utf-8")


SHARED = "digits that share their logic"
ELSEWHERE = {
    "a vector goes before it is whole": (SHARED, 17),
    "more words than places": ("root mean square", 19),
    "moves while stalled": ("root mean square", 17),
}
"""Mutants that need vectors of several words, or longer runs: {mutant: (case, cycles)}."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_normalize_is_found(mutant: str, tmp_path: Path) -> None:
    case, depth = ELSEWHERE.get(mutant, ("root mean square", 15))
    proof = prove_with(
        "normalize", MUTANTS[mutant], parameters=PARAMETERS[case][0], depth=depth, folder=tmp_path
    )
    assert not proof.passed, "nothing in the properties sees this"
