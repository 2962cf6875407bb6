// SPDX-License-Identifier: Apache-2.0
//
// tr_width: gearbox from IN_LANES to OUT_LANES lanes a word, for any ratio; the order of the lanes is kept.
//
// Latency   1 cycle to fewer lanes, ceil(OUT_LANES / IN_LANES) cycles to more: when the last lane has come.
// Rate      a word every cycle on the side with more words a vector: interval = max(words in, words out).
// Handshake AXI-Stream: the payload is held while tvalid && !tready. The output word is a register.
// Cost      equal lanes: a register. Integer ratios: a shift register, no multiplexer (to more lanes) or 2:1 (to
//           fewer). Else, with a = IN_LANES / gcd and b = OUT_LANES / gcd: a register of one output word, one of
//           IN_LANES - gcd lanes, and one a:1 multiplexer per output bit.
// Reset     synchronous, active high; clears valid and the position in the vector, leaves data.
//
// The lanes of a vector are a multiple of IN_LANES and of OUT_LANES.
`default_nettype none

module tr_width #(
    parameter integer IN_LANES  = 2,  // lanes of an input word
    parameter integer OUT_LANES = 3,  // lanes of an output word
    parameter integer BITS      = 4   // bits of a lane
) (
    input  wire                      clk,
    input  wire                      rst,
    input  wire [IN_LANES*BITS-1:0]  s_axis_tdata,
    input  wire                      s_axis_tvalid,
    output wire                      s_axis_tready,
    output wire [OUT_LANES*BITS-1:0] m_axis_tdata,
    output wire                      m_axis_tvalid,
    input  wire                      m_axis_tready
);
    function integer greatest_common_divisor(input integer first, input integer second);
        integer a, b, rest;
        begin
            a = first;
            b = second;
            while (b != 0) begin
                rest = a % b;
                a = b;
                b = rest;
            end
            greatest_common_divisor = a;
        end
    endfunction

    localparam integer GCD = greatest_common_divisor(IN_LANES, OUT_LANES);
    localparam integer IN_CHUNKS = IN_LANES / GCD;    // a chunk: GCD lanes, the largest unit that is never cut
    localparam integer OUT_CHUNKS = OUT_LANES / GCD;
    localparam integer CHUNK = GCD * BITS;

    reg  valid_q;
    wire advance = !valid_q || m_axis_tready;

    assign m_axis_tvalid = valid_q;

`ifdef FORMAL
    // Lane `which` of an input word (the solver chooses when) is marked and carries `lane`; `ahead` lanes go before it.
    (* anyconst *) reg [7:0]      which;
    (* anyconst *) reg [BITS-1:0] lane;
    (* anyseq *)   reg            mark;
    reg                      started = 1'b0;
    reg                      past = 1'b0;  // the last cycle was one without reset
    reg                      stalled;      // the last cycle offered a word that was not taken
    reg [OUT_LANES*BITS-1:0] offered;
    reg [7:0]                held;         // lanes in minus lanes out
    reg [7:0]                ahead;
    reg                      live;         // the marked lane is inside
`endif

    generate
        if (IN_LANES == OUT_LANES) begin : equal
            reg [OUT_LANES*BITS-1:0] out_q;
            assign s_axis_tready = advance;
            assign m_axis_tdata  = out_q;
            always @(posedge clk) begin
                if (advance) out_q <= s_axis_tdata;
                if (rst) valid_q <= 1'b0;
                else if (advance) valid_q <= s_axis_tvalid;
            end
`ifdef FORMAL
            // For the induction: how many lanes there are, and where the marked one stands.
            always @* if (started && !rst) assert (held == (valid_q ? OUT_LANES : 0));
`endif
        end else if (OUT_CHUNKS == 1) begin : narrow_integer
            // The input word moves down by one output word a cycle.
            localparam integer COUNT_BITS = $clog2(IN_CHUNKS);
            localparam integer FINAL = IN_CHUNKS - 1;
            reg [IN_LANES*BITS-1:0] word_q;
            reg [COUNT_BITS-1:0]    left_q;  // output words in word_q after the present one
            wire                    empty = left_q == {COUNT_BITS{1'b0}};
            assign s_axis_tready = advance && empty;
            assign m_axis_tdata  = word_q[CHUNK-1:0];
            always @(posedge clk) begin
                if (advance) word_q <= empty ? s_axis_tdata : {s_axis_tdata[CHUNK-1:0], word_q[IN_LANES*BITS-1:CHUNK]};
                if (rst) begin
                    valid_q <= 1'b0;
                    left_q  <= {COUNT_BITS{1'b0}};
                end else if (advance) begin
                    valid_q <= s_axis_tvalid || !empty;
                    if (!empty) left_q <= left_q - 1'b1;
                    else if (s_axis_tvalid) left_q <= FINAL[COUNT_BITS-1:0];
                end
            end
`ifdef FORMAL
            // For the induction: how many lanes there are, and where the marked one stands.
            always @* if (started && !rst) begin
                assert (left_q < IN_CHUNKS && (valid_q || empty));
                assert (held == (valid_q ? (left_q + 1) * OUT_LANES : 0));
                if (live) assert (word_q[ahead*BITS+:BITS] == lane);
            end
