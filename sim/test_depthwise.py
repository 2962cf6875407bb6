# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_depthwise``: sums of products are right, channel by channel, at full speed and with random stalls.

The block is rebuilt from the parameters of the Verilog and its memory files; its numpy model is the
reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and end), SEED, INSTANCE.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter, read_memory
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.dense_folded import STYLES
from tailrace.blocks.depthwise import Depthwise
from tailrace.core.types import IntType


def block_of(dut: Any) -> Depthwise:
    """Return the block that the hardware is."""
    channels, taps, pe = (parameter(dut, name) for name in ("CHANNELS", "TAPS", "PE"))
    out_type = IntType(parameter(dut, "OUT_BITS"), signed=bool(parameter(dut, "OUT_SIGNED")))
    words = read_memory("weights", elements=pe, bits=parameter(dut, "WEIGHT_BITS"), signed=True)
    bias = None
    if parameter(dut, "BIAS"):
        bias = read_memory("bias", elements=pe, bits=out_type.bits, signed=out_type.signed).ravel()
    return Depthwise(
        weights=words.reshape(taps, channels).T,
        bias=bias,
        pe=pe,
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        out_type=out_type,
        style=STYLES[parameter(dut, "STYLE")],
        dsp=bool(parameter(dut, "DSP")),
    )


def random_frames(block: Depthwise, *, count: int, seed: int) -> np.ndarray:
    """Return up to ``count`` random frames: a network never sends those that overflow a sum."""
    generator = np.random.default_rng(seed)
    low, high = block.in_type.min, block.in_type.max
    frames = generator.integers(low, high, (count, block.taps * block.channels), np.int64, endpoint=True)
    frames[0], frames[1] = low, high
    frames[2::2] *= generator.integers(0, 2, frames[2::2].shape)  # sparse ones keep the sums small
    bias = 0 if block.bias is None else block.bias
    sums = np.einsum("ntc,ct->nc", frames.reshape(count, block.taps, block.channels), block.weights) + bias
    fits = ((sums >= block.out_type.min) & (sums <= block.out_type.max)).all(axis=1)
    if block.parameters()["BIAS"] != 2:
        frames = frames[fits]
    assert len(frames), "no random frame fits the accumulators"
    return frames


async def compare(dut: Any, stall: float) -> None:
    """Send random frames and compare every sum."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    cocotb.log.info("%s", dict(block.parameters()))
    stream, result = block.inputs[0], block.outputs[0]
    frames = random_frames(block, count=max(4, setting("FRAMES", 20)), seed=seed)
    words = to_words(frames.ravel().tolist(), stream.lanes, stream.type.bits)
    count = len(frames) * result.words
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": count}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, result.lanes, result.type.bits, signed=result.type.signed)
    for index, (want, have) in enumerate(zip(block.evaluate(frames).ravel().tolist(), got, strict=True)):
        vector, channel = divmod(index, block.channels)
        assert want == have, f"channel {channel} of vector {vector} is {have}, expected {want}"


@cocotb.test()
async def sums_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def sums_are_right_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
