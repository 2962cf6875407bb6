// SPDX-License-Identifier: Apache-2.0
//
// tr_state: keeps the DEPTH words that come back from a frame and gives them in the next one; initial words in a first one.
//
// Input     s0_axis the mark of a frame, one word: 1 where it is the first of a sequence; s1_axis what comes back from it.
// Latency   1 cycle from the mark to the first word; a word every cycle, as soon as it has come back from the frame before.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s1_axis_tready is a function of registers only, so that
//           a loop through this block has no chain of ready signals.
// Reset     synchronous, active high: the frame after it is a first one, whatever its mark says. Leaves data.
`default_nettype none

module tr_state #(
    parameter integer LANES = 1,   // numbers in a word, at least 1
    parameter integer BITS  = 8,   // of a number, at least 1
    parameter integer DEPTH = 4,   // words of a frame, at least 1
    parameter INITIAL_FILE  = ""   // $readmemh, the words of a first frame, one a line
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             s0_axis_tdata,
    input  wire             s0_axis_tvalid,
    output wire             s0_axis_tready,
    input  wire [LANES*BITS-1:0] s1_axis_tdata,
    input  wire             s1_axis_tvalid,
    output wire             s1_axis_tready,
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);
    localparam integer WIDTH = LANES * BITS;
    localparam integer POINTER_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam integer COUNT_BITS = $clog2(DEPTH + 1);
    localparam integer FINAL = DEPTH - 1;

    reg [WIDTH-1:0]        words[0:DEPTH-1];
    reg [POINTER_BITS-1:0] read_q;    // the word of the frame that goes next
    reg [POINTER_BITS-1:0] write_q;
    reg [COUNT_BITS-1:0]   stored_q;  // words inside; after a reset as many as a frame has, which are never seen
    reg                    fresh_q;   // no frame has gone since the reset
    reg                    first_q;   // the frame that goes is the first of a sequence
    reg [WIDTH-1:0]        out_q;
    reg                    valid_q;

`ifdef FORMAL
    (* anyconst *) reg [DEPTH*WIDTH-1:0] first;  // any initial words
    wire [WIDTH-1:0] first_word = first[read_q*WIDTH+:WIDTH];
`else
    reg [WIDTH-1:0] first[0:DEPTH-1];
    initial if (INITIAL_FILE != "") $readmemh(INITIAL_FILE, first);
    wire [WIDTH-1:0] first_word = first[read_q];
`endif

    wire begins = read_q == {POINTER_BITS{1'b0}};
    wire some   = stored_q != {COUNT_BITS{1'b0}};
    wire enable = !valid_q || m_axis_tready;
    wire step   = enable && some && (!begins || s0_axis_tvalid);
    wire put    = s1_axis_tvalid && s1_axis_tready;
    wire is_first = begins ? s0_axis_tdata || fresh_q : first_q;

    assign s0_axis_tready = enable && some && begins;
    assign s1_axis_tready = stored_q != DEPTH[COUNT_BITS-1:0];
    assign m_axis_tdata   = out_q;
    assign m_axis_tvalid  = valid_q;

    always @(posedge clk) begin
        if (put) words[write_q] <= s1_axis_tdata;
        if (step) out_q <= is_first ? first_word : words[read_q];
        if (step && begins) first_q <= is_first;
        if (rst) begin
            read_q   <= {POINTER_BITS{1'b0}};
            write_q  <= {POINTER_BITS{1'b0}};
            stored_q <= DEPTH[COUNT_BITS-1:0];
            fresh_q  <= 1'b1;
            valid_q  <= 1'b0;
        end else begin
            if (step) read_q <= read_q == FINAL[POINTER_BITS-1:0] ? {POINTER_BITS{1'b0}} : read_q + 1'b1;
            if (put) write_q <= write_q == FINAL[POINTER_BITS-1:0] ? {POINTER_BITS{1'b0}} : write_q + 1'b1;
            if (put && !step) stored_q <= stored_q + 1'b1;
            if (step && !put) stored_q <= stored_q - 1'b1;
            if (step && begins) fresh_q <= 1'b0;
            if (enable) valid_q <= step;
        end
    end

`ifdef FORMAL
    // Counted: what is inside and on offer is a frame, and what has come less what has gone. Stable: a word stays until it is
    // taken. Marked: one word (the solver chooses when), which has come back at its place of a frame, goes out at the same
    // place of the next one, or the initial word of that place does.
    (* anyseq *)   reg               mark;
    (* anyconst *) reg [WIDTH-1:0]   word;
    reg                    started = 1'b0;
    reg                    past = 1'b0;
    reg                    stalled;
    reg [WIDTH-1:0]        offered;
    reg [7:0]              ahead;      // words inside that go before the marked one
    reg                    live;       // the marked word is inside
    reg [POINTER_BITS-1:0] place;      // and where

    reg [7:0]              counted;    // a frame, and what came back less what went, since the reset

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        counted <= rst ? DEPTH : counted + {7'd0, put} - {7'd0, step};
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) live <= 1'b0;
        else begin
            if (live && step) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (!live && put && mark && s1_axis_tdata == word) begin
                live  <= 1'b1;
                place <= write_q;
                ahead <= {{(8 - COUNT_BITS) {1'b0}}, stored_q} - {7'd0, step};
            end
        end
    end

    wire goes = live && ahead == 8'd0;
    reg  gone;  // the marked word, or the initial one of its place, is on offer
    reg  gone_first;
    reg [POINTER_BITS-1:0] gone_place;
    always @(posedge clk) begin
        if (rst) gone <= 1'b0;
        else if (enable) gone <= step && goes;
        if (enable && step && goes) begin
            gone_first <= is_first;
            gone_place <= place;
        end
    end

    always @* if (started && !rst) begin
        assert (stored_q <= DEPTH && counted == stored_q);
        assert (read_q <= FINAL && write_q <= FINAL);
        assert ((read_q + stored_q) % DEPTH == write_q);
        if (fresh_q) assert (begins);
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
        if (live) begin
            assert (ahead < stored_q);
            assert (place == (read_q + ahead) % DEPTH);
            assert (words[place] == word);
        end
        if (gone) assert (valid_q && out_q == (gone_first ? first[gone_place*WIDTH+:WIDTH] : word));
    end
`endif
endmodule

`default_nettype wire
