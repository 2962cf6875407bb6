// SPDX-License-Identifier: Apache-2.0
//
// small_stage0: stage 0 of 2 of small; combinational.
//
// An integer nK has the range behind its declaration. d and q carry the integers in the order of their declarations
// and assignments below, the first one lowest.
`default_nettype none

// A tail may need some bits of a sum only, and nothing of d where all is constant.
// verilator lint_off UNUSEDSIGNAL
module small_stage0 (
    input  wire [7:0] d,
    output wire [13:0] q
);
    wire [1:0] n0 = d[1:0];
    wire [2:0] n1 = d[4:2];
    wire [2:0] n2 = d[7:5];

    // --- dense_0 ---
    wire [3:0] n3;  // 0 to 10
    // n3 = n0 + n1
    tr_sum2 #(.WIDTH(4), .NEGATE(2'b00)) add_n3 (.a({{2{1'b0}}, n0}), .b({{1{1'b0}}, n1}), .y(n3));
    wire [4:0] n4;  // 2 to 21
    // n4 = n2 + (n0 << 2) + 6
    assign n4[0:0] = n2[0:0];
    tr_sum3 #(.WIDTH(4), .NEGATE(3'b000)) add_n4 (.a({{2{n2[2]}}, n2[2:1]}), .b({{1{1'b0}}, n0, 1'd0}), .c(4'd3), .y(n4[4:1]));
    wire [6:0] n5;  // -33 to 18
    // n5 = - (n1 << 2) - n3 + n4
    tr_sum3 #(.WIDTH(7), .NEGATE(3'b011)) add_n5 (.a({{2{1'b0}}, n1, 2'd0}), .b({{3{1'b0}}, n3}), .c({{2{1'b0}}, n4}), .y(n5));
    wire [3:0] n6;  // 0 to 10
    // n6 = n0 + n2 + 4
    tr_sum3 #(.WIDTH(4), .NEGATE(3'b000)) add_n6 (.a({{2{1'b0}}, n0}), .b({{1{n2[2]}}, n2}), .c(4'd4), .y(n6));
    wire [6:0] n7;  // -7 to 35
    // n7 = (n1 << 1) + (n0 << 3) - n6
    tr_sum3 #(.WIDTH(7), .NEGATE(3'b100)) add_n7 (.a({{3{1'b0}}, n1, 1'd0}), .b({{2{1'b0}}, n0, 3'd0}), .c({{3{1'b0}}, n6}), .y(n7));

    assign q[6:0] = n5;
    assign q[13:7] = n7;
endmodule
// verilator lint_on UNUSEDSIGNAL

`default_nettype wire
