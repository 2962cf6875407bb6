// SPDX-License-Identifier: Apache-2.0
//
// tr_rom_macro: the place of a read-only memory macro of the process. Synthesis reads it as a black box; what is inside
// is its model for the simulation of a netlist.
//
// Latency   1 cycle.
`default_nettype none

module tr_rom_macro #(
    parameter integer BITS         = 8,
    parameter integer DEPTH        = 4,
    parameter integer ADDRESS_BITS = 2,
    parameter FILE = ""
) (
    input  wire                    clk,
    input  wire                    enable,
    input  wire [ADDRESS_BITS-1:0] address,
    output reg  [        BITS-1:0] data
);
    reg [BITS-1:0] words[0:DEPTH-1];
    initial if (FILE != "") $readmemh(FILE, words);
    always @(posedge clk) if (enable) data <= words[address];
endmodule

`default_nettype wire
