// SPDX-License-Identifier: Apache-2.0
//
// tr_median: the median of the lanes of a word.
//
// The rank of a lane is the number of lanes before it in order, of equal ones those with a lower index; the lane whose
// rank is half of the others is the median.
//
// Latency   2 cycles; a word every cycle.
// Handshake AXI-Stream: the payload is held while tvalid && !tready.
// Reset     synchronous, active high; clears valid, leaves data.
`default_nettype none

module tr_median #(
    parameter integer LANES  = 5,  // values in a word, an odd number
    parameter integer BITS   = 4,
    parameter integer SIGNED = 1   // 1: two's complement
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [LANES*BITS-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    output wire [      BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);
    localparam integer RANK_BITS = $clog2(LANES + 1);

    reg  [1:0] valid_q;
    wire       enable = !m_axis_tvalid || m_axis_tready;

    assign s_axis_tready = enable;
    assign m_axis_tvalid = valid_q[1];

    always @(posedge clk) begin
        if (rst) valid_q <= 2'b00;
        else if (enable) valid_q <= {valid_q[0], s_axis_tvalid};
    end

    // Ranks: two's complement is compared as unsigned with its sign turned round.
    wire [LANES*BITS-1:0] turned = s_axis_tdata ^ {LANES{SIGNED != 0, {(BITS-1){1'b0}}}};
    reg  [LANES*RANK_BITS-1:0] rank_d;
    reg  [LANES*RANK_BITS-1:0] rank_q;
    reg  [     LANES*BITS-1:0] word_q;
    integer lane, other;

    always @* begin
        rank_d = {(LANES*RANK_BITS){1'b0}};
        for (lane = 0; lane < LANES; lane = lane + 1)
            for (other = 0; other < LANES; other = other + 1)
                if (turned[other*BITS+:BITS] < turned[lane*BITS+:BITS]
                    || (other < lane && turned[other*BITS+:BITS] == turned[lane*BITS+:BITS]))
                    rank_d[lane*RANK_BITS+:RANK_BITS] =
                        rank_d[lane*RANK_BITS+:RANK_BITS] + {{(RANK_BITS-1){1'b0}}, 1'b1};
    end

    always @(posedge clk) begin
        if (enable) begin
            rank_q <= rank_d;
            word_q <= s_axis_tdata;
        end
    end

    // The lane in the middle.
    localparam [RANK_BITS-1:0] MIDDLE = LANES / 2;
    reg [BITS-1:0] median_d;
    reg [BITS-1:0] median_q;
    integer candidate;

    always @* begin
        median_d = {BITS{1'b0}};
        for (candidate = 0; candidate < LANES; candidate = candidate + 1)
            if (rank_q[candidate*RANK_BITS+:RANK_BITS] == MIDDLE)
                median_d = median_d | word_q[candidate*BITS+:BITS];
    end

    always @(posedge clk) if (enable) median_q <= median_d;

    assign m_axis_tdata = median_q;
endmodule

`default_nettype wire
