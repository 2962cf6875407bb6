# SPDX-License-Identifier: Apache-2.0
"""Set the smallest weights of a layer to zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import UsageError
from tailrace.graph import Dense, Depthwise, retype
from tailrace.graph.passes.base import Pass
from tailrace.graph.passes.changing.layers import weighted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tailrace.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """``prune`` is the share of a layer's weights that are zero after the pass, from 0 to below 1."""

    prune: float = 0.0

    def __post_init__(self) -> None:
        number = isinstance(self.prune, (int, float)) and not isinstance(self.prune, bool)
        if not number or not 0 <= self.prune < 1:
            raise UsageError(
                f"prune is {self.prune!r}",
                hint="wanted a share of the weights from 0 to below 1, such as 0.5",
            )


def prune(graph: Graph, layers: Mapping[str, PruneOptions]) -> Graph:
    """Set the smallest weights of each named layer to zero, so many that their share is what is asked for.

    The size of a weight is its absolute value; of equals, the first in the matrix, row by row, goes first. Weights that
    are zero already count.
    """
    asked = weighted(graph, layers)
    nodes = tuple(
        replace(node, weights=_pruned(node.weights, asked[node.name].prune))
        if isinstance(node, (Dense, Depthwise)) and node.name in asked
        else node
        for node in graph.nodes
    )
    return retype(graph, nodes)


def _pruned(weights: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    flat = weights.reshape(-1).copy()
    smallest = np.argsort(np.abs(flat), kind="stable")[: int(share * flat.size)]
    flat[smallest] = 0
    return flat.reshape(weights.shape)


PRUNE = Pass(name="prune", run=prune, options=PruneOptions, keeps_function=False)
