# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/doors/hls4ml.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hls4ml_models import hls4ml, perceptron, quiet
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.cleanup import cleanup_model

PAGE = Path(__file__).resolve().parents[3] / "docs" / "doors" / "hls4ml.md"


def run_example(name: str, folder: Path) -> dict[str, Any]:
    """Run the block behind ``<!-- example: name -->`` with a model, a folder and inputs; returns its names."""
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)```", text, re.DOTALL)
    with quiet():
        model = cleanup_model(ModelWrapper(perceptron(6, 4, 3)))
        x = np.random.default_rng(3).normal(size=(10, 6)) * 3
        names: dict[str, Any] = {"hls4ml": hls4ml(), "model": model, "folder": folder, "x": x}
        exec(block, names)  # noqa: S102 - the page's own example
    return names


def test_a_model_as_a_graph(tmp_path: Path) -> None:
    names = run_example("graph", tmp_path)
    assert names["y"].shape == (10, 3)
    assert (tmp_path / "design" / "rtl").is_dir()


@pytest.mark.slow
def test_our_back_end(tmp_path: Path) -> None:
    names = run_example("backend", tmp_path)
    assert names["y"].shape == (10, 3)
    assert (
        names["y"] == names["hls_model"].config.backend.graph(names["hls_model"]).predict(names["x"])
    ).all()
