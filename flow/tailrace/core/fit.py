# SPDX-License-Identifier: Apache-2.0
"""Find shift-and-round and multiply-and-shift forms that equal a step function on every reachable integer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tailrace.core.steps import NEVER, Steps

Integers = NDArray[np.int64]

SHIFT_AT_MOST = 40
FACTOR_BITS_AT_MOST = 31
"""As many as a fixed-point multiplier of TensorFlow Lite has: channels of different scales share one shift."""

LEVELS_AT_LEAST = 3
"""Below this many steps comparators are always cheaper."""

CORNERS_FROM = 256
"""With more steps, only the corners of what a line must pass are looked at, ..."""

PAIRS_AT_ONCE = 1 << 22
"""... so many pairs of them at a time."""

MODES = ("floor", "half_even", "to_zero", "half_away", "half_to_zero", "away_from_zero")
"""Rounding modes that no bias turns into one another."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShiftFit:
    """``y = clip(round((x + bias) / 2**shift), low, high)``, bias (rows,)."""

    bias: Integers
    shift: int
    mode: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorFit:
    """``y = clip(floor((x * factor + bias) / 2**shift), low, high)``, factors and bias (rows,)."""

    factors: Integers
    bias: Integers
    shift: int
    low: int
    high: int


def first_input(value: Integers, shift: int, mode: str) -> Integers:
    """Return the smallest z with ``round(z / 2**shift) >= value``."""
    start = value << shift
    half = (1 << shift) >> 1
    after = np.int64(1 if shift else 0)
    match mode:
        case "floor":
            return start
        case "half_even":
            return start - half + np.where(value % 2 == 1, after, 0)
        case "to_zero":
            return np.where(value > 0, start, start - (1 << shift) + 1)
        case "away_from_zero":
            return np.where(value > 0, start - (1 << shift) + 1, start)
        case "half_away":
            return start - half + np.where(value > 0, 0, after)
        case "half_to_zero":
            return start - half + np.where(value > 0, after, 0)
    raise ValueError(f"unknown rounding mode {mode}")


def _rows(steps: Steps) -> list[tuple[Integers, Integers]]:
    result = []
    for row in range(steps.rows):
        real = steps.breaks[row] != NEVER
        result.append(
            (steps.breaks[row][real], np.concatenate([steps.values[row][:1], steps.values[row][1:][real]]))
        )
    return result


def fit_round_shift(steps: Steps, low: Integers, high: Integers) -> ShiftFit | None:
    """Return the shift form that equals ``steps`` on ``low..high`` (one entry per row), or None."""
    rows = _rows(steps)
    longest = max(rows, key=lambda r: len(r[0]))
    if len(longest[0]) < LEVELS_AT_LEAST or any((np.diff(v) != 1).any() for _, v in rows):
        return None
    spacing = (int(longest[0][-1]) - int(longest[0][0])) / (len(longest[0]) - 1)
    guess = max(0, round(np.log2(max(spacing, 1.0))))
    clip_low, clip_high = int(steps.values.min()), int(steps.values.max())
    for shift in (guess, guess + 1, max(0, guess - 1)):
        for mode in MODES:
            if shift > SHIFT_AT_MOST:
                continue
            bias = [
                _shift_bias(b, v, (int(low[i]), int(high[i])), shift, mode, (clip_low, clip_high))
                for i, (b, v) in enumerate(rows)
            ]
            if all(value is not None for value in bias):
                return ShiftFit(
                    bias=np.array(bias, np.int64), shift=shift, mode=mode, low=clip_low, high=clip_high
                )
    return None


def _shift_bias(  # noqa: PLR0917 - a row and what it must meet
    breaks: Integers, values: Integers, ends: tuple[int, int], shift: int, mode: str, clip: tuple[int, int]
) -> int | None:
    """Return the bias that makes one row equal between both ends, or None."""
    (low, high), (clip_low, clip_high) = ends, clip

    def first(value: int) -> int:
        return int(first_input(np.array([value], np.int64), shift, mode)[0])

    bottom, top = int(values[0]), int(values[-1])
    if len(breaks):
        delta = first_input(values[1:], shift, mode) - breaks
        if (delta != delta[0]).any():
            return None
        bias = int(delta[0])
    elif bottom == clip_low:
        bias = min(0, first(bottom + 1) - 1 - high)
    elif top == clip_high:
        bias = max(0, first(top) - low)
    else:
        bias = first(bottom) - low
    if bottom != clip_low and low + bias < first(bottom):
        return None
    if top != clip_high and high + bias >= first(top + 1):
        return None
    return bias


