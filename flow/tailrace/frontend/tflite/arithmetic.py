# SPDX-License-Identifier: Apache-2.0
"""What the reference kernels of TensorFlow Lite compute, as functions from integers to integers on whole arrays.

A scale is a float32 and is multiplied and divided as the kernels' preparation does it, in float32 or in float64: the
mantissa of a fixed-point multiplier depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed_point import (
    high_multiply,
    multiplier_of,
    rounding_shift,
    saturating_shift,
    scaled,
    scaled_wide,
)

if TYPE_CHECKING:
    from tailrace.core.fixed_point import Multiplier
    from tailrace.frontend.tflite.records import Record

Integers = NDArray[np.int64]
Function = Callable[[Integers], Integers]
"""From (points, channels) integers to as many."""

BOUNDS = {"INT8": (-128, 127), "INT16": (-32768, 32767), "UINT8": (0, 255)}
"""The least and the greatest integer of the types of activations; UINT8 only where numbers enter and leave."""


def half_away(x: Any) -> Any:  # noqa: ANN401 - a float, or an array of one float type
    """Round to the nearest whole number, ties away from zero, in the type of ``x``."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.sign(x), np.zeros_like(x))


def clipped(x: Any, low: int, high: int) -> Integers:  # noqa: ANN401 - numbers of any type
    """Return whole numbers within low..high as int64."""
    return np.asarray(np.clip(x, low, high), np.int64)


def activation_range(output: Record, activation: str) -> tuple[int, int]:
    """Return the least and the greatest integer that a fused activation leaves."""
    low, high = BOUNDS[output.type]

    def at(value: float) -> int:
        return output.zero_point + int(half_away(np.float32(value) / output.scale))

    match activation:
        case "RELU":
            return max(low, at(0.0)), high
        case "RELU6":
            return max(low, at(0.0)), min(high, at(6.0))
        case "RELU_N1_TO_1":
            return max(low, at(-1.0)), min(high, at(1.0))
    return low, high


# Layers


def layer_factors(x: Record, scales: NDArray[np.float32], y: Record) -> NDArray[np.float64]:
    """Return the factor from accumulators to outputs for each of the weights' ``scales``, in float64."""
    return np.asarray(np.float64(x.scale) * scales.astype(np.float64) / np.float64(y.scale))


def by_multiplier(factors: NDArray[np.float64], y: Record, ends: tuple[int, int], *, wide: bool) -> Function:
    """Return the tail of a convolution: one fixed-point multiplier a channel; ``wide``: 64-bit accumulators."""
    found = [multiplier_of(float(f)) for f in factors]
    mantissa, shift = (np.array(v, np.int64) for v in zip(*found, strict=True))
    apply = scaled_wide if wide else scaled
    return lambda acc: clipped(apply(acc, mantissa, shift) + y.zero_point, *ends)


def by_float(factors: NDArray[np.float64], y: Record, ends: tuple[int, int]) -> Function:
    """Return the tail of a fully connected layer: the accumulator times a float64, ties away from zero."""
    return lambda acc: clipped(
        half_away(acc.astype(np.float64) * factors).astype(np.int64) + y.zero_point, *ends
    )


# One integer to one


def rescale(x: Record, y: Record, factor: float, ends: tuple[int, int] | None = None) -> Function:
    """Return ``(q - zero point of x) * factor + zero point of y`` within ``ends`` (the type of y)."""
    mantissa, shift = multiplier_of(factor)
    low, high = ends or BOUNDS[y.type]
    return lambda q: clipped(scaled(q - x.zero_point, mantissa, shift) + y.zero_point, low, high)


def ratio(x: Record, y: Record) -> float:
    """Return the quotient of two scales in float32."""
    return float(x.scale / y.scale)


def relu(x: Record, y: Record, low: float, high: float | None) -> Function:
    """Return a RELU of its own, between two real numbers (None: the type's end)."""
    least, greatest = BOUNDS[y.type]

    def at(value: float) -> int:
        return y.zero_point + int(half_away(np.float32(value) / y.scale))

    ends = max(least, at(low)), greatest if high is None else min(greatest, at(high))
    return rescale(x, y, ratio(x, y), ends)


