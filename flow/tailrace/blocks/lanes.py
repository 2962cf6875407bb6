# SPDX-License-Identifier: Apache-2.0
"""What the element-wise blocks share: channels on lanes, memory words per channel, step functions, clipping.

An array "per channel" has ``channels`` rows, or one row that all channels share. A block steps through
*folds*: memory word f holds the rows of the channels f * pe to f * pe + pe - 1, lane 0 first. Where all
rows are equal, or all channels come in one word, there is a single memory word, and synthesis makes
constants of it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.base import Stream
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.blocks.base import Integers
    from tailrace.targets.family import Family

FEW_LEVELS = 16
"""Up to so many thresholds, comparing with each in turn is faster in numpy than a binary search."""

INT64_BITS = 63
"""Signed numbers of so many bits can be added and subtracted once in int64."""


def divisors(number: int) -> tuple[int, ...]:
    """Return the divisors of ``number`` in ascending order."""
    return tuple(d for d in range(1, number + 1) if number % d == 0)


def check_lanes(*, channels: int, pe: int, vectors: int) -> None:
    """Raise MappingError where ``pe`` does not divide ``channels``, ValueError where a count is below 1."""
    if channels < 1 or vectors < 1:
        raise ValueError(f"channels={channels} and vectors={vectors} must be at least 1")
    if pe < 1 or channels % pe:
        raise MappingError(
            f"pe={pe} does not divide the {channels} channels",
            hint=f"use one of {', '.join(map(str, divisors(channels)))}",
        )


def check_rows(values: Integers, *, channels: int, shape: tuple[int, ...], what: str) -> None:
    """Raise ValueError unless ``values`` is an int64 array of shape (channels or 1, *shape)."""
    if values.dtype != np.int64:
        raise ValueError(f"{what} must be int64, not {values.dtype}")
    if values.shape not in ((channels, *shape), (1, *shape)):
        wanted = " or ".join(str((rows, *shape)) for rows in sorted({channels, 1}, reverse=True))
        raise ValueError(f"{what} has shape {values.shape}, not {wanted}")


def check_clip(*, low: int, high: int, out_type: IntType, bits: int = 32) -> None:
    """Raise ValueError unless low..high is a range of ``out_type`` with signed ends of at most ``bits`` bits."""
    if low > high or low < out_type.min or high > out_type.max:
        raise ValueError(f"the range {low}..{high} does not lie in {out_type}")
    if signed_bits(low, high) > bits:
        raise ValueError(f"the range {low}..{high} does not fit {bits}-bit signed parameters")
    if out_type.signed != (low < 0) and out_type.bits > signed_bits(low, high):
        raise ValueError(f"{out_type} is wider than {low}..{high} needs and of another signedness")


def words_of(value: int) -> tuple[int, int]:
    """Return the lower and the upper 32 bits of a number, each as a signed parameter."""
    return ((value + (1 << 31)) % (1 << 32)) - (1 << 31), value >> 32


def edge(type_: IntType, *, channels: int, pe: int, vectors: int) -> Stream:
    """Return the stream of ``vectors`` vectors of ``channels`` integers per frame, ``pe`` a word."""
    return Stream(lanes=pe, type=type_, words=vectors * channels // pe)


def all_rows_equal(values: Integers) -> bool:
    """Tell whether one row can stand for all."""
    return len(values) == 1 or bool((values == values[:1]).all())


def fold_count(arrays: Sequence[Integers], *, channels: int, pe: int) -> int:
    """Return the number of memory words: 1 where all channels are alike, otherwise channels / pe."""
    return 1 if all(all_rows_equal(array) for array in arrays) else channels // pe


def fold_rows(values: Integers, *, folds: int, pe: int) -> Integers:
    """Lay (channels or 1, ...) rows out as (folds, pe * ...) memory words."""
    rows = values[:1] if all_rows_equal(values) else values
    wanted = np.broadcast_to(rows, (folds * pe, *rows.shape[1:]))
    return np.ascontiguousarray(wanted).reshape(folds, -1)


def signed_bits(*values: int) -> int:
    """Return the bits of the smallest two's complement type that holds all ``values``."""
    return max(1 + (value if value >= 0 else -value - 1).bit_length() for value in values)


