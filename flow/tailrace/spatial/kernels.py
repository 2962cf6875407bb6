# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ANN001, ANN201, PLR0917, NPY002 - compiled by numba, which finds the types itself
# mypy: disable-error-code="no-untyped-def"
"""The compiled inner loops of the search for shared subexpressions (:mod:`tailrace.spatial.share`).

Expressions are rows of arrays: ``node``, ``shift``, ``sign`` (rows, capacity) and ``count`` (rows,). Row e defines
node ``inputs + e``; rows of no terms are dead. A *pattern* is a list of terms; it occurs in a
row at a base shift and a sign.
"""

from __future__ import annotations

import numba
import numpy as np

from tailrace.spatial.summing import adder, bits_of

MAX_NODES = 1 << 14
PATTERN_AT_MOST = 9
EXTENSION_SLOTS = 1 << 13

SLOT, USED, ACTIVE = 0, 1, 1


@numba.njit(cache=True)
def add_pair(keys, counts, active, place, meta, key, delta):
    """Count a pair up or down in the hash table; pairs that occur twice or more are in the ``active`` list."""
    mask = len(keys) - 1
    slot = ((key * 0x9E3779B97F4A7C1) >> 17) & mask
    while keys[slot] != key:
        if keys[slot] < 0:
            keys[slot] = key
            counts[slot] = 0
            place[slot] = -1
            meta[USED] += 1
            break
        slot = (slot + 1) & mask
    counts[slot] += delta
    if counts[slot] >= 2:
        if place[slot] < 0:
            place[slot] = meta[SLOT]
            active[meta[SLOT]] = slot
            meta[SLOT] += 1
    elif place[slot] >= 0:
        meta[SLOT] -= 1
        moved = active[meta[SLOT]]
        active[place[slot]] = moved
        place[moved] = place[slot]
        place[slot] = -1


@numba.njit(cache=True)
def pair_key(n1, s1, g1, n2, s2, g2):
    """Return the number of a pair of terms: the same for all shifts and signs of the whole."""
    if n1 > n2 or (n1 == n2 and s1 > s2):
        n1, s1, g1, n2, s2, g2 = n2, s2, g2, n1, s1, g1
    return ((np.int64(n1) * MAX_NODES + n2) * 128 + (s2 - s1 + 64)) * 2 + (1 if g1 != g2 else 0)


@numba.njit(cache=True)
def count_row(node, shift, sign, count, e, t, delta, keys, counts, active, place, meta):
    """Count all pairs of term t of row e."""
    for u in range(count[e]):
        if u != t:
            key = pair_key(node[e, t], shift[e, t], sign[e, t], node[e, u], shift[e, u], sign[e, u])
            add_pair(keys, counts, active, place, meta, key, delta)


@numba.njit(cache=True)
def find_term(node, shift, sign, count, e, n, s, g):
    """Return where row e has a term, or -1."""
    for t in range(count[e]):
        if node[e, t] == n and shift[e, t] == s and sign[e, t] == g:
            return t
    return -1


@numba.njit(cache=True)
def occurrences(node, shift, sign, count, rows, p_node, p_shift, p_sign, size, used, stamp, found):
    """Find where a pattern occurs without overlap: ``found`` (n, 3) gets row, base shift, sign; return n."""
    n = 0
    limit = len(found)
    for e in range(rows):
        if count[e] < size:
            continue
        for t in range(count[e]):
            if node[e, t] != p_node[0] or used[e, t] == stamp:
                continue
            base = shift[e, t] - p_shift[0]
            g = sign[e, t] * p_sign[0]
            if base < 0:
                continue
            whole = True
            for i in range(1, size):
                u = find_term(node, shift, sign, count, e, p_node[i], p_shift[i] + base, p_sign[i] * g)
                if u < 0 or used[e, u] == stamp or u == t:
                    whole = False
                    break
            if not whole or n >= limit:
                continue
            for i in range(size):
                u = find_term(node, shift, sign, count, e, p_node[i], p_shift[i] + base, p_sign[i] * g)
                used[e, u] = stamp
            found[n, 0] = e
            found[n, 1] = base
            found[n, 2] = g
            n += 1
    return n


