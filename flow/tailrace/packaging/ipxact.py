# SPDX-License-Identifier: Apache-2.0
"""An IP-XACT component (IEEE Std 1685-2009, the one that Vivado's IP catalogue reads) of a design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.data import templates

if TYPE_CHECKING:
    from tailrace.packaging.core import Core

FAMILIES = (
    *("artix7", "kintex7", "virtex7", "zynq", "spartan7"),
    *("kintexu", "virtexu", "artixuplus", "kintexuplus", "virtexuplus", "virtexuplusHBM", "zynquplus"),
)
"""The families that the catalogue offers the core for: plain Verilog, so all of them."""


def ipxact_files(core: Core) -> dict[str, str]:
    """Return {path: text}: ``component.xml``, ``src/`` with Verilog and memories, ``xgui/`` with the empty form.

    Memory files stand beside the Verilog as files of the type ``mem``: Vivado adds them to the project, and
    looks for the plain names in ``$readmemh`` there.
    """
    environment = templates("ip")
    form = f"xgui/{core.vlnv.name}_v{core.vlnv.version.replace('.', '_')}.tcl"
    files = {f"src/{name}": text for name, text in {**core.sources, **core.memories}.items()}
    files[form] = environment.get_template("xgui.tcl.j2").render()
    files["component.xml"] = environment.get_template("component.xml.j2").render(
        core=core,
        form=form,
        streams=_streams(core),
        families=FAMILIES,
    )
    return files


SIGNALS = ("tdata", "tvalid", "tready", "tlast", "tuser")
"""The signals that an AXI-Stream may have here."""


def _streams(core: Core) -> list[dict[str, object]]:
    """Return the AXI-Streams of a design: name, mode, the signals that are there, bytes of a word."""
    ports = {port.name: port for port in core.ports}
    found: list[dict[str, object]] = []
    for name in (n.removesuffix("_tdata") for n in ports if n.endswith("_tdata")):
        signals = [signal for signal in SIGNALS if f"{name}_{signal}" in ports]
        data = ports[f"{name}_tdata"]
        found.append(
            {
                "name": name,
                "mode": "slave" if data.direction == "in" else "master",
                "signals": [(f"{name}_{signal}", signal.upper()) for signal in signals],
                "bytes": (data.bits or 0) // 8,
                "last": int("tlast" in signals),
            }
        )
    return found
