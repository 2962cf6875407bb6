// SPDX-License-Identifier: Apache-2.0
//
// tr_stall: withholds the words of a stream now and then, for simulation only; nothing is stored, lost or doubled.
//
// The stream goes through phases of random length: open, held every other cycle on average, and closed. So what is
// before it fills up, what is behind it runs dry, and both meet words that come alone and words that come at once.
//
// Latency   none; a word every cycle while it is open.
// Handshake AXI-Stream: a word that was offered stays until it is taken. tdata is inverted while tvalid is low.
// Reset     synchronous, active high; the phases go on.
`default_nettype none

module tr_stall #(
    parameter integer WIDTH = 8,          // bits of a word
    parameter integer NUMBER = 0,         // of this stream in its design: each has phases of its own
    parameter integer CLOSED_IN_256 = 32  // so many of 256 phases are closed, and as many half open
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);
    reg        hold_q;
    reg        closed_q;
    reg        half_q;
    reg [9:0]  left_q;    // cycles of this phase to come
    reg [31:0] random_q;  // never 0
    integer    seed;      // of the simulation: +tr_seed=N

    // Marsaglia, "Xorshift RNGs" (2003), shifts 13, 17, 5.
    wire [31:0] a = random_q ^ {random_q[18:0], 13'd0};
    wire [31:0] b = a ^ {17'd0, a[31:17]};
    wire [31:0] next = b ^ {b[26:0], 5'd0};
    // Phases of up to 8, 32, 128 or 1,024 cycles.
    wire [9:0] most = {{3{next[9:8] == 2'd3}}, {2{next[9]}}, {2{|next[9:8]}}, 3'd7};

    assign m_axis_tvalid = s_axis_tvalid && !hold_q;
    assign s_axis_tready = m_axis_tready && !hold_q;
    assign m_axis_tdata  = m_axis_tvalid ? s_axis_tdata : ~s_axis_tdata;

    initial begin
        if (!$value$plusargs("tr_seed=%d", seed)) seed = 1;
        random_q = (seed * 32'h9e3779b9) ^ ((NUMBER + 1) * 32'h85ebca6b);
        if (random_q == 32'd0) random_q = 32'd1;
        hold_q   = 1'b0;
        closed_q = 1'b0;
        half_q   = 1'b0;
        left_q   = 10'd0;
    end

    always @(posedge clk) begin
        random_q <= next;
        left_q   <= left_q == 10'd0 ? next[19:10] & most : left_q - 10'd1;
        if (left_q == 10'd0) begin
            closed_q <= {24'd0, next[27:20]} < CLOSED_IN_256;
            half_q   <= {24'd0, next[27:20]} < 2 * CLOSED_IN_256;
        end
        if (rst) hold_q <= 1'b0;
        else if (!m_axis_tvalid || m_axis_tready) hold_q <= closed_q || (half_q && next[31]);
    end
endmodule

`default_nettype wire
