# SPDX-License-Identifier: Apache-2.0
"""Cologne Chip GateMate: cells (CPE) of two halves with a tree of LUTs of four inputs each; block RAM of 20 kbit."""

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

COMMAND = "synth_gatemate -luttree -nomx8"
"""nextpnr knows no multiplexers of eight inputs."""

GATEMATE = Family(
    name="gatemate",
    title="Cologne Chip GateMate",
    lut_means="half a CPE: a tree of LUTs of up to four inputs (CC_L2T4, CC_LUT1 and the like), a multiplexer of "
    "two, a bit of an adder (CC_ADDF); a CC_L2T5 and a multiplexer of four are two. nextpnr calls the same CPE_LT, and "
    "counts also those that lead a signal to a flip-flop or a memory",
    lut_inputs=4,
    carry=Carry(bits=1, in_luts=True),
    block_memory=BlockMemory(
        shapes=((512, 40), (1024, 20), (2048, 10), (4096, 5), (8192, 2), (16384, 1)),
        bram18=1,
        data_bits=1 << 14,
        data_width=32,
        price=128,
        small_bits=1024,
        constant_bits=1 << 11,
        constant_words=256,
    ),
    delay=Delay(lut_ns=1.6, carry_ns=0.1),
    yosys=Yosys(
        command=f"{COMMAND} -nomult -noiopad -noclkbuf",
        cells=CellCounts(
            luts={
                **dict.fromkeys(
                    ("CC_LUT1", "CC_LUT2", "CC_LUT3", "CC_LUT4", "CC_L2T4", "CC_ADDF", "CC_MX2"), 1
                ),
                **dict.fromkeys(("CC_L2T5", "CC_MX4"), 2),
            },
            flip_flops=r"CC_D(FF|LT)",
            carries=frozenset({"CC_ADDF"}),
            block_rams={"CC_BRAM_20K": 1, "CC_BRAM_40K": 2},
        ),
        models=Models(yosys=("gatemate/cells_sim.v",)),
    ),
    nextpnr=Nextpnr(
        program="nextpnr-himbaechel-gatemate",
        package="yowasp-nextpnr-himbaechel-gatemate",
        command=f"{COMMAND} -nomult",
        constraints=("--vopt", "ccf={file}"),
        unconstrained=("--vopt", "allow-unconstrained"),
        output=("--vopt", "out={config}"),
        packer=Packer(program="gmpack", package="yowasp-nextpnr-himbaechel-gatemate"),
    ),
    fusesoc=FuseSoc(arch="gatemate", options=("-luttree", "-nomult", "-noiopad", "-noclkbuf")),
)
