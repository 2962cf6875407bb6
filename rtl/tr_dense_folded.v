// SPDX-License-Identifier: Apache-2.0
//
// tr_dense_folded: matrix times vector, PE rows x SIMD columns a cycle, weights in a memory.
//
// Takes FOLDS = (ROWS/PE) * (COLS/SIMD) words per vector: the vector's COLS/SIMD words, ROWS/PE times over (a
// tr_replay in front sees to that). Sends ROWS/PE words of PE sums. A word is taken every cycle.
//
// Latency   COLS/SIMD + 1 + T cycles from the first word taken to the first word offered, one more with STYLE = 3,
//           with T = 1 + max(0, clog2(SIMD) - F) / 2 (whole part) registers in the adder tree; F is 1, or 0 where the
//           products take long: multiplier blocks, or three base-4 digits and more on both sides.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; s_axis_tready follows m_axis_tready.
// Reset     synchronous, active high; clears flags and counters, leaves data.
`default_nettype none

module tr_dense_folded #(
    parameter integer ROWS        = 4,
    parameter integer COLS        = 4,
    parameter integer PE          = 2,  // rows a cycle, divides ROWS
    parameter integer SIMD        = 2,  // columns a cycle, divides COLS
    parameter integer IN_BITS     = 4,
    parameter integer IN_SIGNED   = 0,
    parameter integer WEIGHT_BITS = 4,  // signed
    parameter integer OUT_BITS    = 10,
    parameter integer OUT_SIGNED  = 1,  // for the check in simulation only
    parameter integer STYLE       = 0,  // weights: 0 synthesis decides, 1 and 2 LUTs, 3 block RAM
    parameter integer DSP         = 0,  // 0: multipliers of LUTs, 1: synthesis may use multiplier blocks
    parameter integer BIAS        = 0,  // 0: none; 1: added; 2: added, known modulo 2^OUT_BITS only (no check)
    parameter WEIGHTS_FILE = "",
    parameter BIAS_FILE = ""
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [SIMD*IN_BITS-1:0] s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,
    output wire [ PE*OUT_BITS-1:0] m_axis_tdata,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);
    // Products of base-4 digits (see tr_dense_lane): with three digits and more they get a register of their own.
    localparam integer INPUT_DIGITS  = (IN_BITS + (IN_SIGNED != 0 ? 1 : 2)) / 2;
    localparam integer WEIGHT_DIGITS = (WEIGHT_BITS + 1) / 2;
    localparam integer LONG          = INPUT_DIGITS > 2 && WEIGHT_DIGITS > 2 ? 1 : 0;
    localparam integer FIRST         = DSP != 0 || LONG != 0 ? 0 : 1;
    localparam integer LEVELS        = $clog2(SIMD);
    localparam integer STAGES        = LEVELS > FIRST ? 1 + (LEVELS - FIRST) / 2 : 1;

    wire                           enable;
    wire                           valid;
    wire                           first;
    wire                           complete;
    wire [       SIMD*IN_BITS-1:0] inputs;
    wire [PE*SIMD*WEIGHT_BITS-1:0] weights;
    wire [        PE*OUT_BITS-1:0] bias;

`ifdef FORMAL
    (* anyconst *) reg [ROWS*COLS*WEIGHT_BITS-1:0] all_weights;
    (* anyconst *) reg [ROWS*OUT_BITS-1:0] all_biases;
`endif

    tr_dense_schedule #(
        .ROW_GROUPS   (ROWS / PE),
        .COLUMN_GROUPS(COLS / SIMD),
        .INPUTS_BITS  (SIMD * IN_BITS),
        .WEIGHTS_BITS (PE * SIMD * WEIGHT_BITS),
        .BIASES_BITS  (PE * OUT_BITS),
        .STAGES       (STAGES),
        .STYLE        (STYLE),
        .BIAS         (BIAS),
        .WEIGHTS_FILE (WEIGHTS_FILE),
        .BIAS_FILE    (BIAS_FILE)
    ) schedule (
        .clk          (clk),
        .rst          (rst),
        .in_data      (s_axis_tdata),
        .in_valid     (s_axis_tvalid),
        .in_ready     (s_axis_tready),
        .out_valid    (m_axis_tvalid),
        .out_ready    (m_axis_tready),
`ifdef FORMAL
        .all_weights  (all_weights),
        .all_biases   (all_biases),
