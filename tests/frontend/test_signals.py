# SPDX-License-Identifier: Apache-2.0
"""Exact values are one, or one per element; equal ones count as equal, whether they are one object or several."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tailrace.frontend.signals import collapse, common_step, exact, floats, is_zero, numbered, objects

THIRD, HALF = Fraction(1, 3), Fraction(1, 2)
MIXED = [THIRD, HALF, Fraction(2, 6), 1, THIRD, Fraction(1)]


@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
def test_values_keep_their_place_and_shape(shape):
    values = objects(MIXED).reshape(shape)
    assert floats(values).tolist() == np.array([float(v) for v in MIXED]).reshape(shape).tolist()
    assert numbered(values).tolist() == np.array([0, 1, 0, 2, 0, 2]).reshape(shape).tolist()
    assert collapse(values) is values
    assert common_step(values) == Fraction(1, 6)


@pytest.mark.parametrize(
    "values", [[THIRD] * 4, [Fraction(1, 3), Fraction(2, 6), Fraction(3, 9)]], ids=["one", "three"]
)
def test_equal_values_are_one(values):
    one = collapse(objects(values))
    assert one.shape == ()
    assert one[()] == THIRD
    assert set(numbered(objects(values)).tolist()) == {0}


def test_floats_are_taken_as_they_are():
    values = np.array([0.1, 0.2, 0.1])
    assert floats(values).tolist() == [0.1, 0.2, 0.1]
    assert exact(values)[0] == Fraction(0.1)
    assert floats(exact(np.float32(0.1))).shape == ()


def test_zeros_are_zero_only_together():
    assert is_zero(objects([Fraction(0), 0, Fraction(0, 7)]))
    assert not is_zero(objects([Fraction(0), Fraction(1, 10**30)]))
