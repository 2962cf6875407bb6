# SPDX-License-Identifier: Apache-2.0
"""The bench of round_shift that users get runs on the Verilog, and fails where the Verilog is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import run_bench
from tailrace.blocks.round_shift import RoundShift
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_round_shift_passes(tmp_path: Path, seed: int) -> None:
    block = RoundShift(
        bias=np.array([3, -70, 0, 9, -1, 8]),
        shift=3,
        mode="half_even",
        low=-7,
        high=7,
        channels=6,
        pe=3,
        in_type=IntType(8, signed=True),
        out_type=IntType(4, signed=True),
    )
    run_bench(block, folder=tmp_path, seed=seed)
