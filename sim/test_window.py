# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_window``: all words under a kernel, for every place of it.

The parameters are those of the simulated Verilog; ``tailrace.blocks.window`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.window import Window
from tailrace.core.types import IntType


def block_of(dut: Any) -> Window:
    """Return the block that the hardware is."""
    height, width, channels = (parameter(dut, name) for name in ("HEIGHT", "WIDTH", "CHANNELS"))
    lanes = parameter(dut, "LANES")
    stream = Stream(
        lanes=lanes,
        type=IntType(parameter(dut, "BITS"), signed=False),
        words=height * width * channels // lanes,
    )
    return Window(
        stream=stream,
        height=height,
        width=width,
        channels=channels,
        kernel=(parameter(dut, "KERNEL_H"), parameter(dut, "KERNEL_W")),
        stride=(parameter(dut, "STRIDE_H"), parameter(dut, "STRIDE_W")),
        dilation=(parameter(dut, "DILATION_H"), parameter(dut, "DILATION_W")),
    )


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
