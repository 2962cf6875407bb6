// SPDX-License-Identifier: Apache-2.0
//
// tr_replay: takes a vector of WORDS words and sends it TIMES times; holds two vectors, so that the next one comes in
// while this one is replayed.
//
// Latency   2 cycles from a word to its first copy, which goes out while the rest of the vector still comes in;
//           1 cycle for TIMES 1, which is a plain register stage.
// Rate      a word out every cycle, WORDS * TIMES a vector; a word in every cycle until both halves are full.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a function of registers only
//           (TIMES > 1): low while two vectors are inside, until the last copy of the older one is read.
// Memory    2 * WORDS words of WIDTH bits, read synchronously (block RAM or LUTRAM); the output word is its read
//           register.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_replay #(
    parameter integer WIDTH = 8,  // bits of a word, at least 1
    parameter integer WORDS = 4,  // words of a vector, at least 1
    parameter integer TIMES = 2   // copies of each vector, at least 1
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
    reg [WIDTH-1:0] out_q;
    reg             valid_q;
    wire            advance = !valid_q || m_axis_tready;
    wire            put = s_axis_tvalid && s_axis_tready;

    assign m_axis_tdata  = out_q;
    assign m_axis_tvalid = valid_q;

`ifdef FORMAL
    // Word `slot` of one vector (the solver chooses which) is marked and carries `word`; `before` vectors go before it.
    (* anyconst *) reg [7:0]       slot;
    (* anyconst *) reg [WIDTH-1:0] word;
    (* anyseq *)   reg             mark;
    reg             started = 1'b0;
    reg             past = 1'b0;  // the last cycle was one without reset
    reg             stalled;      // the last cycle offered a word that was not taken
    reg             waited;       // the last cycle offered nothing
    reg             available;    // and the next word to go was inside
    reg [WIDTH-1:0] offered;
    reg [7:0]       came;         // words in, of the vector that is coming
    reg [7:0]       went;         // words out, of the present copy
    reg [7:0]       copies;       // copies out, of the vector that is going
    reg [7:0]       held;         // vectors that have come and not gone
    reg [7:0]       before;
    reg             live;         // the marked word is inside
`endif

    generate
        if (TIMES == 1) begin : register
            assign s_axis_tready = advance;
            always @(posedge clk) begin
                if (advance) out_q <= s_axis_tdata;
                if (rst) valid_q <= 1'b0;
                else if (advance) valid_q <= put;
            end