@numba.njit(cache=True)
def pattern_width(p_node, p_shift, p_sign, size, low, high):
    """Return the LUTs of one adder as wide as a pattern."""
    s = np.empty(size, np.int64)
    g = np.empty(size, np.int64)
    lo = np.empty(size, np.int64)
    hi = np.empty(size, np.int64)
    out = np.empty(4, np.int64)
    for i in range(size):
        s[i] = p_shift[i]
        g[i] = p_sign[i]
        lo[i] = low[p_node[i]]
        hi[i] = high[p_node[i]]
    return adder(s, g, lo, hi, size, out)


@numba.njit(cache=True)
def share(
    node, shift, sign, count, rows, inputs, low, high, width, ternary, eagerness, noise, tops, seed, room
):
    """Take shared patterns out, the most saving first, until none saves anything; return the number of rows.

    ``width`` (rows,) are the LUTs of an average adder of a row; ``eagerness`` weighs what an occurrence saves against
    what the new row costs; ``noise`` blurs the ranking (with ``seed``); ``tops`` pairs are looked at closely
    each time.
    """
    np.random.seed(seed)
    capacity = node.shape[1]
    limit = node.shape[0]
    keys = np.full(room, -1, np.int64)
    counts = np.zeros(room, np.int32)
    place = np.full(room, -1, np.int32)
    active = np.empty(room, np.int32)
    meta = np.zeros(2, np.int64)
    for e in range(rows):
        for t in range(count[e]):
            for u in range(t):
                key = pair_key(node[e, t], shift[e, t], sign[e, t], node[e, u], shift[e, u], sign[e, u])
                add_pair(keys, counts, active, place, meta, key, 1)
    used = np.zeros((limit, capacity), np.int64)
    stamp = 0
    found = np.empty((4096, 3), np.int64)
    p_node = np.empty(PATTERN_AT_MOST + 1, np.int64)
    p_shift = np.empty(PATTERN_AT_MOST + 1, np.int64)
    p_sign = np.empty(PATTERN_AT_MOST + 1, np.int64)
    b_node = np.empty(PATTERN_AT_MOST + 1, np.int64)
    b_shift = np.empty(PATTERN_AT_MOST + 1, np.int64)
    b_sign = np.empty(PATTERN_AT_MOST + 1, np.int64)
    x_key = np.empty(EXTENSION_SLOTS, np.int64)
    x_stamp = np.zeros(EXTENSION_SLOTS, np.int64)
    x_count = np.zeros(EXTENSION_SLOTS, np.int64)
    x_turn = 0
    top_score = np.empty(tops, np.float64)
    top_key = np.empty(tops, np.int64)
    unit = eagerness * (0.5 if ternary else 1.0)
    mean = 0.0
    for e in range(rows):
        mean += width[e]
    mean /= max(1, rows)
    while rows < limit and inputs + rows < MAX_NODES and meta[USED] < room * 3 // 4:
        filled = 0
        for a in range(meta[SLOT]):
            slot = active[a]
            key = keys[slot]
            d = ((key >> 1) & 127) - 64
            n2 = (key >> 8) % MAX_NODES
            n1 = (key >> 8) // MAX_NODES
            overlap = min(bits_of(low[n1], high[n1]) + max(0, -d), bits_of(low[n2], high[n2]) + max(0, d))
            score = counts[slot] * unit * mean - overlap * 0.5
            if noise > 0:
                score *= 1.0 + noise * np.random.random()
            if filled < tops or score > top_score[filled - 1]:
                at = filled if filled < tops else tops - 1
                while at > 0 and top_score[at - 1] < score:
                    top_score[at] = top_score[at - 1]
                    top_key[at] = top_key[at - 1]
                    at -= 1
                top_score[at] = score
                top_key[at] = key
                filled = min(tops, filled + 1)
        best_gain = 0.0
        best_size = 0
        for k in range(filled):
            key = top_key[k]
            d = ((key >> 1) & 127) - 64
            p_node[0] = (key >> 8) // MAX_NODES
            p_node[1] = (key >> 8) % MAX_NODES
            p_shift[0] = max(0, -d)
            p_shift[1] = max(0, d)
            p_sign[0] = 1
            p_sign[1] = -1 if key & 1 else 1
            size = 2
            while True:
                stamp += 1
                n = occurrences(
                    node, shift, sign, count, rows, p_node, p_shift, p_sign, size, used, stamp, found
                )
                if n < 2:
                    break
                saved = 0.0
                for i in range(n):
                    saved += width[found[i, 0]]
                own = pattern_width(p_node, p_shift, p_sign, size, low, high)
                adders = size // 2 if ternary else size - 1
                gain = saved * unit * (size - 1) - own * adders
                if noise > 0:
                    gain *= 1.0 + noise * np.random.random()
                if gain > best_gain:
                    best_gain = gain
                    best_size = size
                    for i in range(size):
                        b_node[i] = p_node[i]
                        b_shift[i] = p_shift[i]
                        b_sign[i] = p_sign[i]
                if size == PATTERN_AT_MOST:
                    break
                # The term that most occurrences share beside the pattern.
                x_turn += 1
                x_best = 0
                x_best_key = np.int64(-1)
                filled_slots = 0
                for i in range(n):
                    e = found[i, 0]
                    for t in range(count[e]):
                        if used[e, t] == stamp:
                            continue
                        rel = shift[e, t] - found[i, 1]
                        x = (np.int64(node[e, t]) * 256 + rel + 128) * 2 + (
                            1 if sign[e, t] * found[i, 2] < 0 else 0
                        )
                        h = ((x * 0x9E3779B97F4A7C1) >> 20) & (EXTENSION_SLOTS - 1)
                        while x_stamp[h] == x_turn and x_key[h] != x:
                            h = (h + 1) & (EXTENSION_SLOTS - 1)
                        if x_stamp[h] != x_turn:
                            if filled_slots > EXTENSION_SLOTS // 2:
                                continue
                            filled_slots += 1
                            x_stamp[h] = x_turn
                            x_key[h] = x
                            x_count[h] = 0
                        x_count[h] += 1
                        if x_count[h] > x_best or (x_count[h] == x_best and x < x_best_key):
                            x_best = x_count[h]
                            x_best_key = x
                if x_best < 2:
                    break
                p_node[size] = x_best_key // 512
                p_shift[size] = ((x_best_key >> 1) & 255) - 128
                p_sign[size] = -1 if x_best_key & 1 else 1
                size += 1
                lowest = p_shift[0]
                for i in range(1, size):
                    lowest = min(lowest, p_shift[i])
                for i in range(size):
                    p_shift[i] -= lowest
        if best_size == 0 or best_size > capacity:
            break
        # The lowest term is not negative in the new row; where a row is nothing but the pattern, its sign decides.
        flip = 0
        lowest = 0
        for i in range(best_size):
            if b_shift[i] < b_shift[lowest]:
                lowest = i
        flip = b_sign[lowest]
        for i in range(best_size):
            b_sign[i] *= flip
        stamp += 1
        n = occurrences(
            node, shift, sign, count, rows, b_node, b_shift, b_sign, best_size, used, stamp, found
        )
        for i in range(n):
            if count[found[i, 0]] == best_size and found[i, 2] < 0:
                for j in range(best_size):
                    b_sign[j] = -b_sign[j]
                for j in range(n):
                    found[j, 2] = -found[j, 2]
                break
        total_low = 0
        total_high = 0
        for i in range(best_size):
            node[rows, i] = b_node[i]
            shift[rows, i] = b_shift[i]
            sign[rows, i] = b_sign[i]
            a, b = low[b_node[i]] << b_shift[i], high[b_node[i]] << b_shift[i]
            if b_sign[i] > 0:
                total_low += a
                total_high += b
            else:
                total_low -= b
                total_high -= a
        count[rows] = best_size
        low[inputs + rows] = total_low
        high[inputs + rows] = total_high
        width[rows] = pattern_width(b_node, b_shift, b_sign, best_size, low, high)
        for i in range(n):
            e = found[i, 0]
            for j in range(best_size):
                t = find_term(
                    node, shift, sign, count, e, b_node[j], b_shift[j] + found[i, 1], b_sign[j] * found[i, 2]
                )
                count_row(node, shift, sign, count, e, t, -1, keys, counts, active, place, meta)
                last = count[e] - 1
                node[e, t] = node[e, last]
                shift[e, t] = shift[e, last]
                sign[e, t] = sign[e, last]
                count[e] = last
            t = count[e]
            node[e, t] = inputs + rows
            shift[e, t] = found[i, 1]
            sign[e, t] = found[i, 2]
            count[e] = t + 1
            count_row(node, shift, sign, count, e, t, 1, keys, counts, active, place, meta)
        for t in range(best_size):
            for u in range(t):
                key = pair_key(
                    *(node[rows, t], shift[rows, t], sign[rows, t]),
                    *(node[rows, u], shift[rows, u], sign[rows, u]),
                )
                add_pair(keys, counts, active, place, meta, key, 1)
        rows += 1
    return rows


