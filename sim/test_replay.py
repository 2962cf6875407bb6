# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_replay``: every vector comes out TIMES times, and two vectors fit.

The parameters are those of the simulated Verilog; ``tailrace.blocks.replay`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly
from memories import parameter
from streams import StreamSink, StreamSource, exchange, reset, setting
from tailrace.blocks.base import Stream
from tailrace.blocks.replay import Replay
from tailrace.core.types import IntType


def block_of(dut: Any) -> Replay:
    """Return the block that the hardware is: one lane, as wide as a word."""
    lane = IntType(parameter(dut, "WIDTH"), signed=False)
    return Replay(
        vector=Stream(lanes=1, type=lane, words=parameter(dut, "WORDS")), times=parameter(dut, "TIMES")
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random words; they must come out as they went in, each vector TIMES times."""
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
async def vectors_are_repeated_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def vectors_are_repeated_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))


@cocotb.test()
async def two_vectors_fit(dut: Any) -> None:
    """With the output held up, two vectors are taken, or one word if TIMES is 1."""
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    random = Random(setting("SEED", 1))
    words = [random.getrandbits(parameter(dut, "WIDTH")) for _ in range(2 * parameter(dut, "WORDS") + 10)]
    source = StreamSource(dut, "s_axis", random=random)
    sink = StreamSink(dut, "m_axis", random=random)
    await reset(dut)
    cocotb.start_soon(source.send(words))
    taken = 0
    for _ in range(2 * len(words)):
        await FallingEdge(dut.clk)
        await ReadOnly()
        taken += int(dut.s_axis_tvalid.value) & int(dut.s_axis_tready.value)
    assert taken == (1 if parameter(dut, "TIMES") == 1 else 2 * parameter(dut, "WORDS"))
    assert await sink.receive(parameter(dut, "WORDS")) == words[: parameter(dut, "WORDS")]
