# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_mark``: words go on without the bits above them, which mark their frame, or frames are counted.

The parameters are those of the simulated Verilog; ``tailrace.blocks.mark`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.mark import Mark
from tailrace.core.types import IntType


def block_of(dut: Any) -> Mark:
    """Return the block that the hardware is; lanes are read as unsigned."""
    bits = parameter(dut, "MARK_BITS")
    lane = IntType(max(1, bits), signed=False)
    lanes, words = parameter(dut, "WIDTH") // lane.bits, parameter(dut, "WORDS")
    return Mark(
        stream=Stream(lanes=lanes, type=lane, words=words), every=0 if bits else parameter(dut, "EVERY")
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random frames, and compare every word and every mark."""
    block = block_of(dut)
    seed, stream = setting("SEED", 1), block.inputs[0]
    shape = (setting("FRAMES", 20), stream.lanes * stream.words)
    frames = np.random.default_rng(seed).integers(0, stream.type.max, shape, np.int64, endpoint=True)
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    values, marks = block.evaluate(frames)
    expected = {
        "m0_axis": to_words(values.ravel().tolist(), block.stream.lanes, stream.type.bits),
        "m1_axis": marks.ravel().tolist(),
    }
    counts = {name: len(wanted) for name, wanted in expected.items()}
    sinks = await exchange(dut, {"s_axis": words}, counts, stall=stall, seed=seed)
    assert expected == {name: sink.words for name, sink in sinks.items()}


@cocotb.test()
async def marks_are_taken_off_at_full_speed(dut: Any) -> None:
    """Input always there, outputs always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def marks_are_taken_off_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