@numba.njit(cache=True)
def add_term(node, shift, sign, count, e, n, s, g):
    """Add a term to a row; equal ones become one of twice the weight, opposite ones vanish."""
    while True:
        same = find_term(node, shift, sign, count, e, n, s, g)
        other = find_term(node, shift, sign, count, e, n, s, -g) if same < 0 else same
        if other < 0:
            t = count[e]
            node[e, t] = n
            shift[e, t] = s
            sign[e, t] = g
            count[e] = t + 1
            return
        last = count[e] - 1
        node[e, other] = node[e, last]
        shift[e, other] = shift[e, last]
        sign[e, other] = sign[e, last]
        count[e] = last
        if same < 0:
            return
        s += 1


@numba.njit(cache=True)
def inline(node, shift, sign, count, rows, inputs, v):
    """Put the terms of row v in the place of every use of it; return False where a row would get too long."""
    capacity = node.shape[1]
    for e in range(rows):
        uses = 0
        for t in range(count[e]):
            if node[e, t] == inputs + v:
                uses += 1
        if uses and count[e] + uses * (count[v] - 1) > capacity - 2:
            return False
    for e in range(rows):
        t = 0
        while t < count[e]:
            if node[e, t] != inputs + v:
                t += 1
                continue
            base = shift[e, t]
            g = sign[e, t]
            last = count[e] - 1
            node[e, t] = node[e, last]
            shift[e, t] = shift[e, last]
            sign[e, t] = sign[e, last]
            count[e] = last
            for i in range(count[v]):
                add_term(node, shift, sign, count, e, node[v, i], shift[v, i] + base, sign[v, i] * g)
            t = 0
    count[v] = 0
    return True


