# SPDX-License-Identifier: Apache-2.0
"""Networks that ONNX Runtime's quantizer made of float networks: equal to ONNX Runtime on every quantized tensor."""

from __future__ import annotations

import logging
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tailrace
from onnxruntime_networks import FLOATS, float_network, quantized, quantized_tensors, session
from tailrace.graph.passes import pipeline as passes
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_integers

TYPES = (
    ("QUInt8", "QInt8"),
    ("QInt8", "QInt8"),
    ("QUInt8", "QUInt8"),
    ("QInt16", "QInt8"),
    ("QUInt16", "QUInt8"),
)
EVERY = [
    (name, form, *types, per_channel, symmetric)
    for name, form, types, per_channel, symmetric in product(
        FLOATS, ("QDQ", "QOperator"), TYPES, (False, True), (False, True)
    )
    if form == "QDQ" or "16" not in types[0]  # the quantizer writes no 16 bits as QOperator
]
QUICK = {
    ("perceptron", "QDQ", "QInt8", "QInt8", True, True),
    ("perceptron", "QOperator", "QUInt8", "QUInt8", False, False),
    ("residual", "QDQ", "QInt16", "QInt8", True, False),
    ("residual", "QOperator", "QUInt8", "QInt8", True, False),
    ("depthwise", "QOperator", "QInt8", "QInt8", True, False),
    ("attention_by_channel", "QDQ", "QInt8", "QInt8", False, False),
    ("attention_by_channel", "QOperator", "QUInt8", "QInt8", True, False),
    ("hard_swish", "QDQ", "QUInt8", "QInt8", True, True),
}
"""Both formats, per channel and not, symmetric and not, and every float network; the others are slow."""

FLOAT_MEANS = {"depthwise"}
"""Networks with an average pool: in QDQ format it adds floats, whose rounding is not a function of the integers."""

FLOAT_ISLANDS = {"hard_swish"}
"""Networks of which the QOperator format leaves parts in floats."""


CASES = [
    pytest.param(*case, id="-".join(map(str, case)), marks=[] if case in QUICK else [pytest.mark.slow])
    for case in EVERY
]


@pytest.mark.parametrize(("name", "form", "activations", "weights", "per_channel", "symmetric"), CASES)
def test_every_quantized_tensor_is_onnxruntime_s(  # noqa: PLR0917 - as parametrized
    name, form, activations, weights, per_channel, symmetric, tmp_path
):
    if form == "QOperator" and name in FLOAT_ISLANDS:
        pytest.skip("the format leaves floats in front of a layer of it")
    path = tmp_path / "network.onnx"
    model = quantized(
        float_network(name),
        path,
        form=form,
        activations=activations,
        weights=weights,
        per_channel=per_channel,
        symmetric=symmetric,
    )
    graph = tailrace.load(path)
    x = np.random.default_rng(5).normal(0, 1, (24, *graph.host.input.shape)).astype(np.float32)
    result = verify_software(graph, graph.reference, x)
    assert (result.mismatches, result.reference) == (0, "onnxruntime"), result.first
    if "16" not in activations and not (form == "QDQ" and name in FLOAT_MEANS):
        assert result.framework_rounding == 0
        assert compared(graph, model, x) >= 4
    lowered = passes.run(graph)
    q = random_integers(graph, 16, seed=1).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), lowered.predict_int(q))


def compared(graph, model, x) -> int:
    """Assert that the integers of a graph are those of the file as ONNX Runtime runs it; returns how many tensors."""
    trace = graph.trace(x)
    theirs = quantized_tensors(model, x)
    readers = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear":
            readers.setdefault(node.output[0], node.input[0])
    count = 0
    for name, tensor in graph.tensors.items():
        origin = tensor.origin.removesuffix("/integers")
        origin = readers.get(origin, origin)
        if origin not in theirs or name not in trace:
            continue
        encoding = graph.reference.encodings.get(tensor.origin)
        order = np.arange(tensor.size) if encoding is None or encoding.order is None else encoding.order
        ours = trace[name].reshape(len(x), -1)[:, order]
        assert np.array_equal(theirs[origin], ours), origin
        count += 1
    return count


@pytest.mark.parametrize(
    "options",
    [
        {"activations": "QInt16", "UseQDQContribOps": True},
        {"weights": "QInt4", "per_channel": True},
        {"weights": "QUInt4"},
        {"QuantizeBias": False},
        {"AddQDQPairToWeight": True, "DedicatedQDQPair": True},
        {"QDQKeepRemovableActivations": True, "weights": "QInt16"},
    ],
    ids="-".join,
)
def test_options_of_the_quantizer(options, tmp_path):
    path = tmp_path / "network.onnx"
    model = quantized(float_network("perceptron"), path, **options)
    graph = tailrace.load(path)
    x = np.random.default_rng(5).normal(0, 1, (24, *graph.host.input.shape)).astype(np.float32)
    result = verify_software(graph, graph.reference, x)
    assert (result.mismatches, result.framework_rounding) == (0, 0), result.first
    assert compared(graph, model, x) >= 4


def test_the_qoperator_format_gives_the_same_with_onnxruntime_s_optimizations(tmp_path):
    model = quantized(float_network("residual"), tmp_path / "network.onnx", form="QOperator")
    graph = tailrace.load(tmp_path / "network.onnx")
    x = np.random.default_rng(5).normal(0, 1, (100, 1, 3, 8, 8)).astype(np.float32)
    for fused in (False, True):
        run = session(model, fused=fused)
        results = np.concatenate([run.run(None, {"x": sample})[0] for sample in x])
        assert np.array_equal(results, graph.predict(x[:, 0]))


def test_the_page_of_qdq_prints_what_it_says(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "doors" / "qdq.md").read_text(encoding="utf-8")
    code, printed = (
        re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) for kind in ("python", "text")
    )
    monkeypatch.chdir(tmp_path)
    logging.disable(logging.WARNING)
    try:
        exec(compile("\n".join(code), "qdq.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own document
    finally:
        logging.disable(logging.NOTSET)
    assert capsys.readouterr().out == printed[0]
