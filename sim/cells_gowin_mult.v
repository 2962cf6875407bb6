// SPDX-License-Identifier: Apache-2.0
//
// MULT9X9, MULT18X18: simulation models of the multipliers of Gowin, as yosys maps to them: no registers, no chains.
`default_nettype none

module MULT9X9 (
    input  wire [8:0] A, SIA, B, SIB,
    input  wire        ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output wire [17:0] DOUT,
    output wire [8:0] SOA, SOB
);
    parameter AREG = 1'b0;
    parameter BREG = 1'b0;
    parameter OUT_REG = 1'b0;
    parameter PIPE_REG = 1'b0;
    parameter ASIGN_REG = 1'b0;
    parameter BSIGN_REG = 1'b0;
    parameter SOA_REG = 1'b0;
    parameter MULT_RESET_MODE = "SYNC";

    // One bit more holds a signed and an unsigned operand alike.
    wire signed [9:0] a_wide = {ASIGN & A[8], A};
    wire signed [9:0] b_wide = {BSIGN & B[8], B};
    wire signed [19:0] product = a_wide * b_wide;
    assign DOUT = product[17:0];
    assign SOA = A;
    assign SOB = B;

    initial if (AREG || BREG || OUT_REG || PIPE_REG) $fatal(1, "MULT9X9: no model of registers");
endmodule

module MULT18X18 (
    input  wire [17:0] A, SIA, B, SIB,
    input  wire        ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output wire [35:0] DOUT,
    output wire [17:0] SOA, SOB
);
    parameter AREG = 1'b0;
    parameter BREG = 1'b0;
    parameter OUT_REG = 1'b0;
    parameter PIPE_REG = 1'b0;
    parameter ASIGN_REG = 1'b0;
    parameter BSIGN_REG = 1'b0;
    parameter SOA_REG = 1'b0;
    parameter MULT_RESET_MODE = "SYNC";

    // One bit more holds a signed and an unsigned operand alike.
    wire signed [18:0] a_wide = {ASIGN & A[17], A};
    wire signed [18:0] b_wide = {BSIGN & B[17], B};
    wire signed [37:0] product = a_wide * b_wide;
    assign DOUT = product[35:0];
    assign SOA = A;
    assign SOB = B;

    initial if (AREG || BREG || OUT_REG || PIPE_REG) $fatal(1, "MULT18X18: no model of registers");
endmodule

`default_nettype wire
