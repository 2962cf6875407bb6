// SPDX-License-Identifier: Apache-2.0
//
// tr_dense_binary_lane: one row of a binary matrix product: counts equal bits, SIMD a cycle, and accumulates.
//
// Three columns, six bits, are counted by two LUT6; a fourth is the carry of their count, for one LUT in the adder.
//
// Latency   the registers of tr_adder_tree for COUNT = (SIMD + 3) / 4 (whole part) and FIRST = 1, and 1 for the
//           accumulator.
// Handshake none: all registers move when `enable` is high; `valid`, `first`, `complete`, `bias` go with the sum,
//           not with the operands (see tr_dense_schedule).
// Reset     none.
`default_nettype none

module tr_dense_binary_lane #(
    parameter integer SIMD       = 8,  // columns a cycle
    parameter integer OUT_BITS   = 8,  // of the accumulator
    parameter integer OUT_SIGNED = 0,  // results are signed (for the check in simulation only)
    parameter integer BIAS       = 0   // as in tr_accumulator
) (
    input  wire                clk,
    input  wire                enable,
    input  wire [    SIMD-1:0] inputs,
    input  wire [    SIMD-1:0] weights,
    input  wire                valid,
    input  wire                first,
    input  wire                complete,
    input  wire [OUT_BITS-1:0] bias,
    output wire [OUT_BITS-1:0] total
);
    localparam integer GROUPS   = (SIMD + 3) / 4;
    localparam integer SUM_BITS = 2 + $clog2(GROUPS);

    wire [    SIMD-1:0] same  = ~(inputs ^ weights);
    wire [4*GROUPS+3:0] equal = {{4 * GROUPS + 4 - SIMD{1'b0}}, same};
    reg  [2*GROUPS-1:0] counts;
    reg  [  GROUPS-1:0] fourths;
    wire [SUM_BITS-1:0] sum;
    wire                carry;
    integer             group;

    always @* begin
        counts  = {2 * GROUPS{1'b0}};
        fourths = {GROUPS{1'b0}};
        for (group = 0; group < GROUPS; group = group + 1) begin
            counts[2*group]   = equal[4*group] ^ equal[4*group+1] ^ equal[4*group+2];
            counts[2*group+1] = (equal[4*group] & equal[4*group+1]) | (equal[4*group] & equal[4*group+2]) |
                                (equal[4*group+1] & equal[4*group+2]);
            fourths[group]    = equal[4*group+3];
        end
    end

    tr_adder_tree #(
        .COUNT  (GROUPS),
        .BITS   (2),
        .SIGNED (0),
        .CARRIES(SIMD > 3 ? 1 : 0),
        .FIRST  (1)
    ) tree (
        .clk    (clk),
        .enable (enable),
        .terms  (counts),
        .carries(fourths),
        .sum    (sum),
        .carry  (carry)
    );

    tr_accumulator #(
        .SUM_BITS  (SUM_BITS),
        .SUM_SIGNED(0),
        .OUT_BITS  (OUT_BITS),
        .OUT_SIGNED(OUT_SIGNED),
        .BIAS      (BIAS)
    ) accumulator (
        .clk     (clk),
        .enable  (enable),
        .valid   (valid),
        .first   (first),
        .complete(complete),
        .sum     (sum),
        .carry   (carry),
        .bias    (bias),
        .total   (total)
    );

    wire unused = &{1'b0, equal[4*GROUPS+3:4*GROUPS]};
endmodule

`default_nettype wire
