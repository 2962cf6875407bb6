# SPDX-License-Identifier: Apache-2.0
"""backend="Tailrace" in hls4ml: compile, predict, build, the report; strategies become foldings and engines."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls4ml_models import converted_onnx, hls4ml, perceptron, quiet
from tailrace.core.errors import Mismatch, TailraceError, UsageError
from tailrace.hls4ml_backend.layers import folding, layer_options
from tailrace.hls4ml_backend.report import read_report

if TYPE_CHECKING:
    from pathlib import Path


def test_the_entry_point_is_the_one_that_hls4ml_looks_for() -> None:
    found = importlib.metadata.entry_points(group="hls4ml.backends")
    if "Tailrace" not in found.names:
        pytest.skip("this environment was installed before the entry point: pip install -e . again")
    from tailrace.hls4ml_backend import register  # noqa: PLC0415

    assert found["Tailrace"].load() is register
    assert "tailrace" in hls4ml().backends.get_available_backends()


@pytest.mark.parametrize(
    ("rows", "cols", "reuse", "expected"),
    [
        (8, 16, 1, {"pe": 8, "simd": 16}),
        (8, 16, 4, {"pe": 2, "simd": 16}),
        (8, 16, 128, {"pe": 1, "simd": 1}),
        (5, 7, 6, {"pe": 1, "simd": 7}),
        (3, 5, 5, {"pe": 3, "simd": 1}),
        (4, 4, 1000, {"pe": 1, "simd": 1}),
    ],
)
def test_a_reuse_factor_is_a_folding(rows: int, cols: int, reuse: int, expected: dict) -> None:
    assert folding(rows, cols, reuse) == expected


def test_strategies_become_engines_and_the_answers_are_those_of_the_cpp(tmp_path: Path) -> None:
    def change(config: dict) -> None:
        layer = next(v for k, v in config["LayerName"].items() if k.startswith("MatMul_1"))
        layer["Strategy"], layer["ReuseFactor"] = "Resource", 3

    model = converted_onnx(
        perceptron(6, 4, 3), tmp_path, backend="Tailrace", part="ice40-up5k", change=change
    )
    backend = model.config.backend
    assert model.config.config["ClockPeriod"] == 10
    with quiet():
        model.compile()
    x = np.random.default_rng(1).normal(size=(20, 6)) * 4
    answers = model.predict(x)
    assert answers.shape == (20, 3)
    assert model.predict(x[:1]).shape == (3,)
    graph = backend.graph(model)
    assert np.array_equal(answers, graph.predict(x))
    options = layer_options(graph, model)
    first, second = options.values()
    assert first == {"engine": "spatial"}
    assert second == {
        "engine": "folded",
        "pe": 3,
        "simd": 2,
    }  # hls4ml takes 2, the nearest that it allows, for 3
    with pytest.raises(TailraceError, match="there is no report yet"):
        read_report(tmp_path)
    broken = graph.predict_int
    object.__setattr__(graph, "predict_int", lambda q: broken(q) + 1)
    with pytest.raises(Mismatch):
        model.predict(x)


@pytest.mark.slow
def test_unrolled_products_are_hls4mls_own_and_keep_their_strategy(tmp_path: Path) -> None:
    def change(config: dict) -> None:
        layer = next(v for k, v in config["LayerName"].items() if k.startswith("MatMul_1"))
        layer["Strategy"], layer["ReuseFactor"] = "ResourceUnrolled", 3

    model = converted_onnx(perceptron(6, 4, 3), tmp_path, backend="Tailrace", change=change)
    assert "resource_unrolled" in {layer.get_attr("strategy") for layer in model.get_layers()}
    with quiet():
        model.compile()
    assert "dense_resource_unrolled" in (tmp_path / "firmware" / "parameters.h").read_text(encoding="utf-8")
    x = np.random.default_rng(2).normal(size=(20, 6)) * 4
    assert np.array_equal(model.predict(x), model.config.backend.graph(model).predict(x))


def test_a_part_that_is_not_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        converted_onnx(perceptron(4, 2), tmp_path, backend="Tailrace", part="xc7nosuch")


@pytest.mark.slow
def test_build_proves_and_synthesizes(tmp_path: Path) -> None:
    model = converted_onnx(perceptron(6, 4, 3), tmp_path, backend="Tailrace")
    with quiet():
        model.compile()
    report = model.build(cosim=True, vectors=8)
    assert report["CosimReport"] == {"RTL": "Verilog", "Status": "Pass"}
    synthesis = report["CSynthesisReport"]
    assert synthesis["LUT"] > 0
    assert synthesis["IntervalMin"] >= 1
    whole = report["TailraceReport"]
    assert whole["verify"]["software"]["reference"] == "hls4ml's C++"
    assert [whole["verify"][key]["mismatches"] for key in ("software", "hls", "rtl", "netlist")] == [0] * 4
    assert read_report(tmp_path) == report
