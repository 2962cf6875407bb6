# SPDX-License-Identifier: Apache-2.0
"""The layers with weights that a changing pass is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tailrace.core.errors import MappingError
from tailrace.graph import Dense, Depthwise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Graph

Options = TypeVar("Options")

Weighted = Dense | Depthwise


def weighted(graph: Graph, asked: Mapping[str, Options]) -> dict[str, Options]:
    """Return the options of every layer with weights, in the graph's order: its own, or those of "*".

    Raises MappingError for a layer that is not there or has no weights.
    """
    names = [node.name for node in graph.nodes if isinstance(node, Weighted)]
    for name in asked:
        if name != "*" and name not in names:
            raise MappingError(
                f"there is no layer {name!r} with weights", hint=f"layers with weights: {', '.join(names)}"
            )
    return {name: asked[name if name in asked else "*"] for name in names if name in asked or "*" in asked}
