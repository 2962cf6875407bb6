// SPDX-License-Identifier: Apache-2.0
//
// tr_eltwise: combines two streams lane by lane: A_FACTOR * a + B_FACTOR * b, or a * b.
//
// Latency   1 cycle for an addition whose factors are 0, 1 or a power of two, with either sign; else 2 cycles
//           (products, then the sum; or operands, then the product, which is what a multiplier block registers).
// Rate      a word every cycle. Takes a word from both inputs at once, when both offer one.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. Each input's tready depends on the other's tvalid.
// Cost      a factor with at most 4 signed digits is a sum of shifts; others, and a * b, may become multiplier blocks.
// Reset     synchronous, active high; clears valid, leaves data.
//
// The result is exact modulo 2^OUT_BITS; that it fits is for the one who chooses OUT_BITS to know.
`default_nettype none

module tr_eltwise #(
    parameter integer OPERATION = 0,  // 0: A_FACTOR * a + B_FACTOR * b; 1: a * b
    parameter integer LANES     = 1,  // integers in a word
    parameter integer A_BITS    = 4,  // bits of a, on s0_axis
    parameter integer A_SIGNED  = 1,  // 1: a is two's complement; 0: unsigned
    parameter integer A_FACTOR  = 1,  // signed 32 bit; unused if OPERATION is 1
    parameter integer B_BITS    = 4,  // as for a, on s1_axis
    parameter integer B_SIGNED  = 1,
    parameter integer B_FACTOR  = 1,
    parameter integer OUT_BITS  = 5   // bits of the result
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire [LANES*A_BITS-1:0]   s0_axis_tdata,
    input  wire                      s0_axis_tvalid,
    output wire                      s0_axis_tready,
    input  wire [LANES*B_BITS-1:0]   s1_axis_tdata,
    input  wire                      s1_axis_tvalid,
    output wire                      s1_axis_tready,
    output wire [LANES*OUT_BITS-1:0] m_axis_tdata,
    output wire                      m_axis_tvalid,
    input  wire                      m_axis_tready
);
    // The signed digits (1, 0, -1) of a factor, as few as possible, are the bits of 3f less those of f, from bit 1 up:
    // their difference is 2f, and no two neighbours are set.
    function [33:0] positive_digits(input integer factor);
        reg [35:0] once, thrice;
        begin
            once = {{4{factor[31]}}, factor};
            thrice = once + {once[34:0], 1'b0};
            once = ~once & thrice;
            positive_digits = once[34:1];
        end
    endfunction

    function [33:0] negative_digits(input integer factor);
        reg [35:0] once, thrice;
        begin
            once = {{4{factor[31]}}, factor};
            thrice = once + {once[34:0], 1'b0};
            once = once & ~thrice;
            negative_digits = once[34:1];
        end
    endfunction

    function integer count(input [33:0] set);
        integer i;
        begin
            count = 0;
            for (i = 0; i < 34; i = i + 1) if (set[i]) count = count + 1;
        end
    endfunction

    localparam integer MOST_SHIFTS = 4;
    localparam [33:0] A_POSITIVE = positive_digits(A_FACTOR);
    localparam [33:0] A_NEGATIVE = negative_digits(A_FACTOR);
    localparam [33:0] B_POSITIVE = positive_digits(B_FACTOR);
    localparam [33:0] B_NEGATIVE = negative_digits(B_FACTOR);
    localparam integer A_DIGITS = count(A_POSITIVE | A_NEGATIVE);
    localparam integer B_DIGITS = count(B_POSITIVE | B_NEGATIVE);
    localparam integer STAGES = OPERATION == 1 || A_DIGITS > 1 || B_DIGITS > 1 ? 2 : 1;
    // One bit more makes an unsigned operand a signed one.
    localparam integer A_WIDTH = A_SIGNED != 0 ? A_BITS : A_BITS + 1;
    localparam integer B_WIDTH = B_SIGNED != 0 ? B_BITS : B_BITS + 1;

    // factor * value modulo 2^OUT_BITS, as a sum of shifts
    function [OUT_BITS-1:0] shifts(input [OUT_BITS-1:0] value, input [33:0] positive, input [33:0] negative);
        integer i;
        begin
            shifts = {OUT_BITS{1'b0}};
            for (i = 0; i < 34; i = i + 1) if (positive[i]) shifts = shifts + (value << i);
            for (i = 0; i < 34; i = i + 1) if (negative[i]) shifts = shifts - (value << i);
        end
    endfunction

    reg  valid_q;
`ifdef FORMAL
    wire stage_valid;  // a word is in the first of two stages
