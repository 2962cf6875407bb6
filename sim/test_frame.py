# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_frame``: lanes are extended; tlast comes with the last word of each frame only.

The parameters are those of the simulated Verilog; ``tailrace.blocks.frame`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.frame import Frame
from tailrace.core.types import IntType


def block_of(dut: Any) -> Frame:
    """Return the block that the hardware is."""
    lane = IntType(parameter(dut, "BITS"), signed=bool(parameter(dut, "SIGNED")))
    return Frame(stream=Stream(lanes=parameter(dut, "LANES"), type=lane, words=parameter(dut, "WORDS")))


async def compare(dut: Any, stall: float) -> None:
    """Send random frames; compare every lane and every tlast."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    (stream,), (result,) = block.inputs, block.outputs
    assert result.type.bits == parameter(dut, "PAD_BITS")
    count = setting("FRAMES", 20)
    generator = np.random.default_rng(seed)
    size = (count, stream.lanes * stream.words)
    frames = generator.integers(stream.type.min, stream.type.max, size, np.int64, endpoint=True)
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(words)}, stall=stall, seed=seed)
    sink = sinks["m_axis"]
    got = from_words(sink.words, result.lanes, result.type.bits, signed=result.type.signed)
    assert block.evaluate(frames).ravel().tolist() == got
    assert ([0] * (result.words - 1) + [1]) * count == sink.last


@cocotb.test()
async def frames_end_where_they_should_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def frames_end_where_they_should_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
