# SPDX-License-Identifier: Apache-2.0
"""A FuseSoC core (CAPI2) of a design, with the targets lint, sim and synth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.data import templates

if TYPE_CHECKING:
    from tailrace.packaging.core import Core


def fusesoc_files(core: Core) -> dict[str, str]:
    """Return {path: text}: ``NAME.core``, ``rtl/`` with Verilog and memories, ``sim/`` with the bench.

    For a family that yosys does not know, the target ``synth`` is for the one that stands in for it: it shows at least
    that the design synthesizes. Without either there is no such target.
    """
    files = {f"rtl/{name}": text for name, text in {**core.sources, **core.memories}.items()}
    files |= {f"sim/{name}": text for name, text in core.vectors.items()}
    files["sim/bench.cpp"] = core.bench
    files[f"{core.vlnv.name}.core"] = (
        templates("ip")
        .get_template("design.core.j2")
        .render(core=core, family=core.family.counted, tool=core.family.counted.fusesoc)
    )
    return files
