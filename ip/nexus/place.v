// SPDX-License-Identifier: Apache-2.0
//
// What nextpnr-nexus needs of a netlist that yosys has tied to VHI and VLO cells, as techmap rules: these cells are
// constants again, and the first carry cell of a chain has no carry input (nextpnr takes none from anything but a carry
// cell). Two runs of techmap: the second sees the constants that the first made.

(* techmap_celltype = "VLO" *)
module tr_place_zero (output Z);
    assign Z = 1'b0;
endmodule

(* techmap_celltype = "VHI" *)
module tr_place_one (output Z);
    assign Z = 1'b1;
endmodule

(* techmap_celltype = "CCU2" *)
module tr_place_first_carry (
    input  CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output S0, S1, COUT
);
    parameter INJECT = "YES";
    parameter INIT0 = "0x0000";
    parameter INIT1 = "0x1111";
    parameter _TECHMAP_CONSTMSK_CIN_ = 1'b0;
    wire _TECHMAP_FAIL_ = !_TECHMAP_CONSTMSK_CIN_;

    CCU2 #(.INJECT(INJECT), .INIT0(INIT0), .INIT1(INIT1)) _TECHMAP_REPLACE_ (
        .A0(A0), .B0(B0), .C0(C0), .D0(D0), .A1(A1), .B1(B1), .C1(C1), .D1(D1), .S0(S0), .S1(S1), .COUT(COUT)
    );
endmodule
