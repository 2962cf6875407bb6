# SPDX-License-Identifier: Apache-2.0
"""Networks of hls4ml's front ends: the integer graph gives what their compiled C++ gives, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from hls4ml_models import assert_equal_to_the_cpp, converted_torch, needs

if TYPE_CHECKING:
    from pathlib import Path


def _mlp() -> object:
    torch = needs("torch")
    torch.manual_seed(3)
    nn = torch.nn
    return nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))


@pytest.mark.parametrize("granularity", ["name", "model"])
def test_a_multilayer_perceptron_of_pytorch(granularity: str, tmp_path: Path) -> None:
    graph = tr.from_hls4ml(converted_torch(_mlp(), (10,), tmp_path, granularity=granularity))
    assert_equal_to_the_cpp(graph)
    lost = " ".join(graph.notices)
    if granularity == "model":  # one type for all: products are cut, sums wrap
        assert "cuts 10 bits off every product" in lost
    assert "wrap around, as in hls4ml" in lost


def test_a_network_that_loses_nothing_has_no_notice(tmp_path: Path) -> None:
    model = converted_torch(_mlp(), (10,), tmp_path, precision="fixed<8,2>", change=_exact)
    graph = tr.from_hls4ml(model)
    assert graph.notices == ()
    assert np.array_equal(graph.predict(np.zeros((2, 10))), graph.predict(np.zeros((2, 10)) + 1e-9))
    assert_equal_to_the_cpp(graph)


def _exact(config: dict) -> None:
    for layer in config["LayerName"].values():
        if isinstance(layer["Precision"], dict):
            layer["Precision"]["result"] = "auto"
