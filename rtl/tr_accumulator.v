// SPDX-License-Identifier: Apache-2.0
//
// tr_accumulator: adds sum + carry to itself, or to the bias with the first summand; its register is an output.
//
// Latency   1 cycle.
// Handshake none: a summand is taken when `enable && valid`; the register stays as it is otherwise.
// Reset     none; the first summand starts anew.
//
// Sums are exact modulo 2^OUT_BITS. In simulation (SIMULATION defined) a 64-bit sum checks that the result, which
// is complete with the last summand, fits OUT_BITS.
`default_nettype none

module tr_accumulator #(
    parameter integer SUM_BITS   = 8,  // of a summand
    parameter integer SUM_SIGNED = 1,  // summands are signed
    parameter integer OUT_BITS   = 8,  // of the accumulator
    parameter integer OUT_SIGNED = 1,  // the result is signed (for the check only)
    parameter integer BIAS       = 0   // 0: starts from 0; 1: from bias; 2: from a bias known modulo 2^OUT_BITS only
) (
    input  wire                clk,
    input  wire                enable,
    input  wire                valid,
    input  wire                first,     // the summand is the first of a sum
    input  wire                complete,  // the summand is the last of a sum (for the check only)
    input  wire [SUM_BITS-1:0] sum,
    input  wire                carry,
    input  wire [OUT_BITS-1:0] bias,
    output wire [OUT_BITS-1:0] total
);
    reg  [OUT_BITS-1:0] total_q;
    wire [OUT_BITS-1:0] start = BIAS != 0 ? bias : {OUT_BITS{1'b0}};
    wire [OUT_BITS-1:0] base  = first ? start : total_q;

    wire [SUM_BITS+63:0] extended = {{64{SUM_SIGNED != 0 && sum[SUM_BITS-1]}}, sum};

    // The carry enters one place below the lowest bit: a single carry chain everywhere.
    wire [OUT_BITS:0] added = {extended[OUT_BITS-1:0], 1'b1} + {base, carry};

    assign total = total_q;

    always @(posedge clk) if (enable && valid) total_q <= added[OUT_BITS:1];

    wire unused = &{1'b0, added[0], extended, bias, complete, OUT_SIGNED != 0};

`ifdef SIMULATION
    reg  [         63:0] wide_q;
    wire [OUT_BITS+63:0] wide_start = {{64{OUT_SIGNED != 0 && start[OUT_BITS-1]}}, start};
    wire [         63:0] wide       = (first ? wide_start[63:0] : wide_q) + extended[63:0] + {63'd0, carry};
    wire [OUT_BITS+63:0] result     = {{64{OUT_SIGNED != 0 && wide[OUT_BITS-1]}}, wide[OUT_BITS-1:0]};
    wire                 unused_wide = &{1'b0, wide_start, result};
    always @(posedge clk) begin
        if (enable && valid) begin
            wide_q <= wide;
            if (complete && BIAS != 2 && result[63:0] != wide) begin
                $display("%m: the sum %0d does not fit %0d bits (signed: %0d)", $signed(wide), OUT_BITS, OUT_SIGNED);
                $stop;
            end
        end
    end
`endif
endmodule

`default_nettype wire
