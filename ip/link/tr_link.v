// SPDX-License-Identifier: Apache-2.0
//
// tr_link: the session between a host and a design: packets in, packets out, credit, errors.
//
// docs/internals/link.md has the protocol. OPEN puts the design into reset and begins a session; DATA with the expected
// number goes to its port; results, credits and errors go back. Anything that is not right ends the session with an
// ERROR, after which nothing but OPEN is taken, and no result is sent.
// Latency   a session begins RESET_CYCLES after OPEN.
// Handshake AXI-Stream for the bytes sent; a byte that came is there for one cycle.
// Reset     synchronous, active high; no session.
`default_nettype none

module tr_link #(
    parameter integer INPUTS         = 1,    // 1 to 16
    parameter integer OUTPUTS        = 1,    // 1 to 16
    parameter integer PAYLOAD_BYTES  = 256,  // of the longest packet from the host
    parameter integer IDENTITY_BYTES = 1,    // at most 250
    parameter [8*IDENTITY_BYTES-1:0] IDENTITY = 0,  // what OPENED says, the first byte lowest
    parameter integer RESET_CYCLES   = 15    // of the design when a session begins, 1 to 15
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [            7:0] byte_data,
    input  wire                   byte_valid,
    input  wire                   byte_broken,
    output wire [            7:0] m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready,
    output wire                   session,         // there is one
    output wire                   design_rst,      // for the design and the rings around it
    output wire [            7:0] payload_data,    // to the inputs
    output wire [     INPUTS-1:0] payload_valid,
    output wire [     INPUTS-1:0] commit,
    output wire                   discard,
    input  wire [     INPUTS-1:0] overflow,
    input  wire [  16*INPUTS-1:0] taken,
    input  wire [     INPUTS-1:0] credit_wanted,
    output wire [     INPUTS-1:0] credit_sent,
    input  wire [    OUTPUTS-1:0] packet_wanted,   // from the outputs
    input  wire [ 16*OUTPUTS-1:0] packet_length,
    output wire [    OUTPUTS-1:0] packet_begun,
    input  wire [  8*OUTPUTS-1:0] packet_payload,
    output wire [    OUTPUTS-1:0] packet_next
);
    // The kinds of packets, in the upper half of the header; the lower half is a port.
    localparam [3:0] OPEN = 4'd1, DATA = 4'd2, OPENED = 4'd3, RESULT = 4'd4, CREDIT = 4'd5, ERROR = 4'd6;
    localparam [7:0] UNKNOWN = 8'd5, CLOSED = 8'd6, PORT = 8'd7, ORDER = 8'd8, OVERFLOW = 8'd9;
    localparam [15:0] NONCE_BYTES = 16'd4;
    localparam integer REPLY_BYTES = IDENTITY_BYTES + 4;
    localparam integer REPLY_BITS = $clog2(REPLY_BYTES);

    // --- packets from the host ---

    wire [ 7:0] header;
    wire [ 7:0] number;
    wire [15:0] length;
    wire        valid;
    wire        good;
    wire        bad;
    wire [ 7:0] fault;

    tr_link_rx #(
        .PAYLOAD_BYTES(PAYLOAD_BYTES)
    ) receiver (
        .clk(clk),
        .rst(rst),
        .byte_data(byte_data),
        .byte_valid(byte_valid),
        .byte_broken(byte_broken),
        .header(header),
        .sequence_number(number),
        .length(length),
        .payload_data(payload_data),
        .payload_valid(valid),
        .good(good),
        .bad(bad),
        .fault(fault)
    );

    reg         session_q;
    reg  [ 3:0] reset_q;      // cycles of reset to go
    reg  [ 7:0] expected_q;   // the number of the next packet of data
    reg  [31:0] nonce_q;
    reg         reply_q;      // OPENED is to be sent
    reg         error_q;      // ERROR is to be sent
    reg  [ 7:0] error_code_q;

    reg  [INPUTS-1:0] addressed;
    integer           input_port;
    always @*
        for (input_port = 0; input_port < INPUTS; input_port = input_port + 1)
            addressed[input_port] = header[3:0] == input_port[3:0];

    wire is_open = header == {OPEN, 4'd0};
    wire is_data = header[7:4] == DATA;
    wire [7:0] refused = is_open ? (length == NONCE_BYTES ? 8'd0 : UNKNOWN)
        : !is_data ? UNKNOWN
        : !session_q ? CLOSED
        : addressed == {INPUTS{1'b0}} ? PORT
        : number != expected_q ? ORDER
        : (addressed & overflow) != {INPUTS{1'b0}} ? OVERFLOW : 8'd0;
    wire opens = good && is_open && refused == 8'd0;
    wire takes = good && is_data && refused == 8'd0;
    wire fails = bad || (good && refused != 8'd0);

    assign session       = session_q;
    assign design_rst    = rst || reset_q != 4'd0;
    assign payload_valid = valid && is_data && session_q ? addressed : {INPUTS{1'b0}};
    assign commit        = takes ? addressed : {INPUTS{1'b0}};
    assign discard         = fails;

    // --- packets to the host ---

    reg  [ 3:0] source_q;     // the kind of the packet that is being sent
    reg  [ 3:0] port_q;
    reg  [ 7:0] index_q;      // of the byte of payload, of what is sent from here
    reg  [15:0] credit_q;
    wire        busy;
    wire        next;

    reg  [ 3:0] credit_port;  // the lowest that wants one
    reg  [ 3:0] result_port;
    integer     each;
    always @* begin
        credit_port = 4'd0;
        result_port = 4'd0;
        for (each = INPUTS - 1; each >= 0; each = each - 1) if (credit_wanted[each]) credit_port = each[3:0];
        for (each = OUTPUTS - 1; each >= 0; each = each - 1) if (packet_wanted[each]) result_port = each[3:0];
    end

    // An error waits for the packets of the session that are whole: none of them is wrong.
    wire idle = !busy && !design_rst;
    wire begin_reply = idle && reply_q;
    wire begin_error = idle && !reply_q && error_q;
    wire begin_credit = idle && !reply_q && !error_q && session_q && credit_wanted != {INPUTS{1'b0}};
    wire begin_result = idle && !reply_q && !error_q && session_q && credit_wanted == {INPUTS{1'b0}}
        && packet_wanted != {OUTPUTS{1'b0}};

    reg  [15:0] credit_value;
    reg  [15:0] result_length;
    reg  [ 7:0] result_byte;
    wire [8*REPLY_BYTES-1:0] reply = {IDENTITY, nonce_q};
    wire [              7:0] reply_byte = reply[8*index_q[REPLY_BITS-1:0]+:8];
    integer     from;
    always @* begin
        credit_value  = 16'd0;
        result_length = 16'd0;
        result_byte   = 8'd0;
        for (from = 0; from < INPUTS; from = from + 1)
            if (credit_port == from[3:0]) credit_value = taken[16*from+:16];
        for (from = 0; from < OUTPUTS; from = from + 1) begin
            if (result_port == from[3:0]) result_length = packet_length[16*from+:16];
            if (port_q == from[3:0]) result_byte = packet_payload[8*from+:8];
        end
    end

    wire [ 7:0] begin_header = begin_reply ? {OPENED, 4'd0}
        : begin_error ? {ERROR, 4'd0}
        : begin_credit ? {CREDIT, credit_port} : {RESULT, result_port};
    wire [15:0] begin_length = begin_reply ? REPLY_BYTES[15:0]
        : begin_error ? 16'd1
        : begin_credit ? 16'd2 : result_length;
    wire [ 7:0] payload = source_q == OPENED ? reply_byte
        : source_q == ERROR ? error_code_q
        : source_q == CREDIT ? (index_q[0] ? credit_q[15:8] : credit_q[7:0]) : result_byte;

    genvar port;
    generate
        for (port = 0; port < INPUTS; port = port + 1) begin : g_input
            assign credit_sent[port] = begin_credit && credit_port == port;
        end
        for (port = 0; port < OUTPUTS; port = port + 1) begin : g_output
            assign packet_begun[port] = begin_result && result_port == port;
            assign packet_next[port]  = next && source_q == RESULT && port_q == port;
        end
    endgenerate

    tr_link_tx transmitter (
        .clk(clk),
        .rst(design_rst),
        .start(begin_reply || begin_error || begin_credit || begin_result),
        .header(begin_header),
        .length(begin_length),
        .busy(busy),
        .payload(payload),
        .next(next),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready)
    );

    always @(posedge clk) begin
        if (valid && is_open) nonce_q <= {payload_data, nonce_q[31:8]};
        if (begin_reply || begin_error || begin_credit || begin_result) begin
            source_q <= begin_header[7:4];
            port_q   <= begin_header[3:0];
            index_q  <= 8'd0;
            credit_q <= credit_value;
        end else if (next) index_q <= index_q + 8'd1;
        if (reset_q != 4'd0) reset_q <= reset_q - 4'd1;
        if (begin_reply) reply_q <= 1'b0;
        if (begin_error) error_q <= 1'b0;
        if (takes) expected_q <= expected_q + 8'd1;
        if (rst) begin
            session_q <= 1'b0;
            reset_q   <= 4'd0;
            reply_q   <= 1'b0;
            error_q   <= 1'b0;
        end else if (opens) begin
            session_q  <= 1'b1;
            reset_q    <= RESET_CYCLES[3:0];
            expected_q <= 8'd0;
            reply_q    <= 1'b1;
            error_q    <= 1'b0;
        end else if (fails) begin
            session_q <= 1'b0;
            // The first error is the one that is told; while its packet is being sent, the code stays.
            if (!error_q && !(busy && source_q == ERROR)) begin
                error_q      <= 1'b1;
                error_code_q <= bad ? fault : refused;
            end
        end
    end
endmodule

`default_nettype wire
