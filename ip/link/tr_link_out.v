// SPDX-License-Identifier: Apache-2.0
//
// tr_link_out: the words of a stream that leaves a design to the payload of packets.
//
// A packet is asked for when all of its bytes are in the ring, so that none stops half way: PACKET_BYTES of a frame, or
// what is left of it.
// Latency   a cycle a byte.
// Handshake AXI-Stream. `payload` is the oldest byte of the ring, from the second cycle after it became that.
// Reset     synchronous, active high; the ring is empty.
`default_nettype none

module tr_link_out #(
    parameter integer WORD_BYTES   = 1,    // of a word of the stream
    parameter integer FRAME_BYTES  = 1,
    parameter integer PACKET_BYTES = 256,  // of the longest packet, at most 2**DEPTH_BITS
    parameter integer DEPTH_BITS   = 9     // the ring holds 2**DEPTH_BITS bytes
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [8*WORD_BYTES-1:0] s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,
    output wire                    packet_wanted,
    output wire [            15:0] packet_length,
    input  wire                    packet_begun,   // the packet that is wanted is being sent
    output wire [             7:0] payload,
    input  wire                    next            // payload has gone
);
    localparam integer BYTES = 1 << DEPTH_BITS;
    localparam integer HAVE_BITS = $clog2(WORD_BYTES + 1);
    localparam integer LEFT_BITS = $clog2(FRAME_BYTES + 1);
    localparam integer MOST = FRAME_BYTES < PACKET_BYTES ? FRAME_BYTES : PACKET_BYTES;

    reg  [             7:0] memory[0:BYTES-1];
    reg  [    DEPTH_BITS:0] tail_q;     // where the next byte goes
    reg  [    DEPTH_BITS:0] head_q;     // the oldest byte
    reg  [             7:0] payload_q;
    reg  [8*WORD_BYTES-1:0] word_q;
    reg  [   HAVE_BITS-1:0] have_q;     // bytes of word_q that are not in the ring
    reg  [   LEFT_BITS-1:0] left_q;     // bytes of the frame that no packet has taken
    reg  [    DEPTH_BITS:0] claimed_q;  // behind the bytes that packets have taken

    wire [DEPTH_BITS:0] held = tail_q - head_q;
    wire [DEPTH_BITS:0] free_for_packet = tail_q - claimed_q;
    wire                full = held == BYTES[DEPTH_BITS:0];
    wire                put = have_q != {HAVE_BITS{1'b0}} && !full;
    wire                short_rest = left_q < MOST[LEFT_BITS-1:0];
    wire [LEFT_BITS-1:0] length = short_rest ? left_q : MOST[LEFT_BITS-1:0];
    wire [        31:0] length_wide = {{(32 - LEFT_BITS) {1'b0}}, length};
    wire [        31:0] free_wide = {{(31 - DEPTH_BITS) {1'b0}}, free_for_packet};
    wire [8*WORD_BYTES+7:0] shifted = {8'd0, word_q};
    wire unused_shifted = &{1'b0, shifted[7:0]};

    assign s_axis_tready = have_q == {HAVE_BITS{1'b0}};
    assign packet_wanted = free_wide >= length_wide;
    assign packet_length = length_wide[15:0];
    assign payload       = payload_q;

    always @(posedge clk) begin
        if (put) memory[tail_q[DEPTH_BITS-1:0]] <= word_q[7:0];
        payload_q <= memory[head_q[DEPTH_BITS-1:0]];
        if (s_axis_tready) word_q <= s_axis_tdata;
        else if (put) word_q <= shifted[8*WORD_BYTES+7:8];
        if (rst) begin
            tail_q    <= {(DEPTH_BITS + 1) {1'b0}};
            head_q    <= {(DEPTH_BITS + 1) {1'b0}};
            claimed_q <= {(DEPTH_BITS + 1) {1'b0}};
            have_q    <= {HAVE_BITS{1'b0}};
            left_q    <= FRAME_BYTES[LEFT_BITS-1:0];
        end else begin
            if (s_axis_tready && s_axis_tvalid) have_q <= WORD_BYTES[HAVE_BITS-1:0];
            else if (put) have_q <= have_q - 1'b1;
            if (put) tail_q <= tail_q + 1'b1;
            if (next) head_q <= head_q + 1'b1;
            if (packet_begun) begin
                claimed_q <= claimed_q + length_wide[DEPTH_BITS:0];
                left_q    <= left_q == length ? FRAME_BYTES[LEFT_BITS-1:0] : left_q - length;
            end
        end
    end

`ifdef FORMAL
    // What packets claim is in the ring, whole, and no byte is written over before it went.
    reg                 started = 1'b0;
    wire [DEPTH_BITS:0] owed = claimed_q - head_q;  // bytes of packets that have begun and not gone
    always @* begin
        if (!started) assume (rst);
        if (packet_begun) assume (packet_wanted && owed == 0);  // one packet at a time
        if (next) assume (owed != 0);
    end
    always @(posedge clk) started <= 1'b1;
    always @* if (started && !rst) begin
        assert (held <= BYTES);
        assert (owed <= held);
        assert (left_q != 0 && left_q <= FRAME_BYTES);
        assert (have_q <= WORD_BYTES);
        if (packet_wanted) assert (packet_length != 0 && packet_length <= PACKET_BYTES);
    end
`endif
endmodule

`default_nettype wire
