// SPDX-License-Identifier: Apache-2.0
//
// small: 3 lanes of int4 to 2 lanes of uint3, all computed side by side.
//
// Latency   2 cycles.
// Rate      a word every cycle.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; all stages stall together.
// Reset     synchronous, active high; clears valid, leaves data.
`default_nettype none

module small (
    input  wire clk,
    input  wire rst,
    input  wire [11:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    output wire [5:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready
);
    reg [1:0] valid_q;
    wire enable = !m_axis_tvalid || m_axis_tready;
    assign s_axis_tready = enable;
    assign m_axis_tvalid = valid_q[1];

    always @(posedge clk) begin
        if (rst) valid_q <= 2'd0;
        else if (enable) valid_q <= {valid_q[0:0], s_axis_tvalid};
    end

    wire [7:0] first = {s_axis_tdata[8 +: 3], s_axis_tdata[4 +: 3], s_axis_tdata[0 +: 2]};

    wire [13:0] stage0;
    reg [13:0] stage0_q;
    small_stage0 u_stage0 (
        .d(first),
        .q(stage0)
    );
    always @(posedge clk) if (enable) stage0_q <= stage0;

    wire [5:0] stage1;
    reg [5:0] stage1_q;
    small_stage1 u_stage1 (
        .d(stage0_q),
        .q(stage1)
    );
    always @(posedge clk) if (enable) stage1_q <= stage1;

    assign m_axis_tdata[0 +: 3] = stage1_q[2:0];
    assign m_axis_tdata[3 +: 3] = stage1_q[5:3];

    // Lanes that no output depends on, padding, registers of constants.
    // verilator lint_off UNUSEDSIGNAL
    wire unused = &{1'b0, s_axis_tdata};
    // verilator lint_on UNUSEDSIGNAL
endmodule

`default_nettype wire
