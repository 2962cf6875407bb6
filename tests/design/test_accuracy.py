# SPDX-License-Identifier: Apache-2.0
"""Accuracy: labels are read, right answers counted, and what changes cost is held against the stated loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tailrace as tr
from tailrace.core.errors import MappingError, ModelError, UsageError
from tailrace.design.accuracy import measure, require_loss
from tailrace.design.build import Build
from tailrace.design.config import Config
from tailrace.design.vectors import Vectors, load_vectors
from tiny_network import INPUTS, OUTPUTS, write_tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.graph import Graph

COUNT = 50


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return tr.load(write_tiny(tmp_path / "tiny.onnx"))


def inputs() -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (COUNT, INPUTS)).astype(np.float32)


def labels_of(graph: Graph, wrong: int) -> np.ndarray:
    """The network's own answers, the first ``wrong`` of them off by one class."""
    found = np.asarray(graph.predict(inputs())).argmax(axis=1)
    found[:wrong] = (found[:wrong] + 1) % OUTPUTS
    return found


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        (("inputs", "labels"), "flat"),
        (("x", "y"), "column"),
        (("images", "y"), "one-hot"),
        (("x", "labels"), "float"),
    ],
)
def test_labels_are_read_in_every_usual_form(
    names: tuple[str, str], shape: str, graph: Graph, tmp_path: Path
) -> None:
    labels = labels_of(graph, 0)
    forms: dict[str, np.ndarray] = {
        "flat": labels.astype(np.uint8),
        "column": labels[:, None],
        "one-hot": np.eye(OUTPUTS, dtype=np.float32)[labels],
        "float": labels.astype(np.float64),
    }
    np.savez(tmp_path / "v.npz", **{names[0]: inputs(), names[1]: forms[shape]})
    found = load_vectors(tmp_path / "v.npz", graph)
    assert found.labels is not None
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.inputs, inputs())
    assert found.name == "v.npz"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(COUNT - 1, np.int64), f"labels of shape ({COUNT - 1},) for {COUNT} inputs"),
        (np.zeros((COUNT, 2), np.int64), f"labels of shape ({COUNT}, 2) for {COUNT} inputs"),
        (np.full(COUNT, 0.5), "labels that are no whole numbers"),
        (np.full(COUNT, np.nan), "labels that are no whole numbers"),
        (np.full(COUNT, OUTPUTS), f"a label is {OUTPUTS}, and the network tells {OUTPUTS} classes apart"),
        (np.full(COUNT, -1), f"a label is -1, and the network tells {OUTPUTS} classes apart"),
        (np.array(["a"] * COUNT), f"an array of labels of shape ({COUNT},) and type <U1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labels: np.ndarray, said: str, graph: Graph, tmp_path: Path
) -> None:
    np.savez(tmp_path / "v.npz", inputs=inputs(), labels=labels)
    with pytest.raises(ModelError) as error:
        load_vectors(tmp_path / "v.npz", graph)
    assert error.value.message == said
    assert error.value.where == str(tmp_path / "v.npz")
    assert error.value.hint


def test_an_unchanged_network_is_counted_against_its_labels(graph: Graph) -> None:
    user = Vectors(inputs=inputs(), labels=labels_of(graph, 7), name="test.npz")
    found = measure(graph, graph, user)
    assert found is not None
    assert (found.dataset, found.measure, found.correct, found.total) == (
        "test.npz",
        "labels",
        COUNT - 7,
        COUNT,
    )
    assert found.imported is None
    require_loss(found)
    assert measure(graph, graph, Vectors(inputs=inputs(), labels=None, name="x")) is None
    assert measure(graph, graph, None) is None


def expected_answers(graph: Graph) -> np.ndarray:
    return np.asarray(graph.predict(inputs())).argmax(axis=1)


