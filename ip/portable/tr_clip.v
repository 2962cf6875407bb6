// SPDX-License-Identifier: Apache-2.0
//
// tr_clip: the end of a rounded shift to an unsigned range: 0 below, all ones above; combinational.
`default_nettype none

module tr_clip #(
    parameter integer WIDTH = 6  // bits of the result
) (
    input  wire [WIDTH-1:0] q,      // the low bits of the quotient
    input  wire             tie,    // 1: the lowest bit of the quotient becomes 0
    input  wire             above,  // 1: the quotient is too large
    input  wire             below,  // 1: the quotient is negative; wins over above
    output wire [WIDTH-1:0] y
);
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : g_bit
            assign y[i] = ((q[i] & ~(i == 0 && tie)) | above) & ~below;
        end
    endgenerate
endmodule

`default_nettype wire
