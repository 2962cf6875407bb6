# SPDX-License-Identifier: Apache-2.0
"""Hints name a way out that works: each is taken here, and leads to a network that is mapped."""

from __future__ import annotations

import numpy as np
import pytest
import tailrace
from networks import Builder, Generated, check
from tailrace.core.errors import ModelError
from tailrace.frontend import Problem, UnsupportedError
from tailrace.frontend.hints import INSTEAD


def weights(build: Builder, *shape: int) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, shape)), bits=4)


def dense(build: Builder, x: str, cols: int, rows: int = 3) -> str:
    return build.quant(build.node("MatMul", x, weights(build, cols, rows)))


def problem_of(build: Builder, y: str) -> Problem:
    with pytest.raises(UnsupportedError) as caught:
        tailrace.load(build.model(y))
    (problem,) = caught.value.problems
    return problem


def is_exact(build: Builder, y: str, shape: tuple[int, ...], folder) -> None:
    x = np.random.default_rng(1).normal(0, 1.5, (20, *shape)).astype(np.float32)
    check(Generated(build.model(y), None, x), folder)


@pytest.mark.parametrize(
    ("name", "known"), [("ROUND_TO_ZERO", "DOWN"), ("round_half_even", "ROUND"), ("SIDEWAYS", None)]
)
def test_a_rounding_mode_of_another_library_is_translated(name, known):
    build = Builder()
    problem = problem_of(build, dense(build, build.quant(build.input([1, 4]), rounding=name), 4))
    assert problem.found == f"its rounding mode is {name!r}"
    assert problem.hint == (f"in QONNX this is called {known}" if known else "use a rounding mode of QONNX")
    if known:
        build = Builder()
        x = build.quant(build.input([1, 4]), rounding=known)
        assert tailrace.load(build.model(dense(build, x, 4))).nodes


@pytest.mark.parametrize("name", ["ort_dynamic"])
def test_formats_of_others_are_answered_with_what_to_write_instead(name, shared_models):
    path = shared_models.parent / "cases" / f"{name}.onnx"
    if not path.exists():
        pytest.skip("the small cases are not there")
    with pytest.raises(UnsupportedError) as caught:
        tailrace.load(path)
    hints = {p.operation.rpartition(":")[2]: p.hint for p in caught.value.problems}
    assert {operation: hint for operation, hint in hints.items() if hint != INSTEAD.get(operation)} == {}


def test_a_file_with_a_quantizer_and_no_layer():
    build = Builder()
    with pytest.raises(ModelError) as caught:
        tailrace.load(build.model(build.quant(build.input([1, 4]))))
    assert caught.value.message == "it has no layer: what it does, the host does when it sends the input"
    assert caught.value.hint == "put a layer (Conv, Gemm, MatMul, a pool) behind the quantizer"


def test_an_uneven_average_is_blamed_itself(tmp_path):
    def network(counted: int) -> tuple[Builder, str]:
        build = Builder()
        x = build.quant(build.input([1, 2, 6, 6]))
        y = build.node("AveragePool", x, kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=counted)
        y = build.node("MaxPool", y, kernel_shape=[2, 2])
        return build, dense(build, build.node("Flatten", y), 72)

    problem = problem_of(*network(0))
    assert (problem.operation, problem.found) == (
        "AveragePool",
        "it divides by fewer pixels at the border, and MaxPool_2 (MaxPool) behind it needs one scale for all pixels",
    )
    assert problem.hint == "set count_include_pad to 1, or put a quantizer behind it"
    build, y = network(1)
    is_exact(build, y, (2, 6, 6), tmp_path)


def test_a_bias_of_one_value_a_channel_is_said_once():
    build = Builder()
    x = build.quant(build.input([1, 2, 6, 6]))
    bias = build.constant(np.float32([0.1, 0.2, 0.3]))
    graph = tailrace.load(build.model(build.node("Conv", x, weights(build, 3, 2, 3, 3), bias)))
    (first, *_) = graph.host.output.steps()
    assert first.startswith("value = 0.015625 * q + [")
    assert first.endswith(", ... one for each of 3 channels]")


def test_an_image_normalized_per_channel_without_a_quantizer_behind(tmp_path):
    def network(*, quantized: bool) -> tuple[Builder, str]:
        build = Builder()
        x = build.quant(build.input([1, 3, 4, 4]), scale=1.0, bits=8, signed=0)
        x = build.node("Div", x, build.constant(255.0))
        x = build.node("Sub", x, build.constant(np.float32([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)))
        x = build.node("Div", x, build.constant(np.float32([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)))
        if quantized:
            x = build.quant(x, scale=1 / 32, bits=8)
        return build, build.quant(build.node("Conv", x, weights(build, 4, 3, 3, 3)), scale=0.5)

    problem = problem_of(*network(quantized=False))
    assert "have no common step of reasonable size" in problem.found
    assert problem.hint.startswith(
        "put a quantizer (Quant; Brevitas QuantIdentity) between this layer and the normalization"
    )
    build, y = network(quantized=True)
    x = np.random.default_rng(1).integers(0, 256, (8, 3, 4, 4)).astype(np.float32)
    check(Generated(build.model(y), None, x), tmp_path)
