# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_normalize``: every vector comes out normalized and correctly rounded, at full speed and with stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.normalize`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.normalize import Normalize
from tailrace.core.types import IntType


def block_of(dut: Any) -> Normalize:
    """Return the block that the hardware is, with results of a sign."""
    finer, coarser = parameter(dut, "FINER"), parameter(dut, "COARSER")
    return Normalize(
        kind="rms" if parameter(dut, "RMS") else "layer",
        size=parameter(dut, "SIZE"),
        pe=parameter(dut, "PE"),
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        fraction_bits=(parameter(dut, "UP") - finer) // 2 - 1,
        epsilon=parameter(dut, "EPSILON"),
        exponent=coarser - finer,
        out_type=IntType(parameter(dut, "OUT_BITS"), signed=True),
        cycles=parameter(dut, "CYCLES"),
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random vectors, some of equal values, and compare."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    kind, out = block.in_type, block.out_type
    generator = np.random.default_rng(seed)
    shape = (setting("FRAMES", 30), block.size)
    frames = generator.integers(kind.min, kind.max, shape, np.int64, endpoint=True)
    frames[::4] = generator.integers(
        max(kind.min, kind.max - 1), kind.max, frames[::4].shape, np.int64, endpoint=True
    )
    frames[0] = kind.min
    words = to_words(frames.ravel().tolist(), block.pe, kind.bits)
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(words)}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, block.pe, out.bits, signed=out.signed)
    assert block.evaluate(frames).ravel().tolist() == got


@cocotb.test()
async def vectors_are_normalized_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def vectors_are_normalized_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
