# SPDX-License-Identifier: Apache-2.0
"""States: what a frame leaves for the next one; E1 step by step, ranges, marks, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tailrace as tr
from state_networks import recurrent
from tailrace.core.errors import ModelError, UsageError
from tailrace.graph.passes import pipeline as passes
from tailrace.planning import serialize
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs, random_integers


@pytest.mark.parametrize("seed", range(8))
def test_sequences_equal_the_software_step_by_step(seed, tmp_path):
    path, states = recurrent(seed, tmp_path)
    graph = tr.load(path, states=states)
    assert len(graph.states) == len(states)
    x = random_inputs(graph, 24, seed)
    assert x.shape[1] == 8
    result = verify_software(graph, graph.reference, x)
    assert result.mismatches == 0, result.first
    # The software, stepped by hand.
    y, cell = graph.predict(x), graph.reference
    now = {name: np.zeros((1, graph.tensors[graph.states[0].input].size), np.float32) for name in states}
    for step in range(x.shape[1]):
        found = cell.run({"x": x[:1, step], **now}, [*states.values(), graph.host.output.name])
        assert found[graph.host.output.name].tolist() == y[:1, step].tolist()
        now = {name: found[output] for name, output in states.items()}


def test_a_marked_frame_begins_a_sequence_anew(tmp_path):
    path, states = recurrent(1, tmp_path)
    graph = tr.load(path, states=states)
    q = random_integers(graph, 40, seed=2)
    assert set(q[:, -1].tolist()) == {0, 1}
    y = graph.run_frames(q)
    begins = np.flatnonzero(q[:, -1])
    assert begins[0] == 0
    for begin, end in zip(begins, [*begins[1:], len(q)], strict=True):
        assert np.array_equal(graph.run_frames(q[begin:end]), y[begin:end])
    unmarked = q.copy()
    unmarked[1:, -1] = 0
    assert not np.array_equal(graph.run_frames(unmarked), y)


def test_passes_and_json_keep_states(tmp_path):
    path, states = recurrent(3, tmp_path)
    graph = tr.load(path, states=states)
    lowered = passes.run(graph)
    q = random_integers(graph, 60, seed=1)
    assert np.array_equal(lowered.run_frames(q), graph.run_frames(q))
    again = serialize.loads(serialize.dumps(lowered))
    assert np.array_equal(again.run_frames(q), graph.run_frames(q))


def test_the_range_of_a_state_holds_what_is_left_for_it(tmp_path):
    path, states = recurrent(1, tmp_path)
    graph = tr.load(path, states=states)
    for state in graph.states:
        now, then = graph.tensors[state.input], graph.tensors[state.output]
        assert (now.low <= then.low).all()
        assert (now.high >= then.high).all()
        assert now.type.bits <= 7


def test_the_public_cell_equals_its_golden_sequence(shared_models):
    graph = tr.load(shared_models / "lstm_cell_qonnx.onnx", states="h_t-1=h_t,c_t-1=c_t")
    golden = np.load(shared_models / "lstm_cell_qonnx.golden.npz")
    y = graph.predict(golden["x"][None])
    assert y[0].tolist() == golden["out_2"].tolist()
    assert verify_software(graph, graph.reference, golden["x"][None]).mismatches == 0


def test_the_public_cell_equals_its_golden_steps(shared_models):
    graph = tr.load(shared_models / "lstm_cell_qonnx.onnx")
    golden = np.load(shared_models / "lstm_cell_qonnx.golden.npz")
    x = {"X": golden["x"], "h_t-1": golden["h_in"], "c_t-1": golden["c_in"]}
    y = graph.predict(x)
    for index, name in enumerate(("h_t", "c_t", "h_t_concat")):
        assert y[name].tolist() == golden[f"out_{index}"].tolist()
    assert verify_software(graph, graph.reference, x).mismatches == 0
    assert sum("has no batch axis: all of it is one sample" in notice for notice in graph.notices) == 3


def test_a_state_without_a_quantizer_is_refused(tmp_path):
    path, states = recurrent(0, tmp_path, last="sum")
    with pytest.raises(
        ModelError, match=r"the state x1 can grow from step to step without end\n  hint: put a quant"
    ):
        tr.load(path, states=states)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ("h", r"the states are 'h'\n  hint: write INPUT=OUTPUT"),
        ("y=t1", "the network has no input y, which is to be a state"),
        ("x1=nothing", "the network has no output nothing, which is to be a state"),
    ],
)
def test_wrong_names_of_states_are_refused(states, message, tmp_path):
    path, _ = recurrent(0, tmp_path)
    with pytest.raises(UsageError, match=message):
        tr.load(path, states=states)


def test_samples_that_are_no_sequences_are_refused(tmp_path):
    path, states = recurrent(0, tmp_path)
    graph = tr.load(path, states=states)
    size = graph.host.input.shape[0]
    with pytest.raises(
        ModelError, match=rf"x: got an array of shape \(3, {size}\), wanted sequences \(n, steps, {size}\)"
    ):
        graph.predict(np.zeros((3, size), np.float32))
