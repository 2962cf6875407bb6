// SPDX-License-Identifier: Apache-2.0
//
// tr_slice: keeps the channels START to STOP - 1 of every pixel and drops the others.
//
// Latency   1 cycle from a word that is kept; START / LANES words are dropped before the first one.
// Rate      a word in every cycle: interval = words in.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. A word that is dropped is taken whenever it is
//           offered; for one that is kept, s_axis_tready follows m_axis_tready.
// Cost      a register of the word, a counter of the words of a pixel.
// Reset     synchronous, active high; clears valid and the place in the pixel, leaves data.
`default_nettype none

module tr_slice #(
    parameter integer LANES    = 2,  // values of a word, divides CHANNELS, START and STOP
    parameter integer BITS     = 4,  // bits of a value
    parameter integer CHANNELS = 8,  // of a pixel
    parameter integer START    = 2,  // the first channel that is kept
    parameter integer STOP     = 6   // the channel after the last one that is kept, more than START, at most CHANNELS
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
    // Runs of words that are kept and of words that are dropped; those behind and before, of two pixels, are one run.
    localparam integer LEAD = START / LANES;            // dropped at the begin of a pixel
    localparam integer KEPT = STOP / LANES - LEAD;      // of a pixel
    localparam integer GAP  = CHANNELS / LANES - KEPT;  // dropped from one pixel to the next

    reg  [LANES*BITS-1:0] out_q;
    reg                   valid_q;
    wire                  keep;  // the word on offer
    wire                  advance = !valid_q || m_axis_tready;

    assign s_axis_tready = advance || !keep;
    assign m_axis_tdata  = out_q;
    assign m_axis_tvalid = valid_q;

    always @(posedge clk) begin
        if (advance) out_q <= s_axis_tdata;
        if (rst) valid_q <= 1'b0;
        else if (advance) valid_q <= s_axis_tvalid && keep;
    end

    generate
        if (GAP == 0) begin : all
            assign keep = 1'b1;
        end else begin : some
            localparam integer LONGER = KEPT > GAP ? KEPT : GAP;
            localparam integer COUNT_BITS = LONGER > 1 ? $clog2(LONGER) : 1;
            localparam [31:0] LEAD_LEFT = LEAD - 1;  // words left in a run after its first
            localparam [31:0] KEPT_LEFT = KEPT - 1;
            localparam [31:0] GAP_LEFT = GAP - 1;
            localparam [31:0] FIRST_LEFT = LEAD == 0 ? KEPT_LEFT : LEAD_LEFT;
            reg                   keep_q;
            reg  [COUNT_BITS-1:0] left_q;  // words left in the run after the one on offer
            wire                  run_end = left_q == {COUNT_BITS{1'b0}};
            wire [COUNT_BITS-1:0] next_left = keep_q ? GAP_LEFT[COUNT_BITS-1:0] : KEPT_LEFT[COUNT_BITS-1:0];
            wire                  unused = &{1'b0, FIRST_LEFT, KEPT_LEFT, GAP_LEFT};
            assign keep = keep_q;
            always @(posedge clk) begin
                if (rst) begin
                    keep_q <= LEAD == 0;
                    left_q <= FIRST_LEFT[COUNT_BITS-1:0];
                end else if (s_axis_tvalid && s_axis_tready) begin
                    keep_q <= keep_q ^ run_end;
                    left_q <= run_end ? next_left : left_q - 1'b1;
                end
            end
        end
    endgenerate

`ifdef FORMAL
    // The word `slot` of those that are kept of a pixel (the solver chooses which, and of which pixel) is marked and
    // carries `word`.
    localparam integer WORDS = CHANNELS / LANES;
    (* anyconst *) reg [           7:0] slot;
    (* anyconst *) reg [LANES*BITS-1:0] word;
    (* anyseq *)   reg                  mark;
    reg                  started = 1'b0;
    reg                  past = 1'b0;  // the last cycle was one without reset
    reg                  stalled;      // the last cycle offered a word that was not taken
    reg [LANES*BITS-1:0] offered;
    reg [           7:0] came;         // words in, of the pixel that is coming
    reg [           7:0] went;         // words out, of the pixel that is going
    reg                  live;         // the marked word is inside

    wire       put    = s_axis_tvalid && s_axis_tready;
    wire       take   = m_axis_tvalid && m_axis_tready;
    wire       wanted = came * LANES >= START && came * LANES < STOP;
    wire [7:0] before = came < LEAD ? 8'd0 : came >= LEAD + KEPT ? KEPT : came - LEAD;  // kept, of those that came

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            came <= 8'd0;
            went <= 8'd0;
            live <= 1'b0;
        end else begin
            if (put) came <= came == WORDS - 1 ? 8'd0 : came + 8'd1;
            if (take) went <= went == KEPT - 1 ? 8'd0 : went + 8'd1;
            if (take) live <= 1'b0;
            if (put && mark && wanted && before == slot && s_axis_tdata == word) live <= 1'b1;
        end
    end

    always @* if (started && !rst) begin
        // counted: every word that is wanted goes out, no other does; only one that is wanted waits, for the output
        assert (came < WORDS && went < KEPT);
        assert (before % KEPT == (went + m_axis_tvalid) % KEPT);
        if (!wanted || !m_axis_tvalid || m_axis_tready) assert (s_axis_tready);
        // marked: the word arrives, in its place in the pixel
        if (live) assert (m_axis_tvalid && m_axis_tdata == word && went == slot);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
        // for the induction
        assert (keep == wanted);
    end

    generate
        if (GAP != 0) begin : check
            always @* if (started && !rst)
                assert (some.left_q == (came < LEAD ? LEAD : wanted ? LEAD + KEPT : WORDS + LEAD) - 1 - came);
        end
    endgenerate
`endif
endmodule

`default_nettype wire
