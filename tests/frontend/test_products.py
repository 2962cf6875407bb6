# SPDX-License-Identifier: Apache-2.0
"""Matrix products: scales that differ from channel to channel become whole factors of the weights, or are refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from tailrace.core.errors import ModelError
from tailrace.frontend.products import _factor
from tailrace.frontend.signals import exact, objects
from tailrace.graph import Dense


def test_equal_scales_are_one_step_and_no_factors():
    steps, factors = _factor(exact(np.array(0.5)), exact(np.array(0.25)), 3, 2)
    assert (steps.shape, steps[()], factors) == ((), Fraction(1, 8), None)


def test_scales_of_rows_are_steps_of_rows():
    scale = objects([[Fraction(1, 2), Fraction(1, 3)]] * 3)
    steps, factors = _factor(exact(np.array(0.5)), scale, 3, 2)
    assert (list(steps), factors) == ([Fraction(1, 4), Fraction(1, 6)], None)


def test_scales_of_inputs_are_factors_of_a_common_step():
    x = objects([Fraction(1, 2), Fraction(1, 3), Fraction(1)])
    steps, factors = _factor(x, exact(np.array(1.0)), 3, 2)
    assert steps.reshape(-1)[0] == Fraction(1, 6)
    assert factors.tolist() == [[3, 3], [2, 2], [6, 6]]
    assert [Fraction(int(f)) * Fraction(1, 6) for f in factors[:, 0]] == list(x)


def test_scales_without_a_common_step_are_refused():
    x = objects([Fraction(0.1), Fraction(np.pi), Fraction(1, 3**40)])
    with pytest.raises(
        ModelError, match="the scales of the 3 input channels have no common step of reasonable size"
    ):
        _factor(x, exact(np.array(1.0)), 3, 2)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_gemm_is_a_dense_node_with_its_weights_by_rows(transposed, tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]), bits=4, scale=0.5)
    integers = build.rng.integers(-3, 4, (4, 3))
    weights = build.constant((integers.T if transposed else integers) * 0.25)
    y = build.node("Gemm", x, build.quant(weights, bits=3, scale=0.25), transB=int(transposed))
    onnx.save(build.model(y), tmp_path / "net.onnx")
    (dense,) = tailrace.load(tmp_path / "net.onnx").nodes
    assert isinstance(dense, Dense)
    assert dense.weights.tolist() == integers.T.tolist()
    assert dense.bias.tolist() == [0, 0, 0]
