// SPDX-License-Identifier: Apache-2.0
//
// tr_threshold: a step function per channel, all of its thresholds compared in parallel.
//
// With idx = number of thresholds <= x, y = base + idx, or base - idx in channels that are marked as decreasing,
// modulo 2^OUT_BITS. The thresholds of a channel ascend, so the comparators give a thermometer code, and bit j of
// BASE + idx toggles at every 2^j-th threshold: it is the parity of those comparators. That needs no adder and
// takes in a common BASE for nothing.
//
// Latency   (CHANNELS > PE) memory + 1 compare + (LEVELS > 3) count + OFFSETS cycles.
// Interval  1 cycle a word.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; tready depends on m_axis_tready.
// Reset     synchronous, active high; clears valid and the word counter, leaves data.
// Cost      CHANNELS = PE: the thresholds are constants, THRESHOLD_BITS/3 or so LUTs each; otherwise THRESHOLD_BITS
//           LUTs and carries a comparator, and a memory of CHANNELS/PE words.

`default_nettype none

module tr_threshold #(
    parameter integer CHANNELS       = 4,  // channels of a vector; a multiple of PE
    parameter integer PE             = 2,  // lanes of a word
    parameter integer IN_BITS        = 8,  // bits of x
    parameter integer IN_SIGNED      = 1,  // 1: x and the thresholds are two's complement
    parameter integer THRESHOLD_BITS = 8,  // IN_BITS, or IN_BITS + 1 where some threshold is never reached
    parameter integer LEVELS         = 3,  // thresholds of a channel, at least 1
    parameter integer OUT_BITS       = 2,  // bits of y, at most 32
    parameter integer BASE           = 0,  // y below the first threshold, where OFFSETS = 0
    parameter integer OFFSETS        = 0,  // 1: {decreasing, base} of each channel come from a memory
    parameter THRESHOLDS_FILE        = "", // $readmemh, CHANNELS/PE words of PE * LEVELS ascending thresholds
    parameter OFFSETS_FILE           = ""  // $readmemh, CHANNELS/PE words of PE * {decreasing, base[OUT_BITS]}
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire [ PE*IN_BITS-1:0]   s_axis_tdata,
    input  wire                     s_axis_tvalid,
    output wire                     s_axis_tready,
    output wire [PE*OUT_BITS-1:0]   m_axis_tdata,
    output wire                     m_axis_tvalid,
    input  wire                     m_axis_tready
);
    localparam integer FOLDS     = CHANNELS / PE;
    localparam integer FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer ROW_BITS  = PE * LEVELS * THRESHOLD_BITS;
    localparam integer READ      = FOLDS > 1 ? 1 : 0;      // stages in front of the comparators
    localparam integer SPLIT     = LEVELS > 3 ? 1 : 0;     // 1: a register between comparators and count
    localparam integer COUNTED   = READ + 1 + SPLIT;       // the stage that holds the count
    localparam integer LATENCY   = COUNTED + (OFFSETS != 0 ? 1 : 0);
    localparam integer START     = OFFSETS != 0 ? 0 : BASE;

    // Which comparators toggle bit `position` of START + idx.
    function [LEVELS-1:0] toggles(input integer position);
        integer k;
        for (k = 0; k < LEVELS; k = k + 1) toggles[k] = ((START + k + 1) & ((1 << position) - 1)) == 0;
    endfunction

`ifdef FORMAL
    localparam integer DEPTH = FOLDS > 1 ? FOLDS : 2;  // yosys writes no SMT-LIB for a memory of one word
