# SPDX-License-Identifier: Apache-2.0
"""Inputs: the integers that the host sends, their grid, and the order in which it sends them."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from tailrace.core.types import IntType
from tailrace.frontend.inputs import annotation
from tailrace.frontend.problems import UnsupportedError


def weights(build: Builder, *shape: int) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, shape)), bits=3)


def load(build: Builder, output: str, tmp_path, **options: str):
    onnx.save(build.model(output), tmp_path / "net.onnx")
    return tailrace.load(tmp_path / "net.onnx", **options)


def test_an_image_is_sent_with_its_channels_last(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 2, 3, 4]), bits=4, scale=1.0)
    graph = load(build, build.node("Conv", x, weights(build, 3, 2, 1, 1)), tmp_path)
    assert graph.tensors[graph.input].shape == (3, 4, 2)
    image = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4) % 8
    sent = graph.host.encode(image).reshape(3, 4, 2)
    assert np.moveaxis(sent, -1, 0).tolist() == image[0].astype(int).tolist()


def test_a_vector_is_sent_as_it_is(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 6]), bits=4, scale=1.0)
    graph = load(build, build.node("MatMul", x, weights(build, 6, 2)), tmp_path)
    assert graph.tensors[graph.input].shape == (6,)
    assert graph.host.encode(np.array([[3, 1, 4, 1, 5, 2]], np.float32)).reshape(-1).tolist() == [
        3,
        1,
        4,
        1,
        5,
        2,
    ]


def test_an_input_without_quantizer_takes_the_grid_that_is_asked_for(tmp_path):
    build = Builder()
    y = build.node("MatMul", build.input([1, 3]), weights(build, 3, 2))
    graph = load(build, y, tmp_path, input_type="fixed<6,4>")
    tensor = graph.tensors[graph.input]
    assert (tensor.low.tolist(), tensor.high.tolist()) == ([-32] * 3, [31] * 3)
    assert graph.host.encode(np.array([[0.25, -1.0, 7.75]], np.float32)).reshape(-1).tolist() == [1, -4, 31]


def test_an_input_of_several_samples_is_refused(tmp_path):
    build = Builder()
    x = build.quant(build.input([2, 4]), bits=4)
    with pytest.raises(UnsupportedError, match=r"its shape is \[2, 4\], which has no batch axis of 1"):
        load(build, build.node("MatMul", x, weights(build, 4, 2)), tmp_path)


@pytest.mark.parametrize(
    ("text", "element", "rows", "expected"),
    [
        ("INT4", 1, 0, (IntType(4, signed=True), 1, 0)),
        ("UINT3", 1, 0, (IntType(3, signed=False), 1, 0)),
        ("", 3, 0, (IntType(8, signed=True), 1, 0)),
        ("FLOAT32", 2, 0, (IntType(8, signed=False), 1, 0)),
        ("", 7, 10, (IntType(4, signed=False), 1, 0)),  # an index into a table of ten rows
        ("", 1, 0, None),
    ],
)
def test_an_annotation_or_an_integer_type_says_what_is_sent(text, element, rows, expected):
    network = SimpleNamespace(input_annotations={"x": text}, input_types={"x": element}, name="net")
    found = annotation(network, "x", rows)
    assert found == (expected and (expected[0], Fraction(expected[1]), Fraction(expected[2])))
