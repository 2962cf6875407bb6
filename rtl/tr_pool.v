// SPDX-License-Identifier: Apache-2.0
//
// tr_pool: reduces TAPS consecutive vectors of CHANNELS values to one, channel by channel: their maximum or their sum.
//
// Takes TAPS * CHANNELS/PE words, sends the CHANNELS/PE words of the result while the last tap comes in.
//
// Latency   (TAPS - 1) * CHANNELS/PE + 2 cycles from the first word taken to the first word offered.
// Rate      a word taken every cycle, however few channel groups there are (see tr_group_state).
// Handshake AXI-Stream: the payload is held while tvalid && !tready; s_axis_tready follows m_axis_tready.
// Cost      a comparator or an adder a lane; CHANNELS/PE words of state, in a memory from 3 on, in registers else.
// Reset     synchronous, active high; clears flags and counters, leaves data.
//
// The result is exact modulo 2^OUT_BITS. In simulation (SIMULATION defined) 64-bit results check that it fits.
`default_nettype none

module tr_pool #(
    parameter integer OPERATION  = 0,  // 0: maximum; 1: sum
    parameter integer CHANNELS   = 6,
    parameter integer PE         = 2,  // values a word, divides CHANNELS
    parameter integer IN_BITS    = 4,
    parameter integer IN_SIGNED  = 0,
    parameter integer OUT_BITS   = 4,
    parameter integer OUT_SIGNED = 0,  // for the check in simulation only
    parameter integer TAPS       = 4   // vectors that become one
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [ PE*IN_BITS-1:0] s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    output wire [PE*OUT_BITS-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready
);
    localparam integer GROUPS     = CHANNELS / PE;
    localparam integer GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;
    localparam integer STATE_BITS = OPERATION == 0 ? IN_BITS : OUT_BITS;

    reg  [   PE*IN_BITS-1:0] word_q;
    reg  [PE*STATE_BITS-1:0] latest_q;
    reg                      out_valid_q;
    wire [   GROUP_BITS-1:0] group;
    wire                     valid;
    wire                     first;
    wire                     last;
    wire [PE*STATE_BITS-1:0] state;
    wire [PE*STATE_BITS-1:0] updated;
    wire                     enable = !out_valid_q || m_axis_tready;

    assign s_axis_tready = enable;
    assign m_axis_tvalid = out_valid_q;

    always @(posedge clk) begin
        if (rst) out_valid_q <= 1'b0;
        else if (enable) out_valid_q <= valid && last;
        if (enable) word_q <= s_axis_tdata;
        if (enable && valid) latest_q <= updated;
    end

    tr_group_state #(
        .BITS        (PE * STATE_BITS),
        .GROUPS      (GROUPS),
        .TAPS        (TAPS),
        .ADDRESS_BITS(GROUP_BITS)
    ) group_state (
        .clk    (clk),
        .rst    (rst),
        .enable (enable),
        .arrives(s_axis_tvalid),
        .group  (group),
        .valid  (valid),
        .first  (first),
        .last   (last),
        .state  (state),
        .latest (latest_q)
    );

    genvar lane;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
            wire [IN_BITS-1:0] value = word_q[lane*IN_BITS+:IN_BITS];
            if (OPERATION == 0) begin : maximum
                // With the sign bits turned, signed numbers compare as unsigned ones.
                localparam [IN_BITS-1:0] SIGN = IN_SIGNED != 0 ? ~({IN_BITS{1'b1}} >> 1) : {IN_BITS{1'b0}};
                wire [IN_BITS-1:0] best   = state[lane*IN_BITS+:IN_BITS];
                wire               better = first || (value ^ SIGN) > (best ^ SIGN);
                wire [IN_BITS-1:0] result = latest_q[lane*IN_BITS+:IN_BITS];
                /* verilator lint_off UNUSEDSIGNAL */  // the bits above OUT_BITS
                wire [OUT_BITS+IN_BITS-1:0] extended = {{OUT_BITS{IN_SIGNED != 0 && result[IN_BITS-1]}}, result};
                /* verilator lint_on UNUSEDSIGNAL */
                assign updated[lane*IN_BITS+:IN_BITS]        = better ? value : best;
                assign m_axis_tdata[lane*OUT_BITS+:OUT_BITS] = extended[OUT_BITS-1:0];
            end else begin : sum
                wire [OUT_BITS-1:0] base = first ? {OUT_BITS{1'b0}} : state[lane*OUT_BITS+:OUT_BITS];
                /* verilator lint_off UNUSEDSIGNAL */  // the bits above OUT_BITS
                wire [OUT_BITS+IN_BITS-1:0] extended = {{OUT_BITS{IN_SIGNED != 0 && value[IN_BITS-1]}}, value};
                /* verilator lint_on UNUSEDSIGNAL */
                assign updated[lane*OUT_BITS+:OUT_BITS]      = base + extended[OUT_BITS-1:0];
                assign m_axis_tdata[lane*OUT_BITS+:OUT_BITS] = latest_q[lane*OUT_BITS+:OUT_BITS];
            end
        end
    endgenerate

    wire unused = &{1'b0, group, OUT_SIGNED[0]};

`ifdef SIMULATION
    reg  [     PE*64-1:0] exact;
    reg  [     PE*64-1:0] exact_q;
    wire [     PE*64-1:0] exact_state;
    reg  [     PE*64-1:0] shown;  // the results, as a reader of OUT_BITS sees them
    reg  [IN_BITS+63:0]   wide;   // a value
    wire [GROUP_BITS-1:0] exact_group;
    wire [           2:0] exact_flags;
    wire                  unused_exact = &{1'b0, exact_group, exact_flags, wide};
    integer               place;

    tr_group_state #(
        .BITS        (PE * 64),
        .GROUPS      (GROUPS),
        .TAPS        (TAPS),
        .ADDRESS_BITS(GROUP_BITS)
    ) exact_state_of (
        .clk    (clk),
        .rst    (rst),
        .enable (enable),
        .arrives(s_axis_tvalid),
        .group  (exact_group),
        .valid  (exact_flags[0]),
        .first  (exact_flags[1]),
        .last   (exact_flags[2]),
        .state  (exact_state),
        .latest (exact_q)
    );

    always @* begin
        for (place = 0; place < PE; place = place + 1) begin
            wide = {{64{IN_SIGNED != 0 && word_q[place*IN_BITS+IN_BITS-1]}}, word_q[place*IN_BITS+:IN_BITS]};
            exact[place*64+:64] = wide[63:0];
            if (!first && OPERATION == 0 && $signed(exact_state[place*64+:64]) > $signed(wide[63:0]))
                exact[place*64+:64] = exact_state[place*64+:64];
            if (!first && OPERATION != 0) exact[place*64+:64] = exact_state[place*64+:64] + wide[63:0];
            shown[place*64+:64] = {
                {64 - OUT_BITS{OUT_SIGNED != 0 && exact[place*64+OUT_BITS-1]}}, exact[place*64+:OUT_BITS]
            };
        end
    end

    always @(posedge clk) begin
        if (enable && valid) begin
            exact_q <= exact;
            if (last && !rst && shown != exact) begin
                for (place = 0; place < PE; place = place + 1)
                    if (shown[place*64+:64] != exact[place*64+:64])
                        $display("%m: the result %0d does not fit %0d bits (signed: %0d)",
                                 $signed(exact[place*64+:64]), OUT_BITS, OUT_SIGNED);
                $stop;
            end
        end
    end
