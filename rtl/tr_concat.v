// SPDX-License-Identifier: Apache-2.0
//
// tr_concat: joins two images channel by channel: per pixel the words of s0_axis, then those of s1_axis.
//
// Latency   1 cycle; a word every cycle while the input whose turn it is has one.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. An input waits while it is the other one's turn;
//           s*_axis_tready follows m_axis_tready.
// Cost      a register of the word behind a choice of two, a counter of the words of a pixel.
// Reset     synchronous, active high; clears valid and the place in the pixel, leaves data.
`default_nettype none

module tr_concat #(
    parameter integer LANES      = 2,  // divides the channels of both sides
    parameter integer BITS       = 4,  // of a lane
    parameter integer A_CHANNELS = 4,  // of a pixel on s0_axis
    parameter integer B_CHANNELS = 2   // of a pixel on s1_axis
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [LANES*BITS-1:0] s0_axis_tdata,
    input  wire                  s0_axis_tvalid,
    output wire                  s0_axis_tready,
    input  wire [LANES*BITS-1:0] s1_axis_tdata,
    input  wire                  s1_axis_tvalid,
    output wire                  s1_axis_tready,
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);
    localparam integer A_WORDS    = A_CHANNELS / LANES;  // of a pixel
    localparam integer B_WORDS    = B_CHANNELS / LANES;
    localparam integer MOST_WORDS = A_WORDS > B_WORDS ? A_WORDS : B_WORDS;
    localparam integer WORD_BITS  = MOST_WORDS > 1 ? $clog2(MOST_WORDS) : 1;
    localparam [31:0]  A_LAST     = A_WORDS - 1;
    localparam [31:0]  B_LAST     = B_WORDS - 1;

    reg  [LANES*BITS-1:0] out_q;
    reg                   valid_q;
    reg                   b_turn_q;
    reg  [ WORD_BITS-1:0] word_q;  // of the one whose turn it is, within the pixel
    wire                  enable = !valid_q || m_axis_tready;
    wire                  offer  = b_turn_q ? s1_axis_tvalid : s0_axis_tvalid;
    wire                  last   = word_q == (b_turn_q ? B_LAST[WORD_BITS-1:0] : A_LAST[WORD_BITS-1:0]);

    assign s0_axis_tready = enable && !b_turn_q;
    assign s1_axis_tready = enable && b_turn_q;
    assign m_axis_tdata   = out_q;
    assign m_axis_tvalid  = valid_q;

    always @(posedge clk) begin
        if (enable) out_q <= b_turn_q ? s1_axis_tdata : s0_axis_tdata;
        if (rst) begin
            valid_q  <= 1'b0;
            b_turn_q <= 1'b0;
            word_q   <= {WORD_BITS{1'b0}};
        end else if (enable) begin
            valid_q <= offer;
            if (offer) begin
                word_q <= last ? {WORD_BITS{1'b0}} : word_q + 1'b1;
                if (last) b_turn_q <= !b_turn_q;
            end
        end
    end

    wire unused = &{1'b0, A_LAST, B_LAST};

`ifdef FORMAL
    // A word of either input (the solver chooses when) is marked as it is taken; `slot` is its place in the pixel by
    // the count of its own input.
    (* anyconst *) reg [LANES*BITS-1:0] word;
    (* anyconst *) reg                  from_b;
    (* anyseq *)   reg                  mark;
    reg                  started = 1'b0;
    reg                  past = 1'b0;  // the last cycle was one without reset
    reg                  stalled;      // the last cycle offered a word that was not taken
    reg [LANES*BITS-1:0] offered;
    reg [           7:0] held;         // words in minus words out
    reg [           7:0] ahead;
    reg                  live;         // the marked word is inside
    reg [          15:0] slot;
    reg [          15:0] a_came;       // words of the pixel, by input
    reg [          15:0] b_came;
    reg [          15:0] went;         // words of the pixel, out

    wire a_put = s0_axis_tvalid && s0_axis_tready;
    wire b_put = s1_axis_tvalid && s1_axis_tready;
    wire put   = a_put || b_put;
    wire take  = m_axis_tvalid && m_axis_tready;

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            held   <= 8'd0;
            live   <= 1'b0;
            a_came <= 16'd0;
            b_came <= 16'd0;
            went   <= 16'd0;
        end else begin
            held <= held + a_put + b_put - take;
            if (take) went <= went == A_WORDS + B_WORDS - 1 ? 16'd0 : went + 16'd1;
            if (a_put) a_came <= a_came == A_WORDS - 1 ? 16'd0 : a_came + 16'd1;
            if (b_put) b_came <= b_came == B_WORDS - 1 ? 16'd0 : b_came + 16'd1;
            if (live && take) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (mark && (from_b ? b_put && s1_axis_tdata == word : a_put && s0_axis_tdata == word)) begin
                live  <= 1'b1;
                ahead <= held - take;
                slot  <= from_b ? A_WORDS + b_came : a_came;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: none lost, none doubled, and each input in its turn
        assert (held == {7'd0, valid_q});
        assert (!(s0_axis_tready && s1_axis_tready));
        if (!valid_q) assert (s0_axis_tready || s1_axis_tready);
        if (b_turn_q) assert (word_q == b_came && b_came < B_WORDS && a_came == 16'd0);
        else assert (word_q == a_came && a_came < A_WORDS && b_came == 16'd0);
        assert ((went + valid_q) % (A_WORDS + B_WORDS) == (b_turn_q ? A_WORDS + b_came : a_came));
        assert (went < A_WORDS + B_WORDS);
        // marked: the word arrives, in its place in the pixel
        if (live) assert (ahead < held && slot < A_WORDS + B_WORDS);
        if (live && ahead == 8'd0) assert (m_axis_tvalid && m_axis_tdata == word && went == slot);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
