// SPDX-License-Identifier: Apache-2.0
//
// tr_depthwise: TAPS consecutive vectors of CHANNELS values times the weights of their tap, summed channel by channel.
//
// Takes TAPS * CHANNELS/PE words, sends the CHANNELS/PE words of the sums while the last tap comes in.
//
// Latency   (TAPS - 1) * CHANNELS/PE + 3 cycles from the first word taken to the first word offered, one more with
//           STYLE = 3: operands, products, sums; the outputs of block RAM are too slow for logic behind them.
// Rate      a word taken every cycle, however few channel groups there are (see tr_group_state).
// Handshake AXI-Stream: the payload is held while tvalid && !tready; s_axis_tready follows m_axis_tready.
// Cost      a multiplier and an adder a lane (see tr_dense_lane); CHANNELS/PE words of sums, in a memory from 3 on.
// Reset     synchronous, active high; clears flags and counters, leaves data.
//
// The sums are exact modulo 2^OUT_BITS. In simulation (SIMULATION defined) 64-bit sums check that they fit.
`default_nettype none

module tr_depthwise #(
    parameter integer CHANNELS    = 6,
    parameter integer TAPS        = 4,  // vectors that become one
    parameter integer PE          = 2,  // values a word, divides CHANNELS
    parameter integer IN_BITS     = 4,
    parameter integer IN_SIGNED   = 0,
    parameter integer WEIGHT_BITS = 4,  // signed
    parameter integer OUT_BITS    = 10,
    parameter integer OUT_SIGNED  = 1,  // for the check in simulation only
    parameter integer STYLE       = 0,  // weights: 0 synthesis decides, 1 and 2 LUTs, 3 block RAM
    parameter integer DSP         = 0,  // 0: multipliers of LUTs, 1: synthesis may use multiplier blocks
    parameter integer BIAS        = 0,  // 0: none; 1: added; 2: added, known modulo 2^OUT_BITS only (no check)
    parameter WEIGHTS_FILE = "",
    parameter BIAS_FILE = ""
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
    localparam integer FOLDS      = TAPS * GROUPS;
    localparam integer FOLD_BITS  = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer OPERAND_REGISTERS = STYLE == 3 ? 2 : 1;
    localparam [31:0]  LAST_FOLD  = FOLDS - 1;

    reg  [         FOLD_BITS-1:0] fold_q;
    reg  [        PE*IN_BITS-1:0] inputs_q;
    reg  [OPERAND_REGISTERS-1:0]  valid_q;  // there are operands
    reg                           out_valid_q;
    wire [        PE*IN_BITS-1:0] inputs;
    wire [    PE*WEIGHT_BITS-1:0] weights_word;
    wire [    PE*WEIGHT_BITS-1:0] weights;
    wire [       PE*OUT_BITS-1:0] bias;     // for the word at the sums
    wire [       PE*OUT_BITS-1:0] state;
    wire [       PE*OUT_BITS-1:0] base;     // what the product is added to
    wire [       PE*OUT_BITS-1:0] latest;
    wire [        GROUP_BITS-1:0] group;
    wire                          valid;
    wire                          first;
    wire                          last;
    wire                          enable  = !out_valid_q || m_axis_tready;
    wire                          arrives = valid_q[OPERAND_REGISTERS-1];
    wire [OPERAND_REGISTERS:0]    valid_d = {valid_q, s_axis_tvalid};

    assign s_axis_tready = enable;
    assign m_axis_tvalid = out_valid_q;
    assign m_axis_tdata  = latest;
    assign base          = first ? bias : state;

    always @(posedge clk) begin
        if (rst) begin
            fold_q      <= {FOLD_BITS{1'b0}};
            valid_q     <= {OPERAND_REGISTERS{1'b0}};
            out_valid_q <= 1'b0;
        end else if (enable) begin
            if (s_axis_tvalid) fold_q <= fold_q == LAST_FOLD[FOLD_BITS-1:0] ? {FOLD_BITS{1'b0}} : fold_q + 1'b1;
            valid_q     <= valid_d[OPERAND_REGISTERS-1:0];
            out_valid_q <= valid && last;
        end
        if (enable) inputs_q <= s_axis_tdata;
    end

`ifdef FORMAL
    (* anyconst *) reg [FOLDS*PE*WEIGHT_BITS-1:0] all_weights;
    (* anyconst *) reg [GROUPS*PE*OUT_BITS-1:0] all_biases;
