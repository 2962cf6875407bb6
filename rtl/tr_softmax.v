// SPDX-License-Identifier: Apache-2.0
//
// tr_softmax: the shares of the CHANNELS values of each row, as multiples of 2^-BITS.
//
// With d = (the largest of the row) - x, e = table[d] (0 beyond the table, and where an entry is closed) and r the sum of
// the row's e, the share is e / r, rounded, halves up. Two row buffers in a row: in front of the first the largest value
// is found, between the two the table is read and the sum taken, behind the second each lane has a pipelined divider
// with a rank for each bit of the quotient.
//
// Latency   2 * CHANNELS/PE + BITS + 6 cycles from the first word taken to the first one offered; for several lanes
//           clog2(PE) / 2 (whole part) more for the tree of comparisons and 1 + (clog2(PE) - 1) / 2 for that of sums;
//           1 more where entries are closed.
// Rate      a word in and a word out every cycle: while a row is divided, the next one is looked up, and the one after
//           that comes in.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a function of registers only.
// Memory    two row buffers of 2 * CHANNELS/PE words, the table once a lane, and for closed entries a bit for every
//           value of a frame.
// Reset     synchronous, active high; clears flags and counters, leaves data.
`default_nettype none

module tr_softmax #(
    parameter integer CHANNELS  = 6,   // values of a row
    parameter integer PE        = 2,   // values a word, divides CHANNELS
    parameter integer ROWS      = 1,   // rows of a frame; of no matter where nothing is closed
    parameter integer IN_BITS   = 4,   // of a value
    parameter integer IN_SIGNED = 1,
    parameter integer ENTRIES   = 16,  // of the table
    parameter integer EXP_BITS  = 9,   // of an entry: its first one, the largest, is 2^(EXP_BITS-1)
    parameter integer SUM_BITS  = 11,  // of the largest sum of a row
    parameter integer BITS      = 8,   // of the quotient
    parameter integer OUT_BITS  = 9,   // of a share, BITS + 1 at most: all that are reached
    parameter integer MASKED    = 0,   // 1: some entries are closed
    parameter integer STYLE     = 0,   // of the table: 0 synthesis decides, 1 and 2 LUTs, 3 block RAM
    parameter TABLE_FILE  = "",
    parameter CLOSED_FILE = ""         // if MASKED: a word for every word of a frame, a bit a lane
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
    localparam integer WORDS        = CHANNELS / PE;
    localparam integer LEVELS       = $clog2(PE);
    localparam integer FRONT        = MASKED + LEVELS / 2;               // ranks in front of the first buffer
    localparam integer SUMMING      = PE > 1 ? 1 + (LEVELS - 1) / 2 : 0; // ranks of the tree of sums
    localparam integer MIDDLE       = 3 + SUMMING;                       // between the buffers
    localparam integer STEPS        = BITS + 1;                          // of a division: a bit more than it gives
    localparam integer KEY_BITS     = IN_BITS + MASKED;                  // a value, and whether it is closed
    localparam integer ADDRESS_BITS = ENTRIES > 1 ? $clog2(ENTRIES) : 1;
    localparam integer D_BITS       = IN_BITS > ADDRESS_BITS ? IN_BITS : ADDRESS_BITS;
    localparam [31:0]  BEYOND       = ENTRIES;

    // Turned so that the largest unsigned number is the largest value.
    localparam [IN_BITS-1:0] SIGN = IN_SIGNED != 0 ? ~({IN_BITS{1'b1}} >> 1) : {IN_BITS{1'b0}};

    genvar lane;
    genvar level;
    genvar k;

    // --- in front of the first buffer: which entries are closed, and the largest of a word ---------------------------

    wire x_ready;  // of the first buffer
    wire x_valid;
    wire front_enable;

    generate
        if (FRONT == 0) begin : no_front
            assign front_enable  = x_ready;
            assign x_valid       = s_axis_tvalid;
        end else begin : front
            reg  [FRONT:1] valid_q;
            wire [FRONT:0] valid = {valid_q, s_axis_tvalid};
            wire           unused = &{1'b0, valid};
            assign front_enable  = !valid_q[FRONT] || x_ready;
            assign x_valid       = valid_q[FRONT];
            always @(posedge clk) begin
                if (rst) valid_q <= {FRONT{1'b0}};
                else if (front_enable) valid_q <= valid[FRONT-1:0];
            end
        end
    endgenerate
    assign s_axis_tready = front_enable;

    wire [PE-1:0] closed;  // of the word at level 0
    generate
        if (MASKED != 0) begin : mask
            localparam integer PLACES     = ROWS * WORDS;
            localparam integer PLACE_BITS = PLACES > 1 ? $clog2(PLACES) : 1;
            localparam [31:0]  LAST_PLACE = PLACES - 1;
            reg  [PLACE_BITS-1:0] place_q;
            always @(posedge clk) begin
                if (rst) place_q <= {PLACE_BITS{1'b0}};
                else if (s_axis_tvalid && s_axis_tready)
                    place_q <= place_q == LAST_PLACE[PLACE_BITS-1:0] ? {PLACE_BITS{1'b0}} : place_q + 1'b1;
            end
            tr_rom #(
                .BITS(PE),
                .DEPTH(PLACES),
                .ADDRESS_BITS(PLACE_BITS),
                .STYLE(0),
                .FILE(CLOSED_FILE)
            ) memory (
                .clk(clk),
                .enable(front_enable),
                .address(place_q),
                .data(closed)
            );
            wire unused = &{1'b0, LAST_PLACE};
        end else begin : no_mask
            assign closed = {PE{1'b0}};
        end

        for (level = 0; level <= LEVELS; level = level + 1) begin : tree
            localparam integer NODES = (PE + (1 << level) - 1) >> level;
            wire [   NODES*IN_BITS-1:0] tops;  // the largest of so many lanes
            reg  [   NODES*IN_BITS-1:0] tops_d;
            wire [     PE*KEY_BITS-1:0] keys;
            wire [     PE*KEY_BITS-1:0] keys_d;
            integer                     node;
            if (level == 0) begin : entries
                wire [PE*IN_BITS-1:0] values;  // turned, at the rank at which it is known what is closed
                if (MASKED != 0) begin : registered
                    reg [PE*IN_BITS-1:0] values_q;
                    always @(posedge clk) if (front_enable) values_q <= s_axis_tdata ^ {PE{SIGN}};
                    assign values = values_q;
                end else begin : direct
                    assign values = s_axis_tdata ^ {PE{SIGN}};
                end
                for (lane = 0; lane < PE; lane = lane + 1) begin : each
                    assign keys_d[lane*KEY_BITS+:IN_BITS] = values[lane*IN_BITS+:IN_BITS];
                    if (MASKED != 0) begin : masked
                        assign keys_d[lane*KEY_BITS+IN_BITS] = closed[lane];
                    end
                end
                always @*
                    for (node = 0; node < NODES; node = node + 1)
                        tops_d[node*IN_BITS+:IN_BITS] = closed[node] ? {IN_BITS{1'b0}} : values[node*IN_BITS+:IN_BITS];
                assign tops = tops_d;
                assign keys = keys_d;
            end else begin : compared
                localparam integer BELOW = (PE + (1 << (level - 1)) - 1) >> (level - 1);
                assign keys_d = tree[level-1].keys;
                always @*
                    for (node = 0; node < NODES; node = node + 1) begin
                        tops_d[node*IN_BITS+:IN_BITS] = tree[level-1].tops[2*node*IN_BITS+:IN_BITS];
                        if (2 * node + 1 < BELOW)
                            if (tree[level-1].tops[(2*node+1)*IN_BITS+:IN_BITS] >
                                tree[level-1].tops[2*node*IN_BITS+:IN_BITS])
                                tops_d[node*IN_BITS+:IN_BITS] = tree[level-1].tops[(2*node+1)*IN_BITS+:IN_BITS];
                    end
                if (level % 2 == 0) begin : registered
                    reg [NODES*IN_BITS-1:0] tops_q;
                    reg [  PE*KEY_BITS-1:0] keys_q;
                    always @(posedge clk) begin
                        if (front_enable) begin
                            tops_q <= tops_d;
                            keys_q <= keys_d;
                        end
                    end
                    assign tops = tops_q;
                    assign keys = keys_q;
                end else begin : direct
                    assign tops = tops_d;
                    assign keys = keys_d;
                end
            end
        end
    endgenerate

    // --- the first buffer, with the largest of each row ---------------------------------------------------------------

    wire                   x_put = x_valid && x_ready;
    wire                   x_first;
    wire                   x_last;
    wire                   x_upper;
    wire                   x_fetch;
    wire                   x_fetch_upper;
    wire                   x_out_valid;
    wire [PE*KEY_BITS-1:0] x_out;
    wire                   middle_enable;
    reg  [    IN_BITS-1:0] top_q;        // of the row that comes in
    reg  [    IN_BITS-1:0] top_lower_q;  // of the rows inside
    reg  [    IN_BITS-1:0] top_upper_q;
    reg  [    IN_BITS-1:0] top_out_q;    // of the row that the word read belongs to
    wire [    IN_BITS-1:0] word_top = tree[LEVELS].tops;
    wire [    IN_BITS-1:0] top_d = x_first || word_top > top_q ? word_top : top_q;

    tr_row_buffer #(
        .WIDTH(PE * KEY_BITS),
        .WORDS(WORDS)
    ) values (
        .clk(clk),
        .rst(rst),
        .put_data(tree[LEVELS].keys),
        .put_valid(x_valid),
        .put_ready(x_ready),
        .put_first(x_first),
        .put_last(x_last),
        .put_upper(x_upper),
        .advance(middle_enable),
        .fetch(x_fetch),
        .fetch_upper(x_fetch_upper),
        .data(x_out),
        .valid(x_out_valid)
    );

    always @(posedge clk) begin
        if (x_put) top_q <= top_d;
        if (x_put && x_last && !x_upper) top_lower_q <= top_d;
        if (x_put && x_last && x_upper) top_upper_q <= top_d;
        if (x_fetch) top_out_q <= x_fetch_upper ? top_upper_q : top_lower_q;
    end

    // --- between the buffers: differences, the table, the sum of a word -----------------------------------------------

    reg  [      MIDDLE-1:1] middle_valid_q;  // behind the register of the buffer
    wire [      MIDDLE-1:0] middle_valid = {middle_valid_q, x_out_valid};
    wire                    e_ready;
    wire                    e_valid = middle_valid_q[MIDDLE-1];
    wire [ PE*EXP_BITS-1:0] looked_up;
    wire [ PE*EXP_BITS-1:0] e_word;
    wire [    SUM_BITS-1:0] word_sum;

    assign middle_enable = !e_valid || e_ready;
    always @(posedge clk) begin
        if (rst) middle_valid_q <= {MIDDLE - 1{1'b0}};
        else if (middle_enable) middle_valid_q <= middle_valid[MIDDLE-2:0];
    end

    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : lookup
            reg  [  D_BITS-1:0] d_q;
            reg                 zero_q;
            wire [EXP_BITS-1:0] entry;
            wire                shut;
            if (MASKED != 0) begin : masked
                reg shut_q;
                always @(posedge clk) if (middle_enable) shut_q <= x_out[lane*KEY_BITS+IN_BITS];
                assign shut = shut_q;
            end else begin : open
                assign shut = 1'b0;
            end
            wire [IN_BITS-1:0] difference = top_out_q - x_out[lane*KEY_BITS+:IN_BITS];
            always @(posedge clk) begin
                if (middle_enable) begin
                    d_q                <= {D_BITS{1'b0}};
                    d_q[IN_BITS-1:0]   <= difference;
                    zero_q             <= shut || {1'b0, d_q} >= BEYOND[D_BITS:0];
                end
            end
            tr_rom #(
                .BITS(EXP_BITS),
                .DEPTH(ENTRIES),
                .ADDRESS_BITS(ADDRESS_BITS),
                .STYLE(STYLE),
                .FILE(TABLE_FILE)
            ) memory (
                .clk(clk),
                .enable(middle_enable),
                .address(d_q[ADDRESS_BITS-1:0]),
                .data(entry)
            );
            assign looked_up[lane*EXP_BITS+:EXP_BITS] = zero_q ? {EXP_BITS{1'b0}} : entry;
        end

        if (PE > 1) begin : summing
            localparam integer WORD_SUM_BITS = EXP_BITS + LEVELS;
            wire [WORD_SUM_BITS-1:0] sum;
            wire                     carry;
            tr_adder_tree #(
                .COUNT(PE),
                .BITS(EXP_BITS),
                .SIGNED(0),
                .CARRIES(0),
                .FIRST(1)
            ) adders (
                .clk(clk),
                .enable(middle_enable),
                .terms(looked_up),
                .carries({PE{1'b0}}),
                .sum(sum),
                .carry(carry)
            );
            if (SUM_BITS > WORD_SUM_BITS) begin : wider
                assign word_sum = {{SUM_BITS - WORD_SUM_BITS{1'b0}}, sum};
            end else begin : narrower
                assign word_sum = sum[SUM_BITS-1:0];
            end
            for (k = 0; k < SUMMING; k = k + 1) begin : delay
                reg [PE*EXP_BITS-1:0] word_q;
                if (k == 0) begin : first
                    always @(posedge clk) if (middle_enable) word_q <= looked_up;
                end else begin : later
                    always @(posedge clk) if (middle_enable) word_q <= delay[k-1].word_q;
                end
            end
            assign e_word = delay[SUMMING-1].word_q;
            wire unused = &{1'b0, carry, sum};
        end else begin : no_summing
            assign e_word = looked_up;
            if (SUM_BITS > EXP_BITS) begin : wider
                assign word_sum = {{SUM_BITS - EXP_BITS{1'b0}}, looked_up};
            end else begin : narrower
                assign word_sum = looked_up[SUM_BITS-1:0];
            end
        end
    endgenerate

    // --- the second buffer, with the sum of each row ------------------------------------------------------------------

    wire                   e_put = e_valid && e_ready;
    wire                   e_first;
    wire                   e_last;
    wire                   e_upper;
    wire                   e_fetch;
    wire                   e_fetch_upper;
    wire                   e_out_valid;
    wire [PE*EXP_BITS-1:0] e_out;
    wire                   back_enable;
    reg  [   SUM_BITS-1:0] sum_q;        // of the row that comes in
    reg  [   SUM_BITS-1:0] sum_lower_q;  // of the rows inside
    reg  [   SUM_BITS-1:0] sum_upper_q;
    reg  [   SUM_BITS-1:0] sum_out_q;    // of the row that the word read belongs to
    wire [   SUM_BITS-1:0] sum_d = word_sum + (e_first ? {SUM_BITS{1'b0}} : sum_q);

    tr_row_buffer #(
        .WIDTH(PE * EXP_BITS),
        .WORDS(WORDS)
    ) exponentials (
        .clk(clk),
        .rst(rst),
        .put_data(e_word),
        .put_valid(e_valid),
        .put_ready(e_ready),
        .put_first(e_first),
        .put_last(e_last),
        .put_upper(e_upper),
        .advance(back_enable),
        .fetch(e_fetch),
        .fetch_upper(e_fetch_upper),
        .data(e_out),
        .valid(e_out_valid)
    );

    always @(posedge clk) begin
        if (e_put) sum_q <= sum_d;
        if (e_put && e_last && !e_upper) sum_lower_q <= sum_d;
        if (e_put && e_last && e_upper) sum_upper_q <= sum_d;
        if (e_fetch) sum_out_q <= e_fetch_upper ? sum_upper_q : sum_lower_q;
    end

    // --- the dividers: a rank a bit, from the highest on; an e that is the whole sum gets ones only -------------------

    reg  [  STEPS+1:1] back_valid_q;  // behind the register of the buffer
    wire [  STEPS+1:0] back_valid = {back_valid_q, e_out_valid};

    assign back_enable   = !m_axis_tvalid || m_axis_tready;
    assign m_axis_tvalid = back_valid_q[STEPS+1];
    always @(posedge clk) begin
        if (rst) back_valid_q <= {STEPS + 1{1'b0}};
        else if (back_enable) back_valid_q <= back_valid[STEPS:0];
    end

    generate
        for (k = 0; k < STEPS; k = k + 1) begin : sums
            wire [SUM_BITS-1:0] r;
            if (k == 0) begin : first
                assign r = sum_out_q;
            end else begin : later
                reg [SUM_BITS-1:0] r_q;
                assign r = r_q;
                always @(posedge clk) if (back_enable) r_q <= sums[k-1].r;
            end
        end

        for (lane = 0; lane < PE; lane = lane + 1) begin : divider
            for (k = 0; k <= STEPS; k = k + 1) begin : rank
                wire [SUM_BITS-1:0] rest;  // at most the sum
                wire [     STEPS:0] quotient;  // k bits
                wire                unused = &{1'b0, rest, quotient};
                if (k == 0) begin : first
                    assign rest     = {{SUM_BITS - EXP_BITS{1'b0}}, e_out[lane*EXP_BITS+:EXP_BITS]};
                    assign quotient = {STEPS + 1{1'b0}};
                end else begin : later
                    reg  [SUM_BITS-1:0] rest_q;
                    reg  [       k-1:0] quotient_q;
                    wire [  SUM_BITS:0] twice = {divider[lane].rank[k-1].rest, 1'b0};
                    wire [SUM_BITS+1:0] left = {1'b0, twice} - {2'b00, sums[k-1].r};
                    wire                bit_d = !left[SUM_BITS+1];
                    assign rest     = rest_q;
                    assign quotient = {{STEPS + 1 - k{1'b0}}, quotient_q};
                    always @(posedge clk) begin
                        if (back_enable) rest_q <= bit_d ? left[SUM_BITS-1:0] : twice[SUM_BITS-1:0];
                    end
                    if (k == 1) begin : one
                        always @(posedge clk) if (back_enable) quotient_q <= bit_d;
                    end else begin : more
                        always @(posedge clk)
                            if (back_enable) quotient_q <= {divider[lane].rank[k-1].quotient[k-2:0], bit_d};
                    end
                end
            end
            // the bit too many rounds, halves up
            reg  [OUT_BITS-1:0] share_q;
            wire [     STEPS:0] rounded = rank[STEPS].quotient + 1'b1;
            assign m_axis_tdata[lane*OUT_BITS+:OUT_BITS] = share_q;
            wire                unused = &{1'b0, rounded};
            always @(posedge clk) if (back_enable) share_q <= rounded[OUT_BITS:1];
        end
    endgenerate

    wire unused = &{1'b0, BEYOND, SIGN, back_valid, middle_valid};
endmodule

`default_nettype wire
