// SPDX-License-Identifier: Apache-2.0
//
// tr_group_state: one word of state per channel group of a reduction over taps, read, changed and written in a stream.
//
// A vector is TAPS * GROUPS words: all groups of the first tap, all groups of the second, and so on. A word `arrives`
// at the update stage; there `state` is what the word before it of the same group has left behind, and the user's
// register `latest` takes the new state on the edge on which `enable && valid`. The first word of a group starts anew.
//
// Latency   1 cycle from `arrives` to the update stage. A word may arrive every cycle, however few groups there are.
// Storage   1 group: `latest` itself. 2 groups: one register more. 3 groups and more: a memory of GROUPS words, read
//           synchronously as the word arrives and written on the edge after the update: a place is read three words
//           after it was used at the earliest, when the write is done. 1 tap: none.
// Handshake none: everything moves when `enable` is high; `latest` must hold its value otherwise.
// Reset     synchronous, active high; clears the flags and counters, leaves data.
`default_nettype none

module tr_group_state #(
    parameter integer BITS         = 8,  // of the state of a group
    parameter integer GROUPS       = 3,  // words of a tap
    parameter integer TAPS         = 2,  // words that are reduced to one, a group
    parameter integer ADDRESS_BITS = 2   // at least 1 and clog2(GROUPS)
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire                    enable,   // everything moves
    input  wire                    arrives,  // a word comes to the update stage, if `enable`
    output wire [ADDRESS_BITS-1:0] group,    // its group, or that of the next one to arrive
    output wire                    valid,    // there is a word at the update stage:
    output wire                    first,    // the first of its group,
    output wire                    last,     // the last of its group
    output wire [        BITS-1:0] state,    // what the word before it of the same group has left behind
    input  wire [        BITS-1:0] latest    // the user's register: the state after the last update
);
    localparam integer TAP_BITS   = TAPS > 1 ? $clog2(TAPS) : 1;
    localparam [31:0]  LAST_GROUP = GROUPS - 1;
    localparam [31:0]  LAST_TAP   = TAPS - 1;

    reg valid_q;

`ifdef FORMAL
    // Group `watched` (any one) has the state `kept`. What is asserted about states holds while the user's register
    // is `orderly`: it has only changed on updates.
    (* anyconst *) reg [ADDRESS_BITS-1:0] watched;
    reg            started = 1'b0;
    reg [    15:0] came;         // words of the vector that have arrived
    reg [    15:0] place;        // of the word at the update stage, in its vector
    reg            known;        // the watched group has a state
    reg            updated;      // the last edge was an update
    reg            some;         // there was an update since reset
    reg [    15:0] updated_group;
    reg [BITS-1:0] latest_before;
    reg [BITS-1:0] kept_before;
    reg            orderly_before;

    wire            orderly = orderly_before && (updated || latest == latest_before);
    wire [BITS-1:0] kept = updated && updated_group == watched ? latest : kept_before;

    // Words since the beginning of the vector that are through with their update.
    wire [15:0] done = came - {15'd0, valid && came != 0};
    wire [15:0] recent = (came + 2 * GROUPS - 1 - {15'd0, valid}) % GROUPS;  // group of the last update
`endif

    assign valid = valid_q;

    always @(posedge clk) begin
        if (rst) valid_q <= 1'b0;
        else if (enable) valid_q <= arrives;
    end

    generate
        if (GROUPS > 1) begin : groups
            reg [ADDRESS_BITS-1:0] group_q;
            assign group = group_q;
            always @(posedge clk) begin
                if (rst) group_q <= {ADDRESS_BITS{1'b0}};
                else if (enable && arrives)
                    group_q <= group_q == LAST_GROUP[ADDRESS_BITS-1:0] ? {ADDRESS_BITS{1'b0}} : group_q + 1'b1;
            end
        end else begin : one_group
            assign group = {ADDRESS_BITS{1'b0}};
        end

        if (TAPS > 1) begin : taps
            reg [TAP_BITS-1:0] tap_q;  // of the next word to arrive
            reg                first_q;
            reg                last_q;
            wire               last_tap = tap_q == LAST_TAP[TAP_BITS-1:0];
            assign first = first_q;
            assign last  = last_q;
            always @(posedge clk) begin
                if (rst) tap_q <= {TAP_BITS{1'b0}};
                else if (enable && arrives && group == LAST_GROUP[ADDRESS_BITS-1:0])
                    tap_q <= last_tap ? {TAP_BITS{1'b0}} : tap_q + 1'b1;
                if (enable) begin
                    first_q <= tap_q == {TAP_BITS{1'b0}};
                    last_q  <= last_tap;
                end
            end
`ifdef FORMAL
            always @* if (started && !rst) assert (tap_q == came / GROUPS);
`endif
        end else begin : one_tap
            assign first = 1'b1;
            assign last  = 1'b1;
        end

        if (TAPS == 1) begin : nothing
            assign state = {BITS{1'b0}};
        end else if (GROUPS == 1) begin : register
            assign state = latest;
`ifdef FORMAL
            always @* if (started && !rst && orderly && known) assert (latest == kept);
`endif
        end else if (GROUPS == 2) begin : registers
            reg [BITS-1:0] before_q;
            assign state = before_q;
            always @(posedge clk) if (enable && valid_q) before_q <= latest;
`ifdef FORMAL
            // For the induction: where the state of the watched group is.
            always @* if (started && !rst && orderly && known) assert ((recent == watched ? latest : before_q) == kept);
`endif
        end else begin : memory
            (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
            reg [        BITS-1:0] states[0:GROUPS-1];
            reg [        BITS-1:0] state_q;
            reg [ADDRESS_BITS-1:0] group_q;   // of the word at the update stage
            reg [ADDRESS_BITS-1:0] latest_q;  // of the state in `latest`
            assign state = state_q;
            always @(posedge clk) begin
                if (enable) begin
                    state_q <= states[group];
                    group_q <= group;
                    if (valid_q) latest_q <= group_q;
                    states[latest_q] <= latest;  // once more where no word came: it does no harm
                end
            end
`ifdef FORMAL
            // For the induction: where the state of the watched group is.
            wire [BITS-1:0] stored = states[watched];
            always @* if (started && !rst) begin
                if (valid) assert (group_q == place % GROUPS);
                if (some) assert (latest_q == recent);
                if (orderly && known) assert ((recent == watched ? latest : stored) == kept);
            end
`endif
        end
    endgenerate

    wire unused = &{1'b0, LAST_GROUP, LAST_TAP, latest};

`ifdef FORMAL
    always @* begin
        assume (watched < GROUPS);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started       <= 1'b1;
        latest_before <= latest;
        kept_before   <= kept;
        updated       <= !rst && enable && valid;
        updated_group <= place % GROUPS;
        if (rst) begin
            came           <= 16'd0;
            known          <= 1'b0;
            some           <= 1'b0;
            orderly_before <= 1'b1;
        end else begin
            orderly_before <= orderly;
            if (enable && valid) begin
                some <= 1'b1;
                if (place % GROUPS == watched) known <= 1'b1;
            end
            if (enable && arrives) begin
                place <= came;
                came  <= came == GROUPS * TAPS - 1 ? 16'd0 : came + 16'd1;
            end
        end
    end

    always @* if (started && !rst) begin
        assert (came < GROUPS * TAPS && group == came % GROUPS);
        if (valid) begin
            assert (place == (came == 0 ? GROUPS * TAPS - 1 : came - 16'd1));
            assert (first == (place < GROUPS) && last == (place >= GROUPS * (TAPS - 1)));
        end
        if (done > watched) assert (known);
        if (known) assert (some);
        if (updated) assert (some && updated_group == recent);
        // the word finds the state of its group
        if (orderly && valid && !first && place % GROUPS == watched) assert (known && state == kept);
    end
`endif
endmodule

`default_nettype wire
