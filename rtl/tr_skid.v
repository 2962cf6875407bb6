// SPDX-License-Identifier: Apache-2.0
//
// tr_skid: skid buffer; registers payload, valid and ready, so that no path runs through it.
//
// Latency   1 cycle; a word every cycle.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a register.
// Reset     synchronous, active high; clears valid, leaves data.
`default_nettype none

module tr_skid #(
    parameter integer WIDTH = 8  // bits of a word, at least 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);
    reg [WIDTH-1:0] out_q;
    reg [WIDTH-1:0] spare_q;  // the word that came while the output stood still
    reg             out_valid_q;
    reg             ready_q;  // the spare register is free

    wire advance = !out_valid_q || m_axis_tready;

    assign s_axis_tready = ready_q;
    assign m_axis_tvalid = out_valid_q;
    assign m_axis_tdata  = out_q;

    always @(posedge clk) begin
        if (ready_q) spare_q <= s_axis_tdata;
        if (advance) out_q <= ready_q ? s_axis_tdata : spare_q;
        if (rst) begin
            out_valid_q <= 1'b0;
            ready_q     <= 1'b1;
        end else if (advance) begin
            out_valid_q <= s_axis_tvalid || !ready_q;
            ready_q     <= 1'b1;
        end else if (s_axis_tvalid) begin
            ready_q <= 1'b0;
        end
    end

`ifdef FORMAL
    // One word of value `word` is marked as it enters (the solver chooses when); `ahead` words go before it.
    (* anyconst *) reg [WIDTH-1:0] word;
    (* anyseq *)   reg             mark;
    reg             started = 1'b0;
    reg             past = 1'b0;  // the last cycle was one without reset
    reg             stalled;      // the last cycle offered a word that was not taken
    reg [WIDTH-1:0] offered;
    reg [1:0]       held;         // words in minus words out
    reg [1:0]       ahead;
    reg             live;         // the marked word is inside

    wire put  = s_axis_tvalid && s_axis_tready;
    wire take = m_axis_tvalid && m_axis_tready;

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            held <= 2'd0;
            live <= 1'b0;
        end else begin
            held <= held + put - take;
            if (live && take) begin
                if (ahead == 2'd0) live <= 1'b0;
                ahead <= ahead - 2'd1;
            end
            if (!live && put && mark && s_axis_tdata == word) begin
                live  <= 1'b1;
                ahead <= held - take;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: none lost, none doubled
        assert (held == {1'b0, out_valid_q} + {1'b0, !ready_q});
        assert (out_valid_q || ready_q);
        // marked: the word arrives, in order
        if (live) assert (ahead < held);
        if (live && ahead == 2'd0) assert (out_q == word);
        if (live && ahead == 2'd1) assert (spare_q == word);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
