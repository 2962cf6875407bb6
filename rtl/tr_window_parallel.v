// SPDX-License-Identifier: Apache-2.0
//
// tr_window_parallel: the window at every position of a kernel on an image, each as one word: a pixel in, a window out.
//
// Latency   1 cycle from the last pixel of a window to the window; the first one ends after
//           (KERNEL_H - 1) * DILATION_H rows and (KERNEL_W - 1) * DILATION_W pixels.
// Rate      a pixel every cycle, without a pause between rows and frames: interval = HEIGHT * WIDTH.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready follows m_axis_tready; a pixel on
//           which no window ends is taken as any other, and nothing is sent.
// Memory    KERNEL_H - 1 delay lines of DILATION_H rows side by side in one memory, read synchronously (block RAM or
//           LUTRAM); none for KERNEL_H 1. Registers of (KERNEL_W - 1) * DILATION_W + 1 columns of KERNEL_H pixels.
// Reset     synchronous, active high; clears valid and the counts, leaves data.
`default_nettype none

module tr_window_parallel #(
    parameter integer BITS       = 4,  // bits of a value
    parameter integer CHANNELS   = 2,  // values of a pixel
    parameter integer HEIGHT     = 5,  // rows of the image, padding included
    parameter integer WIDTH      = 6,  // columns of the image, padding included
    parameter integer KERNEL_H   = 3,
    parameter integer KERNEL_W   = 3,
    parameter integer STRIDE_H   = 1,
    parameter integer STRIDE_W   = 1,
    parameter integer DILATION_H = 1,
    parameter integer DILATION_W = 1
) (
    input  wire                                       clk,
    input  wire                                       rst,
    input  wire [                  CHANNELS*BITS-1:0] s_axis_tdata,
    input  wire                                       s_axis_tvalid,
    output wire                                       s_axis_tready,
    output wire [KERNEL_H*KERNEL_W*CHANNELS*BITS-1:0] m_axis_tdata,
    output wire                                       m_axis_tvalid,
    input  wire                                       m_axis_tready
);
    localparam integer PIXEL  = CHANNELS * BITS;
    localparam integer COLUMN = KERNEL_H * PIXEL;    // a pixel of every row of the kernel
    localparam integer DELAY  = DILATION_H * WIDTH;  // pixels from a row of the kernel to the next

    // A window ends on these rows and columns, and on every stride after them: the next one after the last would be
    // outside of the image.
    localparam integer FIRST_H = (KERNEL_H - 1) * DILATION_H;
    localparam integer FIRST_W = (KERNEL_W - 1) * DILATION_W;
    localparam integer STEP_H  = STRIDE_H < HEIGHT ? STRIDE_H : HEIGHT;
    localparam integer STEP_W  = STRIDE_W < WIDTH ? STRIDE_W : WIDTH;

    reg  [(FIRST_W+1)*COLUMN-1:0] columns_q;  // the oldest column in the lowest bits; the output
    reg                           valid_q;
    wire [            COLUMN-1:0] column;     // the pixel on offer, in the highest bits, and those above it
    wire [(FIRST_W+2)*COLUMN-1:0] moved = {column, columns_q};
    wire                          row_end, frame_end, keep_row, keep_column;
    wire                          advance = !valid_q || m_axis_tready;
    wire                          take = s_axis_tvalid && advance;

    assign s_axis_tready = advance;
    assign m_axis_tvalid = valid_q;

    always @(posedge clk) begin
        if (take) columns_q <= moved[(FIRST_W+2)*COLUMN-1:COLUMN];
        if (rst) valid_q <= 1'b0;
        else if (advance) valid_q <= s_axis_tvalid && keep_row && keep_column;
    end

    genvar tap;
    generate
        for (tap = 0; tap < KERNEL_H * KERNEL_W; tap = tap + 1) begin : taps
            localparam integer PLACE = tap % KERNEL_W * DILATION_W * KERNEL_H + tap / KERNEL_W;
            assign m_axis_tdata[tap*PIXEL+:PIXEL] = columns_q[PLACE*PIXEL+:PIXEL];
        end
    endgenerate

    tr_axis #(
        .SIZE      (WIDTH),
        .FIRST     (FIRST_W),
        .LAST      (WIDTH - 1),
        .TAPS      (1),
        .TAP_STEP  (1),
        .GROUP_STEP(STEP_W)
    ) axis_w (
        .clk   (clk),
        .rst   (rst),
        .step  (take),
`ifdef FORMAL
        .formal_position(formal_column),
