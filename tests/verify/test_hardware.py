# SPDX-License-Identifier: Apache-2.0
"""A simulation of the hardware: its schedule, and every signal of its ports."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace
from tailrace.core.errors import Mismatch
from tailrace.core.packing import pack, unpack
from tailrace.tools.verilator import StreamRun
from tailrace.verify.hardware import AFTER_RESETS, SignalMismatch, compare, words_of
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


class SlowAtFirst:
    """Gives the right outputs; the first ``late`` frames are a cycle further apart than the others."""

    def __init__(self, plan: tailrace.Plan, words: np.ndarray, late: int) -> None:
        self.interval = plan.interval_cycles
        self.words = words
        self.late = late
        self.runs: list[int] = []

    def run(self, inputs, *, expect_words, stall, **_options):
        per_frame = self.words.shape[1]
        frames = expect_words[0] // per_frame
        if not stall:
            self.runs.append(frames)
        ends = np.cumsum(np.where(np.arange(frames) <= self.late, self.interval + 1, self.interval))
        cycles = np.repeat(ends, per_frame)
        out = self.words[np.arange(frames) % len(self.words)].reshape(-1, self.words.shape[2])
        entered = np.arange(len(inputs[0]))
        last = np.tile(np.arange(per_frame) == per_frame - 1, frames).astype(np.uint8)
        return StreamRun(
            outputs=(out,),
            output_last=(last,),
            output_cycles=(cycles,),
            input_cycles=(entered,),
            cycles=int(ends[-1]),
        )


@pytest.mark.parametrize(
    ("late", "runs", "extra"),
    [(0, [6], 0), (3, [6], 0), (4, [6, 12], 0), (6, [6, 12], 0), (11, [6, 12], 1)],
    ids=["at-once", "within-six", "within-twelve", "just-within-twelve", "never"],
)
def test_an_interval_is_measured_until_it_is_the_planned_one(late, runs, extra, tmp_path):
    plan = tailrace.plan(tailrace.load(write_tiny(tmp_path / "tiny.onnx")), part="xc7a35t", fps=1e6)
    graph, out = plan.graph, plan.instances[-1].block.inputs[0]
    q = np.random.default_rng(1).integers(-8, 8, (5, graph.tensors[graph.input].size))
    expected = graph.predict_int(q).reshape(5, -1)
    words = pack(expected.reshape(-1, out.lanes), 8 * -(-out.type.bits // 8)).reshape(5, out.words, -1)
    simulator = SlowAtFirst(plan, words, late)
    result = compare(plan, simulator, q, expected, stall=0.3, seed=1, check="rtl")
    assert result.mismatches == 0
    assert simulator.runs == runs
    assert result.interval_cycles == plan.interval_cycles + extra


TLAST = {
    "never": ("m_axis_tlast  = last", "m_axis_tlast  = 1'b0 && last"),
    "always": ("m_axis_tlast  = last", "m_axis_tlast  = 1'b1 || last"),
    "a-word-early": ("FINAL = WORDS - 1", "FINAL = WORDS - 2"),
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tailrace.Design:
    folder = tmp_path_factory.mktemp("tiny")
    plan = tailrace.plan(tailrace.load(write_tiny(folder / "tiny.onnx")), part="xc7a35t", fps=1e6)
    return tailrace.emit(plan, folder / "design")


def spoiled(design: tailrace.Design, folder: Path, name: str, good: str, bad: str) -> tailrace.Design:
    """Return a copy of a design in which a text of a file is another one."""
    shutil.copytree(design.folder, folder, ignore=shutil.ignore_patterns("check"))
    text = (folder / name).read_text()
    assert text.count(good) == 1
    (folder / name).write_text(text.replace(good, bad))
    return tailrace.Design.open(folder)


@pytest.mark.parametrize("wrong", TLAST)
def test_a_wrong_tlast_is_a_mismatch_that_names_frame_and_word(tiny, wrong, tmp_path):
    with pytest.raises(SignalMismatch) as caught:
        spoiled(tiny, tmp_path / "bad", "rtl/tr_frame.v", *TLAST[wrong]).simulate(vectors=8)
    found = caught.value
    words = {"never": 2, "always": 0, "a-word-early": 1}[wrong]
    assert (found.check, found.layer, found.index) == ("rtl", "m_axis_tlast", (0, words))
    assert str(found).startswith(f"rtl: m_axis_tlast: word {words} of frame 0 has {found.got}, expected ")
    assert found.exit_code == 3


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("reg [COUNT_BITS-1:0] index_q;", "reg [COUNT_BITS-1:0] index_q; initial index_q = 0;", None),
        (
            "index_q <= {COUNT_BITS{1'b0}};\n                    last_q",
            "last_q",
            "m_axis_tlast: word . of frame 0 has ., expected . .* in all",
        ),
    ],
    ids=["good", "a-count-without-reset"],
)
def test_a_reset_in_the_middle_of_a_frame_begins_anew(tiny, good, bad, message, tmp_path):
    design = spoiled(tiny, tmp_path / "bad", "rtl/tr_frame.v", good, bad)
    if message is None:
        assert design.simulate(vectors=8).mismatches == 0
        return
    path = design.folder / "rtl" / "tr_frame.v"
    text = path.read_text()
    path.write_text(text.replace("reg [COUNT_BITS-1:0] index_q;", "reg [COUNT_BITS-1:0] index_q = 0;"))
    with pytest.raises(SignalMismatch, match=message) as caught:
        design.simulate(vectors=8)
    assert caught.value.hint == AFTER_RESETS


def test_padding_that_is_read_is_found(tiny, tmp_path):
    good, bad = (
        "s_axis_tdata[lane * 8 +: 4];",
        "s_axis_tdata[lane * 8 +: 4] ^ {3'd0, s_axis_tdata[lane * 8 + 7]};",
    )
    with pytest.raises(Mismatch):
        spoiled(tiny, tmp_path / "bad", "rtl/tiny.v", good, bad).simulate(vectors=8)


def test_words_get_random_padding_and_keep_their_integers(tiny):
    plan, q = tiny.plan, np.arange(-8, 4).reshape(2, 6)
    lanes = plan.wires[plan.inputs[0]].lanes
    plain = unpack(words_of(plan, q)[0], lanes, 8, signed=True)
    noisy = unpack(words_of(plan, q, np.random.default_rng(1))[0], lanes, 8, signed=False)
    assert plain.ravel().tolist() == q.ravel().tolist()
    assert (noisy & 15).tolist() == (plain & 15).tolist()
    assert len(set((noisy >> 4).ravel().tolist())) > 4
