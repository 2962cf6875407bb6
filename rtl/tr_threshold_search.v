// SPDX-License-Identifier: Apache-2.0
//
// tr_threshold_search: a step function per channel, its thresholds searched by halves, one comparator a step and lane.
//
// The same function as tr_threshold: with idx = number of thresholds <= x, y = base + idx, or base - idx in channels
// that are marked as decreasing, modulo 2^OUT_BITS. Step s finds bit STEPS-1-s of idx, the highest first: its memory
// holds 2^s thresholds a channel, entry (f << s) + p of lane l being threshold
// (p << (STEPS-s)) + (1 << (STEPS-s-1)) - 1 of channel f * PE + l, where p is what the steps before have found.
// The file of lane l and step s is THRESHOLDS_PREFIX followed by "_", l as four decimal digits, "_", s as two, ".mem".
//
// Latency   (CHANNELS > PE) memory + STEPS + OFFSETS cycles, where LEVELS = 2^STEPS - 1.
// Interval  1 cycle a word.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; tready depends on m_axis_tready.
// Reset     synchronous, active high; clears valid and the word counter, leaves data.
// Cost      STEPS comparators a lane and as many memories, together CHANNELS/PE * LEVELS words of THRESHOLD_BITS.

`default_nettype none

module tr_threshold_search #(
    parameter integer CHANNELS       = 4,  // channels of a vector; a multiple of PE
    parameter integer PE             = 2,  // lanes of a word, at most 10000
    parameter integer IN_BITS        = 8,  // bits of x
    parameter integer IN_SIGNED      = 1,  // 1: x and the thresholds are two's complement
    parameter integer THRESHOLD_BITS = 8,  // IN_BITS, or IN_BITS + 1 where some threshold is never reached
    parameter integer LEVELS         = 7,  // thresholds of a channel, 2^STEPS - 1
    parameter integer OUT_BITS       = 3,  // bits of y, at most 32
    parameter integer BASE           = 0,  // y below the first threshold, where OFFSETS = 0
    parameter integer OFFSETS        = 0,  // 1: {decreasing, base} of each channel come from a memory
    parameter THRESHOLDS_PREFIX      = "", // $readmemh, what the names of the lanes' and steps' files begin with
    parameter OFFSETS_FILE           = ""  // $readmemh, CHANNELS/PE words of PE * {decreasing, base[OUT_BITS]}
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [PE*IN_BITS-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    output wire [PE*OUT_BITS-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready
);
    localparam integer STEPS     = $clog2(LEVELS + 1);
    localparam integer FOLDS     = CHANNELS / PE;
    localparam integer FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer READ      = FOLDS > 1 ? 1 : 0;   // stages in front of the first comparator
    localparam integer COUNTED   = READ + STEPS;        // the stage that holds the result of the search
    localparam integer LATENCY   = COUNTED + (OFFSETS != 0 ? 1 : 0);
    localparam [31:0]  START     = OFFSETS != 0 ? 0 : BASE;
`ifdef FORMAL
    localparam integer DEPTH = FOLDS > 1 ? FOLDS : 2;  // yosys writes no SMT-LIB for a memory of one word
