// SPDX-License-Identifier: Apache-2.0
// tiny: the network tiny: one frame every 8 cycles, 8 streaming blocks.
// Run the tool in this folder (-f): the paths are relative to it, and $readmemh finds the .mem files here.
// Top module tiny, Verilog-2001.
rtl/tr_accumulator.v
rtl/tr_adder_tree.v
rtl/tr_dense_folded.v
rtl/tr_dense_lane.v
rtl/tr_dense_schedule.v
rtl/tr_frame.v
rtl/tr_replay.v
rtl/tr_rom.v
rtl/tr_skid.v
rtl/tr_threshold.v
rtl/tr_width.v
rtl/tiny_dense_0_replay.v
rtl/tiny_dense_0.v
rtl/tiny_map_0.v
rtl/tiny_dense_1_width.v
rtl/tiny_dense_1_replay.v
rtl/tiny_dense_1.v
rtl/tiny_output_skid.v
rtl/tiny_frame.v
rtl/tiny.v
