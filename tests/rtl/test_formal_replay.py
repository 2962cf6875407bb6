# SPDX-License-Identifier: Apache-2.0
"""The replay buffer, proven by induction; broken ones are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_replay.v"

PARAMETERS = [
    {"WIDTH": 1, "WORDS": 3, "TIMES": 1},
    {"WIDTH": 1, "WORDS": 1, "TIMES": 2},
    {"WIDTH": 1, "WORDS": 1, "TIMES": 3},
    {"WIDTH": 1, "WORDS": 2, "TIMES": 2},
    {"WIDTH": 1, "WORDS": 3, "TIMES": 2},
    {"WIDTH": 1, "WORDS": 3, "TIMES": 3},
    {"WIDTH": 1, "WORDS": 4, "TIMES": 5},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "once: overwritten while stalled": (
        "if (advance) out_q <= s_axis_tdata;",
        "out_q <= s_axis_tdata;",
        {"WIDTH": 1, "WORDS": 2, "TIMES": 1},
    ),
    "overwritten while stalled": (
        "if (fetch) out_q <=",
        "out_q <=",
        {"WIDTH": 1, "WORDS": 2, "TIMES": 2},
    ),
    "read before it came": (
        "wire                    some = full_q != 2'd0 || read_q != write_q;",
        "wire                    some = 1'b1;",
        {"WIDTH": 1, "WORDS": 2, "TIMES": 2},
    ),
    "vector overwritten": (
        "assign s_axis_tready = full_q != 2'd2;",
        "assign s_axis_tready = 1'b1;",
        {"WIDTH": 1, "WORDS": 2, "TIMES": 2},
    ),
    "a copy too few": (
        "localparam integer FINAL_COPY = TIMES - 1;",
        "localparam integer FINAL_COPY = TIMES - 2;",
        {"WIDTH": 1, "WORDS": 2, "TIMES": 3},
    ),
    "wrong half": (
        "if (read_end && final_copy) upper_q <= !upper_q;",
        "if (read_end) upper_q <= !upper_q;",
        {"WIDTH": 1, "WORDS": 2, "TIMES": 2},
    ),
    "vectors miscounted": (
        "if (vector_out && !vector_in) full_q",
        "if (vector_out) full_q",
        {"WIDTH": 1, "WORDS": 1, "TIMES": 2},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_replay_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_replay", parameters=parameters, depth=4, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_replay_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
