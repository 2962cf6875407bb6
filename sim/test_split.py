# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_split``: pixels are parted by channels, whatever the other output does.

The parameters are those of the simulated Verilog; ``tailrace.blocks.split`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, PIXELS, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly
from memories import parameter
from streams import StreamSource, reset, setting, to_words
from tailrace.blocks.base import Stream
from tailrace.blocks.split import Split
from tailrace.core.types import IntType


def block_of(dut: Any) -> Split:
    """Return the block that the hardware is, for frames of PIXELS pixels; lanes are read as unsigned."""
    lanes, lane = parameter(dut, "LANES"), IntType(parameter(dut, "BITS"), signed=False)
    a_channels, b_channels = (parameter(dut, f"{side}_CHANNELS") for side in "AB")
    words = setting("PIXELS", 5) * (a_channels + b_channels) // lanes
    stream = Stream(lanes=lanes, type=lane, words=words)
    return Split(stream=stream, a_channels=a_channels, b_channels=b_channels)


async def compare(dut: Any, stall: float, silent: int | None = None) -> None:
    """Send random images; both outputs take words at random, output ``silent`` none for 50 cycles."""
    block = block_of(dut)
    lanes, bits = block.stream.lanes, block.stream.type.bits
    seed = setting("SEED", 1)
    cocotb.log.info("stall=%s seed=%s", stall, seed)
    random = Random(seed)
    size = (setting("FRAMES", 10), block.stream.lanes * block.stream.words)
    frames = np.random.default_rng(seed).integers(0, block.stream.type.max, size, np.int64, endpoint=True)
    words = to_words(frames.ravel().tolist(), lanes, bits)
    expected = [to_words(side.ravel().tolist(), lanes, bits) for side in block.evaluate(frames)]
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    source = StreamSource(dut, "s_axis", stall=stall, random=random)
    dut.m_axis_tready.value = 0
    await reset(dut)
    cocotb.start_soon(source.send(words))
    received: list[list[int]] = [[], []]
    held: list[int | None] = [None, None]
    for cycle in range(100 + 100 * len(words)):
        await FallingEdge(dut.clk)
        ready = [random.random() >= stall and not (cycle < 50 and output == silent) for output in range(2)]
        dut.m_axis_tready.value = sum(bit << output for output, bit in enumerate(ready))
        await ReadOnly()
        valid, data = int(dut.m_axis_tvalid.value), int(dut.m_axis_tdata.value)
        for output in range(2):
            width = lanes * bits
            offer = data >> (output * width) & ((1 << width) - 1) if valid >> output & 1 else None
            assert held[output] in (None, offer), f"output {output} changed its offer"
            if ready[output] and offer is not None:
                received[output].append(offer)
            held[output] = None if ready[output] else offer
        if cycle == 49 and silent is not None:
            # One word waits in the register of the silent output, its second one at the input.
            a_words, b_words = (channels // lanes for channels in (block.a_channels, block.b_channels))
            before = sides_before(a_words, b_words, silent)
            assert before == len(received[1 - silent]), "the other output did not get its words"
            assert not received[silent]
        if not valid and [len(side) for side in received] >= [len(side) for side in expected]:
            break
    assert expected == received


def sides_before(a_words: int, b_words: int, silent: int) -> int:
    """Return how many words of the other output come before the second word for the ``silent`` one."""
    order = [*[0] * a_words, *[1] * b_words] * 2
    second = [place for place, output in enumerate(order) if output == silent][1]
    return second - 1


@cocotb.test()
async def pixels_are_parted_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def pixels_are_parted_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))


@cocotb.test()
async def an_output_that_takes_nothing_blocks_only_its_own_words(dut: Any) -> None:
    """The second output takes nothing for 50 cycles; the first gets all that come before its second word."""
    await compare(dut, stall=0.0, silent=1)
