// SPDX-License-Identifier: Apache-2.0
//
// tr_round_shift: y = clip(round((x + bias) / 2^SHIFT), LOW, HIGH), with nine ways to round.
//
// Latency   BIASED * ((CHANNELS > PE) + 1) + max(1, (SHIFT > 0 and MODE != 3) + (LOW..HIGH can be exceeded)) cycles.
// Interval  1 cycle a word.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; tready depends on m_axis_tready.
// Reset     synchronous, active high; clears valid and the word counter, leaves data.
// Cost      an adder for the bias, an incrementer for the rounding; at ends that are those of a two's complement
//           type, saturation looks at the upper bits only.

`default_nettype none

module tr_round_shift #(
    parameter integer CHANNELS  = 4,    // channels of a vector; a multiple of PE
    parameter integer PE        = 2,    // lanes of a word
    parameter integer IN_BITS   = 12,   // bits of x
    parameter integer IN_SIGNED = 1,    // 1: x is two's complement
    parameter integer BIAS_BITS = 8,    // bits of a bias, two's complement
    parameter integer SHIFT     = 3,    // binary places dropped, 0 or more
    parameter integer MODE      = 0,    // 0 half to even, 1 half up, 2 half down, 3 floor, 4 ceil, 5 to zero,
                                        // 6 away from zero, 7 half to zero, 8 half away from zero
    parameter integer OUT_BITS  = 8,    // bits of y; two's complement if LOW is negative
    parameter integer LOW       = -128, // smallest y
    parameter integer HIGH      = 127,  // largest y
    parameter integer BIASED    = 1,    // 0: there is no bias
    parameter BIAS_FILE         = ""    // $readmemh, CHANNELS/PE words of PE biases
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
    localparam integer FOLDS     = CHANNELS / PE;
    localparam integer FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer X_BITS    = IN_BITS + (IN_SIGNED != 0 ? 0 : 1);  // x as a signed number
    localparam integer SUM_BITS  = BIASED == 0 ? X_BITS : 1 + (X_BITS > BIAS_BITS ? X_BITS : BIAS_BITS);
    localparam integer ROUNDS    = SHIFT > 0 && MODE != 3 ? 1 : 0;      // 1: the quotient may be incremented
    localparam integer LONG_BITS = SUM_BITS > SHIFT ? SUM_BITS : SHIFT + 1;
    localparam integer R_BITS    = LONG_BITS - SHIFT + ROUNDS;          // the rounded quotient

    // The smallest two's complement box around LOW..HIGH; inside it, only ends that are not its own are compared.
    function integer signed_bits(input integer value);
        for (signed_bits = 1; (value >>> (signed_bits - 1)) != 0 && (value >>> (signed_bits - 1)) != -1;
             signed_bits = signed_bits + 1) ;
    endfunction
    localparam integer LOW_BITS  = signed_bits(LOW);
    localparam integer HIGH_BITS = signed_bits(HIGH);
    localparam integer BOX       = LOW_BITS > HIGH_BITS ? LOW_BITS : HIGH_BITS;
    localparam integer LOW_INSIDE  = LOW != -(1 << (BOX - 1)) ? 1 : 0;
    localparam integer HIGH_INSIDE = HIGH != (1 << (BOX - 1)) - 1 ? 1 : 0;
    localparam integer CLIPS     = R_BITS > BOX || LOW_INSIDE != 0 || HIGH_INSIDE != 0 ? 1 : 0;

    localparam integer READ      = BIASED != 0 && FOLDS > 1 ? 1 : 0;
    localparam integer SUMMED    = READ + (BIASED != 0 ? 1 : 0);        // the stage that holds the sum
    localparam integer ROUNDED   = SUMMED + (ROUNDS != 0 && CLIPS != 0 ? 1 : 0);
    localparam integer LATENCY   = ROUNDED + 1;
`ifdef FORMAL
    localparam integer DEPTH = FOLDS > 1 ? FOLDS : 2;  // yosys writes no SMT-LIB for a memory of one word
