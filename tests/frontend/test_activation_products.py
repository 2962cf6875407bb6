# SPDX-License-Identifier: Apache-2.0
"""Products of two activations, in the forms in which exporters write the heads of attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.cli.main import main
from tailrace.graph import Permute, Product
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs
from token_networks import Network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

N, F, HEADS, K = 5, 8, 2, 3


def split(net: Network, x: str, perm: tuple[int, ...], tokens: int = N) -> str:
    """(1, tokens, HEADS * K) as HEADS matrices."""
    return net.add(
        "Transpose", net.add("Reshape", x, net.constant([1, tokens, HEADS, K], np.int64)), perm=perm
    )


def joined(net: Network, y: str, tokens: int = N) -> str:
    y = net.add("Transpose", y, perm=[0, 2, 1, 3])
    return net.add("Reshape", y, net.constant([1, tokens, HEADS * K], np.int64))


def layer(net: Network, x: str, bits: int = 4, **more: object) -> str:
    return net.quant(net.dense(x, F, HEADS * K), 0.07, bits, **more)


def weighted(net: Network, scores: str) -> str:
    """What stands for a softmax here: scaled, cut at 0, quantized."""
    return net.quant(net.add("Relu", net.add("Mul", scores, K**-0.5)), 0.2, 3, signed=0)


def one_head(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    q, k = layer(net, x), layer(net, x)
    return weighted(net, net.add("MatMul", q, net.add("Transpose", k, perm=[0, 2, 1])))


def heads(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    q, k, v = layer(net, x), layer(net, x, 3), layer(net, x, 2)
    scores = net.add("MatMul", split(net, q, (0, 2, 1, 3)), split(net, k, (0, 2, 3, 1)))
    return net.quant(joined(net, net.add("MatMul", weighted(net, scores), split(net, v, (0, 2, 1, 3)))), 0.3)


def one_layer_for_all(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    y = net.quant(net.dense(x, F, 3 * HEADS * K), 0.07, 4)
    parts = [
        net.add("Slice", y, *(net.constant([c], np.int64) for c in (i * HEADS * K, (i + 1) * HEADS * K, 2)))
        for i in range(3)
    ]
    q, k, v = parts
    scores = net.add("MatMul", split(net, q, (0, 2, 1, 3)), split(net, k, (0, 2, 3, 1)))
    return net.quant(joined(net, net.add("MatMul", weighted(net, scores), split(net, v, (0, 2, 1, 3)))), 0.3)


def picked(net: Network) -> str:
    """As timm writes it: three in one layer, brought to the front, and picked."""
    x = net.quant("x", 0.05, 4)
    y = net.quant(net.dense(x, F, 3 * HEADS * K), 0.07, 4)
    y = net.add("Reshape", y, net.constant([1, N, 3, HEADS, K], np.int64))
    y = net.add("Transpose", y, perm=[2, 0, 3, 1, 4])
    q, k, v = (net.add("Gather", y, net.constant(i, np.int64), axis=0) for i in range(3))
    scores = net.add("MatMul", q, net.add("Transpose", k, perm=[0, 1, 3, 2]))
    return net.quant(joined(net, net.add("MatMul", weighted(net, scores), v)), 0.3)


def positions_first(net: Network) -> str:
    """As Brevitas writes it: positions, then samples; three in one layer, cut apart."""
    x = net.add("Transpose", net.quant("x", 0.05, 4), perm=[1, 0, 2])
    y = net.quant(net.dense(x, F, 3 * HEADS * K), 0.07, 4)
    places = ((i * HEADS * K, (i + 1) * HEADS * K, 2) for i in range(3))
    parts = [net.add("Slice", y, *(net.constant([c], np.int64) for c in place)) for place in places]
    split_ = net.constant([N, HEADS, K], np.int64)
    q, k, v = (net.add("Transpose", net.add("Reshape", p, split_), perm=[1, 0, 2]) for p in parts)
    scores = net.add("MatMul", q, net.add("Transpose", k, perm=[0, 2, 1]))
    y = net.add("Transpose", net.add("MatMul", weighted(net, scores), v), perm=[1, 0, 2])
    y = net.add("Reshape", y, net.constant([N, 1, HEADS * K], np.int64))
    return net.quant(net.add("Transpose", y, perm=[1, 0, 2]), 0.3)


def einsums(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    shape = net.constant([1, N, HEADS, K], np.int64)
    q, k, v = (net.add("Reshape", layer(net, x), shape) for _ in range(3))
    scores = net.add("Einsum", q, k, equation="bihd,bjhd->bhij")
    mix = net.add("Einsum", weighted(net, scores), v, equation="bhij, bjhd -> bihd")
    y = net.quant(net.add("Reshape", mix, net.constant([1, N, HEADS * K], np.int64)), 0.3)
    return net.quant(
        net.add("Einsum", y, net.quant(net.random(HEADS * K, 4), 0.1, 4), equation="btf,fo->bto"), 0.1
    )


def gram(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    return net.quant(net.add("MatMul", x, net.add("Transpose", x, perm=[0, 2, 1])), 0.05)


def covariance(net: Network) -> str:
    """Channels times channels: neither operand is in the order of the block."""
    x = net.quant("x", 0.05, 4)
    return net.quant(net.add("MatMul", net.add("Transpose", x, perm=[0, 2, 1]), x), 0.05)


def zero_points(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    q, k = layer(net, x, 4, signed=0, zero=5.0), layer(net, x, 4, signed=0, zero=7.0)
    return weighted(net, net.add("MatMul", q, net.add("Transpose", k, perm=[0, 2, 1])))


def scales_of_heads(net: Network) -> str:
    x = net.quant("x", 0.05, 4)
    scale = np.repeat(np.array([0.05, 0.09], np.float32), K)
    q, k = net.quant(net.dense(x, F, HEADS * K), scale, 4), layer(net, x)
    return weighted(net, net.add("MatMul", split(net, q, (0, 2, 1, 3)), split(net, k, (0, 2, 3, 1))))


FORMS: tuple[Callable[[Network], str], ...] = (
    one_head, heads, one_layer_for_all, picked, positions_first, einsums, gram, covariance, zero_points,
    scales_of_heads,
)  # fmt: skip
MOVED = (covariance,)
"""Those whose integers have to be brought into another order."""


def made(form: Callable[[Network], str], folder: Path, seed: int = 0) -> tr.Graph:
    net = Network(seed)
    return tr.load(net.save(folder / "net.onnx", form(net)))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_it_equals_its_software(form, tmp_path: Path) -> None:
    graph = made(form, tmp_path)
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 50, seed=1))
    assert result.mismatches == 0, result.first
    assert any(isinstance(node, Product) for node in graph.nodes)
    assert any(isinstance(node, Permute) for node in graph.nodes) == (form in MOVED)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_it_is_equal_in_hardware(form, tmp_path: Path) -> None:
    plan = tr.plan(made(form, tmp_path, seed=1), part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=12, seed=1)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]
    assert report.performance.interval_cycles == plan.interval_cycles


@pytest.mark.parametrize(
    "equation",
    ["bihd,bjhd->bhi", "bihd,bjhd->bihj,", "...id,...jd->...ij", "iihd,bjhd->bhij", "bihd,bjkd->bhij"],
)
def test_an_einsum_that_is_no_product_of_two_matrices_is_refused(equation: str, tmp_path: Path) -> None:
    net = Network(0)
    x = net.add("Reshape", net.quant("x", 0.05, 4), net.constant([1, N, 2, 4], np.int64))
    with pytest.raises(tr.TailraceError) as caught:
        tr.load(net.save(tmp_path / "net.onnx", net.quant(net.add("Einsum", x, x, equation=equation), 0.1)))
    assert "(Einsum): " in str(caught.value)
    assert "hint: an Einsum of two operands is mapped where it is a product of matrices" in str(caught.value)


def test_show_says_what_is_kept_and_how_often_it_is_read(tmp_path: Path, capsys) -> None:
    net = Network(0)
    path = net.save(tmp_path / "net.onnx", heads(net))
    assert main(["show", str(path), "--part", "ecp5-85k"]) == 0
    lines = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines() if "keeps" in line]
    assert lines == [
        "product_0: 2 x 30 words of 3 bit, written once a frame, read 5 times",
        "product_1: 2 x 30 words of 2 bit, written once a frame, read 5 times",
    ]


def drawn(seed: int) -> tuple[Network, str, dict[str, dict[str, int]]]:
    """A product of two inputs of any sizes, types and folding."""
    rng = np.random.default_rng(seed)
    n, m, k = (int(size) for size in rng.integers(1, 17, 3))
    count, mix = int(rng.integers(1, 9)), seed % 2 == 1
    rows, cols = (k, m) if mix else (m, k)
    net = Network(seed, x=(1, n, count * cols), y=(1, m, count * k))
    sides = []
    for name, tokens, channels in (("x", n, cols), ("y", m, k)):
        signed = int(rng.integers(2))
        bits = int(rng.integers(1 + signed, 9))
        side = net.quant(name, 2.0 ** int(rng.integers(-4, 1)), bits, signed=signed)
        sides.append(net.add("Reshape", side, net.constant([1, tokens, count, channels], np.int64)))
    a = net.add("Transpose", sides[0], perm=[0, 2, 1, 3])
    b = net.add("Transpose", sides[1], perm=[0, 2, 1, 3] if mix else [0, 2, 3, 1])
    y = net.quant(net.add("MatMul", a, b), 0.5, 6)
    pe, simd = (int(rng.choice([d for d in range(1, size + 1) if size % d == 0])) for size in (rows, cols))
    return net, y, {"product_0": {"pe": pe, "simd": simd}}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_random_product_is_equal_in_hardware(seed: int, tmp_path: Path) -> None:
    net, y, folding = drawn(seed)
    graph = tr.load(net.save(tmp_path / "net.onnx", y))
    assert [type(node).__name__ for node in graph.nodes].count("Product") == 1
    plan = tr.plan(graph, part="xczu7ev", fold=folding)
    report = tr.emit(plan, tmp_path / "build").verify(vectors=12, seed=seed)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]
    assert report.performance.interval_cycles == plan.interval_cycles