def test_a_changed_network_is_compared_with_the_imported_one(graph: Graph) -> None:
    changed = tr.change(graph, {"*": {"prune": 0.7}})
    labels = labels_of(graph, 5)
    right = int((expected_answers(changed) == labels).sum())
    same = int((expected_answers(changed) == expected_answers(graph)).sum())
    assert right < COUNT - 5  # else the test shows nothing
    found = measure(changed, graph, Vectors(inputs=inputs(), labels=labels, name="t"), 0.1)
    assert found is not None
    assert (found.measure, found.correct, found.imported) == ("labels", right, COUNT - 5)
    agreeing = measure(changed, graph, Vectors(inputs=inputs(), labels=None, name="t"), 0.1)
    assert agreeing is not None
    assert (agreeing.measure, agreeing.correct, agreeing.imported) == ("agreement", same, COUNT)


def test_a_loss_is_allowed_up_to_what_was_stated(graph: Graph) -> None:
    changed = tr.change(graph, {"*": {"prune": 0.7}})
    user = Vectors(inputs=inputs(), labels=labels_of(graph, 5), name="test.npz")
    found = measure(changed, graph, user, 0.0)
    assert found is not None
    assert found.imported is not None
    lost = (found.imported - found.correct) / found.total
    require_loss(measure(changed, graph, user, lost))
    with pytest.raises(MappingError) as error:
        require_loss(measure(changed, graph, user, lost - 0.01))
    assert str(error.value) == (
        f"test.npz: the changes cost {lost:.2%} of accuracy (right answers: {found.imported} of {COUNT} before, "
        f"{found.correct} after), and {lost - 0.01:.2%} is allowed\n"
        "  hint: prune less, keep more weight bits, or state a larger accuracy_loss"
    )
    assert error.value.exit_code == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"accuracy_loss": 0.1}, "the network is changed, and there are no vectors to compare it on"),
        ({"vectors": "v.npz"}, "the network is changed, and it is not said how much accuracy may be lost"),
    ],
)
def test_what_changes_are_judged_by_is_asked_before_anything_runs(
    config: dict[str, Any], said: str, tmp_path: Path
) -> None:
    asked = Config(layers={"dense_0": {"prune": 0.5}}, **config)
    with pytest.raises(UsageError) as error:
        Build(folder=tmp_path / "b", config=asked, model=tmp_path / "x.onnx")
    assert error.value.message == said
    Build(folder=tmp_path / "b", config=asked, model=tmp_path / "x.onnx", last="emit")


def test_the_python_interface_measures_the_same(graph: Graph, tmp_path: Path) -> None:
    changed = tr.change(graph, {"dense_0": {"prune": 0.2}})
    design = tr.emit(
        tr.plan(changed, part="ecp5-25k", clock_mhz=50, fps=5e6), tmp_path / "b", backends=("rtl",)
    )
    x, y = inputs(), labels_of(graph, 5)
    with pytest.raises(UsageError, match="there are no vectors to compare it on"):
        design.verify(vectors=4, backends=())
    with pytest.raises(UsageError, match="it is not said how much accuracy may be lost"):
        design.verify(x, vectors=4, backends=())
    report = design.verify(x, labels=y, vectors=4, backends=(), accuracy_loss=1.0, name="mine")
    assert report.accuracy is not None
    right = int((expected_answers(changed) == y).sum())
    assert (report.accuracy.correct, report.accuracy.dataset) == (right, "mine")
    assert report.verify.software is not None
    assert report.verify.software.mismatches == 0
    # The folder has all that the comparison needs, but for the model.
    again = tr.Design.open(tmp_path / "b")
    with pytest.raises(tr.TailraceError, match="the network is not at hand"):
        again.verify(x, labels=y, vectors=4, backends=(), accuracy_loss=1.0)
    (tmp_path / "b" / "model.onnx").write_bytes((tmp_path / "tiny.onnx").read_bytes())
    assert again.verify(x, labels=y, vectors=4, backends=(), accuracy_loss=1.0, name="mine").accuracy == (
        report.accuracy
    )
