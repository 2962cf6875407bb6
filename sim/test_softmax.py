# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_softmax``: every row comes out as its shares, correctly rounded, at full speed and with stalls.

The parameters are those of the simulated Verilog; ``tailrace.blocks.softmax`` is the reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and stream end), SEED, INSTANCE.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from memories import parameter, read_memory
from streams import exchange, from_words, setting, to_words
from tailrace.blocks.softmax import Softmax
from tailrace.core.types import IntType


def block_of(dut: Any) -> Softmax:
    """Return the block that the hardware is."""
    channels, pe, rows = (parameter(dut, name) for name in ("CHANNELS", "PE", "ROWS"))
    table = read_memory("table", elements=1, bits=parameter(dut, "EXP_BITS"), signed=False)
    closed = None
    if parameter(dut, "MASKED"):
        bits = read_memory("closed", elements=pe, bits=1, signed=False)
        closed = bits.reshape(rows, channels).astype(bool)
    return Softmax(
        table=table[:, 0],
        channels=channels,
        pe=pe,
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        bits=parameter(dut, "BITS"),
        out_type=IntType(parameter(dut, "OUT_BITS"), signed=False),
        closed=closed,
        style=parameter(dut, "STYLE"),
        rows=rows,
    )


async def compare(dut: Any, stall: float) -> None:
    """Send random rows, some of close values, and compare."""
    block = block_of(dut)
    seed = setting("SEED", 1)
    kind, out = block.in_type, block.out_type
    generator = np.random.default_rng(seed)
    shape = (setting("FRAMES", 30), block.rows * block.channels)
    frames = generator.integers(kind.min, kind.max, shape, np.int64, endpoint=True)
    frames[::4] = generator.integers(
        max(kind.min, kind.max - 2), kind.max, frames[::4].shape, np.int64, endpoint=True
    )
    frames[0] = kind.min
    words = to_words(frames.ravel().tolist(), block.pe, kind.bits)
    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(words)}, stall=stall, seed=seed)
    got = from_words(sinks["m_axis"].words, block.pe, out.bits, signed=out.signed)
    assert block.evaluate(frames).ravel().tolist() == got


@cocotb.test()
async def rows_become_shares_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, stall=0.0)


@cocotb.test()
async def rows_become_shares_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, stall=setting("STALL", 0.3))
