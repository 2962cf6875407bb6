// SPDX-License-Identifier: Apache-2.0
//
// tr_split: parts an image by channels: per pixel the first words to output 0, the others to output 1.
//
// Latency   1 cycle; a word every cycle while the output that gets it takes its words.
// Handshake AXI-Stream, outputs side by side: bit i of m_axis_tvalid and m_axis_tready and the i-th LANES*BITS bits of
//           m_axis_tdata are output i. Each output has a register of its own: one that takes nothing holds up the
//           input only when the next word is for it too. s_axis_tready follows m_axis_tready of that output.
// Cost      two registers of the word, a counter of the words of a pixel.
// Reset     synchronous, active high; clears valid and the place in the pixel, leaves data.
`default_nettype none

module tr_split #(
    parameter integer LANES      = 2,  // divides the channels of both sides
    parameter integer BITS       = 4,  // of a lane
    parameter integer A_CHANNELS = 4,  // of a pixel, to output 0
    parameter integer B_CHANNELS = 2   // of a pixel, to output 1
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [  LANES*BITS-1:0] s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,
    output wire [2*LANES*BITS-1:0] m_axis_tdata,
    output wire [             1:0] m_axis_tvalid,
    input  wire [             1:0] m_axis_tready
);
    localparam integer A_WORDS    = A_CHANNELS / LANES;  // of a pixel
    localparam integer B_WORDS    = B_CHANNELS / LANES;
    localparam integer MOST_WORDS = A_WORDS > B_WORDS ? A_WORDS : B_WORDS;
    localparam integer WORD_BITS  = MOST_WORDS > 1 ? $clog2(MOST_WORDS) : 1;
    localparam [31:0]  A_LAST     = A_WORDS - 1;
    localparam [31:0]  B_LAST     = B_WORDS - 1;

    reg  [LANES*BITS-1:0] a_q;
    reg  [LANES*BITS-1:0] b_q;
    reg  [           1:0] valid_q;
    reg                   b_turn_q;
    reg  [ WORD_BITS-1:0] word_q;  // of the one whose turn it is, within the pixel
    wire [           1:0] free = ~valid_q | m_axis_tready;
    wire [           1:0] turn = {b_turn_q, !b_turn_q};
    wire                  put  = s_axis_tvalid && s_axis_tready;
    wire                  last = word_q == (b_turn_q ? B_LAST[WORD_BITS-1:0] : A_LAST[WORD_BITS-1:0]);

    assign s_axis_tready = b_turn_q ? free[1] : free[0];
    assign m_axis_tdata  = {b_q, a_q};
    assign m_axis_tvalid = valid_q;

    always @(posedge clk) begin
        if (free[0] && turn[0]) a_q <= s_axis_tdata;
        if (free[1] && turn[1]) b_q <= s_axis_tdata;
        if (rst) begin
            valid_q  <= 2'b00;
            b_turn_q <= 1'b0;
            word_q   <= {WORD_BITS{1'b0}};
        end else begin
            valid_q <= (valid_q & ~m_axis_tready) | (turn & {2{put}});
            if (put) begin
                word_q <= last ? {WORD_BITS{1'b0}} : word_q + 1'b1;
                if (last) b_turn_q <= !b_turn_q;
            end
        end
    end

    wire unused = &{1'b0, A_LAST, B_LAST};

`ifdef FORMAL
    // A word for output `port` (either one; the solver chooses when) is marked as it is taken; it comes out there.
    (* anyconst *) reg [LANES*BITS-1:0] word;
    (* anyconst *) reg                  port;
    (* anyseq *)   reg                  mark;
    reg                    started = 1'b0;
    reg                    past = 1'b0;  // the last cycle was one without reset
    reg [             1:0] stalled;      // outputs that did not take the word offered in the last cycle
    reg [2*LANES*BITS-1:0] offered;
    reg [            15:0] came;         // words of the pixel, in
    reg [             7:0] held;         // words for that output in, minus words out of it
    reg [             7:0] ahead;
    reg                    live;         // the marked word is inside

    wire                  for_port = (came >= A_WORDS) == port;
    wire                  take     = m_axis_tvalid[port] && m_axis_tready[port];
    wire [LANES*BITS-1:0] shown    = port ? m_axis_tdata[LANES*BITS+:LANES*BITS] : m_axis_tdata[LANES*BITS-1:0];

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid & ~m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            came <= 16'd0;
            held <= 8'd0;
            live <= 1'b0;
        end else begin
            held <= held + (put && for_port) - take;
            if (put) came <= came == A_WORDS + B_WORDS - 1 ? 16'd0 : came + 16'd1;
            if (live && take) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (put && for_port && mark && s_axis_tdata == word) begin
                live  <= 1'b1;
                ahead <= held - take;
            end
        end
    end

    genvar o;
    generate
        for (o = 0; o < 2; o = o + 1) begin : check
            // stable: the payload is held while stalled
            always @* if (started && !rst && past && stalled[o]) begin
                assert (m_axis_tvalid[o]);
                assert (m_axis_tdata[o*LANES*BITS+:LANES*BITS] == offered[o*LANES*BITS+:LANES*BITS]);
            end
        end
    endgenerate

    always @* if (started && !rst) begin
        // counted: none lost, none doubled
        assert (held == {7'd0, m_axis_tvalid[port]});
        assert (came < A_WORDS + B_WORDS);
        assert (came == (b_turn_q ? A_WORDS + word_q : word_q));
        assert (b_turn_q == (came >= A_WORDS));
        // only the output whose word is next holds it up
        if (for_port && (!m_axis_tvalid[port] || m_axis_tready[port])) assert (s_axis_tready);
        // marked: the word arrives
        if (live) assert (ahead < held);
        if (live && ahead == 8'd0) assert (m_axis_tvalid[port] && shown == word);
    end
`endif
endmodule

`default_nettype wire
