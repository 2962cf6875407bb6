# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_skid``: every word comes through, in order, at full speed and with random stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.skid`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from random import Random
from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, setting
from tailrace.blocks.base import Stream
from tailrace.blocks.skid import Skid
from tailrace.core.types import IntType


def block_of(dut: Any) -> Skid:
    """Return the block that the hardware is: one lane, as wide as a word."""
    lane = IntType(parameter(dut, "WIDTH"), signed=False)
    return Skid(stream=Stream(lanes=1, type=lane, words=20))


async def compare(dut: Any, stall: float) -> None:
    """Send random words; they must come out as they went in."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    random = Random(seed)
    words = [
        random.getrandbits(parameter(dut, "WIDTH"))
        for _ in range(setting("FRAMES", 20) * block.inputs[0].words)
    ]
    frames = np.array(words, object).reshape(-1, block.inputs[0].words)
    expected = block.evaluate(frames).ravel().tolist()
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(expected)}, stall=stall, seed=seed)
    assert expected == sinks["m_axis"].words


@cocotb.test()
async def words_come_through_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def words_come_through_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
