# SPDX-License-Identifier: Apache-2.0
"""The values of a network's inputs or outputs: an array where there is one, arrays by name where there are several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Array = NDArray[Any]

Values = Array | Mapping[str, Array]
"""(n, *shape) of n samples, or {name in the network: (n, *shape)}."""


def by_port(values: Values, names: Sequence[str]) -> list[Array]:
    """Return the arrays in the order of ``names``, (n, ...) each; ModelError where one is missing or shorter."""
    if isinstance(values, Mapping):
        unknown = [name for name in values if name not in names]
        missing = [name for name in names if name not in values]
        if unknown or missing:
            raise ModelError(
                f"got arrays for {', '.join(values) or 'nothing'}",
                where=(missing or unknown)[0],
                hint=f"give an array for each of {', '.join(names)}",
            )
        arrays = [np.asarray(values[name]) for name in names]
    elif len(names) == 1:
        arrays = [np.asarray(values)]
    else:
        raise ModelError(
            f"got one array, and there are {len(names)} inputs",
            where=names[0],
            hint=f"give a dict with an array for each of {', '.join(names)}",
        )
    counts = {name: array.shape[0] if array.ndim else 0 for name, array in zip(names, arrays, strict=True)}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ModelError(f"got {told}", where=names[0], hint="give as many samples of each input")
    return arrays


def one_or_named(names: Sequence[str], arrays: Sequence[Array]) -> Values:
    """Return the one array, or {name: array} of several."""
    return arrays[0] if len(names) == 1 else dict(zip(names, arrays, strict=True))


def the_one(values: Values) -> Array:
    """Return the array of what has one input; TypeError where it has names."""
    if isinstance(values, Mapping):
        raise TypeError("one array was expected, there are several")
    return values


def samples(values: Values) -> int:
    """Return how many samples there are."""
    return len(next(iter(values.values())) if isinstance(values, Mapping) else values)


def each(values: Values, function: Callable[[Array], Array]) -> Values:
    """Return the values with ``function`` applied to every array."""
    if isinstance(values, Mapping):
        return {name: function(array) for name, array in values.items()}
    return function(values)


def steps_of(values: Values) -> int:
    """Return of how many steps each is, where they are sequences."""
    first = next(iter(values.values())) if isinstance(values, Mapping) else values
    return int(first.shape[1])


def rows(values: Values, which: slice) -> Values:
    """Return some of the samples."""
    if isinstance(values, Mapping):
        return {name: array[which] for name, array in values.items()}
    return values[which]


def joined(first: Values, second: Values) -> Values:
    """Return the samples of ``first``, then those of ``second``."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {name: np.concatenate([array, second[name]]) for name, array in first.items()}
    if isinstance(first, Mapping) or isinstance(second, Mapping):
        raise TypeError("the one has names and the other has none")
    return np.concatenate([first, second])
