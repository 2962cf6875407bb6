# SPDX-License-Identifier: Apache-2.0
"""Functions of one integer, and the assignment of a number to a narrower fixed-point type, as nodes of the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed import SHIFT_INVARIANT, FixedFormat, shifted
from tailrace.core.steps import Steps, from_rows, from_table
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.graph import Add, Pad, Pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.frontend.hls4ml.records import Layer
    from tailrace.frontend.hls4ml.sheet import Sheet, Signal

Integers = NDArray[np.int64]

TABLE_POINTS = 1 << 20
"""A function is evaluated at so many points at most, ..."""

LEVELS = 1 << 18
"""... and beyond them by bisection between so many changes at most, where it never falls."""

TABLE_ENTRIES = 1 << 8
"""A wrap of so few numbers is a table in hardware; of more, it is cheaper to subtract."""

CLAMP_BITS = 16
"""Numbers of at most so many bits are told their range again behind a wrap, so that the next layer is narrow."""


def steps_of(function: Callable[[Integers], Integers], low: int, high: int, *, rising: bool) -> Steps:
    """Return a function of the integers ``low..high`` as steps; RefusedError where there are too many."""
    if high - low < TABLE_POINTS:
        x = np.arange(low, high + 1, dtype=np.int64)
        return from_table(np.array([low]), np.array([high]), function(x)[:, None])
    first, last = (int(v) for v in function(np.array([low, high], np.int64)))
    if not rising or last - first > LEVELS:
        raise RefusedError(
            f"it makes a function of {high - low + 1:,} integers with {last - first + 1:,} values",
            f"at most {TABLE_POINTS:,} integers, or a function that never falls with at most {LEVELS:,} values",
            "use types with fewer bits: result_t of this layer or of the one in front",
        )
    wanted = np.arange(first + 1, last + 1, dtype=np.int64)
    below, above = np.full(len(wanted), low, np.int64), np.full(len(wanted), high, np.int64)
    while (above - below > 1).any():
        middle = below + (above - below) // 2
        reached = function(middle) >= wanted
        above, below = np.where(reached, middle, above), np.where(reached, below, middle)
    breaks = np.unique(above)
    return from_rows([(breaks, np.concatenate([[first], function(breaks)]))])


def applied(
    sheet: Sheet,
    signal: Signal,
    function: Callable[[Integers], Integers],
    fraction_bits: int,
    fmt: FixedFormat,
    *,
    rising: bool = False,
) -> Signal:
    """Emit one function for all elements: from integers of the signal to integers of ``fraction_bits``."""
    steps = steps_of(function, signal.low, signal.high, rising=rising)
    tensor = sheet.emit_map(signal.tensor, steps, "")
    return sheet.signal(tensor, fraction_bits, fmt)


def looked_up(
    sheet: Sheet,
    signal: Signal,
    index: Callable[[Integers], Integers],
    entries: Callable[[Integers], Integers],
    result: tuple[int, FixedFormat],
) -> Signal:
    """Emit ``entries(index(x))``, where the index never falls, so that the input may have many bits.

    ``result`` are the fraction bits of the entries and the type that they are kept in.
    """
    first = steps_of(index, signal.low, signal.high, rising=True)
    breaks, values = first.breaks[0], entries(first.values[0])
    tensor = sheet.emit_map(signal.tensor, from_rows([(breaks, values)]), "")
    return sheet.signal(tensor, *result)


def applied_each(
    sheet: Sheet,
    signal: Signal,
    functions: list[Callable[[Integers], Integers]],
    fraction_bits: int,
    fmt: FixedFormat,
) -> Signal:
    """Emit functions one for every channel, or one for every element of a sample."""
    if signal.high - signal.low >= TABLE_POINTS:
        raise RefusedError(
            f"it has functions of {signal.high - signal.low + 1:,} integers that differ from element to element",
            f"at most {TABLE_POINTS:,} integers",
            "use a narrower result_t in front of it",
        )
    found: dict[int, tuple[Integers, Integers]] = {}
    rows = []
    for function in functions:
        if id(function) not in found:
            steps = steps_of(function, signal.low, signal.high, rising=False)
            found[id(function)] = (steps.breaks[0], steps.values[0])
        rows.append(found[id(function)])
    shape = signal.shape
    tensor = sheet.emit_map(signal.tensor, from_rows(rows), "")
    return sheet.signal(sheet.reshaped(tensor, shape), fraction_bits, fmt)


def assigned(sheet: Sheet, layer: Layer, signal: Signal, *formats: FixedFormat) -> Signal:
    """Emit what it takes to assign a signal to the first type, that to the second, and so on.

    Nothing is emitted where no reachable number changes. A type that loses numbers to its overflow is remembered.
    """
    for index, fmt in enumerate(formats):
        after = formats[index + 1] if index + 1 < len(formats) else None
        signal = _assigned(sheet, layer, signal, fmt, after)
    return signal


def _assigned(
    sheet: Sheet, layer: Layer, signal: Signal, fmt: FixedFormat, after: FixedFormat | None
) -> Signal:
    shift = signal.fraction_bits - fmt.fraction_bits
    low, high = _ends(signal, fmt)
    fits = fmt.low <= low and high <= fmt.high
    if fits and shift <= 0:
        return replace(signal, format=fmt)
    if not fits and fmt.overflow in {"WRAP", "SAT_ZERO"}:  # a quantizer saturates on purpose
        sheet.loses(layer, _loss(signal, fmt))
    if fits or fmt.overflow in {"SAT", "SAT_SYM"}:
        return applied(
            sheet,
            signal,
            lambda x: _saturated(x, signal, fmt),
            fmt.fraction_bits,
            fmt,
            rising=True,
        )
    if fmt.overflow == "SAT_ZERO":
        if shift > 0 and signal.high - signal.low >= TABLE_POINTS:
            signal = _rounded(sheet, signal, fmt)
        return applied(sheet, signal, lambda x: _table(x, signal, fmt), fmt.fraction_bits, fmt)
    if shift > 0 and fmt.rounding not in SHIFT_INVARIANT and signal.high - signal.low >= TABLE_POINTS:
        signal, shift = _rounded(sheet, signal, fmt), 0
    if shift <= 0 and after is not None and _wraps_again(fmt, after):
        return signal
    return _wrapped(sheet, signal, fmt, shift)


def _ends(signal: Signal, fmt: FixedFormat) -> tuple[int, int]:
    """Return the least and the greatest number of a signal on the grid of a format."""
    shift = signal.fraction_bits - fmt.fraction_bits
    if shift <= 0:
        return signal.low << -shift, signal.high << -shift
    ends = shifted(np.array([signal.low, signal.high], np.int64), shift, fmt.rounding)
    return int(ends[0]), int(ends[1])


def _loss(signal: Signal, fmt: FixedFormat) -> str:
    low, high = (value * 2.0**-signal.fraction_bits for value in (signal.low, signal.high))
    what = "wrap around" if fmt.overflow == "WRAP" else "become 0"
    return f"numbers from {low:g} to {high:g} do not fit {fmt}: they {what}, as in hls4ml"


def _saturated(x: Integers, signal: Signal, fmt: FixedFormat) -> Integers:
    """Round and clip; numbers that would not fit 62 bits on a finer grid are clipped before."""
    shift = signal.fraction_bits - fmt.fraction_bits
    if shift < 0:
        x = np.clip(x, (fmt.low >> -shift) - 1, (fmt.high >> -shift) + 1)
    return np.clip(fmt.rounded(x, signal.fraction_bits), fmt.low, fmt.high)


def _table(x: Integers, signal: Signal, fmt: FixedFormat) -> Integers:
    try:
        return fmt.quantize(x, signal.fraction_bits)
    except ValueError as error:
        raise RefusedError(str(error), "numbers of at most 62 bits", "use types with fewer bits") from None


def _rounded(sheet: Sheet, signal: Signal, fmt: FixedFormat) -> Signal:
    """Emit the rounding alone."""
    fraction = signal.fraction_bits
    return applied(
        sheet, signal, lambda x: fmt.rounded(x, fraction), fmt.fraction_bits, signal.format, rising=True
    )


def _wraps_again(fmt: FixedFormat, after: FixedFormat) -> bool:
    """Say whether the next type forgets whatever this one forgets, so that only the next one counts."""
    whole = fmt.integer_bits + after.fraction_bits
    return (
        after.overflow == "WRAP"
        and after.rounding in SHIFT_INVARIANT
        and after.integer_bits <= fmt.integer_bits
        and whole >= 1
    )


def _wrapped(sheet: Sheet, signal: Signal, fmt: FixedFormat, shift: int) -> Signal:
    """Emit the overflow of a type that keeps the low bits: a table, or what is too much is taken away.

    The number of times that the type is left behind is a function with few values; that many times its whole range is
    subtracted.
    """
    bits = fmt.bits + shift  # of the type, on the grid of the signal
    small = signal.high - signal.low < TABLE_ENTRIES
    if bits <= 0:
        return applied(sheet, signal, lambda x: x * 0, signal.fraction_bits, fmt)
    if small:
        grid, fraction = (fmt.fraction_bits, signal.fraction_bits)
        if shift < 0:
            local = replace(fmt, bits=bits, fraction_bits=fraction)
            return applied(sheet, signal, local.bounded, fraction, fmt)
        return applied(sheet, signal, lambda x: fmt.quantize(x, fraction), grid, fmt)
    low = fmt.low if shift > 0 else (-(1 << (bits - 1)) if fmt.signed else 0)

    def rounded(x: Integers) -> Integers:
        return shifted(x, max(shift, 0), fmt.rounding)

    inner = fmt.bits if shift > 0 else bits
    turns = applied(sheet, signal, lambda x: (rounded(x) - low) >> inner, 0, fmt, rising=True)
    name = sheet.new_name("add")
    node = Add(
        name=name,
        a=sheet.reshaped(signal.tensor, turns.shape).name,
        b=turns.tensor.name,
        output=name,
        b_factor=-(1 << bits),
    )
    tensor = sheet.reshaped(sheet.emit(node, turns.shape, ""), signal.shape)
    top = low + (1 << inner) - 1
    if shift > 0:
        reached = replace(
            sheet.signal(tensor, signal.fraction_bits, fmt),
            low=(low - 1) << shift,
            high=(top + 2) << shift,
        )
        return applied(
            sheet, reached, lambda x: np.clip(rounded(x), low, top), fmt.fraction_bits, fmt, rising=True
        )
    reached = replace(sheet.signal(tensor, signal.fraction_bits, fmt), low=low, high=top)
    return clamped(sheet, reached)


def clamped(sheet: Sheet, signal: Signal) -> Signal:
    """Tell the graph the range of a signal where it takes it for wider and the number is narrow."""
    tensor = signal.tensor
    known = int(tensor.low.min()) >= signal.low and int(tensor.high.max()) <= signal.high
    if known or signal.high - signal.low >= 1 << CLAMP_BITS:
        return signal
    return applied(sheet, signal, lambda x: x, signal.fraction_bits, signal.format, rising=True)


def not_below_zero(sheet: Sheet, signal: Signal) -> Signal:
    """Emit max(x, 0) for numbers of any width: beyond a function, the larger one of every number and a padded zero."""
    if signal.low >= 0:
        return signal
    if signal.high - signal.low < 1 << CLAMP_BITS:
        fraction, fmt = signal.fraction_bits, signal.format
        return applied(sheet, signal, lambda x: np.maximum(x, 0), fraction, fmt, rising=True)
    shape, channels = signal.shape, signal.channels
    positions = signal.tensor.size // channels
    tensor = sheet.reshaped(signal.tensor, (positions, 1, channels))
    name = sheet.new_name("pad")
    pad = Pad(name=name, input=tensor.name, output=name, top=0, bottom=0, left=0, right=1)
    tensor = sheet.emit(pad, (positions, 2, channels), "")
    tensor = sheet.reshaped(tensor, (positions, 2 * channels))
    name = sheet.new_name("pool")
    pool = Pool(name=name, input=tensor.name, output=name, operation="maximum", taps=2)
    tensor = sheet.reshaped(sheet.emit(pool, (positions, channels), ""), shape)
    found = sheet.signal(tensor, signal.fraction_bits, signal.format)
    return replace(found, low=0, high=max(signal.high, 0))