`endif

`ifdef FORMAL
    // One word of a first tap is marked as it is taken (the solver chooses when); its group is reduced here, and
    // compared with what comes out. `ahead` words go before it.
    (* anyseq *) reg mark;
    reg                   started = 1'b0;
    reg                   past = 1'b0;  // the last cycle was one without reset
    reg                   stalled;      // the last cycle offered a word that was not taken
    reg [PE*OUT_BITS-1:0] offered;
    reg [           15:0] taken;        // words of the current vector that are in
    reg [            7:0] held;         // words of last taps in, minus words out
    reg [            7:0] ahead;
    reg                   live;         // the marked group is inside
    reg                   growing;      // its last word is still to come
    reg [           15:0] marked;       // its number
    reg [PE*OUT_BITS-1:0] expected;
    reg [PE*OUT_BITS-1:0] grown;
    reg signed [OUT_BITS+IN_BITS:0] fresh;
    reg signed [OUT_BITS+IN_BITS:0] top;
    reg [PE*(OUT_BITS+IN_BITS+1)-1:0] tops;  // the largest values so far
    reg [PE*(OUT_BITS+IN_BITS+1)-1:0] tops_d;
    integer p;

    wire take_word = s_axis_tvalid && s_axis_tready;
    wire send_word = m_axis_tvalid && m_axis_tready;
    wire begins    = take_word && taken < GROUPS;
    wire ends      = take_word && taken >= GROUPS * (TAPS - 1);

    always @* if (!started) assume (rst);

    always @* begin
        for (p = 0; p < PE; p = p + 1) begin
            fresh = $signed({IN_SIGNED != 0 && s_axis_tdata[p*IN_BITS+IN_BITS-1], s_axis_tdata[p*IN_BITS+:IN_BITS]});
            top   = tops[p*(OUT_BITS+IN_BITS+1)+:OUT_BITS+IN_BITS+1];
            if (begins || fresh > top) top = fresh;
            tops_d[p*(OUT_BITS+IN_BITS+1)+:OUT_BITS+IN_BITS+1] = top;
            if (OPERATION == 0) grown[p*OUT_BITS+:OUT_BITS] = top;
            else grown[p*OUT_BITS+:OUT_BITS] = (begins ? 0 : expected[p*OUT_BITS+:OUT_BITS]) + fresh;
        end
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            taken <= 16'd0;
            held  <= 8'd0;
            live  <= 1'b0;
        end else begin
            if (take_word) taken <= taken == GROUPS * TAPS - 1 ? 16'd0 : taken + 16'd1;
            held <= held + ends - send_word;
            if (live && send_word) begin
                if (ahead == 8'd0) live <= 1'b0;
                ahead <= ahead - 8'd1;
            end
            if (begins && mark && !live) begin
                live     <= 1'b1;
                ahead    <= held + (TAPS > 1 ? taken : 0) - send_word;  // with one tap those before it are held
                growing  <= TAPS > 1;
                marked   <= taken;
                expected <= grown;
                tops     <= tops_d;
            end else if (live && growing && take_word && taken % GROUPS == marked) begin
                growing  <= !ends;
                expected <= grown;
                tops     <= tops_d;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: a word out for every word of a last tap
        assert (held == {7'd0, valid && last} + {7'd0, out_valid_q});
        // marked: the result of the group arrives, complete and in order
        if (live && ahead == 8'd0 && m_axis_tvalid) assert (!growing && m_axis_tdata == expected);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
