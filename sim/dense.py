# SPDX-License-Identifier: Apache-2.0
"""What the benches of the matrix products share: vectors as ``replay`` sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
import numpy as np
from streams import exchange, from_words, setting, to_words

if TYPE_CHECKING:
    from tailrace.blocks.dense_binary import DenseBinary
    from tailrace.blocks.dense_folded import DenseFolded


async def compare(dut: Any, block: DenseFolded | DenseBinary, *, stall: float) -> None:
    """Send random vectors, each ROWS/PE times, and compare every sum with the numpy model."""
    seed = setting("SEED", 1)
    cocotb.log.info("%s", dict(block.parameters()))
    frames = random_frames(block, count=setting("FRAMES", 50), seed=seed)
    stream, result = block.inputs[0], block.outputs[0]
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    expected = to_words(block.evaluate(frames).ravel().tolist(), result.lanes, result.type.bits)
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(expected)}, stall=stall, seed=seed)
    wanted, got = (
        from_words(list_of_words, result.lanes, result.type.bits, signed=result.type.signed)
        for list_of_words in (expected, sinks["m_axis"].words)
    )
    for index, (want, have) in enumerate(zip(wanted, got, strict=True)):
        vector, row = divmod(index, block.rows)
        assert want == have, f"row {row} of vector {vector} is {have}, expected {want}"


def random_frames(block: DenseFolded | DenseBinary, *, count: int, seed: int) -> np.ndarray:
    """Return up to ``count`` random vectors, repeated: a network never sends those that overflow a sum."""
    in_type, out_type = block.inputs[0].type, block.out_type
    generator = np.random.default_rng(seed)
    vectors = generator.integers(in_type.min, in_type.max, (count, block.cols), np.int64, endpoint=True)
    vectors[0], vectors[1] = in_type.min, in_type.max
    vectors[2::2] *= generator.integers(0, 2, vectors[2::2].shape)  # sparse ones keep the sums small
    frames = np.tile(vectors, (1, block.rows // block.pe))
    sums = block.evaluate(frames)
    fits = ((sums >= out_type.min) & (sums <= out_type.max)).all(axis=1)
    if block.parameters()["BIAS"] != 2:
        frames = frames[fits]
    assert len(frames), "no random vector fits the accumulators"
    return frames
