// SPDX-License-Identifier: Apache-2.0
//
// tr_uart_tx: bytes to a serial line, 8 bits without parity, lowest bit first, a stop bit.
//
// Latency   the start bit begins a cycle after the byte was taken; a byte takes ten bits.
// Handshake AXI-Stream: a byte is taken with tvalid && tready.
// Reset     synchronous, active high; the line is high.
`default_nettype none

module tr_uart_tx #(
    parameter integer SIXTEENTHS_PER_BIT = 400  // of a cycle, at least 32: a rate that no whole number of cycles makes
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] s_axis_tdata,
    input  wire       s_axis_tvalid,
    output wire       s_axis_tready,
    output wire       tx
);
    localparam integer COUNT_BITS = $clog2(SIXTEENTHS_PER_BIT) + 1;
    localparam integer CYCLE = 16;
    localparam integer WHOLE = SIXTEENTHS_PER_BIT - CYCLE;

    reg [COUNT_BITS-1:0] wait_q;  // sixteenths of a cycle until the bit ends
    reg [           3:0] left_q;  // bits to send, that on the line among them; 0: idle
    reg [           8:0] shift_q;
    reg                  tx_q;

    initial tx_q = 1'b1;

    assign s_axis_tready = left_q == 4'd0;
    assign tx            = tx_q;

    always @(posedge clk) begin
        if (rst) begin
            left_q <= 4'd0;
            tx_q   <= 1'b1;
        end else if (left_q == 4'd0) begin
            shift_q <= {1'b1, s_axis_tdata};
            wait_q  <= WHOLE[COUNT_BITS-1:0];
            if (s_axis_tvalid) begin
                left_q <= 4'd10;
                tx_q   <= 1'b0;
            end
        end else if (wait_q >= CYCLE[COUNT_BITS-1:0]) wait_q <= wait_q - CYCLE[COUNT_BITS-1:0];
        else begin
            wait_q  <= wait_q + WHOLE[COUNT_BITS-1:0];
            left_q  <= left_q - 4'd1;
            tx_q    <= shift_q[0];
            shift_q <= {1'b1, shift_q[8:1]};
        end
    end
endmodule

`default_nettype wire
