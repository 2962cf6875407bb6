# SPDX-License-Identifier: Apache-2.0
"""A configuration of LibreLane, which takes a design from Verilog to GDS in an open process."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.asic.flow import sdc
from tailrace.tools.process import run
from tailrace.tools.yosys import SYNTHESIS_SECONDS, yosys_command

if TYPE_CHECKING:
    from tailrace.packaging.core import Core
    from tailrace.planning.plan import Plan

CORE_UTILIZATION_PERCENT = 45
"""How full the core is at the start: what leaves room for buffers and the clock tree."""

FLATTENED = "flat.v"


def librelane_files(core: Core, plan: Plan) -> dict[str, str]:
    """Return {path: text}: ``config.json``, ``src/NAME.v`` with the memories in it, and the constraints.

    LibreLane runs its synthesis in folders of its own, where ``$readmemh`` would find nothing; so yosys writes the
    design anew with the contents of the memories in ``initial`` blocks. Raises ToolError where yosys fails.
    """
    config = {
        "meta": {"version": 2},
        "DESIGN_NAME": core.top,
        "VERILOG_FILES": [f"dir::src/{core.top}.v"],
        "CLOCK_PORT": "clk",
        "CLOCK_PERIOD": round(1e3 / core.clock_mhz, 6),
        "PNR_SDC_FILE": f"dir::{core.top}.sdc",
        "SIGNOFF_SDC_FILE": f"dir::{core.top}.sdc",
        "FP_CORE_UTIL": CORE_UTILIZATION_PERCENT,
    }
    return {
        "config.json": json.dumps(config, indent=4) + "\n",
        f"src/{core.top}.v": with_memories(core),
        f"{core.top}.sdc": sdc(plan, None),
    }


def with_memories(core: Core) -> str:
    """Return the design as Verilog that reads no files: yosys has put the contents of the memories into it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in {**core.sources, **core.memories}.items():
            (folder / file).write_text(text, encoding="utf-8")
        script = [
            *(f"read_verilog -defer {file}" for file in core.sources),
            f"hierarchy -check -top {core.top}",
            "proc",
            "flatten",
            "delete t:$scopeinfo",
            "opt_clean",
            "memory_collect",
            "rename -enumerate",
            "setattr -unset src",
            "setattr -mod -unset src",
            f"write_verilog -noattr {FLATTENED}",
        ]
        (folder / "flat.ys").write_text("\n".join(script) + "\n", encoding="utf-8")
        run(
            yosys_command("flat.ys"),
            cwd=folder,
            log=folder / "yosys.log",
            timeout_seconds=SYNTHESIS_SECONDS,
        )
        written = (folder / FLATTENED).read_text(encoding="utf-8")
    body = written.partition("\n")[2]  # without the line that names the version of yosys
    return f"// SPDX-License-Identifier: Apache-2.0\n// {core.top}: {core.summary}; written by yosys.\n{body}"
