# SPDX-License-Identifier: Apache-2.0
"""Equal instances of any designs are synthesized once, and every netlist has its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tailrace.targets.families import FAMILIES
from tailrace.tools.instances import InstanceFiles, synthesize_instances
from tailrace.tools.yosys import ANY_NAME, Synthesis

if TYPE_CHECKING:
    from pathlib import Path

ROM = """\
// {module}: made for {design}
module {module} (input wire clk, input wire [1:0] address, output reg [3:0] word);
    reg [3:0] words [0:3];
    initial $readmemh("{instance}_words.mem", words);
    always @(posedge clk) word <= words[address];
endmodule
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def synthesized(folder: Path, design: str, memories: dict[str, str]) -> dict[str, Synthesis]:
    rtl = folder / design / "rtl"
    rtl.mkdir(parents=True)
    for instance, words in memories.items():
        module = f"{design}_{instance}"
        (rtl / f"{module}.v").write_text(ROM.format(module=module, design=design, instance=instance))
        (rtl / f"{instance}_words.mem").write_text(words)
    instances = {instance: InstanceFiles(library=[], own=[f"{design}_{instance}.v"]) for instance in memories}
    return synthesize_instances(
        design=design,
        instances=instances,
        rtl=rtl,
        folder=folder / design / "synth",
        family=FAMILIES["ice40"],
        jobs=1,
    )


def test_equal_instances_are_synthesized_once_over_designs(tmp_path: Path) -> None:
    first = synthesized(tmp_path, "one", {"a": "1\n2\n4\n8\n", "b": "1\n2\n4\n8\n", "c": "8\n2\n4\n8\n"})
    assert {name: instance.cached for name, instance in first.items()} == {"a": False, "b": True, "c": False}
    second = synthesized(tmp_path, "two", {"other": "8\n2\n4\n8\n"})
    assert second["other"].cached
    assert second["other"].cells == first["c"].cells


def test_a_shared_netlist_has_the_name_of_its_instance(tmp_path: Path) -> None:
    found = synthesized(tmp_path, "one", {"a": "1\n2\n4\n8\n", "b": "1\n2\n4\n8\n"})
    for name, instance in found.items():
        assert f"module one_{name}(" in instance.netlist.read_text()
        assert f"module \\one_{name}\n" in instance.rtlil.read_text()
        assert ANY_NAME not in instance.netlist.read_text() + instance.rtlil.read_text()
    netlists = [instance.netlist.read_text().replace(f"one_{name}", "") for name, instance in found.items()]
    assert netlists[0] == netlists[1]


def test_instances_with_other_memories_differ(tmp_path: Path) -> None:
    found = synthesized(tmp_path, "one", {"a": "1\n2\n4\n8\n", "c": "8\n2\n4\n8\n"})
    a, c = (found[name].netlist.read_text().replace(f"one_{name}", "") for name in "ac")
    assert a != c


PREFIXED = """\
module {module} (input wire clk, input wire [1:0] address, output wire [7:0] word);
    {design}_roms #(.PREFIX("{instance}_words")) roms (.clk(clk), .address(address), .word(word));
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
    for instance, texts in words.items():
        (rtl / f"one_{instance}.v").write_text(
            PREFIXED.format(module=f"one_{instance}", design="one", instance=instance)
        )
        for index, text in enumerate(texts):
            (rtl / f"{instance}_words_{index}.mem").write_text(text)
    instances = {instance: InstanceFiles(library=["roms.v"], own=[f"one_{instance}.v"]) for instance in words}
    found = synthesize_instances(
        design="one",
        instances=instances,
        rtl=rtl,
        folder=tmp_path / "synth",
        family=FAMILIES["ice40"],
        jobs=1,
    )
    assert {name: instance.cached for name, instance in found.items()} == {
        "a": False,
        "b": False,
        "a_b": True,
    }
    a, b, same = (found[name].netlist.read_text().replace(f"one_{name}(", "(") for name in ("a", "b", "a_b"))
    assert a == same != b
