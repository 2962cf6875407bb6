# SPDX-License-Identifier: Apache-2.0
"""Products of two activations, in the forms in which exporters write the heads of attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
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
    one_head, heads, one_layer_for_all, gram, covariance, zero_points, scales_of_heads,
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
