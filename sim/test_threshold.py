# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_threshold``: steps are counted, at full speed and with random stalls.

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
from tailrace.blocks.threshold import Threshold
from tailrace.core.types import IntType


def block_of(dut: Any) -> Threshold:
    """Return the block that the hardware is."""
    channels, pe = parameter(dut, "CHANNELS"), parameter(dut, "PE")
    in_type = IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED")))
    bits, levels = parameter(dut, "THRESHOLD_BITS"), parameter(dut, "LEVELS")
    out_bits, base = parameter(dut, "OUT_BITS"), parameter(dut, "BASE")
    rows = read_memory("thresholds", elements=pe * levels, bits=bits, signed=in_type.signed)
    thresholds = rows.reshape(channels, levels)
    bases, decreasing = np.array([base]), np.zeros(1, bool)
    if parameter(dut, "OFFSETS"):
        offsets = read_memory("offsets", elements=pe, bits=out_bits + 1, signed=False).ravel()
        bases, decreasing = offsets & ((1 << out_bits) - 1), offsets >> out_bits == 1
    # The hardware counts modulo 2^OUT_BITS and knows no sign: the one that holds all values is taken.
    for signed in (True, False):
        out_type = IntType(out_bits, signed=signed)
        wrapped = bases - ((bases > out_type.max) << out_bits)
        try:
            return Threshold(
                thresholds=thresholds,
                base=wrapped,
                decreasing=decreasing,
                channels=channels,
                pe=pe,
                in_type=in_type,
                out_type=out_type,
            )
        except ValueError:
            if not signed:
                raise
    raise AssertionError


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
