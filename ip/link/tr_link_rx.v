// SPDX-License-Identifier: Apache-2.0
//
// tr_link_rx: packets out of a run of bytes: delimiters, escapes and CRC-32 are taken off and checked.
//
// A packet is header, sequence number, payload and CRC, between bytes END; END and ESC inside are escaped as in RFC 1055.
// The payload comes before the verdict: what takes it keeps it apart until `good` or `bad`.
// Latency   `good` or `bad` comes with the byte END that closes the packet; payload four bytes late.
// Handshake none: everything is there for one cycle.
// Reset     synchronous, active high.
`default_nettype none

module tr_link_rx #(
    parameter integer PAYLOAD_BYTES = 256  // of the longest packet
) (
    input  wire        clk,
    input  wire        rst,
    input  wire [ 7:0] byte_data,
    input  wire        byte_valid,
    input  wire        byte_broken,
    output wire [ 7:0] header,         // holds with the payload, and with good
    output wire [ 7:0] sequence_number,
    output wire [15:0] length,         // bytes of payload, with good
    output wire [ 7:0] payload_data,
    output wire        payload_valid,
    output wire        good,           // a whole packet came
    output wire        bad,            // something else came
    output wire [ 7:0] fault           // why, with bad
);
    localparam [7:0] END = 8'hc0, ESC = 8'hdb, ESC_END = 8'hdc, ESC_ESC = 8'hdd;
    localparam [7:0] BROKEN = 8'd1, TOO_LONG = 8'd2, TOO_SHORT = 8'd3, CHECKSUM = 8'd4;
    localparam [31:0] RESIDUE = 32'hdebb20e3;  // the register after a packet and its CRC
    localparam integer MOST = PAYLOAD_BYTES + 6;

    reg  [15:0] count_q;    // bytes since the packet began, the CRC among them
    reg  [31:0] crc_q;
    reg  [31:0] delay_q;    // the last four bytes, which may be the CRC
    reg  [ 7:0] header_q;
    reg  [ 7:0] sequence_q;
    reg         escaped_q;
    reg         broken_q;
    reg         long_q;

    wire        closing = byte_valid && byte_data == END;
    wire        escape = byte_valid && byte_data == ESC && !escaped_q;
    wire        unescapable = escaped_q && byte_data != ESC_END && byte_data != ESC_ESC;
    wire        take = byte_valid && !closing && !escape && !unescapable;
    wire [ 7:0] char = !escaped_q ? byte_data : byte_data == ESC_END ? END : ESC;
    wire        full = count_q == MOST[15:0];
    wire [31:0] crc_next;

    wire [ 7:0] found = broken_q || escaped_q ? BROKEN
        : long_q ? TOO_LONG
        : count_q < 16'd6 ? TOO_SHORT
        : crc_q != RESIDUE ? CHECKSUM : 8'd0;

    assign header          = header_q;
    assign sequence_number = sequence_q;
    assign length          = count_q - 16'd6;
    assign payload_data    = delay_q[7:0];
    assign payload_valid   = take && count_q >= 16'd6 && !full;
    assign good            = closing && found == 8'd0;
    assign bad             = closing && found != 8'd0 && (count_q != 16'd0 || broken_q || escaped_q);
    assign fault           = found;

    tr_crc32 crc32 (
        .crc(crc_q),
        .data(char),
        .crc_next(crc_next)
    );

    always @(posedge clk) begin
        if (rst || closing) begin
            count_q   <= 16'd0;
            crc_q     <= 32'hffffffff;
            escaped_q <= 1'b0;
            broken_q  <= 1'b0;
            long_q    <= 1'b0;
        end else begin
            if (byte_broken || (byte_valid && unescapable)) broken_q <= 1'b1;
            if (byte_valid) escaped_q <= escape;
            if (take) begin
                crc_q   <= crc_next;
                delay_q <= {char, delay_q[31:8]};
                if (full) long_q <= 1'b1;
                else count_q <= count_q + 16'd1;
                if (count_q == 16'd4) header_q <= delay_q[7:0];
                if (count_q == 16'd5) sequence_q <= delay_q[7:0];
            end
        end
    end
endmodule

`default_nettype wire