def leaky_relu(x: Record, y: Record, alpha: float) -> Function:
    """Return LEAKY_RELU: two multipliers, one for each sign of the input."""
    negative = multiplier_of(abs(float(x.scale * np.float32(alpha) / y.scale)))
    sign = -1 if alpha < 0 else 1
    positive = multiplier_of(ratio(x, y))

    def function(q: Integers) -> Integers:
        real = q - x.zero_point
        out = np.where(real >= 0, scaled(real, *positive), sign * scaled(real, *negative))
        return clipped(out + y.zero_point, *BOUNDS[y.type])

    return function


def prelu(x: Record, alpha: Integers, alpha_record: Record, y: Record) -> Function:
    """Return PRELU with one integer slope a channel (or one for all)."""
    positive = multiplier_of(ratio(x, y))
    negative = multiplier_of(float(x.scale * alpha_record.scale / y.scale))
    slope = alpha - alpha_record.zero_point

    def function(q: Integers) -> Integers:
        real = q - x.zero_point
        out = np.where(real >= 0, scaled(real, *positive), scaled(real * slope, *negative))
        return clipped(out + y.zero_point, *BOUNDS[y.type])

    return function


def hard_swish(x: Record, y: Record) -> Function:
    """Return HARD_SWISH, ``x * relu6(x + 3) / 6``, in 16 bits."""
    fine = np.float32(1 / 128) * x.scale
    out = multiplier_of(float(fine / y.scale))
    slope = multiplier_of(float(fine / (np.float32(3.0) / np.float32(32768.0))))
    out16, slope16 = _upper_half(out.mantissa), _upper_half(slope.mantissa)

    def function(q: Integers) -> Integers:
        value = _wrapped16((_wrapped16(q - x.zero_point)) << 7)
        on_output = high_multiply(value, out16, 16)
        gate = value
        if slope.shift > 0:
            gate = saturating_shift(gate, slope.shift - 1, 16)
        gate = high_multiply(gate, slope16, 16)
        if slope.shift > 0:
            gate = saturating_shift(gate, 1, 16)
        if slope.shift < 0:
            gate = rounding_shift(gate, -slope.shift)
        gate = _wrapped16((_wrapped16(gate) + (1 << 15)) >> 1)
        product = gate * on_output
        result = np.where(product >= 0, product >> 15, -(-product >> 15))
        result = np.where((gate == on_output) & (gate == -32768), 32767, result)
        return clipped(rounding_shift(result, -out.shift) + y.zero_point, *BOUNDS[y.type])

    return function


def hard_swish_fits(x: Record, y: Record) -> bool:
    """Say whether the kernel takes these scales: the output may not be finer than the shifted input."""
    return multiplier_of(float(np.float32(1 / 128) * x.scale / y.scale)).shift <= 0


def _upper_half(mantissa: int) -> int:
    return 32767 if mantissa >= (1 << 31) - 1 - (1 << 15) else (mantissa + (1 << 15)) >> 16


def _wrapped16(x: Integers) -> Integers:
    return np.asarray(((x + (1 << 15)) & 0xFFFF) - (1 << 15), np.int64)


def logistic(x: Record, y: Record) -> Function:
    """Return LOGISTIC: on 8 bits by float32 numbers, on 16 bits by a table with lines between its points."""
    if x.type == "INT16":
        return _logistic16(x)
    return _by_floats(
        x, y, lambda v: np.float32(1) / (np.float32(1) + np.exp(-v.astype(np.float64)).astype(np.float32))
    )


def tanh(x: Record, y: Record) -> Function:
    """Return TANH, as :func:`logistic`."""
    if x.type == "INT16":
        return _tanh16(x)
    return _by_floats(x, y, lambda v: np.tanh(v.astype(np.float64)).astype(np.float32))


def _by_floats(x: Record, y: Record, function: Callable[[Any], Any]) -> Function:
    """Return what float32 numbers give: dequantized, ``function``, quantized again."""
    inverse = np.float32(1) / y.scale

    def table(q: Integers) -> Integers:
        real = x.scale * (q - x.zero_point).astype(np.float32)
        out = half_away((function(real) * inverse).astype(np.float32))
        return clipped((out + np.float32(y.zero_point)).astype(np.int64), *BOUNDS[y.type])

    return table