`endif
        end else if (IN_CHUNKS == 1) begin : wide_integer
            // Each input word enters at the top and moves down as the others follow.
            localparam integer COUNT_BITS = $clog2(OUT_CHUNKS);
            localparam integer FINAL = OUT_CHUNKS - 1;
            reg [OUT_LANES*BITS-1:0] out_q;
            reg [COUNT_BITS-1:0]     count_q;  // input words in out_q
            wire                     complete = count_q == FINAL[COUNT_BITS-1:0];
            assign s_axis_tready = advance;
            assign m_axis_tdata  = out_q;
            always @(posedge clk) begin
                if (advance && s_axis_tvalid) out_q <= {s_axis_tdata, out_q[OUT_LANES*BITS-1:CHUNK]};
                if (rst) begin
                    valid_q <= 1'b0;
                    count_q <= {COUNT_BITS{1'b0}};
                end else if (advance) begin
                    valid_q <= s_axis_tvalid && complete;
                    if (s_axis_tvalid) count_q <= complete ? {COUNT_BITS{1'b0}} : count_q + 1'b1;
                end
            end
`ifdef FORMAL
            // For the induction: how many lanes there are, and where the marked one stands.
            wire [7:0] position = valid_q ? ahead : OUT_LANES - held + ahead;
            always @* if (started && !rst) begin
                assert (count_q < OUT_CHUNKS && !(valid_q && count_q != 0));
                assert (held == count_q * IN_LANES + (valid_q ? OUT_LANES : 0));
                if (live) assert (out_q[position*BITS+:BITS] == lane);
            end
`endif
        end else begin : ratio
            // Output words repeat their pattern every IN_CHUNKS words: chunk `q` of the `w`-th one is chunk
            // (w * OUT_CHUNKS + q) % IN_CHUNKS of the input word on offer or, if that has gone, of hold_q.
            localparam integer WORD_BITS = $clog2(IN_CHUNKS);
            localparam integer FINAL_WORD = IN_CHUNKS - 1;
            reg  [OUT_LANES*BITS-1:0]      out_q;
            reg  [(IN_CHUNKS-1)*CHUNK-1:0] hold_q;  // of the last input word, all but its first chunk
            reg  [WORD_BITS-1:0]           word_q;  // w of the output word that is put together next
            wire [OUT_LANES*BITS-1:0]      next;
            wire                           next_word;  // this edge completes an output word
            wire [OUT_CHUNKS-1:0]          write;      // chunks of the output register to write
            wire                           put = s_axis_tvalid && s_axis_tready;
            assign m_axis_tdata = out_q;

            genvar q, w, i;
            for (q = 0; q < OUT_CHUNKS; q = q + 1) begin : out
                wire [IN_CHUNKS*CHUNK-1:0] choices;
                for (w = 0; w < IN_CHUNKS; w = w + 1) begin : choice
                    localparam integer START = (w * OUT_CHUNKS) % IN_CHUNKS;
                    localparam integer SOURCE = (w * OUT_CHUNKS + q) % IN_CHUNKS;
                    if (START != 0 && START + q < IN_CHUNKS) begin : held
                        assign choices[w*CHUNK+:CHUNK] = hold_q[(SOURCE-1)*CHUNK+:CHUNK];
                    end else begin : fresh
                        assign choices[w*CHUNK+:CHUNK] = s_axis_tdata[SOURCE*CHUNK+:CHUNK];
                    end
                end
                assign next[q*CHUNK+:CHUNK] = choices[word_q*CHUNK+:CHUNK];
                always @(posedge clk) if (write[q]) out_q[q*CHUNK+:CHUNK] <= next[q*CHUNK+:CHUNK];
            end

            always @(posedge clk) begin
                if (put) hold_q <= s_axis_tdata[IN_LANES*BITS-1:CHUNK];
                if (rst) begin
                    valid_q <= 1'b0;
                    word_q  <= {WORD_BITS{1'b0}};
                end else if (advance) begin
                    valid_q <= next_word;
                    if (next_word)
                        word_q <= word_q == FINAL_WORD[WORD_BITS-1:0] ? {WORD_BITS{1'b0}} : word_q + 1'b1;
                end
            end

            if (IN_CHUNKS > OUT_CHUNKS) begin : narrow
                // A whole output word at once; a new input word is needed where the output word begins or cuts one.
                wire [IN_CHUNKS-1:0] needs;
                wire                 need = needs[word_q];
                for (w = 0; w < IN_CHUNKS; w = w + 1) begin : word
                    localparam integer START = (w * OUT_CHUNKS) % IN_CHUNKS;
                    assign needs[w] = START == 0 || START + OUT_CHUNKS > IN_CHUNKS;
                end
                assign s_axis_tready = advance && need;
                assign next_word = advance && (s_axis_tvalid || !need);
                assign write = {OUT_CHUNKS{advance}};
`ifdef FORMAL
                // For the induction: how many lanes there are, and where the marked one stands.
                wire [7:0] start = (word_q * OUT_CHUNKS) % IN_CHUNKS;
                wire [7:0] behind = ahead - (valid_q ? OUT_LANES : 0);
                wire [7:0] position = start * GCD + behind - GCD;
                always @* if (started && !rst) begin
                    assert (word_q < IN_CHUNKS);
                    assert (held == (valid_q ? OUT_LANES : 0) + (start == 0 ? 0 : (IN_CHUNKS - start) * GCD));
                    if (live && ahead >= (valid_q ? OUT_LANES : 0)) assert (hold_q[position*BITS+:BITS] == lane);
                end
