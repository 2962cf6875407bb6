# SPDX-License-Identifier: Apache-2.0
"""Small hls4ml models of every front end, and the comparison of a graph with hls4ml's compiled C++."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tailrace.graph import Graph

QONNX = "qonnx.custom_op.general"


def needs(package: str) -> Any:
    """The package, or the test is skipped with the way to get it."""
    if package in {"keras", "hgq"}:
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
    """The package hls4ml, with our back end registered as its entry point does, if it has none."""
    package = needs("hls4ml")
    if (
        "tailrace" not in package.backends.get_available_backends()
    ):  # an environment installed before the entry point
        from hls4ml.writer.writers import register_writer  # noqa: PLC0415
        from tailrace.hls4ml_backend import register  # noqa: PLC0415

        register(package.backends.register_backend, register_writer)
    return package


def _converted(kind: str, model: Any, folder: Path, shape: tuple[int, ...] | None, options: dict) -> Any:
    package = hls4ml()
    backend = options.setdefault("backend", "Vitis")
    change: Callable[[dict], None] | None = options.pop("change", None)
    known = {
        "granularity": options.pop("granularity", "name"),
        "default_precision": options.pop("precision", "fixed<16,6>"),
        "backend": backend,
    }
    where = () if shape is None else ((None, *shape),)
    with quiet():
        config = getattr(package.utils, f"config_from_{kind}_model")(model, *where, **known)
        if change:
            change(config)
        convert = getattr(package.converters, f"convert_from_{kind}_model")
        return convert(model, hls_config=config, output_dir=str(folder), **options)


def converted_keras(model: Any, folder: Path, **options: Any) -> Any:
    """A Keras model as hls4ml converts it; ``options``: granularity, precision, change (of the configuration), more."""
    return _converted("keras", model, folder, None, options)


def converted_torch(model: Any, shape: tuple[int, ...], folder: Path, **options: Any) -> Any:
    """A PyTorch model as hls4ml converts it; ``shape`` is that of one sample."""
    model.eval()
    return _converted("pytorch", model, folder, shape, options)


def converted_onnx(model: onnx.ModelProto, folder: Path, **options: Any) -> Any:
    """An ONNX or QONNX model as hls4ml converts it."""
    from qonnx.core.modelwrapper import ModelWrapper  # noqa: PLC0415
    from qonnx.util.cleanup import cleanup_model  # noqa: PLC0415

    with quiet():
        clean = cleanup_model(ModelWrapper(model))
    return _converted("onnx", clean, folder, None, options)


def perceptron(*sizes: int, seed: int = 5, quantized: bool = True, softmax: bool = False) -> onnx.ModelProto:
    """An ONNX multilayer perceptron; quantized as QONNX, or float."""
    rng = np.random.default_rng(seed)
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, np.ndarray] = {}

    def constant(name: str, value: Any) -> str:
        constants[name] = np.asarray(value, np.float32)
        return name

    def quant(x: str, name: str, scale: float, bits: int, signed: int = 1) -> str:
        if not quantized:
            return x
        ins = [x, constant(f"{name}_s", scale), constant(f"{name}_z", 0), constant(f"{name}_b", bits)]
        nodes.append(
            helper.make_node(
                "Quant", ins, [name], domain=QONNX, narrow=0, signed=signed, rounding_mode="ROUND"
            )
        )
        return name

    x = quant("x", "xq", 2.0**-4, 8)
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        w = quant(constant(f"w{i}", rng.normal(size=(a, b)) / 2), f"wq{i}", 2.0**-3, 4)
        bias = quant(constant(f"b{i}", rng.normal(size=b)), f"bq{i}", 2.0**-4, 8)
        nodes.append(helper.make_node("MatMul", [x, w], [f"m{i}"]))
        nodes.append(helper.make_node("Add", [f"m{i}", bias], [f"a{i}"]))
        x = f"a{i}"
        if i + 2 < len(sizes):
            nodes.append(helper.make_node("Relu", [x], [f"r{i}"]))
            x = quant(f"r{i}", f"rq{i}", 2.0**-3, 6, 0)
    if softmax:
        nodes.append(helper.make_node("Softmax", [x], ["y"], axis=-1))
        x = "y"
    graph = helper.make_graph(
        nodes,
        "perceptron",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, sizes[0]])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, sizes[-1]])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    imports = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def inputs(graph: Graph, count: int, seed: int = 0) -> np.ndarray:
    """Inputs small and large, some beyond the input's type, which rounds and overflows as C++ does."""
    rng = np.random.default_rng(seed)
    shape = graph.host.input.shape
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
    assert output.tolist() == theirs[graph.host.output.name].astype(np.float32).tolist()
