// SPDX-License-Identifier: Apache-2.0
//
// tr_window: for every position of a kernel on an image, row by row, all words of its window (taps row by row).
//
// Latency   2 cycles from the first word taken to the first word offered; every word leaves as soon as it has come and
//           its turn is there. 1 cycle where the words leave in the order in which they came.
// Rate      interval = max(words in, words out) of a frame, without a pause between frames, if DEPTH is that of
//           tailrace.blocks.window.Window, the smallest that does. A smaller one costs cycles, mostly between frames.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a function of registers only: a
//           word that no window uses is always taken, any other while there is a free place.
//           (In-order windows: s_axis_tready follows m_axis_tready.)
// Memory    a ring of DEPTH words; rows and columns that no window uses are not stored. None where the words leave in
//           order (windows of a signal that do not overlap, one window as large as the image, single pixels).
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_window #(
    parameter integer LANES      = 2,   // values of a word, divides CHANNELS
    parameter integer BITS       = 4,   // bits of a value
    parameter integer CHANNELS   = 4,
    parameter integer HEIGHT     = 5,   // rows of the image, padding included
    parameter integer WIDTH      = 6,   // columns of the image, padding included
    parameter integer KERNEL_H   = 3,
    parameter integer KERNEL_W   = 3,
    parameter integer STRIDE_H   = 1,
    parameter integer STRIDE_W   = 1,
    parameter integer DILATION_H = 1,
    parameter integer DILATION_W = 1,
    parameter integer DEPTH      = 46   // places of the ring; more than lie between the first and the last word of a window
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
    function integer greatest_common_divisor(input integer first, input integer second);
        integer a, b, rest;
        begin
            a = first;
            b = second;
            while (b != 0) begin
                rest = a % b;
                a = b;
                b = rest;
            end
            greatest_common_divisor = a;
        end
    endfunction

    localparam integer GROUPS = CHANNELS / LANES;  // words of a pixel

    // Positions of the kernel, and the last row or column that it covers.
    localparam integer OUT_H  = (HEIGHT - (KERNEL_H - 1) * DILATION_H - 1) / STRIDE_H + 1;
    localparam integer OUT_W  = (WIDTH - (KERNEL_W - 1) * DILATION_W - 1) / STRIDE_W + 1;
    localparam integer LAST_H = (OUT_H - 1) * STRIDE_H + (KERNEL_H - 1) * DILATION_H;
    localparam integer LAST_W = (OUT_W - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W;

    // Rows and columns that are kept. Windows that lie apart keep their taps only; of others, every row or column that
    // is a multiple of a common divisor of stride and dilation. On the smaller image of what is kept, windows are
    // MOVE apart and taps SPREAD.
    localparam integer APART_H  = OUT_H == 1 || (KERNEL_H - 1) * DILATION_H < STRIDE_H ? 1 : 0;
    localparam integer APART_W  = OUT_W == 1 || (KERNEL_W - 1) * DILATION_W < STRIDE_W ? 1 : 0;
    localparam integer COMMON_H = greatest_common_divisor(STRIDE_H, DILATION_H);
    localparam integer COMMON_W = greatest_common_divisor(STRIDE_W, DILATION_W);
    localparam integer GAP_H    = OUT_H == 1 ? 1 : APART_H != 0 ? STRIDE_H - (KERNEL_H - 1) * DILATION_H : COMMON_H;
    localparam integer GAP_W    = OUT_W == 1 ? 1 : APART_W != 0 ? STRIDE_W - (KERNEL_W - 1) * DILATION_W : COMMON_W;
    localparam integer KEPT_H   = APART_H != 0 ? OUT_H * KERNEL_H : LAST_H / COMMON_H + 1;
    localparam integer KEPT_W   = APART_W != 0 ? OUT_W * KERNEL_W : LAST_W / COMMON_W + 1;
    localparam integer MOVE_H   = APART_H != 0 ? KERNEL_H : STRIDE_H / COMMON_H;
    localparam integer MOVE_W   = APART_W != 0 ? KERNEL_W : STRIDE_W / COMMON_W;
    localparam integer SPREAD_H = APART_H != 0 ? 1 : DILATION_H / COMMON_H;
    localparam integer SPREAD_W = APART_W != 0 ? 1 : DILATION_W / COMMON_W;

    wire keep;  // the word on offer is needed

    generate
        if (KEPT_H == HEIGHT && KEPT_W == WIDTH) begin : all
            assign keep = 1'b1;
        end else begin : skip
            // Whole rows are skipped word by word; where columns are skipped too, there is a count of the words of a
            // pixel of its own.
            localparam integer GROUPED = KEPT_W == WIDTH ? 1 : GROUPS;
            localparam integer COLUMNS = KEPT_W == WIDTH ? WIDTH * GROUPS : WIDTH;
            wire take = s_axis_tvalid && s_axis_tready;
            wire keep_column, keep_row, keep_word, pixel_end, row_end, frame_end;
            tr_axis #(
                .SIZE      (GROUPED),
                .LAST      (GROUPED - 1),
                .TAPS      (1),
                .TAP_STEP  (1),
                .GROUP_STEP(1)
            ) word (
                .clk   (clk),
                .rst   (rst),
                .step  (take),
`ifdef FORMAL
                .formal_position(formal_group),
`endif
                .keep  (keep_word),
                .at_end(pixel_end)
            );
            tr_axis #(
                .SIZE      (COLUMNS),
                .LAST      (KEPT_W == WIDTH ? COLUMNS - 1 : LAST_W),
                .TAPS      (KEPT_W == WIDTH || APART_W == 0 ? 1 : KERNEL_W),
                .TAP_STEP  (DILATION_W),
                .GROUP_STEP(KEPT_W == WIDTH ? 1 : GAP_W)
            ) column (
                .clk   (clk),
                .rst   (rst),
                .step  (take && pixel_end),
`ifdef FORMAL
                .formal_position(formal_column),
`endif
                .keep  (keep_column),
                .at_end(row_end)
            );
            tr_axis #(
                .SIZE      (HEIGHT),
                .LAST      (LAST_H),
                .TAPS      (APART_H != 0 ? KERNEL_H : 1),
                .TAP_STEP  (DILATION_H),
                .GROUP_STEP(GAP_H)
            ) row (
                .clk   (clk),
                .rst   (rst),
                .step  (take && pixel_end && row_end),
`ifdef FORMAL
                .formal_position(formal_row),
`endif
                .keep  (keep_row),
                .at_end(frame_end)
            );
            assign keep = keep_column && keep_row;
            wire unused = &{1'b0, keep_word, frame_end};
        end

        if (APART_H != 0 && APART_W != 0 && (KERNEL_H == 1 || OUT_W == 1)) begin : order
            // Every kept word leaves once, in the order in which they came.
            reg  [LANES*BITS-1:0] out_q;
            reg                   valid_q;
            wire                  advance = !valid_q || m_axis_tready;
            assign s_axis_tready = advance || !keep;
            assign m_axis_tdata  = out_q;
            assign m_axis_tvalid = valid_q;
            always @(posedge clk) begin
                if (advance) out_q <= s_axis_tdata;
                if (rst) valid_q <= 1'b0;
                else if (advance) valid_q <= s_axis_tvalid && keep;
            end
        end else begin : memory
            localparam integer COUNT_BITS = $clog2(DEPTH + 1);
            localparam integer ROW = KEPT_W * GROUPS;  // words
            // What is not needed after the last word of a window: up to the first word of the next.
            localparam [31:0] FREED_WINDOW = MOVE_W * GROUPS;
            localparam [31:0] FREED_ROW = MOVE_H * ROW - (OUT_W - 1) * MOVE_W * GROUPS;
            localparam [31:0] FREED_FRAME = (KEPT_H - (OUT_H - 1) * MOVE_H) * ROW - (OUT_W - 1) * MOVE_W * GROUPS;
            wire [         4:0] last;
            wire [COUNT_BITS:0] freed = last[2:0] != 3'b111 ? {(COUNT_BITS + 1) {1'b0}} :
                                        !last[3] ? FREED_WINDOW[COUNT_BITS:0] :
                                        !last[4] ? FREED_ROW[COUNT_BITS:0] : FREED_FRAME[COUNT_BITS:0];
            wire                room;
            assign s_axis_tready = room || !keep;
            tr_ring #(
                .WIDTH     (LANES * BITS),
                .DEPTH     (DEPTH),
                .COUNT_BITS(COUNT_BITS),
                .PERIOD    (KEPT_H * ROW),
                .EXTENT_0  (GROUPS),
                .EXTENT_1  (KERNEL_W),
                .EXTENT_2  (KERNEL_H),
                .EXTENT_3  (OUT_W),
                .EXTENT_4  (OUT_H),
                .STRIDE_0  (1),
                .STRIDE_1  (SPREAD_W * GROUPS),
                .STRIDE_2  (SPREAD_H * ROW),
                .STRIDE_3  (MOVE_W * GROUPS),
                .STRIDE_4  (MOVE_H * ROW)
            ) ring (
                .clk      (clk),
                .rst      (rst),
                .in_word  (s_axis_tdata),
                .in_valid (s_axis_tvalid && keep),
                .in_ready (room),
                .out_word (m_axis_tdata),
                .out_valid(m_axis_tvalid),
                .out_ready(m_axis_tready),
                .last     (last),
                .freed    (freed)
            );
`ifdef SIMULATION
            localparam integer SPAN = (KERNEL_H - 1) * SPREAD_H * ROW + (KERNEL_W - 1) * SPREAD_W * GROUPS + GROUPS;
            initial if (DEPTH < SPAN) begin
                $display("tr_window: DEPTH %0d is less than the %0d words from the first to the last of a window", DEPTH, SPAN);
                $stop;
            end
`endif
        end
    endgenerate

    wire unused_constants = &{1'b0, GAP_H[0], GAP_W[0], MOVE_H[0], MOVE_W[0], SPREAD_H[0], SPREAD_W[0], DEPTH[0]};
endmodule

`default_nettype wire
