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

`ifdef FORMAL
    // Stable, counted and marked are proven for the words that are kept; here, which they are, and which of them belongs
    // where.
    reg        started = 1'b0;
    reg  [7:0] taken;          // words in, of the frame that is coming; kept or not
    wire [7:0] formal_came;    // words kept, of this frame
    wire [7:0] formal_went;    // words out, of the frame that is going
    wire [7:0] formal_source;  // which of the words kept goes next

    // Rows, columns, words of the image: the place of the word that comes, and of the word that goes.
    wire [7:0] in_row = taken / (WIDTH * GROUPS);
    wire [7:0] in_column = taken / GROUPS % WIDTH;
    wire [7:0] in_group = taken % GROUPS;
    wire [7:0] pixel = formal_went / GROUPS;
    wire [7:0] position = pixel / (KERNEL_H * KERNEL_W);
    wire [7:0] out_row = position / OUT_W * STRIDE_H + pixel / KERNEL_W % KERNEL_H * DILATION_H;
    wire [7:0] out_column = position % OUT_W * STRIDE_W + pixel % KERNEL_W * DILATION_W;
    wire [7:0] out_group = formal_went % GROUPS;

    // Positions of an axis that are kept up to one: those before it, and whether it is one.
    function [7:0] rank_of(input [7:0] place, input integer apart, input integer windows, input integer taps, input integer stride,
                           input integer dilation, input integer common, input integer kept);
        reg [7:0] rank, rest;
        begin
            rest = windows == 1 ? place : place % stride;
            rank = (rest + dilation - 1) / dilation;
            rank = (rank > taps ? taps : rank) + (windows == 1 ? 8'd0 : place / stride * taps);
            if (apart == 0) rank = (place + common - 1) / common;
            rank_of = rank > kept ? kept : rank;
        end
    endfunction
    function [7:0] row_rank(input [7:0] place);
        row_rank = rank_of(place, APART_H, OUT_H, KERNEL_H, STRIDE_H, DILATION_H, COMMON_H, KEPT_H);
    endfunction
    function [7:0] column_rank(input [7:0] place);
        column_rank = rank_of(place, APART_W, OUT_W, KERNEL_W, STRIDE_W, DILATION_W, COMMON_W, KEPT_W);
    endfunction
    wire       row_kept = row_rank(in_row + 8'd1) != row_rank(in_row);
    wire       column_kept = column_rank(in_column + 8'd1) != column_rank(in_column);
    wire [7:0] came = (row_rank(in_row) * KEPT_W + (row_kept ? column_rank(in_column) : 8'd0)) * GROUPS +
                      (row_kept && column_kept ? in_group : 8'd0);

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        if (rst) taken <= 8'd0;
        else if (s_axis_tvalid && s_axis_tready) taken <= taken == HEIGHT * WIDTH * GROUPS - 1 ? 8'd0 : taken + 8'd1;
    end

    always @* if (started && !rst) begin
        assert (taken < HEIGHT * WIDTH * GROUPS);
        assert (keep == (row_kept && column_kept));
        assert (formal_came == came % (KEPT_H * KEPT_W * GROUPS));  // the count of the ring turns before the frame ends
        assert (formal_source == (row_rank(out_row) * KEPT_W + column_rank(out_column)) * GROUPS + out_group);
        assert (row_rank(out_row + 8'd1) != row_rank(out_row) && column_rank(out_column + 8'd1) != column_rank(out_column));
        if (!keep) assert (s_axis_tready);
    end
`endif

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
`ifdef FORMAL
            wire [7:0] formal_group, formal_column, formal_row;
            always @* if (started && !rst)
                assert (taken == (formal_row * COLUMNS + formal_column) * GROUPED + formal_group);
`endif
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
`ifdef FORMAL
            // The marked word, `slot` among those of a frame that are kept, is the present one, or not inside.
            localparam integer PERIOD = KEPT_H * KEPT_W * GROUPS;
            (* anyconst *) reg [7:0]            slot;
            (* anyconst *) reg [LANES*BITS-1:0] word;
            (* anyseq *)   reg                  mark;
            reg                  past = 1'b0;  // the last cycle was one without reset
            reg                  stalled;      // the last cycle offered a word that was not taken
            reg [LANES*BITS-1:0] offered;
            reg [7:0]            number;       // words kept of the frame that is coming
            reg [7:0]            sent;         // words out, of the frame that is going
            reg                  live;
            wire                 put = s_axis_tvalid && s_axis_tready && keep;
            wire                 take = m_axis_tvalid && m_axis_tready;
            assign formal_came   = number;
            assign formal_went   = sent;
            assign formal_source = sent;
            always @(posedge clk) begin
                past    <= !rst;
                stalled <= m_axis_tvalid && !m_axis_tready;
                offered <= m_axis_tdata;
                if (rst) begin
                    number <= 8'd0;
                    sent   <= 8'd0;
                    live   <= 1'b0;
                end else begin
                    if (put) number <= number == PERIOD - 1 ? 8'd0 : number + 8'd1;
                    if (take) sent <= sent == PERIOD - 1 ? 8'd0 : sent + 8'd1;
                    if (take) live <= 1'b0;
                    if (put && mark && number == slot && s_axis_tdata == word) live <= 1'b1;
                end
            end
            always @* if (started && !rst) begin
                assert (number < PERIOD && sent < PERIOD && number == (sent + valid_q) % PERIOD);  // counted
                if (!m_axis_tvalid) assert (s_axis_tready);
                if (live) assert (m_axis_tvalid && sent == slot && m_axis_tdata == word);           // marked
                if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);             // stable
            end
`endif
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
`ifdef FORMAL
            wire [39:0] formal_counts;
            wire        formal_put;
            wire [ 7:0] formal_held;
            wire [ 7:0] formal_oldest = formal_counts[39:32] * MOVE_H * ROW + formal_counts[31:24] * MOVE_W * GROUPS;
            always @* if (started && !rst) assert (formal_put == (s_axis_tvalid && s_axis_tready && keep));
`endif
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
