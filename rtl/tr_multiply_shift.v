// SPDX-License-Identifier: Apache-2.0
//
// tr_multiply_shift: y = clip(floor((x * factor + bias) / 2^SHIFT), LOW, HIGH), a scale per channel.
//
// Latency   5 cycles: operands, two for the product, sum, clip.
// Interval  1 cycle a word.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; tready depends on m_axis_tready.
// Reset     synchronous, active high; clears valid and the word counter, leaves data.
// Cost      DSP = 1: a product of IN_BITS x FACTOR_BITS a lane, its registers fit into multiplier blocks;
//           DSP = 0: FACTOR_BITS rows added up in LUTs, fewer where CHANNELS = PE makes the factors constants.

`default_nettype none

module tr_multiply_shift #(
    parameter integer CHANNELS    = 4,    // channels of a vector; a multiple of PE
    parameter integer PE          = 2,    // lanes of a word
    parameter integer IN_BITS     = 12,   // bits of x
    parameter integer IN_SIGNED   = 1,    // 1: x is two's complement
    parameter integer FACTOR_BITS = 8,    // bits of a factor, two's complement
    parameter integer BIAS_BITS   = 16,   // bits of a bias, two's complement
    parameter integer SHIFT       = 6,    // binary places dropped, 0 or more
    parameter integer OUT_BITS    = 8,    // bits of y; two's complement if LOW is negative
    parameter integer LOW         = -128, // smallest y, its lower 32 bits
    parameter integer HIGH        = 127,  // largest y, its lower 32 bits
    parameter integer LOW_UPPER   = LOW < 0 ? -1 : 0,   // the upper 32 bits of the smallest y
    parameter integer HIGH_UPPER  = HIGH < 0 ? -1 : 0,  // the upper 32 bits of the largest y
    parameter integer DSP         = 1,    // 1: a product the tools may put into multiplier blocks, 0: adders
    parameter FACTORS_FILE        = "",   // $readmemh, CHANNELS/PE words of PE factors
    parameter BIAS_FILE           = ""    // $readmemh, CHANNELS/PE words of PE biases
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
    localparam integer FOLDS        = CHANNELS / PE;
    localparam integer FOLD_BITS    = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer X_BITS       = IN_BITS + (IN_SIGNED != 0 ? 0 : 1);  // x as a signed number
    localparam integer PRODUCT_BITS = X_BITS + FACTOR_BITS;
    localparam integer SUM_BITS     = 1 + (PRODUCT_BITS > BIAS_BITS ? PRODUCT_BITS : BIAS_BITS);
    localparam integer LONG_BITS    = SUM_BITS > SHIFT ? SUM_BITS : SHIFT + 1;
    localparam integer R_BITS       = LONG_BITS - SHIFT;                   // the quotient
    localparam integer HALF         = FACTOR_BITS / 2;                     // rows of the first partial product
    localparam integer LATENCY      = 5;

    // The smallest two's complement box around LOW..HIGH; inside it, only ends that are not its own are compared.
    localparam signed [63:0] LEAST = {LOW_UPPER[31:0], LOW[31:0]};
    localparam signed [63:0] MOST  = {HIGH_UPPER[31:0], HIGH[31:0]};
    function integer signed_bits(input signed [63:0] value);
        for (signed_bits = 1; (value >>> (signed_bits - 1)) != 0 && (value >>> (signed_bits - 1)) != -1;
             signed_bits = signed_bits + 1) ;
    endfunction
    localparam integer LOW_BITS  = signed_bits(LEAST);
    localparam integer HIGH_BITS = signed_bits(MOST);
    localparam integer BOX       = LOW_BITS > HIGH_BITS ? LOW_BITS : HIGH_BITS;
    localparam integer LOW_INSIDE  = LEAST != -(64'sd1 << (BOX - 1)) ? 1 : 0;
    localparam integer HIGH_INSIDE = MOST != (64'sd1 << (BOX - 1)) - 64'sd1 ? 1 : 0;

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
    /* verilator lint_off UNUSEDSIGNAL */  // a single word of memory needs no address
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

    /* verilator lint_off UNDRIVEN */  // without file names the memories stay empty
    reg [PE*FACTOR_BITS-1:0] factors [0:DEPTH-1];
    reg [PE*BIAS_BITS-1:0]   bias [0:DEPTH-1];
    /* verilator lint_on UNDRIVEN */
    generate
        if (FACTORS_FILE != "") begin : g_factors
            initial $readmemh(FACTORS_FILE, factors);
        end
        if (BIAS_FILE != "") begin : g_bias
            initial $readmemh(BIAS_FILE, bias);
        end
    endgenerate

    // Stage 1: the operands. The bias is read when the product is there: the word number is narrower than it.
    reg  [PE*IN_BITS-1:0]     x_q;
    wire [PE*FACTOR_BITS-1:0] factor_row;
    wire [PE*BIAS_BITS-1:0]   bias_row;
    always @(posedge clk) if (enable) x_q <= s_axis_tdata;
    generate
        if (FOLDS > 1) begin : g_read
            reg [PE*FACTOR_BITS-1:0] factor_q;
            reg [PE*BIAS_BITS-1:0]   bias_q;
            reg [FOLD_BITS-1:0]      fold_1_q, fold_2_q;
            assign factor_row = factor_q;
            assign bias_row   = bias_q;
            always @(posedge clk)
                if (enable) begin
                    factor_q <= factors[fold];
                    fold_1_q <= fold;
                    fold_2_q <= fold_1_q;
                    bias_q   <= bias[fold_2_q];
                end
        end else begin : g_constant
            assign factor_row = factors[0];
            assign bias_row   = bias[0];
        end
    endgenerate

    wire [PE*LONG_BITS-1:0] sum;
    wire [PE*OUT_BITS-1:0]  out_d;
    reg  [PE*OUT_BITS-1:0]  out_q;
    assign m_axis_tdata = out_q;
    always @(posedge clk) if (enable) out_q <= out_d;

    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
            wire        [IN_BITS-1:0]     narrow = x_q[lane*IN_BITS +: IN_BITS];
            wire signed [X_BITS-1:0]      x;
            wire signed [FACTOR_BITS-1:0] factor = factor_row[lane*FACTOR_BITS +: FACTOR_BITS];
            wire signed [BIAS_BITS-1:0]   offset = bias_row[lane*BIAS_BITS +: BIAS_BITS];
            if (X_BITS > IN_BITS) begin : g_unsigned
                assign x = {1'b0, narrow};
            end else begin : g_signed
                assign x = narrow;
            end

            // Stages 2 and 3: the product.
            reg signed [PRODUCT_BITS-1:0] product_q;
            if (DSP != 0) begin : g_multiply
                wire signed [PRODUCT_BITS-1:0] product_d = {{FACTOR_BITS{x[X_BITS-1]}}, x}
                                                         * {{X_BITS{factor[FACTOR_BITS-1]}}, factor};
                reg signed [PRODUCT_BITS-1:0] first_q;
                always @(posedge clk)
                    if (enable) begin
                        first_q   <= product_d;
                        product_q <= first_q;
                    end
            end else begin : g_add
                // Row by row, in two halves with a register between; the last row of a signed factor is negative.
                wire [PRODUCT_BITS-1:0] row = {{FACTOR_BITS{x[X_BITS-1]}}, x};
                reg  [PRODUCT_BITS-1:0] lower_d, upper_d, lower_q, upper_q;
                integer i;
                always @* begin
                    lower_d = {PRODUCT_BITS{1'b0}};
                    upper_d = {PRODUCT_BITS{1'b0}};
                    for (i = 0; i < HALF; i = i + 1)
                        lower_d = lower_d + ((row << i) & {PRODUCT_BITS{factor[i]}});
                    for (i = HALF; i < FACTOR_BITS - 1; i = i + 1)
                        upper_d = upper_d + ((row << i) & {PRODUCT_BITS{factor[i]}});
                    upper_d = upper_d - ((row << (FACTOR_BITS - 1)) & {PRODUCT_BITS{factor[FACTOR_BITS-1]}});
                end
                always @(posedge clk)
                    if (enable) begin
                        lower_q   <= lower_d;
                        upper_q   <= upper_d;
                        product_q <= lower_q + upper_q;
                    end
            end

            // Stage 4: the sum.
            reg  [SUM_BITS-1:0] sum_q;
            wire [SUM_BITS-1:0] product_long = {{(SUM_BITS-PRODUCT_BITS){product_q[PRODUCT_BITS-1]}}, product_q};
            wire [SUM_BITS-1:0] offset_long  = {{(SUM_BITS-BIAS_BITS){offset[BIAS_BITS-1]}}, offset};
            always @(posedge clk) if (enable) sum_q <= product_long + offset_long;
            if (LONG_BITS > SUM_BITS) begin : g_long
                assign sum[lane*LONG_BITS +: LONG_BITS] = {{(LONG_BITS-SUM_BITS){sum_q[SUM_BITS-1]}}, sum_q};
            end else begin : g_short
                assign sum[lane*LONG_BITS +: LONG_BITS] = sum_q;
            end

            // Stage 5: floor and clip.
            wire [R_BITS-1:0] quotient = sum[lane*LONG_BITS+SHIFT +: R_BITS];
            if (SHIFT > 0) begin : g_dropped
                /* verilator lint_off UNUSEDSIGNAL */  // floor drops these
                wire [SHIFT-1:0] dropped = sum[lane*LONG_BITS +: SHIFT];
                /* verilator lint_on UNUSEDSIGNAL */
            end
            // The upper bits tell whether the value is in the box; LEAST and MOST are compared inside it.
            localparam integer WIDE = R_BITS > BOX ? R_BITS : BOX;
            wire signed [WIDE-1:0] value;
            wire        [BOX-1:0]  boxed = value[BOX-1:0];
            wire                   below, above;
            wire        [BOX-1:0]  clipped = below ? LEAST[BOX-1:0] : above ? MOST[BOX-1:0] : boxed;
            wire                   under, over;
            if (WIDE > BOX) begin : g_upper
                assign under = value[WIDE-1] && !(&value[WIDE-1:BOX-1]);
                assign over  = !value[WIDE-1] && (|value[WIDE-1:BOX-1]);
            end else begin : g_no_upper
                assign under = 1'b0;
                assign over  = 1'b0;
            end
            if (LOW_INSIDE != 0) begin : g_low
                assign below = under || (!over && $signed(boxed) < $signed(LEAST[BOX-1:0]));
            end else begin : g_no_low
                assign below = under;
            end
            if (HIGH_INSIDE != 0) begin : g_high
                assign above = over || (!under && $signed(boxed) > $signed(MOST[BOX-1:0]));
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
                assign value = {{(WIDE-R_BITS){quotient[R_BITS-1]}}, quotient};
            end else begin : g_whole
                assign value = quotient;
            end
        end
    endgenerate

`ifdef FORMAL
`include "tr_formal_mapper.vh"

    // Any contents, but always the same: to yosys an empty memory that nothing writes may change.
    always @(posedge clk) begin
        factors[f_turn] <= factors[f_turn];
        bias[f_turn]    <= bias[f_turn];
    end

    localparam integer F_BITS = LONG_BITS + 2;
    reg signed [F_BITS-1:0]     f_x, f_factor, f_bias, f_quotient;
    reg [F_BITS-1:0]            f_out;
    reg [PE*PRODUCT_BITS-1:0]   f_product;
    reg [PE*LONG_BITS-1:0]      f_sum;
    wire [PE*FACTOR_BITS-1:0]   f_factors = factors[f_fold];
    wire [PE*BIAS_BITS-1:0]     f_biases = bias[f_fold];
    integer                     f_l;
    always @*
        for (f_l = 0; f_l < PE; f_l = f_l + 1) begin
            f_x = {{F_BITS{IN_SIGNED != 0 && f_word[f_l*IN_BITS+IN_BITS-1]}}, f_word[f_l*IN_BITS +: IN_BITS]};
            f_factor = {{F_BITS{f_factors[f_l*FACTOR_BITS+FACTOR_BITS-1]}}, f_factors[f_l*FACTOR_BITS +: FACTOR_BITS]};
            f_bias = {{F_BITS{f_biases[f_l*BIAS_BITS+BIAS_BITS-1]}}, f_biases[f_l*BIAS_BITS +: BIAS_BITS]};
            f_quotient = f_x * f_factor;
            f_product[f_l*PRODUCT_BITS +: PRODUCT_BITS] = f_quotient[PRODUCT_BITS-1:0];
            f_quotient = f_quotient + f_bias;
            f_sum[f_l*LONG_BITS +: LONG_BITS] = f_quotient[LONG_BITS-1:0];
            f_quotient = f_quotient >>> SHIFT;
            f_out = f_quotient < LEAST ? LEAST : f_quotient > MOST ? MOST : f_quotient;
            f_y[f_l*OUT_BITS +: OUT_BITS] = f_out[OUT_BITS-1:0];
        end
    always @* if (f_past && !rst && f_live) begin
        if (f_stage == 1) assert (x_q == f_word && factor_row == f_factors);
        if (f_stage == 3) assert (bias_row == f_biases);
        if (f_stage == 4) assert (sum == f_sum);
    end
    generate
        if (FOLDS > 1) begin : g_formal_fold
            always @* if (f_past && !rst && f_live) begin
                if (f_stage == 1) assert (g_read.fold_1_q == f_fold);
                if (f_stage == 2) assert (g_read.fold_2_q == f_fold);
            end
        end
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_formal_lane
            always @* if (f_past && !rst && f_live && f_stage == 3)
                assert (g_lane[lane].product_q == f_product[lane*PRODUCT_BITS +: PRODUCT_BITS]);
            wire [PRODUCT_BITS-1:0] first;
            if (DSP != 0) begin : g_first
                assign first = g_lane[lane].g_multiply.first_q;
            end else begin : g_halves
                assign first = g_lane[lane].g_add.lower_q + g_lane[lane].g_add.upper_q;
            end
            always @* if (f_past && !rst && f_live && f_stage == 2)
                assert (first == f_product[lane*PRODUCT_BITS +: PRODUCT_BITS]);
        end
    endgenerate
`endif
endmodule

`default_nettype wire
