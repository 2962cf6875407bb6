// SPDX-License-Identifier: Apache-2.0
//
// SP, SPX9, SDPB, SDPX9B, DPB, DPX9B: simulation models of the 18 kbit block RAM of Gowin, as yosys maps to it.
//
// One port; a port to write (A) beside one to read (B); two ports. A unit of nine bits is what a width of 9 moves; the
// cells without X9 have its lower eight bits alone. From 16 bits on, the low address bits are the byte enables. Output
// registers (READ_MODE), chip selects other than 0 and an asynchronous reset that rises stop the simulation.
`default_nettype none

// The contents: a row of BITS bits a parameter; and all rows, the first one lowest.
`define TR_GOWIN_INIT(BITS) \
    parameter [BITS-1:0] INIT_RAM_00 = 0; parameter [BITS-1:0] INIT_RAM_01 = 0; \
    parameter [BITS-1:0] INIT_RAM_02 = 0; parameter [BITS-1:0] INIT_RAM_03 = 0; \
    parameter [BITS-1:0] INIT_RAM_04 = 0; parameter [BITS-1:0] INIT_RAM_05 = 0; \
    parameter [BITS-1:0] INIT_RAM_06 = 0; parameter [BITS-1:0] INIT_RAM_07 = 0; \
    parameter [BITS-1:0] INIT_RAM_08 = 0; parameter [BITS-1:0] INIT_RAM_09 = 0; \
    parameter [BITS-1:0] INIT_RAM_0A = 0; parameter [BITS-1:0] INIT_RAM_0B = 0; \
    parameter [BITS-1:0] INIT_RAM_0C = 0; parameter [BITS-1:0] INIT_RAM_0D = 0; \
    parameter [BITS-1:0] INIT_RAM_0E = 0; parameter [BITS-1:0] INIT_RAM_0F = 0; \
    parameter [BITS-1:0] INIT_RAM_10 = 0; parameter [BITS-1:0] INIT_RAM_11 = 0; \
    parameter [BITS-1:0] INIT_RAM_12 = 0; parameter [BITS-1:0] INIT_RAM_13 = 0; \
    parameter [BITS-1:0] INIT_RAM_14 = 0; parameter [BITS-1:0] INIT_RAM_15 = 0; \
    parameter [BITS-1:0] INIT_RAM_16 = 0; parameter [BITS-1:0] INIT_RAM_17 = 0; \
    parameter [BITS-1:0] INIT_RAM_18 = 0; parameter [BITS-1:0] INIT_RAM_19 = 0; \
    parameter [BITS-1:0] INIT_RAM_1A = 0; parameter [BITS-1:0] INIT_RAM_1B = 0; \
    parameter [BITS-1:0] INIT_RAM_1C = 0; parameter [BITS-1:0] INIT_RAM_1D = 0; \
    parameter [BITS-1:0] INIT_RAM_1E = 0; parameter [BITS-1:0] INIT_RAM_1F = 0; \
    parameter [BITS-1:0] INIT_RAM_20 = 0; parameter [BITS-1:0] INIT_RAM_21 = 0; \
    parameter [BITS-1:0] INIT_RAM_22 = 0; parameter [BITS-1:0] INIT_RAM_23 = 0; \
    parameter [BITS-1:0] INIT_RAM_24 = 0; parameter [BITS-1:0] INIT_RAM_25 = 0; \
    parameter [BITS-1:0] INIT_RAM_26 = 0; parameter [BITS-1:0] INIT_RAM_27 = 0; \
    parameter [BITS-1:0] INIT_RAM_28 = 0; parameter [BITS-1:0] INIT_RAM_29 = 0; \
    parameter [BITS-1:0] INIT_RAM_2A = 0; parameter [BITS-1:0] INIT_RAM_2B = 0; \
    parameter [BITS-1:0] INIT_RAM_2C = 0; parameter [BITS-1:0] INIT_RAM_2D = 0; \
    parameter [BITS-1:0] INIT_RAM_2E = 0; parameter [BITS-1:0] INIT_RAM_2F = 0; \
    parameter [BITS-1:0] INIT_RAM_30 = 0; parameter [BITS-1:0] INIT_RAM_31 = 0; \
    parameter [BITS-1:0] INIT_RAM_32 = 0; parameter [BITS-1:0] INIT_RAM_33 = 0; \
    parameter [BITS-1:0] INIT_RAM_34 = 0; parameter [BITS-1:0] INIT_RAM_35 = 0; \
    parameter [BITS-1:0] INIT_RAM_36 = 0; parameter [BITS-1:0] INIT_RAM_37 = 0; \
    parameter [BITS-1:0] INIT_RAM_38 = 0; parameter [BITS-1:0] INIT_RAM_39 = 0; \
    parameter [BITS-1:0] INIT_RAM_3A = 0; parameter [BITS-1:0] INIT_RAM_3B = 0; \
    parameter [BITS-1:0] INIT_RAM_3C = 0; parameter [BITS-1:0] INIT_RAM_3D = 0; \
    parameter [BITS-1:0] INIT_RAM_3E = 0; parameter [BITS-1:0] INIT_RAM_3F = 0;
