# SPDX-License-Identifier: Apache-2.0
"""The bench of pool that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from group_harness import run_bench
from tailrace.blocks.pool import Pool
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_pool_passes(tmp_path: Path, seed: int) -> None:
    block = Pool(
        operation="sum",
        channels=12,
        pe=3,
        taps=5,
        in_type=IntType(6, signed=True),
        out_type=IntType(9, signed=True),
    )
    run_bench(block, folder=tmp_path, seed=seed)
