# SPDX-License-Identifier: Apache-2.0
"""The part families: one record each, and the table of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.errors import UsageError
from tailrace.targets.families.ecp5 import ECP5
from tailrace.targets.families.gatemate import GATEMATE
from tailrace.targets.families.gowin import GW1N, GW2A
from tailrace.targets.families.ice40 import ICE40
from tailrace.targets.families.machxo import MACHXO2, MACHXO3
from tailrace.targets.families.nexus import NEXUS
from tailrace.targets.families.vendor import ALM, ASIC, LE, POLARFIRE
from tailrace.targets.families.xilinx import XC7, XCUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.targets.family import Family

FAMILIES: Mapping[str, Family] = {
    each.name: each
    for each in (
        XC7,
        XCUP,
        ECP5,
        ICE40,
        NEXUS,
        MACHXO2,
        MACHXO3,
        GW1N,
        GW2A,
        GATEMATE,
        ALM,
        LE,
        POLARFIRE,
        ASIC,
    )
}
"""Every family by its name."""


def family(name: str) -> Family:
    """Return the family of this name; UsageError, with the names there are, where there is none."""
    if name not in FAMILIES:
        raise UsageError(f"there is no family {name!r}", hint=f"use one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def synthesized() -> tuple[Family, ...]:
    """Return the families that yosys synthesizes for."""
    return tuple(each for each in FAMILIES.values() if each.yosys)


def placed() -> tuple[Family, ...]:
    """Return the families that nextpnr places and routes."""
    return tuple(each for each in FAMILIES.values() if each.nextpnr)


__all__ = ["FAMILIES", "family", "placed", "synthesized"]
