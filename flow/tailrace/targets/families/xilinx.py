# SPDX-License-Identifier: Apache-2.0
"""AMD 7 series and UltraScale+: LUTs of six inputs, carry chains of four bits, block RAM of 18 and 36 kbit."""

from __future__ import annotations

from dataclasses import replace

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
    Yosys,
)

CELLS = CellCounts(
    luts={
        # Every LUT is one, also the two-output LUT6_2; INV is what yosys calls an inverting LUT1.
        **dict.fromkeys(("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2", "INV", "CFGLUT5"), 1),
        # As memory and as shift registers: the number of LUTs that the cell occupies (UG474, UG574).
        **dict.fromkeys(("RAM32X1S", "RAM64X1S", "SRL16E", "SRLC16E", "SRLC32E"), 1),
        **dict.fromkeys(("RAM32X1D", "RAM64X1D", "RAM128X1S"), 2),
        **dict.fromkeys(("RAM32M", "RAM64M", "RAM128X1D", "RAM256X1S"), 4),
        **dict.fromkeys(("RAM32M16", "RAM64M8", "RAM256X1D", "RAM512X1S", "RAM64X8SW", "RAM32X16DR8"), 8),
    },
    flip_flops=r"FD[RSCP]E(_1)?|LD[CP]E",
    carries=frozenset({"CARRY4", "CARRY8"}),
    multipliers={"DSP48E1": 1, "DSP48E2": 1},
    block_rams={
        **dict.fromkeys(("RAMB18E1", "RAMB18E2"), 1),
        **dict.fromkeys(("RAMB36E1", "RAMB36E2"), 2),
    },
    ultra_rams={"URAM288": 1},
)


def _yosys(name: str) -> Yosys:
    return Yosys(
        command=f"synth_xilinx -family {name} -flatten -noiopad -noclkbuf",
        cells=CELLS,
        models=Models(
            ours=("cells_block_ram.v", "cells_xilinx_dsp48e2.v", "cells_xilinx_ramb.v"),
            yosys=("xilinx/cells_sim.v",),
        ),
        library="+/xilinx/cells_sim.v",
        library_cells=("LUT6_2", "CARRY4"),
    )


XC7 = Family(
    name="xc7",
    title="AMD 7 series",
    lut_means="a LUT6, whatever number of its inputs and outputs is used (LUT6_2 is one); as memory and as shift "
    "register the LUTs that the cell occupies (RAM32M is 4, SRL16E is 1). CARRY4 cells stand beside the LUTs",
    lut_inputs=6,
    carry=Carry(bits=4, in_luts=False),
    adds_three=True,
    shift_register_bits=32,
    lut_memory=LutMemory(shapes=((32, 6), (64, 3)), luts=4),
    block_memory=BlockMemory(
        shapes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
        bram18=1,
        data_bits=1 << 14,
        data_width=32,
        price=129,
        small_bits=2048,
        constant_bits=1 << 14,
        constant_words=512,
    ),
    multiplier=Multiplier(wide=25, narrow=18, least_bits=9, registers=True),
    delay=Delay(lut_ns=0.75, carry_ns=0.03),
    primitives="xilinx",
    yosys=_yosys("xc7"),
    fusesoc=FuseSoc(arch="xilinx", options=("-family", "xc7", "-noiopad", "-noclkbuf")),
)

XCUP = replace(
    XC7,
    name="xcup",
    title="AMD UltraScale+",
    lut_means=f"{XC7.lut_means}. yosys packs no pairs of LUT5 and no CARRY8, so the numbers are good for ratios",
    delay=Delay(lut_ns=0.45, carry_ns=0.015),
    yosys=_yosys("xcup"),
    fusesoc=FuseSoc(arch="xilinx", options=("-family", "xcup", "-noiopad", "-noclkbuf")),
)
