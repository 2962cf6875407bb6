# SPDX-License-Identifier: Apache-2.0
"""The bench of permute that users get runs on the Verilog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from image_harness import run_image_bench
from tailrace.blocks.base import Stream
from tailrace.blocks.permute import Permute
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cocotb


@pytest.mark.parametrize("words", [1, 11])
def test_the_bench_of_permute_passes(words: int, tmp_path: Path, seed: int) -> None:
    stream = Stream(lanes=3, type=IntType(5, signed=True), words=words)
    block = Permute(stream=stream, order=np.random.default_rng(seed).permutation(words))
    run_image_bench(block, folder=tmp_path, seed=seed, tests=3)
