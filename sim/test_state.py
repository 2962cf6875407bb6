# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_state``: what comes back from a frame goes out in the next one; initial words in a marked one.

The parameters are those of the simulated Verilog; ``tailrace.blocks.state`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter, read_memory
from streams import exchange, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.state import StateBuffer
from tailrace.core.types import IntType


def block_of(dut: Any) -> StateBuffer:
    """Return the block that the hardware is; lanes are read as unsigned."""
    lanes = parameter(dut, "LANES")
    lane = IntType(parameter(dut, "BITS"), signed=False)
    initial = read_memory("initial", elements=lanes, bits=lane.bits, signed=False)
    stream = Stream(lanes=lanes, type=lane, words=parameter(dut, "DEPTH"))
    return StateBuffer(stream=stream, initial=initial.ravel())


async def compare(dut: Any, stall: float) -> None:
    """Send random frames and marks, and compare every word."""
    block = block_of(dut)
    seed, count, stream = setting("SEED", 1), setting("FRAMES", 20), block.stream
    generator = np.random.default_rng(seed)
    marks = generator.integers(0, 2, (count, 1), np.int64)
    shape = (count, stream.lanes * stream.words)
    back = generator.integers(0, stream.type.max, shape, np.int64, endpoint=True)
    words = {
        "s0_axis": marks.ravel().tolist(),
        "s1_axis": to_words(back.ravel().tolist(), stream.lanes, stream.type.bits),
    }
    expected = to_words(block.evaluate(marks, back).ravel().tolist(), stream.lanes, stream.type.bits)
    sinks = await exchange(dut, words, {"m_axis": len(expected)}, stall=stall, seed=seed)
    assert expected == sinks["m_axis"].words


@cocotb.test()
async def frames_come_back_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def frames_come_back_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
