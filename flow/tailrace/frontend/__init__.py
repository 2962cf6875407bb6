# SPDX-License-Identifier: Apache-2.0
"""The outside world to an integer graph; the only modules that know ONNX and QONNX."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tailrace.core.types import FixedType
from tailrace.frontend.files import read
from tailrace.frontend.problems import Problem, UnsupportedError
from tailrace.frontend.reference import QonnxReference, encodings_from
from tailrace.frontend.sinking import sink_pools
from tailrace.frontend.walk import import_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.graph import Graph

__all__ = ["Problem", "UnsupportedError", "load_onnx", "reference_of"]


def load_onnx(path: Path, input_type: str | FixedType | None = None) -> Graph:
    """Read a QONNX network; its ``reference`` runs the network's own software for comparison.

    Raises ModelError where the file is no network, UnsupportedError with every node that cannot be mapped.
    """
    kind = FixedType.parse(input_type) if isinstance(input_type, str) else input_type
    network = read(path)
    graph, encodings = import_network(sink_pools(network), kind)
    reference = QonnxReference(network, {n: e for n, e in encodings.items() if n in network.shapes})
    graph = replace(graph, reference=reference)
    reference.graph = graph
    return graph


def reference_of(path: Path, graph: Graph, stored: Mapping[str, Any]) -> QonnxReference:
    """Return the software of an imported ``graph`` from its file and what ``QonnxReference.stored`` kept of the import.

    The network is read, but not imported again. Raises ModelError as :func:`load_onnx`, and ValueError, TypeError or
    KeyError where ``stored`` is something else.
    """
    network = read(path)
    reference = QonnxReference(network, encodings_from(stored, network))
    reference.graph = graph
    return reference
