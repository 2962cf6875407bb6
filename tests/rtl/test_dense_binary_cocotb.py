# SPDX-License-Identifier: Apache-2.0
"""The bench of dense_binary that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from dense_harness import run_bench
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_dense_binary_passes(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    block = DenseBinary(
        weights=2 * generator.integers(0, 2, (4, 18)) - 1,
        bias=generator.integers(-9, 9, 4),
        pe=2,
        simd=9,
        out_type=IntType(6, signed=True),
        style="block",
    )
    run_bench(block, folder=tmp_path, seed=seed)