@numba.njit(cache=True)
def prune(node, shift, sign, count, rows, inputs, outputs, width, constant, ternary):
    """Undo the rows that do not pay by the number of adders: used once, or cheaper inside their few users."""
    changed = True
    uses = np.zeros(rows, np.int64)
    while changed:
        changed = False
        uses[:] = 0
        for e in range(rows):
            for t in range(count[e]):
                if node[e, t] >= inputs:
                    uses[node[e, t] - inputs] += 1
        for v in range(rows - 1, outputs - 1, -1):
            m = count[v]
            if m == 0:
                continue
            if uses[v] == 0:
                for t in range(m):
                    if node[v, t] >= inputs:
                        uses[node[v, t] - inputs] -= 1
                count[v] = 0
                changed = True
                continue
            if uses[v] > 1 and uses[v] * (m - 1) > 12:
                continue
            gain = (m // 2 if ternary else m - 1) * float(width[v])
            for e in range(rows):
                here = 0
                for t in range(count[e]):
                    if node[e, t] == inputs + v:
                        here += 1
                if here:
                    before = count[e] + (1 if constant[e] != 0 else 0)
                    after = before + here * (m - 1)
                    if ternary:
                        gain -= (after // 2 - before // 2) * width[e]
                    else:
                        gain -= (after - before) * width[e]
            if (uses[v] == 1 or gain > 0) and inline(node, shift, sign, count, rows, inputs, v):
                changed = True
                uses[:] = 0
                for e in range(rows):
                    for t in range(count[e]):
                        if node[e, t] >= inputs:
                            uses[node[e, t] - inputs] += 1
    return 0
