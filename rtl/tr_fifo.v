// SPDX-License-Identifier: Apache-2.0
//
// tr_fifo: first in, first out; holds exactly DEPTH words, counting its output register.
//
// Latency   1 cycle at any DEPTH: a word that enters an empty FIFO goes straight to the output register.
// Rate      a word every cycle at any DEPTH, also while full: then a word enters on the edge on which one leaves.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is high while there is room, and
//           follows m_axis_tready while there is none. (DEPTH 1 is a plain register stage.)
// Memory    none for DEPTH 1; a second register for DEPTH 2; up to DEPTH 33 a memory of DEPTH-1 words that is read
//           asynchronously (LUTRAM); above, one of DEPTH-1 words that is read synchronously (block RAM or LUTRAM).
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_fifo #(
    parameter integer WIDTH = 8,  // bits of a word, at least 1
    parameter integer DEPTH = 4   // words, at least 1, any number
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
`ifdef FORMAL
    localparam integer LARGEST_ASYNCHRONOUS_DEPTH = 4;  // so that small proofs reach both memories

    // One word of value `word` is marked as it enters (the solver chooses when); `ahead` words go before it.
    (* anyconst *) reg [WIDTH-1:0] word;
    (* anyseq *)   reg             mark;
    reg             started = 1'b0;
    reg             past = 1'b0;  // the last cycle was one without reset
    reg             stalled;      // the last cycle offered a word that was not taken
    reg [WIDTH-1:0] offered;
    reg [7:0]       held;         // words in minus words out
    reg [7:0]       ahead;
    reg             live;         // the marked word is inside
`else
    localparam integer LARGEST_ASYNCHRONOUS_DEPTH = 33;
