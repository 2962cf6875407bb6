# SPDX-License-Identifier: Apache-2.0
"""Wide sums in front of quantizers get narrower constants, and every pair of values still gives the same integer."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from tailrace.core.steps import from_rows
from tailrace.graph import Add, Affine, Graph, Map, Slice, retype
from tailrace.graph.passes.exact.narrow_sums import narrow_sums


def graph_of(folder, last: list, bits: int = 6, inputs: int = 2) -> Graph:
    """A graph that slices its input into numbers of one channel each and ends with the nodes ``last``."""
    build = Builder()
    x = build.quant(build.input([1, inputs]), scale=1.0, bits=bits)
    w = build.quant(build.constant(np.ones((inputs, 1))), scale=1.0, bits=2)
    onnx.save(build.model(build.quant(build.node("MatMul", x, w), bits=5)), folder / "network.onnx")
    graph = tailrace.load(folder / "network.onnx")
    cuts = [
        Slice(name=f"s{i}", input=graph.input, output=f"s{i}", start=i, stop=i + 1) for i in range(inputs)
    ]
    end = last[-1]
    end = type(end)(name=end.name, input=end.input, output=graph.output, steps=end.steps)
    return retype(graph, (*cuts, *last[:-1], end))


def affine(
    name: str, source: str, factor: int, bias: int = 0, *, low: int | None = None, high: int | None = None
):
    return Affine(
        name=name,
        input=source,
        output=name,
        factors=np.array([factor]),
        bias=np.array([bias]),
        low=low,
        high=high,
    )


def quantizer(source: str, breaks: list[int]) -> Map:
    values = np.arange(len(breaks) + 1)
    return Map(name="q", input=source, output="q", steps=from_rows([(np.array(breaks, np.int64), values)]))


def every_input(graph: Graph) -> np.ndarray:
    tensor = graph.tensors[graph.input]
    return np.array(
        list(itertools.product(range(tensor.low.min(), tensor.high.max() + 1), repeat=tensor.size))
    )


def widest(graph: Graph) -> int:
    return max(graph.tensors[n.output].type.bits for n in graph.nodes if isinstance(n, (Affine, Add)))


F, G, B = 3265350477, 2040844017, 95082483855
"""Factors and a bias as float32 scales make them."""

CASES = {
    "two terms": [
        affine("a", "s0", F, B),
        affine("b", "s1", G, -B, low=0),
        Add(name="y", a="a", b="b", output="y"),
        quantizer("y", [k * 20_000_000_001 for k in range(-2, 12)]),
    ],
    "a difference with both ends": [
        affine("a", "s0", -F, B, low=-(10**10), high=10**10),
        affine("b", "s1", G),
        Add(name="y", a="a", b="b", output="y", b_factor=-1),
        quantizer("y", [k * 9_876_543_211 for k in range(-6, 7)]),
    ],
    "factors of the sum itself": [
        Add(name="y", a="s0", b="s1", output="y", a_factor=F >> 2, b_factor=-(G >> 2)),
        quantizer("y", [-(10**10), 0, 1, 10**9, 2**33]),
    ],
    "one term": [affine("y", "s0", F, B, low=0), quantizer("y", [1, F, B, B + 5 * F, B + 7 * F + 1])],
    "a sum read twice": [
        affine("a", "s0", F, B),
        affine("b", "s1", G),
        Add(name="y", a="a", b="b", output="y"),
        affine("c", "y", 1, 0, low=0),
        affine("d", "s0", G, B),
        Add(name="z", a="c", b="d", output="z"),
        Map(name="p", input="y", output="p", steps=from_rows([(np.array([B, 2 * B]), np.arange(3))])),
        Add(name="zz", a="z", b="y", output="zz", b_factor=-2),
        quantizer("zz", [-B, 0, B]),
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_every_pair_of_values_gives_the_same_integer_on_fewer_bits(case, tmp_path):
    graph = graph_of(tmp_path, CASES[case])
    narrow = narrow_sums(graph)
    q = every_input(graph).reshape(-1, *graph.tensors[graph.input].shape)
    before, after = graph.trace_int(q), narrow.trace_int(q)
    compared = [node.output for node in graph.nodes if isinstance(node, Map)]
    assert all(np.array_equal(before[name], after[name]) for name in compared)
    assert len(np.unique(after[graph.output])) >= 3
    assert widest(narrow) <= widest(graph) - 6


def test_three_terms_with_shared_factors(tmp_path):
    nodes = [
        affine("a", "s0", F, B),
        affine("b", "s1", G, -B, low=0),
        Add(name="y", a="a", b="b", output="y"),
        affine("c", "s2", G + 12345),
        Add(name="z", a="c", b="y", output="z"),
        quantizer("z", [k * 20_000_000_001 for k in range(-3, 8)]),
    ]
    graph = graph_of(tmp_path, nodes, bits=4, inputs=3)
    narrow = narrow_sums(graph)
    q = every_input(graph).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), narrow.predict_int(q))
    assert widest(narrow) < widest(graph) - 12


def test_constants_that_all_matter_stay(tmp_path):
    """(1, 0) and (0, 1) are one step apart, and a break stands between them."""
    nodes = [
        affine("a", "s0", 1 << 30),
        affine("b", "s1", (1 << 30) + 1),
        Add(name="y", a="a", b="b", output="y"),
        quantizer("y", [(1 << 30) + 1]),
    ]
    graph = graph_of(tmp_path, nodes)
    narrow = narrow_sums(graph)
    q = every_input(graph).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), narrow.predict_int(q))
    factors = {int(n.factors[0]) for n in narrow.nodes if isinstance(n, Affine)}
    assert factors == {1 << 29, (1 << 29) + 1}  # half a step rounds up; of a quarter nothing would be left


def test_narrow_sums_and_sums_that_others_read_stay(tmp_path):
    small = graph_of(tmp_path, [affine("y", "s0", 1001), quantizer("y", [0, 500, 2000])])
    assert narrow_sums(small) is small
    nodes = [affine("y", "s0", F), quantizer("y", [0, F])]
    graph = graph_of(tmp_path, nodes)
    read = retype(graph, (*graph.nodes, Slice(name="r", input="y", output="r", start=0, stop=1)))
    assert narrow_sums(read) is read
