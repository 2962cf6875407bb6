// SPDX-License-Identifier: Apache-2.0
//
// tr_argmax: index of the largest (SMALLEST = 1: smallest) of CHANNELS values, PE a word; the first of equals.
//
// The values of a word go through a tree of comparisons, its winner against the best so far.
//
// Latency   CHANNELS/PE + 1 + clog2(PE) / 2 (whole part) cycles from the first word taken to the word offered: the
//           tree has a register in front and one behind every second level.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; s_axis_tready follows m_axis_tready.
// Reset     synchronous, active high; clears flags and counters, leaves data.
`default_nettype none

module tr_argmax #(
    parameter integer CHANNELS  = 10,
    parameter integer PE        = 2,  // values a word, divides CHANNELS
    parameter integer IN_BITS   = 8,
    parameter integer IN_SIGNED = 1,
    parameter integer OUT_BITS  = 4,  // of the index, at least clog2(CHANNELS)
    parameter integer SMALLEST  = 0
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [PE*IN_BITS-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    output wire [  OUT_BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);
    localparam integer WORDS     = CHANNELS / PE;
    localparam integer WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam integer LEVELS    = $clog2(PE);
    localparam integer LANE_BITS = LEVELS > 0 ? LEVELS : 1;
    localparam integer DEPTH     = 1 + LEVELS / 2;
    localparam [31:0]  LAST_WORD = WORDS - 1;
    localparam [31:0]  STEP      = PE;

    // Turned so that the largest unsigned number wins: the sign bit for signed ones, all bits for the smallest.
    localparam [IN_BITS-1:0] SIGN = IN_SIGNED != 0 ? ~({IN_BITS{1'b1}} >> 1) : {IN_BITS{1'b0}};
    localparam [IN_BITS-1:0] TURN = SMALLEST != 0 ? ~SIGN : SIGN;

    reg [WORD_BITS-1:0] word_q;
    reg [    DEPTH-1:0] valid_q;  // [0] goes with the first register of the tree, [DEPTH-1] with its result
    reg [    DEPTH-1:0] last_q;
    reg                 first_q;  // the next result of the tree is the first of a vector
    reg [ OUT_BITS-1:0] base_q;   // index of its lane 0
    reg [ OUT_BITS-1:0] best_index_q;
    reg [  IN_BITS-1:0] best_q;
    reg                 out_valid_q;

    wire enable    = !out_valid_q || m_axis_tready;
    wire last_word = word_q == LAST_WORD[WORD_BITS-1:0];

    assign s_axis_tready = enable;
    assign m_axis_tvalid = out_valid_q;
    assign m_axis_tdata  = best_index_q;

    genvar level;
    generate
        for (level = 0; level <= LEVELS; level = level + 1) begin : tree
            localparam integer NODES = (PE + (1 << level) - 1) >> level;
            wire [  NODES*IN_BITS-1:0] keys;
            wire [NODES*LANE_BITS-1:0] winners;  // lanes
            reg  [  NODES*IN_BITS-1:0] keys_d;
            reg  [NODES*LANE_BITS-1:0] winners_d;
            integer                    node;

            if (level == 0) begin : turned
                always @* begin
                    keys_d    = s_axis_tdata ^ {PE{TURN}};
                    winners_d = {NODES * LANE_BITS{1'b0}};
                    for (node = 1; node < NODES; node = node + 1)
                        winners_d[node*LANE_BITS+:LANE_BITS] = node[LANE_BITS-1:0];
                end
            end else begin : compared
                localparam integer BELOW = (PE + (1 << (level - 1)) - 1) >> (level - 1);
                always @* begin
                    keys_d    = {NODES * IN_BITS{1'b0}};
                    winners_d = {NODES * LANE_BITS{1'b0}};
                    for (node = 0; node < NODES; node = node + 1) begin
                        keys_d[node*IN_BITS+:IN_BITS]          = tree[level-1].keys[2*node*IN_BITS+:IN_BITS];
                        winners_d[node*LANE_BITS+:LANE_BITS] = tree[level-1].winners[2*node*LANE_BITS+:LANE_BITS];
                        if (2 * node + 1 < BELOW) begin
                            if (tree[level-1].keys[(2*node+1)*IN_BITS+:IN_BITS] >
                                tree[level-1].keys[2*node*IN_BITS+:IN_BITS]) begin
                                keys_d[node*IN_BITS+:IN_BITS] = tree[level-1].keys[(2*node+1)*IN_BITS+:IN_BITS];
                                winners_d[node*LANE_BITS+:LANE_BITS] =
                                    tree[level-1].winners[(2*node+1)*LANE_BITS+:LANE_BITS];
                            end
                        end
                    end
                end
            end

            if (level % 2 == 0) begin : registered
                reg [  NODES*IN_BITS-1:0] keys_q;
                reg [NODES*LANE_BITS-1:0] winners_q;
                always @(posedge clk) begin
                    if (enable) begin
                        keys_q    <= keys_d;
                        winners_q <= winners_d;
                    end
                end
                assign keys    = keys_q;
                assign winners = winners_q;
            end else begin : direct
                assign keys    = keys_d;
                assign winners = winners_d;
            end
        end
    endgenerate

    wire [  IN_BITS-1:0]          key    = tree[LEVELS].keys;
    wire [OUT_BITS+LANE_BITS-1:0] lane   = {{OUT_BITS{1'b0}}, tree[LEVELS].winners};
    wire                          take   = s_axis_tvalid && enable;
    wire                          result = valid_q[DEPTH-1] && enable;
    wire                          better = first_q || key > best_q;
    wire [DEPTH:0]                valid  = {valid_q, s_axis_tvalid};
    wire [DEPTH:0]                last   = {last_q, last_word};

    always @(posedge clk) begin
        if (rst) begin
            word_q      <= {WORD_BITS{1'b0}};
            valid_q     <= {DEPTH{1'b0}};
            first_q     <= 1'b1;
            base_q      <= {OUT_BITS{1'b0}};
            out_valid_q <= 1'b0;
        end else begin
            if (take) word_q <= last_word ? {WORD_BITS{1'b0}} : word_q + 1'b1;
            if (enable) begin
                valid_q     <= valid[DEPTH-1:0];
                out_valid_q <= valid[DEPTH] && last[DEPTH];
            end
            if (result) begin
                first_q <= last_q[DEPTH-1];
                base_q  <= last_q[DEPTH-1] ? {OUT_BITS{1'b0}} : base_q + STEP[OUT_BITS-1:0];
            end
        end
        if (enable) last_q <= last[DEPTH-1:0];
        if (result && better) begin
            best_q       <= key;
            best_index_q <= base_q + lane[OUT_BITS-1:0];
        end
    end

    wire unused = &{1'b0, LAST_WORD, STEP, lane};

`ifdef FORMAL
    // One vector is marked as its first word is taken (the solver chooses when); the index of its best value is
    // found here and compared with what comes out. `ahead` words go before it.
    (* anyseq *) reg mark;
    reg                started = 1'b0;
    reg                past = 1'b0;  // the last cycle was one without reset
    reg                stalled;      // the last cycle offered a word that was not taken
    reg [OUT_BITS-1:0] offered;
    reg [        15:0] taken;        // words of the current vector that are in
    reg [         7:0] held;         // vectors begun, minus words out
    reg [         7:0] ahead;
    reg                live;         // the marked vector is inside
    reg                growing;      // its last word is still to come
    reg signed [IN_BITS:0] top;      // the best of its values so far
    reg signed [IN_BITS:0] top_d;
    reg signed [IN_BITS:0] value;
    reg [OUT_BITS-1:0] expected;
    reg [OUT_BITS-1:0] expected_d;
    integer            p;

    wire take_word = s_axis_tvalid && s_axis_tready;
    wire send_word = m_axis_tvalid && m_axis_tready;
    wire begins    = take_word && taken == 16'd0;

    always @* if (!started) assume (rst);

    always @* begin
        top_d      = top;
        expected_d = expected;
        for (p = 0; p < PE; p = p + 1) begin
            value = {IN_SIGNED != 0 && s_axis_tdata[p*IN_BITS+IN_BITS-1], s_axis_tdata[p*IN_BITS+:IN_BITS]};
            if ((begins && p == 0) || (SMALLEST != 0 ? value < top_d : value > top_d)) begin
                top_d      = value;
                expected_d = taken * PE + p;
            end
        end
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            taken <= 16'd0;
            held  <= 8'd0;
            live  <= 1'b0;
        end else begin
            if (take_word) taken <= taken == WORDS - 1 ? 16'd0 : taken + 16'd1;
            held <= held + begins - send_word;
            if (live && send_word) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (begins && mark && !live) begin
                live     <= 1'b1;
                ahead    <= held - send_word;
                growing  <= WORDS > 1;
                top      <= top_d;
                expected <= expected_d;
            end else if (live && growing && take_word) begin
                growing  <= taken != WORDS - 1;
                top      <= top_d;
                expected <= expected_d;
            end
        end
    end

    // Vectors whose last word is on its way, or that are offered.
    reg [7:0] ends;
    integer   place;
    always @* begin
        ends = {7'd0, out_valid_q};
        for (place = 0; place < DEPTH; place = place + 1) ends = ends + (valid_q[place] && last_q[place]);
    end

    always @* if (started && !rst) begin
        // counted: a word out for every vector in
        assert (held == ends + (taken != 16'd0));
        // marked: the index of the vector arrives, in order
        if (live && ahead == 8'd0 && m_axis_tvalid) assert (!growing && m_axis_tdata == expected);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
