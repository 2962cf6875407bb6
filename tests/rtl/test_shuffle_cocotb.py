# SPDX-License-Identifier: Apache-2.0
"""The bench of shuffle that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from image_harness import image, run_image_bench
from tailrace.blocks.shuffle import Shuffle

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


def test_the_bench_of_shuffle_passes(tmp_path: Path, seed: int) -> None:
    block = Shuffle(**image(2, 3, 24, lanes=3, bits=5), block=2, mode="crd")
    run_image_bench(block, folder=tmp_path, seed=seed, tests=2)
