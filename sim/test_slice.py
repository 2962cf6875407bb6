# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_slice``: a range of the channels of every pixel, the others are dropped.

The parameters are those of the simulated Verilog; ``tailrace.blocks.slice`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, PIXELS, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.slice import Slice
from tailrace.core.types import IntType


def block_of(dut: Any) -> Slice:
    """Return the block that the hardware is, for frames of PIXELS pixels; lanes are read as unsigned."""
    lanes, channels = parameter(dut, "LANES"), parameter(dut, "CHANNELS")
    stream = Stream(
        lanes=lanes,
        type=IntType(parameter(dut, "BITS"), signed=False),
        words=setting("PIXELS", 5) * channels // lanes,
    )
    return Slice(stream=stream, channels=channels, start=parameter(dut, "START"), stop=parameter(dut, "STOP"))


async def compare(dut: Any, stall: float) -> None:
    """Send random images; what comes out must be what the reference says."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    stream = block.stream
    shape = (setting("FRAMES", 5), stream.words * stream.lanes)
    frames = np.random.default_rng(seed).integers(
        stream.type.min, stream.type.max, shape, np.int64, endpoint=True
    )
    words, expected = (
        to_words(values.ravel().tolist(), stream.lanes, stream.type.bits)
        for values in (frames, block.evaluate(frames))
    )
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(expected)}, stall=stall, seed=seed)
    assert expected == sinks["m_axis"].words


@cocotb.test()
async def images_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def images_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
