// SPDX-License-Identifier: Apache-2.0
//
// tr_frame: output edge of a design; extends each lane to PAD_BITS bits and marks the last word of each frame.
//
// Latency   1 cycle; a word every cycle.
// Handshake AXI-Stream: payload and tlast are held while tvalid && !tready.
// Reset     synchronous, active high; clears valid and the word count, leaves data.
`default_nettype none

module tr_frame #(
    parameter integer LANES    = 1,  // integers in a word
    parameter integer BITS     = 4,  // bits of an integer, at most PAD_BITS
    parameter integer SIGNED   = 0,  // 1: lanes are sign-extended; 0: zero-extended
    parameter integer PAD_BITS = 8,  // bits of a lane at the output, a multiple of 8
    parameter integer WORDS    = 4   // words of a frame: m_axis_tlast comes with each WORDS-th
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire [LANES*BITS-1:0]     s_axis_tdata,
    input  wire                      s_axis_tvalid,
    output wire                      s_axis_tready,
    output wire [LANES*PAD_BITS-1:0] m_axis_tdata,
    output wire                      m_axis_tvalid,
    input  wire                      m_axis_tready,
    output wire                      m_axis_tlast
);
    // The lanes are kept as they came; the padding is wires.
    reg [LANES*BITS-1:0] word_q;
    reg                  valid_q;
    wire                 last;  // the word on offer is the last of its frame

    assign s_axis_tready = !valid_q || m_axis_tready;
    assign m_axis_tvalid = valid_q;
    assign m_axis_tlast  = last;

    always @(posedge clk) begin
        if (s_axis_tready) word_q <= s_axis_tdata;
        if (rst) valid_q <= 1'b0;
        else if (s_axis_tready) valid_q <= s_axis_tvalid;
    end

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : pad
            assign m_axis_tdata[lane*PAD_BITS+:BITS] = word_q[lane*BITS+:BITS];
            if (PAD_BITS > BITS) begin : extend
                assign m_axis_tdata[lane*PAD_BITS+BITS+:PAD_BITS-BITS] =
                    {(PAD_BITS-BITS){SIGNED != 0 && word_q[lane*BITS+BITS-1]}};
            end
        end

        if (WORDS == 1) begin : single
            assign last = 1'b1;
        end else begin : count
            localparam integer COUNT_BITS = $clog2(WORDS);
            localparam integer FINAL = WORDS - 1;
            reg [COUNT_BITS-1:0] index_q;  // of the next word to come in, within its frame
            reg                  last_q;
            wire                 final_word = index_q == FINAL[COUNT_BITS-1:0];
            assign last = last_q;
            always @(posedge clk) begin
                if (rst) begin
                    index_q <= {COUNT_BITS{1'b0}};
                    last_q  <= 1'b0;
                end else if (s_axis_tready) begin
                    last_q <= final_word;
                    if (s_axis_tvalid)
                        index_q <= final_word ? {COUNT_BITS{1'b0}} : index_q + 1'b1;
                end
            end
        end
    endgenerate

`ifdef FORMAL
    // One word of lanes `word` is marked as it enters (the solver chooses when), with its number `place` in its frame.
    (* anyconst *) reg [LANES*BITS-1:0] word;
    (* anyconst *) reg [7:0]            lane_seen;
    (* anyseq *)   reg                  mark;
    reg                      started = 1'b0;
    reg                      past = 1'b0;  // the last cycle was one without reset
    reg                      stalled;      // the last cycle offered a word that was not taken
    reg [LANES*PAD_BITS:0]   offered;
    reg [7:0]                held;         // words in minus words out
    reg [7:0]                ahead;
    reg [7:0]                taken;        // words out since the last frame ended, modulo WORDS
    reg                      live;         // the marked word is inside
    wire [PAD_BITS-1:0] seen = m_axis_tdata[lane_seen*PAD_BITS+:PAD_BITS];
    wire [BITS-1:0]     want = word[lane_seen*BITS+:BITS];

    wire put  = s_axis_tvalid && s_axis_tready;
    wire take = m_axis_tvalid && m_axis_tready;

    always @* begin
        assume (lane_seen < LANES);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= {m_axis_tlast, m_axis_tdata};
        if (rst) begin
            held  <= 8'd0;
            taken <= 8'd0;
            live  <= 1'b0;
        end else begin
            held <= held + put - take;
            if (take) taken <= taken == WORDS - 1 ? 8'd0 : taken + 8'd1;
            if (live && take) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (!live && put && mark && s_axis_tdata == word) begin
                live  <= 1'b1;
                ahead <= held - take;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: none lost, none doubled; tlast comes with each WORDS-th word taken
        assert (held == {7'd0, valid_q});
        assert (taken < WORDS);
        if (m_axis_tvalid) assert (m_axis_tlast == (taken == WORDS - 1));
        // marked: the word arrives, in order, with its value
        if (live) assert (ahead < held);
        if (live && ahead == 8'd0) begin
            if (SIGNED != 0) assert ($signed(seen) == $signed(want));
            else assert (seen == want);
        end
        // stable: payload and tlast are held while stalled
        if (past && stalled) assert (m_axis_tvalid && {m_axis_tlast, m_axis_tdata} == offered);
    end

    // For the induction: where the word count stands between input and output.
    generate
        if (WORDS > 1) begin : invariant
            always @* if (started && !rst) begin
                assert (count.index_q < WORDS);
                assert (count.index_q == (taken + held == WORDS ? 8'd0 : taken + held));
            end
        end
    endgenerate
`endif
endmodule

`default_nettype wire
