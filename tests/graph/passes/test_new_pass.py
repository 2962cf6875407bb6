# SPDX-License-Identifier: Apache-2.0
"""A new pass is one module and a line: what docs/internals/passes.md says is done here, and works everywhere."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tailrace as tr
from tailrace.core.errors import MappingError
from tailrace.design.build import Build, build
from tailrace.design.config import make_config, read_config
from tailrace.graph.passes import pipeline
from tailrace.report.schema import load as load_report
from tiny_network import INPUTS, write_tiny

if TYPE_CHECKING:
    from types import ModuleType

PAGE = Path(__file__).resolve().parents[3] / "docs" / "internals" / "passes.md"


def module_of_the_page(folder: Path) -> ModuleType:
    """The module that the page shows, imported from a file of its own."""
    (source,) = re.findall(r"```python\n(# SPDX.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = folder / "clip_weights.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("clip_weights", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["clip_weights"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pass_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pass, with its line in the table."""
    found = module_of_the_page(tmp_path).CLIP_WEIGHTS
    monkeypatch.setattr(pipeline, "CHANGING", (*pipeline.CHANGING, found))
    yield found
    sys.modules.pop("clip_weights", None)


def test_it_is_asked_for_from_python(pass_of_the_page: Any, tmp_path: Path) -> None:
    graph = tr.load(write_tiny(tmp_path / "tiny.onnx"))
    changed = tr.change(graph, {"dense_0": {"largest_weight": 2}})
    assert changed.form == "changed"
    weights = next(node for node in changed.nodes if node.name == "dense_0").weights
    assert np.abs(weights).max() == 2
    with pytest.raises(tr.TailraceError, match="largest_weight is 0"):
        tr.plan(graph, layers={"dense_0": {"largest_weight": 0}})


def test_it_is_asked_for_in_tailrace_toml_and_judged_like_any_other(
    pass_of_the_page: Any, tmp_path: Path
) -> None:
    model = write_tiny(tmp_path / "tiny.onnx")
    np.save(tmp_path / "x.npy", np.random.default_rng(1).uniform(-1, 1, (200, INPUTS)).astype(np.float32))
    (tmp_path / "t.toml").write_text(
        '[build]\npart = "ecp5-25k"\nvectors = "x.npy"\naccuracy_loss = 1.0\nrandom_vectors = 4\nbackend = "rtl"\n'
        "[layers.dense_0]\nlargest_weight = 1\n"
    )
    config = make_config(read_config(tmp_path / "t.toml"))
    build(Build(folder=tmp_path / "build", config=config, model=model, last="verify"))
    report = load_report(tmp_path / "build")
    assert report.accuracy is not None
    assert (report.accuracy.measure, report.accuracy.imported, report.accuracy.total) == (
        "agreement",
        200,
        200,
    )
    assert 0 < report.accuracy.correct < 200
    assert report.verify.rtl is not None
    assert report.verify.rtl.mismatches == 0
    strict = make_config(read_config(tmp_path / "t.toml"), {"accuracy_loss": 0.0})
    with pytest.raises(MappingError, match=r"the changes cost \d+\.\d+% of accuracy \(the same answers as"):
        build(Build(folder=tmp_path / "build", config=strict, model=model, first="verify", last="verify"))
