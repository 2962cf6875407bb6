// SPDX-License-Identifier: Apache-2.0
//
// DSP48E2: simulation model of the multiplier block of Xilinx UltraScale+ (UG579), as yosys maps to it.
//
// Yosys uses it as a signed 27x18 multiplier without registers: P = A[26:0] * B. Everything else stops the simulation.
`default_nettype none

module DSP48E2 (
    input  wire [29:0] A,
    input  wire [17:0] B,
    input  wire [47:0] C,
    input  wire [26:0] D,
    input  wire [29:0] ACIN,
    input  wire [17:0] BCIN,
    input  wire [47:0] PCIN,
    input  wire        CARRYIN,
    input  wire [2:0]  CARRYINSEL,
    input  wire [4:0]  INMODE,
    input  wire [3:0]  ALUMODE,
    input  wire [8:0]  OPMODE,
    output wire [47:0] P
);
    parameter integer ACASCREG      = 1;
    parameter integer ADREG         = 1;
    parameter integer ALUMODEREG    = 1;
    parameter         AMULTSEL      = "A";
    parameter integer AREG          = 1;
    parameter         A_INPUT       = "DIRECT";
    parameter integer BCASCREG      = 1;
    parameter         BMULTSEL      = "B";
    parameter integer BREG          = 1;
    parameter         B_INPUT       = "DIRECT";
    parameter integer CARRYINREG    = 1;
    parameter integer CARRYINSELREG = 1;
    parameter integer CREG          = 1;
    parameter integer DREG          = 1;
    parameter integer INMODEREG     = 1;
    parameter integer MREG          = 1;
    parameter integer OPMODEREG     = 1;
    parameter integer PREG          = 1;
    parameter         USE_MULT      = "MULTIPLY";
    parameter         USE_SIMD      = "ONE48";

    wire signed [44:0] product = $signed(A[26:0]) * $signed(B);

    assign P = {{3{product[44]}}, product};

    initial begin
        if (AREG + BREG + MREG + PREG + ADREG + DREG + CREG != 0) $fatal(1, "DSP48E2: no model of registers");
        if (AMULTSEL != "A" || BMULTSEL != "B" || A_INPUT != "DIRECT" || B_INPUT != "DIRECT")
            $fatal(1, "DSP48E2: no model of the pre-adder and of cascades");
    end
    always @* if (OPMODE != 9'b000000101 || INMODE != 0 || ALUMODE != 0 || CARRYIN)
        $fatal(1, "DSP48E2: no model of this operation");
endmodule

`default_nettype wire
