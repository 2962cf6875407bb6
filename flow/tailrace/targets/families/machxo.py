# SPDX-License-Identifier: Apache-2.0
"""Lattice MachXO2 and MachXO3: LUTs of four inputs, carry cells of two of them, block RAM of 9 kbit, no multipliers."""

from __future__ import annotations

from dataclasses import replace

from tailrace.targets.families.ecp5 import ECP5
from tailrace.targets.family import BlockMemory, CellCounts, Delay, FuseSoc, Models, Nextpnr, Packer, Yosys

CELLS = CellCounts(
    luts={"LUT4": 1, "CCU2D": 2, "TRELLIS_DPR16X4": 6},
    flip_flops="TRELLIS_FF",
    carries=frozenset({"CCU2D"}),
    block_rams={"DP8KC": 0.5, "PDPW8KC": 0.5},  # 9 of 18 kbit
)


def _yosys(series: str) -> Yosys:
    return Yosys(
        command=f"synth_lattice -family {series}",
        cells=CELLS,
        models=Models(
            ours=("cells_block_ram.v", "cells_machxo_dp8kc.v"),
            yosys=(f"lattice/cells_sim_{series}.v",),
            include=("lattice",),
        ),
    )


NEXTPNR = Nextpnr(
    program="nextpnr-machxo2",
    package="yowasp-nextpnr-machxo2",
    constraints=("--lpf", "{file}"),
    unconstrained=("--lpf-allow-unconstrained",),
    output=("--textcfg", "{config}"),
    packer=Packer(program="xo2pack", package="yowasp-nextpnr-machxo2"),
)

MACHXO2 = replace(
    ECP5,
    name="machxo2",
    title="Lattice MachXO2",
    lut_means="a LUT4; a carry cell (CCU2D) is the two LUT4 of its slice, a memory of 16 x 4 (TRELLIS_DPR16X4) is six: "
    "four that hold it and the two of the slice that writes them. nextpnr calls the same TRELLIS_COMB",
    joins_luts=False,
    block_memory=BlockMemory(
        shapes=((512, 18), (1024, 9), (2048, 4), (4096, 2), (8192, 1)),
        bram18=0.5,
        data_bits=1 << 13,
        data_width=16,
        price=64,
        small_bits=1024,
        constant_bits=1 << 11,
        constant_words=256,
    ),
    multiplier=None,
    delay=Delay(lut_ns=1.4, carry_ns=0.06),
    yosys=_yosys("xo2"),
    nextpnr=NEXTPNR,
    fusesoc=FuseSoc(arch="lattice", options=("-family", "xo2")),
)

MACHXO3 = replace(
    MACHXO2,
    name="machxo3",
    title="Lattice MachXO3",
    yosys=_yosys("xo3"),
    # The packer in the wheel has the data of MachXO2 alone.
    nextpnr=replace(NEXTPNR, packer=None),
    fusesoc=FuseSoc(arch="lattice", options=("-family", "xo3")),
)
