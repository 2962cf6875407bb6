# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_permute``: the words of a frame come out in their order, and two frames fit.

The block is rebuilt from the parameters of the Verilog and its memory file; its numpy model is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED, INSTANCE.
"""

from __future__ import annotations

from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly
from memories import parameter, read_memory
from streams import StreamSink, StreamSource, exchange, reset, setting
from tailrace.blocks.base import Stream
from tailrace.blocks.permute import Permute
from tailrace.core.types import IntType


def block_of(dut: Any) -> Permute:
    """Return the block that the hardware is: one lane, as wide as a word."""
    words = parameter(dut, "WORDS")
    order = read_memory("order", elements=1, bits=max(1, (words - 1).bit_length()), signed=False)
    lane = IntType(parameter(dut, "WIDTH"), signed=False)
    return Permute(stream=Stream(lanes=1, type=lane, words=words), order=order.ravel())


async def compare(dut: Any, stall: float) -> None:
    """Send random words; those of each frame must come out in the order of the memory."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    random = Random(seed)
    count = setting("FRAMES", 20) * block.stream.words
    words = [random.getrandbits(block.stream.bits) for _ in range(count)]
    frames = np.array(words, object).reshape(-1, block.stream.words)
    expected = block.evaluate(frames).ravel().tolist()
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": count}, stall=stall, seed=seed)
    assert expected == sinks["m_axis"].words


@cocotb.test()
async def frames_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def frames_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))


@cocotb.test()
async def two_frames_fit(dut: Any) -> None:
    """With the output held up, two frames are taken, or three if a frame is one word, which waits at the output."""
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    block = block_of(dut)
    random = Random(setting("SEED", 1))
    words = [random.getrandbits(block.stream.bits) for _ in range(2 * block.stream.words + 10)]
    source = StreamSource(dut, "s_axis", random=random)
    sink = StreamSink(dut, "m_axis", random=random)
    await reset(dut)
    cocotb.start_soon(source.send(words))
    taken = 0
    for _ in range(2 * len(words)):
        await FallingEdge(dut.clk)
        await ReadOnly()
        taken += int(dut.s_axis_tvalid.value) & int(dut.s_axis_tready.value)
    assert taken == (3 if block.stream.words == 1 else 2 * block.stream.words)
    first = np.array(words[: block.stream.words], object)[None]
    assert await sink.receive(block.stream.words) == block.evaluate(first).ravel().tolist()
