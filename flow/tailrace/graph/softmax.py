# SPDX-License-Identifier: Apache-2.0
"""The softmax of TensorFlow Lite's reference kernels, which the host does: integers in, integers out, no float between.

Its two kernels differ: on 8 bits exp and reciprocal are polynomials in fixed point, on 16 bits tables of 513 points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed_point import (
    exp_of_negative,
    high_multiply,
    multiplier_of,
    reciprocal_of_one_plus,
    rounding_shift,
    scaled,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.core.steps import Steps

Integers = NDArray[np.int64]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TfliteSoftmax:
    """SOFTMAX along the last axis of (n, ..., classes) integers of ``bits`` bits.

    ``mantissa`` and ``shift`` take differences of the input to the kernel's scale; below ``lowest`` (8 bits only) a
    class has probability 0. ``then`` is a function of the result (a QUANTIZE behind it), or None; with a ``scale`` the
    result is float32, ``scale * (integers - zero_point)``.
    """

    mantissa: int
    shift: int
    lowest: int
    bits: int
    then: Steps | None = None
    scale: float | None = None
    zero_point: int = 0

    @staticmethod
    def of(scale: float, beta: float, bits: int) -> TfliteSoftmax | None:
        """Return the softmax of an input's scale and ``beta``, None where its kernel takes no such scale."""
        if bits == 16:
            mantissa, shift = multiplier_of(float(np.float32(scale) * np.float32(beta)) / (10.0 / 65535.0))
            return TfliteSoftmax(mantissa=mantissa, shift=shift, lowest=-65535, bits=bits)
        real = min(beta * scale * (1 << 26), (1 << 31) - 1.0)
        if real <= 1:
            return None
        mantissa, shift = multiplier_of(real)
        lowest = -floor(31.0 * (1 << 26) / (1 << shift))
        return TfliteSoftmax(mantissa=mantissa, shift=shift, lowest=lowest, bits=bits)

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done, in words."""
        first = f"softmax in integers of {self.bits} bits, as TensorFlow Lite's reference kernel does it"
        after = () if self.then is None else ("to another scale",)
        floats = () if self.scale is None else (f"value = {self.scale:.9g} * (q - {self.zero_point})",)
        return (first, *after, *floats)

    def __call__(self, q: Array) -> Array:
        """Return the probabilities (n, ..., classes) of integers of the same shape."""
        values = np.asarray(q, np.int64)
        difference = values - values.max(axis=-1, keepdims=True, initial=-(1 << 15))
        result = self._of_bytes(difference) if self.bits == 8 else self._of_words(difference)
        if self.then is not None:
            result = self.then(result.reshape(-1, 1)).reshape(result.shape)
        if self.scale is not None:
            return np.asarray(self.scale * (result - self.zero_point), np.float32)
        return result

    def _of_bytes(self, difference: Integers) -> Integers:
        heard = difference >= self.lowest
        power = exp_of_negative(
            high_multiply(wrapped(np.where(heard, difference, 0) << self.shift), self.mantissa)
        )
        total = np.where(heard, rounding_shift(power, 12), 0).sum(axis=-1, keepdims=True)
        headroom = 32 - _bit_length(total)
        reciprocal = reciprocal_of_one_plus((total << headroom) - (1 << 31))
        share = rounding_shift(high_multiply(reciprocal, power), 12 - headroom + 23)
        return np.where(heard, np.clip(share - 128, -128, 127), -128)

    def _of_words(self, difference: Integers) -> Integers:
        place = np.clip(scaled(difference, self.mantissa, self.shift) + 32767, -32768, 32767)
        power = _between(place, _exp_table())
        total = power.sum(axis=-1, keepdims=True)
        headroom = 32 - _bit_length(total)
        whole = ((total << (headroom - 1)) + (1 << 13)) >> 14
        reciprocal = _between(np.clip(whole - (1 << 15) - (1 << 16), -32768, 32767), _reciprocal_table())
        down = 31 - headroom
        share = (power * reciprocal + (np.int64(1) << (down - 1))) >> down
        return np.asarray(np.clip(share, 0, 32767), np.int64)


def _bit_length(values: Integers) -> Integers:
    """Return the bits of positive integers below 2**53."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


def _between(x: Integers, table: Integers) -> Integers:
    """Return the line between two of 513 points, for 16-bit ``x``."""
    index, rest = 256 + (x >> 7), x & 0x7F
    slope = ((table[index + 1] - table[index] + (1 << 15)) & 0xFFFF) - (1 << 15)
    return np.asarray(table[index] + ((slope * rest + 64) >> 7), np.int64)


@cache
def _exp_table() -> Integers:
    return _table(10.0 / 65535, 32767, 2.0 / 65535, np.exp)


@cache
def _reciprocal_table() -> Integers:
    return _table(1.0 / 65535, -32768, 2.0 / 65535, lambda x: 1.0 / (1.0 + x))


def _table(scale: float, zero: int, out_scale: float, function: Callable[[Array], Array]) -> Integers:
    """Return 513 points of a function, each moved by half of the error that the line has in the middle."""
    low, high = scale * (-32768 - zero), scale * (32767 - zero)
    step = (high - low) / 512
    factor = 65536.0 / (out_scale * 32767 - out_scale * -32768)
    at = low + np.arange(512) * step
    here, middle, after = function(at), function(at + step / 2), function(low + np.arange(1, 513) * step)
    sample = _rounded(here * factor)
    error = _rounded((after * factor + sample) / 2) - _rounded(middle * factor)
    last = _rounded(function(np.array([high])) * factor)
    points = np.concatenate([sample - _rounded(error / 2), last])
    return np.asarray(np.clip(points, -32768, 32767), np.int64)


def _rounded(x: Array) -> Array:
    """Round to the nearest, ties away from zero."""
    whole = np.trunc(x)
    return np.asarray(whole + np.where(np.abs(x - whole) >= 0.5, np.sign(x), 0.0))
