# SPDX-License-Identifier: Apache-2.0
"""Fork: numpy = HLS C++ = Verilog, every word once to every output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.fork import Fork
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from pathlib import Path


def fork(*, branches: int, lanes: int = 2, bits: int = 3, words: int = 4, vectors: int = 1) -> Fork:
    stream = Stream(lanes=lanes, type=IntType(bits, signed=True), words=words)
    return Fork(stream=stream, branches=branches, vectors=vectors)


CASES = {
    "one output of one bit": fork(branches=1, lanes=1, bits=1),
    "two": fork(branches=2, vectors=2),
    "five": fork(branches=5, lanes=3, bits=12, words=3),
}


def wrapper(outputs: int) -> str:
    """A module with one named stream per output instead of vectors of them."""
    numbers = range(outputs)
    signals = [
        "output wire [WIDTH-1:0] m{}_axis_tdata",
        "output wire m{}_axis_tvalid",
        "input wire m{}_axis_tready",
    ]
    names = [f"m{number}_axis" if outputs > 1 else "m_axis" for number in numbers]
    ports = [line.replace("m{}_axis", name) for name in names for line in signals]
    joined = {
        signal: "{" + ", ".join(f"{name}_{signal}" for name in reversed(names)) + "}"
        for signal in ("tdata", "tvalid", "tready")
    }
    return f"""
module fork_wrapper #(parameter integer WIDTH = 1, parameter integer OUTPUTS = 1) (
    input wire clk, input wire rst,
    input wire [WIDTH-1:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,
    {", ".join(ports)}
);
    tr_fork #(.WIDTH(WIDTH), .OUTPUTS(OUTPUTS)) fork_i (
        .clk(clk), .rst(rst),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
        .m_axis_tdata({joined["tdata"]}),
        .m_axis_tvalid({joined["tvalid"]}), .m_axis_tready({joined["tready"]})
    );
endmodule
"""


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    source = tmp_path / "fork_wrapper.v"
    source.write_text(wrapper(block.branches), encoding="utf-8")
    run = check_rtl(block, folder=tmp_path, seed=seed, count=20, top="fork_wrapper", sources=[source])
    assert (np.diff(run.input_cycles[0]) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        assert len(outputs) == len(expected)
        for want, got in zip(expected, outputs, strict=True):
            np.testing.assert_array_equal(got, want, strict=True)


def test_a_fork_without_branches_is_refused() -> None:
    with pytest.raises(ValueError, match="branches=0 must be at least 1"):
        fork(branches=0)
