// SPDX-License-Identifier: Apache-2.0
//
// DP8KC: simulation model of the 9 kbit block RAM of Lattice MachXO2 and MachXO3, as yosys maps to it.
//
// Two ports of up to nine bits, and the pseudo dual port of 18 (written by A with A's and B's data inputs, read by B with
// A's and B's outputs). Narrow data come in on DIA1 (width 1), DIA2 and DIA5 (width 2). Address bit 0 enables a port of
// nine bits, bits 1 and 0 are the byte enables of one of 18. Output registers and an asynchronous reset that rises stop
// the simulation; yosys writes no chip selects.
`default_nettype none

module DP8KC (
    input  wire DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input  wire ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input  wire CEA, OCEA, CLKA, WEA, CSA2, CSA1, CSA0, RSTA,
    output wire DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input  wire DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    input  wire ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input  wire CEB, OCEB, CLKB, WEB, CSB2, CSB1, CSB0, RSTB,
    output wire DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter integer DATA_WIDTH_A = 9;
    parameter integer DATA_WIDTH_B = 9;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter GSR = "ENABLED";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter INIT_DATA = "STATIC";
    parameter [319:0] INITVAL_00 = 320'h0;
    parameter [319:0] INITVAL_01 = 320'h0;
    parameter [319:0] INITVAL_02 = 320'h0;
    parameter [319:0] INITVAL_03 = 320'h0;
    parameter [319:0] INITVAL_04 = 320'h0;
    parameter [319:0] INITVAL_05 = 320'h0;
    parameter [319:0] INITVAL_06 = 320'h0;
    parameter [319:0] INITVAL_07 = 320'h0;
    parameter [319:0] INITVAL_08 = 320'h0;
    parameter [319:0] INITVAL_09 = 320'h0;
    parameter [319:0] INITVAL_0A = 320'h0;
    parameter [319:0] INITVAL_0B = 320'h0;
    parameter [319:0] INITVAL_0C = 320'h0;
    parameter [319:0] INITVAL_0D = 320'h0;
    parameter [319:0] INITVAL_0E = 320'h0;
    parameter [319:0] INITVAL_0F = 320'h0;
    parameter [319:0] INITVAL_10 = 320'h0;
    parameter [319:0] INITVAL_11 = 320'h0;
    parameter [319:0] INITVAL_12 = 320'h0;
    parameter [319:0] INITVAL_13 = 320'h0;
    parameter [319:0] INITVAL_14 = 320'h0;
    parameter [319:0] INITVAL_15 = 320'h0;
    parameter [319:0] INITVAL_16 = 320'h0;
    parameter [319:0] INITVAL_17 = 320'h0;
    parameter [319:0] INITVAL_18 = 320'h0;
    parameter [319:0] INITVAL_19 = 320'h0;
    parameter [319:0] INITVAL_1A = 320'h0;
    parameter [319:0] INITVAL_1B = 320'h0;
    parameter [319:0] INITVAL_1C = 320'h0;
    parameter [319:0] INITVAL_1D = 320'h0;
    parameter [319:0] INITVAL_1E = 320'h0;
    parameter [319:0] INITVAL_1F = 320'h0;

    // Sixteen rows of 18 bits per parameter, each in 20 bits.
    localparam [32*320-1:0] ROWS = {
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
    };
    function [9215:0] packed_rows(input [32*320-1:0] rows);
        integer i;
        for (i = 0; i < 512; i = i + 1) packed_rows[18*i+:18] = rows[20*i+:18];
    endfunction
    localparam PSEUDO = DATA_WIDTH_A == 18 || DATA_WIDTH_B == 18;

    wire [8:0]  di_a = {DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [8:0]  di_b = {DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
    wire [12:0] ad_a = {ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [12:0] ad_b = {ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [71:0] out_a, out_b;

    function [71:0] data(input integer width, input [8:0] di, input [8:0] high);
        data = width == 1 ? {71'd0, di[1]} : width == 2 ? {70'd0, di[5], di[2]} : {54'd0, high, di};
    endfunction
    function [7:0] write(input integer width, input enable, input [12:0] address);
        write = !enable ? 8'd0 : width == 18 ? {6'd0, address[1:0]} : width == 9 ? {7'd0, address[0]} : 8'd1;
    endfunction

    tr_sim_block_ram #(
        .UNIT_BITS(10),
        .A_READ_WIDTH(PSEUDO ? 0 : DATA_WIDTH_A),
        .A_WRITE_WIDTH(DATA_WIDTH_A),
        .A_MODE(WRITEMODE_A == "WRITETHROUGH" ? 1 : WRITEMODE_A == "READBEFOREWRITE" ? 2 : 0),
        .B_READ_WIDTH(DATA_WIDTH_B),
        .B_WRITE_WIDTH(PSEUDO ? 0 : DATA_WIDTH_B),
        .B_MODE(WRITEMODE_B == "WRITETHROUGH" ? 1 : WRITEMODE_B == "READBEFOREWRITE" ? 2 : 0),
        .CONTENTS(packed_rows(ROWS))
    ) ram (
        .a_clk(CLKA),
        .a_enable(CEA),
        .a_reset(RSTA),
        .a_write(write(DATA_WIDTH_A, WEA, ad_a)),
        .a_address(ad_a),
        .a_in(data(DATA_WIDTH_A, di_a, di_b)),
        .a_out(out_a),
        .b_clk(CLKB),
        .b_enable(CEB),
        .b_reset(RSTB),
        .b_write(write(DATA_WIDTH_B, WEB, ad_b)),
        .b_address(ad_b),
        .b_in(data(DATA_WIDTH_B, di_b, 9'd0)),
        .b_out(out_b)
    );

    assign {DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = PSEUDO ? out_b[8:0] : out_a[8:0];
    assign {DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 18 ? out_b[17:9] : out_b[8:0];

    initial begin
        if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG") $fatal(1, "DP8KC: no model of output registers");
        if (DATA_WIDTH_B == 18 && DATA_WIDTH_A < 9) $fatal(1, "DP8KC: no model of a narrow port beside one of 18 bits");
    end
    always @* if (RESETMODE != "SYNC" && (RSTA || RSTB)) $fatal(1, "DP8KC: no model of the asynchronous reset");
endmodule

`default_nettype wire
