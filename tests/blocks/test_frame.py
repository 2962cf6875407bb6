# SPDX-License-Identifier: Apache-2.0
"""Frame: numpy = HLS C++ = Verilog; lanes padded to bytes, tlast on the last word of each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, ap_types, run_hls
from rtl_harness import check_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.frame import Frame
from tailrace.core.data import data_folder
from tailrace.core.packing import pack
from tailrace.core.types import IntType
from tailrace.tools.process import run
from tailrace.tools.verilator import StreamEnd, build_stream_simulator

if TYPE_CHECKING:
    from pathlib import Path


def frame(*, lanes: int, type_: IntType, words: int, vectors: int = 1) -> Frame:
    return Frame(stream=Stream(lanes=lanes, type=type_, words=words), vectors=vectors)


CASES = {
    "one word": frame(lanes=1, type_=IntType(1, signed=False), words=1),
    "odd": frame(lanes=3, type_=IntType(5, signed=True), words=3, vectors=2),
    "nothing to pad": frame(lanes=2, type_=IntType(8, signed=True), words=5),
    "three bytes": frame(lanes=2, type_=IntType(17, signed=False), words=4),
    "one signed bit": frame(lanes=10, type_=IntType(1, signed=True), words=2),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    check_rtl(CASES[case], folder=tmp_path, seed=seed, count=20)


@pytest.mark.parametrize("case", ["one word", "odd", "nothing to pad"])
def test_tlast_comes_with_the_last_word_of_each_frame(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    (stream_in,), (stream_out,) = block.inputs, block.outputs
    simulator = build_stream_simulator(
        top="tr_frame",
        sources=[data_folder("rtl") / "tr_frame.v"],
        inputs=[StreamEnd(name="s_axis", bits=stream_in.bits)],
        outputs=[StreamEnd(name="m_axis", bits=stream_out.bits, last=True)],
        folder=tmp_path,
        parameters=dict(block.parameters()),
    )
    count = 7
    (frames,) = random_frames(block, count, seed=seed)
    words = pack(frames.reshape(-1, stream_in.lanes), stream_in.type.bits)
    expected = [count * stream_out.words]
    result = simulator.run([words], expect_words=expected, stall=0.5, seed=seed, resets=[2, 17, 5])
    assert result.output_last[0].tolist() == ([0] * (stream_out.words - 1) + [1]) * count


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [
        HlsCase(
            block=block,
            frames=random_frames(block, 4, seed=seed),
            output_types=(f"tr_beat<{block.outputs[0].bits}>",),
        )
        for block in CASES.values()
    ]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        np.testing.assert_array_equal(outputs[0], case.block.evaluate(*case.frames), strict=True)


CHECK_LAST = """
#include "tr_frame.hpp"
struct P { static const int LANES = 2, BITS = 3, SIGNED = 1, PAD_BITS = 8, WORDS = 3; };
int main() {
    hls::stream<ap_uint<6> > s;
    hls::stream<tr_beat<16> > m;
    for (int i = 0; i < 6; i++) s.write(i);
    tr_frame<P>(s, m);
    tr_frame<P>(s, m);
    for (int i = 0; i < 6; i++) {
        const tr_beat<16> beat = m.read();
        if (beat.last != (i % 3 == 2) || beat.keep != 3 || beat.strb != 3) return 1;
    }
    return m.empty() ? 0 : 2;
}
"""


def test_the_cpp_marks_the_last_word_and_keeps_all_bytes(tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(CHECK_LAST, encoding="utf-8")
    command = ["g++", "-std=c++14", "-Wall", "-Wno-unknown-pragmas", "-isystem", str(ap_types()), "-I"]
    command += [str(data_folder("templates_hls")), "main.cpp", "-o", "main"]
    run(command, cwd=tmp_path, log=tmp_path / "g++.log", timeout_seconds=100)
    run([str(tmp_path / "main")], cwd=tmp_path, log=tmp_path / "main.log", timeout_seconds=10)
