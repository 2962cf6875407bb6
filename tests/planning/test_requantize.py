# SPDX-License-Identifier: Apache-2.0
"""Every block that is offered for a map computes it on every integer that can occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tailrace.core import fit
from tailrace.core.errors import MappingError
from tailrace.core.fit import MODES, FactorFit, first_input, fit_multiply_shift, fit_round_shift
from tailrace.core.steps import Steps, from_rows, from_table
from tailrace.graph import Map, Tensor
from tailrace.planning import requantize
from tailrace.planning.requantize import candidates, requantizer
from tailrace.targets.families import FAMILIES


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
    out_low, out_high = node.output_range([source])
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
    found = fit_round_shift(from_table(x[:1], x[-1:], y[:, None]), x[:1], x[-1:])
    assert found is not None
    assert found.shift == bits
    again = (
        np.searchsorted(first_input(values, found.shift, found.mode), x + found.bias[0], side="right") - 601
    )
    assert np.array_equal(y, np.clip(again, found.low, found.high))


def multiplied(found: FactorFit, x: np.ndarray) -> np.ndarray:
    """Return what a fit of one row makes of the integers ``x``."""
    return np.clip((x * found.factors[0] + found.bias[0]) >> found.shift, found.low, found.high)


def test_a_scale_that_is_no_power_of_two_is_found_as_a_factor():
    x = np.arange(-4000, 4000)
    y = np.clip(np.rint(x * 0.0137 + 0.3), -31, 31).astype(np.int64)
    found = fit_multiply_shift(from_table(x[:1], x[-1:], y[:, None]), x[:1], x[-1:])
    assert found is not None
    assert np.array_equal(y, multiplied(found, x))


@pytest.mark.parametrize("seed", range(40))
def test_the_corners_of_many_steps_say_the_same_as_all_of_them(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    x = np.arange(-3000, 3000)
    slope, bend = rng.uniform(0.002, 0.05) * rng.choice([-1, 1]), rng.choice([0, 0, 1e-7, 1e-6])
    y = np.rint(x * slope + bend * x**2 + rng.normal()).astype(np.int64)
    y = np.clip(y, *sorted(rng.integers(-150, 150, 2)))
    steps = from_table(x[:1], x[-1:], y[:, None])
    whole = fit_multiply_shift(steps, x[:1], x[-1:])
    monkeypatch.setattr(fit, "CORNERS_FROM", 3)
    monkeypatch.setattr(fit, "PAIRS_AT_ONCE", 10)
    corners = fit_multiply_shift(steps, x[:1], x[-1:])
    assert (whole is None) == (corners is None)
    if whole is not None:
        assert whole.shift == corners.shift
        assert (whole.factors, whole.bias) == (corners.factors, corners.bias)


def test_thousands_of_steps_are_a_factor_on_a_line_and_a_search_on_a_curve():
    x = np.arange(-20_000, 20_000)
    line = np.clip(np.rint(x * 0.0307 + 0.3), -600, 600).astype(np.int64)
    found = fit_multiply_shift(from_table(x[:1], x[-1:], line[:, None]), x[:1], x[-1:])
    assert found is not None
    assert np.array_equal(line, multiplied(found, x))
    x = np.arange(-(1 << 20), 1 << 20)
    curve = np.rint(np.tanh(x / 4e5) * 32767).astype(np.int64)
    steps = from_table(x[:1], x[-1:], curve[:, None])
    node = Map(name="map_0", input="x", output="y", steps=steps)
    source = Tensor(name="x", shape=(1,), low=x[:1], high=x[-1:])
    target = Tensor(name="y", shape=(1,), low=curve[:1], high=curve[-1:])
    block = requantizer(node, source, target, 1, family=FAMILIES["xc7"])
    assert block.name == "threshold_search"
    some = np.concatenate([x[::97], steps.breaks[0, ::5], steps.breaks[0, ::5] - 1])[:, None]
    assert np.array_equal(block.evaluate(some), steps(some))


def test_a_kind_that_cannot_do_it_is_refused_with_those_that_can():
    node, source, target = up_and_down(6)
    with pytest.raises(MappingError) as caught:
        requantizer(node, source, target, 1, family=FAMILIES["ecp5"], kind="threshold")
    assert caught.value.message == "threshold cannot compute this map exactly"
    assert caught.value.hint == "possible: table"


def test_a_map_that_no_block_computes_is_refused():
    node, source, target = up_and_down(14)
    with pytest.raises(MappingError, match="no block computes 2 steps over int14 exactly"):
        requantizer(node, source, target, 1, family=FAMILIES["ecp5"])


def up_and_down(bits: int) -> tuple[Map, Tensor, Tensor]:
    low, high = np.array([-(1 << (bits - 1))]), np.array([(1 << (bits - 1)) - 1])
    node = Map(name="map_0", input="x", output="y", steps=Steps(np.array([[-3, 5]]), np.array([[0, 7, 1]])))
    return (
        node,
        Tensor(name="x", shape=(1,), low=low, high=high),
        Tensor(name="y", shape=(1,), low=np.array([0]), high=np.array([7])),
    )


def test_the_multiply_form_of_a_tail_is_searched_once(monkeypatch):
    x = np.arange(-200, 201)
    steps = from_table(x[:1], x[-1:], (x * 7 // 19)[:, None])
    expected = fit_multiply_shift(steps, x[:1], x[-1:])
    asked = []
    monkeypatch.setattr(requantize, "_FOUND", {})
    monkeypatch.setattr(
        requantize, "fit_multiply_shift", lambda *tail: asked.append(tail) or fit_multiply_shift(*tail)
    )
    found = [requantize._scaled(steps, x[:1], x[-1:]) for _ in range(3)]
    assert len(asked) == 1
    assert all(np.array_equal(fit.factors, expected.factors) and fit.shift == expected.shift for fit in found)
    other = requantize._scaled(steps, x[:1] + 1, x[-1:])
    assert len(asked) == 2
    assert other is not found[0]


def test_channels_of_very_different_scales_share_a_shift():
    """As per-channel weights of 8 bits have them: the finest channel asks for a shift that makes the others long."""
    slopes = np.array([0.061234567, 0.0031234567, 0.000123456789])
    low, high = np.array([-9_000, -60_000, -1_500_000]), np.array([9_000, 60_000, 1_500_000])
    rows = []
    for slope, first, last in zip(slopes, low, high, strict=True):
        x = np.arange(first, last + 1)
        y = np.clip(np.floor(x * slope + 0.5).astype(np.int64) + 7, -128, 127)
        change = np.flatnonzero(np.diff(y)) + 1
        rows.append((x[change], np.concatenate([y[:1], y[change]])))
    found = fit_multiply_shift(from_rows(rows), low, high)
    assert found is not None
    assert 24 < int(found.factors.max()).bit_length() <= 31
    for channel, (breaks, values) in enumerate(rows):
        at = np.concatenate([low[channel : channel + 1], breaks, breaks - 1, high[channel : channel + 1]])
        wanted = values[np.searchsorted(breaks, at, side="right")]
        line = (at * found.factors[channel] + found.bias[channel]) >> found.shift
        assert np.array_equal(np.clip(line, found.low, found.high), wanted)
