# SPDX-License-Identifier: Apache-2.0
"""The canonical form of integer functions, and what can be done with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tailrace.core.steps import (
    NEVER,
    Steps,
    compose,
    from_rows,
    from_table,
    is_identity,
    restrict,
    shift_input,
    tabulate,
)


def draw(seed: int, channels: int = 3, low: int = -20, points: int = 41) -> tuple[np.ndarray, Steps]:
    rng = np.random.default_rng(seed)
    table = rng.integers(-3, 4, (points, channels))
    table[1:] = np.where(rng.random((points - 1, channels)) < 0.6, table[:-1], table[1:])
    return table, from_table(np.full(channels, low), np.full(channels, low + points - 1), table)


def integers(channels: int = 3, low: int = -20, points: int = 41) -> np.ndarray:
    return np.repeat(np.arange(low, low + points)[:, None], channels, axis=1)


@given(seed=st.integers(0, 10**6))
def test_a_table_becomes_steps_that_compute_it(seed):
    table, steps = draw(seed)
    assert np.array_equal(table, steps(integers()))
    real = steps.breaks != NEVER
    assert (np.diff(steps.values, axis=1)[real] != 0).all()  # no break without a change


@given(seed=st.integers(0, 10**6))
def test_functions_are_composed(seed):
    _, first = draw(seed)
    _, second = draw(seed + 1)
    x = integers()
    assert np.array_equal(second(first(x)), compose(first, second)(x))


@given(seed=st.integers(0, 10**6), offset=st.integers(-9, 9))
def test_the_input_is_shifted_channel_by_channel(seed, offset):
    _, steps = draw(seed)
    offsets = np.array([offset, 0, -offset])
    x = integers()
    assert np.array_equal(steps(x), shift_input(steps, offsets)(x + offsets))


@given(seed=st.integers(0, 10**6))
def test_a_restricted_function_agrees_inside(seed):
    _, steps = draw(seed)
    low, high = np.array([-5, -20, 0]), np.array([5, 20, 0])
    x = np.clip(integers(), low, high)
    small = restrict(steps, low, high)
    assert np.array_equal(steps(x), small(x))
    assert small.levels <= steps.levels


@given(seed=st.integers(0, 10**6))
def test_a_table_evaluates_as_the_steps_do(seed):
    _, steps = draw(seed)
    assert np.array_equal(steps(integers()), tabulate(steps, -20, 20)(integers()))


def test_equal_channels_share_one_row():
    _, steps = draw(0, channels=1)
    same = from_rows([(steps.breaks[0], steps.values[0])] * 4)
    assert (same.rows, same.levels) == (1, steps.levels)
    assert np.array_equal(steps(integers(1)), same(integers(4))[:, :1])


def test_direction_tells_rising_falling_and_neither():
    rows = [([0], [1, 2]), ([0], [2, 1]), ([0, 1], [0, 1, 0]), ([], [7])]
    steps = from_rows([(np.array(b, np.int64), np.array(v, np.int64)) for b, v in rows])
    assert steps.direction().tolist() == [1, -1, 0, 1]


def test_an_identity_is_seen_in_its_range_only():
    x = np.arange(-4, 6)
    steps = from_table(np.array([-4]), np.array([5]), np.clip(x, -4, 3)[:, None])
    assert is_identity(steps, np.array([-4]), np.array([3]))
    assert not is_identity(steps, np.array([-4]), np.array([4]))


def test_breaks_and_values_must_fit():
    with pytest.raises(ValueError, match=r"need \(1, 3\) values, got \(1, 2\)"):
        Steps(np.zeros((1, 2), np.int64), np.zeros((1, 2), np.int64))
