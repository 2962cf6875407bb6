# SPDX-License-Identifier: Apache-2.0
"""Packages at work: FuseSoC lints, simulates and synthesizes a core; the archive and the list work on their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tailrace.design import api

HERE = Path(__file__).resolve().parent
CORE = "user:tailrace:tiny:1.0"


def bare_environment(folder: Path, verilator: Path, *more: Path) -> dict[str, str]:
    """An environment with Verilator, a compiler and the system's own programs on PATH, and nothing else."""
    path = [*map(str, more), str(verilator.parent), "/usr/bin", "/bin"]
    return {"PATH": os.pathsep.join(path), "HOME": str(folder)}


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program; its output is kept."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def fusesoc(package: Path, target: str, environment: dict[str, str]) -> str:
    """Run a target of the core and return what was printed; a failure fails the test."""
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root=.", "run", f"--target={target}", CORE]
    done = run(command, package, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def package(design: api.Design) -> Path:
    """The tiny design as a FuseSoC core."""
    pytest.importorskip("fusesoc", reason="fusesoc is not installed (the dev extra)")
    return design.export("core")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with ``python``, which Verilator's makefiles call, and a ``yosys`` that knows Tcl."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    yosys = folder / "yosys"
    yosys.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "yosys_with_tcl.py"} "$@"\n')
    yosys.chmod(0o755)
    return folder


def test_fusesoc_lints_the_core(package: Path, verilator_program: Path, tools: Path, tmp_path: Path) -> None:
    environment = bare_environment(tmp_path, verilator_program, tools)
    assert "%Warning" not in fusesoc(package, "lint", environment)
    source = package / "rtl/tr_skid.v"
    source.write_text(source.read_text().replace("endmodule", "    wire nobody;\nendmodule"))
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root=.", "run", "--target=lint", CORE]
    done = run(command, package, environment)
    assert done.returncode != 0
    assert "%Warning-UNUSEDSIGNAL" in done.stdout + done.stderr


def test_fusesoc_simulates_the_core_and_finds_a_wrong_memory(
    package: Path, verilator_program: Path, tools: Path, tmp_path: Path
) -> None:
    environment = bare_environment(tmp_path, verilator_program, tools)
    printed = fusesoc(package, "sim", environment)
    assert "PASS: 8 frames without stalls and with stall 0.3, seed 1; 0 mismatches" in printed
    memory = package / "rtl/dense_1_weights.mem"
    lines = memory.read_text().splitlines()
    memory.write_text("\n".join([f"{int(lines[0], 16) ^ 1:x}", *lines[1:]]) + "\n")
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root=.", "run", "--target=sim", CORE]
    done = run(command, package, environment)
    assert done.returncode != 0
    assert "FAIL: integer 0 of frame" in done.stdout + done.stderr


def test_fusesoc_synthesizes_the_core(
    package: Path, verilator_program: Path, tools: Path, tmp_path: Path
) -> None:
    for module in ("tkinter", "pyosys"):
        if find_spec(module) is None:
            pytest.skip(f"needs {module}: yosys with Tcl")
    fusesoc(package, "synth", bare_environment(tmp_path, verilator_program, tools))
    (netlist,) = package.rglob("*tiny*.json")
    module = json.loads(netlist.read_text())["modules"]["tiny"]
    kinds = [cell["type"] for cell in module["cells"].values()]
    assert kinds.count("TRELLIS_FF") > 100
    assert kinds.count("LUT4") > 100
    assert len(module["ports"]["s_axis_tdata"]["bits"]) == 24


def test_the_archive_simulates_and_lints_in_an_empty_folder(
    design: api.Design, verilator_program: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with tarfile.open(design.export("tar")) as archive:
        archive.extractall(empty, filter="data")
    shutil.rmtree(design.folder)
    folder, environment = empty / "tiny", bare_environment(tmp_path, verilator_program)
    done = run(["make", "sim", "SEED=7", "STALL=0.6"], folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == (
        "PASS: 8 frames without stalls and with stall 0.6, seed 7; 0 mismatches"
    )
    done = run(["make", "lint"], folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("lint: nothing to say about 20 files\n")
    expected = folder / "sim/expected.txt"
    first, _, rest = expected.read_text().partition("\n")
    values = first.split()
    expected.write_text(" ".join([*values[:-1], str(int(values[-1]) + 1)]) + f"\n{rest}")
    done = run(["make", "sim"], folder, environment)
    assert done.returncode != 0
    assert f"FAIL: integer 2 of frame 0 is {values[-1]}, expected {int(values[-1]) + 1}\n" in done.stdout


def test_the_list_works_in_its_folder(design: api.Design, verilator_program: Path, tmp_path: Path) -> None:
    package = design.export("f")
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "tiny", "-f", "tiny.f"]
    done = run(command, package, bare_environment(tmp_path, verilator_program))
    assert done.returncode == 0, done.stdout + done.stderr
