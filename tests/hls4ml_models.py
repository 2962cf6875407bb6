# SPDX-License-Identifier: Apache-2.0
"""Small hls4ml models of every front end, and the comparison of a graph with hls4ml's compiled C++."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tailrace.graph import Graph


def needs(package: str) -> Any:
    """The package, or the test is skipped with the way to get it."""
    if package == "keras":
        os.environ.setdefault("KERAS_BACKEND", "torch")
        needs("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(
            package, reason=f"needs {package}, which hls4ml's front end for it needs: pip install {package}"
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """hls4ml prints and warns as it converts."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def hls4ml() -> Any:
    """The package hls4ml."""
    return needs("hls4ml")


def converted_keras(model: Any, folder: Path, *, granularity: str = "name", **options: Any) -> Any:
    """A Keras model as hls4ml converts it; ``options``: precision, change (a function of the configuration), others."""
    package = hls4ml()
    backend = options.setdefault("backend", "Vitis")
    precision = options.pop("precision", "fixed<16,6>")
    change = options.pop("change", None)
    with quiet():
        config = package.utils.config_from_keras_model(
            model, granularity=granularity, default_precision=precision, backend=backend
        )
        if change:
            change(config)
        return package.converters.convert_from_keras_model(
            model, hls_config=config, output_dir=str(folder), **options
        )


def converted_torch(model: Any, shape: tuple[int, ...], folder: Path, **options: Any) -> Any:
    """A PyTorch model as hls4ml converts it; ``shape`` is that of one sample."""
    package = hls4ml()
    backend = options.setdefault("backend", "Vitis")
    granularity = options.pop("granularity", "name")
    precision = options.pop("precision", "fixed<16,6>")
    change = options.pop("change", None)
    model.eval()
    with quiet():
        config = package.utils.config_from_pytorch_model(
            model, (None, *shape), granularity=granularity, default_precision=precision, backend=backend
        )
        if change:
            change(config)
        return package.converters.convert_from_pytorch_model(
            model, hls_config=config, output_dir=str(folder), **options
        )


def inputs(graph: Graph, count: int, seed: int = 0) -> np.ndarray:
    """Inputs small and large, some beyond the input's type, which rounds and overflows as C++ does."""
    rng = np.random.default_rng(seed)
    shape = graph.host.input_shape
    return rng.normal(size=(count, *shape)) * rng.choice([0.1, 1.0, 10.0], (count, *([1] * len(shape))))


def assert_equal_to_the_cpp(graph: Graph, count: int = 40, seed: int = 0) -> None:
    """Every layer and the output are hls4ml's, number by number."""
    x = inputs(graph, count, seed)
    reference = graph.reference
    theirs = reference.trace(x)
    ours = graph.trace(x)
    compared = 0
    for name, (tensor, fraction) in reference.places.items():
        if name in theirs and tensor in ours:
            values = np.ldexp(ours[tensor].reshape(count, -1).astype(np.float64), -fraction)
            assert values.tolist() == theirs[name].tolist(), f"{name} ({tensor})"
            compared += 1
    assert compared >= 2
    output = graph.predict(x).reshape(count, -1)
    assert output.tolist() == theirs[graph.host.output_name].astype(np.float32).tolist()