`endif
            end else begin : wide
                // Chunks are written as they come, held ones with the first input word of the output word; input
                // words repeat their pattern every OUT_CHUNKS words.
                localparam integer PHASE_BITS = $clog2(OUT_CHUNKS);
                localparam integer FINAL_PHASE = OUT_CHUNKS - 1;
                reg  [PHASE_BITS-1:0] phase_q;
                wire [OUT_CHUNKS-1:0] completes;
                assign s_axis_tready = advance;
                assign next_word = put && completes[phase_q];
                for (i = 0; i < OUT_CHUNKS; i = i + 1) begin : phase
                    assign completes[i] = (i * IN_CHUNKS) % OUT_CHUNKS + IN_CHUNKS >= OUT_CHUNKS;
                end
                for (q = 0; q < OUT_CHUNKS; q = q + 1) begin : enable
                    wire [OUT_CHUNKS-1:0] writes;
                    for (i = 0; i < OUT_CHUNKS; i = i + 1) begin : phase
                        localparam integer START = (i * IN_CHUNKS) % OUT_CHUNKS;  // where input word i begins
                        assign writes[i] = q < START + IN_CHUNKS && (q >= START || START < IN_CHUNKS);
                    end
                    assign write[q] = put && writes[phase_q];
                end
                always @(posedge clk) begin
                    if (rst) phase_q <= {PHASE_BITS{1'b0}};
                    else if (put)
                        phase_q <= phase_q == FINAL_PHASE[PHASE_BITS-1:0] ? {PHASE_BITS{1'b0}} : phase_q + 1'b1;
                end
`ifdef FORMAL
                // For the induction: how many lanes there are, and where the marked one stands.
                wire [7:0] start = (phase_q * IN_CHUNKS) % OUT_CHUNKS;
                wire [7:0] behind = ahead - (valid_q ? OUT_LANES : 0);
                wire [7:0] position = (IN_CHUNKS - start) * GCD + behind - GCD;
                always @* if (started && !rst) begin
                    assert (phase_q < OUT_CHUNKS && word_q == (phase_q * IN_CHUNKS) / OUT_CHUNKS);
                    assert (held == (valid_q ? OUT_LANES : 0) + start * GCD);
                    assert (!valid_q || start < IN_CHUNKS);
                    if (live && start < IN_CHUNKS && ahead >= (valid_q ? OUT_LANES : 0))
                        assert (hold_q[position*BITS+:BITS] == lane);
                    if (live && start >= IN_CHUNKS) assert (out_q[ahead*BITS+:BITS] == lane);
                end
`endif
            end
        end
    endgenerate

`ifdef FORMAL
    wire       take = m_axis_tvalid && m_axis_tready;
    wire [7:0] leaves = take ? OUT_LANES : 0;

    always @* begin
        assume (which < IN_LANES);
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past    <= !rst;
        stalled <= m_axis_tvalid && !m_axis_tready;
        offered <= m_axis_tdata;
        if (rst) begin
            held <= 8'd0;
            live <= 1'b0;
        end else begin
            held <= held + (s_axis_tvalid && s_axis_tready ? IN_LANES : 0) - leaves;
            if (live) begin
                if (ahead < leaves) live <= 1'b0;
                ahead <= ahead - leaves;
            end else if (mark && s_axis_tvalid && s_axis_tready && s_axis_tdata[which*BITS+:BITS] == lane) begin
                live  <= 1'b1;
                ahead <= held - leaves + which;
            end
        end
    end

    always @* if (started && !rst) begin
        // counted: no lane before it came, none twice; words come in whenever the output does not hold them up
        assert (held < IN_LANES + OUT_LANES);
        if (m_axis_tvalid) assert (held >= OUT_LANES);
        if (!m_axis_tvalid && held < (IN_LANES < OUT_LANES ? OUT_LANES : GCD)) assert (s_axis_tready);
        // marked: the lane arrives in its place
        if (live) assert (ahead < held);
        if (live && m_axis_tvalid && ahead < OUT_LANES) assert (m_axis_tdata[ahead*BITS+:BITS] == lane);
        // stable: the payload is held while stalled
        if (past && stalled) assert (m_axis_tvalid && m_axis_tdata == offered);
    end
`endif
endmodule

`default_nettype wire
