// SPDX-License-Identifier: Apache-2.0
//
// tr_sum3: the sum of three operands of one width, up to two subtracted, modulo 2^WIDTH; combinational.
//
// One LUT6_2 per bit: O5 is the majority of the three bits, O6 their parity and the majority of the bit below, which
// comes in at I3; the carry chain adds parity and majority. The +1s of two subtractions are the carry in and the
// majority below bit 0. Equal to ip/portable/tr_sum3.v.
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
    function [63:0] truth_table(input [2:0] negate);
        integer i;
        reg [4:0] at;
        reg [2:0] bits;
        begin
            truth_table = 64'd0;
            for (i = 0; i < 32; i = i + 1) begin
                at = i[4:0];
                bits = at[2:0] ^ negate;
                truth_table[i] = (bits[0] & bits[1]) | (bits[0] & bits[2]) | (bits[1] & bits[2]);
                truth_table[32+i] = bits[0] ^ bits[1] ^ bits[2] ^ at[3];
            end
        end
    endfunction

    localparam [63:0] TABLE = truth_table(NEGATE);
    localparam ONE = |NEGATE;  // the +1 of a subtraction
    localparam TWO = (NEGATE[0] & NEGATE[1]) | (NEGATE[0] & NEGATE[2]) | (NEGATE[1] & NEGATE[2]);  // and of another

    wire [WIDTH-1:0] half;
    wire [WIDTH:0] majority;  // of the bit below
    assign majority[0] = ONE;

    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : g_bit
            LUT6_2 #(
                .INIT(TABLE)
            ) lut (
                .O6(half[i]),
                .O5(majority[i+1]),
                .I0(a[i]),
                .I1(b[i]),
                .I2(c[i]),
                .I3(majority[i]),
                .I4(1'b0),
                .I5(1'b1)
            );
        end
    endgenerate

    tr_carry #(
        .WIDTH(WIDTH)
    ) carry (
        .half(half),
        .generated(majority[WIDTH-1:0]),
        .first(TWO),
        .y(y)
    );

    // verilator lint_off UNUSEDSIGNAL
    wire unused = majority[WIDTH];
    // verilator lint_on UNUSEDSIGNAL
endmodule

`default_nettype wire
