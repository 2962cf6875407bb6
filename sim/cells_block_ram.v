// SPDX-License-Identifier: Apache-2.0
//
// tr_sim_block_ram: simulation model of a block RAM with two ports, under the models of the vendors' cells.
//
// The memory is an array of units of nine bits. A port of width 9, 18, 36 or 72 moves whole units, the lowest
// address in the lowest bits; one of width 1, 2 or 4 moves bits of a unit's lower eight; width 0 is unused. The
// address counts bits of the lower eight: unit = address / 8. Reads take one clock edge and see what was in the
// memory before it, but for the port's own word where it writes (see MODE).
`default_nettype none

module tr_sim_block_ram #(
    parameter integer           UNIT_BITS     = 11, // log2 of the number of units
    parameter integer           A_READ_WIDTH  = 18,
    parameter integer           A_WRITE_WIDTH = 18,
    parameter integer           A_MODE        = 0, // while writing read: 0 nothing new, 1 the new word, 2 the old word
    parameter [71:0]            A_INITIAL     = 0, // output before the first clock edge
    parameter [71:0]            A_RESET       = 0, // output after a reset
    parameter integer           B_READ_WIDTH  = 18,
    parameter integer           B_WRITE_WIDTH = 18,
    parameter integer           B_MODE        = 0,
    parameter [71:0]            B_INITIAL     = 0,
    parameter [71:0]            B_RESET       = 0,
    parameter [9*2**UNIT_BITS-1:0] CONTENTS   = 0
) (
    input  wire                 a_clk,
    input  wire                 a_enable,
    input  wire                 a_reset,
    input  wire [7:0]           a_write, // one bit a unit
    input  wire [UNIT_BITS+2:0] a_address,
    input  wire [71:0]          a_in,
    output reg  [71:0]          a_out,
    input  wire                 b_clk,
    input  wire                 b_enable,
    input  wire                 b_reset,
    input  wire [7:0]           b_write,
    input  wire [UNIT_BITS+2:0] b_address,
    input  wire [71:0]          b_in,
    output reg  [71:0]          b_out
);
    reg [8:0] memory [0:2**UNIT_BITS-1];

    integer k;
    initial begin
        for (k = 0; k < 2**UNIT_BITS; k = k + 1) memory[k] = CONTENTS[9*k+:9];
        a_out = A_INITIAL;
        b_out = B_INITIAL;
    end

    // Index of the first unit of a word.
    function [UNIT_BITS-1:0] first(input integer width, input [UNIT_BITS+2:0] address);
        first = width > 9 ? address[UNIT_BITS+2:3] & ~(width / 9 - 1) : address[UNIT_BITS+2:3];
    endfunction

    // First bit inside the unit, for words narrower than a unit.
    function [2:0] lowest(input integer width, input [UNIT_BITS+2:0] address);
        lowest = address[2:0] & ~(width - 1);
    endfunction

    // The units in `units` with the word `in` put in its place.
    function [71:0] merged(input integer width, input [71:0] units, input [7:0] write, input [2:0] low, input [71:0] in);
        integer i;
        begin
            merged = units;
            if (width >= 9) begin
                for (i = 0; i < width / 9; i = i + 1) if (write[i]) merged[9*i+:9] = in[9*i+:9];
            end else if (write[0]) begin
                for (i = 0; i < width; i = i + 1) merged[low+i] = in[i];
            end
        end
    endfunction

    // The word of a port in the units it lies in.
    function [71:0] word(input integer width, input [71:0] units, input [2:0] low);
        word = width >= 9 ? units : (units >> low) & ((72'd1 << width) - 1);
    endfunction

    reg [71:0] a_units, a_new, b_units, b_new;
    integer i;
    integer j;

    always @(posedge a_clk) if (a_enable) begin
        if (A_WRITE_WIDTH != 0 && a_write != 0) begin
            a_units = 0;
            for (i = 0; i < (A_WRITE_WIDTH > 9 ? A_WRITE_WIDTH / 9 : 1); i = i + 1)
                a_units[9*i+:9] = memory[first(A_WRITE_WIDTH, a_address) + i];
            a_new = merged(A_WRITE_WIDTH, a_units, a_write, lowest(A_WRITE_WIDTH, a_address), a_in);
            for (i = 0; i < (A_WRITE_WIDTH > 9 ? A_WRITE_WIDTH / 9 : 1); i = i + 1)
                memory[first(A_WRITE_WIDTH, a_address) + i] <= a_new[9*i+:9];
        end
        if (A_READ_WIDTH != 0) begin
            a_units = 0;
            for (i = 0; i < (A_READ_WIDTH > 9 ? A_READ_WIDTH / 9 : 1); i = i + 1)
                a_units[9*i+:9] = memory[first(A_READ_WIDTH, a_address) + i];
            if (A_MODE == 1 && A_WRITE_WIDTH == A_READ_WIDTH)
                a_units = merged(A_WRITE_WIDTH, a_units, a_write, lowest(A_WRITE_WIDTH, a_address), a_in);
            if (a_reset) a_out <= A_RESET;
            else if (A_MODE != 0 || a_write == 0 || A_WRITE_WIDTH == 0)
                a_out <= word(A_READ_WIDTH, a_units, lowest(A_READ_WIDTH, a_address));
        end
    end

    always @(posedge b_clk) if (b_enable) begin
        if (B_WRITE_WIDTH != 0 && b_write != 0) begin
            b_units = 0;
            for (j = 0; j < (B_WRITE_WIDTH > 9 ? B_WRITE_WIDTH / 9 : 1); j = j + 1)
                b_units[9*j+:9] = memory[first(B_WRITE_WIDTH, b_address) + j];
            b_new = merged(B_WRITE_WIDTH, b_units, b_write, lowest(B_WRITE_WIDTH, b_address), b_in);
            for (j = 0; j < (B_WRITE_WIDTH > 9 ? B_WRITE_WIDTH / 9 : 1); j = j + 1)
                memory[first(B_WRITE_WIDTH, b_address) + j] <= b_new[9*j+:9];
        end
        if (B_READ_WIDTH != 0) begin
            b_units = 0;
            for (j = 0; j < (B_READ_WIDTH > 9 ? B_READ_WIDTH / 9 : 1); j = j + 1)
                b_units[9*j+:9] = memory[first(B_READ_WIDTH, b_address) + j];
            if (B_MODE == 1 && B_WRITE_WIDTH == B_READ_WIDTH)
                b_units = merged(B_WRITE_WIDTH, b_units, b_write, lowest(B_WRITE_WIDTH, b_address), b_in);
            if (b_reset) b_out <= B_RESET;
            else if (B_MODE != 0 || b_write == 0 || B_WRITE_WIDTH == 0)
                b_out <= word(B_READ_WIDTH, b_units, lowest(B_READ_WIDTH, b_address));
        end
    end
endmodule

`default_nettype wire
