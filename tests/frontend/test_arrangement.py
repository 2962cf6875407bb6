# SPDX-License-Identifier: Apache-2.0
"""``frontend/arrangement.py``: nodes in an order in which they can be computed, in linear time."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from onnx import NodeProto, helper
from tailrace.frontend.arrangement import cancel_transposes, drop_unused, merge_equal, sort_nodes


def node(name: str, reads: str, writes: str, operation: str = "Relu") -> NodeProto:
    return helper.make_node(operation, reads.split(), writes.split(), name=name)


def round_after_round(nodes: list[NodeProto], known: set[str]) -> list[NodeProto]:
    """The order by its definition: read the list again and again, and take whatever can be computed."""
    ready, done, waiting = [], set(known), nodes
    while waiting:
        later = []
        for item in waiting:
            if done.issuperset(item.input):
                ready.append(item)
                done.update(item.output)
            else:
                later.append(item)
        assert len(later) < len(waiting)
        waiting = later
    return ready


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_reading_round_after_round(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 40))
    nodes = [
        node(f"n{i}", " ".join(f"t{j}" for j in rng.integers(0, i + 1, int(rng.integers(1, 4)))), f"t{i + 1}")
        for i in range(count)
    ]
    nodes = [nodes[i] for i in rng.permutation(count)]
    problems = []
    assert sort_nodes(nodes, {"t0"}, problems) == round_after_round(nodes, {"t0"})
    assert problems == []


def test_a_loop_and_what_depends_on_it_are_left_out():
    nodes = [node("good", "x", "a"), node("one", "a c", "b"), node("two", "b", "c"), node("behind", "c", "d")]
    problems = []
    assert [n.name for n in sort_nodes(nodes, {"x"}, problems)] == ["good"]
    assert [(p.node, p.found) for p in problems] == [("one", "its input depends on its own output b")]


def test_what_nothing_writes_is_named_and_taken_as_given():
    problems = []
    nodes = [node("n", "ghost x", "a"), node("m", "a", "b")]
    assert sort_nodes(nodes, {"x"}, problems) == nodes
    assert problems[0].found == "it reads ghost, which nothing writes"


def test_a_chain_in_reverse_order_takes_no_longer_than_one_in_order():
    """Quadratic in 20,000 nodes would be minutes; processor time, so that the load of the machine does not count."""
    chain = [node(f"n{i}", f"t{i}", f"t{i + 1}") for i in range(20_000)]
    start = time.process_time()
    found = sort_nodes(chain[::-1], {"t0"}, [])
    assert time.process_time() - start < 10
    assert all(a.output[0] == b.input[0] for a, b in pairwise(found))


def test_equal_dequantizers_of_one_tensor_become_one():
    nodes = [
        node("a", "x s", "p", "DequantizeLinear"),
        node("b", "x s", "q", "DequantizeLinear"),
        node("c", "q", "r"),
    ]
    assert [(n.name, list(n.input)) for n in merge_equal(nodes, {"r"})] == [("a", ["x", "s"]), ("c", ["p"])]


def test_a_transpose_that_undoes_another_becomes_an_identity():
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["a"], ["c"], perm=[1, 0, 2]),
    ]
    found = cancel_transposes(nodes)
    assert [(n.op_type, list(n.input)) for n in found] == [
        ("Transpose", ["x"]),
        ("Identity", ["x"]),
        ("Transpose", ["a"]),
    ]


def test_nodes_that_no_output_depends_on_are_dropped():
    nodes = [node("a", "x", "p"), node("unread", "p", "q"), node("b", "p", "y")]
    assert [n.name for n in drop_unused(nodes, {"y"})] == ["a", "b"]