def fit_multiply_shift(steps: Steps, low: Integers, high: Integers) -> FactorFit | None:
    """Return the multiply form with the smallest shift that equals ``steps`` on ``low..high``, or None."""
    rows = _rows(steps)
    if max(len(b) for b, _ in rows) < LEVELS_AT_LEAST or not steps.direction().all():
        return None
    clip_low, clip_high = int(steps.values.min()), int(steps.values.max())
    segments = [
        _segments(b, v, (int(low[i]), int(high[i])), (clip_low, clip_high)) for i, (b, v) in enumerate(rows)
    ]
    slopes = [_slope_range(segment) for segment in segments]
    if any(least >= most for least, most in slopes):
        return None
    narrowest = min(most - least for least, most in slopes)
    start = max(0, int(np.floor(-np.log2(narrowest)))) if np.isfinite(narrowest) else 0
    for shift in range(start, min(SHIFT_AT_MOST, start + 8)):
        found = [_factor(segment, slope, shift) for segment, slope in zip(segments, slopes, strict=True)]
        if all(pair is not None for pair in found):
            factors, bias = (
                np.array(column, np.int64) for column in zip(*(p for p in found if p), strict=True)
            )
            if int(np.abs(factors).max()).bit_length() > FACTOR_BITS_AT_MOST:
                return None
            return FactorFit(factors=factors, bias=bias, shift=shift, low=clip_low, high=clip_high)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """What a line must do: be at least ``least`` at ``at_least`` and below ``most`` at ``at_most``."""

    at_least: Integers
    least: Integers
    at_most: Integers
    most: Integers
    rising: bool


def _segments(breaks: Integers, values: Integers, ends: tuple[int, int], clip: tuple[int, int]) -> _Segments:
    """Bound the line at both ends of every step; a clipped value bounds it on one side only."""
    (low, high), (clip_low, clip_high) = ends, clip
    first = np.concatenate([[low], breaks])
    last = np.concatenate([breaks - 1, [high]])
    rising = bool(values[-1] >= values[0])
    worst_low, worst_high = (first, last) if rising else (last, first)
    below, above = values != clip_low, values != clip_high
    return _Segments(worst_low[below], values[below], worst_high[above], values[above] + 1, rising)


def _slope_range(segments: _Segments) -> tuple[float, float]:
    """Return the open interval of slopes for which a line through all segments exists (pairwise conditions suffice)."""
    above = _corners(segments.at_least, segments.least, 1)
    below = _corners(segments.at_most, segments.most, -1)
    lower, upper = (0.0, np.inf) if segments.rising else (-np.inf, 0.0)
    parts = -(-len(above[0]) * len(below[0]) // PAIRS_AT_ONCE)
    for part in range(parts):
        # From one end to the other, so that the first part already shows what is no line at all.
        run = (above[0][part::parts, None] - below[0]).astype(np.float64)
        rise = (above[1][part::parts, None] - below[1]).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = rise / run
        lower = max(lower, ratio[run > 0].max(initial=-np.inf))  # m * run > rise
        upper = min(upper, ratio[run < 0].min(initial=np.inf))
        if lower >= upper or bool(((run == 0) & (rise >= 0)).any()):
            return 0.0, 0.0
    return lower, upper


def _corners(x: Integers, y: Integers, side: int) -> tuple[Integers, Integers]:
    """Return the points (x ascending) that a line must be above (``side`` 1) or below (-1) to be so of all.

    Few points are returned as they are; of many, the corners of their convex hull on that side.
    """
    if len(x) <= CORNERS_FROM:
        return x, y
    kept: list[tuple[int, int]] = []
    for point in zip(x.tolist(), (side * y).tolist(), strict=True):
        while len(kept) > 1 and _turn(kept[-2], kept[-1], point) >= 0:
            kept.pop()
        kept.append(point)
    corners = np.array(kept, np.int64)
    return corners[:, 0], side * corners[:, 1]


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Return a positive number where the way from a by b to c turns left, a negative one where it turns right."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _factor(segments: _Segments, slope: tuple[float, float], shift: int) -> tuple[int, int] | None:
    """Return (factor, bias) with the given shift for one row, or None."""
    least, most = slope
    if np.isinf(least) or np.isinf(most):
        middle = 0.0 if np.isinf(least) and np.isinf(most) else (least if np.isinf(most) else most)
    else:
        middle = (least + most) / 2
    centre = int(np.floor(middle * (1 << shift)))
    for factor in (centre, centre + 1, centre - 1, centre + 2):
        if (factor < 0) if segments.rising else (factor > 0):
            continue
        lower = (segments.least << shift) - factor * segments.at_least
        upper = (segments.most << shift) - 1 - factor * segments.at_most
        lowest = int(lower.max()) if len(lower) else None
        highest = int(upper.min()) if len(upper) else None
        if lowest is None or highest is None:
            return factor, lowest if lowest is not None else (highest or 0)
        if lowest <= highest:
            return factor, _roundest(lowest, highest)
    return None


def _roundest(least: int, most: int) -> int:
    """Return the number between both that has the most trailing zeros, which costs the fewest bits."""
    for zeros in range(64, -1, -1):
        step = 1 << zeros
        candidate = -(-least // step) * step
        if candidate <= most:
            return candidate
    return least
