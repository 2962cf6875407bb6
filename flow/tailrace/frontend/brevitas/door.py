# SPDX-License-Identifier: Apache-2.0
"""A Brevitas module as an integer graph."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.core.types import FixedType
from tailrace.frontend.brevitas.checks import check_module, check_runs, example_of
from tailrace.frontend.brevitas.layers import is_leaf
from tailrace.frontend.brevitas.software import TorchReference, TorchSoftware
from tailrace.frontend.brevitas.tracing import trace
from tailrace.frontend.brevitas.translation import translate
from tailrace.frontend.normalization import normalize
from tailrace.frontend.walk import import_network

if TYPE_CHECKING:
    from tailrace.graph import Graph


def import_module(
    module: torch.nn.Module,
    example: Any,  # noqa: ANN401 - a tensor, an array, or one in a tuple
    input_type: str | FixedType | None = None,
    limits: Limits | str | None = None,
) -> Graph:
    """Return the integer graph of a Brevitas module in evaluation mode; its ``reference`` is the module itself.

    ``example`` is a batch (n, *sample shape) of float32. Raises UsageError or ModelError where the module or the
    example cannot be taken at all, UnsupportedError with every layer that cannot be mapped.
    """
    name = type(module).__name__
    check_module(module, name)
    sample = example_of(example, name)[:1]
    check_runs(module, sample, name)
    kind = FixedType.parse(input_type) if isinstance(input_type, str) else input_type
    bounds = Limits.parse(limits) if isinstance(limits, str) else limits or DEFAULT_LIMITS
    with torch.no_grad():
        translated = translate(trace(module, sample, is_leaf, name), name)
    digest = hashlib.sha256(translated.model.SerializeToString(deterministic=True)).hexdigest()
    network = normalize(translated.model, name, sha256=digest, limits=bounds)
    network = replace(network, software=TorchSoftware(translated))
    graph, encodings = import_network(network, kind)
    known = {n: e for n, e in encodings.items() if n in network.shapes}
    reference = TorchReference(network, known, module, translated)
    graph = replace(graph, reference=reference)
    reference.graph = graph
    return graph
