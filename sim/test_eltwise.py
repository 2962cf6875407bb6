# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_eltwise``: sums or products are right, at full speed and with random stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.eltwise`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, WORDS, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.eltwise import Eltwise
from tailrace.core.types import IntType


def block_of(dut: Any) -> Eltwise:
    """Return the block that the hardware is; the result is read as signed."""
    lanes, words = parameter(dut, "LANES"), setting("WORDS", 4)
    a, b = (
        IntType(parameter(dut, f"{name}_BITS"), signed=bool(parameter(dut, f"{name}_SIGNED")))
        for name in "AB"
    )
    multiply = bool(parameter(dut, "OPERATION"))
    return Eltwise(
        operation="multiply" if multiply else "add",
        a=Stream(lanes=lanes, type=a, words=words),
        b=Stream(lanes=lanes, type=b, words=words),
        a_factor=1 if multiply else parameter(dut, "A_FACTOR"),
        b_factor=1 if multiply else parameter(dut, "B_FACTOR"),
        out_type=IntType(parameter(dut, "OUT_BITS"), signed=True),
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random numbers, among them the ends of both types, and compare every result."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    count = max(4, setting("FRAMES", 20))
    generator = np.random.default_rng(seed)
    frames, words = [], {}
    for prefix, stream in zip(("s0_axis", "s1_axis"), block.inputs, strict=True):
        size = (count, stream.lanes * stream.words)
        array = generator.integers(stream.type.min, stream.type.max, size, np.int64, endpoint=True)
        array[0], array[1] = stream.type.min, stream.type.max
        frames.append(array)
        words[prefix] = to_words(array.ravel().tolist(), stream.lanes, stream.type.bits)
    result = block.outputs[0]
    sinks = await exchange(dut, words, {"m_axis": count * result.words}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, result.lanes, result.type.bits, signed=True)
    for index, (want, have) in enumerate(
        zip(block.evaluate(frames[0], frames[1]).ravel().tolist(), got, strict=True)
    ):
        assert want == have, f"value {index} of the stream is {have}, expected {want}"


@cocotb.test()
async def results_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def results_are_right_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
