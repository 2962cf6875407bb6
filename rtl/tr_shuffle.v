// SPDX-License-Identifier: Apache-2.0
//
// tr_shuffle: moves channels to pixels (ONNX DepthToSpace, DCR and CRD) or pixels to channels (SpaceToDepth).
//
// Latency   2 cycles; BLOCK * BLOCK + 2 for CRD with more than one lane.
// Rate      a word in and a word out every cycle, without a pause between rows and frames.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready is a function of registers only;
//           for CRD with more than one lane it is high, too, until BLOCK * BLOCK words are gathered.
// Memory    a ring of less than two block rows, the smallest with which the words neither way ever wait (a block row: the
//           pixels of one row of the side with less pixels). CRD with more than one lane: 2 * BLOCK * BLOCK - 1 words of
//           registers before it, in which the lanes change places.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_shuffle #(
    parameter integer LANES    = 2,  // values of a word, divides the channels of both sides
    parameter integer BITS     = 4,  // bits of a value
    parameter integer CHANNELS = 8,  // of the input
    parameter integer HEIGHT   = 2,  // rows of the input; any number, for a block row is like the other
    parameter integer WIDTH    = 3,  // columns of the input
    parameter integer BLOCK    = 2,
    parameter integer MODE     = 0   // 0: depth to space DCR; 1: depth to space CRD; 2: space to depth
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [LANES*BITS-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);
    localparam integer SQUARE = BLOCK * BLOCK;
    // Of the side with less pixels: pixels in a row, words of a pixel, and these divided by the pixels of a block.
    localparam integer COLUMNS = MODE == 2 ? WIDTH / BLOCK : WIDTH;
    localparam integer PIXEL = MODE == 2 ? CHANNELS / LANES * SQUARE : CHANNELS / LANES;
    localparam integer PART = PIXEL / SQUARE;
    localparam integer ROUND = COLUMNS * PIXEL;  // words of a block row

    // Places of the ring: what has come when a block row can go without a pause, and at most has not gone then.
    // Depth to space: the last row of small pixels begins to go when all but that row has gone, and nothing is free.
    // Space to depth: the last block goes when all others have gone, and only their first small rows are free.
    localparam integer DELAY =
        MODE == 0 ? (COLUMNS - 1) * (BLOCK - 1) * BLOCK * PART :
        MODE == 1 ? (COLUMNS - 1) * (BLOCK - 1) * BLOCK * PART + (PART - 1) * (SQUARE - 1) :
        (COLUMNS - 1) * BLOCK * (BLOCK - 1) * PART;
    localparam integer LARGEST =
        MODE == 2 ? ROUND - 1 - (COLUMNS - 1) * BLOCK * PART : (BLOCK - 1) * (COLUMNS * BLOCK + 1) * PART;
    localparam integer DEPTH = DELAY + LARGEST + 2;
    localparam integer COUNT_BITS = $clog2(DEPTH + 1);

    // Depth to space goes word, column in the block, block, row in the block; space to depth word, column and row in the
    // block, block.
    localparam [31:0] FREED_WORD = SQUARE;
    localparam [31:0] FREED_BLOCK = BLOCK * PART;
    localparam [31:0] FREED_ROUND = ROUND - (COLUMNS - 1) * BLOCK * PART;
    wire [         4:0]  last;
    wire [COUNT_BITS:0]  none = {(COUNT_BITS + 1) {1'b0}};
    wire [COUNT_BITS:0]  freed;
    wire [LANES*BITS-1:0] word;
    wire                 valid;
    wire                 ready;

    generate
        if (MODE == 2) begin : to_depth
            assign freed = last[2:0] != 3'b111 ? none : last[3] ? FREED_ROUND[COUNT_BITS:0] : FREED_BLOCK[COUNT_BITS:0];
        end else begin : to_space
            assign freed = last[3] && last[1] ? FREED_WORD[COUNT_BITS:0] : none;
        end

        if (MODE == 1 && LANES > 1 && BLOCK > 1) begin : transpose
            // SQUARE words hold LANES small channels, each for all places of the block. They are gathered from the top
            // down; then each of the registers of `out_q` gets what belongs to one lane and moves it down, place by place.
            localparam integer BITS_OF_COUNT = $clog2(SQUARE);
            localparam [31:0] FINAL = SQUARE - 1;
            reg  [(SQUARE-1)*LANES*BITS-1:0] gather_q;
            reg  [  SQUARE*LANES*BITS-1:0]   out_q;
            reg  [BITS_OF_COUNT-1:0]         gathered_q;  // words in gather_q
            reg  [BITS_OF_COUNT-1:0]         left_q;      // words in out_q after the present one
            reg                              valid_q;
            wire                             complete = gathered_q == FINAL[BITS_OF_COUNT-1:0];
            wire                             empty = !valid_q || (ready && left_q == {BITS_OF_COUNT{1'b0}});
            wire                             put = s_axis_tvalid && s_axis_tready;
            wire [SQUARE*LANES*BITS-1:0]     all = {s_axis_tdata, gather_q};
            assign s_axis_tready = !complete || empty;
            assign valid = valid_q;
            always @(posedge clk) begin
                if (put) gather_q <= all[SQUARE*LANES*BITS-1:LANES*BITS];
                if (rst) begin
                    gathered_q <= {BITS_OF_COUNT{1'b0}};
                    left_q     <= {BITS_OF_COUNT{1'b0}};
                    valid_q    <= 1'b0;
                end else begin
                    if (put) gathered_q <= complete ? {BITS_OF_COUNT{1'b0}} : gathered_q + 1'b1;
                    if (put && complete) begin
                        valid_q <= 1'b1;
                        left_q  <= FINAL[BITS_OF_COUNT-1:0];
                    end else if (valid_q && ready) begin
                        valid_q <= !empty;
                        left_q  <= left_q - 1'b1;
                    end
                end
            end
            genvar lane;
            for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
                always @(posedge clk) begin
                    if (put && complete) out_q[lane*SQUARE*BITS+:SQUARE*BITS] <= all[lane*SQUARE*BITS+:SQUARE*BITS];
                    else if (ready) out_q[lane*SQUARE*BITS+:(SQUARE-1)*BITS] <= out_q[lane*SQUARE*BITS+BITS+:(SQUARE-1)*BITS];
                end
                assign word[lane*BITS+:BITS] = out_q[lane*SQUARE*BITS+:BITS];
            end
`ifdef FORMAL
            // A value of SQUARE words (the solver chooses which, and when) is marked; `gone` words before its group are
            // still in out_q while the group is gathered.
            (* anyconst *) reg [7:0]      mark_word;
            (* anyconst *) reg [7:0]      mark_lane;
            (* anyconst *) reg [BITS-1:0] mark_value;
            (* anyseq *)   reg            mark;
            reg  begun = 1'b0;
            reg  gathering;  // the marked value is in gather_q,
            reg  going;      // or in out_q
            reg  after = 1'b0;  // the last cycle was one without reset
            reg  held_up;       // and offered a word to the ring that was not taken
            reg  [LANES*BITS-1:0] held_word;
            wire [7:0] element = mark_word * LANES + mark_lane;     // of the group, as it comes
            wire [7:0] place_out = element % SQUARE;                 // the word in which it goes
            wire [7:0] lane_out = element / SQUARE;                  // and the lane
            wire [7:0] gone = SQUARE - 1 - left_q;                   // words of the group in out_q that went
            wire [7:0] gather_place = (SQUARE - 1 - gathered_q) * LANES + element;
            wire [7:0] out_place = lane_out * SQUARE + place_out - gone;
            always @* begin
                assume (mark_word < SQUARE && mark_lane < LANES);
                if (!begun) assume (rst);
            end
            always @(posedge clk) begin
                begun <= 1'b1;
                after <= !rst;
                held_up <= valid_q && !ready;
                held_word <= word;
                if (rst) begin
                    gathering <= 1'b0;
                    going     <= 1'b0;
                end else begin
                    if (put && complete) begin
                        going     <= gathering || (mark && mark_word == SQUARE - 1 && s_axis_tdata[mark_lane*BITS+:BITS] == mark_value);
                        gathering <= 1'b0;
                    end else begin
                        if (valid_q && ready && left_q == 0) going <= 1'b0;
                        if (put && mark && gathered_q == mark_word && s_axis_tdata[mark_lane*BITS+:BITS] == mark_value)
                            gathering <= 1'b1;
                    end
                end
            end
            always @* if (begun && !rst) begin
                // counted: a group goes whole, and is replaced when its last word goes
                assert (gathered_q < SQUARE && left_q < SQUARE && (valid_q || left_q == 0 || left_q == SQUARE - 1));
                if (put && complete && valid_q) assert (ready && left_q == 0);
                if (!complete) assert (s_axis_tready);
                // marked: the value goes in its word and lane
                if (gathering) assert (mark_word < gathered_q && gather_q[gather_place*BITS+:BITS] == mark_value);
                if (going) assert (valid_q);
                if (going && gone <= place_out) assert (out_q[out_place*BITS+:BITS] == mark_value);
                if (going && gone == place_out) assert (word[lane_out*BITS+:BITS] == mark_value);
                // stable: for the ring
                if (after && held_up) assert (valid_q && word == held_word);
            end
`endif
        end else begin : straight
            assign word = s_axis_tdata;
            assign valid = s_axis_tvalid;
            assign s_axis_tready = ready;
        end
    endgenerate

`ifdef FORMAL
    // Stable, counted and marked are proven in the ring; here, that it sends each word where it belongs.
    wire [39:0] formal_counts;
    wire        formal_put;
    wire [ 7:0] formal_came;
    wire [ 7:0] formal_went;
    wire [ 7:0] formal_held;
    wire [ 7:0] formal_source;
    wire [ 7:0] formal_oldest =
        MODE == 2 ? formal_counts[31:24] * BLOCK * PART :
        !last[3] ? 8'd0 : formal_counts[23:16] * PIXEL + (last[1] ? formal_counts[7:0] * SQUARE : 8'd0);
    reg         started = 1'b0;
    // word, column and row in the image with more pixels, of the word that goes next (one lane: a word is a channel)
    wire [ 7:0] word_out = formal_went % PART;
    wire [ 7:0] pixel_out = formal_went / PART;
    wire [ 7:0] block_out = pixel_out / SQUARE;
    wire [ 7:0] row_out = MODE == 2 ? pixel_out / BLOCK % BLOCK : pixel_out / (COLUMNS * BLOCK);
    wire [ 7:0] column_out = MODE == 2 ? block_out * BLOCK + pixel_out % BLOCK : pixel_out % (COLUMNS * BLOCK);
    wire [ 7:0] block_column = column_out % BLOCK;
    always @(posedge clk) started <= 1'b1;
    always @* if (started && !rst) begin
        if (MODE == 0) assert (formal_source == column_out / BLOCK * PIXEL + (row_out * BLOCK + block_column) * PART + word_out);
        if (MODE == 1) assert (formal_source == column_out / BLOCK * PIXEL + (word_out * BLOCK + row_out) * BLOCK + block_column);
        if (MODE == 2) assert (formal_source == (row_out * COLUMNS * BLOCK + column_out) * PART + word_out);
        assert (formal_put == (valid && ready));
    end
`endif

    tr_ring #(
        .WIDTH     (LANES * BITS),
        .DEPTH     (DEPTH),
        .COUNT_BITS(COUNT_BITS),
        .PERIOD    (ROUND),
        .EXTENT_0  (PART),
        .EXTENT_1  (BLOCK),
        .EXTENT_2  (MODE == 2 ? BLOCK : COLUMNS),
        .EXTENT_3  (MODE == 2 ? COLUMNS : BLOCK),
        .EXTENT_4  (1),
        .STRIDE_0  (MODE == 1 ? SQUARE : 1),
        .STRIDE_1  (MODE == 1 ? 1 : PART),
        .STRIDE_2  (MODE == 2 ? COLUMNS * BLOCK * PART : PIXEL),
        .STRIDE_3  (MODE == 1 ? BLOCK : BLOCK * PART),
        .STRIDE_4  (0)
    ) ring (
        .clk      (clk),
        .rst      (rst),
        .in_word  (word),
        .in_valid (valid),
        .in_ready (ready),
        .out_word (m_axis_tdata),
        .out_valid(m_axis_tvalid),
        .out_ready(m_axis_tready),
        .last     (last),
        .freed    (freed)
`ifdef FORMAL
        ,
        .formal_oldest(formal_oldest),
        .formal_counts(formal_counts),
        .formal_put   (formal_put),
        .formal_came  (formal_came),
        .formal_went  (formal_went),
        .formal_held  (formal_held),
        .formal_source(formal_source)
`endif
    );

    wire unused = &{1'b0, last, FREED_WORD[0], FREED_BLOCK[0], FREED_ROUND[0], HEIGHT[0]};
endmodule

`default_nettype wire
