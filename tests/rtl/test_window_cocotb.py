# SPDX-License-Identifier: Apache-2.0
"""The bench of window that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, run_image_bench
from tailrace.blocks.window import Window

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_window_passes(tmp_path: Path, seed: int) -> None:
    block = Window(**image(5, 6, 4, lanes=2, bits=5), kernel=(3, 3))
    run_image_bench(block, folder=tmp_path, seed=seed, tests=2)
