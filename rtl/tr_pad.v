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

`ifdef FORMAL
    // The word that is made next has a place in the padded image; the input word `slot` of one frame (the solver chooses
    // which) is marked and carries `word`.
    localparam integer ROWS_OUT = TOP + HEIGHT + BOTTOM;
    (* anyconst *) reg [7:0]            slot;
    (* anyconst *) reg [LANES*BITS-1:0] word_in;
    (* anyseq *)   reg                  mark;
    reg                  started = 1'b0;
    reg                  past = 1'b0;  // the last cycle was one without reset
    reg                  stalled;      // the last cycle offered a word that was not taken
    reg [LANES*BITS-1:0] offered;
    reg [7:0]            came;         // words in, of the frame
    reg [7:0]            made;         // words made, of the frame
    reg [7:0]            went;         // words out, of the frame
    reg                  live;         // the marked word is inside
    wire                 put = s_axis_tvalid && s_axis_tready;
    wire                 take = m_axis_tvalid && m_axis_tready;
    wire [7:0]           row_made = made / ROW_OUT;
    wire [7:0]           word_made = made % ROW_OUT;
    wire                 of_image = row_made >= TOP && row_made < TOP + HEIGHT && word_made >= LEFT * GROUPS && word_made < LEFT * GROUPS + ROW;
    wire [7:0]           row_out = went / ROW_OUT;
    wire [7:0]           word_out = went % ROW_OUT;
    wire                 image_out = row_out >= TOP && row_out < TOP + HEIGHT && word_out >= LEFT * GROUPS && word_out < LEFT * GROUPS + ROW;
    wire [7:0]           rows_before = row_made < TOP ? 8'd0 : row_made >= TOP + HEIGHT ? HEIGHT : row_made - TOP;
    wire [7:0]           words_before = word_made < LEFT * GROUPS ? 8'd0 : word_made >= LEFT * GROUPS + ROW ? ROW : word_made - LEFT * GROUPS;
    wire                 in_rows = row_made >= TOP && row_made < TOP + HEIGHT;
    wire [7:0]           image_before = rows_before * ROW + (in_rows ? words_before : 8'd0);
    wire [7:0]           run_start = run_q == IN_LEAD ? 0 : run_q == IN_ROW ? LEAD + row_q * (ROW + GAP) :
                                     run_q == IN_GAP ? LEAD + row_q * (ROW + GAP) - GAP : LEAD + HEIGHT * ROW + (HEIGHT - 1) * GAP;
    wire [7:0]           run_words = run_q == IN_LEAD ? LEAD : run_q == IN_ROW ? ROW : run_q == IN_GAP ? GAP : TAIL;

    always @* if (!started) assume (rst);

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            came <= 8'd0;
            made <= 8'd0;
            went <= 8'd0;
            live <= 1'b0;
        end else begin
            if (put) came <= came == HEIGHT * ROW - 1 ? 8'd0 : came + 8'd1;
            if (move) made <= made == ROWS_OUT * ROW_OUT - 1 ? 8'd0 : made + 8'd1;
            if (take) went <= went == ROWS_OUT * ROW_OUT - 1 ? 8'd0 : went + 8'd1;
            if (take) live <= 1'b0;
            if (put && mark && came == slot && s_axis_tdata == word_in) live <= 1'b1;
        end
    end

    always @* if (started && !rst) begin
        // counted: a word of the image is made of the next word that comes, a word of padding of none; nothing is sent
        // before a frame is there, and then nothing waits for input but the words of the image
        assert (came == image_before % (HEIGHT * ROW));
        assert (made < ROWS_OUT * ROW_OUT && went < ROWS_OUT * ROW_OUT && made == (went + m_axis_tvalid) % (ROWS_OUT * ROW_OUT));
        assert (put == (move && of_image));
        if (move && made == 0) assert (s_axis_tvalid);
        if (advance && made != 0 && !of_image) assert (move);
        if (advance && s_axis_tvalid) assert (move);
        // marked: the word arrives in its place; all others are VALUE
        if (live) assert (m_axis_tvalid && m_axis_tdata == word_in && image_out);
        if (live) assert (slot == (row_out - TOP) * ROW + word_out - LEFT * GROUPS);
        if (m_axis_tvalid && !image_out) assert (m_axis_tdata == {LANES{EXTENDED[BITS-1:0]}});
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
        // for the induction
        assert (row_q < HEIGHT && (run_q != IN_LEAD || (LEAD > 0 && row_q == 0)) && (run_q != IN_TAIL || (TAIL > 0 && row_q == 0)));
        assert (run_q != IN_GAP || (GAP > 0 && row_q != 0));
        assert (left_q < run_words && made == run_start + run_words - 1 - left_q);
        assert (begun_q == (made != 0));
    end
`endif

    wire unused = &{1'b0, move, GAP_LEFT[0], TAIL_LEFT[0], LEAD_LEFT[0], EXTENDED};
endmodule

`default_nettype wire
