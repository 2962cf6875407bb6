// SPDX-License-Identifier: Apache-2.0
//
// tr_dense_schedule: what folded matrix products have in common: input register, weights, flags, bias, stall.
//
// Word r*COLUMN_GROUPS + c of a vector meets weights word r*COLUMN_GROUPS + c; both are handed to the lanes. The
// flags reach the accumulators STAGES cycles after that, together with the bias of the row group.
//
// Latency   1 cycle to the operands, 2 with block RAM (STYLE = 3), whose outputs are too slow for logic behind them.
// Handshake as on AXI-Stream; everything stands still while out_valid && !out_ready.
// Reset     synchronous, active high; clears the flags and counters, leaves the operands.
`default_nettype none

module tr_dense_schedule #(
    parameter integer ROW_GROUPS    = 2,   // words out per vector
    parameter integer COLUMN_GROUPS = 2,   // words in per word out
    parameter integer INPUTS_BITS   = 8,   // of an input word
    parameter integer WEIGHTS_BITS  = 32,  // of a weights word
    parameter integer BIASES_BITS   = 16,  // of a bias word
    parameter integer STAGES        = 1,   // registers between the operands and the accumulator, at least 1
    parameter integer STYLE         = 0,   // of the weights, as in tr_rom
    parameter integer BIAS          = 0,   // 0: no bias memory
    parameter WEIGHTS_FILE = "",
    parameter BIAS_FILE = ""
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire [ INPUTS_BITS-1:0] in_data,
    input  wire                    in_valid,
    output wire                    in_ready,
    output wire                    out_valid,
    input  wire                    out_ready,
`ifdef FORMAL
    input  wire [ROW_GROUPS*COLUMN_GROUPS*WEIGHTS_BITS-1:0] all_weights,
    input  wire [               ROW_GROUPS*BIASES_BITS-1:0] all_biases,
`endif
    output wire                    enable,   // everything moves
    output wire [ INPUTS_BITS-1:0] inputs,   // the operands
    output wire [WEIGHTS_BITS-1:0] weights,
    output wire                    valid,    // at the accumulator: there is a sum,
    output wire                    first,    // the first of a row group,
    output wire                    complete, // the last of a row group, and not a leftover from before reset
    output wire [ BIASES_BITS-1:0] bias
);
    localparam integer FOLDS        = ROW_GROUPS * COLUMN_GROUPS;
    localparam integer FOLD_BITS    = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam integer COLUMN_BITS  = COLUMN_GROUPS > 1 ? $clog2(COLUMN_GROUPS) : 1;
    localparam integer ROW_BITS     = ROW_GROUPS > 1 ? $clog2(ROW_GROUPS) : 1;
    localparam integer OPERAND_REGISTERS = STYLE == 3 ? 2 : 1;
    localparam integer DEPTH        = OPERAND_REGISTERS + STAGES;  // words on the way to the accumulator
    localparam [31:0]  LAST_FOLD    = FOLDS - 1;
    localparam [31:0]  LAST_COLUMN  = COLUMN_GROUPS - 1;
    localparam [31:0]  LAST_ROW     = ROW_GROUPS - 1;

    reg  [  FOLD_BITS-1:0] fold_q;
    reg  [COLUMN_BITS-1:0] column_q;
    reg  [INPUTS_BITS-1:0] inputs_q;
    reg  [      DEPTH-1:0] valid_q;  // [0] goes with the operands, [DEPTH-1] with the accumulator's summand
    reg  [      DEPTH-1:0] first_q;
    reg  [      DEPTH-1:0] last_q;
    reg                    out_valid_q;
    wire [WEIGHTS_BITS-1:0] weights_word;

    wire take        = in_valid && enable;
    wire last_column = column_q == LAST_COLUMN[COLUMN_BITS-1:0];

    assign enable        = !out_valid_q || out_ready;
    assign in_ready = enable;
    assign out_valid = out_valid_q;
    assign valid         = valid_q[DEPTH-1];
    assign first         = first_q[DEPTH-1];
    assign complete      = last_q[DEPTH-1] && !rst;

    always @(posedge clk) begin
        if (rst) begin
            fold_q      <= {FOLD_BITS{1'b0}};
            column_q    <= {COLUMN_BITS{1'b0}};
            valid_q     <= {DEPTH{1'b0}};
            out_valid_q <= 1'b0;
        end else begin
            if (take) begin
                fold_q   <= fold_q == LAST_FOLD[FOLD_BITS-1:0] ? {FOLD_BITS{1'b0}} : fold_q + 1'b1;
                column_q <= last_column ? {COLUMN_BITS{1'b0}} : column_q + 1'b1;
            end
            if (enable) begin
                valid_q     <= {valid_q[DEPTH-2:0], in_valid};
                out_valid_q <= valid && last_q[DEPTH-1];
            end
        end
        if (enable) begin
            inputs_q <= in_data;
            first_q  <= {first_q[DEPTH-2:0], column_q == {COLUMN_BITS{1'b0}}};
            last_q   <= {last_q[DEPTH-2:0], last_column};
        end
    end

    tr_rom #(
        .BITS        (WEIGHTS_BITS),
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
            reg [ INPUTS_BITS-1:0] inputs_again_q;
            reg [WEIGHTS_BITS-1:0] weights_q;
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
            // Read as the first sum of a row group moves in front of the accumulator.
            reg [ROW_BITS-1:0] row_q;
            wire               read = enable && valid_q[DEPTH-2] && first_q[DEPTH-2];
            always @(posedge clk) begin
                if (rst) row_q <= {ROW_BITS{1'b0}};
                else if (read) row_q <= row_q == LAST_ROW[ROW_BITS-1:0] ? {ROW_BITS{1'b0}} : row_q + 1'b1;
            end
            tr_rom #(
                .BITS        (BIASES_BITS),
                .DEPTH       (ROW_GROUPS),
                .ADDRESS_BITS(ROW_BITS),
                .STYLE       (0),
                .FILE        (BIAS_FILE)
            ) bias_rom (
                .clk     (clk),
                .enable  (read),
                .address (row_q),
`ifdef FORMAL
                .contents(all_biases),
