# SPDX-License-Identifier: Apache-2.0
"""Networks on sequences of tokens: activations, position embeddings, class tokens, mixing over positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs
from token_networks import FEATURES, HIDDEN, OUTPUTS, TOKENS, Network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def gelu(net: Network) -> str:
    y = net.hidden()
    error = net.add("Add", net.add("Erf", net.add("Div", y, 2**0.5)), 1.0)
    return net.quant(net.add("Mul", net.add("Mul", y, error), 0.5), 0.03)


def gelu_by_tanh(net: Network) -> str:
    y = net.hidden()
    cube = net.add("Mul", net.add("Mul", net.add("Mul", y, y), y), 0.044715)
    tanh = net.add("Tanh", net.add("Mul", net.add("Add", y, cube), 0.79788))
    return net.quant(net.add("Mul", net.add("Mul", y, 0.5), net.add("Add", tanh, 1.0)), 0.03)


def silu(net: Network) -> str:
    y = net.hidden()
    return net.quant(net.add("Mul", y, net.add("Sigmoid", y)), 0.03)


def gate(net: Network) -> str:
    x = net.quant("x", 0.05)
    open_ = net.quant(net.add("Sigmoid", net.dense(x, FEATURES, HIDDEN)), 0.01)
    value = net.quant(net.dense(x, FEATURES, HIDDEN), 0.03)
    return net.quant(net.add("Mul", open_, value), 0.02)


def position_embedding(net: Network) -> str:
    return net.quant(net.add("Add", net.hidden(), net.random(1, TOKENS, HIDDEN)), 0.03)


def position_scale(net: Network) -> str:
    return net.quant(net.add("Mul", net.hidden(), net.random(1, TOKENS, 1)), 0.03)


def class_token(net: Network) -> str:
    token = net.quant(net.random(1, 1, HIDDEN), 0.03)
    return net.add("Concat", token, net.quant(net.hidden(), 0.03), axis=1)


def class_token_of_floats(net: Network) -> str:
    return net.quant(net.add("Concat", net.random(1, 1, HIDDEN), net.hidden(), axis=1), 0.03)


def tokens_behind(net: Network) -> str:
    tokens = net.quant(net.random(1, TOKENS + 2, HIDDEN), 0.02, 5)
    return net.quant(net.add("Concat", net.quant(net.hidden(), 0.03), tokens, axis=1), 0.03)


def constant_features(net: Network) -> str:
    more = net.quant(net.random(1, TOKENS, 2), 0.03)
    y = net.add("Concat", net.quant(net.hidden(), 0.03), more, axis=2)
    return net.quant(net.dense(y, HIDDEN + 2, HIDDEN), 0.05)


def first_token(net: Network) -> str:
    y = net.quant(net.add("Add", class_token(net), net.random(1, TOKENS + 1, HIDDEN)), 0.04)
    return net.add("Gather", y, net.constant(0, np.int64), axis=1)


def mean_over_tokens(net: Network) -> str:
    return net.quant(net.add("ReduceMean", net.quant(net.hidden(), 0.03), axes=[1], keepdims=0), 0.02)


def mixed(net: Network) -> str:
    y = net.add("Transpose", net.quant(net.hidden(), 0.03), perm=[0, 2, 1])
    return net.add("Transpose", net.quant(net.dense(y, TOKENS, 4), 0.05), perm=[0, 2, 1])


FORMS: tuple[Callable[[Network], str], ...] = (
    gelu, gelu_by_tanh, silu, gate, position_embedding, position_scale, class_token, class_token_of_floats,
    tokens_behind, constant_features, first_token, mean_over_tokens, mixed,
)  # fmt: skip


def made(form: Callable[[Network], str], folder: Path, seed: int = 0) -> tr.Graph:
    net = Network(seed)
    return tr.load(net.save(folder / "net.onnx", net.dense(form(net), HIDDEN, OUTPUTS)))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_it_equals_its_software(form, tmp_path: Path):
    graph = made(form, tmp_path)
    result = verify_software(graph.reference.graph, graph.reference, random_inputs(graph, 20, seed=1))
    assert result.mismatches == 0, result.first
    assert tr.plan(graph, part="ecp5-85k").interval_cycles > 0


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_it_is_equal_in_hardware(form, tmp_path: Path):
    plan = tr.plan(made(form, tmp_path, seed=1), part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=12, seed=1)
    assert [check.mismatches for check in (report.verify.software, report.verify.hls, report.verify.rtl)] == [
        0,
        0,
        0,
    ]


def test_a_constant_of_another_shape_is_still_refused_with_the_reason(tmp_path: Path):
    net = Network(0)
    joined = net.add("Concat", net.quant(net.hidden(), 0.03), net.constant([[[1, 2, 3]]], np.int64), axis=1)
    with pytest.raises(tr.TailraceError) as caught:
        tr.load(net.save(tmp_path / "net.onnx", joined))
    assert joined.replace("t", "n_t") in str(caught.value)
