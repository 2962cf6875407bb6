# SPDX-License-Identifier: Apache-2.0
"""Every block that is offered for a map computes it on every integer that can occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tailrace.errors import MappingError
from tailrace.fit import MODES, first_input, fit_multiply_shift, fit_round_shift
from tailrace.graph import Map, Tensor, output_range
from tailrace.planning.requantize import candidates, requantizer
from tailrace.steps import Steps, from_table


def line(rng, x):
    y = np.rint(x * rng.normal(0, 1) * 2.0 ** -rng.integers(0, 8) + rng.normal(0, 3))
    return np.clip(y, *np.sort(rng.integers(-20, 20, 2))) if rng.random() < 0.7 else y


def shift(rng, x):
    bits = int(rng.integers(0, 8))
    values = np.arange(-(1 << 14), 1 << 14)
    z = x + int(rng.integers(-50, 50))
    y = np.searchsorted(first_input(values, bits, str(rng.choice(MODES))), z, side="right") - 1 + values[0]
    return np.clip(y, *np.sort(rng.integers(-20, 20, 2))) if rng.random() < 0.7 else y


def monotone(rng, x):
    return np.sort(rng.integers(-10, 10, len(x))) * int(rng.choice([-1, 1]))


def jump(rng, x):
    return np.where(x > rng.integers(-10, 20), int(rng.integers(-300, 300)), 0)


def wave(rng, x):
    return np.rint(4 * np.sin(x / rng.uniform(1, 50)))


def constant(rng, x):
    return np.full(len(x), int(rng.integers(-9, 9)))


def draw(seed: int) -> tuple[Map, Tensor, Tensor, int]:
    """Draw a map with its tensors and a number of lanes."""
    rng = np.random.default_rng(seed)
    channels, bits = int(rng.integers(1, 5)), int(rng.integers(1, 13))
    bottom = -(1 << (bits - 1)) if rng.random() < 0.5 else 0
    low = rng.integers(bottom, 1, channels)
    high = np.maximum(low, rng.integers(bottom, bottom + (1 << bits), channels))
    if rng.random() < 0.5:
        low[:], high[:] = bottom, bottom + (1 << bits) - 1
    x = np.arange(int((high - low).max()) + 1)
    kind = [line, line, shift, shift, monotone, jump, wave, constant][int(rng.integers(8))]
    table = np.stack([kind(rng, x + start) for start in low], axis=1).astype(np.int64)
    if rng.random() < 0.3:
        low[:], high[:], table = low[0], high[0], np.repeat(table[:, :1], channels, axis=1)
    steps = from_table(low, high, table)
    if rng.random() < 0.3:  # some of the steps are beyond what occurs
        low = rng.integers(low, high + 1)
        high = rng.integers(low, high + 1)
    source = Tensor(name="x", shape=(channels,), low=low, high=high)
    node = Map(name="map_0", input="x", output="y", steps=steps)
    out_low, out_high = output_range(node, [source])
    target = Tensor(name="y", shape=(channels,), low=out_low, high=out_high)
    lanes = int(rng.choice([n for n in range(1, channels + 1) if channels % n == 0]))
    return node, source, target, lanes


def every_integer(tensor: Tensor) -> np.ndarray:
    points = int((tensor.high - tensor.low).max()) + 1
    return np.minimum(tensor.low + np.arange(points)[:, None], tensor.high)


@settings(max_examples=300)
@given(seed=st.integers(0, 10**6))
def test_every_candidate_equals_the_map_on_every_integer(seed):
    node, source, target, lanes = draw(seed)
    x = every_integer(source)
    expected = node.steps(x)
    for block in candidates(node, source, target, lanes):
        assert np.array_equal(expected, block.evaluate(x)), block.name


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bits", [1, 3, 6])
def test_a_shift_is_found_again_with_its_rounding_mode(mode, bits):
    x = np.arange(-500, 500)
    values = np.arange(-600, 600)
    y = np.searchsorted(first_input(values, bits, mode), x + 3, side="right") - 601
    fit = fit_round_shift(from_table(x[:1], x[-1:], y[:, None]), x[:1], x[-1:])
    assert fit is not None
    assert fit.shift == bits
    again = np.searchsorted(first_input(values, fit.shift, fit.mode), x + fit.bias[0], side="right") - 601
    assert np.array_equal(y, np.clip(again, fit.low, fit.high))


def test_a_scale_that_is_no_power_of_two_is_found_as_a_factor():
    x = np.arange(-4000, 4000)
    y = np.clip(np.rint(x * 0.0137 + 0.3), -31, 31).astype(np.int64)
    fit = fit_multiply_shift(from_table(x[:1], x[-1:], y[:, None]), x[:1], x[-1:])
    assert fit is not None
    assert np.array_equal(y, np.clip((x * fit.factors[0] + fit.bias[0]) >> fit.shift, fit.low, fit.high))


def test_a_kind_that_cannot_do_it_is_refused_with_those_that_can():
    node, source, target = up_and_down(6)
    with pytest.raises(MappingError) as caught:
        requantizer(node, source, target, 1, family="ecp5", kind="threshold")
    assert caught.value.message == "threshold cannot compute this map exactly"
    assert caught.value.hint == "possible: table"


def test_a_map_that_no_block_computes_is_refused():
    node, source, target = up_and_down(14)
    with pytest.raises(MappingError, match="no block computes 2 steps over int14 exactly"):
        requantizer(node, source, target, 1, family="ecp5")


def up_and_down(bits: int) -> tuple[Map, Tensor, Tensor]:
    low, high = np.array([-(1 << (bits - 1))]), np.array([(1 << (bits - 1)) - 1])
    node = Map(name="map_0", input="x", output="y", steps=Steps(np.array([[-3, 5]]), np.array([[0, 7, 1]])))
    return (
        node,
        Tensor(name="x", shape=(1,), low=low, high=high),
        Tensor(name="y", shape=(1,), low=np.array([0]), high=np.array([7])),
    )
