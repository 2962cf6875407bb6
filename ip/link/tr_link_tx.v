// SPDX-License-Identifier: Apache-2.0
//
// tr_link_tx: a packet as a run of bytes: header, sequence number, payload and CRC-32 between bytes END, escaped.
//
// Latency   the first byte is offered a cycle after start; at most one byte in four cycles.
// Handshake AXI-Stream for the bytes. The payload is asked for: `payload` is the byte to send until `next`, and the one
//           behind it from the third cycle on.
// Reset     synchronous, active high; a packet on its way is cut off, the sequence number begins at 0.
`default_nettype none

module tr_link_tx (
    input  wire        clk,
    input  wire        rst,
    input  wire        start,    // begins a packet, while not busy
    input  wire [ 7:0] header,   // with start
    input  wire [15:0] length,   // of the payload in bytes, with start
    output wire        busy,
    input  wire [ 7:0] payload,
    output wire        next,
    output wire [ 7:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready
);
    localparam [7:0] END = 8'hc0, ESC = 8'hdb, ESC_END = 8'hdc, ESC_ESC = 8'hdd;
    localparam [2:0] IDLE = 3'd0, OPENING = 3'd1, HEADER = 3'd2, SEQUENCE = 3'd3, PAYLOAD = 3'd4, CHECK = 3'd5,
        CLOSING = 3'd6;

    reg  [ 2:0] state_q;
    reg  [ 7:0] header_q;
    reg  [ 7:0] sequence_q;
    reg  [15:0] left_q;    // bytes of payload to send
    reg  [ 1:0] check_q;   // which byte of the CRC
    reg  [31:0] crc_q;
    reg         half_q;    // ESC is sent, its second byte is next
    reg  [ 1:0] settle_q;  // cycles until the payload is that which was asked for
    wire [31:0] crc_next;

    // What the CRC is of, apart from the CRC itself: else its logic would be that of a CRC of a CRC.
    wire [ 7:0] content = state_q == HEADER ? header_q : state_q == SEQUENCE ? sequence_q : payload;
    wire [ 7:0] char = state_q == CHECK ? ~crc_q[8*check_q+:8] : content;

    wire delimiter = state_q == OPENING || state_q == CLOSING;
    wire special = !delimiter && (char == END || char == ESC);
    wire sent = m_axis_tvalid && m_axis_tready;
    wire whole = sent && (!special || half_q);  // the character has gone
    wire summed = whole && (state_q == HEADER || state_q == SEQUENCE || state_q == PAYLOAD);

    assign busy          = state_q != IDLE;
    assign next          = whole && state_q == PAYLOAD;
    assign m_axis_tvalid = busy && settle_q == 2'd0;
    assign m_axis_tdata  = delimiter ? END : !special ? char : !half_q ? ESC : char == END ? ESC_END : ESC_ESC;

    tr_crc32 crc32 (
        .crc(crc_q),
        .data(content),
        .crc_next(crc_next)
    );

    always @(posedge clk) begin
        if (settle_q != 2'd0) settle_q <= settle_q - 2'd1;
        if (sent) begin
            half_q   <= special && !half_q;
            settle_q <= 2'd3;
        end
        if (summed) crc_q <= crc_next;
        if (rst) begin
            state_q    <= IDLE;
            sequence_q <= 8'd0;
            half_q     <= 1'b0;
            settle_q   <= 2'd0;
        end else if (start && !busy) begin
            state_q  <= OPENING;
            header_q <= header;
            left_q   <= length;
            check_q  <= 2'd0;
            crc_q    <= 32'hffffffff;
        end else if (whole)
            case (state_q)
                OPENING: state_q <= HEADER;
                HEADER: state_q <= SEQUENCE;
                SEQUENCE: begin
                    sequence_q <= sequence_q + 8'd1;
                    state_q    <= left_q == 16'd0 ? CHECK : PAYLOAD;
                end
                PAYLOAD: begin
                    left_q <= left_q - 16'd1;
                    if (left_q == 16'd1) state_q <= CHECK;
                end
                CHECK: begin
                    check_q <= check_q + 2'd1;
                    if (check_q == 2'd3) state_q <= CLOSING;
                end
                default: state_q <= IDLE;
            endcase
    end
endmodule

`default_nettype wire
