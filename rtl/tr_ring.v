// SPDX-License-Identifier: Apache-2.0
//
// tr_ring: the memory of blocks that send words in another order than they came, each word any number of times.
//
// Words are written one after the other into a ring of DEPTH places. They are read by five nested loops, the innermost
// being loop 0: the word with the number count_0*STRIDE_0 + ... + count_4*STRIDE_4 among the PERIOD words of a round, and
// then the next round. With each word read the owner says how many words, the oldest first, are not needed any more.
//
// Latency   2 cycles: a word that is put on edge t can be fetched on edge t + 1 and leave on edge t + 2.
// Rate      a word in and a word out every cycle.
// Handshake in_ready is a function of registers only: there is a free place; one freed by the fetch on edge t can be
//           written on edge t + 1. The output word is the read register of the memory; it is held while
//           out_valid && !out_ready.
// Memory    DEPTH words of WIDTH bits, read synchronously (block RAM or LUTRAM).
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_ring #(
    parameter integer WIDTH      = 8,   // bits of a word
    parameter integer DEPTH      = 6,   // places, at least 2, and all that is needed between two words read
    parameter integer COUNT_BITS = 3,   // clog2(DEPTH + 1)
    parameter integer PERIOD     = 4,   // words of a round
    parameter integer EXTENT_0   = 2,   // iterations of the loops
    parameter integer EXTENT_1   = 2,
    parameter integer EXTENT_2   = 1,
    parameter integer EXTENT_3   = 1,
    parameter integer EXTENT_4   = 1,
    parameter integer STRIDE_0   = 2,   // words from one iteration to the next, any sign
    parameter integer STRIDE_1   = 1,
    parameter integer STRIDE_2   = 0,
    parameter integer STRIDE_3   = 0,
    parameter integer STRIDE_4   = 0
) (
    input  wire                clk,
    input  wire                rst,
    input  wire [   WIDTH-1:0] in_word,
    input  wire                in_valid,
    output wire                in_ready,
    output wire [   WIDTH-1:0] out_word,
    output wire                out_valid,
    input  wire                out_ready,
    output wire [         4:0] last,   // which loops are in their last iteration,
    input  wire [COUNT_BITS:0] freed   // words not needed any more after the word there
`ifdef FORMAL
    ,
    input  wire [         7:0] formal_oldest,  // number in its round of the oldest word needed; follows from the counts
    output wire [        39:0] formal_counts,  // of the loops, 8 bits each
    output wire                formal_put,
    output reg  [         7:0] formal_came,    // words in, of the round that is coming
    output reg  [         7:0] formal_went,    // words out, of the round that is going
    output reg  [         7:0] formal_held,    // rounds that have come and not gone
    output wire [         7:0] formal_source   // which word of its round goes next
`endif
);
    function integer extent(input integer level);
        case (level)
            0: extent = EXTENT_0;
            1: extent = EXTENT_1;
            2: extent = EXTENT_2;
            3: extent = EXTENT_3;
            default: extent = EXTENT_4;
        endcase
    endfunction

    function integer around(input integer words);  // the ring from 0 to DEPTH - 1
        around = ((words % DEPTH) + DEPTH) % DEPTH;
    endfunction

    // From the last iteration of all inner loops to the next one of a loop.
    localparam integer STEP_0 = STRIDE_0;
    localparam integer STEP_1 = STRIDE_1 - (EXTENT_0 - 1) * STRIDE_0;
    localparam integer STEP_2 = STRIDE_2 - (EXTENT_1 - 1) * STRIDE_1 - (EXTENT_0 - 1) * STRIDE_0;
    localparam integer BACK_2 = (EXTENT_2 - 1) * STRIDE_2 + (EXTENT_1 - 1) * STRIDE_1 + (EXTENT_0 - 1) * STRIDE_0;
    localparam integer STEP_3 = STRIDE_3 - BACK_2;
    localparam integer STEP_4 = STRIDE_4 - BACK_2 - (EXTENT_3 - 1) * STRIDE_3;
    localparam integer STEP_5 = PERIOD - BACK_2 - (EXTENT_3 - 1) * STRIDE_3 - (EXTENT_4 - 1) * STRIDE_4;

    localparam integer ADDRESS_BITS = $clog2(DEPTH);
    localparam [31:0] FINAL = DEPTH - 1;

    (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
    reg  [       WIDTH-1:0] words[0:DEPTH-1];
    reg  [       WIDTH-1:0] out_q;
    reg                     valid_q;
    reg  [ADDRESS_BITS-1:0] write_q;
    reg  [ADDRESS_BITS-1:0] read_q;
    reg  [    COUNT_BITS:0] ahead_q;  // words that came from the next one to be read on, less one; its top bit: none
    reg  [    COUNT_BITS:0] room_q;   // free places, less one; its top bit: none
    wire                    advance = !valid_q || out_ready;
    wire                    fetch = advance && !ahead_q[COUNT_BITS];
    wire                    put = in_valid && in_ready;

    assign in_ready  = !room_q[COUNT_BITS];
    assign out_word  = out_q;
    assign out_valid = valid_q;

    // The loops.
    genvar level;
    generate
        for (level = 0; level < 5; level = level + 1) begin : loop
            localparam [4:0] INNER = (5'd1 << level) - 5'd1;  // the loops inside of this one
            if (extent(level) == 1) begin : once
                assign last[level] = 1'b1;
                wire unused_inner = INNER[0];
`ifdef FORMAL
                assign formal_counts[8*level+:8] = 8'd0;
`endif
            end else begin : often
                localparam integer BITS = $clog2(extent(level));
                localparam [31:0] END = extent(level) - 1;
                reg [BITS-1:0] count_q;
                assign last[level] = count_q == END[BITS-1:0];
                always @(posedge clk) begin
                    if (rst) count_q <= {BITS{1'b0}};
                    else if (fetch && (last & INNER) == INNER) count_q <= last[level] ? {BITS{1'b0}} : count_q + 1'b1;
                end
`ifdef FORMAL
                assign formal_counts[8*level+:8] = count_q;
`endif
            end
        end
    endgenerate

    // The word after this one: how far away it is, and how far in the ring.
    wire [31:0] step = !last[0] ? STEP_0 : !last[1] ? STEP_1 : !last[2] ? STEP_2 : !last[3] ? STEP_3 :
                       !last[4] ? STEP_4 : STEP_5;
    wire [31:0] jump = !last[0] ? around(STEP_0) : !last[1] ? around(STEP_1) : !last[2] ? around(STEP_2) :
                       !last[3] ? around(STEP_3) : !last[4] ? around(STEP_4) : around(STEP_5);
    wire [ADDRESS_BITS-1:0] next;
    wire                    unused = &{1'b0, step, jump};

    generate
        if (DEPTH == (1 << ADDRESS_BITS)) begin : binary
            assign next = read_q + jump[ADDRESS_BITS-1:0];
        end else begin : any
            wire [31:0]           back = !last[0] ? around(STEP_0) - DEPTH : !last[1] ? around(STEP_1) - DEPTH :
                                         !last[2] ? around(STEP_2) - DEPTH : !last[3] ? around(STEP_3) - DEPTH :
                                         !last[4] ? around(STEP_4) - DEPTH : around(STEP_5) - DEPTH;
            wire [ADDRESS_BITS:0] below = {1'b0, read_q} + back[ADDRESS_BITS:0];
            assign next = below[ADDRESS_BITS] ? read_q + jump[ADDRESS_BITS-1:0] : below[ADDRESS_BITS-1:0];
            wire unused_back = &{1'b0, back};
        end
    endgenerate

    always @(posedge clk) begin
        if (put) words[write_q] <= in_word;
        if (fetch) out_q <= words[read_q];
    end

    always @(posedge clk) begin
        if (rst) begin
            valid_q <= 1'b0;
            write_q <= {ADDRESS_BITS{1'b0}};
            read_q  <= {ADDRESS_BITS{1'b0}};
            ahead_q <= {(COUNT_BITS + 1) {1'b1}};
            room_q  <= FINAL[COUNT_BITS:0];
        end else begin
            if (advance) valid_q <= fetch;
            if (put) write_q <= write_q == FINAL[ADDRESS_BITS-1:0] ? {ADDRESS_BITS{1'b0}} : write_q + 1'b1;
            if (fetch) read_q <= next;
            ahead_q <= ahead_q - (fetch ? step[COUNT_BITS:0] : {(COUNT_BITS + 1) {1'b0}}) + {{COUNT_BITS{1'b0}}, put};
            room_q  <= room_q + (fetch ? freed : {(COUNT_BITS + 1) {1'b0}}) - {{COUNT_BITS{1'b0}}, put};
        end
    end

`ifdef FORMAL
    // Word `slot` of one round (the solver chooses which) is marked and carries `word`; `before` rounds go before it.
    (* anyconst *) reg [7:0]       slot;
    (* anyconst *) reg [WIDTH-1:0] word;
    (* anyseq *)   reg             mark;
    reg             started = 1'b0;
    reg             past = 1'b0;  // the last cycle was one without reset
    reg             stalled;      // the last cycle offered a word that was not taken
    reg             waited;       // the last cycle offered nothing
    reg             available;    // and the next word to go was inside
    reg [WIDTH-1:0] offered;
    reg [7:0]       before;
    reg             live;         // the marked word is inside

    localparam integer SENT = EXTENT_0 * EXTENT_1 * EXTENT_2 * EXTENT_3 * EXTENT_4;  // words out of a round
    function [7:0] source_of(input [7:0] number);
        source_of = (number % EXTENT_0) * STRIDE_0 + (number / EXTENT_0 % EXTENT_1) * STRIDE_1 +
                    (number / (EXTENT_0 * EXTENT_1) % EXTENT_2) * STRIDE_2 +
                    (number / (EXTENT_0 * EXTENT_1 * EXTENT_2) % EXTENT_3) * STRIDE_3 +
                    (number / (EXTENT_0 * EXTENT_1 * EXTENT_2 * EXTENT_3) % EXTENT_4) * STRIDE_4;
    endfunction

    wire       take = valid_q && out_ready;
    wire       came_all = put && formal_came == PERIOD - 1;
    wire       went_all = take && formal_went == SENT - 1;
    wire       inside_next = formal_held != 0 || formal_source < formal_came;  // the word that goes next has come
    assign formal_put    = put;
    assign formal_source = source_of(formal_went);

    // For the induction: the next word to be read is that after the output word; where the marked word stands.
    wire [7:0] index = formal_counts[7:0] + EXTENT_0 * (formal_counts[15:8] + EXTENT_1 * (formal_counts[23:16] +
                       EXTENT_2 * (formal_counts[31:24] + EXTENT_3 * formal_counts[39:32])));
    wire       gone = valid_q && index == 0;  // the output word ends a round that is read
    wire [7:0] room = {{(8 - COUNT_BITS) {room_q[COUNT_BITS]}}, room_q[COUNT_BITS-1:0]};
    wire [7:0] ahead = {{(8 - COUNT_BITS) {ahead_q[COUNT_BITS]}}, ahead_q[COUNT_BITS-1:0]};
    wire [7:0] stored = DEPTH - 1 - room;
    wire [7:0] offset = stored - 1 - ahead;  // of the next word to be read, from the oldest
    wire [7:0] oldest_place = (read_q + DEPTH - offset) % DEPTH;
    wire [7:0] mark_offset = (before - gone) * PERIOD + slot - formal_oldest;

    always @* begin
        assume (slot < PERIOD);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= valid_q && !out_ready;
        waited  <= !valid_q;
        available <= inside_next;
        offered <= out_word;
        if (rst) begin
            formal_came <= 8'd0;
            formal_went <= 8'd0;
            formal_held <= 8'd0;
            live        <= 1'b0;
        end else begin
            if (put) formal_came <= formal_came == PERIOD - 1 ? 8'd0 : formal_came + 8'd1;
            if (take) formal_went <= formal_went == SENT - 1 ? 8'd0 : formal_went + 8'd1;
            formal_held <= formal_held + came_all - went_all;
            if (live && went_all) begin
                if (before == 8'd0) live <= 1'b0;
                before <= before - 8'd1;
            end
            if (!live && put && mark && formal_came == slot && in_word == word) begin
                live   <= 1'b1;
                before <= formal_held - went_all;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: no word before it came; a word that is there is offered at the latest a cycle later; no deadlock
        assert (formal_came < PERIOD && formal_went < SENT && !formal_held[7]);
        if (valid_q) assert (inside_next);
        if (past && waited && available) assert (valid_q);
        assert (in_ready || inside_next);
        // marked: the word arrives wherever it belongs
        if (live && before == 8'd0 && valid_q && formal_source == slot) assert (out_word == word);
        // stable: the payload is held while stalled
        if (past && stalled) assert (valid_q && out_word == offered);

        // for the induction
        assert (formal_counts[7:0] < EXTENT_0 && formal_counts[15:8] < EXTENT_1 && formal_counts[23:16] < EXTENT_2);
        assert (formal_counts[31:24] < EXTENT_3 && formal_counts[39:32] < EXTENT_4);
        assert (formal_went == (!valid_q ? index : index == 0 ? SENT - 1 : index - 1));
        assert (stored <= DEPTH && offset < DEPTH && read_q < DEPTH && write_q < DEPTH);
        assert (write_q == (oldest_place + stored) % DEPTH);
        assert (formal_held >= gone && formal_oldest + stored == (formal_held - gone) * PERIOD + formal_came);
        assert (formal_oldest + offset == source_of(index));
        assert (!(put && fetch && read_q == write_q));
        if (live) assert (before <= formal_held && (before < formal_held || slot < formal_came));
        if (live && before >= gone && !mark_offset[7])
            assert (mark_offset < stored && words[(oldest_place+mark_offset)%DEPTH] == word);
    end
`endif
endmodule

`default_nettype wire
