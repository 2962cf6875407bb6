// SPDX-License-Identifier: Apache-2.0
//
// tr_mark: says once a frame, on a stream of its own, whether a sequence begins with it.
//
// Input     words of WIDTH bits with MARK_BITS above them; these are looked at in the first word of a frame: not 0 is a mark.
//           Where MARK_BITS is 0, the first of EVERY frames is a marked one.
// Latency   1 cycle on both outputs; either may take its word before the other.
// Handshake AXI-Stream: the payload is held while tvalid && !tready.
// Reset     synchronous, active high; clears valid and the count of words, leaves data.
`default_nettype none

module tr_mark #(
    parameter integer WIDTH     = 8,  // bits of a word without the mark, at least 1
    parameter integer MARK_BITS = 1,
    parameter integer WORDS     = 4,  // of a frame, at least 1
    parameter integer EVERY     = 1   // frames of a sequence, at least 1
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire [WIDTH+MARK_BITS-1:0] s_axis_tdata,
    input  wire                       s_axis_tvalid,
    output wire                       s_axis_tready,
    output wire [WIDTH-1:0]           m0_axis_tdata,
    output wire                       m0_axis_tvalid,
    input  wire                       m0_axis_tready,
    output wire                       m1_axis_tdata,
    output wire                       m1_axis_tvalid,
    input  wire                       m1_axis_tready
);
    localparam integer COUNT_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam integer FINAL = WORDS - 1;

    reg [COUNT_BITS-1:0] count_q;  // words of the frame that have come
    reg [WIDTH-1:0]      word_q;
    reg                  mark_q;
    reg                  word_valid_q;
    reg                  mark_valid_q;
    wire mark;
    wire begins = count_q == {COUNT_BITS{1'b0}};
    wire word_left = word_valid_q && !m0_axis_tready;
    wire mark_left = mark_valid_q && !m1_axis_tready;
    wire put = s_axis_tvalid && s_axis_tready;

    assign s_axis_tready  = !word_left && !(begins && mark_left);
    assign m0_axis_tdata  = word_q;
    assign m0_axis_tvalid = word_valid_q;
    assign m1_axis_tdata  = mark_q;
    assign m1_axis_tvalid = mark_valid_q;

    always @(posedge clk) begin
        if (put) word_q <= s_axis_tdata[WIDTH-1:0];
        if (put && begins) mark_q <= mark;
        if (rst) begin
            count_q      <= {COUNT_BITS{1'b0}};
            word_valid_q <= 1'b0;
            mark_valid_q <= 1'b0;
        end else begin
            if (put) count_q <= count_q == FINAL[COUNT_BITS-1:0] ? {COUNT_BITS{1'b0}} : count_q + 1'b1;
            word_valid_q <= put || word_left;
            mark_valid_q <= (put && begins) || mark_left;
        end
    end

    generate
        if (MARK_BITS > 0) begin : g_marked
            assign mark = |s_axis_tdata[WIDTH+:MARK_BITS];
        end else if (EVERY > 1) begin : g_counted
            localparam integer FRAME_BITS = $clog2(EVERY);
            localparam integer LAST = EVERY - 1;
            reg [FRAME_BITS-1:0] frame_q;  // frames of the sequence that have begun
            assign mark = frame_q == {FRAME_BITS{1'b0}};
            always @(posedge clk) begin
                if (rst) frame_q <= {FRAME_BITS{1'b0}};
                else if (put && begins) frame_q <= frame_q == LAST[FRAME_BITS-1:0] ? {FRAME_BITS{1'b0}} : frame_q + 1'b1;
            end
`ifdef FORMAL
            always @* if (started && !rst) assert (frame_q <= LAST);
`endif
        end else begin : g_each
            assign mark = 1'b1;
        end
    endgenerate

`ifdef FORMAL
    // Stable: what is not taken stays. Counted: words in less words out are those on offer, and a mark goes a frame.
    // Marked: what is on offer is the last word that came, and the mark the bits above the last first word.
    reg                       started = 1'b0;
    reg                       past = 1'b0;
    reg                       word_stalled, mark_stalled;
    reg [WIDTH-1:0]           word_offered;
    reg                       mark_offered;
    reg [WIDTH+MARK_BITS-1:0] last;
    reg                       last_mark;
    reg [7:0]                 held;    // words in less words out
    reg [7:0]                 frames;  // frames begun less marks out

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started      <= 1'b1;
        past         <= !rst;
        word_stalled <= m0_axis_tvalid && !m0_axis_tready;
        mark_stalled <= m1_axis_tvalid && !m1_axis_tready;
        word_offered <= m0_axis_tdata;
        mark_offered <= m1_axis_tdata;
        if (put) last <= s_axis_tdata;
        if (put && begins) last_mark <= mark;
        held   <= rst ? 8'd0 : held + {7'd0, put} - {7'd0, m0_axis_tvalid && m0_axis_tready};
        frames <= rst ? 8'd0 : frames + {7'd0, put && begins} - {7'd0, m1_axis_tvalid && m1_axis_tready};
    end

    always @* if (started && !rst) begin
        assert (count_q <= FINAL);
        assert (held == {7'd0, word_valid_q});
        assert (frames == {7'd0, mark_valid_q});
        if (word_valid_q) assert (word_q == last[WIDTH-1:0]);
        if (mark_valid_q) assert (mark_q == last_mark);
        if (past && word_stalled) assert (m0_axis_tvalid && m0_axis_tdata == word_offered);
        if (past && mark_stalled) assert (m1_axis_tvalid && m1_axis_tdata == mark_offered);
    end
`endif
endmodule

`default_nettype wire
