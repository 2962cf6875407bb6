# SPDX-License-Identifier: Apache-2.0
"""``frontend/sinking.py``: pools behind their quantizers, each looked at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from networks import Builder, Generated, check
from tailrace.frontend.files import network_of
from tailrace.frontend.sinking import FALLS, sink_carriers

if TYPE_CHECKING:
    import onnx


def pooled(build: Builder, *operations: str) -> onnx.ModelProto:
    """A convolution, then the operations, then a quantizer."""
    x = build.quant(build.input([1, 2, 8, 8]))
    w = build.quant(build.constant(build.rng.normal(0, 1, (3, 2, 1, 1))), bits=4)
    y = build.node("Conv", x, w)
    for operation in operations:
        options = {"kernel_shape": [2, 2], "strides": [2, 2]} if operation == "MaxPool" else {}
        y = build.node(operation, y, **options)
    return build.model(build.quant(y))


def operations(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in sink_carriers(network_of(model)).nodes]


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (["MaxPool"], ["Quant", "MaxPool"]),
        (["MaxPool", "Relu"], ["Relu", "Quant", "MaxPool"]),
        (["MaxPool", "Relu", "MaxPool"], ["Relu", "Quant", "MaxPool", "MaxPool"]),
        (["MaxPool", "MaxPool", "Neg"], ["Neg", "Quant", "MaxPool", "MaxPool"]),
        (["MaxPool", "Abs"], ["MaxPool", "Abs", "Quant"]),
    ],
)
def test_pools_stand_behind_the_quantizer_and_give_the_same(between, expected, tmp_path):
    model = pooled(Builder(), *between)
    assert operations(model) == ["Quant", "Conv", *expected]
    if "Abs" not in between:
        x = np.random.default_rng(1).normal(0, 1.5, (20, 2, 8, 8)).astype(np.float32)
        check(Generated(model, None, x), tmp_path)


def test_the_smallest_is_taken_where_a_function_falls():
    network = sink_carriers(network_of(pooled(Builder(), "MaxPool", "Neg")))
    (falls,) = (a.ints for a in network.nodes[-1].attribute if a.name == FALLS)
    assert list(falls) == [0, 1, 2]


def test_what_others_read_too_stays_where_it_is():
    build = Builder()
    x = build.quant(build.input([1, 2, 8, 8]))
    y = build.node("Conv", x, build.quant(build.constant(build.rng.normal(0, 1, (3, 2, 1, 1))), bits=4))
    y = build.node("MaxPool", y, kernel_shape=[2, 2])
    a, b = build.quant(y), build.quant(build.node("Relu", y))
    assert operations(build.model(build.node("Add", a, b))).index("MaxPool") == 2


def test_a_thousand_pools_are_moved_in_time():
    """It was one recursion a pool: RecursionError, and quadratic time."""
    build = Builder()
    x = build.quant(build.input([1, 2, 1, 2]))
    w = build.quant(build.constant(build.rng.normal(0, 1, (2, 2, 1, 1))), bits=4)
    for _ in range(1000):
        y = build.node("MaxPool", build.node("Conv", x, w), kernel_shape=[1, 1])
        x = build.quant(y)
    network = network_of(build.model(x))
    start = time.process_time()
    moved = sink_carriers(network)
    assert time.process_time() - start < 10
    assert [node.op_type for node in moved.nodes[-3:]] == ["Conv", "Quant", "MaxPool"]
