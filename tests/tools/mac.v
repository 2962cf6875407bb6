// SPDX-License-Identifier: Apache-2.0
//
// mac: multiply-accumulate with weights from a memory, to test tools with: products, carries, a ROM, a handshake.
//
// Takes DEPTH words of LANES signed values each and sends one word with the sum of all products.
// Latency 2 cycles after the last word. Reset synchronous, active high.
`default_nettype none

module mac #(
    parameter integer LANES       = 2,  // products per word
    parameter integer BITS        = 6,  // of an input value, of a weight
    parameter integer DEPTH       = 8,  // words per sum
    parameter integer OUT_BITS    = 16, // of the sum
    parameter integer OFFSET      = 0,  // first value of the sum
    parameter integer STYLE       = 0,  // 1: weights in block RAM
    parameter         WEIGHTS_FILE = ""
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire [LANES*BITS-1:0]      s_axis_tdata,
    input  wire                       s_axis_tvalid,
    output wire                       s_axis_tready,
    output wire signed [OUT_BITS-1:0] m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready
);
    localparam integer ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;

    wire                       enable = !valid_q || m_axis_tready;
    reg  [ADDRESS_BITS-1:0]    address_q;
    reg  [LANES*BITS-1:0]      word_q;
    reg                        word_valid_q;
    reg                        first_q;
    reg                        last_q;
    reg  signed [OUT_BITS-1:0] sum_q;
    reg                        valid_q;
    wire [LANES*BITS-1:0]      weights;

    generate
        if (STYLE == 1) begin : g_block
            (* ram_style = "block", rom_style = "block" *) reg [LANES*BITS-1:0] rom [0:DEPTH-1];
            reg [LANES*BITS-1:0] weights_q;
            if (WEIGHTS_FILE != "") begin : g_file
                initial $readmemh(WEIGHTS_FILE, rom);
            end
            always @(posedge clk) if (enable) weights_q <= rom[address_q];
            assign weights = weights_q;
        end else begin : g_logic
            reg [LANES*BITS-1:0] rom [0:DEPTH-1];
            reg [LANES*BITS-1:0] weights_q;
            if (WEIGHTS_FILE != "") begin : g_file
                initial $readmemh(WEIGHTS_FILE, rom);
            end
            always @(posedge clk) if (enable) weights_q <= rom[address_q];
            assign weights = weights_q;
        end
    endgenerate

    integer i;
    reg signed [OUT_BITS-1:0] products;
    always @* begin
        products = 0;
        for (i = 0; i < LANES; i = i + 1)
            products = products + $signed(word_q[i*BITS+:BITS]) * $signed(weights[i*BITS+:BITS]);
    end

    assign s_axis_tready = enable;
    assign m_axis_tdata  = sum_q;
    assign m_axis_tvalid = valid_q;

    always @(posedge clk) begin
        if (rst) begin
            address_q    <= 0;
            word_valid_q <= 1'b0;
            valid_q      <= 1'b0;
        end else if (enable) begin
            word_valid_q <= s_axis_tvalid;
            valid_q      <= word_valid_q && last_q;
            if (s_axis_tvalid) address_q <= address_q == DEPTH - 1 ? 0 : address_q + 1;
        end
        if (enable) begin
            word_q  <= s_axis_tdata;
            first_q <= address_q == 0;
            last_q  <= address_q == DEPTH - 1;
            if (word_valid_q) sum_q <= (first_q ? OFFSET : sum_q) + products;
        end
    end
endmodule

`default_nettype wire
