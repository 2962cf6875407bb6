// SPDX-License-Identifier: Apache-2.0
//
// tr_reset: reset of a board's top: after configuration, and while the button is pressed, and CYCLES longer.
//
// Latency   two flip-flops against metastability, then a counter.
// Handshake none.
// Reset     the initial values of its registers, which configuration sets.
`default_nettype none

module tr_reset #(
    parameter integer CYCLES = 255  // of reset after the last request
) (
    input  wire clk,
    input  wire request,  // asynchronous, active high
    output wire rst       // synchronous, active high
);
    localparam integer COUNT_BITS = $clog2(CYCLES + 1);

    reg [           1:0] sync_q;
    reg [COUNT_BITS-1:0] count_q;
    reg                  done_q;

    initial begin
        sync_q  = 2'b00;
        count_q = {COUNT_BITS{1'b0}};
        done_q  = 1'b0;
    end

    assign rst = !done_q;

    always @(posedge clk) begin
        sync_q <= {sync_q[0], request};
        if (sync_q[1]) begin
            count_q <= {COUNT_BITS{1'b0}};
            done_q  <= 1'b0;
        end else if (count_q == CYCLES[COUNT_BITS-1:0]) done_q <= 1'b1;
        else count_q <= count_q + 1'b1;
    end
endmodule

`default_nettype wire
