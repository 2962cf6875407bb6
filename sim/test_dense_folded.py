# SPDX-License-Identifier: Apache-2.0
"""Bench of ``tr_dense_folded``: sums of products are right, at full speed and with random stalls.

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
from tailrace.blocks.dense_folded import STYLES, DenseFolded, unfold_weights
from tailrace.core.types import IntType


def block_of(dut: Any) -> DenseFolded:
    """Return the block that the hardware is."""
    rows, cols, pe, simd = (parameter(dut, name) for name in ("ROWS", "COLS", "PE", "SIMD"))
    out_type = IntType(parameter(dut, "OUT_BITS"), signed=bool(parameter(dut, "OUT_SIGNED")))
    words = read_memory("weights", elements=pe * simd, bits=parameter(dut, "WEIGHT_BITS"), signed=True)
    bias = None
    if parameter(dut, "BIAS"):
        bias = read_memory("bias", elements=pe, bits=out_type.bits, signed=out_type.signed).ravel()
    return DenseFolded(
        weights=unfold_weights(words, rows=rows, cols=cols, pe=pe, simd=simd),
        bias=bias,
        pe=pe,
        simd=simd,
        in_type=IntType(parameter(dut, "IN_BITS"), signed=bool(parameter(dut, "IN_SIGNED"))),
        out_type=out_type,
        style=STYLES[parameter(dut, "STYLE")],
        dsp=bool(parameter(dut, "DSP")),
    )


@cocotb.test()
async def sums_are_right_at_full_speed(dut: Any) -> None:
    """Input always there, output always taken."""
    await compare(dut, block_of(dut), stall=0.0)


@cocotb.test()
async def sums_are_right_with_random_stalls(dut: Any) -> None:
    """Both ends stop at random."""
    await compare(dut, block_of(dut), stall=setting("STALL", 0.3))
