// SPDX-License-Identifier: Apache-2.0
//
// tr_clip: the end of a rounded shift to an unsigned range: 0 below, all ones above; combinational.
//
// Two bits of the result share one LUT6_2. Equal to ip/portable/tr_clip.v.
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
    // I0 to I4: bit, next bit, above, below, tie. O5 = bit, O6 = next bit; only bit 0 heeds the tie.
    localparam [63:0] FIRST = 64'h00fc_00fc_00f0_00fa;
    localparam [63:0] OTHER = 64'h00fc_00fc_00fa_00fa;

    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 2) begin : g_pair
            if (i + 1 < WIDTH) begin : g_two
                LUT6_2 #(
                    .INIT(i == 0 ? FIRST : OTHER)
                ) lut (
                    .O6(y[i+1]),
                    .O5(y[i]),
                    .I0(q[i]),
                    .I1(q[i+1]),
                    .I2(above),
                    .I3(below),
                    .I4(i == 0 ? tie : 1'b0),
                    .I5(1'b1)
                );
            end else begin : g_one
                assign y[i] = ((q[i] & ~(i == 0 && tie)) | above) & ~below;
            end
        end
    endgenerate
endmodule

`default_nettype wire
