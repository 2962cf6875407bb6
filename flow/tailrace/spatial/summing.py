# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ANN001, ANN201, PLR0917, FBT003 - compiled by numba, which finds the types itself
# mypy: disable-error-code="no-untyped-def"
"""The compiled count of what a sum costs: its adders, as a tree, to the bit.

Expressions are rows of arrays: ``node``, ``shift``, ``sign`` (rows, capacity) and ``count`` (rows,). Row e defines
node ``inputs + e``; rows of no terms are dead.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def bits_of(low, high):
    """Return the bits of a range in two's complement or, where nothing is negative, unsigned."""
    magnitude = max(high, -low - 1)
    bits = 0
    while magnitude > 0:
        magnitude >>= 1
        bits += 1
    return bits + (1 if low < 0 else 0)


@numba.njit(cache=True)
def adder(shift, sign, low, high, count, out):
    """Return the LUTs of one adder; ``out`` gets shift, low, high of the sum in units of 2**shift, and its start bit.

    Bits below the lowest one in which two operands meet, or one is subtracted, are wiring.
    """
    base = shift[0]
    for i in range(1, count):
        base = min(base, shift[i])
    total_low = 0
    total_high = 0
    start = 1 << 20
    for i in range(count):
        lift = shift[i] - base
        if sign[i] > 0:
            total_low += low[i] << lift
            total_high += high[i] << lift
        else:
            total_low -= high[i] << lift
            total_high -= low[i] << lift
            start = min(start, lift)
    for i in range(count):
        for j in range(i + 1, count):
            first, second = (i, j) if shift[i] <= shift[j] else (j, i)
            apart = low[first] >= 0 and sign[first] > 0
            if not apart or shift[first] + bits_of(low[first], high[first]) > shift[second]:
                start = min(start, shift[second] - base)
    out[0] = base
    out[1] = total_low
    out[2] = total_high
    top = bits_of(total_low, total_high)
    start = min(start, top)
    out[3] = start
    return top - start


@numba.njit(cache=True)
def tree(shift, sign, low, high, level, count, ternary, depth_first, root, plan):
    """Sum ``count`` operands by adders, narrow and early ones first; return (LUTs, level of the sum, adders).

    The arrays have room for ``2 * count`` operands; the sums are appended. ``plan`` (count, 4) gets the operands of
    every adder (-1: none) and its sign: -1 where the sum is kept negated.
    """
    alive = np.ones(2 * count + 2, np.bool_)
    total = count
    left = count
    cost = 0
    adders = 0
    chosen = np.empty(3, np.int64)
    a_shift = np.empty(3, np.int64)
    a_sign = np.empty(3, np.int64)
    a_low = np.empty(3, np.int64)
    a_high = np.empty(3, np.int64)
    out = np.empty(4, np.int64)
    while left > 1:
        want = 2
        if ternary and left % 2 == 1:
            want = 3
        for k in range(want):
            best = -1
            best_key = 0
            for i in range(total):
                if alive[i]:
                    key = shift[i] + bits_of(low[i], high[i])
                    key += level[i] * depth_first
                    if best < 0 or key < best_key:
                        best = i
                        best_key = key
            alive[best] = False
            chosen[k] = best
        last = left == want
        negatives = 0
        lowest = 0
        for k in range(want):
            if sign[chosen[k]] < 0:
                negatives += 1
            if shift[chosen[k]] < shift[chosen[lowest]]:
                lowest = k
        if want == 3 and negatives == 3 and last and root:
            # Three subtracted operands do not fit one adder: sum two of them first.
            alive[chosen[2]] = True
            want = 2
            last = False
            negatives = 2
            if lowest == 2:
                lowest = 0 if shift[chosen[0]] <= shift[chosen[1]] else 1
        flip = 1
        if not (last and root) and sign[chosen[lowest]] < 0:
            flip = -1
        for k in range(want):
            i = chosen[k]
            a_shift[k] = shift[i]
            a_sign[k] = sign[i] * flip
            a_low[k] = low[i]
            a_high[k] = high[i]
        cost += adder(a_shift, a_sign, a_low, a_high, want, out)
        deepest = 0
        for k in range(want):
            deepest = max(deepest, level[chosen[k]])
        shift[total] = out[0]
        sign[total] = flip
        low[total] = out[1]
        high[total] = out[2]
        level[total] = deepest + 1
        for k in range(3):
            plan[adders, k] = chosen[k] if k < want else -1
        plan[adders, 3] = flip
        adders += 1
        total += 1
        left -= want - 1
    return cost, level[total - 1], adders


@numba.njit(cache=True)
def total_cost(node, shift, sign, count, rows, inputs, low, high, constant, ternary, depth_first):
    """Return (LUTs of all adders, deepest level)."""
    capacity = node.shape[1]
    level = np.zeros(inputs + rows, np.int64)
    done = np.zeros(rows, np.bool_)
    t_shift = np.empty(2 * capacity + 4, np.int64)
    t_sign = np.empty(2 * capacity + 4, np.int64)
    t_low = np.empty(2 * capacity + 4, np.int64)
    t_high = np.empty(2 * capacity + 4, np.int64)
    t_level = np.empty(2 * capacity + 4, np.int64)
    plan = np.empty((2 * capacity + 4, 4), np.int64)
    cost = 0
    deepest = 0
    left = rows
    while left > 0:
        before = left
        for e in range(rows):
            if done[e]:
                continue
            ready = True
            for t in range(count[e]):
                if node[e, t] >= inputs and not done[node[e, t] - inputs]:
                    ready = False
                    break
            if not ready:
                continue
            done[e] = True
            left -= 1
            n = count[e]
            for t in range(n):
                t_shift[t] = shift[e, t]
                t_sign[t] = sign[e, t]
                t_low[t] = low[node[e, t]]
                t_high[t] = high[node[e, t]]
                t_level[t] = level[node[e, t]]
            if n > 0 and constant[e] != 0:
                zeros = 0
                while (constant[e] >> zeros) & 1 == 0:
                    zeros += 1
                t_shift[n] = zeros
                t_sign[n] = 1
                t_low[n] = constant[e] >> zeros
                t_high[n] = constant[e] >> zeros
                t_level[n] = 0
                n += 1
            if n == 1 and t_sign[0] < 0:
                cost += bits_of(low[inputs + e], high[inputs + e])
            if n > 0:
                add, reached, _ = tree(
                    t_shift, t_sign, t_low, t_high, t_level, n, ternary, depth_first, True, plan
                )
                cost += add
                level[inputs + e] = reached if n > 1 else t_level[0]
                deepest = max(deepest, level[inputs + e])
        if left == before:
            return -1, -1  # a circle: cannot happen
    return cost, deepest
