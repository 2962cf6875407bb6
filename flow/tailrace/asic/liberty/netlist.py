# SPDX-License-Identifier: Apache-2.0
"""A mapped netlist, as yosys' ``write_json`` has it: cells of a library, joined by nets of one bit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Net = int | str
"""A net: yosys' number of it, or the constant ``"0"``, ``"1"`` or ``"x"``."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A cell of the netlist: its name, its cell in the library, and its pins' nets (one bit each)."""

    name: str
    cell: str
    nets: Mapping[str, Net]


@dataclass(frozen=True, slots=True, kw_only=True)
class Netlist:
    """A flat module: instances of library cells, macros, and the nets of its ports.

    ``names`` are those of every net in the Verilog, with the bit where it is one of several (``data[3]``).
    """

    name: str
    instances: tuple[Instance, ...]
    macros: tuple[Macro, ...]
    inputs: Mapping[str, tuple[Net, ...]]
    outputs: Mapping[str, tuple[Net, ...]]
    names: Mapping[Net, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """A memory that is a black box: its instance, words, bits of a word, and the nets that it drives."""

    name: str
    words: int
    bits: int
    reads: tuple[Net, ...]
    drives: tuple[Net, ...]


MACRO = "tr_rom_macro"


def read_netlist(path: Path, name: str) -> Netlist:
    """Read the module ``name`` of a file that yosys wrote."""
    module = json.loads(path.read_text(encoding="utf-8"))["modules"][name]
    instances, macros = [], []
    for label, cell in module["cells"].items():
        if cell["type"] == MACRO:
            numbers = {
                key: int(value, 2) for key, value in cell["parameters"].items() if key in ("BITS", "DEPTH")
            }
            pins = cell["connections"]
            macros.append(
                Macro(
                    name=label,
                    words=numbers["DEPTH"],
                    bits=numbers["BITS"],
                    reads=(*pins["address"], *pins["enable"]),
                    drives=tuple(pins["data"]),
                )
            )
        else:
            nets = {pin: bits[0] for pin, bits in cell["connections"].items() if bits}
            instances.append(Instance(label, cell["type"], nets))
    ports = module["ports"]
    names: dict[Net, tuple[str, ...]] = {}
    for label, named in module["netnames"].items():
        bits = named["bits"]
        for index, net in enumerate(bits):
            names[net] = (*names.get(net, ()), f"{label}[{index}]" if len(bits) > 1 else label)
    return Netlist(
        name=name,
        instances=tuple(instances),
        macros=tuple(macros),
        inputs={key: tuple(port["bits"]) for key, port in ports.items() if port["direction"] == "input"},
        outputs={key: tuple(port["bits"]) for key, port in ports.items() if port["direction"] == "output"},
        names=names,
    )
