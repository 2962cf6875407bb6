// SPDX-License-Identifier: Apache-2.0
//
// tr_sum3: the sum of three operands of one width, up to two subtracted, modulo 2^WIDTH; combinational.
`default_nettype none

module tr_sum3 #(
    parameter integer WIDTH  = 8,      // bits of the operands and the sum
    parameter [2:0]   NEGATE = 3'b000  // bit 0: a is subtracted, bit 1: b, bit 2: c; not all
) (
    input  wire [WIDTH-1:0] a,
    input  wire [WIDTH-1:0] b,
    input  wire [WIDTH-1:0] c,
    output wire [WIDTH-1:0] y
);
    wire [WIDTH-1:0] plus_a = NEGATE[0] ? -a : a;
    wire [WIDTH-1:0] plus_b = NEGATE[1] ? -b : b;
    wire [WIDTH-1:0] plus_c = NEGATE[2] ? -c : c;
    assign y = plus_a + plus_b + plus_c;
endmodule

`default_nettype wire
