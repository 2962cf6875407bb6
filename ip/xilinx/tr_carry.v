// SPDX-License-Identifier: Apache-2.0
//
// tr_carry: a carry chain of CARRY4: y = half ^ carries, a carry is passed on where half is 1, else it is generated.
`default_nettype none

module tr_carry #(
    parameter integer WIDTH = 8  // bits of the sum
) (
    input  wire [WIDTH-1:0] half,       // the sum of the operands' bits without a carry
    input  wire [WIDTH-1:0] generated,  // the carry out where half is 0
    input  wire             first,      // the carry into bit 0
    output wire [WIDTH-1:0] y
);
    localparam integer GROUPS = (WIDTH + 3) / 4;

    wire [4*GROUPS-1:0] s, di, o, co;
    assign s[WIDTH-1:0] = half;
    assign di[WIDTH-1:0] = generated;
    assign y = o[WIDTH-1:0];

    genvar i;
    generate
        for (i = WIDTH; i < 4 * GROUPS; i = i + 1) begin : g_padding
            assign s[i] = 1'b0;
            assign di[i] = 1'b0;
        end
        for (i = 0; i < GROUPS; i = i + 1) begin : g_group
            if (i == 0) begin : g_first
                CARRY4 carry (
                    .CI(1'b0), .CYINIT(first), .DI(di[3:0]), .S(s[3:0]), .O(o[3:0]), .CO(co[3:0])
                );
            end else begin : g_next
                CARRY4 carry (
                    .CI(co[4*i-1]),
                    .CYINIT(1'b0),
                    .DI(di[4*i+:4]),
                    .S(s[4*i+:4]),
                    .O(o[4*i+:4]),
                    .CO(co[4*i+:4])
                );
            end
        end
    endgenerate

    // verilator lint_off UNUSEDSIGNAL
    wire unused = &{1'b0, co, o};  // the carries out, and the padding
    // verilator lint_on UNUSEDSIGNAL
endmodule

`default_nettype wire