`endif
        .keep  (keep_column),
        .at_end(row_end)
    );
    tr_axis #(
        .SIZE      (HEIGHT),
        .FIRST     (FIRST_H),
        .LAST      (HEIGHT - 1),
        .TAPS      (1),
        .TAP_STEP  (1),
        .GROUP_STEP(STEP_H)
    ) axis_h (
        .clk   (clk),
        .rst   (rst),
        .step  (take && row_end),
`ifdef FORMAL
        .formal_position(formal_row),
`endif
        .keep  (keep_row),
        .at_end(frame_end)
    );

    wire unused = &{1'b0, frame_end, moved[COLUMN-1:0], DELAY[0]};

`ifdef FORMAL
    // Pixel `slot` of a frame (the solver chooses which, and of which frame) is marked and carries `word`; `age` pixels
    // came after it.
    localparam integer OUT_H = (HEIGHT - FIRST_H - 1) / STRIDE_H + 1;
    localparam integer OUT_W = (WIDTH - FIRST_W - 1) / STRIDE_W + 1;
    localparam integer PIXELS = HEIGHT * WIDTH;
    localparam integer WINDOWS = OUT_H * OUT_W;
    localparam integer OLDEST = FIRST_H * WIDTH + FIRST_W;  // the age at which a pixel leaves
    (* anyconst *) reg [      7:0] slot;
    (* anyconst *) reg [PIXEL-1:0] word;
    (* anyseq *)   reg             mark;
    wire [7:0]                     formal_column, formal_row;
    reg                            started = 1'b0;
    reg                            past = 1'b0;  // the last cycle was one without reset
    reg                            stalled;      // the last cycle offered a word that was not taken
    reg [KERNEL_H*KERNEL_W*PIXEL-1:0] offered;
    reg [7:0]                      taken;        // pixels in, of the frame that is coming
    reg [7:0]                      went;         // windows out, of the frame that is going
    reg [7:0]                      age;
    reg                            live;         // the marked pixel is inside

    // windows that end before a row or a column
    function [7:0] ends_before(input [7:0] place, input integer first, input integer stride);
        ends_before = place <= first ? 8'd0 : (place - first - 1) / stride + 1;
    endfunction
    wire [7:0] row = taken / WIDTH;
    wire [7:0] rows_before = ends_before(row, FIRST_H, STRIDE_H);
    wire       row_ends = ends_before(row + 8'd1, FIRST_H, STRIDE_H) != rows_before;
    wire [7:0] came = rows_before * OUT_W + (row_ends ? ends_before(taken % WIDTH, FIRST_W, STRIDE_W) : 8'd0);
    // the first and the last pixel of the window on offer
    wire [7:0] first_pixel = went / OUT_W * STRIDE_H * WIDTH + went % OUT_W * STRIDE_W;
    wire       put = s_axis_tvalid && s_axis_tready;
    wire       out = m_axis_tvalid && m_axis_tready;

    always @* begin
        assume (slot < PIXELS);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            taken <= 8'd0;
            went  <= 8'd0;
            live  <= 1'b0;
        end else begin
            if (put) taken <= taken == PIXELS - 1 ? 8'd0 : taken + 8'd1;
            if (out) went <= went == WINDOWS - 1 ? 8'd0 : went + 8'd1;
            if (put) begin
                age <= age + 8'd1;
                if (age == OLDEST) live <= 1'b0;
                if (!live && mark && taken == slot && s_axis_tdata == word) begin
                    live <= 1'b1;
                    age  <= 8'd0;
                end
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: a window for every place of the kernel, when its last pixel has come; no deadlock
        assert (taken < PIXELS && went < WINDOWS);
        assert ((went + m_axis_tvalid) % WINDOWS == came % WINDOWS);
        if (m_axis_tvalid) assert (taken == (first_pixel + OLDEST + 1) % PIXELS);
        if (!m_axis_tvalid || m_axis_tready) assert (s_axis_tready);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
        // for the induction
        assert (taken == formal_row * WIDTH + formal_column);
        if (live) assert (age <= OLDEST && taken == (slot + age + 1) % PIXELS);
    end

    genvar formal_tap, formal_place;
    generate
        for (formal_tap = 0; formal_tap < KERNEL_H * KERNEL_W; formal_tap = formal_tap + 1) begin : check
            // marked: the pixel is where it belongs in every window on it, of its frame and no other
            localparam integer AWAY = formal_tap / KERNEL_W * DELAY + formal_tap % KERNEL_W * DILATION_W;
            always @* if (started && !rst && live && m_axis_tvalid && first_pixel + AWAY == slot)
                assert (m_axis_tdata[formal_tap*PIXEL+:PIXEL] == word);
        end
        // for the induction: where the marked pixel is
        for (formal_place = 0; formal_place < (FIRST_W + 1) * KERNEL_H; formal_place = formal_place + 1) begin : hold
            localparam integer AGE = (KERNEL_H - 1 - formal_place % KERNEL_H) * DELAY + FIRST_W - formal_place / KERNEL_H;
            always @* if (started && !rst && live && age == AGE) assert (columns_q[formal_place*PIXEL+:PIXEL] == word);
        end
    endgenerate
`endif

    // The rows above.
    generate
        if (KERNEL_H == 1) begin : row
            assign column = s_axis_tdata;
        end else if (DELAY == 1) begin : pile
            reg [COLUMN-PIXEL-1:0] above_q;
            assign column = {s_axis_tdata, above_q};
            always @(posedge clk) if (take) above_q <= column[COLUMN-1:PIXEL];
`ifdef FORMAL
            genvar formal_line;
            for (formal_line = 0; formal_line < KERNEL_H - 1; formal_line = formal_line + 1) begin : hold
                always @* if (started && !rst && live && age == KERNEL_H - 2 - formal_line)
                    assert (above_q[formal_line*PIXEL+:PIXEL] == word);
            end
`endif
        end else begin : lines
            // Each pixel goes into the line of the row above it, in its place, when the pixel there has been read; so it
            // comes back DELAY pixels later. What is read belongs to the pixel after the present one.
            localparam integer PLACE_BITS = $clog2(DELAY);
            localparam [31:0] FINAL = DELAY - 1;
            localparam [31:0] ONE = 1;
            wire unused_constants = &{1'b0, FINAL, ONE};
            (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
            reg [COLUMN-PIXEL-1:0] words[0:DELAY-1];
            reg [COLUMN-PIXEL-1:0] above_q;
            reg [  PLACE_BITS-1:0] read_q;
            reg [  PLACE_BITS-1:0] write_q;
            assign column = {s_axis_tdata, above_q};
            always @(posedge clk) begin
                if (take) words[write_q] <= column[COLUMN-1:PIXEL];
                if (take) above_q <= words[read_q];
            end
            always @(posedge clk) begin
                if (rst) begin
                    read_q  <= ONE[PLACE_BITS-1:0];
                    write_q <= {PLACE_BITS{1'b0}};
                end else if (take) begin
                    read_q  <= read_q == FINAL[PLACE_BITS-1:0] ? {PLACE_BITS{1'b0}} : read_q + 1'b1;
                    write_q <= read_q;
                end
            end
`ifdef FORMAL
            reg  [7:0] place;  // of the marked pixel
            always @(posedge clk) if (put && !live) place <= write_q;
            always @* if (started && !rst) begin
                assert (write_q < DELAY && read_q == (write_q + 1) % DELAY);
                if (live) assert (place < DELAY && write_q == (place + age + 1) % DELAY);
            end
            genvar formal_line;
            for (formal_line = 0; formal_line < KERNEL_H - 1; formal_line = formal_line + 1) begin : hold
                localparam integer BEGIN = (KERNEL_H - 2 - formal_line) * DELAY;  // the age at which it comes into the line
                wire [PIXEL-1:0] held = words[place] >> formal_line * PIXEL;
                always @* if (started && !rst && live) begin
                    if (age >= BEGIN && age < BEGIN + DELAY) assert (held == word);
                    if (age == BEGIN + DELAY - 1) assert (above_q[formal_line*PIXEL+:PIXEL] == word);
                end
            end
`endif
        end
    endgenerate
endmodule

`default_nettype wire
