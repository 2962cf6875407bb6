// SPDX-License-Identifier: Apache-2.0
//
// tr_row_buffer: takes rows of WORDS words, and sends each once it is whole; a row goes out while the next comes in.
//
// Latency   2 cycles from the last word of a row to its first word out.
// Rate      a word in and a word out every cycle.
// Handshake put: AXI-Stream; put_ready is a function of registers only. The word out is a register, which moves with
//           whatever is behind it when `advance` is high; `valid` says that there is one.
// Memory    2 * WORDS words of WIDTH bits, used as a ring, read synchronously; rows lie in its halves.
// Reset     synchronous, active high; clears the counts, leaves data.
`default_nettype none

module tr_row_buffer #(
    parameter integer WIDTH = 8,  // bits of a word, at least 1
    parameter integer WORDS = 4   // words of a row, at least 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] put_data,
    input  wire             put_valid,
    output wire             put_ready,
    output wire             put_first,  // the next word to come is the first of its row,
    output wire             put_last,   // the last,
    output wire             put_upper,  // and belongs to the upper half
    input  wire             advance,
    output wire             fetch,        // a word is read for the register,
    output wire             fetch_upper,  // from the upper half
    output wire [WIDTH-1:0] data,
    output wire             valid
);
    localparam integer ADDRESS_BITS = $clog2(2 * WORDS);
    localparam integer COUNT_BITS   = $clog2(2 * WORDS + 1);
    localparam [31:0]  END_LOW      = WORDS - 1;      // last address of the lower half
    localparam [31:0]  END_HIGH     = 2 * WORDS - 1;  // last address of the upper half
    localparam [31:0]  FULL         = 2 * WORDS;

    (* no_rw_check *)  // yosys: no logic for a read and a write of one place at once, which never happens
    reg [       WIDTH-1:0] words[0:2*WORDS-1];
    reg [       WIDTH-1:0] data_q;
    reg                    valid_q;
    reg [ADDRESS_BITS-1:0] write_q;
    reg [ADDRESS_BITS-1:0] read_q;
    reg                    first_q;   // write_q is the begin of a row
    reg                    upper_q;   // of the row that comes in
    reg                    fetch_upper_q;
    reg [  COUNT_BITS-1:0] inside_q;  // words that came and were not read
    reg [             1:0] rows_q;    // whole rows that were not read to their end
    wire                   put = put_valid && put_ready;
    wire                   write_end = write_q == (upper_q ? END_HIGH[ADDRESS_BITS-1:0] : END_LOW[ADDRESS_BITS-1:0]);
    wire                   read_end = read_q == (fetch_upper_q ? END_HIGH[ADDRESS_BITS-1:0] : END_LOW[ADDRESS_BITS-1:0]);
    wire                   row_in = put && write_end;
    wire                   row_out = fetch && read_end;

    assign put_ready   = inside_q != FULL[COUNT_BITS-1:0];
    assign put_first   = first_q;
    assign put_last    = write_end;
    assign put_upper   = upper_q;
    assign fetch       = advance && rows_q != 2'd0;
    assign fetch_upper = fetch_upper_q;
    assign data        = data_q;
    assign valid       = valid_q;

    always @(posedge clk) begin
        if (put) words[write_q] <= put_data;
        if (fetch) data_q <= words[read_q];
    end

    always @(posedge clk) begin
        if (rst) begin
            valid_q       <= 1'b0;
            write_q       <= {ADDRESS_BITS{1'b0}};
            read_q        <= {ADDRESS_BITS{1'b0}};
            first_q       <= 1'b1;
            upper_q       <= 1'b0;
            fetch_upper_q <= 1'b0;
            inside_q      <= {COUNT_BITS{1'b0}};
            rows_q        <= 2'd0;
        end else begin
            if (advance) valid_q <= rows_q != 2'd0;
            if (put) begin
                write_q <= write_end && upper_q ? {ADDRESS_BITS{1'b0}} : write_q + 1'b1;
                first_q <= write_end;
                upper_q <= upper_q ^ write_end;
            end
            if (fetch) begin
                read_q        <= read_end && fetch_upper_q ? {ADDRESS_BITS{1'b0}} : read_q + 1'b1;
                fetch_upper_q <= fetch_upper_q ^ read_end;
            end
            if (put && !fetch) inside_q <= inside_q + 1'b1;
            if (fetch && !put) inside_q <= inside_q - 1'b1;
            if (row_in && !row_out) rows_q <= rows_q + 1'b1;
            if (row_out && !row_in) rows_q <= rows_q - 1'b1;
        end
    end

    wire unused = &{1'b0, END_LOW, END_HIGH, FULL};
endmodule

`default_nettype wire
