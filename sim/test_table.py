# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_table``: values are looked up, at full speed and with random stalls.

The block is rebuilt from the parameters of the Verilog and its memory files; its numpy model is the
reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and end), SEED, INSTANCE.
"""

from __future__ import annotations

from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from memories import parameter, read_memory
from streams import StreamSink, StreamSource, from_words, reset, setting, to_words
from tailrace.blocks.table import Table
from tailrace.core.types import IntType


def block_of(dut: Any) -> Table:
    """Return the block that the hardware is."""
    channels, pe = parameter(dut, "CHANNELS"), parameter(dut, "PE")
    in_bits, out_bits = parameter(dut, "IN_BITS"), parameter(dut, "OUT_BITS")
    shared = parameter(dut, "SHARED")
    columns = [
        read_memory(f"values_{lane:04d}", elements=1, bits=out_bits, signed=False)
        for lane in range(1 if shared else pe)
    ]
    # A table has no signs, only bit patterns: all are unsigned here.
    values = np.stack([column.reshape(-1, 1 << in_bits) for column in columns], axis=1)
    return Table(
        values=values.reshape(-1, 1 << in_bits),
        channels=channels,
        pe=pe,
        in_type=IntType(in_bits, signed=False),
        out_type=IntType(out_bits, signed=False),
        style=parameter(dut, "STYLE"),
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random frames, a few of them at the ends of the type, and compare every value."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    cocotb.log.info("%s: stall=%s seed=%s", dict(block.parameters()), stall, seed)
    stream, result = block.inputs[0], block.outputs[0]
    generator = np.random.default_rng(seed)
    size = (setting("FRAMES", 50), stream.lanes * stream.words)
    frames = generator.integers(stream.type.min, stream.type.max, size, np.int64, endpoint=True)
    frames[0], frames[1] = stream.type.min, stream.type.max

    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    source = StreamSource(dut, "s_axis", stall=stall, random=Random(seed))
    sink = StreamSink(dut, "m_axis", stall=stall, random=Random(seed + 1))
    await reset(dut)
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    cocotb.start_soon(source.send(words))
    received = await sink.receive(len(words))
    await sink.expect_silence(20)

    got = from_words(received, result.lanes, result.type.bits, signed=result.type.signed)
    expected = block.evaluate(frames).ravel().tolist()
    for index, (want, have) in enumerate(zip(expected, got, strict=True)):
        assert want == have, f"value {index} of the stream is {have}, expected {want}"


@cocotb.test()
async def values_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def values_are_right_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