`endif
        .enable       (enable),
        .inputs       (inputs),
        .weights      (weights),
        .valid        (valid),
        .first        (first),
        .complete     (complete),
        .bias         (bias)
    );

    genvar lane;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
            tr_dense_lane #(
                .SIMD       (SIMD),
                .IN_BITS    (IN_BITS),
                .IN_SIGNED  (IN_SIGNED),
                .WEIGHT_BITS(WEIGHT_BITS),
                .OUT_BITS   (OUT_BITS),
                .OUT_SIGNED (OUT_SIGNED),
                .DSP        (DSP),
                .BIAS       (BIAS),
                .FIRST      (FIRST)
            ) row_sum (
                .clk    (clk),
                .enable (enable),
                .inputs (inputs),
                .weights(weights[lane*SIMD*WEIGHT_BITS+:SIMD*WEIGHT_BITS]),
                .valid   (valid),
                .first   (first),
                .complete(complete),
                .bias   (bias[lane*OUT_BITS+:OUT_BITS]),
                .total  (m_axis_tdata[lane*OUT_BITS+:OUT_BITS])
            );
        end
    endgenerate

`ifdef FORMAL
    // One row group is marked as its first word is taken (the solver chooses when); its sums are added up here, from
    // arbitrary weights and biases, and compared with what comes out. `ahead` words go before it.
    localparam integer GROUP_WORDS = COLS / SIMD;
    localparam integer FOLDS       = (ROWS / PE) * GROUP_WORDS;
    (* anyseq *)   reg mark;
    reg                   started = 1'b0;
    reg                   past = 1'b0;  // the last cycle was one without reset
    reg                   stalled;      // the last cycle offered a word that was not taken
    reg [PE*OUT_BITS-1:0] offered;
    reg [           15:0] taken;        // words of the current vector that are in
    reg [            7:0] held;         // row groups begun, minus words out
    reg [            7:0] ahead;
    reg                   live;         // the marked row group is inside
    reg                   growing;      // its last word is still to come
    reg [PE*OUT_BITS-1:0] expected;
    reg [PE*OUT_BITS-1:0] grown;
    reg signed [   OUT_BITS-1:0] part;
    reg signed [    IN_BITS:0] value;
    reg signed [WEIGHT_BITS-1:0] weight;
    integer               p;
    integer               s;

    wire take_word = s_axis_tvalid && s_axis_tready;
    wire send_word = m_axis_tvalid && m_axis_tready;
    wire begins    = take_word && taken % GROUP_WORDS == 0;

    always @* if (!started) assume (rst);

    always @* begin
        for (p = 0; p < PE; p = p + 1) begin
            part = expected[p*OUT_BITS+:OUT_BITS];
            if (begins) part = BIAS != 0 ? all_biases[((taken/GROUP_WORDS)*PE+p)*OUT_BITS+:OUT_BITS] : 0;
            for (s = 0; s < SIMD; s = s + 1) begin
                value  = {IN_SIGNED != 0 && s_axis_tdata[s*IN_BITS+IN_BITS-1], s_axis_tdata[s*IN_BITS+:IN_BITS]};
                weight = all_weights[((taken*PE+p)*SIMD+s)*WEIGHT_BITS+:WEIGHT_BITS];
                part   = part + value * weight;
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
            taken <= 16'd0;
            held  <= 8'd0;
            live  <= 1'b0;
        end else begin
            if (take_word) taken <= taken == FOLDS - 1 ? 16'd0 : taken + 16'd1;
            held <= held + begins - send_word;
            if (live && send_word) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (begins && mark && !live) begin
                live     <= 1'b1;
                ahead    <= held - send_word;
                growing  <= GROUP_WORDS > 1;
                expected <= grown;
            end else if (live && growing && take_word) begin
                growing  <= taken % GROUP_WORDS != GROUP_WORDS - 1;
                expected <= grown;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: nothing comes out that has not gone in
        if (m_axis_tvalid) assert (held != 8'd0);
        // marked: the sums of the row group arrive, complete and in order
        if (live && ahead == 8'd0 && m_axis_tvalid) assert (!growing && m_axis_tdata == expected);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
