# SPDX-License-Identifier: Apache-2.0
"""The bench of pad that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, run_image_bench
from tailrace.blocks.pad import Pad

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_pad_passes(tmp_path: Path, seed: int) -> None:
    block = Pad(**image(3, 4, 6, lanes=3, bits=5), top=1, bottom=2, left=1, right=0, value=-7)
    run_image_bench(block, folder=tmp_path, seed=seed, tests=2)
