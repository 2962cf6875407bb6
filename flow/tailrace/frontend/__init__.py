# SPDX-License-Identifier: Apache-2.0
"""The outside world to an integer graph; the only modules that know ONNX and QONNX."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.core.types import FixedType
from tailrace.frontend.files import network_of
from tailrace.frontend.problems import Problem, UnsupportedError
from tailrace.frontend.reference import QonnxReference, encodings_from
from tailrace.frontend.sinking import sink_pools
from tailrace.frontend.walk import import_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.graph import Graph

__all__ = ["Limits", "Problem", "UnsupportedError", "load_onnx", "reference_of"]


def load_onnx(
    source: object, input_type: str | FixedType | None = None, limits: Limits | str | None = None
) -> Graph:
    """Read a QONNX network; its ``reference`` runs the network's own software for comparison.

    ``source`` is the path of a file, an ``onnx.ModelProto``, or qonnx's ``ModelWrapper``. Raises ModelError where it is
    no network, or too large a one, UnsupportedError with every node that cannot be mapped.
    """
    kind = FixedType.parse(input_type) if isinstance(input_type, str) else input_type
    network = network_of(source, _bounds(limits))
    graph, encodings = import_network(sink_pools(network), kind)
    reference = QonnxReference(network, {n: e for n, e in encodings.items() if n in network.shapes})
    graph = replace(graph, reference=reference)
    reference.graph = graph
    return graph


def reference_of(
    path: Path, graph: Graph, stored: Mapping[str, Any], limits: Limits | str | None = None
) -> QonnxReference:
    """Return the software of an imported ``graph`` from its file and what ``QonnxReference.stored`` kept of the import.

    The network is read, but not imported again. Raises ModelError as :func:`load_onnx`, and ValueError, TypeError or
    KeyError where ``stored`` is something else.
    """
    network = network_of(path, _bounds(limits))
    reference = QonnxReference(network, encodings_from(stored, network))
    reference.graph = graph
    return reference


def _bounds(limits: Limits | str | None) -> Limits:
    return Limits.parse(limits) if isinstance(limits, str) else limits or DEFAULT_LIMITS
