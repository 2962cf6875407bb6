// SPDX-License-Identifier: Apache-2.0
//
// tr_sum2: the sum of two operands of one width, either subtracted, modulo 2^WIDTH; combinational.
//
// One LUT per bit in front of a carry chain. Written with CARRY4 so that no synthesis joins neighbouring adders.
// Equal to ip/portable/tr_sum2.v.
`default_nettype none

module tr_sum2 #(
    parameter integer WIDTH  = 8,     // bits of the operands and the sum
    parameter [1:0]   NEGATE = 2'b00  // bit 0: a is subtracted, bit 1: b is; not both
) (
    input  wire [WIDTH-1:0] a,
    input  wire [WIDTH-1:0] b,
    output wire [WIDTH-1:0] y
);
    // a - b = a + ~b + 1: the subtracted operand goes to x, the other one feeds the carry.
    wire [WIDTH-1:0] x = NEGATE[0] ? a : b;
    wire [WIDTH-1:0] z = NEGATE[0] ? b : a;
    wire [WIDTH-1:0] half = z ^ x ^ {WIDTH{|NEGATE}};

    tr_carry #(
        .WIDTH(WIDTH)
    ) carry (
        .half(half),
        .generated(z),
        .first(|NEGATE),
        .y(y)
    );
endmodule

`default_nettype wire