`define TR_GOWIN_ROWS { \
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00 \
    }

// All six cells: a port of width 0 is not there.
module tr_sim_gowin_bsram #(
    parameter integer NINE = 0, // 1: units of nine bits, 0: of eight
    parameter integer A_READ_WIDTH = 0,
    parameter integer A_WRITE_WIDTH = 0,
    parameter integer A_MODE = 0, // as in tr_sim_block_ram
    parameter integer B_READ_WIDTH = 0,
    parameter integer B_WRITE_WIDTH = 0,
    parameter integer B_MODE = 0,
    parameter [18431:0] ROWS = 0,
    parameter integer REGISTERED = 0, // not 0: what has no model is asked for
    parameter RESET_MODE = "SYNC"
) (
    input  wire        a_clk, a_enable, a_reset, a_write,
    input  wire [13:0] a_address,
    input  wire [35:0] a_in,
    output wire [35:0] a_out,
    input  wire        b_clk, b_enable, b_reset, b_write,
    input  wire [13:0] b_address,
    input  wire [35:0] b_in,
    output wire [35:0] b_out
);
    // The width of a port in bits of units, eight or nine each.
    function integer in_bits_of_units(input integer width);
        in_bits_of_units = NINE || width < 8 ? width : width / 8 * 9;
    endfunction

    function [7:0] enables(input integer width, input write, input [3:0] low);
        enables = !write ? 8'd0 : width >= 32 ? {4'd0, low} : width >= 16 ? {6'd0, low[1:0]} : 8'd1;
    endfunction

    function [71:0] to_units(input [35:0] word);
        to_units = NINE ? {36'd0, word}
                        : {37'd0, word[31:24], 1'b0, word[23:16], 1'b0, word[15:8], 1'b0, word[7:0]};
    endfunction

    function [35:0] of_units(input integer width, input [35:0] units);
        of_units = NINE || width < 8 ? units : {4'd0, units[34:27], units[25:18], units[16:9], units[7:0]};
    endfunction

    function [18431:0] contents(input [18431:0] rows);
        integer i;
        if (NINE) contents = rows;
        else for (i = 0; i < 2048; i = i + 1) contents[9*i+:9] = {1'b0, rows[8*i+:8]};
    endfunction

    wire [71:0] a_units, b_units;
    assign a_out = of_units(A_READ_WIDTH, a_units[35:0]);
    assign b_out = of_units(B_READ_WIDTH, b_units[35:0]);

    tr_sim_block_ram #(
        .UNIT_BITS(11),
        .A_READ_WIDTH(in_bits_of_units(A_READ_WIDTH)), .A_WRITE_WIDTH(in_bits_of_units(A_WRITE_WIDTH)), .A_MODE(A_MODE),
        .B_READ_WIDTH(in_bits_of_units(B_READ_WIDTH)), .B_WRITE_WIDTH(in_bits_of_units(B_WRITE_WIDTH)), .B_MODE(B_MODE),
        .CONTENTS(contents(ROWS))
    ) ram (
        .a_clk(a_clk), .a_enable(a_enable), .a_reset(a_reset), .a_write(enables(A_WRITE_WIDTH, a_write, a_address[3:0])),
        .a_address(a_address), .a_in(to_units(a_in)), .a_out(a_units),
        .b_clk(b_clk), .b_enable(b_enable), .b_reset(b_reset), .b_write(enables(B_WRITE_WIDTH, b_write, b_address[3:0])),
        .b_address(b_address), .b_in(to_units(b_in)), .b_out(b_units)
    );

    initial if (REGISTERED != 0) $fatal(1, "Gowin block RAM: no model of output registers and chip selects");
    always @* if (RESET_MODE != "SYNC" && (a_reset || b_reset)) $fatal(1, "Gowin block RAM: no model of the asynchronous reset");
endmodule

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
    `TR_GOWIN_INIT(256)

    wire [35:0] word;
    assign DO = word[31:0];
    tr_sim_gowin_bsram #(
        .NINE(0), .A_READ_WIDTH(BIT_WIDTH), .A_WRITE_WIDTH(BIT_WIDTH), .A_MODE(WRITE_MODE), .ROWS(`TR_GOWIN_ROWS),
        .REGISTERED(READ_MODE || BLK_SEL != 0), .RESET_MODE(RESET_MODE)
    ) ram (
        .a_clk(CLK), .a_enable(CE), .a_reset(RESET), .a_write(WRE), .a_address(AD), .a_in({4'd0, DI}), .a_out(word),
        .b_clk(1'b0), .b_enable(1'b0), .b_reset(1'b0), .b_write(1'b0), .b_address(14'd0), .b_in(36'd0), .b_out()
    );
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
    `TR_GOWIN_INIT(288)

    wire [35:0] word;
    assign DO = word[35:0];
    tr_sim_gowin_bsram #(
        .NINE(1), .A_READ_WIDTH(BIT_WIDTH), .A_WRITE_WIDTH(BIT_WIDTH), .A_MODE(WRITE_MODE), .ROWS(`TR_GOWIN_ROWS),
        .REGISTERED(READ_MODE || BLK_SEL != 0), .RESET_MODE(RESET_MODE)
    ) ram (
        .a_clk(CLK), .a_enable(CE), .a_reset(RESET), .a_write(WRE), .a_address(AD), .a_in(DI), .a_out(word),
        .b_clk(1'b0), .b_enable(1'b0), .b_reset(1'b0), .b_write(1'b0), .b_address(14'd0), .b_in(36'd0), .b_out()
    );
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
    `TR_GOWIN_INIT(256)

    wire [35:0] word;
    assign DO = word[31:0];
    tr_sim_gowin_bsram #(
        .NINE(0), .A_WRITE_WIDTH(BIT_WIDTH_0), .B_READ_WIDTH(BIT_WIDTH_1), .ROWS(`TR_GOWIN_ROWS),
        .REGISTERED(READ_MODE || BLK_SEL_0 != 0 || BLK_SEL_1 != 0), .RESET_MODE(RESET_MODE)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(1'b0), .a_write(1'b1), .a_address(ADA), .a_in({4'd0, DI}), .a_out(),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(1'b0), .b_address(ADB), .b_in(36'd0), .b_out(word)
    );
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
    `TR_GOWIN_INIT(288)

    wire [35:0] word;
    assign DO = word[35:0];
    tr_sim_gowin_bsram #(
        .NINE(1), .A_WRITE_WIDTH(BIT_WIDTH_0), .B_READ_WIDTH(BIT_WIDTH_1), .ROWS(`TR_GOWIN_ROWS),
        .REGISTERED(READ_MODE || BLK_SEL_0 != 0 || BLK_SEL_1 != 0), .RESET_MODE(RESET_MODE)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(1'b0), .a_write(1'b1), .a_address(ADA), .a_in(DI), .a_out(),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(1'b0), .b_address(ADB), .b_in(36'd0), .b_out(word)
    );
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
    `TR_GOWIN_INIT(256)

    wire [35:0] word_a, word_b;
    assign DOA = word_a[15:0];
    assign DOB = word_b[15:0];
    tr_sim_gowin_bsram #(
        .NINE(0), .A_READ_WIDTH(BIT_WIDTH_0), .A_WRITE_WIDTH(BIT_WIDTH_0), .A_MODE(WRITE_MODE0),
        .B_READ_WIDTH(BIT_WIDTH_1), .B_WRITE_WIDTH(BIT_WIDTH_1), .B_MODE(WRITE_MODE1), .ROWS(`TR_GOWIN_ROWS),
        .REGISTERED(READ_MODE0 || READ_MODE1 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0), .RESET_MODE(RESET_MODE)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(RESETA), .a_write(WREA), .a_address(ADA), .a_in({20'd0, DIA}), .a_out(word_a),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(WREB), .b_address(ADB), .b_in({20'd0, DIB}), .b_out(word_b)
    );
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
    `TR_GOWIN_INIT(288)

    wire [35:0] word_a, word_b;
    assign DOA = word_a[17:0];
    assign DOB = word_b[17:0];
    tr_sim_gowin_bsram #(
        .NINE(1), .A_READ_WIDTH(BIT_WIDTH_0), .A_WRITE_WIDTH(BIT_WIDTH_0), .A_MODE(WRITE_MODE0),
        .B_READ_WIDTH(BIT_WIDTH_1), .B_WRITE_WIDTH(BIT_WIDTH_1), .B_MODE(WRITE_MODE1), .ROWS(`TR_GOWIN_ROWS),
        .REGISTERED(READ_MODE0 || READ_MODE1 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0), .RESET_MODE(RESET_MODE)
    ) ram (
        .a_clk(CLKA), .a_enable(CEA), .a_reset(RESETA), .a_write(WREA), .a_address(ADA), .a_in({18'd0, DIA}), .a_out(word_a),
        .b_clk(CLKB), .b_enable(CEB), .b_reset(RESETB), .b_write(WREB), .b_address(ADB), .b_in({18'd0, DIB}), .b_out(word_b)
    );
endmodule

`undef TR_GOWIN_INIT
`undef TR_GOWIN_ROWS
`default_nettype wire