def log2_of(scale: np.float32) -> int | None:
    """Return the exponent of a scale that is a power of two (nearly, as the kernels see it), else None."""
    exact = np.float32(np.log(scale)) * (np.float32(1) / np.log(np.float32(2)))
    whole = half_away(exact)
    return int(whole) if abs(exact - whole) < np.float32(1e-3) else None


def _sixteen_bits(x: Record, exact_shifts: tuple[int, ...]) -> Function:
    """Return the step from the input to the table's own scale, 1 / (3 * 4096)."""
    log2 = log2_of(x.scale)
    left = None if log2 is None else 12 + log2
    if left in exact_shifts:
        factor, shift = 3 << left, 0
    else:
        real, shift = float(np.float64(x.scale) * 4096.0 * 3.0), 0
        while real <= 32767.0 / 2.0 and shift <= 30:
            real, shift = real * 2.0, shift + 1
        factor = int(real)
    half = 1 << (shift - 1) if shift else 0
    return lambda q: (q * factor + half) >> shift


def _logistic16(x: Record) -> Function:
    onto = _sixteen_bits(x, (0,))

    def function(q: Integers) -> Integers:
        at = onto(q)
        size = np.abs(at)
        place = np.minimum(size >> 9, 254)
        base, rest = SIGMOID[place], size & 0x1FF
        value = np.where(size >> 9 >= 255, 0x7FFF << 10, (base << 9) + rest * (SIGMOID[place + 1] - base))
        return np.where(at >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1) >> 10

    return function


def _tanh16(x: Record) -> Function:
    onto = _sixteen_bits(x, (0, 1))

    def function(q: Integers) -> Integers:
        at = onto(q)
        size = np.abs(at)
        place = np.minimum(size >> 8, 254)
        base, rest = SIGMOID[place], size & 0xFF
        value = np.where(size >> 8 >= 255, 0xFFFF << 8, (base << 8) + rest * (SIGMOID[place + 1] - base))
        return np.where(at >= 0, value - (1 << 23) + (1 << 7), -value + (1 << 23) + (1 << 7) - 1) >> 8

    return function


# Two integers to one


def sum_scales(a: Record, b: Record, y: Record, left: int) -> tuple[Multiplier, Multiplier, Multiplier]:
    """Return the multipliers of ADD and SUB: of both inputs, shifted ``left``, and of their sum."""
    twice = 2 * np.float64(max(a.scale, b.scale))
    inputs = [multiplier_of(float(np.float64(r.scale) / twice)) for r in (a, b)]
    return inputs[0], inputs[1], multiplier_of(float(twice / np.float64(np.float32(1 << left) * y.scale)))


def product_factor(a: Record, b: Record, y: Record) -> float:
    """Return the factor of MUL, in float32."""
    return float(a.scale * b.scale / y.scale)


# Many integers to one


def average(total: Integers, count: Integers | int, ends: tuple[int, int]) -> Integers:
    """Return AVERAGE_POOL_2D: the nearest integer to ``total / count``, ties away from zero, within ``ends``."""
    half = np.asarray(count, np.int64) // 2
    up = np.where(total > 0, (total + half) // count, -((half - total) // count))
    return clipped(up, *ends)


def mean(x: Record, y: Record, count: int) -> Function:
    """Return MEAN of ``count`` integers from their sum: the division is inside the multiplier."""
    mantissa, shift = multiplier_of(float(np.float64(x.scale) / np.float64(y.scale)))
    down = min(count.bit_length() - 1, 32, 31 + shift)
    mantissa, shift = (mantissa << down) // count, shift - down
    zero = x.zero_point * count
    return lambda total: clipped(scaled(total - zero, mantissa, shift) + y.zero_point, *BOUNDS[y.type])


SIGMOID: Integers = np.array(
    [
        32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794, 41432, 42064, 42688,
        43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409,
        51865, 52311, 52745, 53169, 53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
        57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110,
        61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186,
        63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
        64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900,
        64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208,
        65221, 65234, 65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
        65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433, 65438, 65442, 65445, 65449,
        65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491,
        65493, 65495, 65497, 65498, 65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
        65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
        65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530,
        65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
        65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
    ],
    np.int64,
)  # fmt: skip
"""sigmoid(i / 24) with 16 bits behind the point, as the format's 16-bit kernels have it (entries are up to 1.1 off)."""
