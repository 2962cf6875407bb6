# SPDX-License-Identifier: Apache-2.0
"""The bench of depthwise that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from group_harness import run_bench
from tailrace.blocks.depthwise import Depthwise
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_depthwise_passes(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    block = Depthwise(
        weights=generator.integers(-4, 4, (6, 9)),
        bias=generator.integers(-50, 50, 6),
        pe=2,
        in_type=IntType(4, signed=True),
        out_type=IntType(10, signed=True),
    )
    run_bench(block, folder=tmp_path, seed=seed)
