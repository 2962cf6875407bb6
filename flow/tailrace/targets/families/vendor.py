# SPDX-License-Identifier: Apache-2.0
"""Families that only their vendors' tools synthesize for, and standard cells; another family stands in for each."""

from __future__ import annotations

from dataclasses import replace

from tailrace.targets.families.ecp5 import ECP5
from tailrace.targets.families.ice40 import ICE40
from tailrace.targets.families.xilinx import XC7
from tailrace.targets.family import PORTABLE, Family


def _counted_as(stand_in: Family, *, name: str, title: str, lut_means: str) -> Family:
    """Return a family of which the planner has no counts of its own; no open tool knows it."""
    return replace(
        stand_in,
        name=name,
        title=title,
        lut_means=f"{lut_means}. The planner's estimates are those for {stand_in.title}",
        primitives=PORTABLE,
        yosys=None,
        nextpnr=None,
        fusesoc=None,
        stand_in=stand_in,
    )


ALM = _counted_as(
    XC7, name="alm", title="Intel with adaptive logic modules", lut_means="an ALM in Quartus' reports"
)
LE = _counted_as(
    ECP5, name="le", title="Intel with logic elements", lut_means="a logic element in Quartus' reports"
)
POLARFIRE = _counted_as(
    ECP5, name="polarfire", title="Microchip PolarFire", lut_means="a 4LUT in Libero's reports"
)
ASIC = _counted_as(
    ICE40,
    name="asic",
    title="standard cells",
    lut_means="nothing: reports count the cells of the library and their area",
)
