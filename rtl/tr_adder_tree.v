// SPDX-License-Identifier: Apache-2.0
//
// tr_adder_tree: the sum of COUNT terms; with one carry bit a term, which the adders take in for a LUT each.
//
// The result is sum + carry: an adder tree has one adder less than it has terms, so that one carry is left for
// whoever adds next. The widths grow by a bit a level and cannot overflow.
//
// Latency   1 register behind level FIRST (or behind the last level, if that comes earlier) and one behind every
//           second level after it; a last odd level is left to the logic behind the module.
// Handshake none: all registers move when `enable` is high.
// Reset     none; the data are worthless until the first terms have come through.
`default_nettype none

module tr_adder_tree #(
    parameter integer COUNT   = 8,  // terms, at least 1
    parameter integer BITS    = 4,  // of a term
    parameter integer SIGNED  = 1,  // terms are signed
    parameter integer CARRIES = 1,  // 0: all carries are 0, and cost nothing
    parameter integer FIRST   = 1   // levels in front of the first register; 0: the terms are registered
) (
    input  wire                            clk,
    input  wire                            enable,
    input  wire [          COUNT*BITS-1:0] terms,
    input  wire [               COUNT-1:0] carries,
    output wire [BITS+$clog2(COUNT)-1:0] sum,
    output wire                            carry
);
    localparam integer LEVELS = $clog2(COUNT);
    localparam integer REGISTER = LEVELS < FIRST ? LEVELS : FIRST;

    genvar level;
    generate
        for (level = 0; level <= LEVELS; level = level + 1) begin : tree
            localparam integer NODES = (COUNT + (1 << level) - 1) >> level;
            localparam integer WIDTH = BITS + level;
            wire [NODES*WIDTH-1:0] sums;
            wire [      NODES-1:0] spare;  // the carry that the level leaves over, a node

            wire [NODES*WIDTH-1:0] sums_d;
            wire [      NODES-1:0] spare_d;

            if (level == 0) begin : leaves
                assign sums_d  = terms;
                assign spare_d = CARRIES != 0 ? carries : {NODES{1'b0}};
            end else begin : adders
                localparam integer BELOW = (COUNT + (1 << (level - 1)) - 1) >> (level - 1);
                reg [NODES*WIDTH-1:0] added;
                reg [      NODES-1:0] left_over;
                reg signed [WIDTH:0] left;
                reg signed [WIDTH:0] right;
                integer node;
                always @* begin
                    added     = {NODES * WIDTH{1'b0}};
                    left_over = {NODES{1'b0}};
                    for (node = 0; node < NODES; node = node + 1) begin
                        left = {
                            SIGNED != 0 && tree[level-1].sums[2*node*(WIDTH-1)+WIDTH-2],
                            tree[level-1].sums[2*node*(WIDTH-1)+:WIDTH-1],
                            CARRIES != 0 ? 1'b1 : 1'b0
                        };
                        right = 0;
                        if (2 * node + 1 < BELOW) begin
                            right = {
                                SIGNED != 0 && tree[level-1].sums[(2*node+1)*(WIDTH-1)+WIDTH-2],
                                tree[level-1].sums[(2*node+1)*(WIDTH-1)+:WIDTH-1],
                                tree[level-1].spare[2*node+1]
                            };
                            left = left + right;
                        end
                        added[node*WIDTH+:WIDTH] = left[WIDTH:1];
                        left_over[node]          = tree[level-1].spare[2*node];
                    end
                end
                assign sums_d  = added;
                assign spare_d = left_over;
            end

            if (level >= REGISTER && (level - REGISTER) % 2 == 0) begin : registered
                reg [NODES*WIDTH-1:0] sums_q;
                reg [      NODES-1:0] spare_q;
                always @(posedge clk) begin
                    if (enable) begin
                        sums_q  <= sums_d;
                        spare_q <= spare_d;
                    end
                end
                assign sums  = sums_q;
                assign spare = spare_q;
            end else begin : direct
                assign sums  = sums_d;
                assign spare = spare_d;
            end
        end
    endgenerate

    assign sum   = tree[LEVELS].sums;
    assign carry = tree[LEVELS].spare[0];
endmodule

`default_nettype wire
