# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_pool``: maxima or sums of consecutive vectors are right, at full speed and with random stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.pool`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.pool import OPERATIONS, Pool
from tailrace.core.types import IntType


def block_of(dut: Any) -> Pool:
    """Return the block that the hardware is."""
    return Pool(
        operation=OPERATIONS[parameter(dut, "OPERATION")],
        channels=parameter(dut, "CHANNELS"),
        pe=parameter(dut, "PE"),
        taps=parameter(dut, "TAPS"),
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        out_type=IntType(parameter(dut, "OUT_BITS"), signed=bool(parameter(dut, "OUT_SIGNED"))),
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random frames, among them the ends of the type, and compare every result."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    cocotb.log.info("%s", dict(block.parameters()))
    stream, result = block.inputs[0], block.outputs[0]
    generator = np.random.default_rng(seed)
    size = (max(4, setting("FRAMES", 20)), stream.lanes * stream.words)
    frames = generator.integers(stream.type.min, stream.type.max, size, np.int64, endpoint=True)
    frames[0], frames[1] = stream.type.min, stream.type.max
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    count = len(frames) * result.words
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": count}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, result.lanes, result.type.bits, signed=result.type.signed)
    for index, (want, have) in enumerate(zip(block.evaluate(frames).ravel().tolist(), got, strict=True)):
        vector, channel = divmod(index, block.channels)
        assert want == have, f"channel {channel} of vector {vector} is {have}, expected {want}"


@cocotb.test()
async def results_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def results_are_right_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
