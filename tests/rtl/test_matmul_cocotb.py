# SPDX-License-Identifier: Apache-2.0
"""The bench of matmul that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import run_bench
from tailrace.blocks.matmul import MatMul
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_matmul_passes(tmp_path: Path, seed: int) -> None:
    block = MatMul(
        kind="mix",
        heads=2,
        rows=4,
        cols=6,
        vectors=3,
        pe=2,
        simd=3,
        a_type=IntType(3, signed=False),
        b_type=IntType(4, signed=True),
        out_type=IntType(10, signed=True),
    )
    run_bench(block, folder=tmp_path, seed=seed, tests=2)
