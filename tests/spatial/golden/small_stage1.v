// SPDX-License-Identifier: Apache-2.0
//
// small_stage1: stage 1 of 2 of small; combinational.
//
// An integer nK has the range behind its declaration. d and q carry the integers in the order of their declarations
// and assignments below, the first one lowest.
`default_nettype none

// A tail may need some bits of a sum only, and nothing of d where all is constant.
// verilator lint_off UNUSEDSIGNAL
module small_stage1 (
    input  wire [13:0] d,
    output wire [5:0] q
);
    wire [6:0] n5 = d[6:0];
    wire [6:0] n7 = d[13:7];

    // --- dense_0 ---
    wire [2:0] n8;  // 0 to 4
    wire signed [5:0] n8_quotient = {{{1{n5[6]}}, n5[6:2]}};
    wire signed [5:0] n8_even = {n8_quotient[5:1], n8_quotient[0] & ~(~|n5[1:0])};
    assign n8 = (n8_even < 6'sd0) ? 3'd0 : n8_even[2:0];
    wire [2:0] n9;  // 0 to 7
    tr_clip #(.WIDTH(3)) clip_n9 (.q(n7[4:2]), .tie(~|n7[1:0]), .above(|n7[5:5]), .below(n7[6]), .y(n9));

    assign q[2:0] = n8;
    assign q[5:3] = n9;
endmodule
// verilator lint_on UNUSEDSIGNAL

`default_nettype wire
