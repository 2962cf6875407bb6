// SPDX-License-Identifier: Apache-2.0
//
// tr_permute: sends the WORDS words of a frame in another order, any one that is known when the design is made; holds
// two frames, so that the next one comes in while this one goes out.
//
// Latency   2 cycles from the word that goes first, which is word FIRST of the frame: FIRST + 2 from the first that comes.
// Rate      a word in and a word out every cycle.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a function of registers only: low
//           while two frames are inside, until the last word of the older one is read. A word goes as soon as it has
//           come, even if the rest of its frame has not.
// Memory    2 * WORDS words of WIDTH bits, read synchronously (block RAM or LUTRAM), whose read register is the output
//           word; and the order, WORDS numbers, which is read ahead: a register is between it and all logic.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_permute #(
    parameter integer WIDTH = 8,  // bits of a word, at least 1
    parameter integer WORDS = 4,  // words of a frame, at least 1
    parameter integer FIRST = 0,  // word 0 of the order, which nothing has read yet after reset
    parameter ORDER_FILE = ""     // for each word that goes, its number among those that come: each number once
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);
    localparam integer PLACE_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam integer ADDRESS_BITS = $clog2(2 * WORDS);
    localparam integer SECOND = 1 % WORDS;
    localparam integer FINAL = WORDS - 1;

    // Word n of a frame is at place 2n or 2n + 1: the two frames are interleaved, so that no address is a sum. `full_q`
    // frames are whole and not yet read to their end; the one that comes in is written beside these.
    (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
    reg  [     WIDTH-1:0] words[0:2*WORDS-1];
    reg  [     WIDTH-1:0] out_q;
    reg                   valid_q;
    reg  [PLACE_BITS-1:0] count_q;   // words of the frame that comes in
    reg  [           1:0] full_q;
    reg                   odd_q;     // the frame that goes out is at the odd places
    reg  [PLACE_BITS-1:0] source_q;  // the number of the word to be read,
    wire [PLACE_BITS-1:0] source_d;  // of the one after it,
    reg  [PLACE_BITS-1:0] after_q;   // and the place in the order of the one after that
    reg                   ahead_q;   // source_d is read
    wire                  there = full_q != 2'd0 || source_q < count_q;
    wire                  advance = !valid_q || m_axis_tready;
    wire                  fetch = advance && there;
    wire                  put = s_axis_tvalid && s_axis_tready;
    wire                  frame_in = put && count_q == FINAL[PLACE_BITS-1:0];
    wire                  frame_out = fetch && after_q == SECOND[PLACE_BITS-1:0];
    wire                  next = fetch || !ahead_q;  // a word is there one cycle after reset at the earliest
    wire [PLACE_BITS:0]   write_address = {count_q, odd_q ^ full_q[0]};
    wire [PLACE_BITS:0]   read_address = {source_q, odd_q};

    assign s_axis_tready = full_q != 2'd2;
    assign m_axis_tdata  = out_q;
    assign m_axis_tvalid = valid_q;

    always @(posedge clk) begin
        if (put) words[write_address[ADDRESS_BITS-1:0]] <= s_axis_tdata;
        if (fetch) out_q <= words[read_address[ADDRESS_BITS-1:0]];
    end

    always @(posedge clk) begin
        if (rst) begin
            valid_q  <= 1'b0;
            count_q  <= {PLACE_BITS{1'b0}};
            full_q   <= 2'd0;
            odd_q    <= 1'b0;
            source_q <= FIRST[PLACE_BITS-1:0];
            after_q  <= SECOND[PLACE_BITS-1:0];
            ahead_q  <= 1'b0;
        end else begin
            if (advance) valid_q <= there;
            if (put) count_q <= count_q == FINAL[PLACE_BITS-1:0] ? {PLACE_BITS{1'b0}} : count_q + 1'b1;
            if (frame_in && !frame_out) full_q <= full_q + 1'b1;
            if (frame_out && !frame_in) full_q <= full_q - 1'b1;
            if (frame_out) odd_q <= !odd_q;
            if (fetch) source_q <= source_d;
            if (next) after_q <= after_q == FINAL[PLACE_BITS-1:0] ? {PLACE_BITS{1'b0}} : after_q + 1'b1;
            ahead_q <= 1'b1;
        end
    end

`ifdef FORMAL
    (* anyconst *) reg [WORDS*PLACE_BITS-1:0] all_sources;
`endif

    tr_rom #(
        .BITS        (PLACE_BITS),
        .DEPTH       (WORDS),
        .ADDRESS_BITS(PLACE_BITS),
        .STYLE       (0),
        .FILE        (ORDER_FILE)
    ) order (
        .clk     (clk),
        .enable  (next),
        .address (after_q),
`ifdef FORMAL
        .contents(all_sources),
`endif
        .data    (source_d)
    );

    wire unused = &{1'b0, write_address, read_address};

`ifdef FORMAL
    // Word `slot` of one frame (the solver chooses which) is marked and carries `word`; `before` frames go before it.
    // The order is any in which the last word that comes has a place; so a frame that is read to its end is whole.
    (* anyconst *) reg [7:0]       slot;
    (* anyconst *) reg [7:0]       place_of_final;
    (* anyconst *) reg [WIDTH-1:0] word;
    (* anyseq *)   reg             mark;
    reg             started = 1'b0;
    reg             past = 1'b0;  // the last cycle was one without reset
    reg             stalled;      // the last cycle offered a word that was not taken
    reg             waited;       // the last cycle offered nothing
    reg             available;    // and the next word to go was inside
    reg [WIDTH-1:0] offered;
    reg [7:0]       came;         // words in, of the frame that is coming
    reg [7:0]       went;         // words out, of the frame that is going
    reg [7:0]       held;         // frames that have come and not gone
    reg [7:0]       before;
    reg             live;         // the marked word is inside
    integer         index;

    function [7:0] source_of(input [7:0] place, input [WORDS*PLACE_BITS-1:0] sources);
        reg [WORDS*PLACE_BITS-1:0] shifted;
        begin
            shifted = sources >> (place * PLACE_BITS);
            source_of = {{(8 - PLACE_BITS) {1'b0}}, shifted[PLACE_BITS-1:0]};
        end
    endfunction

    wire       take = m_axis_tvalid && m_axis_tready;
    wire       came_all = put && came == WORDS - 1;
    wire       went_all = take && went == WORDS - 1;
    wire [7:0] going = source_of(went, all_sources);       // the number of the word that goes next
    wire       going_inside = held != 0 || going < came;

    // For the induction: the words read are those that went and the one in the output register; where the marked
    // word stands.
    wire [7:0] place = ahead_q ? (after_q + 2 * WORDS - 2) % WORDS : 8'd0;  // in the order, of the next word to be read
    wire       gone = valid_q && place == 0;               // the output word ends a frame that is read
    wire [7:0] read_before = before - {7'd0, gone};        // frames to read before the marked one
    wire [7:0] mark_address = 2 * slot + (odd_q ^ read_before[0]);

    always @* begin
        assume (slot < WORDS && place_of_final < WORDS);
        assume (source_of(0, all_sources) == FIRST && source_of(place_of_final, all_sources) == WORDS - 1);
        for (index = 0; index < WORDS; index = index + 1) assume (source_of(index, all_sources) < WORDS);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        waited  <= !m_axis_tvalid;
        available <= going_inside;
        offered <= m_axis_tdata;
        if (rst) begin
            came <= 8'd0;
            went <= 8'd0;
            held <= 8'd0;
            live <= 1'b0;
        end else begin
            if (put) came <= came == WORDS - 1 ? 8'd0 : came + 8'd1;
            if (take) went <= went == WORDS - 1 ? 8'd0 : went + 8'd1;
            held <= held + came_all - went_all;
            if (live && went_all) begin
                if (before == 8'd0) live <= 1'b0;
                before <= before - 8'd1;
            end
            if (!live && put && mark && came == slot && s_axis_tdata == word) begin
                live   <= 1'b1;
                before <= held - went_all;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: no word before it came; a word that is there is offered at the latest a cycle later; two frames fit
        assert (came < WORDS && went < WORDS);
        if (m_axis_tvalid) assert (going_inside);
        if (past && waited && available) assert (m_axis_tvalid);
        if (held < 2) assert (s_axis_tready);
        // marked: the word arrives wherever it belongs
        if (live && before == 8'd0 && m_axis_tvalid && going == slot) assert (m_axis_tdata == word);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);

        // for the induction
        assert (full_q <= 2'd2 && after_q < WORDS && count_q == came && held == full_q + {7'd0, gone});
        assert (source_q == source_of(place, all_sources));
        if (ahead_q) assert (source_d == source_of((place + 1) % WORDS, all_sources));
        else assert (after_q == SECOND && !valid_q && full_q == 0 && came == 0);
        assert (went == (!valid_q ? place : place == 0 ? WORDS - 1 : place - 1));
        for (index = 0; index < WORDS; index = index + 1)
            if (full_q == 0 && index < place) assert (source_of(index, all_sources) < came);
        if (live) assert (before <= held && (before < held || slot < came));
        if (live && before >= gone) assert (words[mark_address] == word);
        assert (!(put && fetch && write_address == read_address));
    end
`endif
endmodule

`default_nettype wire
