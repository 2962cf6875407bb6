// SPDX-License-Identifier: Apache-2.0
//
// tr_dense_lane: one row of a matrix product: SIMD products a cycle, their sum, the accumulator.
//
// Multipliers (DSP = 0) are made of rows for the carry chains. The operand with fewer digits is recoded to base 4,
// digits -2..2 (MacSorley 1961, "modified Booth"): a row is digit x other operand, a function of five bits per place,
// which fits the LUT in front of a carry chain. The "+1" of a negated row is the carry into the adder that adds this
// row; the one of the lowest row is handed on as the carry bit of the term. Products of up to 6 bits are tables, a
// LUT6 per bit.
//
// Latency   the registers of tr_adder_tree for COUNT = SIMD and FIRST, and 1 for the accumulator.
// Handshake none: all registers move when `enable` is high; `valid`, `first`, `complete`, `bias` go with the sum, not
//           with the operands (see tr_dense_schedule).
// Reset     none.
`default_nettype none

module tr_dense_lane #(
    parameter integer SIMD        = 8,  // products a cycle
    parameter integer IN_BITS     = 4,  // of an input
    parameter integer IN_SIGNED   = 0,  // inputs are signed
    parameter integer WEIGHT_BITS = 4,  // of a weight, signed
    parameter integer OUT_BITS    = 12, // of the accumulator
    parameter integer OUT_SIGNED  = 1,  // results are signed (for the check in simulation only)
    parameter integer DSP         = 0,  // 1: synthesis may use multiplier blocks
    parameter integer BIAS        = 0,  // as in tr_accumulator
    parameter integer FIRST       = 1   // as in tr_adder_tree
) (
    input  wire                        clk,
    input  wire                        enable,
    input  wire [    SIMD*IN_BITS-1:0] inputs,
    input  wire [SIMD*WEIGHT_BITS-1:0] weights,
    input  wire                        valid,
    input  wire                        first,
    input  wire                        complete,
    input  wire [        OUT_BITS-1:0] bias,
    output wire [        OUT_BITS-1:0] total
);
    localparam integer PRODUCT_BITS  = IN_BITS + WEIGHT_BITS;
    localparam integer TABLES        = DSP == 0 && PRODUCT_BITS <= 6 ? 1 : 0;
    localparam integer WEIGHT_DIGITS = (WEIGHT_BITS + 1) / 2;
    localparam integer INPUT_DIGITS  = (IN_BITS + (IN_SIGNED != 0 ? 1 : 2)) / 2;
    localparam integer RECODE_INPUT  = INPUT_DIGITS < WEIGHT_DIGITS ? 1 : 0;
    localparam integer DIGITS        = RECODE_INPUT != 0 ? INPUT_DIGITS : WEIGHT_DIGITS;
    localparam integer DIGIT_BITS    = RECODE_INPUT != 0 ? IN_BITS : WEIGHT_BITS;  // of the recoded operand
    localparam integer FACTOR_BITS   = RECODE_INPUT != 0 ? WEIGHT_BITS : IN_BITS;  // of the other one
    localparam integer DIGIT_SIGNED  = RECODE_INPUT == 0 || IN_SIGNED != 0 ? 1 : 0;
    localparam integer FACTOR_SIGNED = RECODE_INPUT != 0 || IN_SIGNED != 0 ? 1 : 0;
    localparam integer ROW_BITS      = FACTOR_BITS + (FACTOR_SIGNED != 0 ? 1 : 2);
    localparam integer CARRIES       = DSP == 0 && TABLES == 0 ? 1 : 0;
    localparam integer TERM_BITS     = CARRIES != 0 && DIGITS == 1 ? ROW_BITS : PRODUCT_BITS;
    localparam integer SUM_BITS      = TERM_BITS + $clog2(SIMD);

    // The products of small operands: bit {input, weight} of slice b is bit b of the product.
    localparam integer TABLE_BITS = TABLES != 0 ? 1 << PRODUCT_BITS : 1;
    function [TABLE_BITS*PRODUCT_BITS-1:0] product_table;
        input integer sign_of_input;
        integer index;
        integer value;
        integer weight;
        integer place;
        begin
            for (index = 0; index < TABLE_BITS; index = index + 1) begin
                value  = index >> WEIGHT_BITS;
                weight = index % (1 << WEIGHT_BITS);
                if (sign_of_input != 0 && value >= 1 << (IN_BITS - 1)) value = value - (1 << IN_BITS);
                if (weight >= 1 << (WEIGHT_BITS - 1)) weight = weight - (1 << WEIGHT_BITS);
                value = value * weight;
                for (place = 0; place < PRODUCT_BITS; place = place + 1)
                    product_table[TABLE_BITS*place+index] = value[place];
            end
        end
    endfunction

    reg  [SIMD*TERM_BITS-1:0] terms;
    reg  [          SIMD-1:0] carries;
    wire [      SUM_BITS-1:0] sum;
    wire                      carry;
    integer                   column;

    generate
        if (DSP != 0) begin : multipliers
            reg signed [      IN_BITS:0] value;
            reg signed [WEIGHT_BITS-1:0] weight;
            reg signed [  TERM_BITS-1:0] product;
            always @* begin
                terms   = {SIMD * TERM_BITS{1'b0}};
                carries = {SIMD{1'b0}};
                for (column = 0; column < SIMD; column = column + 1) begin
                    value   = {IN_SIGNED != 0 && inputs[column*IN_BITS+IN_BITS-1], inputs[column*IN_BITS+:IN_BITS]};
                    weight  = weights[column*WEIGHT_BITS+:WEIGHT_BITS];
                    product = value * weight;
                    terms[column*TERM_BITS+:TERM_BITS] = product;
                end
            end
        end else if (TABLES != 0) begin : tables
            localparam [TABLE_BITS*TERM_BITS-1:0] PRODUCT = product_table(IN_SIGNED);
            reg [  TABLE_BITS-1:0] slice;
            reg [PRODUCT_BITS-1:0] index;
            integer                place;
            always @* begin
                terms   = {SIMD * TERM_BITS{1'b0}};
                carries = {SIMD{1'b0}};
                for (column = 0; column < SIMD; column = column + 1) begin
                    index = {inputs[column*IN_BITS+:IN_BITS], weights[column*WEIGHT_BITS+:WEIGHT_BITS]};
                    for (place = 0; place < TERM_BITS; place = place + 1) begin
                        slice = PRODUCT[place*TABLE_BITS+:TABLE_BITS];
                        terms[column*TERM_BITS+place] = slice[index];
                    end
                end
            end
        end else begin : rows
            wire [ SIMD*DIGIT_BITS-1:0] digits;
            wire [SIMD*FACTOR_BITS-1:0] factors;
            reg  [      DIGIT_BITS+2:0] pairs;  // the recoded operand, extended, over a 0
            reg  [        ROW_BITS-1:0] factor;
            reg  [        ROW_BITS-1:0] row;
            reg                         one;
            reg                         two;
            reg                         negative;
            reg signed [   TERM_BITS:0] left;
            reg        [   TERM_BITS:0] right;
            reg        [ TERM_BITS-1:0] term;
            reg        [ TERM_BITS-1:0] done;  // marks the places below the current digit
            integer                     digit;

            if (RECODE_INPUT != 0) begin : recode_inputs
                assign digits  = inputs;
                assign factors = weights;
            end else begin : recode_weights
                assign digits  = weights;
                assign factors = inputs;
            end

            wire unused = &{1'b0, left[0], right[TERM_BITS]};

            always @* begin
                terms    = {SIMD * TERM_BITS{1'b0}};
                carries  = {SIMD{1'b0}};
                row      = {ROW_BITS{1'b0}};
                one      = 1'b0;
                two      = 1'b0;
                negative = 1'b0;
                left     = {TERM_BITS + 1{1'b0}};
                right    = {TERM_BITS + 1{1'b0}};
                for (column = 0; column < SIMD; column = column + 1) begin
                    pairs  = {
                        {2{DIGIT_SIGNED != 0 && digits[column*DIGIT_BITS+DIGIT_BITS-1]}},
                        digits[column*DIGIT_BITS+:DIGIT_BITS],
                        1'b0
                    };
                    factor = {
                        {ROW_BITS - FACTOR_BITS{FACTOR_SIGNED != 0 && factors[column*FACTOR_BITS+FACTOR_BITS-1]}},
                        factors[column*FACTOR_BITS+:FACTOR_BITS]
                    };
                    term   = {TERM_BITS{1'b0}};
                    done   = {TERM_BITS{1'b0}};
                    for (digit = 0; digit < DIGITS; digit = digit + 1) begin
                        one      = pairs[2*digit] != pairs[2*digit+1];
                        two      = pairs[2*digit] == pairs[2*digit+1] && pairs[2*digit+1] != pairs[2*digit+2];
                        negative = pairs[2*digit+2];
                        row      = (one ? factor : {ROW_BITS{1'b0}}) | (two ? factor << 1 : {ROW_BITS{1'b0}});
                        row      = row ^ {ROW_BITS{negative}};
                        right    = {{TERM_BITS + 1 - ROW_BITS{row[ROW_BITS-1]}}, row};
                        if (digit == 0) begin
                            term            = right[TERM_BITS-1:0];
                            carries[column] = negative;
                        end else begin
                            left = $signed({term, 1'b0}) >>> (2 * digit);
                            left = {left[TERM_BITS:1], 1'b1} + {right[TERM_BITS-1:0], negative};
                            done = (done << 2) | {{TERM_BITS - 2{1'b0}}, 2'b11};
                            term = (left[TERM_BITS:1] << (2 * digit)) | (term & done);
                        end
                    end
                    terms[column*TERM_BITS+:TERM_BITS] = term;
                end
            end
        end
    endgenerate

    tr_adder_tree #(
        .COUNT  (SIMD),
        .BITS   (TERM_BITS),
        .SIGNED (1),
        .CARRIES(CARRIES),
        .FIRST  (FIRST)
    ) tree (
        .clk    (clk),
        .enable (enable),
        .terms  (terms),
        .carries(carries),
        .sum    (sum),
        .carry  (carry)
    );

    tr_accumulator #(
        .SUM_BITS  (SUM_BITS),
        .SUM_SIGNED(1),
        .OUT_BITS  (OUT_BITS),
        .OUT_SIGNED(OUT_SIGNED),
        .BIAS      (BIAS)
    ) accumulator (
        .clk   (clk),
        .enable(enable),
        .valid (valid),
        .first (first),
        .complete(complete),
        .sum   (sum),
        .carry (carry),
        .bias  (bias),
        .total (total)
    );
endmodule

`default_nettype wire
