// SPDX-License-Identifier: Apache-2.0
//
// RAMB18E1, RAMB36E1, RAMB18E2, RAMB36E2: simulation models of the block RAMs of Xilinx 7 series and UltraScale+,
// as yosys maps to them (UG473, UG573): both ports true dual port, or read by A and written by B at twice the width.
//
// Output registers and cascades are not what yosys writes: they stop the simulation.
`default_nettype none

module RAMB18E1 (
    input wire CLKARDCLK,
    input wire CLKBWRCLK,
    input wire ENARDEN,
    input wire ENBWREN,
    input wire REGCEAREGCE,
    input wire REGCEB,
    input wire RSTRAMARSTRAM,
    input wire RSTRAMB,
    input wire RSTREGARSTREG,
    input wire RSTREGB,
    input wire [13:0] ADDRARDADDR,
    input wire [13:0] ADDRBWRADDR,
    input wire [15:0] DIADI,
    input wire [15:0] DIBDI,
    input wire [1:0] DIPADIP,
    input wire [1:0] DIPBDIP,
    input wire [1:0] WEA,
    input wire [3:0] WEBWE,
    output wire [15:0] DOADO,
    output wire [15:0] DOBDO,
    output wire [1:0] DOPADOP,
    output wire [1:0] DOPBDOP
);
    parameter integer READ_WIDTH_A = 0;
    parameter integer WRITE_WIDTH_A = 0;
    parameter WRITE_MODE_A = "WRITE_FIRST";
    parameter integer DOA_REG = 0;
    parameter [17:0] INIT_A = 0;
    parameter [17:0] SRVAL_A = 0;
    parameter RSTREG_PRIORITY_A = "RSTREG";
    parameter integer READ_WIDTH_B = 0;
    parameter integer WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_B = "WRITE_FIRST";
    parameter integer DOB_REG = 0;
    parameter [17:0] INIT_B = 0;
    parameter [17:0] SRVAL_B = 0;
    parameter RSTREG_PRIORITY_B = "RSTREG";
    parameter RAM_MODE = "TDP";
    parameter RDADDR_COLLISION_HWCONFIG = "DELAYED_WRITE";
    parameter SIM_DEVICE = "VIRTEX6";
    parameter SIM_COLLISION_CHECK = "ALL";
    parameter INIT_FILE = "NONE";
    parameter IS_CLKARDCLK_INVERTED = 1'b0;
    parameter IS_CLKBWRCLK_INVERTED = 1'b0;
    parameter IS_ENARDEN_INVERTED = 1'b0;
    parameter IS_ENBWREN_INVERTED = 1'b0;
    parameter IS_RSTRAMARSTRAM_INVERTED = 1'b0;
    parameter IS_RSTRAMB_INVERTED = 1'b0;
    parameter IS_RSTREGARSTREG_INVERTED = 1'b0;
    parameter IS_RSTREGB_INVERTED = 1'b0;
    parameter [255:0] INIT_00 = 256'h0;
    parameter [255:0] INIT_01 = 256'h0;
    parameter [255:0] INIT_02 = 256'h0;
    parameter [255:0] INIT_03 = 256'h0;
    parameter [255:0] INIT_04 = 256'h0;
    parameter [255:0] INIT_05 = 256'h0;
    parameter [255:0] INIT_06 = 256'h0;
    parameter [255:0] INIT_07 = 256'h0;
    parameter [255:0] INIT_08 = 256'h0;
    parameter [255:0] INIT_09 = 256'h0;
    parameter [255:0] INIT_0A = 256'h0;
    parameter [255:0] INIT_0B = 256'h0;
    parameter [255:0] INIT_0C = 256'h0;
    parameter [255:0] INIT_0D = 256'h0;
    parameter [255:0] INIT_0E = 256'h0;
    parameter [255:0] INIT_0F = 256'h0;
    parameter [255:0] INIT_10 = 256'h0;
    parameter [255:0] INIT_11 = 256'h0;
    parameter [255:0] INIT_12 = 256'h0;
    parameter [255:0] INIT_13 = 256'h0;
    parameter [255:0] INIT_14 = 256'h0;
    parameter [255:0] INIT_15 = 256'h0;
    parameter [255:0] INIT_16 = 256'h0;
    parameter [255:0] INIT_17 = 256'h0;
    parameter [255:0] INIT_18 = 256'h0;
    parameter [255:0] INIT_19 = 256'h0;
    parameter [255:0] INIT_1A = 256'h0;
    parameter [255:0] INIT_1B = 256'h0;
    parameter [255:0] INIT_1C = 256'h0;
    parameter [255:0] INIT_1D = 256'h0;
    parameter [255:0] INIT_1E = 256'h0;
    parameter [255:0] INIT_1F = 256'h0;
    parameter [255:0] INIT_20 = 256'h0;
    parameter [255:0] INIT_21 = 256'h0;
    parameter [255:0] INIT_22 = 256'h0;
    parameter [255:0] INIT_23 = 256'h0;
    parameter [255:0] INIT_24 = 256'h0;
    parameter [255:0] INIT_25 = 256'h0;
    parameter [255:0] INIT_26 = 256'h0;
    parameter [255:0] INIT_27 = 256'h0;
    parameter [255:0] INIT_28 = 256'h0;
    parameter [255:0] INIT_29 = 256'h0;
    parameter [255:0] INIT_2A = 256'h0;
    parameter [255:0] INIT_2B = 256'h0;
    parameter [255:0] INIT_2C = 256'h0;
    parameter [255:0] INIT_2D = 256'h0;
    parameter [255:0] INIT_2E = 256'h0;
    parameter [255:0] INIT_2F = 256'h0;
    parameter [255:0] INIT_30 = 256'h0;
    parameter [255:0] INIT_31 = 256'h0;
    parameter [255:0] INIT_32 = 256'h0;
    parameter [255:0] INIT_33 = 256'h0;
    parameter [255:0] INIT_34 = 256'h0;
    parameter [255:0] INIT_35 = 256'h0;
    parameter [255:0] INIT_36 = 256'h0;
    parameter [255:0] INIT_37 = 256'h0;
    parameter [255:0] INIT_38 = 256'h0;
    parameter [255:0] INIT_39 = 256'h0;
    parameter [255:0] INIT_3A = 256'h0;
    parameter [255:0] INIT_3B = 256'h0;
    parameter [255:0] INIT_3C = 256'h0;
    parameter [255:0] INIT_3D = 256'h0;
    parameter [255:0] INIT_3E = 256'h0;
    parameter [255:0] INIT_3F = 256'h0;
    parameter [255:0] INITP_00 = 256'h0;
    parameter [255:0] INITP_01 = 256'h0;
    parameter [255:0] INITP_02 = 256'h0;
    parameter [255:0] INITP_03 = 256'h0;
    parameter [255:0] INITP_04 = 256'h0;
    parameter [255:0] INITP_05 = 256'h0;
    parameter [255:0] INITP_06 = 256'h0;
    parameter [255:0] INITP_07 = 256'h0;

    localparam [16383:0] DATA = {
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35,
        INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A,
        INIT_29, INIT_28, INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F,
        INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14,
        INIT_13, INIT_12, INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09,
        INIT_08, INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    };
    localparam [2047:0] PARITY = {
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    };
    function [18431:0] contents(input [16383:0] data, input [2047:0] parity);
        integer i;
        for (i = 0; i < 2048; i = i + 1) contents[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction

    // 2 bytes of data and their parity bits to units of nine bits, and back.
    function [17:0] joined(input [1:0] parity, input [15:0] data);
        integer i;
        for (i = 0; i < 2; i = i + 1) joined[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction
    function [17:0] parted(input [17:0] units);
        integer i;
        for (i = 0; i < 2; i = i + 1) begin
            parted[8*i+:8] = units[9*i+:8];
            parted[16+i]  = units[9*i+8];
        end
    endfunction

    localparam WIDE_READ  = READ_WIDTH_A == 36;
    localparam WIDE_WRITE = WRITE_WIDTH_B == 36;

    wire [71:0]  out_a, out_b;
    wire [17:0] in_a = joined(DIPADIP, DIADI);
    wire [17:0] in_b = joined(DIPBDIP, DIBDI);
    wire [17:0] low  = parted(out_a[17:0]);
    wire [17:0] high = parted(WIDE_READ ? out_a[35:18] : out_b[17:0]);

    tr_sim_block_ram #(
        .UNIT_BITS(11),
        .A_READ_WIDTH(READ_WIDTH_A),
        .A_WRITE_WIDTH(WRITE_WIDTH_A),
        .A_MODE(WRITE_MODE_A == "WRITE_FIRST" ? 1 : WRITE_MODE_A == "READ_FIRST" ? 2 : 0),
        .A_INITIAL({WIDE_READ ? joined(INIT_B[17:16], INIT_B[15:0]) : 18'd0, joined(INIT_A[17:16], INIT_A[15:0])}),
        .A_RESET({WIDE_READ ? joined(SRVAL_B[17:16], SRVAL_B[15:0]) : 18'd0, joined(SRVAL_A[17:16], SRVAL_A[15:0])}),
        .B_READ_WIDTH(READ_WIDTH_B),
        .B_WRITE_WIDTH(WRITE_WIDTH_B),
        .B_MODE(WRITE_MODE_B == "WRITE_FIRST" ? 1 : WRITE_MODE_B == "READ_FIRST" ? 2 : 0),
        .B_INITIAL({18'd0, joined(INIT_B[17:16], INIT_B[15:0])}),
        .B_RESET({18'd0, joined(SRVAL_B[17:16], SRVAL_B[15:0])}),
        .CONTENTS(contents(DATA, PARITY))
    ) ram (
        .a_clk(CLKARDCLK ^ IS_CLKARDCLK_INVERTED),
        .a_enable(ENARDEN ^ IS_ENARDEN_INVERTED),
        .a_reset(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED),
        .a_write(WEA),
        .a_address(ADDRARDADDR[13:0]),
        .a_in(in_a),
        .a_out(out_a),
        .b_clk(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED),
        .b_enable(ENBWREN ^ IS_ENBWREN_INVERTED),
        .b_reset(RSTRAMB ^ IS_RSTRAMB_INVERTED),
        .b_write(WEBWE),
        .b_address(ADDRBWRADDR[13:0]),
        .b_in(WIDE_WRITE ? {in_b, in_a} : in_b),
        .b_out(out_b)
    );

    assign {DOPADOP, DOADO} = low;
    assign {DOPBDOP, DOBDO} = high;

    initial begin
        if ((READ_WIDTH_A != 0 && DOA_REG != 0) || (READ_WIDTH_B != 0 && DOB_REG != 0))
            $fatal(1, "RAMB18E1: no model of output registers");
    end
endmodule

module RAMB36E1 (
    input wire CLKARDCLK,
    input wire CLKBWRCLK,
    input wire ENARDEN,
    input wire ENBWREN,
    input wire REGCEAREGCE,
    input wire REGCEB,
    input wire RSTRAMARSTRAM,
    input wire RSTRAMB,
    input wire RSTREGARSTREG,
    input wire RSTREGB,
    input wire [15:0] ADDRARDADDR,
    input wire [15:0] ADDRBWRADDR,
    input wire [31:0] DIADI,
    input wire [31:0] DIBDI,
    input wire [3:0] DIPADIP,
    input wire [3:0] DIPBDIP,
    input wire [3:0] WEA,
    input wire [7:0] WEBWE,
    input wire CASCADEINA,
    input wire CASCADEINB,
    output wire CASCADEOUTA,
    output wire CASCADEOUTB,
    output wire [31:0] DOADO,
    output wire [31:0] DOBDO,
    output wire [3:0] DOPADOP,
    output wire [3:0] DOPBDOP
);
    parameter integer READ_WIDTH_A = 0;
    parameter integer WRITE_WIDTH_A = 0;
    parameter WRITE_MODE_A = "WRITE_FIRST";
    parameter integer DOA_REG = 0;
    parameter [35:0] INIT_A = 0;
    parameter [35:0] SRVAL_A = 0;
    parameter RSTREG_PRIORITY_A = "RSTREG";
    parameter RAM_EXTENSION_A = "NONE";
    parameter integer READ_WIDTH_B = 0;
    parameter integer WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_B = "WRITE_FIRST";
    parameter integer DOB_REG = 0;
    parameter [35:0] INIT_B = 0;
    parameter [35:0] SRVAL_B = 0;
    parameter RSTREG_PRIORITY_B = "RSTREG";
    parameter RAM_EXTENSION_B = "NONE";
    parameter RAM_MODE = "TDP";
    parameter RDADDR_COLLISION_HWCONFIG = "DELAYED_WRITE";
    parameter SIM_DEVICE = "VIRTEX6";
    parameter SIM_COLLISION_CHECK = "ALL";
    parameter INIT_FILE = "NONE";
    parameter EN_ECC_READ = "FALSE";
    parameter EN_ECC_WRITE = "FALSE";
    parameter IS_CLKARDCLK_INVERTED = 1'b0;
    parameter IS_CLKBWRCLK_INVERTED = 1'b0;
    parameter IS_ENARDEN_INVERTED = 1'b0;
    parameter IS_ENBWREN_INVERTED = 1'b0;
    parameter IS_RSTRAMARSTRAM_INVERTED = 1'b0;
    parameter IS_RSTRAMB_INVERTED = 1'b0;
    parameter IS_RSTREGARSTREG_INVERTED = 1'b0;
    parameter IS_RSTREGB_INVERTED = 1'b0;
    parameter [255:0] INIT_00 = 256'h0;
    parameter [255:0] INIT_01 = 256'h0;
    parameter [255:0] INIT_02 = 256'h0;
    parameter [255:0] INIT_03 = 256'h0;
    parameter [255:0] INIT_04 = 256'h0;
    parameter [255:0] INIT_05 = 256'h0;
    parameter [255:0] INIT_06 = 256'h0;
    parameter [255:0] INIT_07 = 256'h0;
    parameter [255:0] INIT_08 = 256'h0;
    parameter [255:0] INIT_09 = 256'h0;
    parameter [255:0] INIT_0A = 256'h0;
    parameter [255:0] INIT_0B = 256'h0;
    parameter [255:0] INIT_0C = 256'h0;
    parameter [255:0] INIT_0D = 256'h0;
    parameter [255:0] INIT_0E = 256'h0;
    parameter [255:0] INIT_0F = 256'h0;
    parameter [255:0] INIT_10 = 256'h0;
    parameter [255:0] INIT_11 = 256'h0;
    parameter [255:0] INIT_12 = 256'h0;
    parameter [255:0] INIT_13 = 256'h0;
    parameter [255:0] INIT_14 = 256'h0;
    parameter [255:0] INIT_15 = 256'h0;
    parameter [255:0] INIT_16 = 256'h0;
    parameter [255:0] INIT_17 = 256'h0;
    parameter [255:0] INIT_18 = 256'h0;
    parameter [255:0] INIT_19 = 256'h0;
    parameter [255:0] INIT_1A = 256'h0;
    parameter [255:0] INIT_1B = 256'h0;
    parameter [255:0] INIT_1C = 256'h0;
    parameter [255:0] INIT_1D = 256'h0;
    parameter [255:0] INIT_1E = 256'h0;
    parameter [255:0] INIT_1F = 256'h0;
    parameter [255:0] INIT_20 = 256'h0;
    parameter [255:0] INIT_21 = 256'h0;
    parameter [255:0] INIT_22 = 256'h0;
    parameter [255:0] INIT_23 = 256'h0;
    parameter [255:0] INIT_24 = 256'h0;
    parameter [255:0] INIT_25 = 256'h0;
    parameter [255:0] INIT_26 = 256'h0;
    parameter [255:0] INIT_27 = 256'h0;
    parameter [255:0] INIT_28 = 256'h0;
    parameter [255:0] INIT_29 = 256'h0;
    parameter [255:0] INIT_2A = 256'h0;
    parameter [255:0] INIT_2B = 256'h0;
    parameter [255:0] INIT_2C = 256'h0;
    parameter [255:0] INIT_2D = 256'h0;
    parameter [255:0] INIT_2E = 256'h0;
    parameter [255:0] INIT_2F = 256'h0;
    parameter [255:0] INIT_30 = 256'h0;
    parameter [255:0] INIT_31 = 256'h0;
    parameter [255:0] INIT_32 = 256'h0;
    parameter [255:0] INIT_33 = 256'h0;
    parameter [255:0] INIT_34 = 256'h0;
    parameter [255:0] INIT_35 = 256'h0;
    parameter [255:0] INIT_36 = 256'h0;
    parameter [255:0] INIT_37 = 256'h0;
    parameter [255:0] INIT_38 = 256'h0;
    parameter [255:0] INIT_39 = 256'h0;
    parameter [255:0] INIT_3A = 256'h0;
    parameter [255:0] INIT_3B = 256'h0;
    parameter [255:0] INIT_3C = 256'h0;
    parameter [255:0] INIT_3D = 256'h0;
    parameter [255:0] INIT_3E = 256'h0;
    parameter [255:0] INIT_3F = 256'h0;
    parameter [255:0] INIT_40 = 256'h0;
    parameter [255:0] INIT_41 = 256'h0;
    parameter [255:0] INIT_42 = 256'h0;
    parameter [255:0] INIT_43 = 256'h0;
    parameter [255:0] INIT_44 = 256'h0;
    parameter [255:0] INIT_45 = 256'h0;
    parameter [255:0] INIT_46 = 256'h0;
    parameter [255:0] INIT_47 = 256'h0;
    parameter [255:0] INIT_48 = 256'h0;
    parameter [255:0] INIT_49 = 256'h0;
    parameter [255:0] INIT_4A = 256'h0;
    parameter [255:0] INIT_4B = 256'h0;
    parameter [255:0] INIT_4C = 256'h0;
    parameter [255:0] INIT_4D = 256'h0;
    parameter [255:0] INIT_4E = 256'h0;
    parameter [255:0] INIT_4F = 256'h0;
    parameter [255:0] INIT_50 = 256'h0;
    parameter [255:0] INIT_51 = 256'h0;
    parameter [255:0] INIT_52 = 256'h0;
    parameter [255:0] INIT_53 = 256'h0;
    parameter [255:0] INIT_54 = 256'h0;
    parameter [255:0] INIT_55 = 256'h0;
    parameter [255:0] INIT_56 = 256'h0;
    parameter [255:0] INIT_57 = 256'h0;
    parameter [255:0] INIT_58 = 256'h0;
    parameter [255:0] INIT_59 = 256'h0;
    parameter [255:0] INIT_5A = 256'h0;
    parameter [255:0] INIT_5B = 256'h0;
    parameter [255:0] INIT_5C = 256'h0;
    parameter [255:0] INIT_5D = 256'h0;
    parameter [255:0] INIT_5E = 256'h0;
    parameter [255:0] INIT_5F = 256'h0;
    parameter [255:0] INIT_60 = 256'h0;
    parameter [255:0] INIT_61 = 256'h0;
    parameter [255:0] INIT_62 = 256'h0;
    parameter [255:0] INIT_63 = 256'h0;
    parameter [255:0] INIT_64 = 256'h0;
    parameter [255:0] INIT_65 = 256'h0;
    parameter [255:0] INIT_66 = 256'h0;
    parameter [255:0] INIT_67 = 256'h0;
    parameter [255:0] INIT_68 = 256'h0;
    parameter [255:0] INIT_69 = 256'h0;
    parameter [255:0] INIT_6A = 256'h0;
    parameter [255:0] INIT_6B = 256'h0;
    parameter [255:0] INIT_6C = 256'h0;
    parameter [255:0] INIT_6D = 256'h0;
    parameter [255:0] INIT_6E = 256'h0;
    parameter [255:0] INIT_6F = 256'h0;
    parameter [255:0] INIT_70 = 256'h0;
    parameter [255:0] INIT_71 = 256'h0;
    parameter [255:0] INIT_72 = 256'h0;
    parameter [255:0] INIT_73 = 256'h0;
    parameter [255:0] INIT_74 = 256'h0;
    parameter [255:0] INIT_75 = 256'h0;
    parameter [255:0] INIT_76 = 256'h0;
    parameter [255:0] INIT_77 = 256'h0;
    parameter [255:0] INIT_78 = 256'h0;
    parameter [255:0] INIT_79 = 256'h0;
    parameter [255:0] INIT_7A = 256'h0;
    parameter [255:0] INIT_7B = 256'h0;
    parameter [255:0] INIT_7C = 256'h0;
    parameter [255:0] INIT_7D = 256'h0;
    parameter [255:0] INIT_7E = 256'h0;
    parameter [255:0] INIT_7F = 256'h0;
    parameter [255:0] INITP_00 = 256'h0;
    parameter [255:0] INITP_01 = 256'h0;
    parameter [255:0] INITP_02 = 256'h0;
    parameter [255:0] INITP_03 = 256'h0;
    parameter [255:0] INITP_04 = 256'h0;
    parameter [255:0] INITP_05 = 256'h0;
    parameter [255:0] INITP_06 = 256'h0;
    parameter [255:0] INITP_07 = 256'h0;
    parameter [255:0] INITP_08 = 256'h0;
    parameter [255:0] INITP_09 = 256'h0;
    parameter [255:0] INITP_0A = 256'h0;
    parameter [255:0] INITP_0B = 256'h0;
    parameter [255:0] INITP_0C = 256'h0;
    parameter [255:0] INITP_0D = 256'h0;
    parameter [255:0] INITP_0E = 256'h0;
    parameter [255:0] INITP_0F = 256'h0;

    localparam [32767:0] DATA = {
        INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76, INIT_75,
        INIT_74, INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A,
        INIT_69, INIT_68, INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60, INIT_5F,
        INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58, INIT_57, INIT_56, INIT_55, INIT_54,
        INIT_53, INIT_52, INIT_51, INIT_50, INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49,
        INIT_48, INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40, INIT_3F, INIT_3E,
        INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34, INIT_33,
        INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D,
        INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12,
        INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07,
        INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    };
    localparam [4095:0] PARITY = {
        INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, INITP_07, INITP_06,
        INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    };
    function [36863:0] contents(input [32767:0] data, input [4095:0] parity);
        integer i;
        for (i = 0; i < 4096; i = i + 1) contents[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction

    // 4 bytes of data and their parity bits to units of nine bits, and back.
    function [35:0] joined(input [3:0] parity, input [31:0] data);
        integer i;
        for (i = 0; i < 4; i = i + 1) joined[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction
    function [35:0] parted(input [35:0] units);
        integer i;
        for (i = 0; i < 4; i = i + 1) begin
            parted[8*i+:8] = units[9*i+:8];
            parted[32+i]  = units[9*i+8];
        end
    endfunction

    localparam WIDE_READ  = READ_WIDTH_A == 72;
    localparam WIDE_WRITE = WRITE_WIDTH_B == 72;

    wire [71:0]  out_a, out_b;
    wire [35:0] in_a = joined(DIPADIP, DIADI);
    wire [35:0] in_b = joined(DIPBDIP, DIBDI);
    wire [35:0] low  = parted(out_a[35:0]);
    wire [35:0] high = parted(WIDE_READ ? out_a[71:36] : out_b[35:0]);

    tr_sim_block_ram #(
        .UNIT_BITS(12),
        .A_READ_WIDTH(READ_WIDTH_A),
        .A_WRITE_WIDTH(WRITE_WIDTH_A),
        .A_MODE(WRITE_MODE_A == "WRITE_FIRST" ? 1 : WRITE_MODE_A == "READ_FIRST" ? 2 : 0),
        .A_INITIAL({WIDE_READ ? joined(INIT_B[35:32], INIT_B[31:0]) : 36'd0, joined(INIT_A[35:32], INIT_A[31:0])}),
        .A_RESET({WIDE_READ ? joined(SRVAL_B[35:32], SRVAL_B[31:0]) : 36'd0, joined(SRVAL_A[35:32], SRVAL_A[31:0])}),
        .B_READ_WIDTH(READ_WIDTH_B),
        .B_WRITE_WIDTH(WRITE_WIDTH_B),
        .B_MODE(WRITE_MODE_B == "WRITE_FIRST" ? 1 : WRITE_MODE_B == "READ_FIRST" ? 2 : 0),
        .B_INITIAL({36'd0, joined(INIT_B[35:32], INIT_B[31:0])}),
        .B_RESET({36'd0, joined(SRVAL_B[35:32], SRVAL_B[31:0])}),
        .CONTENTS(contents(DATA, PARITY))
    ) ram (
        .a_clk(CLKARDCLK ^ IS_CLKARDCLK_INVERTED),
        .a_enable(ENARDEN ^ IS_ENARDEN_INVERTED),
        .a_reset(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED),
        .a_write(WEA),
        .a_address(ADDRARDADDR[14:0]),
        .a_in(in_a),
        .a_out(out_a),
        .b_clk(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED),
        .b_enable(ENBWREN ^ IS_ENBWREN_INVERTED),
        .b_reset(RSTRAMB ^ IS_RSTRAMB_INVERTED),
        .b_write(WEBWE),
        .b_address(ADDRBWRADDR[14:0]),
        .b_in(WIDE_WRITE ? {in_b, in_a} : in_b),
        .b_out(out_b)
    );

    assign {DOPADOP, DOADO} = low;
    assign {DOPBDOP, DOBDO} = high;

    initial begin
        if ((READ_WIDTH_A != 0 && DOA_REG != 0) || (READ_WIDTH_B != 0 && DOB_REG != 0))
            $fatal(1, "RAMB36E1: no model of output registers");
        if (RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE") $fatal(1, "RAMB36E1: no model of cascades");
    end
endmodule

module RAMB18E2 (
    input wire CLKARDCLK,
    input wire CLKBWRCLK,
    input wire ENARDEN,
    input wire ENBWREN,
    input wire REGCEAREGCE,
    input wire REGCEB,
    input wire RSTRAMARSTRAM,
    input wire RSTRAMB,
    input wire RSTREGARSTREG,
    input wire RSTREGB,
    input wire [13:0] ADDRARDADDR,
    input wire [13:0] ADDRBWRADDR,
    input wire [15:0] DINADIN,
    input wire [15:0] DINBDIN,
    input wire [1:0] DINPADINP,
    input wire [1:0] DINPBDINP,
    input wire [1:0] WEA,
    input wire [3:0] WEBWE,
    input wire ADDRENA,
    input wire ADDRENB,
    input wire SLEEP,
    output wire [15:0] DOUTADOUT,
    output wire [15:0] DOUTBDOUT,
    output wire [1:0] DOUTPADOUTP,
    output wire [1:0] DOUTPBDOUTP
);
    parameter integer READ_WIDTH_A = 0;
    parameter integer WRITE_WIDTH_A = 0;
    parameter WRITE_MODE_A = "NO_CHANGE";
    parameter integer DOA_REG = 1;
    parameter [17:0] INIT_A = 0;
    parameter [17:0] SRVAL_A = 0;
    parameter RSTREG_PRIORITY_A = "RSTREG";
    parameter CASCADE_ORDER_A = "NONE";
    parameter integer READ_WIDTH_B = 0;
    parameter integer WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_B = "NO_CHANGE";
    parameter integer DOB_REG = 1;
    parameter [17:0] INIT_B = 0;
    parameter [17:0] SRVAL_B = 0;
    parameter RSTREG_PRIORITY_B = "RSTREG";
    parameter CASCADE_ORDER_B = "NONE";
    parameter SIM_COLLISION_CHECK = "ALL";
    parameter INIT_FILE = "NONE";
    parameter CLOCK_DOMAINS = "INDEPENDENT";
    parameter IS_CLKARDCLK_INVERTED = 1'b0;
    parameter IS_CLKBWRCLK_INVERTED = 1'b0;
    parameter IS_ENARDEN_INVERTED = 1'b0;
    parameter IS_ENBWREN_INVERTED = 1'b0;
    parameter IS_RSTRAMARSTRAM_INVERTED = 1'b0;
    parameter IS_RSTRAMB_INVERTED = 1'b0;
    parameter IS_RSTREGARSTREG_INVERTED = 1'b0;
    parameter IS_RSTREGB_INVERTED = 1'b0;
    parameter [255:0] INIT_00 = 256'h0;
    parameter [255:0] INIT_01 = 256'h0;
    parameter [255:0] INIT_02 = 256'h0;
    parameter [255:0] INIT_03 = 256'h0;
    parameter [255:0] INIT_04 = 256'h0;
    parameter [255:0] INIT_05 = 256'h0;
    parameter [255:0] INIT_06 = 256'h0;
    parameter [255:0] INIT_07 = 256'h0;
    parameter [255:0] INIT_08 = 256'h0;
    parameter [255:0] INIT_09 = 256'h0;
    parameter [255:0] INIT_0A = 256'h0;
    parameter [255:0] INIT_0B = 256'h0;
    parameter [255:0] INIT_0C = 256'h0;
    parameter [255:0] INIT_0D = 256'h0;
    parameter [255:0] INIT_0E = 256'h0;
    parameter [255:0] INIT_0F = 256'h0;
    parameter [255:0] INIT_10 = 256'h0;
    parameter [255:0] INIT_11 = 256'h0;
    parameter [255:0] INIT_12 = 256'h0;
    parameter [255:0] INIT_13 = 256'h0;
    parameter [255:0] INIT_14 = 256'h0;
    parameter [255:0] INIT_15 = 256'h0;
    parameter [255:0] INIT_16 = 256'h0;
    parameter [255:0] INIT_17 = 256'h0;
    parameter [255:0] INIT_18 = 256'h0;
    parameter [255:0] INIT_19 = 256'h0;
    parameter [255:0] INIT_1A = 256'h0;
    parameter [255:0] INIT_1B = 256'h0;
    parameter [255:0] INIT_1C = 256'h0;
    parameter [255:0] INIT_1D = 256'h0;
    parameter [255:0] INIT_1E = 256'h0;
    parameter [255:0] INIT_1F = 256'h0;
    parameter [255:0] INIT_20 = 256'h0;
    parameter [255:0] INIT_21 = 256'h0;
    parameter [255:0] INIT_22 = 256'h0;
    parameter [255:0] INIT_23 = 256'h0;
    parameter [255:0] INIT_24 = 256'h0;
    parameter [255:0] INIT_25 = 256'h0;
    parameter [255:0] INIT_26 = 256'h0;
    parameter [255:0] INIT_27 = 256'h0;
    parameter [255:0] INIT_28 = 256'h0;
    parameter [255:0] INIT_29 = 256'h0;
    parameter [255:0] INIT_2A = 256'h0;
    parameter [255:0] INIT_2B = 256'h0;
    parameter [255:0] INIT_2C = 256'h0;
    parameter [255:0] INIT_2D = 256'h0;
    parameter [255:0] INIT_2E = 256'h0;
    parameter [255:0] INIT_2F = 256'h0;
    parameter [255:0] INIT_30 = 256'h0;
    parameter [255:0] INIT_31 = 256'h0;
    parameter [255:0] INIT_32 = 256'h0;
    parameter [255:0] INIT_33 = 256'h0;
    parameter [255:0] INIT_34 = 256'h0;
    parameter [255:0] INIT_35 = 256'h0;
    parameter [255:0] INIT_36 = 256'h0;
    parameter [255:0] INIT_37 = 256'h0;
    parameter [255:0] INIT_38 = 256'h0;
    parameter [255:0] INIT_39 = 256'h0;
    parameter [255:0] INIT_3A = 256'h0;
    parameter [255:0] INIT_3B = 256'h0;
    parameter [255:0] INIT_3C = 256'h0;
    parameter [255:0] INIT_3D = 256'h0;
    parameter [255:0] INIT_3E = 256'h0;
    parameter [255:0] INIT_3F = 256'h0;
    parameter [255:0] INITP_00 = 256'h0;
    parameter [255:0] INITP_01 = 256'h0;
    parameter [255:0] INITP_02 = 256'h0;
    parameter [255:0] INITP_03 = 256'h0;
    parameter [255:0] INITP_04 = 256'h0;
    parameter [255:0] INITP_05 = 256'h0;
    parameter [255:0] INITP_06 = 256'h0;
    parameter [255:0] INITP_07 = 256'h0;

    localparam [16383:0] DATA = {
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35,
        INIT_34, INIT_33, INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A,
        INIT_29, INIT_28, INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F,
        INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14,
        INIT_13, INIT_12, INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09,
        INIT_08, INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    };
    localparam [2047:0] PARITY = {
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    };
    function [18431:0] contents(input [16383:0] data, input [2047:0] parity);
        integer i;
        for (i = 0; i < 2048; i = i + 1) contents[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction

    // 2 bytes of data and their parity bits to units of nine bits, and back.
    function [17:0] joined(input [1:0] parity, input [15:0] data);
        integer i;
        for (i = 0; i < 2; i = i + 1) joined[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction
    function [17:0] parted(input [17:0] units);
        integer i;
        for (i = 0; i < 2; i = i + 1) begin
            parted[8*i+:8] = units[9*i+:8];
            parted[16+i]  = units[9*i+8];
        end
    endfunction

    localparam WIDE_READ  = READ_WIDTH_A == 36;
    localparam WIDE_WRITE = WRITE_WIDTH_B == 36;

    wire [71:0]  out_a, out_b;
    wire [17:0] in_a = joined(DINPADINP, DINADIN);
    wire [17:0] in_b = joined(DINPBDINP, DINBDIN);
    wire [17:0] low  = parted(out_a[17:0]);
    wire [17:0] high = parted(WIDE_READ ? out_a[35:18] : out_b[17:0]);

    tr_sim_block_ram #(
        .UNIT_BITS(11),
        .A_READ_WIDTH(READ_WIDTH_A),
        .A_WRITE_WIDTH(WRITE_WIDTH_A),
        .A_MODE(WRITE_MODE_A == "WRITE_FIRST" ? 1 : WRITE_MODE_A == "READ_FIRST" ? 2 : 0),
        .A_INITIAL({WIDE_READ ? joined(INIT_B[17:16], INIT_B[15:0]) : 18'd0, joined(INIT_A[17:16], INIT_A[15:0])}),
        .A_RESET({WIDE_READ ? joined(SRVAL_B[17:16], SRVAL_B[15:0]) : 18'd0, joined(SRVAL_A[17:16], SRVAL_A[15:0])}),
        .B_READ_WIDTH(READ_WIDTH_B),
        .B_WRITE_WIDTH(WRITE_WIDTH_B),
        .B_MODE(WRITE_MODE_B == "WRITE_FIRST" ? 1 : WRITE_MODE_B == "READ_FIRST" ? 2 : 0),
        .B_INITIAL({18'd0, joined(INIT_B[17:16], INIT_B[15:0])}),
        .B_RESET({18'd0, joined(SRVAL_B[17:16], SRVAL_B[15:0])}),
        .CONTENTS(contents(DATA, PARITY))
    ) ram (
        .a_clk(CLKARDCLK ^ IS_CLKARDCLK_INVERTED),
        .a_enable(ENARDEN ^ IS_ENARDEN_INVERTED),
        .a_reset(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED),
        .a_write(WEA),
        .a_address(ADDRARDADDR[13:0]),
        .a_in(in_a),
        .a_out(out_a),
        .b_clk(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED),
        .b_enable(ENBWREN ^ IS_ENBWREN_INVERTED),
        .b_reset(RSTRAMB ^ IS_RSTRAMB_INVERTED),
        .b_write(WEBWE),
        .b_address(ADDRBWRADDR[13:0]),
        .b_in(WIDE_WRITE ? {in_b, in_a} : in_b),
        .b_out(out_b)
    );

    assign {DOUTPADOUTP, DOUTADOUT} = low;
    assign {DOUTPBDOUTP, DOUTBDOUT} = high;

    initial begin
        if ((READ_WIDTH_A != 0 && DOA_REG != 0) || (READ_WIDTH_B != 0 && DOB_REG != 0))
            $fatal(1, "RAMB18E2: no model of output registers");
        if (CASCADE_ORDER_A != "NONE" || CASCADE_ORDER_B != "NONE") $fatal(1, "RAMB18E2: no model of cascades");
    end
endmodule

module RAMB36E2 (
    input wire CLKARDCLK,
    input wire CLKBWRCLK,
    input wire ENARDEN,
    input wire ENBWREN,
    input wire REGCEAREGCE,
    input wire REGCEB,
    input wire RSTRAMARSTRAM,
    input wire RSTRAMB,
    input wire RSTREGARSTREG,
    input wire RSTREGB,
    input wire [14:0] ADDRARDADDR,
    input wire [14:0] ADDRBWRADDR,
    input wire [31:0] DINADIN,
    input wire [31:0] DINBDIN,
    input wire [3:0] DINPADINP,
    input wire [3:0] DINPBDINP,
    input wire [3:0] WEA,
    input wire [7:0] WEBWE,
    input wire ADDRENA,
    input wire ADDRENB,
    input wire SLEEP,
    output wire [31:0] DOUTADOUT,
    output wire [31:0] DOUTBDOUT,
    output wire [3:0] DOUTPADOUTP,
    output wire [3:0] DOUTPBDOUTP
);
    parameter integer READ_WIDTH_A = 0;
    parameter integer WRITE_WIDTH_A = 0;
    parameter WRITE_MODE_A = "NO_CHANGE";
    parameter integer DOA_REG = 1;
    parameter [35:0] INIT_A = 0;
    parameter [35:0] SRVAL_A = 0;
    parameter RSTREG_PRIORITY_A = "RSTREG";
    parameter CASCADE_ORDER_A = "NONE";
    parameter integer READ_WIDTH_B = 0;
    parameter integer WRITE_WIDTH_B = 0;
    parameter WRITE_MODE_B = "NO_CHANGE";
    parameter integer DOB_REG = 1;
    parameter [35:0] INIT_B = 0;
    parameter [35:0] SRVAL_B = 0;
    parameter RSTREG_PRIORITY_B = "RSTREG";
    parameter CASCADE_ORDER_B = "NONE";
    parameter SIM_COLLISION_CHECK = "ALL";
    parameter INIT_FILE = "NONE";
    parameter CLOCK_DOMAINS = "INDEPENDENT";
    parameter EN_ECC_READ = "FALSE";
    parameter EN_ECC_WRITE = "FALSE";
    parameter IS_CLKARDCLK_INVERTED = 1'b0;
    parameter IS_CLKBWRCLK_INVERTED = 1'b0;
    parameter IS_ENARDEN_INVERTED = 1'b0;
    parameter IS_ENBWREN_INVERTED = 1'b0;
    parameter IS_RSTRAMARSTRAM_INVERTED = 1'b0;
    parameter IS_RSTRAMB_INVERTED = 1'b0;
    parameter IS_RSTREGARSTREG_INVERTED = 1'b0;
    parameter IS_RSTREGB_INVERTED = 1'b0;
    parameter [255:0] INIT_00 = 256'h0;
    parameter [255:0] INIT_01 = 256'h0;
    parameter [255:0] INIT_02 = 256'h0;
    parameter [255:0] INIT_03 = 256'h0;
    parameter [255:0] INIT_04 = 256'h0;
    parameter [255:0] INIT_05 = 256'h0;
    parameter [255:0] INIT_06 = 256'h0;
    parameter [255:0] INIT_07 = 256'h0;
    parameter [255:0] INIT_08 = 256'h0;
    parameter [255:0] INIT_09 = 256'h0;
    parameter [255:0] INIT_0A = 256'h0;
    parameter [255:0] INIT_0B = 256'h0;
    parameter [255:0] INIT_0C = 256'h0;
    parameter [255:0] INIT_0D = 256'h0;
    parameter [255:0] INIT_0E = 256'h0;
    parameter [255:0] INIT_0F = 256'h0;
    parameter [255:0] INIT_10 = 256'h0;
    parameter [255:0] INIT_11 = 256'h0;
    parameter [255:0] INIT_12 = 256'h0;
    parameter [255:0] INIT_13 = 256'h0;
    parameter [255:0] INIT_14 = 256'h0;
    parameter [255:0] INIT_15 = 256'h0;
    parameter [255:0] INIT_16 = 256'h0;
    parameter [255:0] INIT_17 = 256'h0;
    parameter [255:0] INIT_18 = 256'h0;
    parameter [255:0] INIT_19 = 256'h0;
    parameter [255:0] INIT_1A = 256'h0;
    parameter [255:0] INIT_1B = 256'h0;
    parameter [255:0] INIT_1C = 256'h0;
    parameter [255:0] INIT_1D = 256'h0;
    parameter [255:0] INIT_1E = 256'h0;
    parameter [255:0] INIT_1F = 256'h0;
    parameter [255:0] INIT_20 = 256'h0;
    parameter [255:0] INIT_21 = 256'h0;
    parameter [255:0] INIT_22 = 256'h0;
    parameter [255:0] INIT_23 = 256'h0;
    parameter [255:0] INIT_24 = 256'h0;
    parameter [255:0] INIT_25 = 256'h0;
    parameter [255:0] INIT_26 = 256'h0;
    parameter [255:0] INIT_27 = 256'h0;
    parameter [255:0] INIT_28 = 256'h0;
    parameter [255:0] INIT_29 = 256'h0;
    parameter [255:0] INIT_2A = 256'h0;
    parameter [255:0] INIT_2B = 256'h0;
    parameter [255:0] INIT_2C = 256'h0;
    parameter [255:0] INIT_2D = 256'h0;
    parameter [255:0] INIT_2E = 256'h0;
    parameter [255:0] INIT_2F = 256'h0;
    parameter [255:0] INIT_30 = 256'h0;
    parameter [255:0] INIT_31 = 256'h0;
    parameter [255:0] INIT_32 = 256'h0;
    parameter [255:0] INIT_33 = 256'h0;
    parameter [255:0] INIT_34 = 256'h0;
    parameter [255:0] INIT_35 = 256'h0;
    parameter [255:0] INIT_36 = 256'h0;
    parameter [255:0] INIT_37 = 256'h0;
    parameter [255:0] INIT_38 = 256'h0;
    parameter [255:0] INIT_39 = 256'h0;
    parameter [255:0] INIT_3A = 256'h0;
    parameter [255:0] INIT_3B = 256'h0;
    parameter [255:0] INIT_3C = 256'h0;
    parameter [255:0] INIT_3D = 256'h0;
    parameter [255:0] INIT_3E = 256'h0;
    parameter [255:0] INIT_3F = 256'h0;
    parameter [255:0] INIT_40 = 256'h0;
    parameter [255:0] INIT_41 = 256'h0;
    parameter [255:0] INIT_42 = 256'h0;
    parameter [255:0] INIT_43 = 256'h0;
    parameter [255:0] INIT_44 = 256'h0;
    parameter [255:0] INIT_45 = 256'h0;
    parameter [255:0] INIT_46 = 256'h0;
    parameter [255:0] INIT_47 = 256'h0;
    parameter [255:0] INIT_48 = 256'h0;
    parameter [255:0] INIT_49 = 256'h0;
    parameter [255:0] INIT_4A = 256'h0;
    parameter [255:0] INIT_4B = 256'h0;
    parameter [255:0] INIT_4C = 256'h0;
    parameter [255:0] INIT_4D = 256'h0;
    parameter [255:0] INIT_4E = 256'h0;
    parameter [255:0] INIT_4F = 256'h0;
    parameter [255:0] INIT_50 = 256'h0;
    parameter [255:0] INIT_51 = 256'h0;
    parameter [255:0] INIT_52 = 256'h0;
    parameter [255:0] INIT_53 = 256'h0;
    parameter [255:0] INIT_54 = 256'h0;
    parameter [255:0] INIT_55 = 256'h0;
    parameter [255:0] INIT_56 = 256'h0;
    parameter [255:0] INIT_57 = 256'h0;
    parameter [255:0] INIT_58 = 256'h0;
    parameter [255:0] INIT_59 = 256'h0;
    parameter [255:0] INIT_5A = 256'h0;
    parameter [255:0] INIT_5B = 256'h0;
    parameter [255:0] INIT_5C = 256'h0;
    parameter [255:0] INIT_5D = 256'h0;
    parameter [255:0] INIT_5E = 256'h0;
    parameter [255:0] INIT_5F = 256'h0;
    parameter [255:0] INIT_60 = 256'h0;
    parameter [255:0] INIT_61 = 256'h0;
    parameter [255:0] INIT_62 = 256'h0;
    parameter [255:0] INIT_63 = 256'h0;
    parameter [255:0] INIT_64 = 256'h0;
    parameter [255:0] INIT_65 = 256'h0;
    parameter [255:0] INIT_66 = 256'h0;
    parameter [255:0] INIT_67 = 256'h0;
    parameter [255:0] INIT_68 = 256'h0;
    parameter [255:0] INIT_69 = 256'h0;
    parameter [255:0] INIT_6A = 256'h0;
    parameter [255:0] INIT_6B = 256'h0;
    parameter [255:0] INIT_6C = 256'h0;
    parameter [255:0] INIT_6D = 256'h0;
    parameter [255:0] INIT_6E = 256'h0;
    parameter [255:0] INIT_6F = 256'h0;
    parameter [255:0] INIT_70 = 256'h0;
    parameter [255:0] INIT_71 = 256'h0;
    parameter [255:0] INIT_72 = 256'h0;
    parameter [255:0] INIT_73 = 256'h0;
    parameter [255:0] INIT_74 = 256'h0;
    parameter [255:0] INIT_75 = 256'h0;
    parameter [255:0] INIT_76 = 256'h0;
    parameter [255:0] INIT_77 = 256'h0;
    parameter [255:0] INIT_78 = 256'h0;
    parameter [255:0] INIT_79 = 256'h0;
    parameter [255:0] INIT_7A = 256'h0;
    parameter [255:0] INIT_7B = 256'h0;
    parameter [255:0] INIT_7C = 256'h0;
    parameter [255:0] INIT_7D = 256'h0;
    parameter [255:0] INIT_7E = 256'h0;
    parameter [255:0] INIT_7F = 256'h0;
    parameter [255:0] INITP_00 = 256'h0;
    parameter [255:0] INITP_01 = 256'h0;
    parameter [255:0] INITP_02 = 256'h0;
    parameter [255:0] INITP_03 = 256'h0;
    parameter [255:0] INITP_04 = 256'h0;
    parameter [255:0] INITP_05 = 256'h0;
    parameter [255:0] INITP_06 = 256'h0;
    parameter [255:0] INITP_07 = 256'h0;
    parameter [255:0] INITP_08 = 256'h0;
    parameter [255:0] INITP_09 = 256'h0;
    parameter [255:0] INITP_0A = 256'h0;
    parameter [255:0] INITP_0B = 256'h0;
    parameter [255:0] INITP_0C = 256'h0;
    parameter [255:0] INITP_0D = 256'h0;
    parameter [255:0] INITP_0E = 256'h0;
    parameter [255:0] INITP_0F = 256'h0;

    localparam [32767:0] DATA = {
        INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78, INIT_77, INIT_76, INIT_75,
        INIT_74, INIT_73, INIT_72, INIT_71, INIT_70, INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A,
        INIT_69, INIT_68, INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60, INIT_5F,
        INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58, INIT_57, INIT_56, INIT_55, INIT_54,
        INIT_53, INIT_52, INIT_51, INIT_50, INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49,
        INIT_48, INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40, INIT_3F, INIT_3E,
        INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38, INIT_37, INIT_36, INIT_35, INIT_34, INIT_33,
        INIT_32, INIT_31, INIT_30, INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20, INIT_1F, INIT_1E, INIT_1D,
        INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18, INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12,
        INIT_11, INIT_10, INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08, INIT_07,
        INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    };
    localparam [4095:0] PARITY = {
        INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08, INITP_07, INITP_06,
        INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    };
    function [36863:0] contents(input [32767:0] data, input [4095:0] parity);
        integer i;
        for (i = 0; i < 4096; i = i + 1) contents[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction

    // 4 bytes of data and their parity bits to units of nine bits, and back.
    function [35:0] joined(input [3:0] parity, input [31:0] data);
        integer i;
        for (i = 0; i < 4; i = i + 1) joined[9*i+:9] = {parity[i], data[8*i+:8]};
    endfunction
    function [35:0] parted(input [35:0] units);
        integer i;
        for (i = 0; i < 4; i = i + 1) begin
            parted[8*i+:8] = units[9*i+:8];
            parted[32+i]  = units[9*i+8];
        end
    endfunction

    localparam WIDE_READ  = READ_WIDTH_A == 72;
    localparam WIDE_WRITE = WRITE_WIDTH_B == 72;

    wire [71:0]  out_a, out_b;
    wire [35:0] in_a = joined(DINPADINP, DINADIN);
    wire [35:0] in_b = joined(DINPBDINP, DINBDIN);
    wire [35:0] low  = parted(out_a[35:0]);
    wire [35:0] high = parted(WIDE_READ ? out_a[71:36] : out_b[35:0]);

    tr_sim_block_ram #(
        .UNIT_BITS(12),
        .A_READ_WIDTH(READ_WIDTH_A),
        .A_WRITE_WIDTH(WRITE_WIDTH_A),
        .A_MODE(WRITE_MODE_A == "WRITE_FIRST" ? 1 : WRITE_MODE_A == "READ_FIRST" ? 2 : 0),
        .A_INITIAL({WIDE_READ ? joined(INIT_B[35:32], INIT_B[31:0]) : 36'd0, joined(INIT_A[35:32], INIT_A[31:0])}),
        .A_RESET({WIDE_READ ? joined(SRVAL_B[35:32], SRVAL_B[31:0]) : 36'd0, joined(SRVAL_A[35:32], SRVAL_A[31:0])}),
        .B_READ_WIDTH(READ_WIDTH_B),
        .B_WRITE_WIDTH(WRITE_WIDTH_B),
        .B_MODE(WRITE_MODE_B == "WRITE_FIRST" ? 1 : WRITE_MODE_B == "READ_FIRST" ? 2 : 0),
        .B_INITIAL({36'd0, joined(INIT_B[35:32], INIT_B[31:0])}),
        .B_RESET({36'd0, joined(SRVAL_B[35:32], SRVAL_B[31:0])}),
        .CONTENTS(contents(DATA, PARITY))
    ) ram (
        .a_clk(CLKARDCLK ^ IS_CLKARDCLK_INVERTED),
        .a_enable(ENARDEN ^ IS_ENARDEN_INVERTED),
        .a_reset(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED),
        .a_write(WEA),
        .a_address(ADDRARDADDR[14:0]),
        .a_in(in_a),
        .a_out(out_a),
        .b_clk(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED),
        .b_enable(ENBWREN ^ IS_ENBWREN_INVERTED),
        .b_reset(RSTRAMB ^ IS_RSTRAMB_INVERTED),
        .b_write(WEBWE),
        .b_address(ADDRBWRADDR[14:0]),
        .b_in(WIDE_WRITE ? {in_b, in_a} : in_b),
        .b_out(out_b)
    );

    assign {DOUTPADOUTP, DOUTADOUT} = low;
    assign {DOUTPBDOUTP, DOUTBDOUT} = high;

    initial begin
        if ((READ_WIDTH_A != 0 && DOA_REG != 0) || (READ_WIDTH_B != 0 && DOB_REG != 0))
            $fatal(1, "RAMB36E2: no model of output registers");
        if (CASCADE_ORDER_A != "NONE" || CASCADE_ORDER_B != "NONE") $fatal(1, "RAMB36E2: no model of cascades");
    end
endmodule

`default_nettype wire
