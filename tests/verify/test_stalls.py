# SPDX-License-Identifier: Apache-2.0
"""Stalls inside a design: they keep every word, and they show faults that stalls at the ends never reach."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace
from tailrace.core.data import data_folder
from tailrace.core.errors import TailraceError
from tailrace.core.packing import pack
from tailrace.emission.rtl import top_module
from tailrace.tools.verilator import StreamEnd, build_stream_simulator
from tailrace.verify.hardware import compare, rtl_simulator
from tailrace.verify.stalls import CYCLES, FRAMES_AT_LEAST, compare_stalled, frames_of, stalled_simulator
from tailrace.verify.vectors import random_integers
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tailrace.Design:
    """A design whose output comes so seldom that a word in its skid buffer is never caught up by the next one."""
    folder = tmp_path_factory.mktemp("tiny")
    plan = tailrace.plan(tailrace.load(write_tiny(folder / "tiny.onnx")), part="xc7a35t", fps=1e6)
    return tailrace.emit(plan, folder / "design", backends=("rtl",))


def spoiled(design: tailrace.Design, folder: Path, name: str, good: str, bad: str) -> tailrace.Design:
    shutil.copytree(design.folder, folder, ignore=shutil.ignore_patterns("check"))
    text = (folder / name).read_text()
    assert text.count(good) == 1
    (folder / name).write_text(text.replace(good, bad))
    return tailrace.Design.open(folder)


def test_a_stalled_stream_keeps_every_word_and_has_phases(tmp_path):
    simulator = build_stream_simulator(
        top="tr_stall",
        sources=[data_folder("sim") / "tr_stall.v"],
        inputs=[StreamEnd(name="s_axis", bits=16)],
        outputs=[StreamEnd(name="m_axis", bits=16)],
        folder=tmp_path,
        parameters={"WIDTH": 16, "CLOSED_IN_256": 64},
        lint=True,
    )
    words = pack(np.arange(20_000).reshape(-1, 1), 16)
    gaps = {}
    for seed in (1, 2):
        run = simulator.run([words], expect_words=[len(words)], seed=seed)
        assert words.tolist() == run.outputs[0].tolist()
        gaps[seed] = np.diff(run.output_cycles[0]).tolist()
    assert gaps[1] == np.diff(simulator.run([words], expect_words=[20_000]).output_cycles[0]).tolist()
    assert gaps[1] != gaps[2]
    assert max(gaps[1]) > 300  # closed
    assert gaps[1].count(1) > 10_000  # open
    assert gaps[1].count(2) > 500  # half open
    stalled = simulator.run([words], expect_words=[len(words)], stall=0.4)
    assert words.tolist() == stalled.outputs[0].tolist()


def test_the_top_with_stalls_is_the_top_but_for_them(tiny):
    plain, stalled = (top_module(tiny.plan, stalls=stalls) for stalls in (0, 16))
    assert plain == (tiny.folder / "rtl" / "tiny.v").read_text()
    assert "stall" not in plain
    for wire in tiny.plan.wires:
        assert stalled.count(f") {wire}_stall (") == (wire != tiny.plan.outputs[0])
        assert stalled.count(f"({wire}_held_tready)") == 2 * (wire != tiny.plan.outputs[0])


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("if (advance) out_q <= ready_q ? s_axis_tdata : spare_q;", "if (advance) out_q <= s_axis_tdata;"),
        ("if (ready_q) spare_q <= s_axis_tdata;", "spare_q <= s_axis_tdata;"),
        ("out_valid_q <= s_axis_tvalid || !ready_q;", "out_valid_q <= s_axis_tvalid;"),
    ],
    ids=["takes-no-spare", "overwrites-the-spare", "loses-the-spare"],
)
def test_a_broken_skid_buffer_is_found_with_stalls_inside_only(tiny, good, bad, tmp_path):
    design = spoiled(tiny, tmp_path / "bad", "rtl/tr_skid.v", good, bad)
    plan = design.plan
    q = random_integers(plan.graph, 16, seed=1)
    expected = plan.graph.predict_int(q)
    plain = compare(plan, rtl_simulator(plan, design.folder), q, expected, stall=0.1, seed=1, check="rtl")
    assert plain.mismatches == 0
    try:
        found = compare_stalled(plan, stalled_simulator(plan, design.folder), q, expected, stall=0.1, seed=1)
        hint = found.first.hint if found.first else None
    except TailraceError as error:
        hint = error.hint
    assert hint is not None
    assert hint.startswith("it comes with stalls inside the design; the top with them is ")


def test_a_sound_design_is_right_with_stalls_inside(tiny):
    result = tiny.simulate(vectors=16)
    assert (result.mismatches, result.stalled_frames) == (0, frames_of(tiny.plan))


@pytest.mark.parametrize(("interval", "frames"), [(1, 512), (100, CYCLES // 100), (1 << 20, FRAMES_AT_LEAST)])
def test_frames_make_enough_cycles(interval, frames):
    class WithInterval:
        interval_cycles = interval

    assert frames_of(WithInterval()) == frames
