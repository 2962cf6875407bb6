# SPDX-License-Identifier: Apache-2.0
"""The user's vectors: network inputs to verify on, and the labels that accuracy is measured with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError, TailraceError
from tailrace.graph.values import samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tailrace.graph import Graph
    from tailrace.graph.values import Values

Array = NDArray[Any]
Integers = NDArray[np.int64]

INPUTS = ("inputs", "x")
LABELS = ("labels", "y")
"""What the arrays of a .npz file may be called."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vectors:
    """Network inputs (n, *sample shape), {name: such} where the network has several; see ``load_vectors``.

    ``labels`` are their classes (n,) or None, ``name`` is that of their file.
    """

    inputs: Values
    labels: Integers | None
    name: str


def load_vectors(path: Path, graph: Graph) -> Vectors:
    """Read a .npy or .npz file of vectors for ``graph``; ModelError that names the file where they do not fit."""
    names = [end.name for end in graph.host.inputs]
    arrays = read_arrays(path, names)
    inputs = arrays["inputs"] if len(names) == 1 else {name: arrays[name] for name in names}
    for array in inputs.values() if isinstance(inputs, dict) else (inputs,):
        bad = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else np.zeros((0, 1))
        if len(bad):
            at = ", ".join(str(i) for i in bad[0])
            raise ModelError(
                f"{len(bad)} of the numbers are NaN or infinite, the first one at [{at}]",
                where=str(path),
                hint="send finite numbers",
            )
    try:
        fitting = graph.host.batch(inputs)
        labels = classes(arrays["labels"], samples(fitting), graph) if "labels" in arrays else None
    except ModelError as error:
        hint = error.hint or "one network input after another, in its shape"
        raise ModelError(error.message, where=str(path), hint=hint) from None
    return Vectors(inputs=fitting, labels=labels, name=path.name)


def read_arrays(path: Path, names: Sequence[str] = ("inputs",)) -> dict[str, Array]:
    """Return {"inputs": (n, ...)}, and "labels" where there are any, of a .npy or .npz file.

    The inputs of a .npz file are its array "inputs", "x", or the only one; the labels "labels" or "y". Where a network
    has several inputs, ``names``, the file has an array of each name instead (or inputs_0, inputs_1, ... in order).
    """
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            arrays = {"inputs": found} if isinstance(found, np.ndarray) else _named(found, path, names)
    except FileNotFoundError:
        raise ModelError(
            "there is no such file", where=str(path), hint="give a .npy file of network inputs"
        ) from None
    except IsADirectoryError:
        raise ModelError(
            "this is a folder", where=str(path), hint="give a .npy file of network inputs"
        ) from None
    except Exception as error:  # numpy and zipfile raise all kinds on damaged files
        if isinstance(error, TailraceError):
            raise
        raise ModelError(
            f"this is no .npy or .npz file of numbers: {error}",
            where=str(path),
            hint="write it with numpy.save",
        ) from None
    for name, array in arrays.items():
        if array.ndim == 0 or not len(array) or array.dtype.kind not in "fiub":
            whose = " of labels" if name == "labels" else ""
            raise ModelError(
                f"an array{whose} of shape {array.shape} and type {array.dtype}",
                where=str(path),
                hint="wanted numbers, one network input after another along the first axis",
            )
    return arrays


def _named(found: Mapping[str, Array], path: Path, wanted_names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of an open .npz file that are wanted, under our names."""
    names = list(found)
    labels = next((name for name in LABELS if name in names), None)
    if len(wanted_names) > 1:
        return _several(found, path, wanted_names, None if labels in wanted_names else labels)
    others = [name for name in names if name != labels]
    inputs = next((name for name in INPUTS if name in names), others[0] if len(others) == 1 else None)
    if inputs is None:
        raise ModelError(
            f"the file holds {', '.join(names) or 'nothing'}",
            where=str(path),
            hint='call the array of network inputs "inputs" (and that of labels "labels")',
        )
    wanted = {"inputs": np.asarray(found[inputs])}
    return wanted if labels is None else {**wanted, "labels": np.asarray(found[labels])}


def _several(
    found: Mapping[str, Array], path: Path, wanted: Sequence[str], labels: str | None
) -> dict[str, Array]:
    """Return the arrays of several inputs, by name or by number, and the labels."""
    arrays = {}
    for index, name in enumerate(wanted):
        key = name if name in found else f"inputs_{index}"
        if key not in found:
            raise ModelError(
                f"the file holds {', '.join(found) or 'nothing'}",
                where=str(path),
                hint=f"give an array for each input of the network: {', '.join(wanted)}",
            )
        arrays[name] = np.asarray(found[key])
    return arrays if labels is None else {**arrays, "labels": np.asarray(found[labels])}


def classes(labels: Array, count: int, graph: Graph) -> Integers:
    """Return the class (n,) of every vector from labels (n,), (n, 1), or one-hot (n, classes).

    Raises ModelError where they are not ``count`` labels, or name a class that the network has not.
    """
    labels = np.asarray(labels)
    outputs = int(np.prod(graph.host.output.shape, dtype=np.int64))
    hint = f"wanted {count} classes, one for each network input"
    if labels.ndim == 2 and labels.shape[1] == outputs > 1:
        labels = labels.argmax(axis=1)
    if labels.size != count or labels.shape[:1] != (count,):
        raise ModelError(f"labels of shape {labels.shape} for {count} inputs", hint=hint)
    flat = labels.reshape(-1)
    if flat.dtype.kind == "f" and not (np.isfinite(flat) & (flat == np.rint(flat))).all():
        raise ModelError("labels that are no whole numbers", hint=hint)
    whole = flat.astype(np.int64)
    if outputs > 1 and (whole.min() < 0 or whole.max() >= outputs):
        worst = int(whole.min() if whole.min() < 0 else whole.max())
        raise ModelError(
            f"a label is {worst}, and the network tells {outputs} classes apart",
            hint=f"labels are from 0 to {outputs - 1}",
        )
    return whole
