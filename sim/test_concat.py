# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_concat``: pixels are joined channel by channel, at full speed and with random stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.concat`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, PIXELS, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, setting, to_words, unpack_lanes
from tailrace.blocks.base import Stream
from tailrace.blocks.concat import Concat
from tailrace.core.types import IntType


def block_of(dut: Any) -> Concat:
    """Return the block that the hardware is, for frames of PIXELS pixels; lanes are read as unsigned."""
    lanes, lane = parameter(dut, "LANES"), IntType(parameter(dut, "BITS"), signed=False)
    channels = [parameter(dut, f"{side}_CHANNELS") for side in "AB"]
    a, b = (Stream(lanes=lanes, type=lane, words=setting("PIXELS", 5) * count // lanes) for count in channels)
    return Concat(a=a, b=b, a_channels=channels[0], b_channels=channels[1])


async def compare(dut: Any, stall: float) -> None:
    """Send random images into both inputs and compare every word."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    generator = np.random.default_rng(seed)
    count = setting("FRAMES", 10)
    frames = [
        generator.integers(0, s.type.max, (count, s.lanes * s.words), np.int64, endpoint=True)
        for s in block.inputs
    ]
    words = {
        f"s{port}_axis": to_words(array.ravel().tolist(), block.a.lanes, block.a.type.bits)
        for port, array in enumerate(frames)
    }
    lanes, bits = block.a.lanes, block.a.type.bits
    expected = to_words(block.evaluate(frames[0], frames[1]).ravel().tolist(), lanes, bits)
    sinks = await exchange(dut, words, {"m_axis": len(expected)}, stall=stall, seed=seed)
    for index, (want, have) in enumerate(zip(expected, sinks["m_axis"].words, strict=True)):
        pixel, word = divmod(index, (block.a_channels + block.b_channels) // lanes)
        want_lanes, have_lanes = (unpack_lanes(value, lanes, bits, signed=False) for value in (want, have))
        assert want == have, f"word {word} of pixel {pixel} is {have_lanes}, expected {want_lanes}"


@cocotb.test()
async def pixels_are_joined_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def pixels_are_joined_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