def clips(*, bits: int, low: int, high: int) -> bool:
    """Tell whether the hardware must clip a two's complement number of ``bits`` bits to low..high."""
    box = signed_bits(low, high)
    return bits > box or low != -(1 << (box - 1)) or high != (1 << (box - 1)) - 1


def exact(values: Integers, *, bits: int) -> Integers:
    """Return ``values`` as they are if ``bits`` bits are exact in int64, else as Python integers."""
    return values if bits <= INT64_BITS else values.astype(object)


# --- step functions: threshold and threshold_search ----------------------------------------------------


def check_steps(
    *,
    thresholds: Integers,
    base: Integers,
    decreasing: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    channels: int,
    in_type: IntType,
    out_type: IntType,
) -> None:
    """Raise ValueError unless the arrays are step functions from ``in_type`` to ``out_type``."""
    if thresholds.ndim != 2 or thresholds.shape[1] < 1:
        raise ValueError(f"thresholds has shape {thresholds.shape}, not (channels or 1, at least one level)")
    check_rows(thresholds, channels=channels, shape=thresholds.shape[1:], what="thresholds")
    check_rows(base, channels=channels, shape=(), what="base")
    if decreasing.dtype != np.bool_ or decreasing.shape not in ((channels,), (1,)):
        raise ValueError(f"decreasing is {decreasing.dtype} {decreasing.shape}, not bool (channels or 1,)")
    if (np.diff(thresholds, axis=1) < 0).any():
        raise ValueError("the thresholds of a channel must ascend")
    if thresholds.min() < in_type.min or thresholds.max() > in_type.max + 1:
        raise ValueError(
            f"thresholds {thresholds.min()}..{thresholds.max()} lie outside of {in_type}; "
            f"{in_type.max + 1} stands for never"
        )
    if out_type.bits > 32:
        raise ValueError(f"{out_type} has more than 32 bits")
    sign = np.where(decreasing, -1, 1)
    ends = [base + sign * (thresholds <= limit).sum(axis=1) for limit in (in_type.min, in_type.max)]
    low, high = min(int(end.min()) for end in ends), max(int(end.max()) for end in ends)
    if low < out_type.min or high > out_type.max:
        raise ValueError(f"the values {low}..{high} do not fit {out_type}")


def count_steps(values: Integers, thresholds: Integers) -> Integers:
    """Return, for (n, channels) values, how many of the channel's thresholds each has reached."""
    rows, levels = thresholds.shape
    if levels <= FEW_LEVELS:
        count = np.zeros(values.shape, np.int8)
        for level in range(levels):
            count += (values >= thresholds[:, level]).view(np.int8)
        return count.astype(np.int64)
    if rows == 1:
        return np.searchsorted(thresholds[0], values.ravel(), side="right").reshape(values.shape)
    columns = np.ascontiguousarray(values.T)
    found = [
        np.searchsorted(row, column, side="right") for row, column in zip(thresholds, columns, strict=True)
    ]
    return np.stack(found, axis=1)


def evaluate_steps(
    frames: Integers,
    *,
    thresholds: Integers,
    base: Integers,
    decreasing: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    channels: int,
) -> Integers:
    """Return y = base +/- the number of thresholds <= x for (frames, vectors * channels) values."""
    count = count_steps(frames.reshape(-1, channels), thresholds)
    if decreasing.any():
        count = np.where(decreasing, -count, count)
    return (count + base).reshape(frames.shape)


def has_offsets(base: Integers, decreasing: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> bool:
    """Tell whether channels differ in base or some decrease; otherwise one increasing base holds for all."""
    return bool(decreasing.any()) or not all_rows_equal(base)


def offset_rows(
    base: Integers, decreasing: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], *, out_type: IntType
) -> Integers:
    """Return the (channels or 1,) words {decreasing, base}, ``out_type.bits`` + 1 bits wide."""
    words: Integers = (decreasing.astype(np.int64) << out_type.bits) | (base & ((1 << out_type.bits) - 1))
    return words