`endif

    tr_rom #(
        .BITS        (PE * WEIGHT_BITS),
        .DEPTH       (FOLDS),
        .ADDRESS_BITS(FOLD_BITS),
        .STYLE       (STYLE),
        .FILE        (WEIGHTS_FILE)
    ) weights_rom (
        .clk     (clk),
        .enable  (enable),
        .address (fold_q),
`ifdef FORMAL
        .contents(all_weights),
`endif
        .data    (weights_word)
    );

    generate
        if (OPERAND_REGISTERS == 1) begin : operands
            assign inputs  = inputs_q;
            assign weights = weights_word;
        end else begin : registered_operands
            reg [    PE*IN_BITS-1:0] inputs_again_q;
            reg [PE*WEIGHT_BITS-1:0] weights_q;
            always @(posedge clk) begin
                if (enable) begin
                    inputs_again_q <= inputs_q;
                    weights_q      <= weights_word;
                end
            end
            assign inputs  = inputs_again_q;
            assign weights = weights_q;
        end

        if (BIAS != 0) begin : biases
            tr_rom #(
                .BITS        (PE * OUT_BITS),
                .DEPTH       (GROUPS),
                .ADDRESS_BITS(GROUP_BITS),
                .STYLE       (0),
                .FILE        (BIAS_FILE)
            ) bias_rom (
                .clk     (clk),
                .enable  (enable),
                .address (group),
`ifdef FORMAL
                .contents(all_biases),
`endif
                .data    (bias)
            );
        end else begin : no_biases
            assign bias = {PE * OUT_BITS{1'b0}};
        end
    endgenerate

    tr_group_state #(
        .BITS        (PE * OUT_BITS),
        .GROUPS      (GROUPS),
        .TAPS        (TAPS),
        .ADDRESS_BITS(GROUP_BITS)
    ) group_state (
        .clk    (clk),
        .rst    (rst),
        .enable (enable),
        .arrives(arrives),
        .group  (group),
        .valid  (valid),
        .first  (first),
        .last   (last),
        .state  (state),
        .latest (latest)
    );

    genvar lane;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
            // A row of one column, each of whose products begins a sum anew, at `base`; its accumulator is `latest`.
            // A base that has wrapped around is none to check a sum with: BIAS = 2.
            tr_dense_lane #(
                .SIMD       (1),
                .IN_BITS    (IN_BITS),
                .IN_SIGNED  (IN_SIGNED),
                .WEIGHT_BITS(WEIGHT_BITS),
                .OUT_BITS   (OUT_BITS),
                .OUT_SIGNED (OUT_SIGNED),
                .DSP        (DSP),
                .BIAS       (2),
                .FIRST      (0)
            ) channel_sum (
                .clk     (clk),
                .enable  (enable),
                .inputs  (inputs[lane*IN_BITS+:IN_BITS]),
                .weights (weights[lane*WEIGHT_BITS+:WEIGHT_BITS]),
                .valid   (valid),
                .first   (1'b1),
                .complete(1'b0),
                .bias    (base[lane*OUT_BITS+:OUT_BITS]),
                .total   (latest[lane*OUT_BITS+:OUT_BITS])
            );
        end
    endgenerate

    wire unused = &{1'b0, LAST_FOLD, valid_d, group};

`ifdef SIMULATION
    reg  [     PE*64-1:0]   products;
    reg  [     PE*64-1:0]   products_q;
    reg  [     PE*64-1:0]   exact;
    reg  [     PE*64-1:0]   exact_q;
    reg  [     PE*64-1:0]   shown;  // the sums, as a reader of OUT_BITS sees them
    wire [     PE*64-1:0]   exact_state;
    reg  [     IN_BITS+63:0] input_wide;
    reg  [ WEIGHT_BITS+63:0] weight_wide;
    reg  [    OUT_BITS+63:0] bias_wide;
    wire [   GROUP_BITS-1:0] exact_group;
    wire [              2:0] exact_flags;
    wire unused_exact = &{1'b0, exact_group, exact_flags, input_wide, weight_wide, bias_wide};
    integer place;

    tr_group_state #(
        .BITS        (PE * 64),
        .GROUPS      (GROUPS),
        .TAPS        (TAPS),
        .ADDRESS_BITS(GROUP_BITS)
    ) exact_state_of (
        .clk    (clk),
        .rst    (rst),
        .enable (enable),
        .arrives(arrives),
        .group  (exact_group),
        .valid  (exact_flags[0]),
        .first  (exact_flags[1]),
        .last   (exact_flags[2]),
        .state  (exact_state),
        .latest (exact_q)
    );

    always @* begin
        for (place = 0; place < PE; place = place + 1) begin
            input_wide  = {{64{IN_SIGNED != 0 && inputs[place*IN_BITS+IN_BITS-1]}}, inputs[place*IN_BITS+:IN_BITS]};
            weight_wide = {
                {64{weights[place*WEIGHT_BITS+WEIGHT_BITS-1]}}, weights[place*WEIGHT_BITS+:WEIGHT_BITS]
            };
            bias_wide   = {{64{OUT_SIGNED != 0 && bias[place*OUT_BITS+OUT_BITS-1]}}, bias[place*OUT_BITS+:OUT_BITS]};
            products[place*64+:64] = input_wide[63:0] * weight_wide[63:0];
            exact[place*64+:64] = (first ? bias_wide[63:0] : exact_state[place*64+:64]) + products_q[place*64+:64];
            shown[place*64+:64] = {
                {64 - OUT_BITS{OUT_SIGNED != 0 && exact[place*64+OUT_BITS-1]}}, exact[place*64+:OUT_BITS]
            };
        end
    end

    always @(posedge clk) begin
        if (enable) products_q <= products;
        if (enable && valid) begin
            exact_q <= exact;
            if (last && !rst && BIAS != 2 && shown != exact) begin
                for (place = 0; place < PE; place = place + 1)
                    if (shown[place*64+:64] != exact[place*64+:64])
                        $display("%m: the sum %0d does not fit %0d bits (signed: %0d)",
                                 $signed(exact[place*64+:64]), OUT_BITS, OUT_SIGNED);
                $stop;
            end
        end
    end
