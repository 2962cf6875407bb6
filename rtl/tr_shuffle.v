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
        end else begin : straight
            assign word = s_axis_tdata;
            assign valid = s_axis_tvalid;
            assign s_axis_tready = ready;
        end
    endgenerate

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
    );

    wire unused = &{1'b0, last, FREED_WORD[0], FREED_BLOCK[0], FREED_ROUND[0], HEIGHT[0]};
endmodule

`default_nettype wire
