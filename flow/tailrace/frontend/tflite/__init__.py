# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite files: int8 and int16x8, bit-exact with the reference kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.tflite.reader import is_tflite, read
from tailrace.frontend.tflite.reference import TfliteReference
from tailrace.frontend.tflite.walk import import_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph import Graph

__all__ = ["TfliteReference", "is_tflite", "load_tflite", "tflite_reference"]


def load_tflite(raw: bytes, name: str, *, where: str = "", limits: Limits = DEFAULT_LIMITS) -> Graph:
    """Return the integer graph of a TensorFlow Lite file; its ``reference`` runs the interpreter for comparison.

    Raises ModelError where it is no whole model or too large a one, UnsupportedError with every operator that cannot
    be mapped.
    """
    model = read(raw, name, where=where, limits=limits)
    graph, encodings = import_model(model)
    reference = TfliteReference(model, encodings)
    notices = (reference.missing,) if reference.missing else ()
    graph = replace(graph, reference=reference, notices=notices)
    reference.graph = graph
    return graph


def tflite_reference(
    raw: bytes, graph: Graph, stored: Mapping[str, Any], *, where: str = "", limits: Limits = DEFAULT_LIMITS
) -> TfliteReference:
    """Return the software of an imported ``graph`` from its file and what ``TfliteReference.stored`` kept."""
    model = read(raw, graph.name, where=where, limits=limits)
    names = stored["tflite"]
    if not isinstance(names, list) or any(name not in model.by_name for name in names):
        raise ValueError("these are no tensors of the model")
    one = Encoding(scale=np.ones(()), offset=np.zeros(()))
    reference = TfliteReference(model, dict.fromkeys(names, one))
    reference.graph = graph
    return reference
