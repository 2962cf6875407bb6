// SPDX-License-Identifier: Apache-2.0
//
// tr_crc32: the register of CRC-32 (IEEE 802.3, reflected) after one more byte.
//
// Latency   none: combinational.
// Handshake none. Begin with all ones; what is sent is the complement, lowest byte first.
// Reset     none.
`default_nettype none

module tr_crc32 (
    input  wire [31:0] crc,
    input  wire [ 7:0] data,
    output reg  [31:0] crc_next
);
    integer place;
    always @* begin
        crc_next = crc ^ {24'd0, data};
        for (place = 0; place < 8; place = place + 1)
            crc_next = {1'b0, crc_next[31:1]} ^ (crc_next[0] ? 32'hedb88320 : 32'd0);
    end
endmodule

`default_nettype wire
