# SPDX-License-Identifier: Apache-2.0
"""The outside world to an integer graph; the only modules that know ONNX, QONNX and TensorFlow Lite."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import UsageError
from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.core.states import parse_states
from tailrace.core.types import FixedType
from tailrace.frontend.files import content, network_of
from tailrace.frontend.problems import Problem, UnsupportedError
from tailrace.frontend.reference import QonnxReference, encodings_from
from tailrace.frontend.tflite import TfliteReference, is_tflite, load_tflite, tflite_reference
from tailrace.frontend.walk import import_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Graph

__all__ = ["Limits", "Problem", "UnsupportedError", "file_name", "load", "reference_of"]


def load(
    source: object,
    input_type: str | FixedType | None = None,
    limits: Limits | str | None = None,
    states: Mapping[str, str] | str | None = None,
    sequence: int | None = None,
) -> Graph:
    """Read a network: a TensorFlow Lite file, or what :func:`load_onnx` takes.

    Its ``reference`` runs the network's own software for comparison.
    """
    if not isinstance(source, str | os.PathLike) or not _is_tflite_file(Path(source)):
        return load_onnx(source, input_type, limits, states, sequence)
    path = Path(source)
    if states or sequence:
        raise UsageError(
            "states are kept for ONNX networks only",
            where=str(path),
            hint="leave states and sequence (--state, --sequence) out, or convert the network to ONNX",
        )
    if input_type is not None:
        raise UsageError(
            "a TensorFlow Lite file says itself of which type its input is",
            where=str(path),
            hint="leave input_type (--input-type) out",
        )
    return load_tflite(content(path), path.stem, where=str(path), limits=_bounds(limits))


def file_name(path: Path) -> str:
    """Return what a build folder calls its copy of the network in a file: ``model.tflite`` or ``model.onnx``."""
    return "model.tflite" if _is_tflite_file(path) else "model.onnx"


def _is_tflite_file(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_tflite(file.read(8))
    except OSError:
        return False  # whoever reads it says why


def load_onnx(
    source: object,
    input_type: str | FixedType | None = None,
    limits: Limits | str | None = None,
    states: Mapping[str, str] | str | None = None,
    sequence: int | None = None,
) -> Graph:
    """Read a QONNX network; its ``reference`` runs the network's own software for comparison.

    ``source`` is the path of a file, an ``onnx.ModelProto``, or qonnx's ``ModelWrapper``. ``states`` are {input: the
    output that it was a frame before}, or ``"h=h_next,c=c_next"``; ``sequence`` is the number of steps of all
    sequences, where they have one length. Raises ModelError where it is no network, or too large a one,
    UnsupportedError with every node that cannot be mapped.
    """
    kind = FixedType.parse(input_type) if isinstance(input_type, str) else input_type
    network = network_of(source, _bounds(limits))
    graph, encodings = import_network(
        network, kind, parse_states(states) if isinstance(states, str) else states
    )
    if sequence is not None:
        graph = _of_length(graph, sequence)
    reference = QonnxReference(network, {n: e for n, e in encodings.items() if n in network.shapes})
    graph = replace(graph, reference=reference)
    reference.graph = graph
    return graph


def _of_length(graph: Graph, sequence: int) -> Graph:
    """Return the graph for sequences of one length; UsageError where it has no states, or the length is none."""
    if sequence < 1:
        raise UsageError(f"sequences of {sequence} steps", where=graph.name, hint="--sequence 64: at least 1")
    if not graph.states:
        raise UsageError(
            "the network has no states, so frames are no steps of sequences",
            where=graph.name,
            hint="name its states (--state h=h_next), or leave --sequence out",
        )
    return replace(graph, host=replace(graph.host, length=sequence))


def reference_of(
    path: Path, graph: Graph, stored: Mapping[str, Any], limits: Limits | str | None = None
) -> QonnxReference | TfliteReference:
    """Return the software of an imported ``graph`` from its file and what its ``stored`` kept of the import.

    The network is read, but not imported again. Raises ModelError as :func:`load`, and ValueError, TypeError or
    KeyError where ``stored`` is something else.
    """
    if _is_tflite_file(path):
        return tflite_reference(content(path), graph, stored, where=str(path), limits=_bounds(limits))
    network = network_of(path, _bounds(limits))
    reference = QonnxReference(network, encodings_from(stored, network))
    reference.graph = graph
    return reference


def _bounds(limits: Limits | str | None) -> Limits:
    return Limits.parse(limits) if isinstance(limits, str) else limits or DEFAULT_LIMITS