`endif
                .data    (bias)
            );
        end else begin : no_biases
            assign bias = {BIASES_BITS{1'b0}};
        end
    endgenerate

    wire unused = &{1'b0, LAST_FOLD, LAST_COLUMN, LAST_ROW};

`ifdef FORMAL
    // One word of value `word` is marked as it is taken (the solver chooses when): it must meet its own weights
    // and arrive at the accumulators with its own flags and bias.
    (* anyconst *) reg [INPUTS_BITS-1:0] word;
    (* anyseq *)   reg                   mark;
    reg                  started = 1'b0;
    reg                  past = 1'b0;  // the last cycle was one without reset
    reg                  stalled;      // the last cycle offered a word that was not taken
    reg [          15:0] taken;        // words of the current vector that are in
    reg [           7:0] held;         // row groups whose last word is in, minus words out
    reg                  live;         // the marked word is on its way to the accumulators
    reg [           7:0] place;        // the register it is in
    reg [          15:0] fold;         // its position in its vector
    reg [           7:0] ends;         // ends of row groups on their way
    reg [          15:0] position;     // of a word on its way, in its vector
    reg [          15:0] begins;       // beginnings of row groups on their way, not yet at the accumulators
    integer              index;
    reg [ROW_GROUPS*COLUMN_GROUPS*WEIGHTS_BITS-1:0] weights_before;
    reg [               ROW_GROUPS*BIASES_BITS-1:0] biases_before;

    wire take_word = in_valid && in_ready;
    wire send_word = out_valid && out_ready;

    always @* begin
        if (!started) assume (rst);
        else assume (all_weights == weights_before && all_biases == biases_before);  // memories
    end

    always @(posedge clk) begin
        weights_before <= all_weights;
        biases_before  <= all_biases;
        started <= 1'b1;
        past    <= !rst;
        stalled <= out_valid && !out_ready;
        if (rst) begin
            taken <= 16'd0;
            held  <= 8'd0;
            live  <= 1'b0;
        end else begin
            if (take_word) taken <= taken == FOLDS - 1 ? 16'd0 : taken + 16'd1;
            held <= held + (take_word && taken % COLUMN_GROUPS == COLUMN_GROUPS - 1) - send_word;
            if (take_word && !live && mark && in_data == word) begin
                live  <= 1'b1;
                place <= 8'd0;
                fold  <= taken;
            end else if (live && enable) begin
                place <= place + 8'd1;
                live  <= place != DEPTH - 1;
            end
        end
    end

    always @* begin
        ends     = {7'd0, out_valid_q};
        begins   = 16'd0;
        position = taken;
        for (index = 0; index < DEPTH; index = index + 1) begin
            if (valid_q[index]) begin
                position = position == 16'd0 ? FOLDS - 1 : position - 16'd1;
                ends     = ends + last_q[index];
                if (index < DEPTH - 1) begins = begins + first_q[index];
                if (started && !rst) begin
                    assert (first_q[index] == (position % COLUMN_GROUPS == 0));
                    assert (last_q[index] == (position % COLUMN_GROUPS == COLUMN_GROUPS - 1));
                    if (live && place == index) assert (position == fold);
                end
            end
        end
        if (started && !rst) begin
            // counted: a word out for every COLUMN_GROUPS words in
            assert (held == ends);
            assert (taken < FOLDS && fold_q == taken && column_q == taken % COLUMN_GROUPS);
            // marked: the word and what belongs to it
            if (live) begin
                assert (fold < FOLDS && place < DEPTH && valid_q[place]);
                if (place == 0)
                    assert (inputs_q == word && weights_word == all_weights[fold*WEIGHTS_BITS+:WEIGHTS_BITS]);
                if (place == OPERAND_REGISTERS - 1)
                    assert (inputs == word && weights == all_weights[fold*WEIGHTS_BITS+:WEIGHTS_BITS]);
            end
            // stable: the word offered stays
            if (past && stalled) assert (out_valid);
        end
    end

    generate
        if (BIAS != 0) begin : bias_properties
            // The row group of the next beginning that comes to the accumulators.
            wire [15:0] begun = (taken + COLUMN_GROUPS - 1) / COLUMN_GROUPS;
            always @* if (started && !rst) begin
                assert (biases.row_q < ROW_GROUPS);
                assert ((biases.row_q + begins) % ROW_GROUPS == begun % ROW_GROUPS);
                if (valid && first)
                    assert (bias == all_biases[((biases.row_q+ROW_GROUPS-1)%ROW_GROUPS)*BIASES_BITS+:BIASES_BITS]);
                if (live && place == DEPTH - 1 && first)
                    assert (bias == all_biases[(fold/COLUMN_GROUPS)*BIASES_BITS+:BIASES_BITS]);
            end
        end
    endgenerate
`endif
endmodule

`default_nettype wire
