# SPDX-License-Identifier: Apache-2.0
"""hls4ml's tables, entry by entry, against the numbers that their formulas give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tailrace.frontend.hls4ml import tables


@pytest.mark.parametrize(
    ("name", "function", "first", "middle"),
    [
        ("sigmoid", lambda x: 1 / (1 + math.exp(-x)), -8.0, 0.5),
        ("tanh", math.tanh, -4.0, 0.0),
        ("softplus", lambda x: math.log(math.exp(x) + 1), -8.0, math.log(2)),
        ("softsign", lambda x: x / (abs(x) + 1), -8.0, 0.0),
    ],
)
def test_a_table_around_zero(name: str, function, first: float, middle: float) -> None:
    entries = tables.table(name, 1024)
    assert entries[0] == np.float32(function(first))
    assert entries[512] == np.float32(middle)
    assert (np.diff(entries) >= 0).all()
    assert (entries == entries.astype(np.float32)).all()


@pytest.mark.parametrize("name", ["elu", "selu"])
def test_a_table_below_zero_falls(name: str) -> None:
    entries = tables.table(name, 256)
    assert entries[0] == 0
    assert (np.diff(entries) < 0).all()


def test_a_quotient_is_cut_towards_zero() -> None:
    x = np.array([-17, -16, -1, 0, 1, 15, 16, 17])
    assert tables.quotient(x, 4, 2).tolist() == [-1, -1, 0, 0, 0, 0, 1, 1]
    assert tables.quotient(x, 4, -1).tolist() == [-8, -8, 0, 0, 0, 7, 8, 8]
