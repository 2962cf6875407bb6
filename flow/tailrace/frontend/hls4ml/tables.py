# SPDX-License-Identifier: Apache-2.0
"""The tables of hls4ml's activations, entry by entry as their C++ fills them: with floats and the C library.

The functions are taken from the C library that the C++ is linked with, since numpy's own differ in the last place.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

AROUND_ZERO = {"sigmoid": 16, "tanh": 8, "softplus": 16, "softsign": 16}
"""{activation: how wide the table is, half of it below zero}."""


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("m")
    return ctypes.CDLL(name) if name else None


@lru_cache(maxsize=8)
def _single(name: str) -> Callable[[float], float]:
    """Return the float function of the C library (expf, tanhf), or the rounded double one where there is none."""
    library = _library()
    if library is None or not hasattr(library, f"{name}f"):
        double: Callable[[float], float] = getattr(math, name)
        return lambda x: float(np.float32(double(x)))
    function = getattr(library, f"{name}f")
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return lambda x: float(function(x))


def exponential(x: float) -> float:
    """Return ``expf(x)``; infinite where it is too large for a float."""
    return _single("exp")(float(np.float32(x)))


def _value(name: str, x: float) -> float:
    match name:
        case "sigmoid":
            return 1.0 / float(np.float32(1) + np.float32(exponential(-x)))
        case "tanh":
            return _single("tanh")(x)
        case "softplus":
            return math.log(exponential(x) + 1.0)
        case "softsign":
            return x / (abs(x) + 1.0)
        case "elu":
            return exponential(x) - 1.0
        case "selu":
            return 1.0507009873554804934193349852946 * (
                1.6732632423543772848170429916717 * (exponential(x) - 1.0)
            )
    raise ValueError(f"there is no table of {name}")


@lru_cache(maxsize=64)
def table(name: str, size: int) -> Doubles:
    """Return the entries of a table as floats, before they are put into its type."""
    i = np.arange(size, dtype=np.float64)
    if name in AROUND_ZERO:
        span = AROUND_ZERO[name] / 2
        x = 2 * span * (i - size / 2.0) / size
    else:
        x = -8.0 * i / size
    entries = [_value(name, float(v)) for v in x.astype(np.float32)]
    return np.array(entries).astype(np.float32).astype(np.float64)


def quotient(values: Integers, divisor: int, fraction_bits: int) -> Integers:
    """Return ``values / 2**fraction_bits / divisor`` cut towards zero."""
    if fraction_bits < 0:
        values, fraction_bits = values << -fraction_bits, 0
    whole = np.abs(values) // (divisor << fraction_bits)
    return np.where(values < 0, -whole, whole)
