// SPDX-License-Identifier: Apache-2.0
//
// tr_pad: adds rows and columns of the constant VALUE around an image.
//
// Latency   1 cycle from the edge on which the first word of a frame is offered to the one on which the first word of the
//           padded frame can leave; the word itself is taken when its turn is there.
// Rate      a word out every cycle, without a pause between frames: interval = words out.
// Handshake AXI-Stream: the payload is held while tvalid && !tready. s_axis_tready follows m_axis_tready and is low
//           during the padding. Padding above the image waits for the first word to be offered, so that nothing is sent
//           without a frame.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_pad #(
    parameter integer LANES    = 2,  // values of a word, divides CHANNELS
    parameter integer BITS     = 4,  // bits of a value
    parameter integer CHANNELS = 4,
    parameter integer HEIGHT   = 3,  // rows and columns of the input
    parameter integer WIDTH    = 3,
    parameter integer TOP      = 1,  // rows and columns that are added
    parameter integer BOTTOM   = 1,
    parameter integer LEFT     = 1,
    parameter integer RIGHT    = 1,
    parameter integer VALUE    = 0   // of every added value; its low BITS bits count, beyond 32 its sign is extended
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
    // A frame is a run of padding, then rows of the image with padding between them, then padding. Runs in words:
    localparam integer GROUPS = CHANNELS / LANES;
    localparam integer ROW_OUT = (LEFT + WIDTH + RIGHT) * GROUPS;
    localparam integer LEAD = TOP * ROW_OUT + LEFT * GROUPS;
    localparam integer ROW = WIDTH * GROUPS;
    localparam integer GAP = (LEFT + RIGHT) * GROUPS;
    localparam integer TAIL = RIGHT * GROUPS + BOTTOM * ROW_OUT;

    localparam integer LONGER = LEAD > TAIL ? LEAD : TAIL;
    localparam integer LONGEST = LONGER > ROW && LONGER > GAP ? LONGER : ROW > GAP ? ROW : GAP;
    localparam integer COUNT_BITS = LONGEST > 1 ? $clog2(LONGEST) : 1;
    localparam integer ROW_BITS = HEIGHT > 1 ? $clog2(HEIGHT) : 1;
    localparam [31:0] LEAD_LEFT = LEAD - 1;  // words left in a run after its first
    localparam [31:0] ROW_LEFT = ROW - 1;
    localparam [31:0] GAP_LEFT = GAP - 1;
    localparam [31:0] TAIL_LEFT = TAIL - 1;
    localparam [31:0] LAST_ROW = HEIGHT - 1;
    localparam [BITS+31:0] EXTENDED = {{BITS{VALUE[31]}}, VALUE[31:0]};

    localparam [1:0] IN_LEAD = 2'd0, IN_ROW = 2'd1, IN_GAP = 2'd2, IN_TAIL = 2'd3;
    localparam [1:0] FIRST_RUN = LEAD > 0 ? IN_LEAD : IN_ROW;
    localparam [31:0] FIRST_LEFT = LEAD > 0 ? LEAD_LEFT : ROW_LEFT;

    reg  [LANES*BITS-1:0] out_q;
    reg                   valid_q;
    reg  [           1:0] run_q;
    reg  [COUNT_BITS-1:0] left_q;   // words left in the run after the present one
    reg  [  ROW_BITS-1:0] row_q;    // row of the image
    reg                   begun_q;  // a word of this frame has been made
    reg  [           1:0] next_run;
    reg  [COUNT_BITS-1:0] next_left;
    wire                  in_image = run_q == IN_ROW;
    wire                  final_row = row_q == LAST_ROW[ROW_BITS-1:0];
    wire                  advance = !valid_q || m_axis_tready;
    wire                  word = s_axis_tvalid || (!in_image && begun_q);  // there is a next word
    wire                  move = advance && word;
    wire                  run_end = left_q == {COUNT_BITS{1'b0}};
    wire                  frame_end = run_end && (run_q == IN_TAIL || (in_image && final_row && TAIL == 0));

    assign s_axis_tready = advance && in_image;
    assign m_axis_tdata  = out_q;
    assign m_axis_tvalid = valid_q;

    always @* begin
        next_run  = run_q;
        next_left = left_q - 1'b1;
        if (run_end) begin
            if (frame_end) begin
                next_run  = FIRST_RUN;
                next_left = FIRST_LEFT[COUNT_BITS-1:0];
            end else if (in_image && final_row) begin
                next_run  = IN_TAIL;
                next_left = TAIL_LEFT[COUNT_BITS-1:0];
            end else if (in_image && GAP > 0) begin
                next_run  = IN_GAP;
                next_left = GAP_LEFT[COUNT_BITS-1:0];
            end else begin
                next_run  = IN_ROW;
                next_left = ROW_LEFT[COUNT_BITS-1:0];
            end
        end
    end

    always @(posedge clk) begin
        if (advance) out_q <= in_image ? s_axis_tdata : {LANES{EXTENDED[BITS-1:0]}};
        if (rst) begin
            valid_q <= 1'b0;
            run_q   <= FIRST_RUN;
            left_q  <= FIRST_LEFT[COUNT_BITS-1:0];
            row_q   <= {ROW_BITS{1'b0}};
            begun_q <= 1'b0;
        end else if (advance) begin
            valid_q <= word;
            if (word) begin
                run_q   <= next_run;
                left_q  <= next_left;
                begun_q <= !frame_end;
                if (in_image && run_end) row_q <= final_row ? {ROW_BITS{1'b0}} : row_q + 1'b1;
            end
        end
    end

    wire unused = &{1'b0, move, GAP_LEFT[0], TAIL_LEFT[0], LEAD_LEFT[0], EXTENDED};
endmodule

`default_nettype wire
