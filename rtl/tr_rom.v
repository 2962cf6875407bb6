// SPDX-License-Identifier: Apache-2.0
//
// tr_rom: read-only memory with a synchronous read; a memory of one word becomes a constant in synthesis.
//
// Latency   1 cycle.
// Handshake none: the register behind the read moves when `enable` is high.
// Reset     none.
`default_nettype none

// A ROM made of LUTs is called "distributed" by Vivado. yosys, which maps LUTRAM cells for writable memories only,
// refuses that and calls it "logic".
`ifdef YOSYS
`define TR_ROM_IN_LUTS "logic"
`else
`define TR_ROM_IN_LUTS "distributed"
`endif

module tr_rom #(
    parameter integer BITS         = 8,  // of a word
    parameter integer DEPTH        = 4,  // words
    parameter integer ADDRESS_BITS = 2,  // at least 1 and clog2(DEPTH)
    parameter integer STYLE        = 0,  // 0 synthesis decides, 1 and 2 LUTs, 3 block RAM
    parameter FILE = ""                  // for $readmemh: one word a line
) (
    input  wire                    clk,
    input  wire                    enable,
    input  wire [ADDRESS_BITS-1:0] address,
`ifdef FORMAL
    input  wire [  DEPTH*BITS-1:0] contents,  // a proof holds for any contents, and its properties must see them
`endif
    output wire [        BITS-1:0] data
);
    reg [BITS-1:0] data_q;
    assign data = data_q;

`ifdef FORMAL
    always @(posedge clk) if (enable) data_q <= contents[address*BITS+:BITS];
`else
    generate
        if (STYLE == 1 || STYLE == 2) begin : luts
            (* rom_style = `TR_ROM_IN_LUTS *) reg [BITS-1:0] words[0:DEPTH-1];
            initial if (FILE != "") $readmemh(FILE, words);
            always @(posedge clk) if (enable) data_q <= words[address];
        end else if (STYLE == 3) begin : blocks
            (* rom_style = "block" *) reg [BITS-1:0] words[0:DEPTH-1];
            initial if (FILE != "") $readmemh(FILE, words);
            always @(posedge clk) if (enable) data_q <= words[address];
        end else begin : any
            reg [BITS-1:0] words[0:DEPTH-1];
            initial if (FILE != "") $readmemh(FILE, words);
            always @(posedge clk) if (enable) data_q <= words[address];
        end
    endgenerate
`endif
endmodule

`undef TR_ROM_IN_LUTS
`default_nettype wire
