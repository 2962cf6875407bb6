# SPDX-License-Identifier: Apache-2.0
"""HLS C++ compiles and runs with g++ against hls4ml's ap_types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tailrace.core.errors import ToolError
from tailrace.tools import hls
from tailrace.tools.hls import compile_hls
from tailrace.tools.process import capture

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """
#include <ap_int.h>
#include <hls_stream.h>
#include <cstdio>
#include "offset.h"

int main() {
    hls::stream<ap_uint<100> > words;
    for (int i = 0; i < 3; ++i) words.write((ap_uint<100>(1) << 90) + OFFSET * i);
    for (int i = 0; i < 3; ++i) {
#pragma HLS PIPELINE II = 1
        ap_uint<100> word = words.read();
        std::printf("%d %d\\n", int(word.range(99, 88)), int(ap_int<4>(word.range(3, 0))));
    }
    return 0;
}
"""


def test_program_runs_with_wide_integers_and_streams(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "offset.h").write_text("// found\n")
    (tmp_path / "main.cpp").write_text(MAIN)
    program = compile_hls(
        [tmp_path / "main.cpp"],
        tmp_path / "build",
        include_folders=[tmp_path / "include"],
        defines=["OFFSET=7"],
    )
    assert capture([str(program)]) == "4 0\n4 7\n4 -2\n"
    assert "warning:" not in (tmp_path / "build" / "simulate_hls_compile.log").read_text()


def test_compiler_error_is_a_tool_error_and_leaves_no_program(tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text("int main() { return missing; }\n")
    with pytest.raises(ToolError, match=r"missing.* was not declared"):
        compile_hls([tmp_path / "main.cpp"], tmp_path)
    assert not (tmp_path / "simulate_hls").exists()


def test_missing_hls4ml_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hls.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ToolError) as caught:
        compile_hls([tmp_path / "main.cpp"], tmp_path)
    assert str(caught.value) == (
        "g++: the ap_types headers were not found (looked for the Python package hls4ml)\n"
        "  hint: pip install tailrace[hls]"
    )
