# SPDX-License-Identifier: Apache-2.0
"""What cannot be mapped of hls4ml is said by name, all at once, with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from hls4ml_models import converted_onnx, hls4ml, perceptron, quiet
from tailrace.core.errors import ModelError
from tailrace.core.fixed import FixedFormat
from tailrace.frontend import UnsupportedError
from tailrace.frontend.hls4ml.casting import steps_of
from tailrace.frontend.hls4ml.records import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_no_model_is_told_to_be_converted_first() -> None:
    with pytest.raises(ModelError, match=r"this is a builtins\.dict, not an hls4ml model") as told:
        tr.from_hls4ml({"layers": []})
    assert "convert_from_keras_model" in str(told.value)


def test_another_back_end_computes_otherwise(tmp_path: Path) -> None:
    model = converted_onnx(perceptron(4, 3), tmp_path, backend="Quartus")
    with pytest.raises(ModelError, match="converted for Quartus, whose C\\+\\+ computes otherwise") as told:
        tr.from_hls4ml(model)
    assert "backend='Vitis', 'Vivado' or 'Tailrace'" in str(told.value)


def test_floats_and_saturating_sums_are_listed_together(tmp_path: Path) -> None:
    types = hls4ml().model.types
    with quiet():
        model = converted_onnx(perceptron(6, 4, 3, quantized=False), tmp_path)
    first, second = (layer for layer in model.get_layers() if layer.class_name == "Dense")
    first.get_attr("accum_t").precision = types.FixedPrecisionType(8, 4, True, "RND", "SAT")
    second.get_output_variable().type.precision = types.StandardFloatPrecisionType(32, 8)
    with pytest.raises(UnsupportedError) as told:
        tr.from_hls4ml(model)
    text = str(told.value)
    assert "2 nodes cannot be mapped" in text
    assert "where its accumulator fixed<8,4,RND,SAT> saturates" in text
    assert "hint: use accum: auto, or leave AP_SAT out of accum_t" in text
    assert "has the type float" in text


def test_layers_without_a_handler_are_named(tmp_path: Path) -> None:
    model = converted_onnx(perceptron(4, 3, 2), tmp_path)
    package = hls4ml()
    for layer in model.get_layers():
        if layer.class_name == "Dense":
            layer.__class__ = package.model.layers.LayerNormalization
    with pytest.raises(UnsupportedError) as told:
        tr.from_hls4ml(model)
    text = str(told.value)
    assert "2 nodes cannot be mapped" in text
    assert "LayerNormalization is not supported" in text


def test_a_function_of_too_many_numbers_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"a function of 2,147,483,649 integers"):
        steps_of(lambda x: x, 0, 1 << 31, rising=True)


def test_a_rising_function_of_many_numbers_is_found_by_bisection() -> None:
    fmt = FixedFormat(bits=8, fraction_bits=0, signed=True, rounding="RND_CONV", overflow="SAT")
    steps = steps_of(lambda x: fmt.quantize(x, 20), -(1 << 40), 1 << 40, rising=True)
    x = np.random.default_rng(1).integers(-(1 << 29), 1 << 29, 4000)
    edges = np.arange(-128, 128) * (1 << 20) + (1 << 19)
    x = np.concatenate([x, edges - 1, edges, edges + 1])
    assert steps(x).tolist() == fmt.quantize(x, 20).tolist()
