// SPDX-License-Identifier: Apache-2.0
//
// tr_formal_mapper.vh: what is proven of every block that maps words to words in a pipeline with one enable.
//
// Included in the module, where FORMAL is defined. It asserts that words are stable, counted and marked: any one of them,
// which the solver chooses, comes out in its turn as the function of what went in. The module has the parameters PE,
// IN_BITS and OUT_BITS, the constants FOLDS, FOLD_BITS and LATENCY, the signals enable, fold and valid_q[LATENCY:1], and
// drives
//
//   f_y     what the marked word f_word has to become, with the constants of memory word f_fold
//
// and asserts what f_word is in the stages between, by f_live (it is inside) and f_stage (it is in this stage).

    reg f_past = 1'b0;
    always @(posedge clk) f_past <= 1'b1;
    always @* if (!f_past) assume (rst);

    wire f_take = !rst && s_axis_tvalid && s_axis_tready;
    wire f_send = !rst && m_axis_tvalid && m_axis_tready;

    // Stable: a word that is not taken stays.
    always @(posedge clk)
        if (f_past && !rst && !$past(rst) && $past(m_axis_tvalid && !m_axis_tready)) begin
            assert (m_axis_tvalid);
            assert (m_axis_tdata == $past(m_axis_tdata));
        end

    // Counted: words in minus words out are those in the pipeline.
    reg [7:0] f_held;
    reg [7:0] f_valid;
    integer   f_i;
    always @* begin
        f_valid = 8'd0;
        for (f_i = 1; f_i <= LATENCY; f_i = f_i + 1) f_valid = f_valid + {7'd0, valid_q[f_i]};
    end
    always @(posedge clk) f_held <= rst ? 8'd0 : f_held + {7'd0, f_take} - {7'd0, f_send};
    always @* if (f_past && !rst) assert (f_held == f_valid);

    // Marked: any one word comes out, in its turn, as the function of what went in.
    wire                    f_mark = $anyseq;
    reg                     f_live;
    reg [7:0]               f_ahead, f_stage, f_in_front;
    reg [FOLD_BITS-1:0]     f_fold, f_turn;
    reg [PE*IN_BITS-1:0]    f_word;
    reg [PE*OUT_BITS-1:0]   f_y;
    always @(posedge clk)
        if (rst) begin
            f_live <= 1'b0;
            f_turn <= {FOLD_BITS{1'b0}};
        end else begin
            if (f_take) f_turn <= f_turn + 1 == FOLDS ? {FOLD_BITS{1'b0}} : f_turn + 1'b1;
            if (f_take && f_mark && !f_live) begin
                f_live  <= 1'b1;
                f_word  <= s_axis_tdata;
                f_fold  <= f_turn;
                f_ahead <= f_held - {7'd0, f_send};
                f_stage <= 8'd1;
            end else if (f_live) begin
                if (f_send) f_ahead <= f_ahead - 8'd1;
                if (f_send && f_ahead == 8'd0) f_live <= 1'b0;
                if (enable) f_stage <= f_stage + 8'd1;
            end
        end
    always @* begin
        f_in_front = 8'd0;
        for (f_i = 1; f_i <= LATENCY; f_i = f_i + 1)
            if (f_i > f_stage) f_in_front = f_in_front + {7'd0, valid_q[f_i]};
    end
    always @* if (f_past && !rst && f_live && m_axis_tvalid && f_ahead == 8'd0) assert (m_axis_tdata == f_y);

    // Where the marked word is, stage by stage, so that the proof needs no unrolling.
    always @* if (f_past && !rst) begin
        assert (FOLDS == 1 || f_turn == fold);
        assert (f_turn < FOLDS);
        if (f_live) begin
            assert (f_stage >= 1 && f_stage <= LATENCY);
            assert (valid_q[f_stage]);
            assert (f_ahead == f_in_front);
            assert (f_fold < FOLDS);
            if (f_stage == LATENCY) assert (m_axis_tdata == f_y);
        end
    end
