# SPDX-License-Identifier: Apache-2.0
"""The bench of window_parallel that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, run_image_bench
from tailrace.blocks.window_parallel import WindowParallel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_window_parallel_passes(tmp_path: Path, seed: int) -> None:
    fields = image(6, 7, 2, lanes=2, bits=5)
    block = WindowParallel(**fields, kernel=(3, 2), stride=(1, 2), dilation=(2, 1))
    run_image_bench(block, folder=tmp_path, seed=seed, tests=2)
