# SPDX-License-Identifier: Apache-2.0
"""Equal stages of any designs are synthesized once, and every netlist has its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tailrace.targets.families import FAMILIES
from tailrace.tools.stages import StageFiles, synthesize_stages
from tailrace.tools.yosys import ANY_NAME, Synthesis

if TYPE_CHECKING:
    from pathlib import Path

ROM = """\
// {module}: made for {design}
module {module} (input wire clk, input wire [1:0] address, output reg [3:0] word);
    reg [3:0] words [0:3];
    initial $readmemh("{stage}_words.mem", words);
    always @(posedge clk) word <= words[address];
endmodule
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def synthesized(folder: Path, design: str, memories: dict[str, str]) -> dict[str, Synthesis]:
    rtl = folder / design / "rtl"
    rtl.mkdir(parents=True)
    for stage, words in memories.items():
        module = f"{design}_{stage}"
        (rtl / f"{module}.v").write_text(ROM.format(module=module, design=design, stage=stage))
        (rtl / f"{stage}_words.mem").write_text(words)
    stages = {stage: StageFiles(library=[], own=[f"{design}_{stage}.v"]) for stage in memories}
    return synthesize_stages(
        design=design,
        stages=stages,
        rtl=rtl,
        folder=folder / design / "synth",
        family=FAMILIES["ice40"],
        jobs=1,
    )


def test_equal_stages_are_synthesized_once_over_designs(tmp_path: Path) -> None:
    first = synthesized(tmp_path, "one", {"a": "1\n2\n4\n8\n", "b": "1\n2\n4\n8\n", "c": "8\n2\n4\n8\n"})
    assert {name: stage.cached for name, stage in first.items()} == {"a": False, "b": True, "c": False}
    second = synthesized(tmp_path, "two", {"other": "8\n2\n4\n8\n"})
    assert second["other"].cached
    assert second["other"].cells == first["c"].cells


def test_a_shared_netlist_has_the_name_of_its_stage(tmp_path: Path) -> None:
    found = synthesized(tmp_path, "one", {"a": "1\n2\n4\n8\n", "b": "1\n2\n4\n8\n"})
    for name, stage in found.items():
        assert f"module one_{name}(" in stage.netlist.read_text()
        assert f"module \\one_{name}\n" in stage.rtlil.read_text()
        assert ANY_NAME not in stage.netlist.read_text() + stage.rtlil.read_text()
    netlists = [stage.netlist.read_text().replace(f"one_{name}", "") for name, stage in found.items()]
    assert netlists[0] == netlists[1]


def test_stages_with_other_memories_differ(tmp_path: Path) -> None:
    found = synthesized(tmp_path, "one", {"a": "1\n2\n4\n8\n", "c": "8\n2\n4\n8\n"})
    a, c = (found[name].netlist.read_text().replace(f"one_{name}", "") for name in "ac")
    assert a != c


PREFIXED = """\
module {module} (input wire clk, input wire [1:0] address, output wire [7:0] word);
    {design}_roms #(.PREFIX("{stage}_words")) roms (.clk(clk), .address(address), .word(word));
endmodule
"""

ROMS = """\
module {design}_roms #(parameter PREFIX = "") (input wire clk, input wire [1:0] address, output reg [7:0] word);
    reg [3:0] low [0:3], high [0:3];
    initial $readmemh({{PREFIX, "_0.mem"}}, low);
    initial $readmemh({{PREFIX, "_1.mem"}}, high);
    always @(posedge clk) word <= {{high[address], low[address]}};
endmodule
"""


def test_files_whose_names_begin_with_a_parameter_count_too(tmp_path: Path) -> None:
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    (rtl / "roms.v").write_text(ROMS.format(design="one"))
    words = {
        "a": ("1\n2\n4\n8\n", "1\n2\n4\n8\n"),
        "b": ("1\n2\n4\n8\n", "1\n2\n4\n9\n"),
        "a_b": ("1\n2\n4\n8\n",) * 2,
    }
    for stage, texts in words.items():
        (rtl / f"one_{stage}.v").write_text(PREFIXED.format(module=f"one_{stage}", design="one", stage=stage))
        for index, text in enumerate(texts):
            (rtl / f"{stage}_words_{index}.mem").write_text(text)
    stages = {stage: StageFiles(library=["roms.v"], own=[f"one_{stage}.v"]) for stage in words}
    found = synthesize_stages(
        design="one", stages=stages, rtl=rtl, folder=tmp_path / "synth", family=FAMILIES["ice40"], jobs=1
    )
    assert {name: stage.cached for name, stage in found.items()} == {"a": False, "b": False, "a_b": True}
    a, b, same = (found[name].netlist.read_text().replace(f"one_{name}(", "(") for name in ("a", "b", "a_b"))
    assert a == same != b
