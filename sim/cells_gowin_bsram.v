// SPDX-License-Identifier: Apache-2.0
//
// SP, SPX9, SDPB, SDPX9B, DPB, DPX9B: simulation models of the 18 kbit block RAM of Gowin, as yosys maps to it.
//
// One port; a port to write (A) beside one to read (B); two ports. A unit of nine bits is what a width of 9 moves; the
// cells without X9 have its lower eight bits alone. From 16 bits on, the low address bits are the byte enables. Output
// registers (READ_MODE), chip selects other than 0 and an asynchronous reset that rises stop the simulation.
`default_nettype none

module SP (
    output wire [31:0] DO,
    input  wire [31:0] DI,
    input  wire [2:0]  BLKSEL,
    input  wire [13:0] AD,
    input  wire        WRE, CLK, CE, OCE, RESET
);
    parameter READ_MODE = 1'b0;
    parameter WRITE_MODE = 2'b00;
    parameter integer BIT_WIDTH = 32;
    parameter BLK_SEL = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [255:0] INIT_RAM_00 = 0;
    parameter [255:0] INIT_RAM_01 = 0;
    parameter [255:0] INIT_RAM_02 = 0;
    parameter [255:0] INIT_RAM_03 = 0;
    parameter [255:0] INIT_RAM_04 = 0;
    parameter [255:0] INIT_RAM_05 = 0;
    parameter [255:0] INIT_RAM_06 = 0;
    parameter [255:0] INIT_RAM_07 = 0;
    parameter [255:0] INIT_RAM_08 = 0;
    parameter [255:0] INIT_RAM_09 = 0;
    parameter [255:0] INIT_RAM_0A = 0;
    parameter [255:0] INIT_RAM_0B = 0;
    parameter [255:0] INIT_RAM_0C = 0;
    parameter [255:0] INIT_RAM_0D = 0;
    parameter [255:0] INIT_RAM_0E = 0;
    parameter [255:0] INIT_RAM_0F = 0;
    parameter [255:0] INIT_RAM_10 = 0;
    parameter [255:0] INIT_RAM_11 = 0;
    parameter [255:0] INIT_RAM_12 = 0;
    parameter [255:0] INIT_RAM_13 = 0;
    parameter [255:0] INIT_RAM_14 = 0;
    parameter [255:0] INIT_RAM_15 = 0;
    parameter [255:0] INIT_RAM_16 = 0;
    parameter [255:0] INIT_RAM_17 = 0;
    parameter [255:0] INIT_RAM_18 = 0;
    parameter [255:0] INIT_RAM_19 = 0;
    parameter [255:0] INIT_RAM_1A = 0;
    parameter [255:0] INIT_RAM_1B = 0;
    parameter [255:0] INIT_RAM_1C = 0;
    parameter [255:0] INIT_RAM_1D = 0;
    parameter [255:0] INIT_RAM_1E = 0;
    parameter [255:0] INIT_RAM_1F = 0;
    parameter [255:0] INIT_RAM_20 = 0;
    parameter [255:0] INIT_RAM_21 = 0;
    parameter [255:0] INIT_RAM_22 = 0;
    parameter [255:0] INIT_RAM_23 = 0;
    parameter [255:0] INIT_RAM_24 = 0;
    parameter [255:0] INIT_RAM_25 = 0;
    parameter [255:0] INIT_RAM_26 = 0;
    parameter [255:0] INIT_RAM_27 = 0;
    parameter [255:0] INIT_RAM_28 = 0;
    parameter [255:0] INIT_RAM_29 = 0;
    parameter [255:0] INIT_RAM_2A = 0;
    parameter [255:0] INIT_RAM_2B = 0;
    parameter [255:0] INIT_RAM_2C = 0;
    parameter [255:0] INIT_RAM_2D = 0;
    parameter [255:0] INIT_RAM_2E = 0;
    parameter [255:0] INIT_RAM_2F = 0;
    parameter [255:0] INIT_RAM_30 = 0;
    parameter [255:0] INIT_RAM_31 = 0;
    parameter [255:0] INIT_RAM_32 = 0;
    parameter [255:0] INIT_RAM_33 = 0;
    parameter [255:0] INIT_RAM_34 = 0;
    parameter [255:0] INIT_RAM_35 = 0;
    parameter [255:0] INIT_RAM_36 = 0;
    parameter [255:0] INIT_RAM_37 = 0;
    parameter [255:0] INIT_RAM_38 = 0;
    parameter [255:0] INIT_RAM_39 = 0;
    parameter [255:0] INIT_RAM_3A = 0;
    parameter [255:0] INIT_RAM_3B = 0;
    parameter [255:0] INIT_RAM_3C = 0;
    parameter [255:0] INIT_RAM_3D = 0;
    parameter [255:0] INIT_RAM_3E = 0;
    parameter [255:0] INIT_RAM_3F = 0;

    localparam [16383:0] BYTES = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };
    function [18431:0] in_units(input [16383:0] bytes);
        integer i;
        for (i = 0; i < 2048; i = i + 1) in_units[9*i+:9] = {1'b0, bytes[8*i+:8]};
    endfunction
    localparam [18431:0] CONTENTS = in_units(BYTES);

    wire [71:0] word;
    wire [7:0]  write = !WRE ? 8'd0 : BIT_WIDTH == 32 ? {4'd0, AD[3:0]} : BIT_WIDTH == 16 ? {6'd0, AD[1:0]} : 8'd1;
    assign DO = BIT_WIDTH < 8 ? word[31:0] : {word[34:27], word[25:18], word[16:9], word[7:0]};

    tr_sim_block_ram #(
        .UNIT_BITS(11), .A_READ_WIDTH((BIT_WIDTH < 8 ? BIT_WIDTH : BIT_WIDTH / 8 * 9)), .A_WRITE_WIDTH((BIT_WIDTH < 8 ? BIT_WIDTH : BIT_WIDTH / 8 * 9)), .A_MODE(WRITE_MODE), .B_READ_WIDTH(0), .B_WRITE_WIDTH(0),
        .CONTENTS(CONTENTS)
    ) ram (
        .a_clk(CLK), .a_enable(CE), .a_reset(RESET), .a_write(write), .a_address(AD), .a_in({37'd0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]}), .a_out(word),
        .b_clk(1'b0), .b_enable(1'b0), .b_reset(1'b0), .b_write(8'd0), .b_address(14'd0), .b_in(72'd0), .b_out()
    );

    initial if (READ_MODE || BLK_SEL != 0) $fatal(1, "SP: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && RESET) $fatal(1, "SP: no model of the asynchronous reset");
endmodule

module SPX9 (
    output wire [35:0] DO,
    input  wire [35:0] DI,
    input  wire [2:0]  BLKSEL,
    input  wire [13:0] AD,
    input  wire        WRE, CLK, CE, OCE, RESET
);
    parameter READ_MODE = 1'b0;
    parameter WRITE_MODE = 2'b00;
    parameter integer BIT_WIDTH = 36;
    parameter BLK_SEL = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [287:0] INIT_RAM_00 = 0;
    parameter [287:0] INIT_RAM_01 = 0;
    parameter [287:0] INIT_RAM_02 = 0;
    parameter [287:0] INIT_RAM_03 = 0;
    parameter [287:0] INIT_RAM_04 = 0;
    parameter [287:0] INIT_RAM_05 = 0;
    parameter [287:0] INIT_RAM_06 = 0;
    parameter [287:0] INIT_RAM_07 = 0;
    parameter [287:0] INIT_RAM_08 = 0;
    parameter [287:0] INIT_RAM_09 = 0;
    parameter [287:0] INIT_RAM_0A = 0;
    parameter [287:0] INIT_RAM_0B = 0;
    parameter [287:0] INIT_RAM_0C = 0;
    parameter [287:0] INIT_RAM_0D = 0;
    parameter [287:0] INIT_RAM_0E = 0;
    parameter [287:0] INIT_RAM_0F = 0;
    parameter [287:0] INIT_RAM_10 = 0;
    parameter [287:0] INIT_RAM_11 = 0;
    parameter [287:0] INIT_RAM_12 = 0;
    parameter [287:0] INIT_RAM_13 = 0;
    parameter [287:0] INIT_RAM_14 = 0;
    parameter [287:0] INIT_RAM_15 = 0;
    parameter [287:0] INIT_RAM_16 = 0;
    parameter [287:0] INIT_RAM_17 = 0;
    parameter [287:0] INIT_RAM_18 = 0;
    parameter [287:0] INIT_RAM_19 = 0;
    parameter [287:0] INIT_RAM_1A = 0;
    parameter [287:0] INIT_RAM_1B = 0;
    parameter [287:0] INIT_RAM_1C = 0;
    parameter [287:0] INIT_RAM_1D = 0;
    parameter [287:0] INIT_RAM_1E = 0;
    parameter [287:0] INIT_RAM_1F = 0;
    parameter [287:0] INIT_RAM_20 = 0;
    parameter [287:0] INIT_RAM_21 = 0;
    parameter [287:0] INIT_RAM_22 = 0;
    parameter [287:0] INIT_RAM_23 = 0;
    parameter [287:0] INIT_RAM_24 = 0;
    parameter [287:0] INIT_RAM_25 = 0;
    parameter [287:0] INIT_RAM_26 = 0;
    parameter [287:0] INIT_RAM_27 = 0;
    parameter [287:0] INIT_RAM_28 = 0;
    parameter [287:0] INIT_RAM_29 = 0;
    parameter [287:0] INIT_RAM_2A = 0;
    parameter [287:0] INIT_RAM_2B = 0;
    parameter [287:0] INIT_RAM_2C = 0;
    parameter [287:0] INIT_RAM_2D = 0;
    parameter [287:0] INIT_RAM_2E = 0;
    parameter [287:0] INIT_RAM_2F = 0;
    parameter [287:0] INIT_RAM_30 = 0;
    parameter [287:0] INIT_RAM_31 = 0;
    parameter [287:0] INIT_RAM_32 = 0;
    parameter [287:0] INIT_RAM_33 = 0;
    parameter [287:0] INIT_RAM_34 = 0;
    parameter [287:0] INIT_RAM_35 = 0;
    parameter [287:0] INIT_RAM_36 = 0;
    parameter [287:0] INIT_RAM_37 = 0;
    parameter [287:0] INIT_RAM_38 = 0;
    parameter [287:0] INIT_RAM_39 = 0;
    parameter [287:0] INIT_RAM_3A = 0;
    parameter [287:0] INIT_RAM_3B = 0;
    parameter [287:0] INIT_RAM_3C = 0;
    parameter [287:0] INIT_RAM_3D = 0;
    parameter [287:0] INIT_RAM_3E = 0;
    parameter [287:0] INIT_RAM_3F = 0;

    localparam [18431:0] CONTENTS = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };

    wire [71:0] word;
    wire [7:0]  write = !WRE ? 8'd0 : BIT_WIDTH == 36 ? {4'd0, AD[3:0]} : BIT_WIDTH == 18 ? {6'd0, AD[1:0]} : 8'd1;
    assign DO = word[35:0];

    tr_sim_block_ram #(
        .UNIT_BITS(11), .A_READ_WIDTH(BIT_WIDTH), .A_WRITE_WIDTH(BIT_WIDTH), .A_MODE(WRITE_MODE), .B_READ_WIDTH(0), .B_WRITE_WIDTH(0),
        .CONTENTS(CONTENTS)
    ) ram (
        .a_clk(CLK), .a_enable(CE), .a_reset(RESET), .a_write(write), .a_address(AD), .a_in({36'd0, DI}), .a_out(word),
        .b_clk(1'b0), .b_enable(1'b0), .b_reset(1'b0), .b_write(8'd0), .b_address(14'd0), .b_in(72'd0), .b_out()
    );

    initial if (READ_MODE || BLK_SEL != 0) $fatal(1, "SPX9: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && RESET) $fatal(1, "SPX9: no model of the asynchronous reset");
endmodule

module SDPB (
    output wire [31:0] DO,
    input  wire [31:0] DI,
    input  wire [2:0]  BLKSELA, BLKSELB,
    input  wire [13:0] ADA, ADB,
    input  wire        CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE
);
    parameter READ_MODE = 1'b0;
    parameter integer BIT_WIDTH_0 = 32;
    parameter integer BIT_WIDTH_1 = 32;
    parameter BLK_SEL_0 = 3'b000;
    parameter BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [255:0] INIT_RAM_00 = 0;
    parameter [255:0] INIT_RAM_01 = 0;
    parameter [255:0] INIT_RAM_02 = 0;
    parameter [255:0] INIT_RAM_03 = 0;
    parameter [255:0] INIT_RAM_04 = 0;
    parameter [255:0] INIT_RAM_05 = 0;
    parameter [255:0] INIT_RAM_06 = 0;
    parameter [255:0] INIT_RAM_07 = 0;
    parameter [255:0] INIT_RAM_08 = 0;
    parameter [255:0] INIT_RAM_09 = 0;
    parameter [255:0] INIT_RAM_0A = 0;
    parameter [255:0] INIT_RAM_0B = 0;
    parameter [255:0] INIT_RAM_0C = 0;
    parameter [255:0] INIT_RAM_0D = 0;
    parameter [255:0] INIT_RAM_0E = 0;
    parameter [255:0] INIT_RAM_0F = 0;
    parameter [255:0] INIT_RAM_10 = 0;
    parameter [255:0] INIT_RAM_11 = 0;
    parameter [255:0] INIT_RAM_12 = 0;
    parameter [255:0] INIT_RAM_13 = 0;
    parameter [255:0] INIT_RAM_14 = 0;
    parameter [255:0] INIT_RAM_15 = 0;
    parameter [255:0] INIT_RAM_16 = 0;
    parameter [255:0] INIT_RAM_17 = 0;
    parameter [255:0] INIT_RAM_18 = 0;
    parameter [255:0] INIT_RAM_19 = 0;
    parameter [255:0] INIT_RAM_1A = 0;
    parameter [255:0] INIT_RAM_1B = 0;
    parameter [255:0] INIT_RAM_1C = 0;
    parameter [255:0] INIT_RAM_1D = 0;
    parameter [255:0] INIT_RAM_1E = 0;
    parameter [255:0] INIT_RAM_1F = 0;
    parameter [255:0] INIT_RAM_20 = 0;
    parameter [255:0] INIT_RAM_21 = 0;
    parameter [255:0] INIT_RAM_22 = 0;
    parameter [255:0] INIT_RAM_23 = 0;
    parameter [255:0] INIT_RAM_24 = 0;
    parameter [255:0] INIT_RAM_25 = 0;
    parameter [255:0] INIT_RAM_26 = 0;
    parameter [255:0] INIT_RAM_27 = 0;
    parameter [255:0] INIT_RAM_28 = 0;
    parameter [255:0] INIT_RAM_29 = 0;
    parameter [255:0] INIT_RAM_2A = 0;
    parameter [255:0] INIT_RAM_2B = 0;
    parameter [255:0] INIT_RAM_2C = 0;
    parameter [255:0] INIT_RAM_2D = 0;
    parameter [255:0] INIT_RAM_2E = 0;
    parameter [255:0] INIT_RAM_2F = 0;
    parameter [255:0] INIT_RAM_30 = 0;
    parameter [255:0] INIT_RAM_31 = 0;
    parameter [255:0] INIT_RAM_32 = 0;
    parameter [255:0] INIT_RAM_33 = 0;
    parameter [255:0] INIT_RAM_34 = 0;
    parameter [255:0] INIT_RAM_35 = 0;
    parameter [255:0] INIT_RAM_36 = 0;
    parameter [255:0] INIT_RAM_37 = 0;
    parameter [255:0] INIT_RAM_38 = 0;
    parameter [255:0] INIT_RAM_39 = 0;
    parameter [255:0] INIT_RAM_3A = 0;
    parameter [255:0] INIT_RAM_3B = 0;
    parameter [255:0] INIT_RAM_3C = 0;
    parameter [255:0] INIT_RAM_3D = 0;
    parameter [255:0] INIT_RAM_3E = 0;
    parameter [255:0] INIT_RAM_3F = 0;

    localparam [16383:0] BYTES = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };
    function [18431:0] in_units(input [16383:0] bytes);
        integer i;
        for (i = 0; i < 2048; i = i + 1) in_units[9*i+:9] = {1'b0, bytes[8*i+:8]};
    endfunction
    localparam [18431:0] CONTENTS = in_units(BYTES);

    wire [71:0] word;
    wire [7:0]  write = BIT_WIDTH_0 == 32 ? {4'd0, ADA[3:0]} : BIT_WIDTH_0 == 16 ? {6'd0, ADA[1:0]} : 8'd1;
    assign DO = BIT_WIDTH_1 < 8 ? word[31:0] : {word[34:27], word[25:18], word[16:9], word[7:0]};

    tr_sim_block_ram #(
        .UNIT_BITS(11), .A_READ_WIDTH(0), .A_WRITE_WIDTH((BIT_WIDTH_0 < 8 ? BIT_WIDTH_0 : BIT_WIDTH_0 / 8 * 9)), .B_READ_WIDTH((BIT_WIDTH_1 < 8 ? BIT_WIDTH_1 : BIT_WIDTH_1 / 8 * 9)), .B_WRITE_WIDTH(0), .CONTENTS(CONTENTS)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(1'b0), .a_write(write), .a_address(ADA), .a_in({37'd0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]}), .a_out(),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(8'd0), .b_address(ADB), .b_in(72'd0), .b_out(word)
    );

    initial if (READ_MODE || BLK_SEL_0 != 0 || BLK_SEL_1 != 0) $fatal(1, "SDPB: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && RESETB) $fatal(1, "SDPB: no model of the asynchronous reset");
endmodule

module SDPX9B (
    output wire [35:0] DO,
    input  wire [35:0] DI,
    input  wire [2:0]  BLKSELA, BLKSELB,
    input  wire [13:0] ADA, ADB,
    input  wire        CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE
);
    parameter READ_MODE = 1'b0;
    parameter integer BIT_WIDTH_0 = 36;
    parameter integer BIT_WIDTH_1 = 36;
    parameter BLK_SEL_0 = 3'b000;
    parameter BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [287:0] INIT_RAM_00 = 0;
    parameter [287:0] INIT_RAM_01 = 0;
    parameter [287:0] INIT_RAM_02 = 0;
    parameter [287:0] INIT_RAM_03 = 0;
    parameter [287:0] INIT_RAM_04 = 0;
    parameter [287:0] INIT_RAM_05 = 0;
    parameter [287:0] INIT_RAM_06 = 0;
    parameter [287:0] INIT_RAM_07 = 0;
    parameter [287:0] INIT_RAM_08 = 0;
    parameter [287:0] INIT_RAM_09 = 0;
    parameter [287:0] INIT_RAM_0A = 0;
    parameter [287:0] INIT_RAM_0B = 0;
    parameter [287:0] INIT_RAM_0C = 0;
    parameter [287:0] INIT_RAM_0D = 0;
    parameter [287:0] INIT_RAM_0E = 0;
    parameter [287:0] INIT_RAM_0F = 0;
    parameter [287:0] INIT_RAM_10 = 0;
    parameter [287:0] INIT_RAM_11 = 0;
    parameter [287:0] INIT_RAM_12 = 0;
    parameter [287:0] INIT_RAM_13 = 0;
    parameter [287:0] INIT_RAM_14 = 0;
    parameter [287:0] INIT_RAM_15 = 0;
    parameter [287:0] INIT_RAM_16 = 0;
    parameter [287:0] INIT_RAM_17 = 0;
    parameter [287:0] INIT_RAM_18 = 0;
    parameter [287:0] INIT_RAM_19 = 0;
    parameter [287:0] INIT_RAM_1A = 0;
    parameter [287:0] INIT_RAM_1B = 0;
    parameter [287:0] INIT_RAM_1C = 0;
    parameter [287:0] INIT_RAM_1D = 0;
    parameter [287:0] INIT_RAM_1E = 0;
    parameter [287:0] INIT_RAM_1F = 0;
    parameter [287:0] INIT_RAM_20 = 0;
    parameter [287:0] INIT_RAM_21 = 0;
    parameter [287:0] INIT_RAM_22 = 0;
    parameter [287:0] INIT_RAM_23 = 0;
    parameter [287:0] INIT_RAM_24 = 0;
    parameter [287:0] INIT_RAM_25 = 0;
    parameter [287:0] INIT_RAM_26 = 0;
    parameter [287:0] INIT_RAM_27 = 0;
    parameter [287:0] INIT_RAM_28 = 0;
    parameter [287:0] INIT_RAM_29 = 0;
    parameter [287:0] INIT_RAM_2A = 0;
    parameter [287:0] INIT_RAM_2B = 0;
    parameter [287:0] INIT_RAM_2C = 0;
    parameter [287:0] INIT_RAM_2D = 0;
    parameter [287:0] INIT_RAM_2E = 0;
    parameter [287:0] INIT_RAM_2F = 0;
    parameter [287:0] INIT_RAM_30 = 0;
    parameter [287:0] INIT_RAM_31 = 0;
    parameter [287:0] INIT_RAM_32 = 0;
    parameter [287:0] INIT_RAM_33 = 0;
    parameter [287:0] INIT_RAM_34 = 0;
    parameter [287:0] INIT_RAM_35 = 0;
    parameter [287:0] INIT_RAM_36 = 0;
    parameter [287:0] INIT_RAM_37 = 0;
    parameter [287:0] INIT_RAM_38 = 0;
    parameter [287:0] INIT_RAM_39 = 0;
    parameter [287:0] INIT_RAM_3A = 0;
    parameter [287:0] INIT_RAM_3B = 0;
    parameter [287:0] INIT_RAM_3C = 0;
    parameter [287:0] INIT_RAM_3D = 0;
    parameter [287:0] INIT_RAM_3E = 0;
    parameter [287:0] INIT_RAM_3F = 0;

    localparam [18431:0] CONTENTS = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };

    wire [71:0] word;
    wire [7:0]  write = BIT_WIDTH_0 == 36 ? {4'd0, ADA[3:0]} : BIT_WIDTH_0 == 18 ? {6'd0, ADA[1:0]} : 8'd1;
    assign DO = word[35:0];

    tr_sim_block_ram #(
        .UNIT_BITS(11), .A_READ_WIDTH(0), .A_WRITE_WIDTH(BIT_WIDTH_0), .B_READ_WIDTH(BIT_WIDTH_1), .B_WRITE_WIDTH(0), .CONTENTS(CONTENTS)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(1'b0), .a_write(write), .a_address(ADA), .a_in({36'd0, DI}), .a_out(),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(8'd0), .b_address(ADB), .b_in(72'd0), .b_out(word)
    );

    initial if (READ_MODE || BLK_SEL_0 != 0 || BLK_SEL_1 != 0) $fatal(1, "SDPX9B: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && RESETB) $fatal(1, "SDPX9B: no model of the asynchronous reset");
endmodule

module DPB (
    output wire [15:0] DOA, DOB,
    input  wire [15:0] DIA, DIB,
    input  wire [2:0]  BLKSELA, BLKSELB,
    input  wire [13:0] ADA, ADB,
    input  wire        WREA, CLKA, CEA, OCEA, RESETA, WREB, CLKB, CEB, OCEB, RESETB
);
    parameter READ_MODE0 = 1'b0;
    parameter READ_MODE1 = 1'b0;
    parameter WRITE_MODE0 = 2'b00;
    parameter WRITE_MODE1 = 2'b00;
    parameter integer BIT_WIDTH_0 = 16;
    parameter integer BIT_WIDTH_1 = 16;
    parameter BLK_SEL_0 = 3'b000;
    parameter BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [255:0] INIT_RAM_00 = 0;
    parameter [255:0] INIT_RAM_01 = 0;
    parameter [255:0] INIT_RAM_02 = 0;
    parameter [255:0] INIT_RAM_03 = 0;
    parameter [255:0] INIT_RAM_04 = 0;
    parameter [255:0] INIT_RAM_05 = 0;
    parameter [255:0] INIT_RAM_06 = 0;
    parameter [255:0] INIT_RAM_07 = 0;
    parameter [255:0] INIT_RAM_08 = 0;
    parameter [255:0] INIT_RAM_09 = 0;
    parameter [255:0] INIT_RAM_0A = 0;
    parameter [255:0] INIT_RAM_0B = 0;
    parameter [255:0] INIT_RAM_0C = 0;
    parameter [255:0] INIT_RAM_0D = 0;
    parameter [255:0] INIT_RAM_0E = 0;
    parameter [255:0] INIT_RAM_0F = 0;
    parameter [255:0] INIT_RAM_10 = 0;
    parameter [255:0] INIT_RAM_11 = 0;
    parameter [255:0] INIT_RAM_12 = 0;
    parameter [255:0] INIT_RAM_13 = 0;
    parameter [255:0] INIT_RAM_14 = 0;
    parameter [255:0] INIT_RAM_15 = 0;
    parameter [255:0] INIT_RAM_16 = 0;
    parameter [255:0] INIT_RAM_17 = 0;
    parameter [255:0] INIT_RAM_18 = 0;
    parameter [255:0] INIT_RAM_19 = 0;
    parameter [255:0] INIT_RAM_1A = 0;
    parameter [255:0] INIT_RAM_1B = 0;
    parameter [255:0] INIT_RAM_1C = 0;
    parameter [255:0] INIT_RAM_1D = 0;
    parameter [255:0] INIT_RAM_1E = 0;
    parameter [255:0] INIT_RAM_1F = 0;
    parameter [255:0] INIT_RAM_20 = 0;
    parameter [255:0] INIT_RAM_21 = 0;
    parameter [255:0] INIT_RAM_22 = 0;
    parameter [255:0] INIT_RAM_23 = 0;
    parameter [255:0] INIT_RAM_24 = 0;
    parameter [255:0] INIT_RAM_25 = 0;
    parameter [255:0] INIT_RAM_26 = 0;
    parameter [255:0] INIT_RAM_27 = 0;
    parameter [255:0] INIT_RAM_28 = 0;
    parameter [255:0] INIT_RAM_29 = 0;
    parameter [255:0] INIT_RAM_2A = 0;
    parameter [255:0] INIT_RAM_2B = 0;
    parameter [255:0] INIT_RAM_2C = 0;
    parameter [255:0] INIT_RAM_2D = 0;
    parameter [255:0] INIT_RAM_2E = 0;
    parameter [255:0] INIT_RAM_2F = 0;
    parameter [255:0] INIT_RAM_30 = 0;
    parameter [255:0] INIT_RAM_31 = 0;
    parameter [255:0] INIT_RAM_32 = 0;
    parameter [255:0] INIT_RAM_33 = 0;
    parameter [255:0] INIT_RAM_34 = 0;
    parameter [255:0] INIT_RAM_35 = 0;
    parameter [255:0] INIT_RAM_36 = 0;
    parameter [255:0] INIT_RAM_37 = 0;
    parameter [255:0] INIT_RAM_38 = 0;
    parameter [255:0] INIT_RAM_39 = 0;
    parameter [255:0] INIT_RAM_3A = 0;
    parameter [255:0] INIT_RAM_3B = 0;
    parameter [255:0] INIT_RAM_3C = 0;
    parameter [255:0] INIT_RAM_3D = 0;
    parameter [255:0] INIT_RAM_3E = 0;
    parameter [255:0] INIT_RAM_3F = 0;

    localparam [16383:0] BYTES = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };
    function [18431:0] in_units(input [16383:0] bytes);
        integer i;
        for (i = 0; i < 2048; i = i + 1) in_units[9*i+:9] = {1'b0, bytes[8*i+:8]};
    endfunction
    localparam [18431:0] CONTENTS = in_units(BYTES);

    wire [71:0] word_a, word_b;
    wire [7:0]  write_a = !WREA ? 8'd0 : BIT_WIDTH_0 == 16 ? {6'd0, ADA[1:0]} : 8'd1;
    wire [7:0]  write_b = !WREB ? 8'd0 : BIT_WIDTH_1 == 16 ? {6'd0, ADB[1:0]} : 8'd1;
    localparam integer WIDTH_A = BIT_WIDTH_0 < 8 ? BIT_WIDTH_0 : BIT_WIDTH_0 / 8 * 9;
    localparam integer WIDTH_B = BIT_WIDTH_1 < 8 ? BIT_WIDTH_1 : BIT_WIDTH_1 / 8 * 9;
    assign DOA = BIT_WIDTH_0 < 8 ? word_a[15:0] : {word_a[16:9], word_a[7:0]};
    assign DOB = BIT_WIDTH_1 < 8 ? word_b[15:0] : {word_b[16:9], word_b[7:0]};

    tr_sim_block_ram #(
        .UNIT_BITS(11), .A_READ_WIDTH(WIDTH_A), .A_WRITE_WIDTH(WIDTH_A), .A_MODE(WRITE_MODE0),
        .B_READ_WIDTH(WIDTH_B), .B_WRITE_WIDTH(WIDTH_B), .B_MODE(WRITE_MODE1), .CONTENTS(CONTENTS)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(RESETA), .a_write(write_a), .a_address(ADA), .a_in({55'd0, DIA[15:8], 1'b0, DIA[7:0]}), .a_out(word_a),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(write_b), .b_address(ADB), .b_in({55'd0, DIB[15:8], 1'b0, DIB[7:0]}), .b_out(word_b)
    );

    initial if (READ_MODE0 || READ_MODE1 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0)
        $fatal(1, "DPB: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && (RESETA || RESETB)) $fatal(1, "DPB: no model of the asynchronous reset");
endmodule

module DPX9B (
    output wire [17:0] DOA, DOB,
    input  wire [17:0] DIA, DIB,
    input  wire [2:0]  BLKSELA, BLKSELB,
    input  wire [13:0] ADA, ADB,
    input  wire        WREA, CLKA, CEA, OCEA, RESETA, WREB, CLKB, CEB, OCEB, RESETB
);
    parameter READ_MODE0 = 1'b0;
    parameter READ_MODE1 = 1'b0;
    parameter WRITE_MODE0 = 2'b00;
    parameter WRITE_MODE1 = 2'b00;
    parameter integer BIT_WIDTH_0 = 18;
    parameter integer BIT_WIDTH_1 = 18;
    parameter BLK_SEL_0 = 3'b000;
    parameter BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [287:0] INIT_RAM_00 = 0;
    parameter [287:0] INIT_RAM_01 = 0;
    parameter [287:0] INIT_RAM_02 = 0;
    parameter [287:0] INIT_RAM_03 = 0;
    parameter [287:0] INIT_RAM_04 = 0;
    parameter [287:0] INIT_RAM_05 = 0;
    parameter [287:0] INIT_RAM_06 = 0;
    parameter [287:0] INIT_RAM_07 = 0;
    parameter [287:0] INIT_RAM_08 = 0;
    parameter [287:0] INIT_RAM_09 = 0;
    parameter [287:0] INIT_RAM_0A = 0;
    parameter [287:0] INIT_RAM_0B = 0;
    parameter [287:0] INIT_RAM_0C = 0;
    parameter [287:0] INIT_RAM_0D = 0;
    parameter [287:0] INIT_RAM_0E = 0;
    parameter [287:0] INIT_RAM_0F = 0;
    parameter [287:0] INIT_RAM_10 = 0;
    parameter [287:0] INIT_RAM_11 = 0;
    parameter [287:0] INIT_RAM_12 = 0;
    parameter [287:0] INIT_RAM_13 = 0;
    parameter [287:0] INIT_RAM_14 = 0;
    parameter [287:0] INIT_RAM_15 = 0;
    parameter [287:0] INIT_RAM_16 = 0;
    parameter [287:0] INIT_RAM_17 = 0;
    parameter [287:0] INIT_RAM_18 = 0;
    parameter [287:0] INIT_RAM_19 = 0;
    parameter [287:0] INIT_RAM_1A = 0;
    parameter [287:0] INIT_RAM_1B = 0;
    parameter [287:0] INIT_RAM_1C = 0;
    parameter [287:0] INIT_RAM_1D = 0;
    parameter [287:0] INIT_RAM_1E = 0;
    parameter [287:0] INIT_RAM_1F = 0;
    parameter [287:0] INIT_RAM_20 = 0;
    parameter [287:0] INIT_RAM_21 = 0;
    parameter [287:0] INIT_RAM_22 = 0;
    parameter [287:0] INIT_RAM_23 = 0;
    parameter [287:0] INIT_RAM_24 = 0;
    parameter [287:0] INIT_RAM_25 = 0;
    parameter [287:0] INIT_RAM_26 = 0;
    parameter [287:0] INIT_RAM_27 = 0;
    parameter [287:0] INIT_RAM_28 = 0;
    parameter [287:0] INIT_RAM_29 = 0;
    parameter [287:0] INIT_RAM_2A = 0;
    parameter [287:0] INIT_RAM_2B = 0;
    parameter [287:0] INIT_RAM_2C = 0;
    parameter [287:0] INIT_RAM_2D = 0;
    parameter [287:0] INIT_RAM_2E = 0;
    parameter [287:0] INIT_RAM_2F = 0;
    parameter [287:0] INIT_RAM_30 = 0;
    parameter [287:0] INIT_RAM_31 = 0;
    parameter [287:0] INIT_RAM_32 = 0;
    parameter [287:0] INIT_RAM_33 = 0;
    parameter [287:0] INIT_RAM_34 = 0;
    parameter [287:0] INIT_RAM_35 = 0;
    parameter [287:0] INIT_RAM_36 = 0;
    parameter [287:0] INIT_RAM_37 = 0;
    parameter [287:0] INIT_RAM_38 = 0;
    parameter [287:0] INIT_RAM_39 = 0;
    parameter [287:0] INIT_RAM_3A = 0;
    parameter [287:0] INIT_RAM_3B = 0;
    parameter [287:0] INIT_RAM_3C = 0;
    parameter [287:0] INIT_RAM_3D = 0;
    parameter [287:0] INIT_RAM_3E = 0;
    parameter [287:0] INIT_RAM_3F = 0;

    localparam [18431:0] CONTENTS = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00
    };

    wire [71:0] word_a, word_b;
    wire [7:0]  write_a = !WREA ? 8'd0 : BIT_WIDTH_0 == 18 ? {6'd0, ADA[1:0]} : 8'd1;
    wire [7:0]  write_b = !WREB ? 8'd0 : BIT_WIDTH_1 == 18 ? {6'd0, ADB[1:0]} : 8'd1;
    localparam integer WIDTH_A = BIT_WIDTH_0;
    localparam integer WIDTH_B = BIT_WIDTH_1;
    assign DOA = word_a[17:0];
    assign DOB = word_b[17:0];

    tr_sim_block_ram #(
        .UNIT_BITS(11), .A_READ_WIDTH(WIDTH_A), .A_WRITE_WIDTH(WIDTH_A), .A_MODE(WRITE_MODE0),
        .B_READ_WIDTH(WIDTH_B), .B_WRITE_WIDTH(WIDTH_B), .B_MODE(WRITE_MODE1), .CONTENTS(CONTENTS)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(RESETA), .a_write(write_a), .a_address(ADA), .a_in({54'd0, DIA}), .a_out(word_a),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(write_b), .b_address(ADB), .b_in({54'd0, DIB}), .b_out(word_b)
    );

    initial if (READ_MODE0 || READ_MODE1 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0)
        $fatal(1, "DPX9B: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && (RESETA || RESETB)) $fatal(1, "DPX9B: no model of the asynchronous reset");
endmodule

`default_nettype wire
