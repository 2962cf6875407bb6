# SPDX-License-Identifier: Apache-2.0
"""The bench of upsample that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, run_image_bench
from tailrace.blocks.upsample import Upsample

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_upsample_passes(tmp_path: Path, seed: int) -> None:
    block = Upsample(**image(2, 3, 6, lanes=3, bits=5), factor=(2, 3))
    run_image_bench(block, folder=tmp_path, seed=seed, tests=2)
