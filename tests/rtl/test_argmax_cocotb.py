# SPDX-License-Identifier: Apache-2.0
"""The bench of argmax that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import run_bench
from tailrace.blocks.argmax import ArgMax
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_argmax_passes(tmp_path: Path, seed: int) -> None:
    block = ArgMax(channels=10, pe=5, in_type=IntType(6, signed=True), smallest=True)
    run_bench(block, folder=tmp_path, seed=seed, tests=2)
