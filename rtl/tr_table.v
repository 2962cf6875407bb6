// SPDX-License-Identifier: Apache-2.0
//
// tr_table: y = values[x], a look-up table for every channel or one that all channels share.
//
// Every lane has a memory of its own with the tables of its channels one after another: entry
// (f << IN_BITS) + x of lane p is y for x in channel f * PE + p. With SHARED = 1 all lanes hold the same single table.
// The file of lane p is VALUES_PREFIX followed by "_", p as four decimal digits, and ".mem"; with SHARED = 1 all read
// that of lane 0000.
//
// Latency   1 cycle: the output register is that of the memory.
// Interval  1 cycle a word.
// Handshake AXI-Stream: the payload is held while tvalid && !tready; tready depends on m_axis_tready.
// Reset     synchronous, active high; clears valid and the word counter, leaves data.
// Cost      PE memories of (SHARED ? 1 : CHANNELS/PE) * 2^IN_BITS words of OUT_BITS.

`default_nettype none

module tr_table #(
    parameter integer CHANNELS = 4,  // channels of a vector; a multiple of PE
    parameter integer PE       = 2,  // lanes of a word, at most 10000
    parameter integer IN_BITS  = 6,  // bits of x
    parameter integer OUT_BITS = 8,  // bits of y
    parameter integer SHARED   = 0,  // 1: one table for all channels
    parameter integer STYLE    = 0,  // 0 left to the tool, 1 logic, 2 distributed memory, 3 block RAM
    parameter VALUES_PREFIX    = ""  // $readmemh, what the names of the lanes' files begin with
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [PE*IN_BITS-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    output wire [PE*OUT_BITS-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready
);
    localparam integer FOLDS     = SHARED != 0 ? 1 : CHANNELS / PE;
    localparam integer FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer LATENCY   = 1;

    genvar lane;

    // One enable for the whole pipeline: it stands only while the last stage waits.
    reg  [LATENCY:1] valid_q;
    wire [LATENCY:0] valid = {valid_q, s_axis_tvalid};
    wire             enable = !m_axis_tvalid || m_axis_tready;

    assign s_axis_tready = enable;
    assign m_axis_tvalid = valid[LATENCY];

    always @(posedge clk)
        if (rst) valid_q <= {LATENCY{1'b0}};
        else if (enable) valid_q <= valid[LATENCY-1:0];

    // The word of the vector that comes in.
    /* verilator lint_off UNUSEDSIGNAL */  // a shared table needs no word number
    wire [FOLD_BITS-1:0] fold;
    /* verilator lint_on UNUSEDSIGNAL */
    generate
        if (FOLDS > 1) begin : g_turn
            localparam [31:0] LAST = FOLDS - 1;
            reg [FOLD_BITS-1:0] fold_q;
            assign fold = fold_q;
            always @(posedge clk)
                if (rst) fold_q <= {FOLD_BITS{1'b0}};
                else if (enable && s_axis_tvalid)
                    fold_q <= fold_q == LAST[FOLD_BITS-1:0] ? {FOLD_BITS{1'b0}} : fold_q + 1'b1;
        end else begin : g_no_turn
            assign fold = 1'b0;
        end
    endgenerate

    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_lane
            wire [IN_BITS-1:0]  x = s_axis_tdata[lane*IN_BITS +: IN_BITS];
            wire [OUT_BITS-1:0] y;
            assign m_axis_tdata[lane*OUT_BITS +: OUT_BITS] = y;

            // The file of the lane, digit by digit.
            localparam [31:0] FILE = SHARED != 0 ? 0 : lane;
            localparam [31:0] D3   = 48 + FILE / 1000 % 10;
            localparam [31:0] D2   = 48 + FILE / 100 % 10;
            localparam [31:0] D1   = 48 + FILE / 10 % 10;
            localparam [31:0] D0   = 48 + FILE % 10;

            // The same memory with the attribute that asks for each style; attributes must be literals.
            /* verilator lint_off UNDRIVEN */  // without a file name the memory stays empty
            case (STYLE)
            1: begin : g_rom
                (* rom_style = "logic", ram_style = "logic" *)
                reg [OUT_BITS-1:0] values [0:(FOLDS<<IN_BITS)-1];
                if (VALUES_PREFIX != "") begin : g_file
                    initial $readmemh({VALUES_PREFIX, "_", D3[7:0], D2[7:0], D1[7:0], D0[7:0], ".mem"}, values);
                end
                wire [(FOLDS > 1 ? FOLD_BITS : 0)+IN_BITS-1:0] address;
                if (FOLDS > 1) begin : g_channels
                    assign address = {fold, x};
                end else begin : g_one
                    assign address = x;
                end
                reg [OUT_BITS-1:0] y_q;
                assign y = y_q;
                always @(posedge clk) if (enable) y_q <= values[address];
            end
            2: begin : g_rom
                (* rom_style = "distributed", ram_style = "distributed" *)
                reg [OUT_BITS-1:0] values [0:(FOLDS<<IN_BITS)-1];
                if (VALUES_PREFIX != "") begin : g_file
                    initial $readmemh({VALUES_PREFIX, "_", D3[7:0], D2[7:0], D1[7:0], D0[7:0], ".mem"}, values);
                end
                wire [(FOLDS > 1 ? FOLD_BITS : 0)+IN_BITS-1:0] address;
                if (FOLDS > 1) begin : g_channels
                    assign address = {fold, x};
                end else begin : g_one
                    assign address = x;
                end
                reg [OUT_BITS-1:0] y_q;
                assign y = y_q;
                always @(posedge clk) if (enable) y_q <= values[address];
            end
            3: begin : g_rom
                (* rom_style = "block", ram_style = "block" *)
                reg [OUT_BITS-1:0] values [0:(FOLDS<<IN_BITS)-1];
                if (VALUES_PREFIX != "") begin : g_file
                    initial $readmemh({VALUES_PREFIX, "_", D3[7:0], D2[7:0], D1[7:0], D0[7:0], ".mem"}, values);
                end
                wire [(FOLDS > 1 ? FOLD_BITS : 0)+IN_BITS-1:0] address;
                if (FOLDS > 1) begin : g_channels
                    assign address = {fold, x};
                end else begin : g_one
                    assign address = x;
                end
                reg [OUT_BITS-1:0] y_q;
                assign y = y_q;
                always @(posedge clk) if (enable) y_q <= values[address];
            end
            default: begin : g_rom
                reg [OUT_BITS-1:0] values [0:(FOLDS<<IN_BITS)-1];
                if (VALUES_PREFIX != "") begin : g_file
                    initial $readmemh({VALUES_PREFIX, "_", D3[7:0], D2[7:0], D1[7:0], D0[7:0], ".mem"}, values);
                end
                wire [(FOLDS > 1 ? FOLD_BITS : 0)+IN_BITS-1:0] address;
                if (FOLDS > 1) begin : g_channels
                    assign address = {fold, x};
                end else begin : g_one
                    assign address = x;
                end
                reg [OUT_BITS-1:0] y_q;
                assign y = y_q;
                always @(posedge clk) if (enable) y_q <= values[address];
            end
            endcase
            /* verilator lint_on UNDRIVEN */
        end
    endgenerate

`ifdef FORMAL
`include "tr_formal_mapper.vh"

    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : g_formal_lane
            wire [IN_BITS-1:0]           f_x = f_word[lane*IN_BITS +: IN_BITS];
            wire [FOLD_BITS+IN_BITS-1:0] f_address = {f_fold, f_x};
            // Any contents, but always the same: to yosys an empty memory that nothing writes may change.
            always @(posedge clk) g_lane[lane].g_rom.values[f_held] <= g_lane[lane].g_rom.values[f_held];
            if (FOLDS > 1) begin : g_channels
                always @* f_y[lane*OUT_BITS +: OUT_BITS] = g_lane[lane].g_rom.values[f_address];
            end else begin : g_one
                always @* f_y[lane*OUT_BITS +: OUT_BITS] = g_lane[lane].g_rom.values[f_x];
            end
        end
    endgenerate
`endif
endmodule

`default_nettype wire
