# SPDX-License-Identifier: Apache-2.0
"""Every operator, alone in a random model, equals the interpreter's reference kernels tensor by tensor."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tflite", reason="the package tflite is not installed: pip install 'tailrace[tflite]'")
pytest.importorskip("ai_edge_litert", reason="the package ai-edge-litert is not installed: tailrace[tflite]")

from tailrace.frontend.tflite import load_tflite
from tailrace.frontend.tflite.handlers import HANDLERS
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs
from tflite_models import MAKERS, Case, read_kinds


def case(maker: str, kind: str, seed: int) -> Case:
    return MAKERS[maker](np.random.default_rng([seed, len(maker), ord(maker[0])]), kind)


def compare(found: Case, seed: int) -> None:
    graph = load_tflite(found.raw, "model")
    result = verify_software(graph, graph.reference, random_inputs(graph, 8, seed))
    assert result.first is None, f"{found.text}: {result.first}"
    assert result.mismatches == 0
    assert result.tensors >= 2


@pytest.mark.parametrize("kind", ["INT8", "INT16"])
@pytest.mark.parametrize("maker", MAKERS)
def test_an_operator_equals_the_reference_kernel_on_every_tensor(maker, kind):
    for seed in range(6 if kind == "INT8" else 2):
        compare(case(maker, kind, seed), seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["INT8", "INT16"])
@pytest.mark.parametrize("maker", MAKERS)
def test_many_models_of_an_operator_equal_the_reference_kernel(maker, kind):
    for seed in range(1000, 1100):
        compare(case(maker, kind, seed), seed)


def test_the_random_models_have_every_operator_that_is_mapped():
    found: set[str] = set()
    for maker in MAKERS:
        for kind in ("INT8", "INT16"):
            for seed in range(40):
                found |= read_kinds(case(maker, kind, seed).raw)
    assert set(HANDLERS) - found == {"SQUEEZE"}  # it is RESHAPE with another name
