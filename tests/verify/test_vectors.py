# SPDX-License-Identifier: Apache-2.0
"""The vectors of a design: corners first, the whole range, the same for the same seed, no more than can be afforded."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tailrace
from tailrace.verify import vectors
from tailrace.verify.vectors import VECTORS_AT_LEAST, affordable, random_inputs, random_integers
from tiny_network import write_tiny


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return tailrace.load(write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.onnx"))


def test_the_corners_come_first(graph):
    q = random_integers(graph, 9, seed=1)
    assert q[:4].tolist() == [[-8] * 6, [7] * 6, [-8, 7] * 3, [7, -8] * 3]
    assert q.shape == (9, 6)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_few_vectors_are_corners_only(graph, count):
    assert (
        random_integers(graph, count, seed=1).tolist() == random_integers(graph, 9, seed=2)[:count].tolist()
    )


def test_random_integers_reach_every_value_and_no_other(graph):
    q = random_integers(graph, 400, seed=1)
    assert set(q.ravel().tolist()) == set(range(-8, 8))
    amplitudes = np.abs(q[4:]).max(axis=1)
    assert (amplitudes <= 2).any()  # small ones,
    assert (amplitudes >= 7).any()  # large ones,
    assert ((q[4:] == 0).mean(axis=1) > 0.6).any()  # and sparse ones


def test_equal_seeds_give_equal_vectors(graph):
    for draw in (random_integers, random_inputs):
        assert draw(graph, 20, 3).tolist() == draw(graph, 20, 3).tolist()
        assert draw(graph, 20, 3).tolist() != draw(graph, 20, 4).tolist()


def test_random_inputs_are_as_the_network_takes_them(graph):
    x = random_inputs(graph, 5, seed=1)
    assert x.shape == (5, *graph.host.input.shape)
    assert x.dtype == graph.host.input.dtype
    assert graph.host.encode(random_inputs(graph, 200, seed=1)).min() == -8


def test_a_small_design_affords_all_vectors_and_a_slow_one_few(graph, monkeypatch):
    plan = tailrace.plan(graph, part="xc7a35t", fps=1e6)
    assert affordable(plan, 64) == 64
    slow = SimpleNamespace(graph=graph, interval_cycles=10**7, cost=SimpleNamespace(lut=10**5))
    assert affordable(slow, 64) == VECTORS_AT_LEAST
    between = SimpleNamespace(graph=graph, interval_cycles=10**5, cost=SimpleNamespace(lut=10**5))
    assert affordable(between, 64) == 10
    monkeypatch.setattr(vectors, "PRODUCTS_AT_MOST", 12 * (6 * 4 + 4 * 3))
    assert affordable(plan, 64) == 12
