# SPDX-License-Identifier: Apache-2.0
"""The bench of eltwise that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rtl_harness import run_bench
from tailrace.blocks.base import Stream
from tailrace.blocks.eltwise import Eltwise
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_eltwise_passes(tmp_path: Path, seed: int) -> None:
    block = Eltwise(
        operation="add",
        a=Stream(lanes=3, type=IntType(7, signed=True), words=5),
        b=Stream(lanes=3, type=IntType(6, signed=False), words=5),
        a_factor=-11,
        b_factor=5,
        out_type=IntType(13, signed=True),
    )
    run_bench(block, folder=tmp_path, seed=seed, tests=2)
