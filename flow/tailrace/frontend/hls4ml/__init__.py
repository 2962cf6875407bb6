# SPDX-License-Identifier: Apache-2.0
"""hls4ml's ModelGraph to an integer graph: what its C++ computes in ap_fixed, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.frontend.hls4ml.records import read_network
from tailrace.frontend.hls4ml.reference import Hls4mlReference
from tailrace.frontend.hls4ml.walk import import_network

if TYPE_CHECKING:
    from tailrace.graph import Graph

__all__ = ["Hls4mlReference", "load_hls4ml"]


def load_hls4ml(model: object) -> Graph:
    """Read a converted ``hls4ml.model.ModelGraph``; its ``reference`` runs hls4ml's own C++ for comparison.

    Raises ModelError where it is none, UnsupportedError with every layer that cannot be mapped.
    """
    network = read_network(model)
    graph, sheet = import_network(network)
    reference = Hls4mlReference(network, sheet.encodings)
    reference.places, reference.products = sheet.places, sheet.products
    graph = replace(graph, reference=reference)
    reference.graph = graph
    return graph
