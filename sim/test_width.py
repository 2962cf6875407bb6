# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_width``: lanes keep their order through the gearbox.

The parameters are those of the simulated Verilog; ``tailrace.blocks.width`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from math import lcm
from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.width import Width
from tailrace.core.types import IntType


def block_of(dut: Any) -> Width:
    """Return the block that the hardware is, for the shortest vector possible."""
    in_lanes, out_lanes = parameter(dut, "IN_LANES"), parameter(dut, "OUT_LANES")
    return Width(
        type=IntType(parameter(dut, "BITS"), signed=False),
        in_lanes=in_lanes,
        out_lanes=out_lanes,
        words_in=lcm(in_lanes, out_lanes) // in_lanes,
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random lanes; they must come out in order."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    (stream,), (result,) = block.inputs, block.outputs
    count = setting("FRAMES", 20)
    generator = np.random.default_rng(seed)
    size = (count, stream.lanes * stream.words)
    frames = generator.integers(stream.type.min, stream.type.max, size, np.int64, endpoint=True)
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": count * result.words}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, result.lanes, result.type.bits, signed=False)
    assert block.evaluate(frames).ravel().tolist() == got


@cocotb.test()
async def lanes_keep_their_order_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def lanes_keep_their_order_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
