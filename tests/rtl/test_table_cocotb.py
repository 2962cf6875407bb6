# SPDX-License-Identifier: Apache-2.0
"""The bench of table that users get runs on the Verilog, and fails where the Verilog is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import run_bench
from tailrace.blocks.table import Table
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_table_passes(tmp_path: Path, seed: int) -> None:
    block = Table(
        values=(np.arange(4 * 32) * 37 % 101).reshape(4, 32),
        channels=4,
        pe=2,
        in_type=IntType(5, signed=True),
        out_type=IntType(7, signed=False),
    )
    run_bench(block, folder=tmp_path, seed=seed)
