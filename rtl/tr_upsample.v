// SPDX-License-Identifier: Apache-2.0
//
// tr_upsample: nearest neighbour: sends every pixel FACTOR_W times and every row FACTOR_H times.
//
// Latency   2 cycles; the first copy of a row goes out while the row comes in.
// Rate      a word out every cycle, without a pause between rows and frames.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a function of registers only:
//           low while a row is inside, until its last copy begins to go.
// Memory    a ring of one row (one pixel for FACTOR_H 1) and of two words at least.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_upsample #(
    parameter integer LANES    = 2,  // values of a word, divides CHANNELS
    parameter integer BITS     = 4,  // bits of a value
    parameter integer CHANNELS = 4,
    parameter integer HEIGHT   = 2,  // rows of the input; any number, for a row is like the other
    parameter integer WIDTH    = 3,  // columns of the input
    parameter integer FACTOR_H = 2,
    parameter integer FACTOR_W = 2
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [LANES*BITS-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);
    localparam integer GROUPS = CHANNELS / LANES;  // words of a pixel
    // What is repeated as a whole: a row, or a pixel where rows are not, or a word where nothing is.
    localparam integer PIXEL = FACTOR_W > 1 ? GROUPS : 1;
    localparam integer ROW = FACTOR_H > 1 ? WIDTH * GROUPS : PIXEL;
    localparam integer DEPTH = ROW > 2 ? ROW : 2;
    localparam integer COUNT_BITS = $clog2(DEPTH + 1);

    wire [4:0] last;
    // In the last copy of the row, the last copy of the pixel: each word read makes room for one of the next row.
    wire [COUNT_BITS:0] freed = {{COUNT_BITS{1'b0}}, last[1] && last[3]};

`ifdef FORMAL
    // Stable, counted and marked are proven in the ring; here, that it sends each word where it belongs.
    wire [39:0] formal_counts;
    wire        formal_put;
    wire [ 7:0] formal_came;
    wire [ 7:0] formal_went;
    wire [ 7:0] formal_held;
    wire [ 7:0] formal_source;
    wire [ 7:0] formal_oldest = !last[3] ? 8'd0 : formal_counts[23:16] * PIXEL + (last[1] ? formal_counts[7:0] : 8'd0);
    reg         started = 1'b0;
    // the place of the word in the enlarged row, or rows: copies of rows, pixels, copies of these, words
    wire [ 7:0] word_out = formal_went % PIXEL;
    wire [ 7:0] column_out = formal_went / PIXEL % (ROW / PIXEL * FACTOR_W);
    always @(posedge clk) started <= 1'b1;
    always @* if (started && !rst) begin
        assert (formal_source == column_out / FACTOR_W * PIXEL + word_out);
        assert (formal_put == (s_axis_tvalid && s_axis_tready));
    end
`endif

    tr_ring #(
        .WIDTH     (LANES * BITS),
        .DEPTH     (DEPTH),
        .COUNT_BITS(COUNT_BITS),
        .PERIOD    (ROW),
        .EXTENT_0  (PIXEL),
        .EXTENT_1  (FACTOR_W),
        .EXTENT_2  (ROW / PIXEL),
        .EXTENT_3  (FACTOR_H),
        .EXTENT_4  (1),
        .STRIDE_0  (1),
        .STRIDE_1  (0),
        .STRIDE_2  (PIXEL),
        .STRIDE_3  (0),
        .STRIDE_4  (0)
    ) ring (
        .clk      (clk),
        .rst      (rst),
        .in_word  (s_axis_tdata),
        .in_valid (s_axis_tvalid),
        .in_ready (s_axis_tready),
        .out_word (m_axis_tdata),
        .out_valid(m_axis_tvalid),
        .out_ready(m_axis_tready),
        .last     (last),
        .freed    (freed)
`ifdef FORMAL
        ,
        .formal_oldest(formal_oldest),
        .formal_counts(formal_counts),
        .formal_put   (formal_put),
        .formal_came  (formal_came),
        .formal_went  (formal_went),
        .formal_held  (formal_held),
        .formal_source(formal_source)
`endif
    );

    wire unused = &{1'b0, last, HEIGHT[0]};
endmodule

`default_nettype wire
