# SPDX-License-Identifier: Apache-2.0
"""Split: numpy = HLS C++ = Verilog, pixel by pixel; a blocked output blocks only when its word is next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.split import Split
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def split(*, lanes: int, bits: int, channels: tuple[int, int], pixels: int, signed: bool = False) -> Split:
    stream = Stream(lanes=lanes, type=IntType(bits, signed=signed), words=pixels * sum(channels) // lanes)
    return Split(stream=stream, a_channels=channels[0], b_channels=channels[1])


CASES = {
    "one bit and one bit": split(lanes=1, bits=1, channels=(1, 1), pixels=5),
    "three words and one": split(lanes=1, bits=5, channels=(3, 1), pixels=4, signed=True),
    "one word and five": split(lanes=3, bits=12, channels=(3, 15), pixels=3, signed=True),
}

WRAPPER = """
module split_wrapper #(
    parameter integer LANES = 1, parameter integer BITS = 1,
    parameter integer A_CHANNELS = 1, parameter integer B_CHANNELS = 1
) (
    input wire clk, input wire rst,
    input wire [LANES*BITS-1:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,
    output wire [LANES*BITS-1:0] m0_axis_tdata, output wire m0_axis_tvalid, input wire m0_axis_tready,
    output wire [LANES*BITS-1:0] m1_axis_tdata, output wire m1_axis_tvalid, input wire m1_axis_tready
);
    tr_split #(.LANES(LANES), .BITS(BITS), .A_CHANNELS(A_CHANNELS), .B_CHANNELS(B_CHANNELS)) split_i (
        .clk(clk), .rst(rst),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
        .m_axis_tdata({m1_axis_tdata, m0_axis_tdata}),
        .m_axis_tvalid({m1_axis_tvalid, m0_axis_tvalid}), .m_axis_tready({m1_axis_tready, m0_axis_tready})
    );
endmodule
"""
"""A module with one named stream per output instead of vectors of them."""


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    source = tmp_path / "split_wrapper.v"
    source.write_text(WRAPPER, encoding="utf-8")
    run = check_rtl(CASES[case], folder=tmp_path, seed=seed, count=20, top="split_wrapper", sources=[source])
    assert (np.diff(run.input_cycles[0]) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        for want, got in zip(case.block.evaluate(*case.frames), outputs, strict=True):
            np.testing.assert_array_equal(got, want, strict=True)


def test_pixels_are_parted_channel_by_channel() -> None:
    block = split(lanes=1, bits=8, channels=(2, 1), pixels=2)
    first, others = block.evaluate(np.array([[1, 2, 10, 3, 4, 20]], np.int64))
    assert first.tolist() == [[1, 2, 3, 4]]
    assert others.tolist() == [[10, 20]]


def test_lanes_across_both_sides_are_refused() -> None:
    with pytest.raises(MappingError, match="4 lanes do not divide the 6 channels") as error:
        split(lanes=4, bits=2, channels=(8, 6), pixels=2)
    assert error.value.hint == "use one of 1, 2"


def test_a_stream_that_is_no_image_is_refused() -> None:
    block = CASES["three words and one"]
    with pytest.raises(ValueError, match="17 words are no whole pixels of 4 channels"):
        replace(block, stream=replace(block.stream, words=17))
    with pytest.raises(ValueError, match="a_channels=0 and b_channels=1 must be at least 1"):
        replace(block, a_channels=0)
