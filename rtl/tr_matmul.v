// SPDX-License-Identifier: Apache-2.0
//
// tr_matmul: the vectors of stream a times all vectors of stream b, head by head; b is kept for a frame and read for
// each vector of a.
//
// A head has COLS channels of a and makes ROWS products of COLS terms. MIX 0 (scores): b has ROWS vectors of
// HEADS * COLS channels, each is multiplied with the vector of a. MIX 1: b has COLS vectors of HEADS * ROWS channels,
// which are summed, each times a channel of a. s0_axis takes VECTORS vectors of a: of each head its COLS/SIMD words,
// ROWS/PE times over (a tr_replay in front sees to that). s1_axis takes b once a frame, position by position, in words
// of SIMD (MIX 0) or PE (MIX 1) channels. Sends words of PE products: of each vector, of each head, ROWS/PE.
//
// Memory    two halves of BANKS banks (PE with MIX 0, else SIMD): one is written while the other is read; a bank has
//           every BANKS-th position of b, HEADS * (ROWS/PE) * (COLS/SIMD) words a half.
// Latency   the words of b and COLS/SIMD + 1 + T cycles from the first word of b to the first word offered, one more
//           with STYLE 3; T as in tr_dense_folded.
// Rate      HEADS * (ROWS/PE) * (COLS/SIMD) cycles a vector; a word of b in every cycle until both halves are full.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; s0_axis_tready follows m_axis_tready and waits for
//           b; s1_axis_tready is a function of registers only.
// Reset     synchronous, active high; clears flags and counters, leaves data.
`default_nettype none

module tr_matmul #(
    parameter integer MIX        = 0,   // 0: products of vectors, 1: sums of vectors
    parameter integer HEADS      = 2,
    parameter integer ROWS       = 4,   // products of a head
    parameter integer COLS       = 4,   // terms of a product
    parameter integer VECTORS    = 3,   // of a, a frame
    parameter integer PE         = 2,   // products a cycle, divides ROWS
    parameter integer SIMD       = 2,   // terms a cycle, divides COLS
    parameter integer A_BITS     = 4,
    parameter integer A_SIGNED   = 0,
    parameter integer B_BITS     = 4,
    parameter integer B_SIGNED   = 1,
    parameter integer OUT_BITS   = 10,
    parameter integer OUT_SIGNED = 1,   // for the check in simulation only
    parameter integer STYLE      = 0,   // the memory: 0 synthesis decides, 1 and 2 LUTs, 3 block RAM
    parameter integer DSP        = 0    // 0: multipliers of LUTs, 1: synthesis may use multiplier blocks
) (
    input  wire                                          clk,
    input  wire                                          rst,
    input  wire [                      SIMD*A_BITS-1:0] s0_axis_tdata,
    input  wire                                          s0_axis_tvalid,
    output wire                                          s0_axis_tready,
    input  wire [(MIX != 0 ? PE : SIMD)*B_BITS-1:0] s1_axis_tdata,
    input  wire                                          s1_axis_tvalid,
    output wire                                          s1_axis_tready,
    output wire [                      PE*OUT_BITS-1:0] m_axis_tdata,
    output wire                                          m_axis_tvalid,
    input  wire                                          m_axis_tready
);
    localparam integer ROW_GROUPS    = ROWS / PE;
    localparam integer COLUMN_GROUPS = COLS / SIMD;
    localparam integer BANKS         = MIX != 0 ? SIMD : PE;
    localparam integer LANES         = MIX != 0 ? PE : SIMD;
    localparam integer WEIGHT_BITS   = B_BITS + (B_SIGNED != 0 ? 0 : 1);  // as tr_dense_lane takes it: signed

    // Registers between the operands and the accumulator, as in tr_dense_folded.
    localparam integer A_DIGITS      = (A_BITS + (A_SIGNED != 0 ? 1 : 2)) / 2;
    localparam integer WEIGHT_DIGITS = (WEIGHT_BITS + 1) / 2;
    localparam integer FIRST         = DSP != 0 || (A_DIGITS > 2 && WEIGHT_DIGITS > 2) ? 0 : 1;
    localparam integer LEVELS        = $clog2(SIMD);
    localparam integer STAGES        = LEVELS > FIRST ? 1 + (LEVELS - FIRST) / 2 : 1;

    wire [BANKS*LANES*B_BITS-1:0] kept;
    wire                          kept_valid;
    wire                          enable;
    wire                          take = s0_axis_tvalid && kept_valid && enable;

    tr_matmul_store #(
        .WIDTH  (LANES * B_BITS),
        .BANKS  (BANKS),
        .HEADS  (HEADS),
        .INNER  (COLUMN_GROUPS),
        .MIDDLE (ROW_GROUPS),
        .ACROSS (MIX),
        .VECTORS(VECTORS),
        .STYLE  (STYLE)
    ) store (
        .clk      (clk),
        .rst      (rst),
        .in_data  (s1_axis_tdata),
        .in_valid (s1_axis_tvalid),
        .in_ready (s1_axis_tready),
        .out_data (kept),
        .out_valid(kept_valid),
        .out_ready(take)
    );

    // The flags of the words on their way: [0] goes with the first register behind the multipliers.
    localparam integer COLUMN_BITS = COLUMN_GROUPS > 1 ? $clog2(COLUMN_GROUPS) : 1;
    localparam [31:0]  LAST_COLUMN = COLUMN_GROUPS - 1;
    reg [COLUMN_BITS-1:0] column_q;
    reg [     STAGES-1:0] valid_q;
    reg [     STAGES-1:0] first_q;
    reg [     STAGES-1:0] last_q;
    reg                   out_valid_q;
    wire                  last_column = column_q == LAST_COLUMN[COLUMN_BITS-1:0];
    wire                  unused = &{1'b0, LAST_COLUMN};

    assign enable         = !out_valid_q || m_axis_tready;
    assign s0_axis_tready = enable && kept_valid;
    assign m_axis_tvalid  = out_valid_q;

    generate
        if (STAGES == 1) begin : one_register
            always @(posedge clk) begin
                if (rst) valid_q <= 1'b0;
                else if (enable) valid_q <= take;
                if (enable) begin
                    first_q <= column_q == {COLUMN_BITS{1'b0}};
                    last_q  <= last_column;
                end
            end
        end else begin : registers
            always @(posedge clk) begin
                if (rst) valid_q <= {STAGES{1'b0}};
                else if (enable) valid_q <= {valid_q[STAGES-2:0], take};
                if (enable) begin
                    first_q <= {first_q[STAGES-2:0], column_q == {COLUMN_BITS{1'b0}}};
                    last_q  <= {last_q[STAGES-2:0], last_column};
                end
            end
        end
    endgenerate

    always @(posedge clk) begin
        if (rst) begin
            column_q    <= {COLUMN_BITS{1'b0}};
            out_valid_q <= 1'b0;
        end else begin
            if (take) column_q <= last_column ? {COLUMN_BITS{1'b0}} : column_q + 1'b1;
            if (enable) out_valid_q <= valid_q[STAGES-1] && last_q[STAGES-1];
        end
    end

    genvar lane, term;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
            wire [SIMD*WEIGHT_BITS-1:0] weights;
            for (term = 0; term < SIMD; term = term + 1) begin : terms
                localparam integer PLACE = MIX != 0 ? term * PE + lane : lane * SIMD + term;
                wire [B_BITS-1:0] value = kept[PLACE*B_BITS+:B_BITS];
                if (B_SIGNED != 0) begin : plain
                    assign weights[term*WEIGHT_BITS+:WEIGHT_BITS] = value;
                end else begin : extended
                    assign weights[term*WEIGHT_BITS+:WEIGHT_BITS] = {1'b0, value};
                end
            end
            tr_dense_lane #(
                .SIMD       (SIMD),
                .IN_BITS    (A_BITS),
                .IN_SIGNED  (A_SIGNED),
                .WEIGHT_BITS(WEIGHT_BITS),
                .OUT_BITS   (OUT_BITS),
                .OUT_SIGNED (OUT_SIGNED),
                .DSP        (DSP),
                .BIAS       (0),
                .FIRST      (FIRST)
            ) products (
                .clk     (clk),
                .enable  (enable),
                .inputs  (s0_axis_tdata),
                .weights (weights),
                .valid   (valid_q[STAGES-1]),
                .first   (first_q[STAGES-1]),
                .complete(last_q[STAGES-1] && !rst),
                .bias    ({OUT_BITS{1'b0}}),
                .total   (m_axis_tdata[lane*OUT_BITS+:OUT_BITS])
            );
        end
    endgenerate

`ifdef FORMAL
    // One word of products of the first frame is marked (the solver chooses which); it is added up here from the words
    // of b, kept as they came, and those of a as they come. That b changes from frame to frame is proven of the store.
    localparam integer POSITION_WORDS = HEADS * (MIX != 0 ? ROW_GROUPS : COLUMN_GROUPS);
    localparam integer DEPTH          = HEADS * ROW_GROUPS * COLUMN_GROUPS;
    (* anyconst *) reg [15:0] marked;
    reg [BANKS*DEPTH*LANES*B_BITS-1:0] all_b;
    reg [15:0]                  came = 16'd0;  // words of b, at most those of a frame
    reg [15:0]                  taken;         // words of a
    reg [15:0]                  sent;          // words of products
    reg [ 7:0]                  waiting;       // cycles since all terms of a sum were in, and nothing was offered
    reg                         started = 1'b0;
    reg                         past = 1'b0;   // the last cycle was one without reset
    reg                         stalled;       // the last cycle offered a word that was not taken
    reg [PE*OUT_BITS-1:0]       offered;
    reg [PE*OUT_BITS-1:0]       expected;
    reg [PE*OUT_BITS-1:0]       grown;
    reg signed [OUT_BITS-1:0]   part;
    reg signed [A_BITS:0]       left;
    reg signed [B_BITS:0]       right;
    reg [15:0]                  column, row, head, position, channel, at;
    integer                     p;
    integer                     s;

    wire send = m_axis_tvalid && m_axis_tready;

    always @* begin
        if (!started) assume (rst);
        assume (taken < 16'hff00);
    end

    always @* begin
        column = taken % COLUMN_GROUPS;
        row    = taken / COLUMN_GROUPS % ROW_GROUPS;
        head   = taken / (COLUMN_GROUPS * ROW_GROUPS) % HEADS;
        for (p = 0; p < PE; p = p + 1) begin
            part = column == 16'd0 ? {OUT_BITS{1'b0}} : expected[p*OUT_BITS+:OUT_BITS];
            for (s = 0; s < SIMD; s = s + 1) begin
                position = MIX != 0 ? column * SIMD + s : row * PE + p;
                channel  = MIX != 0 ? head * ROWS + row * PE + p : head * COLS + column * SIMD + s;
                at       = position * POSITION_WORDS * LANES + channel;
                left     = {A_SIGNED != 0 && s0_axis_tdata[s*A_BITS+A_BITS-1], s0_axis_tdata[s*A_BITS+:A_BITS]};
                right    = {B_SIGNED != 0 && all_b[at*B_BITS+B_BITS-1], all_b[at*B_BITS+:B_BITS]};
                part     = part + left * right;
            end
            grown[p*OUT_BITS+:OUT_BITS] = part;
        end
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            came  <= 16'd0;
            taken <= 16'd0;
            sent  <= 16'd0;
            waiting <= 8'd0;
        end else begin
            if (s1_axis_tvalid && s1_axis_tready && came < BANKS * DEPTH) begin
                all_b[came*LANES*B_BITS+:LANES*B_BITS] <= s1_axis_tdata;
                came                                   <= came + 16'd1;
            end
            if (take) taken <= taken + 16'd1;
            if (take && taken / COLUMN_GROUPS == marked) expected <= grown;
            if (send) sent <= sent + 16'd1;
            waiting <= taken >= (sent + 16'd1) * COLUMN_GROUPS && !m_axis_tvalid ? waiting + 8'd1 : 8'd0;
        end
    end

    always @* if (started && !rst) begin
        // counted: no sum before all its terms are in, each soon after that, and nothing of a before b is there
        assert (waiting <= STAGES);
        if (m_axis_tvalid) assert ((sent + 16'd1) * COLUMN_GROUPS <= taken);
        if (taken != 16'd0) assert (came == BANKS * DEPTH);
        // marked: the sums arrive, complete and in order
        if (m_axis_tvalid && sent == marked && marked < VECTORS * HEADS * ROW_GROUPS) assert (m_axis_tdata == expected);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