`endif
    wire enable = !valid_q || m_axis_tready;
    wire put = enable && s0_axis_tvalid && s1_axis_tvalid;

    assign s0_axis_tready = enable && s1_axis_tvalid;
    assign s1_axis_tready = enable && s0_axis_tvalid;
    assign m_axis_tvalid  = valid_q;

`ifdef FORMAL
    // A pair of words is marked as it enters (the solver chooses when); their lanes number `place` carry a and b.
    (* anyconst *) reg [7:0]        place;
    (* anyconst *) reg [A_BITS-1:0] a_marked;
    (* anyconst *) reg [B_BITS-1:0] b_marked;
    (* anyseq *)   reg              mark;
    reg                      started = 1'b0;
    reg                      past = 1'b0;  // the last cycle was one without reset
    reg                      stalled;      // the last cycle offered a word that was not taken
    reg [LANES*OUT_BITS-1:0] offered;
    reg [2:0]                held;         // pairs in minus words out
    reg [2:0]                ahead;
    reg                      live;         // the marked pair is inside
    wire signed [47:0] a_value = {{48{A_SIGNED != 0 && a_marked[A_BITS-1]}}, a_marked};
    wire signed [47:0] b_value = {{48{B_SIGNED != 0 && b_marked[B_BITS-1]}}, b_marked};
    wire signed [47:0] exact = OPERATION == 1 ? a_value * b_value : a_value * A_FACTOR + b_value * B_FACTOR;
    wire [OUT_BITS-1:0] want = exact[OUT_BITS-1:0];
    wire               in_stage = live && (ahead != 0 || !valid_q);  // the marked pair is in the first stage
`endif

    genvar lane;
    generate
        if (STAGES == 1) begin : control
`ifdef FORMAL
            assign stage_valid = 1'b0;
`endif
            always @(posedge clk) begin
                if (rst) valid_q <= 1'b0;
                else if (enable) valid_q <= put;
            end
        end else begin : control
            reg stage_valid_q;
`ifdef FORMAL
            assign stage_valid = stage_valid_q;
`endif
            always @(posedge clk) begin
                if (rst) begin
                    stage_valid_q <= 1'b0;
                    valid_q       <= 1'b0;
                end else if (enable) begin
                    stage_valid_q <= put;
                    valid_q       <= stage_valid_q;
                end
            end
        end

        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            wire [A_BITS-1:0] a = s0_axis_tdata[lane*A_BITS+:A_BITS];
            wire [B_BITS-1:0] b = s1_axis_tdata[lane*B_BITS+:B_BITS];
            reg  [OUT_BITS-1:0] out_q;
            assign m_axis_tdata[lane*OUT_BITS+:OUT_BITS] = out_q;

            wire signed [A_WIDTH-1:0] a_signed;
            wire signed [B_WIDTH-1:0] b_signed;

            if (OPERATION == 1) begin : multiply
                reg  [A_BITS-1:0] a_q;
                reg  [B_BITS-1:0] b_q;
                wire signed [A_WIDTH+B_WIDTH-1:0] product = a_signed * b_signed;
                /* verilator lint_off UNUSEDSIGNAL */  // the bits above OUT_BITS
                wire [OUT_BITS+A_WIDTH+B_WIDTH-1:0] extended = {{OUT_BITS{product[A_WIDTH+B_WIDTH-1]}}, product};
                /* verilator lint_on UNUSEDSIGNAL */
                if (A_SIGNED != 0) begin : a_operand
                    assign a_signed = a_q;
                end else begin : a_operand
                    assign a_signed = {1'b0, a_q};
                end
                if (B_SIGNED != 0) begin : b_operand
                    assign b_signed = b_q;
                end else begin : b_operand
                    assign b_signed = {1'b0, b_q};
                end
                always @(posedge clk) begin
                    if (enable) begin
                        a_q   <= a;
                        b_q   <= b;
                        out_q <= extended[OUT_BITS-1:0];
                    end
                end
`ifdef FORMAL
                always @* if (started && !rst && in_stage && place == lane) assert (a_q == a_marked && b_q == b_marked);
