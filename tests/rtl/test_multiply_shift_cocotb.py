# SPDX-License-Identifier: Apache-2.0
"""The bench of multiply_shift that users get runs on the Verilog, and fails where the Verilog is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import run_bench
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_multiply_shift_passes(tmp_path: Path, seed: int) -> None:
    block = MultiplyShift(
        factors=np.array([19, -31, 7, 1, 0, -12]),
        bias=np.array([3, -700, 0, 9, -1, 8]),
        shift=5,
        low=0,
        high=63,
        channels=6,
        pe=2,
        in_type=IntType(9, signed=True),
        out_type=IntType(6, signed=False),
        dsp=False,
    )
    run_bench(block, folder=tmp_path, seed=seed)
