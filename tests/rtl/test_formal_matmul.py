# SPDX-License-Identifier: Apache-2.0
"""Products of two streams, proven over all runs of some cycles: the store by itself, and what is made of its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dense_harness import SOURCES
from rtl_harness import prove_mutant
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

RTL = data_folder("rtl")
STORE = {"WIDTH": 1, "BANKS": 2, "HEADS": 1, "INNER": 2, "MIDDLE": 1, "ACROSS": 0, "VECTORS": 2}
STORES = {
    "a row of two words": STORE,
    "two rows": {**STORE, "BANKS": 1, "INNER": 1, "MIDDLE": 2},
    "two heads": {**STORE, "BANKS": 1, "HEADS": 2, "INNER": 1},
    "across": {**STORE, "BANKS": 1, "MIDDLE": 2, "INNER": 2, "VECTORS": 1, "ACROSS": 1},
    "a word a frame": {**STORE, "BANKS": 1, "INNER": 1},
    "block memory": {**STORE, "STYLE": 3},
}
PRODUCT = {
    "HEADS": 1, "ROWS": 2, "COLS": 2, "VECTORS": 2, "PE": 1, "SIMD": 1, "A_BITS": 1, "B_BITS": 2, "OUT_BITS": 4,
}  # fmt: skip
PRODUCTS = {
    "scores": PRODUCT,
    "scores, side by side": {**PRODUCT, "PE": 2, "SIMD": 2, "A_SIGNED": 1, "B_BITS": 1},
    "mix": {**PRODUCT, "MIX": 1},
    "mix, two terms of two heads": {**PRODUCT, "MIX": 1, "HEADS": 2, "ROWS": 1, "SIMD": 2, "B_SIGNED": 0},
}
STORE_MUTANTS = {
    "a frame too many": ("in_ready = full_q != 2'd2", "in_ready = 1'b1"),
    "reads what is not there": ("valid_q <= full_q != 2'd0;", "valid_q <= 1'b1;"),
    "one half only": ("write_half_q <= !write_half_q;", ""),
    "the other half too early": ("if (last_vector) read_half_q", "if (last_head) read_half_q"),
    "one bank only": ("put && bank_q == bank", "put"),
    "moves while stalled": ("advance   = !valid_q || out_ready;", "advance   = 1'b1;"),
    "a frame for ever": ("if (frame_out && !frame_in)", "if (1'b0)"),
}
PRODUCT_MUTANTS = {
    "does not wait for b": ("s0_axis_tvalid && kept_valid && enable", "s0_axis_tvalid && enable"),
    "sums run on": ("first_q <= column_q == {COLUMN_BITS{1'b0}};", "first_q <= 1'b1;"),
    "a sum without an end": ("last_column ? {COLUMN_BITS{1'b0}} : column_q + 1'b1;", "column_q;"),
    "every sum is sent": ("valid_q[STAGES-1] && last_q[STAGES-1];", "valid_q[STAGES-1];"),
    "moves while stalled": ("= !out_valid_q || m_axis_tready;", "= 1'b1;"),
}


def parts(*but: str) -> list[Path]:
    """What a product is made of, without the files of these modules."""
    paths = [RTL / "tr_matmul.v", RTL / "tr_matmul_store.v", *SOURCES]
    return [path for path in paths if path.stem not in but and "schedule" not in path.stem]


@pytest.mark.parametrize("case", STORES)
def test_the_store_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove(
        sources=[RTL / "tr_matmul_store.v"],
        top="tr_matmul_store",
        parameters=STORES[case],
        depth=11,
        folder=tmp_path,
        induction=False,
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("mutant", STORE_MUTANTS)
def test_a_broken_store_is_found(mutant: str, tmp_path: Path) -> None:
    proof = prove_mutant(
        RTL / "tr_matmul_store.v", *STORE_MUTANTS[mutant], parameters=STORE, folder=tmp_path, depth=16
    )
    assert not proof.passed, "nothing in the properties sees this"


@pytest.mark.parametrize("case", PRODUCTS)
def test_a_product_is_stable_counted_and_marked(case: str, tmp_path: Path) -> None:
    proof = prove(
        sources=parts(),
        top="tr_matmul",
        parameters=PRODUCTS[case],
        depth=10,
        folder=tmp_path,
        induction=False,
    )
    assert proof.passed, proof.log.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("mutant", PRODUCT_MUTANTS)
def test_a_broken_product_is_found(mutant: str, tmp_path: Path) -> None:
    source, (text, replacement) = RTL / "tr_matmul.v", PRODUCT_MUTANTS[mutant]
    original = source.read_text(encoding="utf-8")
    assert original.count(text) == 1
    broken = tmp_path / source.name
    broken.write_text(original.replace(text, replacement), encoding="utf-8")
    proof = prove(
        sources=[broken, *parts("tr_matmul")],
        top="tr_matmul",
        parameters=PRODUCT,
        depth=14,
        folder=tmp_path,
        induction=False,
    )
    assert not proof.passed, "nothing in the properties sees this"
