# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_matmul``: products of two streams are right, at full speed and with random stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.matmul`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.dense_folded import STYLES
from tailrace.blocks.matmul import MatMul
from tailrace.core.types import IntType


def block_of(dut: Any) -> MatMul:
    """Return the block that the hardware is."""
    a, b, out = (
        IntType(parameter(dut, f"{name}_BITS"), signed=bool(parameter(dut, f"{name}_SIGNED")))
        for name in ("A", "B", "OUT")
    )
    return MatMul(
        kind="mix" if parameter(dut, "MIX") else "scores",
        heads=parameter(dut, "HEADS"),
        rows=parameter(dut, "ROWS"),
        cols=parameter(dut, "COLS"),
        vectors=parameter(dut, "VECTORS"),
        pe=parameter(dut, "PE"),
        simd=parameter(dut, "SIMD"),
        a_type=a,
        b_type=b,
        out_type=out,
        style=STYLES[parameter(dut, "STYLE")],
        dsp=bool(parameter(dut, "DSP")),
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random frames, each group of a as often as it is read, and compare every product."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    count = max(3, setting("FRAMES", 8))
    generator = np.random.default_rng(seed)
    frames, words = [], {}
    for prefix, stream in zip(("s0_axis", "s1_axis"), block.inputs, strict=True):
        size = (count, stream.lanes * stream.words)
        array = generator.integers(stream.type.min, stream.type.max, size, np.int64, endpoint=True)
        if prefix == "s0_axis":
            groups = array.reshape(count, -1, block.rows // block.pe, block.cols)
            array = np.broadcast_to(groups[:, :, :1], groups.shape).reshape(size)
        frames.append(array)
        words[prefix] = to_words(array.ravel().tolist(), stream.lanes, stream.type.bits)
    result = block.outputs[0]
    sinks = await exchange(dut, words, {"m_axis": count * result.words}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, result.lanes, result.type.bits, signed=result.type.signed)
    for index, (want, have) in enumerate(
        zip(block.evaluate(frames[0], frames[1]).ravel().tolist(), got, strict=True)
    ):
        assert want == have, f"value {index} of the stream is {have}, expected {want}"


@cocotb.test()
async def products_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def products_are_right_with_random_stalls(dut: Any) -> None:
    """All stream ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
