# SPDX-License-Identifier: Apache-2.0
"""Place and route of blocks that are mapped already, in a four-pin harness or on a board's pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tailrace.core.errors import ToolError, UsageError
from tailrace.targets.boards import board
from tailrace.targets.families import FAMILIES
from tailrace.targets.parts import part as find_part
from tailrace.tools.nextpnr import place_and_route
from tailrace.tools.yosys import synthesize
from tools import designs

if TYPE_CHECKING:
    from pathlib import Path

PAIR = """
module pair (
    input  wire        clk,
    input  wire        rst,
    input  wire [17:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    output wire [17:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready
);
    wire [17:0] tdata;
    wire        tvalid, tready;
    first a (.clk(clk), .rst(rst), .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
             .s_axis_tready(s_axis_tready), .m_axis_tdata(tdata), .m_axis_tvalid(tvalid),
             .m_axis_tready(tready));
    second b (.clk(clk), .rst(rst), .s_axis_tdata(~tdata), .s_axis_tvalid(tvalid), .s_axis_tready(tready),
              .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready));
endmodule
"""

BLINK = """
module blink (input wire clk, output wire [1:0] led);
    reg [23:0] count_q = 0;
    always @(posedge clk) count_q <= count_q + 1;
    assign led = count_q[23:22];
endmodule
"""

COUNT = """
module count (input wire clk, input wire enable, output reg [11:0] q);
    initial q = 0;
    always @(posedge clk) if (enable) q <= q + 1;
endmodule
"""


def blocks(folder: Path, family: str) -> list:
    found = []
    for name, style in (("first", 0), ("second", 1)):
        mac = designs.make_mac(folder, style=style)
        found.append(
            synthesize(
                top="mac",
                sources=[designs.MAC],
                folder=folder,
                family=FAMILIES[family],
                parameters=mac.parameters,
                name=name,
            )
        )
    return found


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_two_mapped_blocks_and_their_top_are_placed(family: str, tmp_path: Path) -> None:
    mapped = blocks(tmp_path, family)
    (tmp_path / "pair.v").write_text(PAIR)
    result = place_and_route(
        top="pair",
        block_rtlil=[each.rtlil for each in mapped],
        sources=[tmp_path / "pair.v"],
        folder=tmp_path / "pnr",
        part={"ecp5": "ecp5-85k", "ice40": "ice40-hx8k"}[family],
        clock_mhz=20,
    )
    assert result.met
    assert 20 <= result.fmax_mhz < 1000
    assert result.harness_bits == 1 + 18 + 1 + 1 + 1 + 18 + 1
    assert result.bitstream.stat().st_size > 10_000
    assert result.version.startswith(f"nextpnr-{family} 0.")
    used = {cell: count for cell, (count, _) in result.utilization.items()}
    flip_flops = sum(each.resources.ff for each in mapped) + result.harness_bits + 1  # and one for load
    if family == "ecp5":
        assert used["TRELLIS_FF"] == flip_flops
        assert used["DP16KD"] == sum(each.resources.bram18 for each in mapped) == 1
        assert used["MULT18X18D"] == sum(each.resources.dsp for each in mapped) == 6
        # our LUT count (with two for each carry cell) is nextpnr's, but for the harness' and a few it adds
        # itself
        luts = sum(each.resources.lut for each in mapped)
        assert luts + 20 <= used["TRELLIS_COMB"] <= luts + 70
    else:
        assert used["ICESTORM_RAM"] == 4 * sum(each.resources.bram18 for each in mapped) == 2
        luts = sum(each.resources.lut for each in mapped)
        assert luts <= used["ICESTORM_LC"] <= luts + 41 + 80


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["gw1nr-9c", "gw2ar-18c", "lifcl-40", "machxo2-1200", "machxo3lf-6900", "ccgm1a1"]
)
def test_a_mapped_block_is_placed_on_parts_of_other_families(part: str, tmp_path: Path) -> None:
    chosen = find_part(part)
    (tmp_path / "count.v").write_text(COUNT)
    mapped = synthesize(top="count", sources=[tmp_path / "count.v"], folder=tmp_path, family=chosen.family)
    result = place_and_route(
        top="count",
        block_rtlil=[mapped.rtlil],
        sources=[],
        folder=tmp_path / "pnr",
        part=chosen,
        clock_mhz=20,
    )
    assert result.met
    assert 20 <= result.fmax_mhz < 1000
    assert result.harness_bits == 1 + 12
    assert (chosen.open_flow == "bitstream") == (result.bitstream is not None)
    if result.bitstream is not None:
        assert result.bitstream.stat().st_size > 1_000


def test_a_block_alone_is_placed_and_a_missed_clock_is_no_error(tmp_path: Path) -> None:
    mac = designs.make_mac(tmp_path)
    mapped = synthesize(
        top="mac", sources=[designs.MAC], folder=tmp_path, family=FAMILIES["ice40"], parameters=mac.parameters
    )
    result = place_and_route(
        top="mac",
        block_rtlil=[mapped.rtlil],
        sources=[],
        folder=tmp_path / "pnr",
        part="ice40-hx8k",
        clock_mhz=800,
    )
    assert not result.met
    assert 20 < result.fmax_mhz < 800


def test_ports_without_a_harness_are_placed_on_the_pins_of_a_file(tmp_path: Path) -> None:
    chosen = board("icebreaker")
    (tmp_path / "blink.v").write_text(BLINK)
    (tmp_path / "blink.pcf").write_text("set_io clk 35\nset_io led[0] 11\nset_io led[1] 37\n")
    result = place_and_route(
        top="blink",
        block_rtlil=[],
        sources=[tmp_path / "blink.v"],
        folder=tmp_path / "pnr",
        part=chosen.part,
        clock_mhz=chosen.clock_mhz,
        constraints=tmp_path / "blink.pcf",
    )
    assert result.met
    assert result.harness_bits == 0
    assert result.bitstream.stat().st_size > 10_000


def test_a_part_without_an_open_placer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        place_and_route(
            top="mac", block_rtlil=[], sources=[designs.MAC], folder=tmp_path, part="xczu7ev", clock_mhz=100
        )
    assert str(caught.value) == (
        "nextpnr does not place xczu7ev\n"
        "  hint: it places ecp5, ice40, nexus, machxo2, machxo3, gw1n, gw2a and gatemate parts (tailrace parts); use "
        "--tool vivado, or --tool yosys for the resources alone"
    )


def test_an_unknown_part_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no part 'ecp5-58k'"):
        place_and_route(
            top="mac", block_rtlil=[], sources=[designs.MAC], folder=tmp_path, part="ecp5-58k", clock_mhz=100
        )


def test_a_design_that_does_not_fit_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "large.v").write_text(
        "module large (input wire clk, input wire a, output wire b);\n"
        "    reg [1999:0] q;\n    always @(posedge clk) q <= {q[1998:0], a ^ q[1999]};\n"
        "    assign b = q[1999];\nendmodule\n"
    )
    with pytest.raises(ToolError, match=r"(?i)unable to (find|place)|fail|legal"):
        place_and_route(
            top="large",
            block_rtlil=[],
            sources=[tmp_path / "large.v"],
            folder=tmp_path / "pnr",
            part="ice40-hx1k",
            clock_mhz=10,
        )


def test_a_module_without_clk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wires.v").write_text("module wires (input wire a, output wire b); assign b = a; endmodule\n")
    with pytest.raises(ToolError, match="wires has no input clk"):
        place_and_route(
            top="wires",
            block_rtlil=[],
            sources=[tmp_path / "wires.v"],
            folder=tmp_path / "pnr",
            part="ice40-hx1k",
            clock_mhz=10,
        )
