// SPDX-License-Identifier: Apache-2.0
//
// tr_uart_rx: bytes from a serial line, 8 bits without parity, lowest bit first, a stop bit.
//
// Latency   a byte comes half a bit after its stop bit began.
// Handshake none: a byte is there for one cycle.
// Reset     synchronous, active high; a byte on its way is dropped.
`default_nettype none

module tr_uart_rx #(
    parameter integer SIXTEENTHS_PER_BIT = 400  // of a cycle, at least 64: a rate that no whole number of cycles makes
) (
    input  wire       clk,
    input  wire       rst,
    input  wire       rx,           // asynchronous; high when idle
    output wire [7:0] byte_data,
    output wire       byte_valid,
    output wire       byte_broken   // a stop bit was low: a byte was lost, or the line is broken
);
    localparam integer COUNT_BITS = $clog2(SIXTEENTHS_PER_BIT) + 1;
    localparam integer CYCLE = 16;
    localparam integer WHOLE = SIXTEENTHS_PER_BIT - CYCLE;
    localparam integer HALF = SIXTEENTHS_PER_BIT / 2 - CYCLE;

    reg [           1:0] sync_q;
    reg [COUNT_BITS-1:0] wait_q;  // sixteenths of a cycle until the middle of the bit
    reg [           3:0] left_q;  // bits to come, the start bit among them; 0: idle
    reg [           7:0] shift_q;
    reg                  valid_q;
    reg                  broken_q;
    wire                 line = sync_q[1];

    initial sync_q = 2'b11;

    assign byte_data   = shift_q;
    assign byte_valid  = valid_q;
    assign byte_broken = broken_q;

    always @(posedge clk) begin
        sync_q   <= {sync_q[0], rx};
        valid_q  <= 1'b0;
        broken_q <= 1'b0;
        if (rst) left_q <= 4'd0;
        else if (left_q == 4'd0) begin
            if (!line) left_q <= 4'd10;
            wait_q <= HALF[COUNT_BITS-1:0];
        end else if (wait_q >= CYCLE[COUNT_BITS-1:0]) wait_q <= wait_q - CYCLE[COUNT_BITS-1:0];
        else begin
            wait_q <= wait_q + WHOLE[COUNT_BITS-1:0];  // the rest goes into the next bit, so no error adds up
            left_q <= left_q - 4'd1;
            if (left_q == 4'd10) begin
                if (line) left_q <= 4'd0;  // too short for a start bit
            end else if (left_q == 4'd1) begin
                valid_q  <= line;
                broken_q <= !line;
            end else shift_q <= {line, shift_q[7:1]};
        end
    end
endmodule

`default_nettype wire
