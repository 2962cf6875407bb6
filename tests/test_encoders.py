# SPDX-License-Identifier: Apache-2.0
"""Encoder blocks of transformers, whole: from ONNX through all equalities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs
from token_networks import Encoder

if TYPE_CHECKING:
    from pathlib import Path


WEIGHTS = ("Relu", "Softmax")
"""What may stand between scores and values."""


def drawn(seed: int) -> Encoder:
    rng = np.random.default_rng(seed)
    heads = int(rng.choice([1, 2, 4, 8]))
    width = int(rng.choice([2, 3, 4, 8]))
    return Encoder(
        tokens=int(rng.choice([8, 12, 16, 32, 64])),
        features=heads * width,
        heads=heads,
        hidden=int(rng.choice([8, 12, 24])),
        bits=int(rng.integers(2, 9)),
        weights=str(rng.choice(WEIGHTS)),
        normalized=bool(rng.integers(2)),
    )


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("normalized", [False, True])
def test_an_encoder_equals_its_software(weights: str, normalized: bool, tmp_path: Path) -> None:
    encoder = Encoder(weights=weights, normalized=normalized)
    graph = tr.load(encoder.save(tmp_path / "net.onnx"))
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 10, seed=1))
    assert result.mismatches == 0, result.first
    kinds = [type(node).__name__ for node in graph.nodes]
    assert kinds.count("Product") == 2
    assert "Permute" not in kinds


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_random_encoder_is_equal_in_hardware(seed: int, tmp_path: Path) -> None:
    graph = tr.load(drawn(seed).save(tmp_path / "net.onnx", seed))
    plan = tr.plan(graph, part="xczu7ev", clock_mhz=200, fps=5e3)
    report = tr.emit(plan, tmp_path / "build").verify(vectors=4, seed=seed)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]
    assert report.performance.interval_cycles == plan.interval_cycles
