# SPDX-License-Identifier: Apache-2.0
"""Yosys and ABC for standard cells: from Verilog to the cells of a Liberty library, block by block, with the cache."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.asic.liberty.library import liberty_text
from tailrace.core.errors import ToolError
from tailrace.tools.cache import content_key, restore, store
from tailrace.tools.process import run
from tailrace.tools.yosys import (
    NETLIST,
    STATISTICS,
    SUMMARY,
    SYNTHESIS_SECONDS,
    memory_parts,
    yosys_command,
    yosys_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tailrace.asic.liberty.library import Library

NETLIST_JSON = "netlist.json"
RESULTS = (NETLIST, NETLIST_JSON, STATISTICS, SUMMARY)

FANOUT = 16
"""The most pins that a cell drives, where the library does not say."""

OUTPUT_LOAD_FF = 10.0
"""The load of every output while ABC sizes the cells."""

MAP = (
    "strash;&get,-n;&fraig,-x;&put;scorr;dc2;strash;&get,-n;&dch,-f;&nf,{{D}};&put;"
    "buffer,-p,-N,{fanout};upsize,{{D}};dnsize,{{D}};stime,-p"
)
"""ABC's commands: minimize, map for area within the clock period, buffer what drives too much, choose sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A module mapped to a library: ``netlist`` is Verilog, ``netlist_json`` the same for :mod:`tailrace.liberty`.

    ``cells`` counts the cells by name; memory macros are among them. ``seconds`` is what the synthesis took when it
    was run, also where it comes out of the cache this time (``cached``).
    """

    cells: Mapping[str, int]
    netlist: Path
    netlist_json: Path
    seconds: float
    version: str
    cached: bool


def liberty_files(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Return the Liberty files as yosys and ABC read them: those that are packed are unpacked into ``folder``."""
    files = []
    for index, path in enumerate(paths):
        if path.suffix == ".gz":
            plain = folder / f"liberty_{index}.lib"
            plain.write_text(liberty_text(path), encoding="utf-8")
            files.append(plain)
        else:
            files.append(path)
    return files


def map_to_library(
    *,
    top: str,
    sources: Sequence[Path],
    folder: Path,
    library: Library,
    liberty: Sequence[Path],
    period_ps: float,
    black_boxes: Sequence[Path] = (),
    memories: Sequence[Path] = (),
    timeout_seconds: float = SYNTHESIS_SECONDS,
) -> Mapped:
    """Synthesize the module ``top`` to the cells of ``library``, whose files are ``liberty``.

    Of ``black_boxes`` only the ports are read; their instances stay as they are. The working directory is
    ``folder``, to which memory file names in the sources are relative. ABC aims at ``period_ps``. What comes of it
    goes into ``folder / <top>_asic``.

    Raises:
        ToolError: yosys is missing, failed, or left cells unmapped.

    """
    output = folder / f"{top}_asic"
    output.mkdir(parents=True, exist_ok=True)
    script = _script(
        top,
        library,
        period_ps,
        reads=_reads(sources, black_boxes),
        liberty=[str(path.resolve()) for path in liberty],
        prefix=output.name,
    )
    texts = [source.read_bytes() for source in (*black_boxes, *sources)]
    key = content_key(
        [
            yosys_version(),
            " ".join(yosys_command("script")[1:]),
            _script(top, library, period_ps, reads=[], liberty=["library"], prefix=""),
            _constraints(library),
            library.sha256,
            "sources",
            *texts,
            "memories",
            *memory_parts(folder, texts, {}, memories),
        ]
    )
    cached = restore("asic", key, output, RESULTS)
    if not cached:
        for stale in (NETLIST, NETLIST_JSON, STATISTICS):  # else a failure could leave them for a good result
            (output / stale).unlink(missing_ok=True)
        (output / "synth.ys").write_text(script, encoding="utf-8")
        (output / "abc.constr").write_text(_constraints(library), encoding="utf-8")
        start = time.monotonic()
        run(
            yosys_command(f"{output.name}/synth.ys"),
            cwd=folder,
            log=output / "yosys.log",
            timeout_seconds=timeout_seconds,
        )
        summary = {"seconds": round(time.monotonic() - start, 2), "version": yosys_version()}
        (output / SUMMARY).write_text(json.dumps(summary) + "\n", encoding="utf-8")
        store("asic", key, output, RESULTS)
    summary = json.loads((output / SUMMARY).read_text(encoding="utf-8"))
    design = json.loads((output / STATISTICS).read_text(encoding="utf-8"))["design"]
    cells = {str(name): int(count) for name, count in sorted(design.get("num_cells_by_type", {}).items())}
    unmapped = sorted(name for name in cells if name.startswith("$"))
    if unmapped:
        raise ToolError(
            f"the library has no cell for {', '.join(unmapped)} in {top}",
            where="yosys",
            hint=f"see {output / 'yosys.log'}",
        )
    return Mapped(
        cells=cells,
        netlist=output / NETLIST,
        netlist_json=output / NETLIST_JSON,
        seconds=float(summary["seconds"]),
        version=str(summary["version"]),
        cached=cached,
    )


def _reads(sources: Sequence[Path], black_boxes: Sequence[Path]) -> list[str]:
    boxes = [f'read_verilog -lib "{path.resolve()}"' for path in black_boxes]
    return [*boxes, *(f'read_verilog -defer "{source.resolve()}"' for source in sources)]


def _constraints(library: Library) -> str:
    """Return what ABC assumes around a block: a buffer in front of every input, a load at every output."""
    driver = library.driver()
    driving = [f"set_driving_cell {driver.name}"] if driver else []
    return "\n".join([*driving, f"set_load {OUTPUT_LOAD_FF:g}", ""])


def _script(
    top: str, library: Library, period_ps: float, *, reads: Sequence[str], liberty: Sequence[str], prefix: str
) -> str:
    """Return the yosys script from sources to the netlist."""
    files = " ".join(f'-liberty "{path}"' for path in liberty)
    unusable = sorted(name for name, cell in library.cells.items() if not cell.usable or cell.black_box)
    unused = "".join(f" -dont_use {name}" for name in unusable)
    abc = MAP.format(fanout=library.max_fanout or FANOUT)
    ties = [
        f"-{kind}cell {tie[0]} {tie[1]}"
        for kind, value in (("hi", "1"), ("lo", "0"))
        if (tie := library.smallest(value))
    ]
    return "\n".join(
        [
            *(f'read_liberty -lib -ignore_miss_func -setattr liberty_cell "{path}"' for path in liberty),
            *reads,
            f"hierarchy -check -top {top}",
            f"synth -flatten -noabc -top {top}",
            f"dfflibmap {files}{unused}",
            "opt",
            f'abc {files}{unused} -constr {prefix}/abc.constr -D {period_ps:g} -script "+{abc}"',
            # Registers that hold a memory kept a hierarchy of their own till here.
            "setattr -mod -unset keep_hierarchy",
            "flatten",
            "delete t:$scopeinfo",  # what flattening leaves: no hardware
            "setundef -zero",
            *([f"hilomap -singleton {' '.join(ties)}"] if ties else []),
            "opt_clean -purge",
            "splitnets",
            "opt_clean -purge",
            "rename -enumerate",  # so that both netlists have the same names
            "setattr -unset src",
            "setattr -mod -unset src",
            "check -assert",
            f"tee -q -o {prefix}/{STATISTICS} stat -json",
            f"write_json {prefix}/{NETLIST_JSON}",
            f"write_verilog -noattr -noexpr -nohex {prefix}/{NETLIST}",
            "",
        ]
    )
