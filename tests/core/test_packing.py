# SPDX-License-Identifier: Apache-2.0
"""Words hold their integers lane by lane, whatever their number and width."""

from __future__ import annotations

import numpy as np
import pytest
from tailrace.core import packing


def plain(values: np.ndarray, bits: int) -> list[int]:
    """Return the words as Python integers, lane 0 in the lowest bits."""
    return [
        sum((int(v) & ((1 << bits) - 1)) << (lane * bits) for lane, v in enumerate(row)) for row in values
    ]


@pytest.mark.parametrize("at_once", [1, 100, 1 << 20], ids=["one", "some", "all"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("shape", [(0, 3, 4), (1, 1, 1), (9, 5, 7), (40, 33, 2), (3, 2, 63)])
def test_words_are_their_lanes_and_come_back(shape, signed, at_once, monkeypatch):
    words, lanes, bits = shape
    monkeypatch.setattr(packing, "BITS_AT_ONCE", at_once)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    values = np.random.default_rng(bits).integers(low, high, (words, lanes), endpoint=True)
    packed = packing.pack(values, bits)
    assert packed.shape == (words, -(-lanes * bits // 32))
    wanted = plain(values, bits)
    assert [sum(int(c) << (32 * i) for i, c in enumerate(row)) for row in packed] == wanted
    np.testing.assert_array_equal(packing.unpack(packed, lanes, bits, signed=signed), values)


def test_sixty_four_bits_are_whole():
    values = np.array([[np.iinfo(np.int64).min, -1], [np.iinfo(np.int64).max, 5]])
    np.testing.assert_array_equal(packing.unpack(packing.pack(values, 64), 2, 64, signed=True), values)
