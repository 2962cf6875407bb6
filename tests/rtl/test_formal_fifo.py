# SPDX-License-Identifier: Apache-2.0
"""The FIFO, every kind of memory, proven by induction; broken ones are found.

In formal runs DEPTH 5 and more is read synchronously, so that small proofs reach both memories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

SOURCE = data_folder("rtl") / "tr_fifo.v"

PARAMETERS = [
    {"WIDTH": 2, "DEPTH": 1},
    {"WIDTH": 2, "DEPTH": 2},
    {"WIDTH": 2, "DEPTH": 3},
    {"WIDTH": 2, "DEPTH": 4},
    {"WIDTH": 2, "DEPTH": 5},
    {"WIDTH": 2, "DEPTH": 6},
    {"WIDTH": 2, "DEPTH": 9},
]

# what is broken: (the text in the module, what replaces it, the parameters that show it)
MUTANTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "register overwritten while stalled": (
        "if (advance) out_q <= s_axis_tdata;",
        "out_q <= s_axis_tdata;",
        {"WIDTH": 2, "DEPTH": 1},
    ),
    "second word lost": (
        "out_valid_q    <= second_valid_q || s_axis_tvalid;",
        "out_valid_q    <= s_axis_tvalid;",
        {"WIDTH": 2, "DEPTH": 2},
    ),
    "word doubled": (
        "wire                   fetch = advance && !empty;\n            assign",
        "wire                   fetch = advance && !empty && !store;\n            assign",
        {"WIDTH": 2, "DEPTH": 4},
    ),
    "one word too few": (
        "localparam integer FULL = DEPTH - 1;",
        "localparam integer FULL = DEPTH - 2;",
        {"WIDTH": 2, "DEPTH": 4},
    ),
    "wrong order past the memory": (
        "out_q <= empty ? s_axis_tdata : memory[read_q];",
        "out_q <= s_axis_tvalid ? s_axis_tdata : memory[read_q];",
        {"WIDTH": 2, "DEPTH": 3},
    ),
    "synchronous word lost": (
        "wire                   store = put && !first && !(second_free && empty);",
        "wire                   store = put && !first && !second_free;",
        {"WIDTH": 2, "DEPTH": 6},
    ),
    "synchronous wrong order": (
        "from_memory_q  <= !empty;",
        "from_memory_q  <= !empty && !s_axis_tvalid;",
        {"WIDTH": 2, "DEPTH": 6},
    ),
    "synchronous bypass overwritten": (
        "if (second_free) bypass_q <= s_axis_tdata;",
        "bypass_q <= s_axis_tdata;",
        {"WIDTH": 2, "DEPTH": 6},
    ),
    "too many words": (
        "localparam integer FULL = DEPTH - 2;\n            localparam integer FINAL",
        "localparam integer FULL = DEPTH - 1;\n            localparam integer FINAL",
        {"WIDTH": 2, "DEPTH": 5},
    ),
}


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_fifo_is_stable_counted_and_marked(parameters: dict[str, int], tmp_path: Path) -> None:
    proof = prove(
        sources=[SOURCE], top="tr_fifo", parameters=parameters, depth=4, folder=tmp_path, timeout_seconds=60
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_fifo_is_found(mutant: str, tmp_path: Path) -> None:
    text, replacement, parameters = MUTANTS[mutant]
    proof = prove_mutant(SOURCE, text, replacement, parameters=parameters, folder=tmp_path)
    assert not proof.passed, "nothing in the properties sees this"