`endif

`ifdef FORMAL
    // One word of a first tap is marked as it is taken (the solver chooses when); the sums of its group are added up
    // here, from arbitrary weights and biases, and compared with what comes out. `ahead` words go before it.
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
    reg signed [   OUT_BITS-1:0] part;
    reg signed [      IN_BITS:0] value;
    reg signed [WEIGHT_BITS-1:0] weight;
    integer               p;

    wire take_word = s_axis_tvalid && s_axis_tready;
    wire send_word = m_axis_tvalid && m_axis_tready;
    wire begins    = take_word && taken < GROUPS;
    wire ends      = take_word && taken >= GROUPS * (TAPS - 1);

    always @* if (!started) assume (rst);

    always @* begin
        for (p = 0; p < PE; p = p + 1) begin
            part = expected[p*OUT_BITS+:OUT_BITS];
            if (begins) part = BIAS != 0 ? all_biases[(taken*PE+p)*OUT_BITS+:OUT_BITS] : 0;
            value  = {IN_SIGNED != 0 && s_axis_tdata[p*IN_BITS+IN_BITS-1], s_axis_tdata[p*IN_BITS+:IN_BITS]};
            weight = all_weights[(taken*PE+p)*WEIGHT_BITS+:WEIGHT_BITS];
            grown[p*OUT_BITS+:OUT_BITS] = part + value * weight;
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
            if (take_word) taken <= taken == FOLDS - 1 ? 16'd0 : taken + 16'd1;
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
            end else if (live && growing && take_word && taken % GROUPS == marked) begin
                growing  <= !ends;
                expected <= grown;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: nothing comes out that has not gone in, and what comes in is not lost
        if (m_axis_tvalid) assert (held != 8'd0);
        assert (held <= OPERAND_REGISTERS + 2);
        // marked: the sums of the group arrive, complete and in order
        if (live && ahead == 8'd0 && m_axis_tvalid) assert (!growing && m_axis_tdata == expected);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