`ifdef FORMAL
            // For the induction: the present word is the last that came.
            always @* if (started && !rst) begin
                assert (copies == 8'd0 && held * WORDS + came == went + {7'd0, valid_q});
                assert (held <= 8'd1);
                if (live) assert (before == 8'd0 && (held != 0 || slot < came));
                if (live && went == slot) assert (valid_q && out_q == word);
            end
`endif
        end else begin : memory
            // Two halves of WORDS words; `full_q` of them hold a whole vector that is not yet done with. The vector
            // that comes in is written to the half after these, and may be read up to the place of the next write.
            localparam integer ADDRESS_BITS = $clog2(2 * WORDS);
            localparam integer TIMES_BITS = $clog2(TIMES);
            localparam integer END_LOW = WORDS - 1;        // last address of the lower half
            localparam integer END_HIGH = 2 * WORDS - 1;   // last address of the upper half
            localparam integer FINAL_COPY = TIMES - 1;
            (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
            reg  [WIDTH-1:0]        words[0:2*WORDS-1];
            reg  [ADDRESS_BITS-1:0] write_q;
            reg  [ADDRESS_BITS-1:0] read_q;
            reg                     upper_q;  // the vector that goes out is in the upper half
            reg  [TIMES_BITS-1:0]   copy_q;   // of this copy
            reg  [1:0]              full_q;
            wire                    some = full_q != 2'd0 || read_q != write_q;
            wire                    fetch = advance && some;
            wire                    write_end = write_q == END_LOW[ADDRESS_BITS-1:0] || write_q == END_HIGH[ADDRESS_BITS-1:0];
            wire                    read_end = read_q == (upper_q ? END_HIGH[ADDRESS_BITS-1:0] : END_LOW[ADDRESS_BITS-1:0]);
            wire                    final_copy = copy_q == FINAL_COPY[TIMES_BITS-1:0];
            wire                    vector_in = put && write_end;
            wire                    vector_out = fetch && read_end && final_copy;

            assign s_axis_tready = full_q != 2'd2;

            always @(posedge clk) begin
                if (put) words[write_q] <= s_axis_tdata;
                if (fetch) out_q <= words[read_q];
            end

            always @(posedge clk) begin
                if (rst) begin
                    valid_q <= 1'b0;
                    write_q <= {ADDRESS_BITS{1'b0}};
                    read_q  <= {ADDRESS_BITS{1'b0}};
                    upper_q <= 1'b0;
                    copy_q  <= {TIMES_BITS{1'b0}};
                    full_q  <= 2'd0;
                end else begin
                    if (advance) valid_q <= some;
                    if (put)
                        write_q <= write_q == END_HIGH[ADDRESS_BITS-1:0] ? {ADDRESS_BITS{1'b0}} : write_q + 1'b1;
                    if (fetch) begin
                        // from the end to the begin of this half, or on to the other half
                        if (!read_end || (final_copy && !upper_q)) read_q <= read_q + 1'b1;
                        else read_q <= upper_q && !final_copy ? END_LOW[ADDRESS_BITS-1:0] + 1'b1 : {ADDRESS_BITS{1'b0}};
                        if (read_end) copy_q <= final_copy ? {TIMES_BITS{1'b0}} : copy_q + 1'b1;
                        if (read_end && final_copy) upper_q <= !upper_q;
                    end
                    if (vector_in && !vector_out) full_q <= full_q + 1'b1;
                    if (vector_out && !vector_in) full_q <= full_q - 1'b1;
                end
            end
`ifdef FORMAL
            // For the induction: the words read are those that went and the one in the output register; where the
            // marked word stands.
            wire [7:0] base = upper_q ? WORDS : 0;                     // of the vector that is read
            wire [7:0] read_place = read_q - base;
            wire [7:0] write_base = base + full_q * WORDS >= 2 * WORDS ? base + full_q * WORDS - 2 * WORDS : base + full_q * WORDS;
            wire       gone = valid_q && read_place == 0 && copy_q == 0;  // the output word ends a vector that is read
            wire [7:0] read_before = before - {7'd0, gone};            // vectors to read before the marked one
            wire [7:0] mark_base = read_before[0] ? WORDS - base : base;
            always @* if (started && !rst) begin
                assert (full_q <= 2'd2 && copy_q < TIMES && read_place < WORDS);
                assert (write_q == write_base + came);
                assert (held == full_q + {7'd0, gone});
                if (full_q == 0) assert (copy_q == 0 && read_place <= came);
                if (valid_q) begin
                    assert (went == (read_place == 0 ? WORDS - 1 : read_place - 1));
                    assert (copies == (read_place != 0 ? copy_q : copy_q == 0 ? TIMES - 1 : copy_q - 1));
                end else assert (went == read_place && copies == copy_q);
                if (live) assert (before <= held && (before < held || slot < came));
                if (live && !(gone && before == 0)) assert (words[mark_base + slot] == word);
                if (live && valid_q && before == 0 && slot == went) assert (out_q == word);
                assert (!(put && fetch && read_q == write_q));
            end
`endif
        end
    endgenerate

`ifdef FORMAL
    wire take = m_axis_tvalid && m_axis_tready;
    wire came_all = put && came == WORDS - 1;
    wire went_all = take && went == WORDS - 1 && copies == TIMES - 1;

    always @* begin
        assume (slot < WORDS);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        waited  <= !m_axis_tvalid;
        available <= held != 0 || went < came;
        offered <= m_axis_tdata;
        if (rst) begin
            came   <= 8'd0;
            went   <= 8'd0;
            copies <= 8'd0;
            held   <= 8'd0;
            live   <= 1'b0;
        end else begin
            if (put) came <= came == WORDS - 1 ? 8'd0 : came + 8'd1;
            if (take) begin
                went <= went == WORDS - 1 ? 8'd0 : went + 8'd1;
                if (went == WORDS - 1) copies <= copies == TIMES - 1 ? 8'd0 : copies + 8'd1;
            end
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
        // counted: no word before it came; a word that is there is offered at the latest a cycle later
        assert (came < WORDS && went < WORDS && copies < TIMES);
        if (m_axis_tvalid) assert (held != 0 || (copies == 0 && went < came));
        if (held == 0 && copies == 0 && went == came) assert (!m_axis_tvalid);
        else if (past && waited && available) assert (m_axis_tvalid);
        // marked: the word arrives in its place in every copy
        if (live && before == 8'd0 && m_axis_tvalid && went == slot) assert (m_axis_tdata == word);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
