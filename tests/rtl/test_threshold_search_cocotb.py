# SPDX-License-Identifier: Apache-2.0
"""The bench of threshold_search that users get runs on the Verilog, and fails where the Verilog is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from map_harness import run_bench
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_threshold_search_passes(tmp_path: Path, seed: int) -> None:
    block = ThresholdSearch(
        thresholds=np.array([[-9, -2, 0, 5, 31]] * 3 + [[-32, 1, 1, 2, 32]]),
        base=np.array([-5, 2, -8, 7]),
        decreasing=np.array([False, True, False, True]),
        channels=4,
        pe=2,
        in_type=IntType(6, signed=True),
        out_type=IntType(4, signed=True),
    )
    run_bench(block, folder=tmp_path, seed=seed)
