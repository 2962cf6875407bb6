// SPDX-License-Identifier: Apache-2.0
//
// tr_link_in: the payload of packets to the words of a stream that enters a design.
//
// Payload goes into a ring of bytes and counts when its packet is committed; an aborted one leaves no trace.
// With MARKED, every frame begins with a byte whose lowest bit is tuser of its first word.
// Latency   two cycles a byte.
// Handshake AXI-Stream: the payload is held while tvalid && !tready.
// Reset     synchronous, active high; the ring is empty.
`default_nettype none

module tr_link_in #(
    parameter integer WORD_BYTES = 1,   // of a word of the stream
    parameter integer WORDS      = 1,   // of a frame
    parameter integer MARKED     = 0,   // 1: the stream has a tuser
    parameter integer DEPTH_BITS = 11   // the ring holds 2**DEPTH_BITS bytes, at most 2**15
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [             7:0] payload_data,
    input  wire                    payload_valid,
    input  wire                    commit,
    input  wire                    discard,
    output wire                    overflow,       // the packet that is not yet committed did not fit
    output wire [            15:0] taken,          // bytes that left the ring, modulo 2**16
    output wire                    credit_wanted,  // a quarter of the ring was taken since the last credit
    input  wire                    credit_sent,    // `taken` goes to the host
    output wire [8*WORD_BYTES-1:0] m_axis_tdata,
    output wire                    m_axis_tuser,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);
    localparam integer BYTES = 1 << DEPTH_BITS;
    localparam integer QUARTER = BYTES / 4;
    localparam integer HAVE_BITS = $clog2(WORD_BYTES + 1);
    localparam integer LAST = WORD_BYTES - 1;

    reg [           7:0] memory[0:BYTES-1];
    reg [  DEPTH_BITS:0] tail_q;      // where the next byte of payload goes
    reg [  DEPTH_BITS:0] end_q;       // behind the last byte that counts
    reg [  DEPTH_BITS:0] head_q;      // the next byte to take
    reg                  overflow_q;
    reg [          15:0] taken_q;
    reg [          15:0] sent_q;
    reg [           7:0] data_q;
    reg                  fetched_q;   // data_q is new
    reg [8*WORD_BYTES-1:0] word_q;
    reg [ HAVE_BITS-1:0] have_q;      // bytes in word_q
    reg                  valid_q;
    wire                 mark_next;   // the next byte is a mark

    wire full = tail_q == {~head_q[DEPTH_BITS], head_q[DEPTH_BITS-1:0]};
    wire put = payload_valid && !full;
    wire last = fetched_q && !mark_next && have_q == LAST[HAVE_BITS-1:0];  // the word becomes whole
    wire fetch = head_q != end_q && !valid_q && !last;
    wire [8*WORD_BYTES+7:0] shifted = {data_q, word_q};
    wire unused_shifted = &{1'b0, shifted[7:0]};
    wire sent = valid_q && m_axis_tready;

    assign overflow      = overflow_q;
    assign taken         = taken_q;
    assign credit_wanted = taken_q - sent_q >= QUARTER[15:0];
    assign m_axis_tdata  = word_q;
    assign m_axis_tvalid = valid_q;

    always @(posedge clk) begin
        if (put) memory[tail_q[DEPTH_BITS-1:0]] <= payload_data;
        if (fetch) data_q <= memory[head_q[DEPTH_BITS-1:0]];
        if (fetched_q && !mark_next) word_q <= shifted[8*WORD_BYTES+7:8];
        if (rst) begin
            tail_q     <= {(DEPTH_BITS + 1) {1'b0}};
            end_q      <= {(DEPTH_BITS + 1) {1'b0}};
            head_q     <= {(DEPTH_BITS + 1) {1'b0}};
            overflow_q <= 1'b0;
            taken_q    <= 16'd0;
            sent_q     <= 16'd0;
            fetched_q  <= 1'b0;
            have_q     <= {HAVE_BITS{1'b0}};
            valid_q    <= 1'b0;
        end else begin
            if (commit) end_q <= tail_q;
            if (discard) tail_q <= end_q;
            else if (put) tail_q <= tail_q + 1'b1;
            if (commit || discard) overflow_q <= 1'b0;
            else if (payload_valid && full) overflow_q <= 1'b1;
            if (credit_sent) sent_q <= taken_q;
            fetched_q <= fetch;
            if (fetch) begin
                head_q  <= head_q + 1'b1;
                taken_q <= taken_q + 16'd1;
            end
            if (fetched_q && !mark_next) have_q <= last ? {HAVE_BITS{1'b0}} : have_q + 1'b1;
            if (last) valid_q <= 1'b1;
            else if (m_axis_tready) valid_q <= 1'b0;
        end
    end

    generate
        if (MARKED != 0) begin : g_marked
            localparam integer COUNT_BITS = $clog2(WORDS + 1);
            reg [COUNT_BITS-1:0] count_q;  // words of the frame that are sent
            reg                  mark_q;
            reg                  known_q;  // the mark of the frame has come
            assign mark_next    = !known_q;
            assign m_axis_tuser = mark_q && count_q == {COUNT_BITS{1'b0}};
            always @(posedge clk) begin
                if (fetched_q && !known_q) mark_q <= data_q[0];
                if (rst) begin
                    count_q <= {COUNT_BITS{1'b0}};
                    known_q <= 1'b0;
                end else begin
                    if (fetched_q && !known_q) known_q <= 1'b1;
                    if (sent) begin
                        count_q <= count_q + 1'b1;
                        if (count_q == WORDS[COUNT_BITS-1:0] - 1'b1) begin
                            count_q <= {COUNT_BITS{1'b0}};
                            known_q <= 1'b0;
                        end
                    end
                end
            end
        end else begin : g_plain
            assign mark_next    = 1'b0;
            assign m_axis_tuser = 1'b0;
            wire unused_words = &{1'b0, sent, WORDS[0]};
        end
    endgenerate

`ifdef FORMAL
    // A byte leaves the ring only when its packet is committed, and none is written over before it left.
    reg                started = 1'b0;
    wire [DEPTH_BITS:0] counted = end_q - head_q;   // bytes that count
    wire [DEPTH_BITS:0] held = tail_q - head_q;     // those of the packet on its way among them
    reg  [DEPTH_BITS:0] promised;                   // bytes committed that have not left, as a witness counts them
    reg  [DEPTH_BITS:0] pending;                    // bytes put since the last verdict
    always @* begin
        if (!started) assume (rst);
        assume (!(commit && discard));
        if (commit) assume (!payload_valid);
    end
    always @(posedge clk) begin
        started <= 1'b1;
        if (rst) begin
            promised <= 0;
            pending  <= 0;
        end else begin
            promised <= promised + (commit ? pending : 0) - fetch;
            pending  <= commit || discard ? 0 : pending + put;
        end
    end
    always @* if (started && !rst) begin
        assert (held <= BYTES);
        assert (counted <= held);
        assert (counted == promised);
        assert (held - counted == pending);
        if (fetch) assert (promised != 0);
        if (valid_q) assert (!fetch);
    end
    always @* if (started) assert (have_q < WORD_BYTES || rst);
`endif
endmodule

`default_nettype wire