`else
    localparam integer DEPTH = FOLDS;
`endif

    genvar lane;

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
    /* verilator lint_off UNUSEDSIGNAL */  // without a bias all words are alike
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

    wire [PE*SUM_BITS-1:0] sum;
    generate
        if (BIASED != 0) begin : g_bias
            /* verilator lint_off UNDRIVEN */  // without a file name the memory stays empty
            reg [PE*BIAS_BITS-1:0] bias [0:DEPTH-1];
            /* verilator lint_on UNDRIVEN */
            if (BIAS_FILE != "") begin : g_file
                initial $readmemh(BIAS_FILE, bias);
            end
            wire [PE*IN_BITS-1:0]   x;
            wire [PE*BIAS_BITS-1:0] row;
            if (FOLDS > 1) begin : g_read
                reg [PE*IN_BITS-1:0]   x_q;
                reg [PE*BIAS_BITS-1:0] row_q;
                assign x   = x_q;
                assign row = row_q;
                always @(posedge clk)
                    if (enable) begin
                        x_q   <= s_axis_tdata;
                        row_q <= bias[fold];
                    end
            end else begin : g_constant
                assign x   = s_axis_tdata;
                assign row = bias[0];
            end
            reg [PE*SUM_BITS-1:0] sum_q;
            assign sum = sum_q;
            for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
                wire [IN_BITS-1:0]   a = x[lane*IN_BITS +: IN_BITS];
                wire [BIAS_BITS-1:0] b = row[lane*BIAS_BITS +: BIAS_BITS];
                wire [SUM_BITS-1:0]  a_long = {{(SUM_BITS-IN_BITS){IN_SIGNED != 0 && a[IN_BITS-1]}}, a};
                wire [SUM_BITS-1:0]  b_long = {{(SUM_BITS-BIAS_BITS){b[BIAS_BITS-1]}}, b};
                always @(posedge clk) if (enable) sum_q[lane*SUM_BITS +: SUM_BITS] <= a_long + b_long;
            end
        end else begin : g_no_bias
            for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
                wire [IN_BITS-1:0] a = s_axis_tdata[lane*IN_BITS +: IN_BITS];
                if (SUM_BITS > IN_BITS) begin : g_unsigned
                    assign sum[lane*SUM_BITS +: SUM_BITS] = {1'b0, a};
                end else begin : g_signed
                    assign sum[lane*SUM_BITS +: SUM_BITS] = a;
                end
            end
        end
    endgenerate

    // The quotient is rounded to minus infinity by the shift; what is dropped decides about one more.
    wire [PE*R_BITS-1:0] rounded_d;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_round
            wire [SUM_BITS-1:0]  narrow = sum[lane*SUM_BITS +: SUM_BITS];
            wire [LONG_BITS-1:0] total;
            if (LONG_BITS > SUM_BITS) begin : g_long
                assign total = {{(LONG_BITS-SUM_BITS){narrow[SUM_BITS-1]}}, narrow};
            end else begin : g_same
                assign total = narrow;
            end
            wire [LONG_BITS-SHIFT-1:0] quotient = total[LONG_BITS-1:SHIFT];
            if (ROUNDS != 0) begin : g_rounds
                wire half = total[SHIFT-1];
                wire rest;
                if (SHIFT > 1) begin : g_rest
                    assign rest = |total[SHIFT-2:0];
                end else begin : g_no_rest
                    assign rest = 1'b0;
                end
                wire negative = total[LONG_BITS-1];
                wire up;
                case (MODE)
                    0: begin : g_half_even
                        assign up = half && (rest || quotient[0]);
                    end
                    1: begin : g_half_up
                        assign up = half;
                    end
                    2: begin : g_half_down
                        assign up = half && rest;
                    end
                    4: begin : g_ceil
                        assign up = half || rest;
                    end
                    5: begin : g_to_zero
                        assign up = negative && (half || rest);
                    end
                    6: begin : g_away_from_zero
                        assign up = !negative && (half || rest);
                    end
                    7: begin : g_half_to_zero
                        assign up = half && (rest || negative);
                    end
                    default: begin : g_half_away
                        assign up = half && (rest || !negative);
                    end
                endcase
                wire [R_BITS-1:0] long_quotient = {quotient[LONG_BITS-SHIFT-1], quotient};
                wire [R_BITS-1:0] increment     = {{(R_BITS-1){1'b0}}, up};
                assign rounded_d[lane*R_BITS +: R_BITS] = long_quotient + increment;
                /* verilator lint_off UNUSEDSIGNAL */  // no mode looks at all of them
                wire unused = &{1'b0, rest, negative};
                /* verilator lint_on UNUSEDSIGNAL */
            end else begin : g_cut
                assign rounded_d[lane*R_BITS +: R_BITS] = quotient;
                if (SHIFT > 0) begin : g_dropped
                    /* verilator lint_off UNUSEDSIGNAL */  // floor drops these
                    wire [SHIFT-1:0] dropped = total[SHIFT-1:0];
                    /* verilator lint_on UNUSEDSIGNAL */
                end
            end
        end
    endgenerate

    wire [PE*R_BITS-1:0] rounded;
    generate
        if (ROUNDED > SUMMED) begin : g_rounded
            reg [PE*R_BITS-1:0] rounded_q;
            assign rounded = rounded_q;
            always @(posedge clk) if (enable) rounded_q <= rounded_d;
        end else begin : g_merged
            assign rounded = rounded_d;
        end
    endgenerate

    wire [PE*OUT_BITS-1:0] out_d;
    reg  [PE*OUT_BITS-1:0] out_q;
    assign m_axis_tdata = out_q;
    always @(posedge clk) if (enable) out_q <= out_d;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_clip
            // The upper bits tell whether the value is in the box; LOW and HIGH are compared inside it.
            localparam integer WIDE = R_BITS > BOX ? R_BITS : BOX;
            localparam [31:0] LOW_WORD  = LOW;
            localparam [31:0] HIGH_WORD = HIGH;
            wire signed [WIDE-1:0] value;
            wire        [BOX-1:0]  boxed = value[BOX-1:0];
            wire                   below, above;
            wire        [BOX-1:0]  clipped = below ? LOW_WORD[BOX-1:0] : above ? HIGH_WORD[BOX-1:0] : boxed;
            wire                   under, over;
            if (WIDE > BOX) begin : g_upper
                assign under = value[WIDE-1] && !(&value[WIDE-1:BOX-1]);
                assign over  = !value[WIDE-1] && (|value[WIDE-1:BOX-1]);
            end else begin : g_no_upper
                assign under = 1'b0;
                assign over  = 1'b0;
            end
            if (LOW_INSIDE != 0) begin : g_low
                assign below = under || (!over && $signed(boxed) < $signed(LOW_WORD[BOX-1:0]));
            end else begin : g_no_low
                assign below = under;
            end
            if (HIGH_INSIDE != 0) begin : g_high
                assign above = over || (!under && $signed(boxed) > $signed(HIGH_WORD[BOX-1:0]));
            end else begin : g_no_high
                assign above = over;
            end
            if (OUT_BITS > BOX) begin : g_wider
                assign out_d[lane*OUT_BITS +: OUT_BITS] = {{(OUT_BITS-BOX){clipped[BOX-1]}}, clipped};
            end else if (OUT_BITS == BOX) begin : g_same
                assign out_d[lane*OUT_BITS +: OUT_BITS] = clipped;
            end else begin : g_narrower
                /* verilator lint_off UNUSEDSIGNAL */  // the sign of values that are never negative
                wire [BOX-OUT_BITS-1:0] sign = clipped[BOX-1:OUT_BITS];
                /* verilator lint_on UNUSEDSIGNAL */
                assign out_d[lane*OUT_BITS +: OUT_BITS] = clipped[OUT_BITS-1:0];
            end
            if (WIDE > R_BITS) begin : g_extend
                assign value = {{(WIDE-R_BITS){rounded[lane*R_BITS+R_BITS-1]}}, rounded[lane*R_BITS +: R_BITS]};
            end else begin : g_whole
                assign value = rounded[lane*R_BITS +: R_BITS];
            end
        end
    endgenerate

`ifdef FORMAL
`include "tr_formal_mapper.vh"

    // The reference divides magnitudes and never shifts a negative number.
    localparam integer F_BITS = LONG_BITS + 4;
    localparam [F_BITS-1:0] F_ONE = 1;
    localparam [F_BITS-1:0] F_UNIT = F_ONE << SHIFT;
    reg signed [F_BITS-1:0] f_sum, f_y_long, f_bias;
    reg [F_BITS-1:0]        f_size, f_whole, f_rest, f_out;
    reg [PE*SUM_BITS-1:0]   f_sums;
    reg [PE*R_BITS-1:0]     f_rounded;
    reg                     f_negative;
    integer                 f_l;
    wire [PE*BIAS_BITS-1:0] f_row;
    generate
        if (BIASED != 0) begin : g_formal_bias
            // Any contents, but always the same: to yosys an empty memory that nothing writes may change.
            always @(posedge clk) g_bias.bias[f_turn] <= g_bias.bias[f_turn];
            assign f_row = g_bias.bias[f_fold];
            if (FOLDS > 1) begin : g_formal_read
                always @* if (f_past && !rst && f_live && f_stage == READ)
                    assert (g_bias.x == f_word && g_bias.row == f_row);
            end
        end else begin : g_formal_no_bias
            assign f_row = {PE*BIAS_BITS{1'b0}};
        end
    endgenerate
    always @* begin
        for (f_l = 0; f_l < PE; f_l = f_l + 1) begin
            f_bias = {{F_BITS{f_row[f_l*BIAS_BITS+BIAS_BITS-1]}}, f_row[f_l*BIAS_BITS +: BIAS_BITS]};
            f_sum = {{F_BITS{IN_SIGNED != 0 && f_word[f_l*IN_BITS+IN_BITS-1]}}, f_word[f_l*IN_BITS +: IN_BITS]};
            f_sum = f_sum + f_bias;
            f_sums[f_l*SUM_BITS +: SUM_BITS] = f_sum[SUM_BITS-1:0];
            f_negative = f_sum < 0;
            f_size = f_negative ? -f_sum : f_sum;
            f_whole = f_size / F_UNIT;
            f_rest = f_size % F_UNIT;
            case (MODE)
                0: f_whole = f_whole + (2*f_rest > F_UNIT || (2*f_rest == F_UNIT && f_whole[0]));
                1: f_whole = f_whole + (2*f_rest > F_UNIT || (2*f_rest == F_UNIT && !f_negative));
                2: f_whole = f_whole + (2*f_rest > F_UNIT || (2*f_rest == F_UNIT && f_negative));
                3: f_whole = f_whole + (f_rest != 0 && f_negative);
                4: f_whole = f_whole + (f_rest != 0 && !f_negative);
                5: f_whole = f_whole;
                6: f_whole = f_whole + (f_rest != 0);
                7: f_whole = f_whole + (2*f_rest > F_UNIT);
                default: f_whole = f_whole + (2*f_rest >= F_UNIT);
            endcase
            f_y_long = f_negative ? -f_whole : f_whole;
            f_rounded[f_l*R_BITS +: R_BITS] = f_y_long[R_BITS-1:0];
            f_out = f_y_long < LOW ? LOW : f_y_long > HIGH ? HIGH : f_y_long;
            f_y[f_l*OUT_BITS +: OUT_BITS] = f_out[OUT_BITS-1:0];
        end
    end
    always @* if (f_past && !rst && f_live) begin
        if (BIASED != 0 && f_stage == SUMMED) assert (sum == f_sums);
        if (ROUNDED > SUMMED && f_stage == ROUNDED) assert (rounded == f_rounded);
    end
`endif
endmodule

`default_nettype wire