`endif
            end else begin : add
                wire [OUT_BITS-1:0] a_term;
                wire [OUT_BITS-1:0] b_term;
                /* verilator lint_off UNUSEDSIGNAL */  // the bits above OUT_BITS
                wire [OUT_BITS+A_WIDTH-1:0] a_extended = {{OUT_BITS{a_signed[A_WIDTH-1]}}, a_signed};
                wire [OUT_BITS+B_WIDTH-1:0] b_extended = {{OUT_BITS{b_signed[B_WIDTH-1]}}, b_signed};
                /* verilator lint_on UNUSEDSIGNAL */
                if (A_SIGNED != 0) begin : a_operand
                    assign a_signed = a;
                end else begin : a_operand
                    assign a_signed = {1'b0, a};
                end
                if (B_SIGNED != 0) begin : b_operand
                    assign b_signed = b;
                end else begin : b_operand
                    assign b_signed = {1'b0, b};
                end
                if (A_DIGITS <= MOST_SHIFTS) begin : a_scale
                    assign a_term = shifts(a_extended[OUT_BITS-1:0], A_POSITIVE, A_NEGATIVE);
                end else begin : a_scale
                    /* verilator lint_off UNUSEDSIGNAL */  // the bits above OUT_BITS
                    wire signed [A_WIDTH+31:0] product = a_signed * $signed(A_FACTOR);
                    wire [OUT_BITS+A_WIDTH+31:0] extended = {{OUT_BITS{product[A_WIDTH+31]}}, product};
                    /* verilator lint_on UNUSEDSIGNAL */
                    assign a_term = extended[OUT_BITS-1:0];
                end
                if (B_DIGITS <= MOST_SHIFTS) begin : b_scale
                    assign b_term = shifts(b_extended[OUT_BITS-1:0], B_POSITIVE, B_NEGATIVE);
                end else begin : b_scale
                    /* verilator lint_off UNUSEDSIGNAL */  // the bits above OUT_BITS
                    wire signed [B_WIDTH+31:0] product = b_signed * $signed(B_FACTOR);
                    wire [OUT_BITS+B_WIDTH+31:0] extended = {{OUT_BITS{product[B_WIDTH+31]}}, product};
                    /* verilator lint_on UNUSEDSIGNAL */
                    assign b_term = extended[OUT_BITS-1:0];
                end
                if (STAGES == 1) begin : sum
                    always @(posedge clk) if (enable) out_q <= a_term + b_term;
                end else begin : sum
                    reg [OUT_BITS-1:0] a_term_q;
                    reg [OUT_BITS-1:0] b_term_q;
                    always @(posedge clk) begin
                        if (enable) begin
                            a_term_q <= a_term;
                            b_term_q <= b_term;
                            out_q    <= a_term_q + b_term_q;
                        end
                    end
`ifdef FORMAL
                    wire [OUT_BITS-1:0] stage_sum = a_term_q + b_term_q;
                    always @* if (started && !rst && in_stage && place == lane) assert (stage_sum == want);
`endif
                end
            end

`ifdef FORMAL
            // marked: the result of the marked pair arrives, in order
            always @* if (started && !rst && live && valid_q && ahead == 0 && place == lane) assert (out_q == want);
`endif
        end
    endgenerate

`ifdef FORMAL
    wire take = m_axis_tvalid && m_axis_tready;

    always @* begin
        assume (place < LANES);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            held <= 3'd0;
            live <= 1'b0;
        end else begin
            held <= held + put - take;
            if (live && take) begin
                if (ahead == 3'd0) live <= 1'b0;
                ahead <= ahead - 3'd1;
            end
            if (!live && put && mark && s0_axis_tdata[place*A_BITS+:A_BITS] == a_marked
                && s1_axis_tdata[place*B_BITS+:B_BITS] == b_marked) begin
                live  <= 1'b1;
                ahead <= held - take;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: none lost, none doubled, both inputs in step
        assert ((s0_axis_tvalid && s0_axis_tready) == (s1_axis_tvalid && s1_axis_tready));
        assert (held == {2'd0, valid_q} + {2'd0, stage_valid});
        if (live) assert (ahead < held);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
