# SPDX-License-Identifier: Apache-2.0
"""What the tests of the dense blocks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tailrace.data import data_folder

if TYPE_CHECKING:
    from tailrace.blocks.base import Integers
    from tailrace.blocks.dense_binary import DenseBinary
    from tailrace.blocks.dense_folded import DenseFolded

HELPERS = ("accumulator", "adder_tree", "dense_binary_lane", "dense_lane", "dense_schedule", "rom")
SOURCES = tuple(data_folder("rtl") / f"tr_{name}.v" for name in HELPERS)
"""The modules that ``tr_dense_folded`` and ``tr_dense_binary`` are made of."""


def vectors_of(block: DenseFolded | DenseBinary, *, seed: int, count: int = 12) -> Integers:
    """Return (count, vectors, cols) random inputs; the first two frames are the ends of the type."""
    generator = np.random.default_rng(seed)
    in_type = block.inputs[0].type
    shape = (count, block.vectors, block.cols)
    vectors = generator.integers(in_type.min, in_type.max, shape, np.int64, endpoint=True)
    vectors[0], vectors[1] = in_type.min, in_type.max
    return vectors


def replayed(block: DenseFolded | DenseBinary, vectors: Integers) -> Integers:
    """Return the frames as ``replay`` sends them: every vector rows/pe times."""
    return np.repeat(vectors, block.rows // block.pe, axis=1).reshape(len(vectors), -1)


def hex_words(lines: str) -> list[int]:
    """Return the words of a ``$readmemh`` file."""
    return [int(line, 16) for line in lines.split()]
