# SPDX-License-Identifier: Apache-2.0
"""A FuseSoC core (CAPI2) of a design, with the targets lint, sim and synth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.data import templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.packaging.core import Core

SYNTHESIS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "xc7": ("xilinx", ("-family", "xc7", "-noiopad", "-noclkbuf")),
    "xcup": ("xilinx", ("-family", "xcup", "-noiopad", "-noclkbuf")),
    "ecp5": ("ecp5", ()),
    "ice40": ("ice40", ()),
    "asic": ("ice40", ()),  # whose flow is not edalize's; the target shows at least that it synthesizes
}
"""For each FPGA family: edalize's architecture, and more options of the yosys command."""


def fusesoc_files(core: Core) -> dict[str, str]:
    """Return {path: text}: ``NAME.core``, ``rtl/`` with Verilog and memories, ``sim/`` with the bench."""
    arch, options = SYNTHESIS[core.family]
    files = {f"rtl/{name}": text for name, text in {**core.sources, **core.memories}.items()}
    files |= {f"sim/{name}": text for name, text in core.vectors.items()}
    files["sim/bench.cpp"] = core.bench
    files[f"{core.vlnv.name}.core"] = (
        templates("ip")
        .get_template("design.core.j2")
        .render(core=core, family=core.family, arch=arch, options=options)
    )
    return files
