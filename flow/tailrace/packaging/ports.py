# SPDX-License-Identifier: Apache-2.0
"""The ports of an emitted top module, as pyverilog reads them and as the plan wants them."""

from __future__ import annotations

import functools
import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyverilog.vparser.parser import VerilogParser

from tailrace.core.errors import TailraceError
from tailrace.emission.vendor import top_ports

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.planning.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePort:
    """A port: its name, ``in`` or ``out``, and its bits (None: a plain wire without a range)."""

    name: str
    direction: str
    bits: int | None = None


def read_ports(file: Path, module: str) -> tuple[ModulePort, ...]:
    """Return the ports of ``module`` in a Verilog file, in order; only its head is read.

    Raises TailraceError where the file has no such module, or a head that pyverilog does not read.
    """
    hint = "emit the design again: tailrace build MODEL -o DIR --from emit"
    text = file.read_text(encoding="utf-8")
    head = re.search(rf"^module {module} \(.*?^\);", text, re.MULTILINE | re.DOTALL)
    if head is None:
        raise TailraceError(f"there is no module {module}", where=str(file), hint=hint)
    try:
        (found,) = _parser().parse(f"{head[0]}\nendmodule\n").description.definitions
    except Exception as error:  # noqa: BLE001 - pyverilog and ply raise kinds of their own
        raise TailraceError(
            f"the ports of {module} cannot be read: {error}", where=str(file), hint=hint
        ) from None
    ports = []
    for declared in found.portlist.ports:
        port = declared.first
        width = port.width
        bits = int(width.msb.value) - int(width.lsb.value) + 1 if width else None
        direction = {"Input": "in", "Output": "out"}[type(port).__name__]
        ports.append(ModulePort(name=port.name, direction=direction, bits=bits))
    return tuple(ports)


@functools.cache
def _parser() -> VerilogParser:
    """Return pyverilog's parser, whose tables take most of a second to make."""
    with tempfile.TemporaryDirectory() as folder:  # where it writes the tables that it does not need again
        return VerilogParser(outputdir=folder, debug=False)


def planned_ports(plan: Plan) -> tuple[ModulePort, ...]:
    """Return the ports that the top module of ``plan`` has."""
    return (
        ModulePort(name="clk", direction="in"),
        *(
            ModulePort(
                name=port.name,
                direction="in" if port.driven else "out",
                bits=port.bits if port.vector else None,
            )
            for port in top_ports(plan)
        ),
    )


def checked_ports(plan: Plan, file: Path) -> tuple[ModulePort, ...]:
    """Return the ports of the top module in ``file``; TailraceError where they are not those of the plan."""
    found, planned = read_ports(file, plan.name), planned_ports(plan)
    if found != planned:
        wrong = sorted({port.name for port in set(found) ^ set(planned)})
        raise TailraceError(
            f"{plan.name} has other ports than the plan: {', '.join(wrong) or 'in another order'}",
            where=str(file),
            hint="emit the design again (tailrace build MODEL -o DIR --from emit), or export with the ports as planned",
        )
    return found
