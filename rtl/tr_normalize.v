// SPDX-License-Identifier: Apache-2.0
//
// tr_normalize: normalizes vectors of SIZE values: y is the integer nearest to 2^f * (x - mean) / deviation (RMS = 0), or
// to 2^f * x / root of the mean square (RMS = 1), ties away from zero.
//
// With the sums S of the values and Q of their squares, W = SIZE * Q - S * S + epsilon and N = (SIZE * x - S)^2, or
// W = Q + epsilon and N = SIZE * x^2; y is half of the largest y' with y'^2 * W <= N << 2 * (f + 1), rounded. The digits
// of y' are found from the highest to the lowest, a rank each, by one comparison: of the rest with (4 * y' + 1) * W.
//
// Ranks     sums: 5 and those of the adder trees; then a memory of two vectors; behind it DIGITS + 3.
// Latency   SIZE/PE + these + 1 cycles from the first word of a vector to its first one out.
// Rate      a word every CYCLES cycles: where that is more than one, as many digits share the logic of one.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready does not follow m_axis_tready.
// Memory    2 * SIZE/PE words, read synchronously.
// Reset     synchronous, active high; clears flags and counters, leaves data.
`default_nettype none

module tr_normalize #(
    parameter integer SIZE         = 4,   // values of a vector, at least 2 (RMS: 1)
    parameter integer PE           = 1,   // values a word, divides SIZE
    parameter integer CYCLES       = 1,   // from a word to the next at the output, 1 to DIGITS
    parameter integer RMS          = 0,   // 1: root mean square, 0: mean and deviation
    parameter integer IN_BITS      = 4,
    parameter integer IN_SIGNED    = 1,   // 1: two's complement
    parameter integer OUT_BITS     = 7,   // signed
    parameter integer UP           = 10,  // bits by which N is shifted up: FINER + 2 * (f + 1)
    parameter integer FINER        = 0,   // bits by which W is shifted up beside epsilon
    parameter integer COARSER      = 0,   // bits by which epsilon is shifted up; one of both is 0
    parameter integer EPSILON      = 1,   // at least 1
    parameter integer DIGITS       = 7,   // of y', at least 2
    parameter integer SUM_BITS     = 6,   // of S, signed
    parameter integer SQUARES_BITS = 9,   // of Q
    parameter integer VALUE_BITS   = 7,   // of SIZE * x - S, signed; RMS: of x^2
    parameter integer TOP_BITS     = 12,  // of N
    parameter integer ROOT_BITS    = 10,  // of W
    parameter integer REST_BITS    = 20   // of 4 * y' * W + 4 * W
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
    localparam integer WORDS       = SIZE / PE;
    localparam integer WORD_BITS   = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam integer LEVELS      = $clog2(PE);
    localparam integer TREE        = LEVELS > 1 ? 1 + (LEVELS - 1) / 2 : 1;
    localparam integer FRONT       = 5 + TREE;  // ranks in front of the memory
    localparam integer ADDED       = 3 + TREE;  // the rank of the sums
    localparam integer BACK        = DIGITS + 3;
    localparam integer SQUARE_BITS = 2 * IN_BITS;
    localparam [31:0]  LAST_WORD   = WORDS - 1;

    genvar lane;

    // --- the sums of a vector, on its way into the memory -------------------------------------------------------

    reg  [       FRONT:1] valid_q;
    reg  [ WORD_BITS-1:0] add_q;   // words of the vector that are in the sums
    wire                  room;
    wire                  enable     = !valid_q[FRONT] || room;
    wire                  add_first  = add_q == {WORD_BITS{1'b0}};
    wire                  add_last   = add_q == LAST_WORD[WORD_BITS-1:0];
    wire                  add        = enable && valid_q[ADDED-1];

    assign s_axis_tready = enable;

    always @(posedge clk) begin
        if (rst) begin
            valid_q <= {FRONT{1'b0}};
            add_q   <= {WORD_BITS{1'b0}};
        end else begin
            if (enable) valid_q <= {valid_q[FRONT-1:1], s_axis_tvalid};
            if (add) add_q <= add_last ? {WORD_BITS{1'b0}} : add_q + 1'b1;
        end
    end

    reg [FRONT*PE*IN_BITS-1:0] x_q;  // the words on their way, the last one in the highest bits
    always @(posedge clk) if (enable) x_q <= {x_q[(FRONT-1)*PE*IN_BITS-1:0], s_axis_tdata};

    reg  [PE*SQUARE_BITS-1:0] squares_q;
    wire [PE*SQUARE_BITS-1:0] squares_d;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : squared
            wire signed [IN_BITS:0] x = {
                IN_SIGNED != 0 && x_q[lane*IN_BITS+IN_BITS-1], x_q[lane*IN_BITS+:IN_BITS]
            };
            wire signed [2*IN_BITS+1:0] square = x * x;
            assign squares_d[lane*SQUARE_BITS+:SQUARE_BITS] = square[SQUARE_BITS-1:0];
            wire unused = &{1'b0, square};
        end
    endgenerate
    always @(posedge clk) if (enable) squares_q <= squares_d;

    wire [SQUARE_BITS+LEVELS-1:0] word_squares;
    wire                          no_carry;
    tr_adder_tree #(
        .COUNT  (PE),
        .BITS   (SQUARE_BITS),
        .SIGNED (0),
        .CARRIES(0)
    ) add_squares (
        .clk    (clk),
        .enable (enable),
        .terms  (squares_q),
        .carries({PE{1'b0}}),
        .sum    (word_squares),
        .carry  (no_carry)
    );

    reg [SQUARES_BITS-1:0] squares_sum_q;  // Q
    wire [SQUARES_BITS+SQUARE_BITS+LEVELS-1:0] wide_squares = {{SQUARES_BITS{1'b0}}, word_squares};
    always @(posedge clk)
        if (add)
            squares_sum_q <= (add_first ? {SQUARES_BITS{1'b0}} : squares_sum_q) + wide_squares[SQUARES_BITS-1:0];

    wire        [ROOT_BITS-1:0] root_d;  // W of the vector whose last word is in rank FRONT
    wire signed [ SUM_BITS-1:0] sum_d;   // and its S
    localparam integer FULL = ROOT_BITS + SQUARES_BITS + 2 * SUM_BITS + 32;
    localparam [ROOT_BITS+COARSER+31:0] EPSILON_FULL = {{(ROOT_BITS + COARSER) {1'b0}}, EPSILON[31:0]} << COARSER;

    generate
        if (RMS != 0) begin : root_mean_square
            reg [SQUARES_BITS-1:0] squares_late_q;
            reg [   ROOT_BITS-1:0] root_q;
            wire [FULL-1:0] root = ({{(FULL - SQUARES_BITS) {1'b0}}, squares_late_q} << FINER);
            always @(posedge clk)
                if (enable) begin
                    squares_late_q <= squares_sum_q;
                    root_q         <= root[ROOT_BITS-1:0] + EPSILON_FULL[ROOT_BITS-1:0];
                end
            assign root_d = root_q;
            assign sum_d  = {SUM_BITS{1'b0}};
            wire unused = &{1'b0, root};
        end else begin : deviation
            wire [IN_BITS+LEVELS-1:0] word_sum;
            wire                      no_carry_either;
            tr_adder_tree #(
                .COUNT  (PE),
                .BITS   (IN_BITS),
                .SIGNED (IN_SIGNED),
                .CARRIES(0)
            ) add_values (
                .clk    (clk),
                .enable (enable),
                .terms  (x_q[PE*IN_BITS+:PE*IN_BITS]),
                .carries({PE{1'b0}}),
                .sum    (word_sum),
                .carry  (no_carry_either)
            );
            localparam [SQUARES_BITS+31:0] COUNT = {{SQUARES_BITS{1'b0}}, SIZE[31:0]};
            reg signed [      SUM_BITS-1:0] sum_q, sum_late_q, sum_last_q;
            reg        [    2*SUM_BITS-1:0] sum_square_q;
            reg        [SQUARES_BITS+31:0] counted_q;
            reg        [     ROOT_BITS-1:0] root_q;
            wire [SUM_BITS+IN_BITS+LEVELS-1:0] wide_sum = {
                {SUM_BITS{IN_SIGNED != 0 && word_sum[IN_BITS+LEVELS-1]}}, word_sum
            };
            wire signed [2*SUM_BITS-1:0] sum_square = sum_q * sum_q;
            wire [FULL-1:0] variance = {{(FULL - SQUARES_BITS - 32) {1'b0}}, counted_q} -
                {{(FULL - 2 * SUM_BITS) {1'b0}}, sum_square_q};
            wire [FULL-1:0] root = variance << FINER;
            always @(posedge clk) begin
                if (add) sum_q <= (add_first ? {SUM_BITS{1'b0}} : sum_q) + wide_sum[SUM_BITS-1:0];
                if (enable) begin
                    sum_square_q <= sum_square;
                    counted_q    <= {32'd0, squares_sum_q} * COUNT;
                    sum_late_q   <= sum_q;
                    root_q       <= root[ROOT_BITS-1:0] + EPSILON_FULL[ROOT_BITS-1:0];
                    sum_last_q   <= sum_late_q;
                end
            end
            assign root_d = root_q;
            assign sum_d  = sum_last_q;
            wire unused = &{1'b0, root, wide_sum, no_carry_either};
        end
    endgenerate

    // --- two vectors, and the W and S of those that are whole ---------------------------------------------------

    localparam integer       PLACES     = 2 * WORDS;
    localparam integer       PLACE_BITS = $clog2(PLACES);
    localparam integer       COUNT_BITS = PLACE_BITS + 1;
    localparam integer       END_PLACE  = PLACES - 1;
    (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
    reg  [   PE*IN_BITS-1:0] words[0:PLACES-1];
    reg  [    ROOT_BITS-1:0] root_even_q, root_odd_q;
    reg  [     SUM_BITS-1:0] sum_even_q, sum_odd_q;
    reg  [   PLACE_BITS-1:0] write_q, read_q;
    reg  [    WORD_BITS-1:0] come_q, gone_q;  // words of the vectors that come and go
    reg                      write_odd_q, read_odd_q;
    reg  [   COUNT_BITS-1:0] inside_q;  // words
    reg  [              1:0] whole_q;   // vectors that are whole and not gone
    reg                      fetched_q;
    wire                     take;      // the word that is fetched goes on
    wire                     put        = valid_q[FRONT] && room;
    wire                     fetch      = whole_q != 2'd0 && (!fetched_q || take);
    wire                     put_last   = come_q == LAST_WORD[WORD_BITS-1:0];
    wire                     fetch_last = gone_q == LAST_WORD[WORD_BITS-1:0];

    assign room = inside_q != PLACES[COUNT_BITS-1:0];

    reg [PE*IN_BITS-1:0] word_q;
    reg [ ROOT_BITS-1:0] root_q;
    reg [  SUM_BITS-1:0] sum_q;

    always @(posedge clk) begin
        if (put) words[write_q] <= x_q[(FRONT-1)*PE*IN_BITS+:PE*IN_BITS];
        if (put && put_last && !write_odd_q) begin
            root_even_q <= root_d;
            sum_even_q  <= sum_d;
        end
        if (put && put_last && write_odd_q) begin
            root_odd_q <= root_d;
            sum_odd_q  <= sum_d;
        end
        if (fetch) begin
            word_q <= words[read_q];
            root_q <= read_odd_q ? root_odd_q : root_even_q;
            sum_q  <= read_odd_q ? sum_odd_q : sum_even_q;
        end
    end

    always @(posedge clk) begin
        if (rst) begin
            write_q     <= {PLACE_BITS{1'b0}};
            read_q      <= {PLACE_BITS{1'b0}};
            come_q      <= {WORD_BITS{1'b0}};
            gone_q      <= {WORD_BITS{1'b0}};
            write_odd_q <= 1'b0;
            read_odd_q  <= 1'b0;
            inside_q    <= {COUNT_BITS{1'b0}};
            whole_q     <= 2'd0;
            fetched_q   <= 1'b0;
        end else begin
            if (!fetched_q || take) fetched_q <= whole_q != 2'd0;
            if (put) begin
                write_q <= write_q == END_PLACE[PLACE_BITS-1:0] ? {PLACE_BITS{1'b0}} : write_q + 1'b1;
                come_q  <= put_last ? {WORD_BITS{1'b0}} : come_q + 1'b1;
                if (put_last) write_odd_q <= !write_odd_q;
            end
            if (fetch) begin
                read_q <= read_q == END_PLACE[PLACE_BITS-1:0] ? {PLACE_BITS{1'b0}} : read_q + 1'b1;
                gone_q <= fetch_last ? {WORD_BITS{1'b0}} : gone_q + 1'b1;
                if (fetch_last) read_odd_q <= !read_odd_q;
            end
            if (put && !fetch) inside_q <= inside_q + 1'b1;
            if (fetch && !put) inside_q <= inside_q - 1'b1;
            if ((put && put_last) && !(fetch && fetch_last)) whole_q <= whole_q + 1'b1;
            if ((fetch && fetch_last) && !(put && put_last)) whole_q <= whole_q - 1'b1;
        end
    end

    // --- the numerators -----------------------------------------------------------------------------------------

    reg  [BACK:1] back_q;  // valid
    wire          move = !back_q[BACK] || m_axis_tready;
    wire          idle;    // the first rank may take a word

    assign take = idle && move;

    generate
        if (CYCLES == 1) begin : every_cycle
            assign idle = 1'b1;
        end else begin : at_times
            localparam integer TURN_BITS = $clog2(CYCLES);
            localparam [31:0]  TURNS     = CYCLES - 1;
            reg [TURN_BITS-1:0] turn_q;  // cycles until the next word
            assign idle = turn_q == {TURN_BITS{1'b0}};
            always @(posedge clk) begin
                if (rst) turn_q <= {TURN_BITS{1'b0}};
                else if (move) begin
                    if (!idle) turn_q <= turn_q - 1'b1;
                    else if (fetched_q) turn_q <= TURNS[TURN_BITS-1:0];
                end
            end
        end
    endgenerate

    always @(posedge clk) begin
        if (rst) back_q <= {BACK{1'b0}};
        else if (move) back_q <= {back_q[BACK-1:1], fetched_q && idle};
    end

    reg [ROOT_BITS-1:0] root_1_q, root_2_q;
    reg [ROOT_BITS+1:0] triple_2_q;  // 3 * W
    always @(posedge clk)
        if (move) begin
            root_1_q   <= root_q;
            root_2_q   <= root_1_q;
            triple_2_q <= {1'b0, root_1_q, 1'b0} + {2'b00, root_1_q};
        end

    reg  [         PE-1:0] negative_1_q, negative_2_q;
    reg  [PE*TOP_BITS-1:0] top_2_q;  // N
    localparam integer WIDE = VALUE_BITS + IN_BITS + SUM_BITS + TOP_BITS + 33;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : numerator
            wire signed [IN_BITS:0] x = {
                IN_SIGNED != 0 && word_q[lane*IN_BITS+IN_BITS-1], word_q[lane*IN_BITS+:IN_BITS]
            };
            wire signed [WIDE-1:0] value;
            wire        [WIDE-1:0] top;
            wire signed [    32:0] count = {1'b0, SIZE[31:0]};
            if (RMS != 0) begin : square_first
                reg [VALUE_BITS-1:0] value_q;
                assign value = x * x;
                assign top   = {{(WIDE - VALUE_BITS) {1'b0}}, value_q} * {{(WIDE - 33) {1'b0}}, count};
                always @(posedge clk) if (move) value_q <= value[VALUE_BITS-1:0];
                wire unused = &{1'b0, sum_q};
            end else begin : distance_first
                reg signed [VALUE_BITS-1:0] value_q;
                wire signed [WIDE-1:0] total = {{(WIDE - SUM_BITS) {sum_q[SUM_BITS-1]}}, sum_q};
                assign value = x * count - total;
                wire signed [2*VALUE_BITS-1:0] square = value_q * value_q;
                assign top = {{(WIDE - 2 * VALUE_BITS) {1'b0}}, square};
                always @(posedge clk) if (move) value_q <= value[VALUE_BITS-1:0];
            end
            always @(posedge clk)
                if (move) begin
                    negative_1_q[lane]              <= RMS != 0 ? x[IN_BITS] : value[WIDE-1];
                    negative_2_q[lane]              <= negative_1_q[lane];
                    top_2_q[lane*TOP_BITS+:TOP_BITS] <= top[TOP_BITS-1:0];
                end
            wire unused_bits = &{1'b0, value, top};
        end
    endgenerate

    // --- the digits, CYCLES of them in each unit ----------------------------------------------------------------

    localparam integer LOW   = 2 * DIGITS > UP ? 2 * DIGITS - UP : 0;  // bits of N that come in with the digits
    localparam integer SHIFT = UP > 2 * DIGITS ? UP - 2 * DIGITS : 0;
    localparam integer TAIL  = LOW > 0 ? LOW + LOW % 2 : 2;
    localparam integer UNITS = (DIGITS + CYCLES - 1) / CYCLES;

    genvar u;
    generate
        for (u = 0; u <= UNITS; u = u + 1) begin : unit
            // Unit 0 is what the digits begin with; unit u finds the digits FIRST to LAST, counted from the highest.
            localparam integer FIRST = (u - 1) * CYCLES;
            localparam integer LAST  = u == 0 ? -1 : u * CYCLES < DIGITS ? u * CYCLES - 1 : DIGITS - 1;
            localparam integer WIDTH = ROOT_BITS + LAST + 3 < REST_BITS ? ROOT_BITS + LAST + 3 : REST_BITS;
            localparam integer FOUND = LAST + 1;
            wire [  PE*WIDTH-1:0] rest;    // N less y'^2 * W, as far as it has come in
            wire [  PE*WIDTH-1:0] trial;   // (4 * y' + 1) * W
            wire [   PE*TAIL-1:0] tail;    // the bits that are still to come in, the next ones highest
            wire [PE*DIGITS-1:0]  digits;  // y'
            wire [        PE-1:0] negative;
            wire [ ROOT_BITS-1:0] root;
            wire [ ROOT_BITS+1:0] triple;

            if (u == 0) begin : start
                assign root     = root_2_q;
                assign triple   = triple_2_q;
                assign negative = negative_2_q;
                assign digits   = {PE * DIGITS{1'b0}};
                for (lane = 0; lane < PE; lane = lane + 1) begin : first
                    wire [TOP_BITS+SHIFT+LOW+WIDTH-1:0] whole = {
                        {(SHIFT + LOW + WIDTH) {1'b0}}, top_2_q[lane*TOP_BITS+:TOP_BITS]
                    } << SHIFT;
                    assign rest[lane*WIDTH+:WIDTH]  = whole[LOW+:WIDTH];
                    assign trial[lane*WIDTH+:WIDTH] = {{(WIDTH - ROOT_BITS) {1'b0}}, root_2_q};
                    if (LOW == 0) begin : no_tail
                        assign tail[lane*TAIL+:TAIL] = {TAIL{1'b0}};
                    end else if (LOW % 2 == 0) begin : even_tail
                        assign tail[lane*TAIL+:TAIL] = whole[LOW-1:0];
                    end else begin : odd_tail
                        assign tail[lane*TAIL+:TAIL] = {whole[LOW-1:0], 1'b0};
                    end
                    wire unused = &{1'b0, whole};
                end
            end else begin : found
                localparam integer BEFORE = ROOT_BITS + FIRST + 2 < REST_BITS ? ROOT_BITS + FIRST + 2 : REST_BITS;
                reg  [  PE*WIDTH-1:0] rest_q, trial_q;
                reg  [   PE*TAIL-1:0] tail_q;
                reg  [PE*FOUND-1:0]   digits_q;
                reg  [        PE-1:0] negative_q;
                reg  [ ROOT_BITS-1:0] own_root_q;
                reg  [ ROOT_BITS+1:0] own_triple_q;
                wire                  begins = LAST == FIRST || back_q[2+FIRST];  // a word comes from the unit before
                wire [ ROOT_BITS-1:0] own_root_d = begins ? unit[u-1].root : own_root_q;
                wire [ ROOT_BITS+1:0] own_triple_d = begins ? unit[u-1].triple : own_triple_q;

                always @(posedge clk)
                    if (move) begin
                        own_root_q   <= own_root_d;
                        own_triple_q <= own_triple_d;
                        if (begins) negative_q <= unit[u-1].negative;
                    end

                for (lane = 0; lane < PE; lane = lane + 1) begin : digit
                    wire [BEFORE-1:0] rest_in  = unit[u-1].rest[lane*BEFORE+:BEFORE];
                    wire [BEFORE-1:0] trial_in = unit[u-1].trial[lane*BEFORE+:BEFORE];
                    wire [ WIDTH-1:0] rest_now = begins ? {{(WIDTH - BEFORE) {1'b0}}, rest_in} : rest_q[lane*WIDTH+:WIDTH];
                    wire [ WIDTH-1:0] trial_now =
                        begins ? {{(WIDTH - BEFORE) {1'b0}}, trial_in} : trial_q[lane*WIDTH+:WIDTH];
                    wire [  TAIL-1:0] tail_now = begins ? unit[u-1].tail[lane*TAIL+:TAIL] : tail_q[lane*TAIL+:TAIL];
                    wire [DIGITS-1:0] digits_now =
                        begins ? unit[u-1].digits[lane*DIGITS+:DIGITS] : digits[lane*DIGITS+:DIGITS];
                    wire [   WIDTH:0] longer = {1'b0, rest_now[WIDTH-3:0], tail_now[TAIL-1-:2]};
                    wire [   WIDTH:0] less   = longer - {1'b0, trial_now};
                    wire              one    = !less[WIDTH];
                    wire [  DIGITS:0] more_digits = {digits_now, one};
                    wire [   WIDTH:0] change = one ? {{(WIDTH - ROOT_BITS - 1) {1'b0}}, own_triple_d} :
                        ~{{(WIDTH - ROOT_BITS + 1) {1'b0}}, own_root_d};
                    // with the 1 of the complement as a carry, one place below the lowest bit
                    wire [ WIDTH+1:0] next   = {trial_now[WIDTH-1:0], 2'b01} + {change, !one};
                    always @(posedge clk)
                        if (move) begin
                            rest_q[lane*WIDTH+:WIDTH]   <= one ? less[WIDTH-1:0] : longer[WIDTH-1:0];
                            trial_q[lane*WIDTH+:WIDTH]  <= next[WIDTH:1];
                            tail_q[lane*TAIL+:TAIL]     <= tail_now << 2;
                            digits_q[lane*FOUND+:FOUND] <= more_digits[FOUND-1:0];
                        end
                    wire [DIGITS+FOUND-1:0] wide_digits = {{DIGITS{1'b0}}, digits_q[lane*FOUND+:FOUND]};
                    assign digits[lane*DIGITS+:DIGITS] = wide_digits[DIGITS-1:0];
                    wire unused = &{1'b0, rest_now, trial_now, tail_now, more_digits, next, change, wide_digits};
                end
                assign rest     = rest_q;
                assign trial    = trial_q;
                assign tail     = tail_q;
                assign negative = negative_q;
                assign root     = own_root_q;
                assign triple   = own_triple_q;
            end
        end
    endgenerate

    // --- the result ---------------------------------------------------------------------------------------------

    reg [PE*OUT_BITS-1:0] out_q;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : rounded
            wire [DIGITS-1:0] last = unit[UNITS].digits[lane*DIGITS+:DIGITS];
            wire              sign = unit[UNITS].negative[lane];
            wire [OUT_BITS+DIGITS-1:0] half = {{(OUT_BITS + 1) {1'b0}}, last[DIGITS-1:1]};
            wire [OUT_BITS-1:0] whole = half[OUT_BITS-1:0] ^ {OUT_BITS{sign}};
            // half of y' + 1, negative as ~half + 1 less the bit that is rounded up
            wire [OUT_BITS:0] result = {whole, 1'b1} + {{OUT_BITS{1'b0}}, sign ^ last[0]};
            always @(posedge clk) if (move) out_q[lane*OUT_BITS+:OUT_BITS] <= result[OUT_BITS:1];
            wire unused = &{1'b0, half, result};
        end
    endgenerate

    assign m_axis_tvalid = back_q[BACK];
    assign m_axis_tdata  = out_q;

    wire unused = &{1'b0, no_carry, wide_squares, LAST_WORD, EPSILON_FULL, unit[UNITS].rest, unit[UNITS].trial,
                    unit[UNITS].tail, unit[UNITS].root, unit[UNITS].triple};

`ifdef FORMAL
    // One vector is marked as its first word is taken (the solver chooses when), and one value in it (slot): the result
    // in its place is held to the definition, by squares. `ahead` words go out before its vector.
    (* anyseq *)   reg       mark;
    (* anyconst *) reg [7:0] slot;
    reg                      started = 1'b0;
    reg                      past = 1'b0;  // the last cycle was one without reset
    reg                      stalled;      // the last cycle offered a word that was not taken
    reg  [PE*OUT_BITS-1:0]   offered;
    reg  [            7:0]   came;         // words in, of the vector that is coming
    reg  [            7:0]   went;         // words out, of the vector that is going
    reg  [            7:0]   held;         // words in, minus words out
    reg  [            7:0]   ahead;
    reg                      live;         // the marked vector is inside
    reg                      growing;      // its last word is still to come
    reg signed [       31:0] f_sum, f_sum_d, f_squares, f_squares_d, f_value, f_value_d, f_x, f_y;
    reg signed [       31:0] f_size, f_root, f_top, f_signed;
    integer                  p;

    wire take_word = s_axis_tvalid && s_axis_tready;
    wire send_word = m_axis_tvalid && m_axis_tready;
    wire mark_word = take_word && came == 8'd0 && mark && !live;

    always @* if (!started) assume (rst);
    always @* assume (slot < SIZE);

    always @* begin
        f_sum_d     = mark_word ? 0 : f_sum;
        f_squares_d = mark_word ? 0 : f_squares;
        f_value_d   = f_value;
        for (p = 0; p < PE; p = p + 1) begin
            f_x = s_axis_tdata[p*IN_BITS+:IN_BITS];
            if (IN_SIGNED != 0 && s_axis_tdata[p*IN_BITS+IN_BITS-1]) f_x = f_x - (1 << IN_BITS);
            f_sum_d     = f_sum_d + f_x;
            f_squares_d = f_squares_d + f_x * f_x;
            if (came * PE + p == slot) f_value_d = f_x;
        end
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            came <= 8'd0;
            went <= 8'd0;
            held <= 8'd0;
            live <= 1'b0;
        end else begin
            if (take_word) came <= came == WORDS - 1 ? 8'd0 : came + 8'd1;
            if (send_word) went <= went == WORDS - 1 ? 8'd0 : went + 8'd1;
            held <= held + take_word - send_word;
            if (live && send_word) begin
                if (ahead == 8'd0 && went == WORDS - 1) live <= 1'b0;
                if (ahead != 8'd0) ahead <= ahead - 8'd1;
            end
            if (mark_word) begin
                live    <= 1'b1;
                ahead   <= held - send_word;
                growing <= WORDS > 1;
            end
            if (mark_word || (live && growing && take_word)) begin
                f_sum     <= f_sum_d;
                f_squares <= f_squares_d;
                f_value   <= f_value_d;
                if (came == WORDS - 1) growing <= 1'b0;
            end
        end
    end

    // Words in all the ranks, and in the memory.
    reg [7:0] f_inside;
    integer   f_i;
    always @* begin
        f_inside = inside_q + fetched_q;
        for (f_i = 1; f_i <= FRONT; f_i = f_i + 1) f_inside = f_inside + valid_q[f_i];
        for (f_i = 1; f_i <= BACK; f_i = f_i + 1) f_inside = f_inside + back_q[f_i];
    end

    always @* begin
        f_y = 0;
        for (p = 0; p < PE; p = p + 1)
            if (went * PE + p == slot) begin
                f_y = m_axis_tdata[p*OUT_BITS+:OUT_BITS];
                if (m_axis_tdata[p*OUT_BITS+OUT_BITS-1]) f_y = f_y - (1 << OUT_BITS);
            end
        f_size = f_y < 0 ? -f_y : f_y;
        f_root = RMS != 0 ? f_squares : SIZE * f_squares - f_sum * f_sum;
        f_root = (f_root << FINER) + (EPSILON << COARSER);
        f_signed = RMS != 0 ? f_value : SIZE * f_value - f_sum;
        f_top  = (RMS != 0 ? SIZE * f_signed * f_signed : f_signed * f_signed) << UP;
    end

    always @* if (started && !rst) begin
        // counted: every word that came in is in a rank or in the memory
        assert (held == f_inside);
        assert (inside_q <= PLACES);
        // marked: the value arrives, in its place, with its sign, as the nearest integer, ties away from zero
        if (live && ahead == 8'd0 && m_axis_tvalid) begin
            assert (!growing);
            if (slot >= went * PE && slot < went * PE + PE) begin
                assert (f_size == 0 || (f_y < 0) == (f_signed < 0));
                assert (f_size == 0 || (2 * f_size - 1) * (2 * f_size - 1) * f_root <= f_top);
                assert ((2 * f_size + 1) * (2 * f_size + 1) * f_root > f_top);
            end
        end
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
