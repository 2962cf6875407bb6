// SPDX-License-Identifier: Apache-2.0
//
// tr_fork: every word to every output; an output may take its word before the others do, each exactly once.
//
// Latency   1 cycle; a word every cycle while every output takes one every cycle.
// Handshake AXI-Stream, outputs side by side: bit i of m_axis_tvalid and m_axis_tready and the i-th WIDTH bits of
//           m_axis_tdata are output i. The next word is taken when the last output takes the present one.
// Reset     synchronous, active high; clears valid, leaves data.
`default_nettype none

module tr_fork #(
    parameter integer WIDTH   = 8,  // bits of a word, at least 1
    parameter integer OUTPUTS = 2   // at least 1
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire [WIDTH-1:0]         s_axis_tdata,
    input  wire                     s_axis_tvalid,
    output wire                     s_axis_tready,
    output wire [OUTPUTS*WIDTH-1:0] m_axis_tdata,
    output wire [OUTPUTS-1:0]       m_axis_tvalid,
    input  wire [OUTPUTS-1:0]       m_axis_tready
);
    reg  [WIDTH-1:0]   word_q;
    reg  [OUTPUTS-1:0] pending_q;  // outputs that have not taken the word yet
    wire [OUTPUTS-1:0] left = pending_q & ~m_axis_tready;

    assign s_axis_tready = left == {OUTPUTS{1'b0}};
    assign m_axis_tvalid = pending_q;
    assign m_axis_tdata  = {OUTPUTS{word_q}};

    always @(posedge clk) begin
        if (s_axis_tready) word_q <= s_axis_tdata;
        if (rst) pending_q <= {OUTPUTS{1'b0}};
        else if (s_axis_tready) pending_q <= {OUTPUTS{s_axis_tvalid}};
        else pending_q <= left;
    end

`ifdef FORMAL
    // Output `port` (any one) gets every word: `held` words in minus words out of that output, and the marked
    // `word` (the solver chooses when) comes out of it in its place.
    (* anyconst *) reg [WIDTH-1:0]   word;
    (* anyconst *) reg [OUTPUTS-1:0] port;  // one-hot
    (* anyseq *)   reg               mark;
    reg                     started = 1'b0;
    reg                     past = 1'b0;  // the last cycle was one without reset
    reg [OUTPUTS-1:0]       stalled;      // outputs that did not take the word offered in the last cycle
    reg [OUTPUTS*WIDTH-1:0] offered;
    reg [3:0]               held;
    reg [3:0]               ahead;
    reg                     live;         // the marked word is inside

    wire put  = s_axis_tvalid && s_axis_tready;
    wire take = |(port & m_axis_tvalid & m_axis_tready);

    always @* begin
        assume (port != 0 && (port & (port - 1)) == 0);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid & ~m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            held <= 4'd0;
            live <= 1'b0;
        end else begin
            held <= held + put - take;
            if (live && take) begin
                if (ahead == 4'd0) live <= 1'b0;
                ahead <= ahead - 4'd1;
            end
            if (!live && put && mark && s_axis_tdata == word) begin
                live  <= 1'b1;
                ahead <= held - take;
            end
        end
    end

    genvar o;
    generate
        for (o = 0; o < OUTPUTS; o = o + 1) begin : check
            always @* if (started && !rst) begin
                // stable: the payload is held while stalled
                if (past && stalled[o])
                    assert (m_axis_tvalid[o] && m_axis_tdata[o*WIDTH+:WIDTH] == offered[o*WIDTH+:WIDTH]);
                // marked: the word arrives, in order
                if (port[o] && live && ahead == 4'd0) assert (m_axis_tdata[o*WIDTH+:WIDTH] == word);
            end
        end
    endgenerate

    always @* if (started && !rst) begin
        // counted: none lost, none doubled
        assert (held == {3'd0, |(port & pending_q)});
        if (live) assert (ahead < held);
    end
`endif
endmodule

`default_nettype wire
