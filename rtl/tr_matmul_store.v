// SPDX-License-Identifier: Apache-2.0
//
// tr_matmul_store: keeps the second operand of a product for a frame, and sends it VECTORS times, BANKS positions at
// a time; a second half takes the next frame meanwhile.
//
// Takes the positions one after the other: of each the words of all heads. Position p goes to bank p % BANKS; the words
// of a bank stand in the order in which they came. With ACROSS 0 a position is a row: a head's INNER words of it follow
// each other, and the next MIDDLE come from the next positions. With ACROSS 1 a position is a term: INNER words come
// from as many groups of positions, and a head has MIDDLE words in each. Sends, VECTORS times: for each head, for each of
// MIDDLE, for each of INNER, the word of every bank, bank 0 in the lowest bits.
//
// Latency   2 cycles from the last word of a frame to its first one out, which can be taken then; 3 with STYLE 3.
// Rate      a word out every cycle, VECTORS * HEADS * MIDDLE * INNER a frame.
// Handshake AXI-Stream in all but the names: the payload is held while valid && !ready. in_ready is a function of registers only:
//           low while two frames are inside, until the last word of the older one is read.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_matmul_store #(
    parameter integer WIDTH   = 8,  // bits of a word that comes
    parameter integer BANKS   = 2,  // words side by side in a word that leaves
    parameter integer HEADS   = 2,
    parameter integer INNER   = 2,
    parameter integer MIDDLE  = 2,
    parameter integer ACROSS  = 0,
    parameter integer VECTORS = 3,
    parameter integer STYLE   = 0   // 0: synthesis decides, 1 and 2: LUTs, 3: block RAM
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [      WIDTH-1:0] in_data,
    input  wire                   in_valid,
    output wire                   in_ready,
    output wire [BANKS*WIDTH-1:0] out_data,
    output wire                   out_valid,
    input  wire                   out_ready
);
    localparam integer POSITION_WORDS = HEADS * (ACROSS != 0 ? MIDDLE : INNER);  // of one position
    localparam integer DEPTH          = HEADS * MIDDLE * INNER;                  // of a half of a bank
    localparam integer ADDRESS_BITS   = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam integer PLACES         = DEPTH > 1 ? 2 << ADDRESS_BITS : 2;
    localparam integer WORD_BITS      = POSITION_WORDS > 1 ? $clog2(POSITION_WORDS) : 1;
    localparam integer BANK_BITS      = BANKS > 1 ? $clog2(BANKS) : 1;
    localparam integer INNER_BITS     = INNER > 1 ? $clog2(INNER) : 1;
    localparam integer MIDDLE_BITS    = MIDDLE > 1 ? $clog2(MIDDLE) : 1;
    localparam integer HEAD_BITS      = HEADS > 1 ? $clog2(HEADS) : 1;
    localparam integer VECTOR_BITS    = VECTORS > 1 ? $clog2(VECTORS) : 1;
    localparam [31:0]  LAST_WORD      = POSITION_WORDS - 1;
    localparam [31:0]  LAST_ADDRESS   = DEPTH - 1;
    localparam [31:0]  LAST_BANK      = BANKS - 1;
    localparam [31:0]  LAST_INNER     = INNER - 1;
    localparam [31:0]  LAST_MIDDLE    = MIDDLE - 1;
    localparam [31:0]  LAST_HEAD      = HEADS - 1;
    localparam [31:0]  LAST_VECTOR    = VECTORS - 1;
    // From one read to the next, modulo the address: inside of a product, to the next product, to the next head.
    localparam [31:0] STEP_INNER  = ACROSS != 0 ? POSITION_WORDS : 1;
    localparam [31:0] STEP_MIDDLE = ACROSS != 0 ? 1 - (INNER - 1) * POSITION_WORDS : POSITION_WORDS - (INNER - 1);
    localparam [31:0] STEP_HEAD   = ACROSS != 0 ? STEP_MIDDLE : 1 - (MIDDLE - 1) * POSITION_WORDS;

    // --- in ---
    reg  [ADDRESS_BITS-1:0] write_q;
    reg  [   WORD_BITS-1:0] word_q;
    reg  [   BANK_BITS-1:0] bank_q;
    reg                     write_half_q;
    reg  [             1:0] full_q;  // frames that are inside and not yet read for the last time
    wire                    put = in_valid && in_ready;
    wire                    last_word = word_q == LAST_WORD[WORD_BITS-1:0];
    wire                    last_bank = bank_q == LAST_BANK[BANK_BITS-1:0];
    wire                    last_write = last_bank && write_q == LAST_ADDRESS[ADDRESS_BITS-1:0];
    wire                    frame_in = put && last_write;

    assign in_ready = full_q != 2'd2;

    always @(posedge clk) begin
        if (rst) begin
            write_q      <= {ADDRESS_BITS{1'b0}};
            word_q       <= {WORD_BITS{1'b0}};
            bank_q       <= {BANK_BITS{1'b0}};
            write_half_q <= 1'b0;
        end else if (put) begin
            word_q <= last_word ? {WORD_BITS{1'b0}} : word_q + 1'b1;
            if (last_word) bank_q <= last_bank ? {BANK_BITS{1'b0}} : bank_q + 1'b1;
            if (last_write) begin
                write_q      <= {ADDRESS_BITS{1'b0}};
                write_half_q <= !write_half_q;
            end else if (last_word && !last_bank) write_q <= write_q - LAST_WORD[ADDRESS_BITS-1:0];
            else write_q <= write_q + 1'b1;
        end
    end

    // --- out ---
    reg  [ADDRESS_BITS-1:0] read_q;
    reg  [  INNER_BITS-1:0] inner_q;
    reg  [ MIDDLE_BITS-1:0] middle_q;
    reg  [   HEAD_BITS-1:0] head_q;
    reg  [ VECTOR_BITS-1:0] vector_q;
    reg                     read_half_q;
    wire                    advance;
    wire                    fetch = advance && full_q != 2'd0;
    wire                    last_inner = inner_q == LAST_INNER[INNER_BITS-1:0];
    wire                    last_middle = last_inner && middle_q == LAST_MIDDLE[MIDDLE_BITS-1:0];
    wire                    last_head = last_middle && head_q == LAST_HEAD[HEAD_BITS-1:0];
    wire                    last_vector = last_head && vector_q == LAST_VECTOR[VECTOR_BITS-1:0];
    wire                    frame_out = fetch && last_vector;

    always @(posedge clk) begin
        if (rst) begin
            read_q      <= {ADDRESS_BITS{1'b0}};
            inner_q     <= {INNER_BITS{1'b0}};
            middle_q    <= {MIDDLE_BITS{1'b0}};
            head_q      <= {HEAD_BITS{1'b0}};
            vector_q    <= {VECTOR_BITS{1'b0}};
            read_half_q <= 1'b0;
            full_q      <= 2'd0;
        end else begin
            if (fetch) begin
                inner_q <= last_inner ? {INNER_BITS{1'b0}} : inner_q + 1'b1;
                if (last_inner) middle_q <= last_middle ? {MIDDLE_BITS{1'b0}} : middle_q + 1'b1;
                if (last_middle) head_q <= last_head ? {HEAD_BITS{1'b0}} : head_q + 1'b1;
                if (last_head) vector_q <= last_vector ? {VECTOR_BITS{1'b0}} : vector_q + 1'b1;
                if (last_vector) read_half_q <= !read_half_q;
                if (last_head) read_q <= {ADDRESS_BITS{1'b0}};
                else if (last_middle) read_q <= read_q + STEP_HEAD[ADDRESS_BITS-1:0];
                else if (last_inner) read_q <= read_q + STEP_MIDDLE[ADDRESS_BITS-1:0];
                else read_q <= read_q + STEP_INNER[ADDRESS_BITS-1:0];
            end
            if (frame_in && !frame_out) full_q <= full_q + 2'd1;
            if (frame_out && !frame_in) full_q <= full_q - 2'd1;
        end
    end

    // --- the banks ---
    localparam integer PLACE_BITS = $clog2(PLACES);
    wire [PLACE_BITS-1:0] write_place;
    wire [PLACE_BITS-1:0] read_place;
    genvar bank;
    generate
        if (DEPTH > 1) begin : halves
            assign write_place = {write_half_q, write_q};
            assign read_place  = {read_half_q, read_q};
        end else begin : one_word
            assign write_place = write_half_q;
            assign read_place  = read_half_q;
        end

        for (bank = 0; bank < BANKS; bank = bank + 1) begin : banks
            reg  [WIDTH-1:0] word_out_q;
            wire             here = put && bank_q == bank;
            if (STYLE == 3) begin : block_memory
                (* ram_style = "block", no_rw_check *)
                reg [WIDTH-1:0] words[0:PLACES-1];
                always @(posedge clk) begin
                    if (here) words[write_place] <= in_data;
                    if (advance) word_out_q <= words[read_place];
                end
            end else if (STYLE == 0) begin : memory
                (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
                reg [WIDTH-1:0] words[0:PLACES-1];
                always @(posedge clk) begin
                    if (here) words[write_place] <= in_data;
                    if (advance) word_out_q <= words[read_place];
                end
            end else begin : lut_memory
                (* ram_style = "distributed", no_rw_check *)
                reg [WIDTH-1:0] words[0:PLACES-1];
                always @(posedge clk) begin
                    if (here) words[write_place] <= in_data;
                    if (advance) word_out_q <= words[read_place];
                end
            end
        end

        if (STYLE == 3) begin : registered
            reg [1:0] valid_q;
            assign advance   = !valid_q[1] || out_ready;
            assign out_valid = valid_q[1];
            always @(posedge clk) begin
                if (rst) valid_q <= 2'b00;
                else if (advance) valid_q <= {valid_q[0], full_q != 2'd0};
            end
            for (bank = 0; bank < BANKS; bank = bank + 1) begin : again
                reg [WIDTH-1:0] again_q;
                always @(posedge clk) if (advance) again_q <= banks[bank].word_out_q;
                assign out_data[bank*WIDTH+:WIDTH] = again_q;
            end
        end else begin : plain
            reg valid_q;
            assign advance   = !valid_q || out_ready;
            assign out_valid = valid_q;
            always @(posedge clk) begin
                if (rst) valid_q <= 1'b0;
                else if (advance) valid_q <= full_q != 2'd0;
            end
            for (bank = 0; bank < BANKS; bank = bank + 1) begin : side_by_side
                assign out_data[bank*WIDTH+:WIDTH] = banks[bank].word_out_q;
            end
        end
    endgenerate

    wire unused = &{1'b0, LAST_WORD, LAST_ADDRESS, LAST_BANK, LAST_INNER, LAST_MIDDLE, LAST_HEAD, LAST_VECTOR,
                    STEP_INNER, STEP_MIDDLE, STEP_HEAD};

`ifdef FORMAL
    // Word `place` of one frame (the solver chooses both) is marked and carries `word`; `before` frames go before it.
    (* anyconst *) reg [7:0]       place;
    (* anyconst *) reg [WIDTH-1:0] word;
    (* anyseq *)   reg             mark;
    reg                   started = 1'b0;
    reg                   past = 1'b0;  // the last cycle was one without reset
    reg                   stalled;      // the last cycle offered a word that was not taken
    reg [BANKS*WIDTH-1:0] offered;
    reg [7:0]             came;         // words in, of the frame that is coming
    reg [7:0]             went;         // words out, of the frame that is going
    reg [7:0]             held;         // frames that have come and not gone
    reg [7:0]             waiting;      // cycles since there was a frame, and nothing was offered
    reg [7:0]             before;
    reg                   live;         // the marked word is inside

    wire take = out_valid && out_ready;
    wire came_all = put && came == BANKS * DEPTH - 1;
    wire went_all = take && went == VECTORS * DEPTH - 1;

    // Where the marked word stands, and which one goes: said by division, not by counting as above.
    wire [7:0] mark_bank = (place / POSITION_WORDS) % BANKS;
    wire [7:0] mark_address = place / (POSITION_WORDS * BANKS) * POSITION_WORDS + place % POSITION_WORDS;
    wire [7:0] turn = went % DEPTH;
    wire [7:0] turn_head = turn / (MIDDLE * INNER);
    wire [7:0] turn_middle = turn / INNER % MIDDLE;
    wire [7:0] turn_inner = turn % INNER;
    wire [7:0] turn_address = ACROSS != 0 ? turn_inner * POSITION_WORDS + turn_head * MIDDLE + turn_middle
                                          : turn_middle * POSITION_WORDS + turn_head * INNER + turn_inner;

    always @* begin
        assume (place < BANKS * DEPTH);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= out_valid && !out_ready;
        offered <= out_data;
        if (rst) begin
            came    <= 8'd0;
            went    <= 8'd0;
            held    <= 8'd0;
            waiting <= 8'd0;
            live    <= 1'b0;
        end else begin
            if (put) came <= came_all ? 8'd0 : came + 8'd1;
            if (take) went <= went_all ? 8'd0 : went + 8'd1;
            held    <= held + came_all - went_all;
            waiting <= held != 8'd0 && !out_valid ? waiting + 8'd1 : 8'd0;
            if (live && went_all) begin
                if (before == 8'd0) live <= 1'b0;
                before <= before - 8'd1;
            end
            if (!live && put && mark && came == place && in_data == word) begin
                live   <= 1'b1;
                before <= held - went_all;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: no word before its frame is whole; a frame that is there is offered at the latest a cycle or two later
        if (out_valid) assert (held != 8'd0);
        assert (waiting < (STYLE == 3 ? 8'd3 : 8'd2));
        // marked: the word arrives in its place, for every vector
        if (live && before == 8'd0 && out_valid && turn_address == mark_address)
            assert (out_data[mark_bank*WIDTH+:WIDTH] == word);
        // stable: the payload is held while stalled
        if (past && stalled) assert (out_valid && out_data == offered);
    end
`endif
endmodule

`default_nettype wire
