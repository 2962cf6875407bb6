# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_multiply_shift``: numbers are scaled, at full speed and with random stalls.

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
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.core.types import IntType


def block_of(dut: Any) -> MultiplyShift:
    """Return the block that the hardware is."""
    pe = parameter(dut, "PE")
    low, high = (
        (parameter(dut, f"{end}_UPPER") << 32) + parameter(dut, end) % (1 << 32) for end in ("LOW", "HIGH")
    )
    factor_bits, bias_bits = parameter(dut, "FACTOR_BITS"), parameter(dut, "BIAS_BITS")
    return MultiplyShift(
        factors=read_memory("factors", elements=pe, bits=factor_bits, signed=True).ravel(),
        bias=read_memory("bias", elements=pe, bits=bias_bits, signed=True).ravel(),
        shift=parameter(dut, "SHIFT"),
        low=low,
        high=high,
        channels=parameter(dut, "CHANNELS"),
        pe=pe,
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        out_type=IntType(parameter(dut, "OUT_BITS"), signed=low < 0),
        dsp=bool(parameter(dut, "DSP")),
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