def threshold_type(thresholds: Integers, in_type: IntType) -> IntType:
    """Return ``in_type``, or a bit more where some threshold is beyond it, which means never."""
    never = bool(thresholds.max() > in_type.max)
    return IntType(in_type.bits + never, signed=in_type.signed)


# --- cost --------------------------------------------------------------------------------------------------


def carry_cells(family: Family, bits: float) -> float:
    """Return the carry cells of a chain: CARRY4 takes 4 bits, CCU2C 2, SB_CARRY 1."""
    return bits / family.carry.bits


def comparators(family: Family, *, count: float, bits: int, constant: bool) -> Resources:
    """Return ``count`` comparators of ``bits`` bits, with a constant or with a register (from pyosys runs).

    The logic of a comparator is inside of carry cells that take the place of LUTs (ECP5); else a LUT of four inputs
    stands beside each carry (iCE40).
    """
    if family.carry.in_luts:
        cells = max(1.0, carry_cells(family, bits) - 1)
        return Resources(lut=count * 0.3, carry=count * (0.9 * cells if constant else cells))
    if not family.wide_luts:
        return Resources(lut=count * (1.0 if constant else bits), carry=count * bits)
    if constant:
        return Resources(lut=count * bits * 0.3, carry=count * max(1.0, bits / 12))
    groups = -(-bits // 3)  # of 3 bits of either side: a LUT each for less and for equal
    return Resources(lut=2.0 * count * groups, carry=count * (-(-groups // 4)))


def parity(family: Family, inputs: float) -> float:
    """Return the LUTs of parities of ``inputs`` bits in all."""
    return inputs / (family.lut_inputs - 1)


def distinct_bits(*, words: int, bits: int) -> float:
    """Return how many of ``bits`` columns of ``words`` random bits differ: equal ones share a LUT."""
    if words <= 1 or words >= 32:
        return bits if words > 1 else 0.0
    kinds = float(1 << words)
    return kinds * (1 - math.exp(-bits / kinds))


def constant_memory(family: Family, *, words: int, bits: int) -> float:
    """Return the LUTs of a memory of constants with ``words`` words of ``bits`` bits."""
    places = 1 << family.lut_inputs
    return 1.1 * distinct_bits(words=words, bits=bits) * max(1.0, words / places)


def memory(family: Family, *, words: int, bits: int, style: int = 0) -> Resources:
    """Return one memory of constants in the style that yosys chooses or is told (1, 2 LUTs, 3 block RAM)."""
    ram = family.block_memory
    block = style == 3 or (style == 0 and words * bits >= ram.constant_bits)
    if words > 1 and block:
        blocks = max(-(-words * bits // ram.data_bits), -(-bits // ram.data_width))
        return Resources(bram18=blocks * ram.bram18)
    return Resources(lut=constant_memory(family, words=words, bits=bits))


def clip_luts(family: Family, *, bits: int, out_bits: int) -> float:
    """Return the LUTs that saturate to ``out_bits``: the test of the upper bits and a choice per bit."""
    return out_bits + max(0, bits - out_bits) / (family.lut_inputs - 1)


def product_cost(a_bits: int, b_bits: int, out_bits: int, family: Family) -> Resources:
    """Return the cost of a product, which yosys puts into multiplier blocks where the family has them."""
    result_bits = min(a_bits + b_bits, out_bits)
    wide, narrow = max(a_bits, b_bits), min(a_bits, b_bits)
    block = family.multiplier
    if block and result_bits >= block.least_bits and narrow > 1:
        return Resources(dsp=-(-wide // block.wide) * -(-narrow // block.narrow))
    return Resources(lut=1.9 * a_bits * b_bits, carry=a_bits * b_bits / 8)
