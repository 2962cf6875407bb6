// SPDX-License-Identifier: Apache-2.0
//
// tr_rom for standard cells, in the place of the one in rtl/: the same reads, and STYLE chooses what holds the words.
//
// STYLE 0, 2  logic: the words are constants.
// STYLE 1     one flip-flop a bit, filled from constants with every clock: what a store costs that could be loaded,
//             without the port that would load it. Right from the second clock on, so under reset.
// STYLE 3     a memory macro, tr_rom_macro: a black box, to be replaced by one of the process.
// Latency     1 cycle.
`default_nettype none

module tr_rom #(
    parameter integer BITS         = 8,  // of a word
    parameter integer DEPTH        = 4,  // words
    parameter integer ADDRESS_BITS = 2,  // at least 1 and clog2(DEPTH)
    parameter integer STYLE        = 0,
    parameter FILE = ""                  // for $readmemh: one word a line
) (
    input  wire                    clk,
    input  wire                    enable,
    input  wire [ADDRESS_BITS-1:0] address,
    output wire [        BITS-1:0] data
);
    genvar word;
    generate
        if (STYLE == 3) begin : macro
            tr_rom_macro #(
                .BITS(BITS), .DEPTH(DEPTH), .ADDRESS_BITS(ADDRESS_BITS), .FILE(FILE)
            ) memory (
                .clk(clk), .enable(enable), .address(address), .data(data)
            );
        end else if (STYLE == 1) begin : flops
            reg  [BITS-1:0] words[0:DEPTH-1];
            initial if (FILE != "") $readmemh(FILE, words);
            wire [BITS-1:0] kept[0:DEPTH-1];
            reg  [BITS-1:0] data_q;
            assign data = data_q;
            for (word = 0; word < DEPTH; word = word + 1) begin : store
                tr_rom_word #(.BITS(BITS)) held (.clk(clk), .d(words[word]), .q(kept[word]));
            end
            always @(posedge clk) if (enable) data_q <= kept[address];
        end else begin : logic_
            reg [BITS-1:0] words[0:DEPTH-1];
            initial if (FILE != "") $readmemh(FILE, words);
            reg [BITS-1:0] data_q;
            assign data = data_q;
            always @(posedge clk) if (enable) data_q <= words[address];
        end
    endgenerate
endmodule

// A hierarchy of its own until everything is mapped, or the flip-flops would become the constants that they hold.
(* keep_hierarchy *)
module tr_rom_word #(
    parameter integer BITS = 8
) (
    input  wire            clk,
    input  wire [BITS-1:0] d,
    output reg  [BITS-1:0] q
);
    always @(posedge clk) q <= d;
endmodule

`default_nettype wire
