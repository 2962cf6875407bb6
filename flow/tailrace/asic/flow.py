# SPDX-License-Identifier: Apache-2.0
"""A design in standard cells: mapped block by block, timed, its models for simulation, its files for what follows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.asic.liberty.library import read_library
from tailrace.asic.liberty.models import cell_models_verilog
from tailrace.asic.liberty.netlist import MACRO, read_netlist
from tailrace.asic.liberty.timing import block_timing
from tailrace.asic.mapping import liberty_files, map_to_library
from tailrace.core.data import data_folder, templates
from tailrace.core.errors import TailraceError
from tailrace.emission.rtl import module_names, source_names
from tailrace.emission.vendor import top_ports
from tailrace.tools.process import workers
from tailrace.tools.yosys import CellModels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.asic.liberty.library import Library
    from tailrace.asic.liberty.netlist import Netlist
    from tailrace.asic.liberty.timing import BlockTiming
    from tailrace.asic.mapping import Mapped
    from tailrace.planning.plan import Instance, Plan

ROM = "tr_rom.v"
"""The module that standard cells have a version of their own of (``ip/asic``)."""

MACRO_FILE = f"{MACRO}.v"
"""The black box for memories that are left to macros."""

EDGE_SHARE = 0.2
"""The part of a clock period that the SDC file leaves to what is in front of the inputs and behind the outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An instance in cells of the library."""

    mapped: Mapped
    netlist: Netlist
    timing: BlockTiming
    area: float
    flip_flops: int

    @property
    def cells(self) -> Mapping[str, int]:
        """The number of library cells by name; macros are not among them."""
        return {name: count for name, count in self.mapped.cells.items() if name != MACRO}


@dataclass(frozen=True, slots=True, kw_only=True)
class AsicDesign:
    """All blocks of a design, and the library that they are mapped to."""

    library: Library
    blocks: Mapping[str, Block]

    @property
    def cells(self) -> int:
        """How many cells there are in all."""
        return sum(sum(block.cells.values()) for block in self.blocks.values())

    @property
    def netlists(self) -> dict[str, Path]:
        """The Verilog of every block."""
        return {name: block.mapped.netlist for name, block in self.blocks.items()}


def library_of(plan: Plan) -> Library:
    """Return the library of the plan's part."""
    return read_library(tuple(Path(file) for file in plan.part.liberty))


def map_design(plan: Plan, folder: Path, jobs: int) -> AsicDesign:
    """Map every block of the design in ``folder`` to the library of its part; the files go into ``folder / "synth"``.

    Raises TailraceError where there is no Verilog, LibertyError for a library that does not serve, ToolError where
    yosys fails.
    """
    library = library_of(plan)
    rtl, output = folder / "rtl", folder / "synth"
    if not rtl.is_dir():
        raise TailraceError("there is no Verilog", where=str(rtl), hint="build with --backend rtl or both")
    output.mkdir(exist_ok=True)
    for memory in rtl.glob("*.mem"):  # yosys reads them from its working directory
        shutil.copyfile(memory, output / memory.name)
    sources = [rtl / name for name in source_names(plan) if name.startswith("tr_") and name != ROM]
    if ROM in source_names(plan):
        sources.append(data_folder("ip") / "asic" / ROM)
    liberty = liberty_files([Path(file) for file in plan.part.liberty], output)

    def one(instance: Instance) -> tuple[str, Block]:
        name = instance.name
        module = f"{plan.name}_{name}"
        mapped = map_to_library(
            top=module,
            sources=[*sources, *(rtl / file for file in module_names(plan, instance))],
            folder=output,
            library=library,
            liberty=liberty,
            period_ps=1e6 / plan.clock_mhz,
            black_boxes=[data_folder("ip") / "asic" / MACRO_FILE],
            memories=[Path(path.name) for path in sorted(rtl.glob(f"{name}_*.mem"))],
        )
        return name, _block(library, mapped, module)

    with workers(jobs) as pool:
        blocks = dict(pool.map(one, plan.instances))
    design = AsicDesign(library=library, blocks=blocks)
    _write_files(plan, folder, design)
    return design


def _block(library: Library, mapped: Mapped, module: str) -> Block:
    netlist = read_netlist(mapped.netlist_json, module)
    counted = {name: count for name, count in mapped.cells.items() if name != MACRO}
    return Block(
        mapped=mapped,
        netlist=netlist,
        timing=block_timing(netlist, library),
        area=sum(library.cells[name].area * count for name, count in counted.items()),
        flip_flops=sum(count for name, count in counted.items() if library.cells[name].state),
    )


def _write_files(plan: Plan, folder: Path, design: AsicDesign) -> None:
    """Write the netlist of the whole design, the models of its cells, and its constraints."""
    output = folder / "synth"
    names = {name for block in design.blocks.values() for name in block.cells}
    (output / "cells.v").write_text(cell_models_verilog(design.library, names), encoding="utf-8")
    texts = [block.mapped.netlist.read_text(encoding="utf-8") for block in design.blocks.values()]
    texts.append((folder / "rtl" / f"{plan.name}.v").read_text(encoding="utf-8"))
    (output / f"{plan.name}_netlist.v").write_text("\n".join(texts), encoding="utf-8")
    (output / f"{plan.name}.sdc").write_text(sdc(plan, design.library), encoding="utf-8")


def sdc(plan: Plan, library: Library | None) -> str:
    """Return the constraints of the design: its clock, and what is around it; cells where there is a library."""
    driver = library.driver() if library else None
    scale = library.time_s / 1e-9 if library else 1.0
    period = 1e3 / plan.clock_mhz / scale
    ports = top_ports(plan)
    return (
        templates("ip")
        .get_template("asic/design.sdc.j2")
        .render(
            design=plan.name,
            clock_mhz=plan.clock_mhz,
            driven=[f"{port.name}{'*' if port.vector else ''}" for port in ports if port.driven],
            read=[f"{port.name}{'*' if port.vector else ''}" for port in ports if not port.driven],
            unit=f"{scale:g} ns",
            period=f"{period:.6g}",
            edge=f"{period * EDGE_SHARE:.6g}",
            share=round(100 * EDGE_SHARE),
            driver=driver.name if driver else None,
            driver_pin=driver.outputs[0].name if driver else None,
            load=f"{4 * max(driver.inputs[0].capacitance):.6g}" if driver else None,
        )
    )


def asic_models(folder: Path, design: AsicDesign) -> CellModels:
    """Return the models with which the netlists of ``design`` in ``folder`` simulate."""
    macros = any(block.netlist.macros for block in design.blocks.values())
    sources = [folder / "synth" / "cells.v"]
    if macros:
        sources.append(data_folder("ip") / "asic" / MACRO_FILE)
    return CellModels(
        sources=tuple(sources),
        include_folders=(),
        memories=tuple(sorted((folder / "rtl").glob("*.mem"))) if macros else (),
    )
