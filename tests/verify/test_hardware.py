# SPDX-License-Identifier: Apache-2.0
"""What a simulation of the hardware says of its schedule."""

from __future__ import annotations

import numpy as np
import pytest
import tailrace
from tailrace.core.packing import pack
from tailrace.tools.verilator import StreamRun
from tailrace.verify.hardware import compare
from tiny_network import write_tiny


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
        return StreamRun(
            outputs=(out,), output_cycles=(cycles,), input_cycles=(entered,), cycles=int(ends[-1])
        )


@pytest.mark.parametrize(
    ("late", "runs", "extra"),
    [(0, [6], 0), (3, [6], 0), (4, [6, 12], 0), (6, [6, 12], 0), (11, [6, 12], 1)],
    ids=["at-once", "within-six", "within-twelve", "just-within-twelve", "never"],
)
def test_an_interval_is_measured_until_it_is_the_planned_one(late, runs, extra, tmp_path):
    plan = tailrace.plan(tailrace.load(write_tiny(tmp_path / "tiny.onnx")), part="xc7a35t", fps=1e6)
    graph, out = plan.graph, plan.stages[-1].block.inputs[0]
    q = np.random.default_rng(1).integers(-8, 8, (5, graph.tensors[graph.input].size))
    expected = graph.predict_int(q).reshape(5, -1)
    words = pack(expected.reshape(-1, out.lanes), 8 * -(-out.type.bits // 8)).reshape(5, out.words, -1)
    simulator = SlowAtFirst(plan, words, late)
    result = compare(plan, simulator, q, expected, stall=0.3, seed=1, stage="rtl")
    assert result.mismatches == 0
    assert simulator.runs == runs
    assert result.interval_cycles == plan.interval_cycles + extra
