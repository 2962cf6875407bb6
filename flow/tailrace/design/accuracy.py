# SPDX-License-Identifier: Apache-2.0
"""How often the integer graph is right: against labels, or against the graph as it was imported.

An unchanged graph equals its software, so its accuracy is that of the trained network, and is only stated. After a
changing pass it is compared with that of the graph as imported, and may be lower by no more than the user said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import MappingError, ModelError, UsageError
from tailrace.report.schema import Accuracy

if TYPE_CHECKING:
    from tailrace.design.vectors import Vectors
    from tailrace.graph import Graph

Integers = NDArray[np.int64]


def answers(graph: Graph, vectors: Vectors) -> Integers:
    """Return what the network answers to every vector: the class (n,), or all outputs (n, size) of one that has none.

    The class is the largest output, the first of equals, or the output itself where the network ends in an ArgMax. A
    network of several outputs has no class.
    """
    found = graph.predict(vectors.inputs)
    several = found.values() if isinstance(found, dict) else (found,)
    y = np.concatenate([array.reshape(len(array), -1) for array in several], axis=1)
    if isinstance(found, dict):
        return y
    if y.shape[1] > 1:
        return np.asarray(y.argmax(axis=1), np.int64)
    return np.asarray(y[:, 0], np.int64) if graph.host.output.is_integer else np.asarray(y)


def measure(
    graph: Graph, imported: Graph, vectors: Vectors | None, loss: float | None = None
) -> Accuracy | None:
    """Return the accuracy of ``graph`` on ``vectors``; None where nothing was changed and there are no labels.

    ``imported`` is the graph before changing passes, ``graph`` itself if there were none; ``loss`` is the most that
    accuracy may fall, as a share (0.01 is one percentage point), and is kept in the record. Raises UsageError where the
    graph was changed and there are no vectors, or no loss is stated.
    """
    changed = graph is not imported
    if changed:
        require_statement(loss=loss, has_vectors=vectors is not None)
    if vectors is None or (vectors.labels is None and not changed):
        return None
    ours = answers(graph, vectors)
    theirs = answers(imported, vectors) if changed else None
    if vectors.labels is None:
        same = (ours == theirs).reshape(len(ours), -1).all(axis=1)
        return Accuracy(
            dataset=vectors.name,
            correct=int(same.sum()),
            total=len(ours),
            measure="agreement",
            imported=len(ours),
            loss=loss,
        )
    if ours.ndim > 1:
        raise ModelError(
            "the network puts out one number a sample, so its labels cannot be compared with classes",
            where=vectors.name,
            hint="leave the labels out, or let the network end in one output for each class",
        )
    right = None if theirs is None else int((theirs == vectors.labels).sum())
    correct = int((ours == vectors.labels).sum())
    return Accuracy(
        dataset=vectors.name, correct=correct, total=len(ours), imported=right, loss=loss if changed else None
    )


def require_statement(*, loss: float | None, has_vectors: bool) -> None:
    """Raise UsageError where a changing pass is asked for without saying on what it is judged, and how strictly."""
    if not has_vectors:
        raise UsageError(
            "the network is changed, and there are no vectors to compare it on",
            hint="give --vectors FILE, with an array labels if there are any (in Python: design.verify(x, labels=y))",
        )
    if loss is None:
        raise UsageError(
            "the network is changed, and it is not said how much accuracy may be lost",
            hint="such as --accuracy-loss 0.01, for one percentage point (in Python: accuracy_loss=0.01)",
        )


def require_loss(found: Accuracy | None) -> None:
    """Raise MappingError, with the figures, where more accuracy was lost than was stated."""
    if found is None or found.imported is None or found.loss is None:
        return
    lost = (found.imported - found.correct) / found.total
    if lost > found.loss:
        before = f"{found.imported} of {found.total} before, {found.correct} after"
        what = "right answers" if found.measure == "labels" else "the same answers as the network"
        raise MappingError(
            f"the changes cost {lost:.2%} of accuracy ({what}: {before}), and {found.loss:.2%} is allowed",
            where=found.dataset,
            hint="prune less, keep more weight bits, or state a larger accuracy_loss",
        )
