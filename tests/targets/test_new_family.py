# SPDX-License-Identifier: Apache-2.0
"""A new family is one record: docs/internals/families.md makes one, and all that needs to know it reads it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.blocks.fifo import memory_cost
from tailrace.design import api
from tailrace.emission.bench import families_json
from tailrace.packaging.core import read_core
from tailrace.packaging.fusesoc import fusesoc_files
from tailrace.planning import serialize
from tailrace.spatial.build import ConstantProduct, build
from tailrace.spatial.cost import luts
from tailrace.targets import families
from tailrace.targets.parts import Part
from tailrace.tools import yosys
from tiny_network import write_tiny

if TYPE_CHECKING:
    from tailrace.targets.family import Family

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs/internals/families.md"


@pytest.fixture(scope="module")
def toy() -> Family:
    """The record that the page makes."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(block, names)  # noqa: S102 - our own page
    return names["TOY"]


@pytest.fixture
def part(toy: Family, monkeypatch: pytest.MonkeyPatch) -> Part:
    """A part of the family, which is in the table."""
    monkeypatch.setitem(families.FAMILIES, toy.name, toy)
    return Part(
        name="toy-1", vendor="nobody", family=toy, device="TOY1", lut=9_000, ff=9_000, dsp=0, bram18=20
    )


def test_a_plan_is_made_and_counted_for_it_and_read_again(part: Part, tmp_path: Path) -> None:
    plan = tr.plan(api.load(write_tiny(tmp_path / "tiny.onnx")), part=part, clock_mhz=50.0, fps=5e6)
    assert plan.part.family is part.family
    assert plan.cost.lut > 100
    assert serialize.loads(serialize.dumps(plan)).part == part


def test_carries_and_block_rams_of_the_record_are_what_costs_count(part: Part) -> None:
    layer = ConstantProduct(name="layer", weights=np.array([[3, -5, 7]]), bias=np.array([4]))
    circuit = build((layer,), np.full(3, -8), np.full(3, 7), family=part.family, ranks=2)
    assert luts(circuit, part.family) > 0
    memory = memory_cost(depth=2048, bits=6, family=part.family, registered=True)
    assert memory.bram18 == 2 / 3  # two of 1024 x 6 bits, each a third of 18 kbit


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No earlier synthesis at hand: a cached one leaves no script to read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("empty_cache")
def test_its_netlist_is_synthesized_counted_and_has_models(part: Part, tmp_path: Path) -> None:
    (tmp_path / "count.v").write_text(
        "module count(input clk, output [7:0] q); reg [7:0] q = 0; always @(posedge clk) q <= q + 1; endmodule"
    )
    made = yosys.synthesize(top="count", sources=[tmp_path / "count.v"], folder=tmp_path, family=part.family)
    assert f"{part.family.yosys.command} -top" in (tmp_path / "count_toy/synth.ys").read_text()
    assert made.resources.ff == 8
    assert made.resources.lut == 2 * made.cells["SB_LUT4"]  # the page lets one count two
    assert [source.is_file() for source in yosys.cell_models(part.family).sources] == [True]


def test_the_folder_of_a_design_and_its_packages_know_it(part: Part, tmp_path: Path) -> None:
    plan = api.plan(api.load(write_tiny(tmp_path / "tiny.onnx")), part=part, fps=5e6, clock_mhz=50.0)
    api.emit(plan, tmp_path / "build", backends=("rtl",))
    assert "FAMILY  ?= toy\n" in (tmp_path / "build/Makefile").read_text()
    recipe = json.loads((tmp_path / "build/sim/families.json").read_text())["toy"]
    assert recipe["command"] == part.family.yosys.command
    core = fusesoc_files(read_core(plan, tmp_path / "build"))["tiny.core"]
    assert "arch: ice40\n" in core


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("family", families.synthesized(), ids=str)
def test_the_script_of_a_folder_runs_the_commands_of_the_tool(family: Family, tmp_path: Path) -> None:
    source = tmp_path / "sum.v"
    cells = " ".join(family.yosys.library_cells)
    source.write_text(
        f"module sum(input [3:0] a, b, output [4:0] y); assign y = a + b; endmodule // {cells}\n"
    )
    yosys.synthesize(top="sum", sources=[source], folder=tmp_path, family=family)
    (tmp_path / "families.json").write_text(families_json())
    (tmp_path / "synth.py").write_bytes((CHECKOUT / "sim/synth.py").read_bytes())
    (tmp_path / "out").mkdir()
    command = [sys.executable, "synth.py", "--top", "sum", "--family", family.name, "--out", "out", "sum.v"]
    said = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    ).stdout
    ours = (tmp_path / f"sum_{family}/synth.ys").read_text().splitlines()
    folder = (tmp_path / "out/sum.ys").read_text().splitlines()
    for word in ("read_verilog -lib", family.yosys.command, "delete"):
        here, there = ([line for line in text if line.startswith(word)] for text in (ours, folder))
        assert [line.replace(yosys.ANY_NAME, "sum") for line in here] == there
    assert said.endswith(f"LUT: {family.lut_means}.\n")
