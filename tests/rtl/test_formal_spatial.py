# SPDX-License-Identifier: Apache-2.0
"""A spatial layer under any stalls: each word that goes in comes out once, in its turn, as the product; bounded proof.

The reference is the sum of products as Verilog's own operators compute it, beside as many registers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tailrace.spatial.build import ConstantProduct, build
from tailrace.spatial.rtl import emit_spatial, lane_types
from tailrace.targets.families import FAMILIES
from tailrace.targets.family import PORTABLE
from tailrace.tools.formal import Proof, prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.formal

WEIGHTS = np.array([[3, -5], [-6, 11], [5, 5]])
BIAS = np.array([4, 0, -9])
STAGES = 3
DEPTH = 12

WRAPPER = """\
module wrapper (input wire clk, input wire rst, input wire [{i}:0] x, input wire x_valid, input wire y_ready);
    wire [{o}:0] y;
    wire x_ready, y_valid;
    circuit dut (
        .clk(clk), .rst(rst), .s_axis_tdata(x), .s_axis_tvalid(x_valid), .s_axis_tready(x_ready),
        .m_axis_tdata(y), .m_axis_tvalid(y_valid), .m_axis_tready(y_ready)
    );
    reg past = 1'b0;
    always @(posedge clk) past <= 1'b1;
    always @* if (!past) assume (rst);

{lanes}
    wire [{o}:0] product = {{{products}}};

    // As many registers as words can be inside, in order.
    reg [{o}:0] held [0:{last}];
    integer count = 0;
    integer k;
    wire take = x_valid && x_ready && !rst, send = y_valid && y_ready && !rst;
    always @(posedge clk) begin
        if (send) for (k = 0; k < {last}; k = k + 1) held[k] <= held[k + 1];
        if (take) held[count - (send ? 1 : 0)] <= product;
        count <= rst ? 0 : count + (take ? 1 : 0) - (send ? 1 : 0);
    end
    always @* if (past && !rst && y_valid) begin
        assert (count > 0);
        assert (y == held[0]);
    end
    always @* if (past && !rst) assert (count <= {ranks});
    always @(posedge clk)
        if (past && !rst && $past(!rst && y_valid && !y_ready)) assert (y_valid && y == $past(y));
endmodule
"""


def proven(folder: Path, old: str = "", new: str = "") -> Proof:
    circuit = build(
        (ConstantProduct(name="layer", weights=WEIGHTS, bias=BIAS),),
        np.full(2, -4),
        np.full(2, 3),
        family=FAMILIES["ecp5"],
        ranks=STAGES,
    )
    files = emit_spatial(circuit, "circuit", primitives=PORTABLE)
    given, taken = lane_types(circuit)
    assert (given.bits, given.signed, taken.signed) == (3, True, True)
    wires = [f"    wire signed [2:0] x{lane} = x[{lane * 3 + 2}:{lane * 3}];" for lane in range(2)]
    sums = [
        f"    wire signed [{taken.bits - 1}:0] y{row} = "
        + " + ".join(f"(x{lane} * ({int(WEIGHTS[row, lane])}))" for lane in range(2))
        + f" + ({int(BIAS[row])});"
        for row in range(3)
    ]
    files["wrapper.v"] = WRAPPER.format(
        i=5,
        o=3 * taken.bits - 1,
        last=STAGES,
        ranks=STAGES,
        lanes="\n".join(wires + sums),
        products="y2, y1, y0",
    )
    if old:
        assert old in files["circuit.v"]
        files["circuit.v"] = files["circuit.v"].replace(old, new)
    for name, text in files.items():
        (folder / name).write_text(text)
    sources = [folder / name for name in files]
    return prove(
        sources=sources,
        top="wrapper",
        parameters={},
        depth=DEPTH,
        folder=folder / "proof",
        induction=False,
    )


def test_words_come_out_in_their_turn_as_the_product(tmp_path: Path) -> None:
    assert proven(tmp_path).passed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("assign s_axis_tready = enable;", "assign s_axis_tready = 1'b1;"),
        ("wire enable = !m_axis_tvalid || m_axis_tready;", "wire enable = 1'b1;"),
        ("if (enable) stage1_q <= stage1;", "stage1_q <= stage1;"),
    ],
)
def test_a_broken_handshake_is_found(old: str, new: str, tmp_path: Path) -> None:
    assert not proven(tmp_path, old, new).passed
