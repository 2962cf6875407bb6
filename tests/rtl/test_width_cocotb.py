# SPDX-License-Identifier: Apache-2.0
"""The bench of width that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import run_bench
from tailrace.blocks.width import Width
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_width_passes(tmp_path: Path, seed: int) -> None:
    block = Width(type=IntType(5, signed=True), in_lanes=3, out_lanes=5, words_in=5)
    run_bench(block, folder=tmp_path, seed=seed, tests=2)