`endif

    reg  [WIDTH-1:0] out_q;
    reg              out_valid_q;
    wire             advance = !out_valid_q || m_axis_tready;  // the output register takes the next word
    wire             room;                                     // behind the output register

    assign s_axis_tready = advance || room;
    assign m_axis_tvalid = out_valid_q;
    assign m_axis_tdata  = out_q;

    wire put = s_axis_tvalid && s_axis_tready;

    generate
        if (DEPTH == 1) begin : register
            assign room = 1'b0;
            always @(posedge clk) begin
                if (advance) out_q <= s_axis_tdata;
                if (rst) out_valid_q <= 1'b0;
                else if (advance) out_valid_q <= put;
            end
        end else if (DEPTH == 2) begin : pair
            reg [WIDTH-1:0] second_q;
            reg             second_valid_q;
            assign room = !second_valid_q;
            always @(posedge clk) begin
                if (put) second_q <= s_axis_tdata;
                if (advance) out_q <= second_valid_q ? second_q : s_axis_tdata;
                if (rst) begin
                    out_valid_q    <= 1'b0;
                    second_valid_q <= 1'b0;
                end else if (advance) begin
                    out_valid_q    <= second_valid_q || s_axis_tvalid;
                    second_valid_q <= second_valid_q && s_axis_tvalid;
                end else if (put) begin
                    second_valid_q <= 1'b1;
                end
            end
`ifdef FORMAL
            // For the induction: where the marked word stands.
            always @* if (started && !rst) begin
                assert (held == {7'd0, out_valid_q} + {7'd0, second_valid_q});
                if (live && ahead == 8'd1) assert (second_q == word);
            end
`endif
        end else if (DEPTH <= LARGEST_ASYNCHRONOUS_DEPTH) begin : asynchronous
            // SLOTS is a power of two: it costs no more LUTRAM, and the pointers wrap by themselves.
            localparam integer POINTER_BITS = $clog2(DEPTH - 1);
            localparam integer SLOTS = 1 << POINTER_BITS;
            localparam integer FULL = DEPTH - 1;
            reg [WIDTH-1:0]        memory[0:SLOTS-1];
            reg [POINTER_BITS-1:0] read_q;
            reg [POINTER_BITS-1:0] write_q;
            reg [POINTER_BITS:0]   stored_q;  // words in the memory
            wire                   empty = stored_q == {(POINTER_BITS + 1) {1'b0}};
            wire                   store = put && !(advance && empty);
            wire                   fetch = advance && !empty;
            assign room = stored_q != FULL[POINTER_BITS:0];
            always @(posedge clk) begin
                if (store) memory[write_q] <= s_axis_tdata;
                if (advance) out_q <= empty ? s_axis_tdata : memory[read_q];
                if (rst) begin
                    out_valid_q <= 1'b0;
                    read_q      <= {POINTER_BITS{1'b0}};
                    write_q     <= {POINTER_BITS{1'b0}};
                    stored_q    <= {(POINTER_BITS + 1) {1'b0}};
                end else begin
                    if (advance) out_valid_q <= s_axis_tvalid || !empty;
                    if (store) write_q <= write_q + 1'b1;
                    if (fetch) read_q <= read_q + 1'b1;
                    if (store && !fetch) stored_q <= stored_q + 1'b1;
                    if (fetch && !store) stored_q <= stored_q - 1'b1;
                end
            end
`ifdef FORMAL
            // For the induction: where the marked word stands.
            wire [POINTER_BITS-1:0] place = read_q + ahead - 1;
            always @* if (started && !rst) begin
                assert (held == {7'd0, out_valid_q} + stored_q);
                assert (out_valid_q || empty);
                assert (write_q == (read_q + stored_q) % SLOTS);
                if (live && ahead != 8'd0) assert (memory[place] == word);
            end
`endif
        end else begin : synchronous
            // Second in line behind the output register is what was read from the memory (`read_data_q`) or, if the
            // memory was empty, what came in (`bypass_q`). So the memory's read register costs no cycle and no word.
            // One slot more than words stored: a word is never written to the place that is being read.
            localparam integer SLOTS = DEPTH - 1;
            localparam integer POINTER_BITS = $clog2(SLOTS);
            localparam integer FULL = DEPTH - 2;
            localparam integer FINAL = SLOTS - 1;
            (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
            reg [WIDTH-1:0]        memory[0:SLOTS-1];
            reg [WIDTH-1:0]        read_data_q;
            reg [WIDTH-1:0]        bypass_q;
            reg                    second_valid_q;
            reg                    from_memory_q;  // the second word is in read_data_q
            reg [POINTER_BITS-1:0] read_q;
            reg [POINTER_BITS-1:0] write_q;
            reg [POINTER_BITS-1:0] stored_q;       // words in the memory
            wire                   empty = stored_q == {POINTER_BITS{1'b0}};
            wire                   second_free = advance || !second_valid_q;
            wire                   fetch = second_free && !empty;
            wire                   first = advance && !second_valid_q;  // what comes goes to the output register
            wire                   store = put && !first && !(second_free && empty);
            assign room = !second_valid_q || stored_q != FULL[POINTER_BITS-1:0];
            always @(posedge clk) begin
                if (store) memory[write_q] <= s_axis_tdata;
                if (fetch) read_data_q <= memory[read_q];
            end
            always @(posedge clk) begin
                if (second_free) bypass_q <= s_axis_tdata;
                if (advance)
                    out_q <= !second_valid_q ? s_axis_tdata : from_memory_q ? read_data_q : bypass_q;
                if (rst) begin
                    out_valid_q    <= 1'b0;
                    second_valid_q <= 1'b0;
                    from_memory_q  <= 1'b0;
                    read_q         <= {POINTER_BITS{1'b0}};
                    write_q        <= {POINTER_BITS{1'b0}};
                    stored_q       <= {POINTER_BITS{1'b0}};
                end else begin
                    if (advance) out_valid_q <= s_axis_tvalid || second_valid_q;
                    if (second_free) begin
                        second_valid_q <= !empty || (s_axis_tvalid && !first);
                        from_memory_q  <= !empty;
                    end
                    if (store) write_q <= write_q == FINAL[POINTER_BITS-1:0] ? {POINTER_BITS{1'b0}} : write_q + 1'b1;
                    if (fetch) read_q <= read_q == FINAL[POINTER_BITS-1:0] ? {POINTER_BITS{1'b0}} : read_q + 1'b1;
                    if (store && !fetch) stored_q <= stored_q + 1'b1;
                    if (fetch && !store) stored_q <= stored_q - 1'b1;
                end
            end
`ifdef FORMAL
            // For the induction: where the marked word stands.
            wire [7:0] place = (read_q + ahead - 8'd2) % SLOTS;
            always @* if (started && !rst) begin
                assert (held == {7'd0, out_valid_q} + {7'd0, second_valid_q} + stored_q);
                assert (out_valid_q || !second_valid_q);
                assert (second_valid_q || empty);
                assert (!(store && fetch && read_q == write_q));
                assert (read_q < SLOTS && write_q < SLOTS);
                assert (write_q == (read_q + stored_q) % SLOTS);
                if (live && ahead == 8'd1) assert (word == (from_memory_q ? read_data_q : bypass_q));
                if (live && ahead > 8'd1) assert (memory[place[POINTER_BITS-1:0]] == word);
            end
`endif
        end
    endgenerate

`ifdef FORMAL
    wire take = m_axis_tvalid && m_axis_tready;

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            held <= 8'd0;
            live <= 1'b0;
        end else begin
            held <= held + put - take;
            if (live && take) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (!live && put && mark && s_axis_tdata == word) begin
                live  <= 1'b1;
                ahead <= held - take;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: none lost, none doubled; room for exactly DEPTH, and a word on offer whenever there is one
        assert (held <= DEPTH);
        assert (m_axis_tvalid == (held != 8'd0));
        assert (s_axis_tready == (held < DEPTH || m_axis_tready));
        // marked: the word arrives, in order
        if (live) assert (ahead < held);
        if (live && ahead == 8'd0) assert (out_q == word);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
