# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_argmax``: the index of the best value, the first of equals, at full speed and with stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.argmax`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, setting, to_words
from tailrace.blocks.argmax import ArgMax
from tailrace.core.types import IntType


def block_of(dut: Any) -> ArgMax:
    """Return the block that the hardware is."""
    return ArgMax(
        channels=parameter(dut, "CHANNELS"),
        pe=parameter(dut, "PE"),
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        smallest=bool(parameter(dut, "SMALLEST")),
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random vectors, half of them with many equal values, and compare the indices."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    low, high = block.in_type.min, block.in_type.max
    generator = np.random.default_rng(seed)
    shape = (setting("FRAMES", 50), block.channels)
    frames = generator.integers(low, high, shape, np.int64, endpoint=True)
    frames[::2] = generator.integers(max(low, high - 1), high, frames[::2].shape, np.int64, endpoint=True)
    frames[0] = low
    words = to_words(frames.ravel().tolist(), block.pe, block.in_type.bits)
    expected = block.evaluate(frames).ravel().tolist()
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(expected)}, stall=stall, seed=seed)
    for vector, (want, have) in enumerate(zip(expected, sinks["m_axis"].words, strict=True)):
        assert want == have, f"the index of vector {vector} is {have}, expected {want}: {frames[vector]}"


@cocotb.test()
async def indices_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def indices_are_right_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
