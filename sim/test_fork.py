# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_fork``: every output gives every word once, whatever the others do.

The parameters are those of the simulated Verilog; ``tailrace.blocks.fork`` is the reference.
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
from streams import StreamSource, reset, setting
from tailrace.blocks.base import Stream
from tailrace.blocks.fork import Fork
from tailrace.core.types import IntType


def block_of(dut: Any) -> Fork:
    """Return the block that the hardware is: one lane, as wide as a word."""
    lane = IntType(parameter(dut, "WIDTH"), signed=False)
    return Fork(stream=Stream(lanes=1, type=lane, words=20), branches=parameter(dut, "OUTPUTS"))


async def compare(dut: Any, stall: float, silent: int | None = None) -> None:
    """Send random words; every output takes them at random, output ``silent`` only after 50 cycles."""
    block = block_of(dut)
    width, outputs = parameter(dut, "WIDTH"), parameter(dut, "OUTPUTS")
    random = Random(setting("SEED", 1))
    cocotb.log.info("stall=%s seed=%s", stall, setting("SEED", 1))
    words = [random.getrandbits(width) for _ in range(setting("FRAMES", 20) * block.inputs[0].words)]
    expected = block.evaluate(np.array(words, object).reshape(-1, block.inputs[0].words))
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    source = StreamSource(dut, "s_axis", stall=stall, random=random)
    dut.m_axis_tready.value = 0
    await reset(dut)
    cocotb.start_soon(source.send(words))
    received: list[list[int]] = [[] for _ in range(outputs)]
    held: list[int | None] = [None] * outputs
    for cycle in range(100 + 100 * len(words)):
        await FallingEdge(dut.clk)
        ready = [
            random.random() >= stall and not (cycle < 50 and output == silent) for output in range(outputs)
        ]
        dut.m_axis_tready.value = sum(bit << output for output, bit in enumerate(ready))
        await ReadOnly()
        valid, data = int(dut.m_axis_tvalid.value), int(dut.m_axis_tdata.value)
        for output in range(outputs):
            offer = data >> (output * width) & ((1 << width) - 1) if valid >> output & 1 else None
            assert held[output] in (None, offer), f"output {output} changed its offer"
            if ready[output] and offer is not None:
                received[output].append(offer)
            held[output] = None if ready[output] else offer
        if cycle == 40 and silent is not None:
            # the first word is taken by all others, and no second one comes in
            assert [len(taken) for taken in received] == [int(output != silent) for output in range(outputs)]
        if not valid and all(len(taken) >= len(words) for taken in received):
            break
    assert [frames.ravel().tolist() for frames in expected] == received


@cocotb.test()
async def every_output_gives_every_word_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def every_output_gives_every_word_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))


@cocotb.test()
async def an_output_takes_its_word_before_the_others(dut: Any) -> None:
    """The first output takes nothing for 50 cycles; the others have their word long before."""
    await compare(dut, stall=0.0, silent=0)
