// SPDX-License-Identifier: Apache-2.0
//
// tr_axis: steps along an axis of SIZE positions and says which of them are kept.
//
// Kept are, from position FIRST on, TAPS positions TAP_STEP apart, the next such group GROUP_STEP after the last of them,
// and so on up to position LAST.
//
// Latency   none: `keep` and `at_end` are those of the present position.
// Handshake none: `step` goes on to the next position, from the last to the first.
// Reset     synchronous, active high; to position 0.
`default_nettype none

module tr_axis #(
    parameter integer SIZE       = 7,  // positions
    parameter integer FIRST      = 0,  // the first position that is kept
    parameter integer LAST       = 4,  // the last position that is kept
    parameter integer TAPS       = 2,
    parameter integer TAP_STEP   = 1,
    parameter integer GROUP_STEP = 2
) (
    input  wire clk,
    input  wire rst,
    input  wire step,
`ifdef FORMAL
    output wire [7:0] formal_position,
`endif
    output wire keep,
    output wire at_end
);
    localparam integer LONGER_STEP = TAPS > 1 && TAP_STEP > GROUP_STEP ? TAP_STEP : GROUP_STEP;
    localparam integer LONGEST_GAP = FIRST > LONGER_STEP - 1 ? FIRST : LONGER_STEP - 1;

    wire covered;   // up to LAST
    wire regular;  // in the pattern of groups
    assign keep = covered && regular;

    generate
        if (SIZE == 1) begin : point
            assign covered = 1'b1;
            assign at_end  = 1'b1;
            wire unused_clk = &{1'b0, clk, rst, step};
`ifdef FORMAL
            assign formal_position = 8'd0;
`endif
        end else begin : line
            localparam integer BITS = $clog2(SIZE);
            localparam [31:0] END = SIZE - 1;
            localparam [31:0] LIMIT = LAST;
            reg [BITS-1:0] position_q;
            assign at_end = position_q == END[BITS-1:0];
            if (LAST == SIZE - 1) begin : whole
                assign covered = 1'b1;
            end else begin : part
                assign covered = position_q <= LIMIT[BITS-1:0];
            end
            always @(posedge clk) begin
                if (rst) position_q <= {BITS{1'b0}};
                else if (step) position_q <= at_end ? {BITS{1'b0}} : position_q + 1'b1;
            end
`ifdef FORMAL
            assign formal_position = position_q;
            reg started = 1'b0;
            always @(posedge clk) started <= 1'b1;
            always @* if (started && !rst) assert (position_q < SIZE);
`endif
        end

        if (LONGEST_GAP == 0 || SIZE == 1) begin : every
            assign regular = 1'b1;
        end else begin : some
            localparam integer GAP_BITS = $clog2(LONGEST_GAP + 1);
            localparam [31:0] FIRST_GAP = FIRST;
            localparam [31:0] GROUP_GAP = GROUP_STEP - 1;
            localparam [31:0] TAP_GAP = TAP_STEP - 1;
            reg  [GAP_BITS-1:0] gap_q;      // positions before the next one of the pattern
            wire                group_end;  // that is the last tap of a group
            assign regular = gap_q == {GAP_BITS{1'b0}};
            if (TAPS == 1) begin : single
                assign group_end = 1'b1;
            end else begin : several
                localparam integer TAP_BITS = $clog2(TAPS);
                localparam [31:0] END = TAPS - 1;
                reg [TAP_BITS-1:0] tap_q;
                assign group_end = tap_q == END[TAP_BITS-1:0];
                always @(posedge clk) begin
                    if (rst || (step && at_end)) tap_q <= {TAP_BITS{1'b0}};
                    else if (step && regular) tap_q <= group_end ? {TAP_BITS{1'b0}} : tap_q + 1'b1;
                end
            end
            always @(posedge clk) begin
                if (rst || (step && at_end)) gap_q <= FIRST_GAP[GAP_BITS-1:0];
                else if (step) begin
                    if (!regular) gap_q <= gap_q - 1'b1;
                    else gap_q <= group_end ? GROUP_GAP[GAP_BITS-1:0] : TAP_GAP[GAP_BITS-1:0];
                end
            end
`ifdef FORMAL
            // For the induction: tap and gap follow from the position.
            localparam integer GROUP = (TAPS - 1) * TAP_STEP + GROUP_STEP;
            wire       early = formal_position < FIRST;
            wire [7:0] place = (formal_position - FIRST) % GROUP;
            wire [7:0] next_tap = (place + TAP_STEP - 1) / TAP_STEP;
            wire [7:0] tap;
            reg        begun = 1'b0;
            if (TAPS == 1) begin : no_tap
                assign tap = 8'd0;
            end else begin : one_tap
                assign tap = several.tap_q;
            end
            always @(posedge clk) begun <= 1'b1;
            always @* if (begun && !rst) begin
                assert (tap == (!early && next_tap < TAPS ? next_tap : 8'd0));
                assert (gap_q == (early ? FIRST - formal_position : next_tap < TAPS ? next_tap * TAP_STEP - place : GROUP - place));
            end
`endif
        end
    endgenerate

    wire unused = &{1'b0, FIRST[0], LONGEST_GAP[0], LONGER_STEP[0], TAP_STEP[0], TAPS[0], GROUP_STEP[0]};
endmodule

`default_nettype wire