`else
    localparam integer DEPTH = FOLDS;
`endif

    genvar lane, level, position;

    // One enable for the whole pipeline: it stands only while the last stage waits.
    reg  [LATENCY:1] valid_q;
    wire [LATENCY:0] valid = {valid_q, s_axis_tvalid};
    wire             enable = !m_axis_tvalid || m_axis_tready;

    assign s_axis_tready = enable;
    assign m_axis_tvalid = valid[LATENCY];

    always @(posedge clk)
        if (rst) valid_q <= {LATENCY{1'b0}};
        else if (enable) valid_q <= valid[LATENCY-1:0];

    /* verilator lint_off UNDRIVEN */  // without a file name the memory stays empty
    reg [ROW_BITS-1:0] thresholds [0:DEPTH-1];
    /* verilator lint_on UNDRIVEN */
    generate
        if (THRESHOLDS_FILE != "") begin : g_thresholds
            initial $readmemh(THRESHOLDS_FILE, thresholds);
        end
    endgenerate

    // The word of the vector that comes in, and the memory stage; a single memory word is a constant.
    /* verilator lint_off UNUSEDSIGNAL */  // only a memory of offsets looks the word number up again
    wire [FOLD_BITS-1:0]  fold;
    /* verilator lint_on UNUSEDSIGNAL */
    wire [PE*IN_BITS-1:0] x;
    wire [ROW_BITS-1:0]   row;
    generate
        if (FOLDS > 1) begin : g_read
            localparam [31:0] LAST = FOLDS - 1;
            reg [FOLD_BITS-1:0]  fold_q;
            reg [PE*IN_BITS-1:0] x_q;
            reg [ROW_BITS-1:0]   row_q;
            assign fold = fold_q;
            assign x    = x_q;
            assign row  = row_q;
            always @(posedge clk)
                if (rst) fold_q <= {FOLD_BITS{1'b0}};
                else if (enable && s_axis_tvalid)
                    fold_q <= fold_q == LAST[FOLD_BITS-1:0] ? {FOLD_BITS{1'b0}} : fold_q + 1'b1;
            always @(posedge clk)
                if (enable) begin
                    x_q   <= s_axis_tdata;
                    row_q <= thresholds[fold_q];
                end
        end else begin : g_constant
            assign fold = 1'b0;
            assign x    = s_axis_tdata;
            assign row  = thresholds[0];
        end
    endgenerate

    wire [PE*LEVELS-1:0] reached_d;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_compare
            wire [IN_BITS-1:0]        narrow = x[lane*IN_BITS +: IN_BITS];
            wire [THRESHOLD_BITS-1:0] value;
            if (THRESHOLD_BITS == IN_BITS) begin : g_same
                assign value = narrow;
            end else begin : g_extend
                assign value = {{(THRESHOLD_BITS - IN_BITS){IN_SIGNED != 0 && narrow[IN_BITS-1]}}, narrow};
            end
            for (level = 0; level < LEVELS; level = level + 1) begin : g_level
                wire [THRESHOLD_BITS-1:0] threshold = row[(lane*LEVELS+level)*THRESHOLD_BITS +: THRESHOLD_BITS];
                if (IN_SIGNED != 0) begin : g_signed
                    assign reached_d[lane*LEVELS+level] = $signed(value) >= $signed(threshold);
                end else begin : g_unsigned
                    assign reached_d[lane*LEVELS+level] = value >= threshold;
                end
            end
        end
    endgenerate

    wire [PE*LEVELS-1:0] reached;
    generate
        if (SPLIT != 0) begin : g_reached
            reg [PE*LEVELS-1:0] reached_q;
            assign reached = reached_q;
            always @(posedge clk) if (enable) reached_q <= reached_d;
        end else begin : g_merged
            assign reached = reached_d;
        end
    endgenerate

    wire [PE*OUT_BITS-1:0] count_d;
    reg  [PE*OUT_BITS-1:0] count_q;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_count
            for (position = 0; position < OUT_BITS; position = position + 1) begin : g_bit
                localparam [LEVELS-1:0] TOGGLES = toggles(position);
                localparam [31:0]       FIRST   = START;
                assign count_d[lane*OUT_BITS+position] =
                    FIRST[position] ^ (^(reached[lane*LEVELS +: LEVELS] & TOGGLES));
            end
        end
    endgenerate
    always @(posedge clk) if (enable) count_q <= count_d;

    generate
        if (OFFSETS != 0) begin : g_offsets
            /* verilator lint_off UNDRIVEN */  // without a file name the memory stays empty
            reg [PE*(OUT_BITS+1)-1:0] offsets [0:DEPTH-1];
            /* verilator lint_on UNDRIVEN */
            if (OFFSETS_FILE != "") begin : g_file
                initial $readmemh(OFFSETS_FILE, offsets);
            end

            wire [PE*(OUT_BITS+1)-1:0] offset;
            if (FOLDS > 1) begin : g_read
                // The word number travels along until the count is registered: it is narrower than the offsets.
                reg  [FOLD_BITS*(COUNTED-1)-1:0] late_q;
                wire [FOLD_BITS*COUNTED-1:0]     late = {late_q, fold};
                reg  [PE*(OUT_BITS+1)-1:0]       offset_q;
                assign offset = offset_q;
                always @(posedge clk)
                    if (enable) begin
                        late_q   <= late[FOLD_BITS*(COUNTED-1)-1:0];
                        offset_q <= offsets[late[FOLD_BITS*(COUNTED-1) +: FOLD_BITS]];
                    end
            end else begin : g_constant
                assign offset = offsets[0];
            end

            reg [PE*OUT_BITS-1:0] y_q;
            assign m_axis_tdata = y_q;
            for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
                wire [OUT_BITS-1:0] base = offset[lane*(OUT_BITS+1) +: OUT_BITS];
                wire [OUT_BITS-1:0] flip = {OUT_BITS{offset[lane*(OUT_BITS+1)+OUT_BITS]}};
                // base - idx = ~(~base + idx): one adder does both directions.
                always @(posedge clk)
                    if (enable)
                        y_q[lane*OUT_BITS +: OUT_BITS] <=
                            ((base ^ flip) + count_q[lane*OUT_BITS +: OUT_BITS]) ^ flip;
            end
        end else begin : g_base
            assign m_axis_tdata = count_q;
        end
    endgenerate

`ifdef FORMAL
`include "tr_formal_mapper.vh"

    wire [ROW_BITS-1:0]   f_row = thresholds[f_fold];
    reg [PE*LEVELS-1:0]   f_reached;
    reg [PE*OUT_BITS-1:0] f_count;
    reg [PE*(OUT_BITS+1)-1:0] f_offset;
    reg [THRESHOLD_BITS:0] f_x, f_t, f_before;
    integer               f_l, f_k;

    // Any contents, but always the same: to yosys an empty memory that nothing writes may change.
    always @(posedge clk) thresholds[f_turn] <= thresholds[f_turn];

    localparam [31:0] F_BASE = BASE;
    generate
        if (OFFSETS != 0) begin : g_formal_offsets
            always @* f_offset = g_offsets.offsets[f_fold];
            always @(posedge clk) g_offsets.offsets[f_turn] <= g_offsets.offsets[f_turn];
        end else begin : g_formal_base
            always @* f_offset = {PE{{1'b0, F_BASE[OUT_BITS-1:0]}}};
        end
    endgenerate
    always @* begin
        f_count = {PE*OUT_BITS{1'b0}};
        for (f_l = 0; f_l < PE; f_l = f_l + 1) begin
            f_x = {{(THRESHOLD_BITS+1-IN_BITS){IN_SIGNED != 0 && f_word[f_l*IN_BITS+IN_BITS-1]}},
                   f_word[f_l*IN_BITS +: IN_BITS]};
            for (f_k = 0; f_k < LEVELS; f_k = f_k + 1) begin
                f_before = f_t;
                f_t = {IN_SIGNED != 0 && f_row[(f_l*LEVELS+f_k)*THRESHOLD_BITS+THRESHOLD_BITS-1],
                       f_row[(f_l*LEVELS+f_k)*THRESHOLD_BITS +: THRESHOLD_BITS]};
                if (f_k > 0) assume ($signed(f_before) <= $signed(f_t));  // a memory of thresholds ascends
                f_reached[f_l*LEVELS+f_k] = $signed(f_t) <= $signed(f_x);
                if (f_reached[f_l*LEVELS+f_k])
                    f_count[f_l*OUT_BITS +: OUT_BITS] = f_count[f_l*OUT_BITS +: OUT_BITS] + 1'b1;
            end
            f_y[f_l*OUT_BITS +: OUT_BITS] = f_offset[f_l*(OUT_BITS+1)+OUT_BITS]
                ? f_offset[f_l*(OUT_BITS+1) +: OUT_BITS] - f_count[f_l*OUT_BITS +: OUT_BITS]
                : f_offset[f_l*(OUT_BITS+1) +: OUT_BITS] + f_count[f_l*OUT_BITS +: OUT_BITS];
        end
    end

    always @* if (f_past && !rst && f_live) begin
        if (READ != 0 && f_stage == READ) assert (x == f_word && row == f_row);
        if (SPLIT != 0 && f_stage == READ + 1) assert (reached == f_reached);
        if (OFFSETS != 0 && f_stage == COUNTED) assert (count_q == f_count);
    end
    generate
        if (OFFSETS != 0 && FOLDS > 1) begin : g_formal_late
            integer f_d;
            always @* if (f_past && !rst && f_live) begin
                for (f_d = 1; f_d < COUNTED; f_d = f_d + 1)
                    if (f_stage == f_d) assert (g_offsets.g_read.late[f_d*FOLD_BITS +: FOLD_BITS] == f_fold);
                if (f_stage == COUNTED) assert (g_offsets.offset == f_offset);
            end
        end
    endgenerate
`endif
endmodule

`default_nettype wire
