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
    input  wire                formal_live,   // a word of interest is inside,
    input  wire [         7:0] formal_place,  // so many places after the oldest,
    input  wire [   WIDTH-1:0] formal_word,   // with this value
    output wire                formal_put,
    output wire                formal_fetch,
    output wire [         7:0] formal_stored,
    output wire [         7:0] formal_offset,   // of the next word to be read, from the oldest
    output wire [         7:0] formal_position, // of the next word to be read, in its round
    output wire [        39:0] formal_counts
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
    wire [5:0] turn;  // all loops inside of this one end
    assign turn[0] = fetch;
    genvar level;
    generate
        for (level = 0; level < 5; level = level + 1) begin : loop
            assign turn[level+1] = turn[level] && last[level];
            if (extent(level) == 1) begin : once
                assign last[level] = 1'b1;
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
                    else if (turn[level]) count_q <= last[level] ? {BITS{1'b0}} : count_q + 1'b1;
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
    wire                    unused = &{1'b0, turn[5], step, jump};

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
    // What the proof of the owner builds on. `started` is for the state before the first reset.
    reg        started = 1'b0;
    wire [7:0] room = {{(7 - COUNT_BITS) {room_q[COUNT_BITS]}}, room_q};
    wire [7:0] ahead = {{(7 - COUNT_BITS) {ahead_q[COUNT_BITS]}}, ahead_q};
    wire [7:0] oldest = (read_q + DEPTH - formal_offset) % DEPTH;
    assign formal_put      = put;
    assign formal_fetch    = fetch;
    assign formal_stored   = DEPTH - 1 - room;
    assign formal_offset   = formal_stored - 1 - ahead;
    assign formal_position = formal_counts[7:0] * STRIDE_0 + formal_counts[15:8] * STRIDE_1 + formal_counts[23:16] * STRIDE_2 +
                             formal_counts[31:24] * STRIDE_3 + formal_counts[39:32] * STRIDE_4;
    always @(posedge clk) started <= 1'b1;
    always @* if (started && !rst) begin
        assert (formal_counts[7:0] < EXTENT_0 && formal_counts[15:8] < EXTENT_1 && formal_counts[23:16] < EXTENT_2);
        assert (formal_counts[31:24] < EXTENT_3 && formal_counts[39:32] < EXTENT_4);
        assert (formal_stored <= DEPTH && formal_offset < DEPTH && read_q < DEPTH && write_q < DEPTH);
        assert (write_q == (oldest + formal_stored) % DEPTH);
        assert (!(put && fetch && read_q == write_q));
        if (fetch) assert (freed <= formal_stored);
        if (formal_live) assert (formal_place < formal_stored && words[(oldest+formal_place)%DEPTH] == formal_word);
    end
`endif
endmodule

`default_nettype wire