`else
    localparam integer DEPTH = FOLDS;
`endif

    genvar step, lane;

    // One enable for the whole pipeline: it stands only while the last stage waits.
    reg  [LATENCY:1] valid_q;
    wire [LATENCY:0] valid = {valid_q, s_axis_tvalid};
    wire             enable = !m_axis_tvalid || m_axis_tready;

    assign s_axis_tready = enable;
    assign m_axis_tvalid = valid[LATENCY];

    always @(posedge clk)
        if (rst) valid_q <= {LATENCY{1'b0}};
        else if (enable) valid_q <= valid[LATENCY-1:0];

    // The word of the vector that comes in.
    /* verilator lint_off UNUSEDSIGNAL */  // a single word of memory needs no number
    wire [FOLD_BITS-1:0] fold;
    /* verilator lint_on UNUSEDSIGNAL */
    generate
        if (FOLDS > 1) begin : g_turn
            localparam [31:0] LAST = FOLDS - 1;
            reg [FOLD_BITS-1:0] fold_q;
            assign fold = fold_q;
            always @(posedge clk)
                if (rst) fold_q <= {FOLD_BITS{1'b0}};
                else if (enable && s_axis_tvalid)
                    fold_q <= fold_q == LAST[FOLD_BITS-1:0] ? {FOLD_BITS{1'b0}} : fold_q + 1'b1;
        end else begin : g_no_turn
            assign fold = 1'b0;
        end
    endgenerate

    // Step by step: what stands in front of its comparator, and the index with its bit found.
    generate
        for (step = 0; step < STEPS; step = step + 1) begin : g_step
            wire [PE*IN_BITS-1:0] x;
            wire [PE*STEPS-1:0]   index;  // bits STEPS-1 down to STEPS-step are found, the others are 0
            wire [PE*STEPS-1:0]   next;
            /* verilator lint_off UNUSEDSIGNAL */  // a single word of memory needs no number
            wire [FOLD_BITS-1:0]  turn;   // the word of the vector
            /* verilator lint_on UNUSEDSIGNAL */

            if (step > 0 || READ != 0) begin : g_registers
                reg [PE*IN_BITS-1:0] x_q;
                reg [FOLD_BITS-1:0]  turn_q;
                assign x    = x_q;
                assign turn = turn_q;
                if (step > 0) begin : g_later
                    reg [PE*STEPS-1:0] index_q;
                    assign index = index_q;
                    always @(posedge clk)
                        if (enable) begin
                            x_q     <= g_step[step-1].x;
                            turn_q  <= g_step[step-1].turn;
                            index_q <= g_step[step-1].next;
                        end
                end else begin : g_first
                    assign index = {PE*STEPS{1'b0}};
                    always @(posedge clk)
                        if (enable) begin
                            x_q    <= s_axis_tdata;
                            turn_q <= fold;
                        end
                end
            end else begin : g_direct
                assign x     = s_axis_tdata;
                assign index = {PE*STEPS{1'b0}};
                assign turn  = fold;
            end

            for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
                // The file of the lane and step, digit by digit.
                localparam [31:0] L3 = 48 + lane / 1000 % 10;
                localparam [31:0] L2 = 48 + lane / 100 % 10;
                localparam [31:0] L1 = 48 + lane / 10 % 10;
                localparam [31:0] L0 = 48 + lane % 10;
                localparam [31:0] S1 = 48 + step / 10 % 10;
                localparam [31:0] S0 = 48 + step % 10;

                /* verilator lint_off UNDRIVEN */  // without a file name the memory stays empty
                reg [THRESHOLD_BITS-1:0] thresholds [0:(DEPTH<<step)-1];
                /* verilator lint_on UNDRIVEN */
                if (THRESHOLDS_PREFIX != "") begin : g_file
                    initial $readmemh({THRESHOLDS_PREFIX, "_", L3[7:0], L2[7:0], L1[7:0], L0[7:0],
                                       "_", S1[7:0], S0[7:0], ".mem"}, thresholds);
                end

                wire [THRESHOLD_BITS-1:0] threshold;
                if (step > 0) begin : g_later
                    // The comparison before this one completes the address.
                    localparam integer ADDRESS_BITS = (FOLDS > 1 ? FOLD_BITS : 0) + step;
                    wire [ADDRESS_BITS-1:0]   address;
                    reg  [THRESHOLD_BITS-1:0] threshold_q;
                    assign threshold = threshold_q;
                    if (FOLDS > 1) begin : g_channels
                        assign address = {g_step[step-1].turn, g_step[step-1].next[lane*STEPS+STEPS-step +: step]};
                    end else begin : g_one
                        assign address = g_step[step-1].next[lane*STEPS+STEPS-step +: step];
                    end
                    always @(posedge clk) if (enable) threshold_q <= thresholds[address];
                end else if (READ != 0) begin : g_read
                    reg [THRESHOLD_BITS-1:0] threshold_q;
                    assign threshold = threshold_q;
                    always @(posedge clk) if (enable) threshold_q <= thresholds[fold];
                end else begin : g_constant
                    assign threshold = thresholds[0];
                end

                wire [IN_BITS-1:0]        narrow = x[lane*IN_BITS +: IN_BITS];
                wire [THRESHOLD_BITS-1:0] value;
                wire                      reached;
                if (THRESHOLD_BITS == IN_BITS) begin : g_same
                    assign value = narrow;
                end else begin : g_extend
                    assign value = {{(THRESHOLD_BITS - IN_BITS){IN_SIGNED != 0 && narrow[IN_BITS-1]}}, narrow};
                end
                if (IN_SIGNED != 0) begin : g_signed
                    assign reached = $signed(value) >= $signed(threshold);
                end else begin : g_unsigned
                    assign reached = value >= threshold;
                end

                localparam [STEPS-1:0] ONE = 1;
                assign next[lane*STEPS +: STEPS] = index[lane*STEPS +: STEPS]
                                                 | (reached ? ONE << (STEPS - 1 - step) : {STEPS{1'b0}});
            end
        end
    endgenerate

    reg [PE*OUT_BITS-1:0] y_q;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_result
            wire [OUT_BITS-1:0] found;
            wire [STEPS-1:0]    index = g_step[STEPS-1].next[lane*STEPS +: STEPS];
            if (OUT_BITS > STEPS) begin : g_wider
                assign found = {{(OUT_BITS - STEPS){1'b0}}, index};
            end else if (OUT_BITS == STEPS) begin : g_same
                assign found = index;
            end else begin : g_narrower
                /* verilator lint_off UNUSEDSIGNAL */  // y is taken modulo 2^OUT_BITS
                wire [STEPS-OUT_BITS-1:0] upper = index[STEPS-1:OUT_BITS];
                /* verilator lint_on UNUSEDSIGNAL */
                assign found = index[OUT_BITS-1:0];
            end
            always @(posedge clk) if (enable) y_q[lane*OUT_BITS +: OUT_BITS] <= START[OUT_BITS-1:0] + found;
        end
    endgenerate

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
                reg [PE*(OUT_BITS+1)-1:0] offset_q;
                assign offset = offset_q;
                always @(posedge clk) if (enable) offset_q <= offsets[g_step[STEPS-1].turn];
            end else begin : g_constant
                assign offset = offsets[0];
            end

            reg [PE*OUT_BITS-1:0] offset_y_q;
            assign m_axis_tdata = offset_y_q;
            for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
                wire [OUT_BITS-1:0] base = offset[lane*(OUT_BITS+1) +: OUT_BITS];
                wire [OUT_BITS-1:0] flip = {OUT_BITS{offset[lane*(OUT_BITS+1)+OUT_BITS]}};
                // base - idx = ~(~base + idx): one adder does both directions.
                always @(posedge clk)
                    if (enable)
                        offset_y_q[lane*OUT_BITS +: OUT_BITS] <=
                            ((base ^ flip) + y_q[lane*OUT_BITS +: OUT_BITS]) ^ flip;
            end
        end else begin : g_base
            assign m_axis_tdata = y_q;
        end
    endgenerate

`ifdef FORMAL
`include "tr_formal_mapper.vh"

    // The memories of all steps as one row of thresholds in their order, which ascend.
    localparam [31:0] F_BASE = BASE;
    wire [PE*LEVELS*THRESHOLD_BITS-1:0] f_row;
    wire [PE*(OUT_BITS+1)-1:0]          f_offset;
    reg [THRESHOLD_BITS:0]              f_x, f_t, f_before;
    reg [PE*STEPS-1:0]                  f_index;
    reg [PE*OUT_BITS-1:0]               f_count;
    reg [31:0]                          f_found;
    integer                             f_l, f_k;
    genvar                              entry;
    generate
        if (OFFSETS != 0) begin : g_formal_offsets
            always @(posedge clk) g_offsets.offsets[f_turn] <= g_offsets.offsets[f_turn];
            assign f_offset = g_offsets.offsets[f_fold];
            if (FOLDS > 1) begin : g_formal_read
                always @* if (f_past && !rst && f_live && f_stage == COUNTED)
                    assert (g_offsets.offset == f_offset);
            end
        end else begin : g_formal_base
            assign f_offset = {PE{{1'b0, F_BASE[OUT_BITS-1:0]}}};
        end
        for (step = 0; step < STEPS; step = step + 1) begin : g_formal_step
            localparam [STEPS-1:0] FOUND = -1 << (STEPS - step);
            always @* if (f_past && !rst && f_live && f_stage == READ + step && f_stage != 0) begin
                assert (g_step[step].x == f_word);
                assert (g_step[step].index == (f_index & {PE{FOUND}}));
                if (FOLDS > 1) assert (g_step[step].turn == f_fold);
            end
            for (lane = 0; lane < PE; lane = lane + 1) begin : g_formal_lane
                // Any contents, but always the same: to yosys an empty memory that nothing writes may change.
                always @(posedge clk)
                    g_step[step].g_lane[lane].thresholds[f_held] <= g_step[step].g_lane[lane].thresholds[f_held];
                wire [STEPS-1:0] f_place = f_index[lane*STEPS +: STEPS];
                wire [FOLD_BITS+STEPS-1:0] f_address = (f_fold << step) + (f_place >> (STEPS - step));
                if (step > 0 || READ != 0)
                    always @* if (f_past && !rst && f_live && f_stage == READ + step)
                        assert (g_step[step].g_lane[lane].threshold == g_step[step].g_lane[lane].thresholds[f_address]);
                for (entry = 0; entry < (1 << step); entry = entry + 1) begin : g_entry
                    wire [FOLD_BITS+STEPS-1:0] f_entry = (f_fold << step) + entry;
                    assign f_row[(lane*LEVELS + (entry << (STEPS-step)) + (1 << (STEPS-step-1)) - 1)*THRESHOLD_BITS
                                 +: THRESHOLD_BITS] = g_step[step].g_lane[lane].thresholds[f_entry];
                end
            end
        end
    endgenerate
    always @* begin
        for (f_l = 0; f_l < PE; f_l = f_l + 1) begin
            f_found = 32'd0;
            f_x = {{(THRESHOLD_BITS+1-IN_BITS){IN_SIGNED != 0 && f_word[f_l*IN_BITS+IN_BITS-1]}},
                   f_word[f_l*IN_BITS +: IN_BITS]};
            for (f_k = 0; f_k < LEVELS; f_k = f_k + 1) begin
                f_before = f_t;
                f_t = {IN_SIGNED != 0 && f_row[(f_l*LEVELS+f_k)*THRESHOLD_BITS+THRESHOLD_BITS-1],
                       f_row[(f_l*LEVELS+f_k)*THRESHOLD_BITS +: THRESHOLD_BITS]};
                if (f_k > 0) assume ($signed(f_before) <= $signed(f_t));
                if ($signed(f_t) <= $signed(f_x)) f_found = f_found + 32'd1;
            end
            f_index[f_l*STEPS +: STEPS] = f_found[STEPS-1:0];
            f_count[f_l*OUT_BITS +: OUT_BITS] = START[OUT_BITS-1:0] + f_found[OUT_BITS-1:0];
            f_y[f_l*OUT_BITS +: OUT_BITS] = f_offset[f_l*(OUT_BITS+1)+OUT_BITS]
                ? f_offset[f_l*(OUT_BITS+1) +: OUT_BITS] - f_found[OUT_BITS-1:0]
                : f_offset[f_l*(OUT_BITS+1) +: OUT_BITS] + f_found[OUT_BITS-1:0];
        end
    end
    always @* if (f_past && !rst && f_live && f_stage == COUNTED) assert (y_q == f_count);
`endif
endmodule

`default_nettype wire
