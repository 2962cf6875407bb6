# SPDX-License-Identifier: Apache-2.0
"""A design in standard cells: its gates give the integer graph's outputs, and its report says what it costs."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from liberty_samples import write_small
from tailrace.asic.activity import read_saif
from tailrace.asic.flow import asic_models, library_of, map_design
from tailrace.cli import main as cli
from tailrace.core.errors import UsageError
from tailrace.design import api
from tailrace.design.config import Config, make_config
from tailrace.design.records import plan_report
from tailrace.report.schema import load as load_report
from tailrace.targets.parts import part
from tailrace.tools.cache import cache_folder
from tailrace.verify.netlist import verify_netlist
from tailrace.verify.vectors import random_integers
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

# --- the part -------------------------------------------------------------------------------------


def test_a_library_is_a_part(tmp_path: Path) -> None:
    path = write_small(tmp_path / "small.lib")
    found = part(f"liberty:{path},{path}")
    assert (found.name, found.family.name, found.liberty) == ("liberty:small", "asic", (str(path), str(path)))
    assert make_config({"part": f"liberty:{path}"}).part == f"liberty:{path}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("liberty:missing.lib", "missing.lib: there is no such file"),
        ("liberty:", "'liberty:' names no file"),
    ],
)
def test_a_library_that_is_not_there_is_named(name: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        Config(part=name)
    assert str(error.value) == (
        f"{said}\n  hint: give the .lib (or .lib.gz) of a PDK, several with commas: --part liberty:cells.lib,pads.lib"
    )


def test_a_plan_estimates_gates_and_asks_for_no_more_than_a_chip_has(tmp_path: Path) -> None:
    path = write_small(tmp_path / "small.lib")
    plan = api.plan(api.load(write_tiny(tmp_path / "tiny.onnx")), part=f"liberty:{path}", fps=5e6)
    report = plan_report(plan)
    assert report.notices == ()
    assert report.target.totals is None
    for layer in report.layers:
        assert layer.source == "estimate"
        assert layer.gates is not None
        assert layer.gates > 0
        assert (layer.lut, layer.dsp, layer.bram18) == (None, None, None)


# --- mapping, gates, report -----------------------------------------------------------------------


def test_the_gates_give_the_outputs_of_the_graph(mapped: api.Design) -> None:
    check = mapped.report.verify.netlist
    assert check is not None
    assert (check.vectors, check.mismatches) == (8, 0)


def test_a_wrong_gate_is_found(mapped: api.Design) -> None:
    plan = mapped.plan
    design = map_design(plan, mapped.folder, 1)
    netlist = design.netlists["dense_1"]
    text = netlist.read_text()
    before, found, after = text.rpartition(
        "sg13g2_xnor2_1"
    )  # a part of an adder; the pins have the same names
    assert found
    netlist.write_text(f"{before}sg13g2_nand2_1{after}")
    q = random_integers(plan.graph, 8, 1)
    expected = plan.graph.predict_int(q.reshape(-1, *plan.graph.tensors[plan.graph.input].shape))
    result = verify_netlist(
        plan,
        mapped.folder,
        design.netlists,
        q,
        expected,
        cells=design.cells,
        stall=0.3,
        seed=1,
        models=asic_models(mapped.folder, design),
    )
    assert result.mismatches > 0


def test_the_report_says_what_the_cells_cost(mapped: api.Design) -> None:
    asic = mapped.report.asic
    assert asic is not None
    library = library_of(mapped.plan)
    counted = dict(asic.cells_by_type or {})
    assert asic.cells == sum(counted.values())
    area = sum(library.cells[name].area * count for name, count in counted.items())
    assert asic.area_um2 == pytest.approx(area, abs=0.001)
    assert asic.nand2_um2 == 7.2576
    assert asic.gate_equivalents == round(area / 7.2576, 1)
    assert sum((asic.cells_by_kind or {}).values()) == asic.cells
    assert (asic.cells_by_kind or {})["flip-flop"] == asic.flip_flops
    layers = {layer.name: layer.asic for layer in mapped.report.layers}
    assert all(layers.values())
    assert sum(layer.area_um2 or 0 for layer in layers.values() if layer) == pytest.approx(area, abs=0.01)
    assert asic.longest_delay_ns == max(
        figure
        for layer in layers.values()
        if layer
        for figure in (
            layer.register_delay_ns,
            layer.input_delay_ns,
            layer.output_delay_ns,
            layer.through_delay_ns,
        )
        if figure is not None
    )
    power = asic.power
    assert power is not None
    parts = (power.leakage_mw, power.clock_mw, power.internal_mw, power.switching_mw)
    assert all(parts)
    assert power.total_mw == pytest.approx(sum(p or 0 for p in parts), abs=1e-5)
    assert (power.whole, power.unseen_nets) == (True, 0)


def test_weights_are_in_flip_flops_or_in_a_macro_as_asked(mapped: api.Design) -> None:
    layers = {layer.name: layer.asic for layer in mapped.report.layers}
    weights = {layer.name: layer.memory_bits for layer in mapped.report.layers}
    flops, macro = layers["dense_0"], layers["dense_1"]
    assert flops is not None
    assert macro is not None
    assert (flops.flip_flops or 0) > (weights["dense_0"] or 0)
    assert (flops.macro_bits, macro.macro_bits) == (0, weights["dense_1"])
    asic = mapped.report.asic
    assert asic is not None
    assert [(m.layer, m.words, m.bits, m.count) for m in asic.macros] == [("dense_1", 6, 6, 1)]


def test_the_pages_show_area_and_what_the_figures_mean(mapped: api.Design) -> None:
    for suffix in ("md", "html"):
        text = (mapped.folder / f"report.{suffix}").read_text()
        for words in ("Standard cells", "µm²", "They are no Fmax", "Power is an estimate", "sg13g2"):
            assert words in text, (suffix, words)
        assert "BRAM18" not in text
    assert load_report(mapped.folder).asic == mapped.report.asic


def test_the_files_for_what_follows_are_there(mapped: api.Design) -> None:
    synth = mapped.folder / "synth"
    constraints = (synth / "tiny.sdc").read_text()
    assert "create_clock -name clk -period 20 [get_ports clk]" in constraints
    assert "set_driving_cell -lib_cell sg13g2_" in constraints
    netlist = (synth / "tiny_netlist.v").read_text()
    assert len(re.findall(r"^module ", netlist, re.MULTILINE)) == len(mapped.plan.instances) + 1


def test_a_mapping_is_kept_and_depends_on_the_library(
    mapped: api.Design, shared_liberty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = map_design(mapped.plan, mapped.folder, 2)
    again = map_design(mapped.plan, mapped.folder, 2)
    assert {block.mapped.cached for block in first.blocks.values()} == {False}
    assert {block.mapped.cached for block in again.blocks.values()} == {True}
    assert first.cells == again.cells
    damaged = next((cache_folder() / "asic").glob("*/*/entry.json"))
    damaged.write_text("{}")
    mended = map_design(mapped.plan, mapped.folder, 2)
    assert {block.mapped.cached for block in mended.blocks.values()} == {False, True}
    assert first.cells == mended.cells
    packed = tmp_path / "packed.lib.gz"
    packed.write_bytes(gzip.compress(shared_liberty.read_bytes()))
    plan = api.plan(mapped.plan.graph, part=f"liberty:{packed}", fps=5e6, clock_mhz=50.0)
    other = api.emit(plan, tmp_path / "packed", backends=("rtl",))
    assert {block.mapped.cached for block in map_design(plan, other.folder, 2).blocks.values()} >= {True}


def test_a_placer_of_fpgas_does_not_take_cells(mapped: api.Design) -> None:
    with pytest.raises(UsageError, match="nextpnr does not know the cells of a library"):
        mapped.synth("nextpnr")


def test_the_command_line_shows_area(mapped: api.Design, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", str(mapped.folder)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"PE × SIMD +Cycles +Gates +FF", printed)
    assert cli.main(["report", str(mapped.folder)]) == 0
    assert "## Standard cells" in capsys.readouterr().out


def test_changes_are_read_by_their_place_in_the_design(tmp_path: Path) -> None:
    path = tmp_path / "x.saif"
    lines = [
        "(SAIFILE",
        " (INSTANCE top",
        "  (NET",
        r"   (a\[0\] (T0 4) (T1 6) (TZ 0) (TX 0) (TB 0) (TC 3))",
        "  )",
    ]
    lines += [
        "  (INSTANCE inner",
        "   (NET",
        "    (_12_ (T0 1) (T1 9) (TZ 0) (TX 0) (TB 0) (TC 7))",
        "   )",
        "  )",
    ]
    path.write_text("\n".join([*lines, " )", ")"]))
    assert read_saif(path) == {("top",): {"a[0]": 3}, ("top", "inner"): {"_12_": 7}}


# --- LibreLane ------------------------------------------------------------------------------------


def test_the_design_for_librelane_reads_no_files_and_works(
    mapped: api.Design, verilator_program: Path, tmp_path: Path
) -> None:
    package = mapped.export("librelane")
    config = json.loads((package / "config.json").read_text())
    assert config["DESIGN_NAME"] == "tiny"
    assert config["CLOCK_PERIOD"] == 20.0
    named = [*config["VERILOG_FILES"], config["PNR_SDC_FILE"], config["SIGNOFF_SDC_FILE"]]
    assert all((package / name.removeprefix("dir::")).is_file() for name in named)
    source = package / "src/tiny.v"
    assert "readmem" not in source.read_text()
    archive = mapped.export("tar", tmp_path / "t.tar.gz")
    subprocess.run(["tar", "xzf", archive.name], cwd=tmp_path, check=True)
    folder = tmp_path / "tiny"
    for path in (folder / "rtl").iterdir():
        path.unlink()
    (folder / "rtl/tiny.v").write_bytes(source.read_bytes())
    (folder / "rtl/files.f").write_text("tiny.v\n")
    environment = {"PATH": f"{verilator_program.parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["make", "sim"], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert "0 mismatches" in done.stdout, done.stdout + done.stderr


# --- whole networks -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("network", "input_type"),
    [("qkeras_jettagging", None), ("gtsrb_12x12_w2a3", None), ("TFC_2W2A", None)],
)
def test_a_network_is_equal_in_gates(
    network: str, input_type: str | None, shared_models: Path, shared_liberty: Path, tmp_path: Path
) -> None:
    graph = api.load(shared_models / f"{network}.onnx", input_type)
    plan = api.plan(graph, part=f"liberty:{shared_liberty}", clock_mhz=100.0)
    design = api.emit(plan, tmp_path, backends=("rtl",))
    report = design.synth("yosys", vectors=8)
    assert report.verify.netlist is not None
    assert report.verify.netlist.mismatches == 0
    assert report.verify.netlist.vectors >= 1
    assert report.asic is not None
    assert (report.asic.area_um2 or 0) > 50_000
    estimated = sum(layer.gates or 0 for layer in plan_report(plan).layers)
    assert 0.5 < estimated / (report.asic.gate_equivalents or np.inf) < 2
