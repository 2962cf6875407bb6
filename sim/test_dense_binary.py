# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_dense_binary``: equal bits are counted, at full speed and with random stalls.

The block is rebuilt from the parameters of the Verilog and its memory files; its numpy model is the
reference.
Settings (``+NAME=value`` or ``TR_NAME``): FRAMES, STALL (probability per cycle and end), SEED, INSTANCE.
"""

from __future__ import annotations

from typing import Any

import cocotb
from dense import compare
from memories import parameter, read_memory
from streams import setting
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import STYLES, unfold_weights
from tailrace.core.types import IntType


def block_of(dut: Any) -> DenseBinary:
    """Return the block that the hardware is."""
    rows, cols, pe, simd = (parameter(dut, name) for name in ("ROWS", "COLS", "PE", "SIMD"))
    out_type = IntType(parameter(dut, "OUT_BITS"), signed=bool(parameter(dut, "OUT_SIGNED")))
    words = read_memory("weights", elements=pe * simd, bits=1, signed=False)
    bias = None
    if parameter(dut, "BIAS"):
        bias = read_memory("bias", elements=pe, bits=out_type.bits, signed=out_type.signed).ravel()
    return DenseBinary(
        weights=2 * unfold_weights(words, rows=rows, cols=cols, pe=pe, simd=simd) - 1,
        bias=bias,
        pe=pe,
        simd=simd,
        out_type=out_type,
        style=STYLES[parameter(dut, "STYLE")],
    )


@cocotb.test()
async def counts_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, block_of(dut), stall=0.0)


@cocotb.test()
async def counts_are_right_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, block_of(dut), stall=setting("STALL", 0.3))
