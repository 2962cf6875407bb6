// SPDX-License-Identifier: Apache-2.0
//
// tr_sum2: the sum of two operands of one width, either subtracted, modulo 2^WIDTH; combinational.
`default_nettype none

module tr_sum2 #(
    parameter integer WIDTH  = 8,     // bits of the operands and the sum
    parameter [1:0]   NEGATE = 2'b00  // bit 0: a is subtracted, bit 1: b is; not both
) (
    input  wire [WIDTH-1:0] a,
    input  wire [WIDTH-1:0] b,
    output wire [WIDTH-1:0] y
);
    generate
        if (NEGATE == 2'b00) begin : g_add
            assign y = a + b;
        end else if (NEGATE == 2'b10) begin : g_subtract
            assign y = a - b;
        end else begin : g_subtract_from
            assign y = b - a;
        end
    endgenerate
endmodule

`default_nettype wire
