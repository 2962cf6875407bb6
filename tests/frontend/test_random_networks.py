# SPDX-License-Identifier: Apache-2.0
"""Random networks in all dialects: the import equals the network's own software, or says why it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import check, random_network


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_a_random_network_computes_what_its_software_computes(seed, tmp_path_factory):
    check(random_network(seed), tmp_path_factory.mktemp("network"))


@pytest.mark.parametrize(
    "seed",
    [
        106,  # a zero point at the network's end
        113,
        1364,  # an accumulator that is exactly zero, and a float sum that is not
        174,  # a sum of tensors with scales per channel of any ratio
        20,  # scales per channel of any ratio in front of a dense layer
    ],
)
def test_a_network_that_was_once_wrong_is_right(seed, tmp_path):
    check(random_network(seed), tmp_path)


def test_equal_seeds_give_equal_networks():
    assert random_network(5).model.SerializeToString() == random_network(5).model.SerializeToString()
