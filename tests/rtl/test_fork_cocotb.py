# SPDX-License-Identifier: Apache-2.0
"""The bench of fork that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import run_bench
from tailrace.blocks.base import Stream
from tailrace.blocks.fork import Fork
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_fork_passes(tmp_path: Path, seed: int) -> None:
    block = Fork(stream=Stream(lanes=3, type=IntType(7, signed=True), words=5), branches=3)
    run_bench(block, folder=tmp_path, seed=seed, tests=3)
