# SPDX-License-Identifier: Apache-2.0
"""Softmax in the middle of a network: equal to its software, or refused with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tailrace as tr
from networks import Builder
from tailrace.frontend import UnsupportedError
from tailrace.graph import Softmax
from tailrace.graph.passes import pipeline as passes
from tailrace.planning.streams.simulator import simulate
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_integers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def weights(build: Builder, *shape: int) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, shape)), scale=0.25, bits=4)


def end(build: Builder, y: str, length: int, *, bits: int = 8, scale: float = 1 / 255) -> str:
    """A quantizer of shares, and a layer behind it."""
    return build.node("MatMul", build.quant(y, scale=scale, bits=bits, signed=0), weights(build, length, 3))


def rows(
    build: Builder, *, scale: float = 1 / 255, bits: int = 8, step: float = 0.25, length: int = 6
) -> str:
    x = build.quant(build.input([1, 4, length]), scale=step, bits=6)
    return end(build, build.node("Softmax", x, axis=-1), length, bits=bits, scale=scale)


def heads(build: Builder, *, heads: int = 2, tokens: int = 4, width: int = 2, mixed: bool = True) -> str:
    """Attention: queries, keys and values of one layer, head by head."""
    x = build.quant(build.input([1, tokens, 4]), scale=0.5, bits=4)
    parts = []
    for transposed in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)):
        y = build.quant(build.node("MatMul", x, weights(build, 4, heads * width)), scale=0.5, bits=4)
        y = build.node("Reshape", y, build.constant([1, tokens, heads, width], np.int64))
        parts.append(build.node("Transpose", y, perm=list(transposed)))
    query, key, value = parts
    scores = build.node("Mul", build.node("MatMul", query, key), build.constant(np.float32(1 / width**0.5)))
    shares = build.quant(build.node("Softmax", scores, axis=-1), scale=1 / 15, bits=4, signed=0)
    if not mixed:
        return shares
    y = build.node("Transpose", build.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    y = build.node("Reshape", y, build.constant([1, tokens, heads * width], np.int64))
    return build.node("MatMul", build.quant(y, scale=0.125, bits=6), weights(build, heads * width, 3))


def masked_heads(
    build: Builder, *, form: str = "add", heads: int = 2, tokens: int = 4, width: int = 2
) -> str:
    """Causal attention: a token sees itself and those before it; the mask is added, or chosen by a constant."""
    x = build.quant(build.input([1, tokens, 4]), scale=0.5, bits=4)
    parts = []
    for transposed in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)):
        y = build.quant(build.node("MatMul", x, weights(build, 4, heads * width)), scale=0.5, bits=4)
        y = build.node("Reshape", y, build.constant([1, tokens, heads, width], np.int64))
        parts.append(build.node("Transpose", y, perm=list(transposed)))
    query, key, value = parts
    scores = build.node("Mul", build.node("MatMul", query, key), build.constant(np.float32(1 / width**0.5)))
    seen = np.tril(np.ones((tokens, tokens), bool))
    if form == "add":
        added = np.where(seen, 0, -np.inf).astype(np.float32)
        scores = build.node("Add", scores, build.constant(added))
    elif form == "finite":
        added = np.where(seen, 0, np.finfo(np.float32).min).astype(np.float32)
        scores = build.node("Add", build.constant(added[None, None]), scores)
    else:
        never = build.constant(np.float32(-1e9))
        choice = (scores, never) if form == "where" else (never, scores)
        scores = build.node("Where", build.constant(seen if form == "where" else ~seen, bool), *choice)
    shares = build.quant(build.node("Softmax", scores, axis=-1), scale=1 / 15, bits=4, signed=0)
    y = build.node("Transpose", build.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    y = build.node("Reshape", y, build.constant([1, tokens, heads * width], np.int64))
    return build.node("MatMul", build.quant(y, scale=0.125, bits=6), weights(build, heads * width, 3))


def of_an_accumulator(build: Builder) -> str:
    x = build.quant(build.input([1, 4, 5]), bits=3)
    return end(build, build.node("Softmax", build.node("MatMul", x, weights(build, 5, 6)), axis=-1), 6)


def of_its_negative(build: Builder) -> str:
    x = build.node("Mul", build.quant(build.input([1, 6])), build.constant(np.float32(-0.3)))
    return end(build, build.node("Softmax", x, axis=1), 6)


def with_a_bias(build: Builder) -> str:
    x = build.node("Add", build.quant(build.input([1, 4, 3])), build.constant(np.float32([1.25, -0.5, 0.0])))
    return end(build, build.node("Softmax", x), 3)


def over_channels(build: Builder) -> str:
    x = build.quant(build.input([1, 5, 2, 3]))
    return end(build, build.node("Softmax", x, axis=1), 3)


def over_rows_that_do_not_follow_each_other(build: Builder) -> str:
    x = build.quant(build.input([1, 5, 3]))
    return end(build, build.node("Softmax", x, axis=1), 3)


def of_old_opsets(build: Builder) -> str:
    build.opset = 11
    x = build.quant(build.input([1, 2, 3]))
    return end(build, build.node("Softmax", x, axis=1), 3)  # over both axes


def without_a_quantizer(build: Builder) -> str:
    x = build.quant(build.input([1, 4, 3]))
    y = build.node("MatMul", build.node("Softmax", x), weights(build, 3, 4))
    return build.node("MatMul", build.quant(y, bits=6), weights(build, 4, 2))


NETWORKS: dict[str, Callable[[Builder], str]] = {
    "rows": rows,
    "rows, power of two": lambda build: rows(build, scale=1 / 256),
    "rows of thirty-four, ten bits": lambda build: rows(build, scale=1 / 1023, bits=10, length=34),
    "small steps": lambda build: rows(build, step=0.013, scale=0.0037),
    "attention": heads,
    "attention, one head": lambda build: heads(build, heads=1, tokens=6, width=4),
    "causal, -inf added": masked_heads,
    "causal, the least float added": lambda build: masked_heads(build, form="finite", heads=1, tokens=6),
    "causal, by a choice": lambda build: masked_heads(build, form="where"),
    "causal, by the other choice": lambda build: masked_heads(build, form="where not"),
    "shares at the end": lambda build: heads(build, mixed=False),
    "of an accumulator": of_an_accumulator,
    "of its negative": of_its_negative,
    "with a bias": with_a_bias,
    "over channels": over_channels,
    "over rows that do not follow each other": over_rows_that_do_not_follow_each_other,
    "of old opsets": of_old_opsets,
    "without a quantizer": without_a_quantizer,
}


def loaded(network: Callable[[Builder], str], folder: Path) -> tuple[tr.Graph, tuple[int, ...]]:
    build = Builder(seed=3)
    path = folder / "net.onnx"
    onnx.save(build.model(network(build)), path)
    return tr.load(path), tuple(d.dim_value for d in build.inputs[0].type.tensor_type.shape.dim)[1:]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_softmax_equals_its_software(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    graph, shape = loaded(NETWORKS[name], tmp_path)
    assert sum(isinstance(node, Softmax) for node in graph.nodes) == 1
    x = rng.normal(0, 2, (12, *shape)).astype(np.float32)
    x[0] = 0  # all scores are equal
    imported = graph.reference.graph
    result = verify_software(imported, graph.reference, x)
    assert (result.mismatches, result.framework_rounding) == (0, 0), result.first
    lowered, q = passes.run(graph), random_integers(graph, 32, seed=1)
    assert np.array_equal(graph.predict_int(q), lowered.predict_int(q))


def test_a_share_that_is_off_is_a_mismatch(tmp_path: Path, rng: np.random.Generator) -> None:
    """E1 does not put it down to float32 where the table is wrong."""
    graph, shape = loaded(rows, tmp_path)
    imported = graph.reference.graph
    (node,) = (n for n in imported.nodes if isinstance(n, Softmax))
    node.table[1:] -= node.table[1:] >> 12
    x = rng.normal(0, 2, (40, *shape)).astype(np.float32)
    assert verify_software(imported, graph.reference, x).mismatches > 0


def assert_equal_in_hardware(
    network: Callable[[Builder], str], folder: Path, fps: float | None = None
) -> tr.Design:
    """E1 and E2 with stalls; interval and latency are those of the stream simulator."""
    graph, shape = loaded(network, folder)
    plan = tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=fps)
    design = tr.emit(plan, folder / "build")
    x = np.random.default_rng(1).normal(0, 2, (8, *shape)).astype(np.float32)
    report = design.verify(x, seed=1, stall=0.4)
    schedule, measured = simulate(plan), report.performance
    assert plan.interval_cycles == schedule.interval_cycles
    assert (schedule.interval_cycles, schedule.latency_cycles) == (
        measured.interval_cycles,
        measured.latency_cycles,
    )
    for result in (report.verify.software, report.verify.hls, report.verify.rtl):
        assert result is not None
        assert (result.vectors >= 8, result.mismatches) == (True, 0)
    return design


def test_rows_are_equal_in_hardware(tmp_path: Path) -> None:
    assert_equal_in_hardware(rows, tmp_path)


def test_a_mask_closes_entries(tmp_path: Path) -> None:
    graph, _ = loaded(masked_heads, tmp_path)
    (node,) = (n for n in graph.nodes if isinstance(n, Softmax))
    rows = np.repeat(np.triu(np.ones((4, 4), np.int64), 1), 2, axis=0)  # two heads at every token
    assert np.array_equal(node.closed, rows)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [None, 1e6])
@pytest.mark.parametrize("network", [heads, masked_heads])
def test_attention_is_equal_down_to_its_netlist(
    network: Callable[[Builder], str], fps: float | None, tmp_path: Path
) -> None:
    design = assert_equal_in_hardware(network, tmp_path, fps)
    x = np.random.default_rng(2).normal(0, 2, (4, 4, 4)).astype(np.float32)
    netlist = design.synth("yosys", x=x, vectors=4).verify.netlist
    assert netlist is not None
    assert (netlist.vectors > 0, netlist.mismatches) == (True, 0)


# What is refused


def scores_of_floats(build: Builder) -> str:
    x = build.node(
        "Tanh", build.node("MatMul", build.quant(build.input([1, 4, 5]), bits=8), weights(build, 5, 90))
    )
    return end(build, build.node("Softmax", x), 90)


def scores_of_tiny_steps(build: Builder) -> str:
    x = build.quant(build.input([1, 4, 5]), scale=1e-5, bits=24)
    return end(build, build.node("Softmax", x), 5)


def scores_of_different_scales(build: Builder) -> str:
    x = build.node("Mul", build.quant(build.input([1, 4, 3])), build.constant(np.float32([1, 2, 3])))
    return end(build, build.node("Softmax", x), 3)


def over_samples(build: Builder) -> str:
    return end(build, build.node("Softmax", build.quant(build.input([1, 4])), axis=0), 4)


def with_a_bias_between_steps(build: Builder) -> str:
    x = build.node("Add", build.quant(build.input([1, 4, 3])), build.constant(np.float32([0.1, 0.2, 0.0])))
    return end(build, build.node("Softmax", x), 3)


def with_a_mask_that_closes_a_row(build: Builder) -> str:
    added = np.where(np.eye(3) == 1, 0, -np.inf)
    added[1] = -np.inf
    x = build.quant(build.input([1, 3, 3]))
    return end(build, build.node("Softmax", build.node("Add", x, build.constant(added))), 3)


def with_a_mask_that_scores_reach(build: Builder) -> str:
    x = build.quant(build.input([1, 3, 3]), scale=8.0, bits=8)
    added = np.where(np.eye(3) == 1, 0, -1000)
    return end(build, build.node("Softmax", build.node("Add", x, build.constant(added))), 3)


@pytest.mark.parametrize(
    ("network", "found"),
    [
        (with_a_mask_that_closes_a_row, "its mask leaves nothing open in some row"),
        (with_a_mask_that_scores_reach, "its mask adds -1000, and scores may be 2040 apart"),
        (scores_of_floats, "is not quantized"),
        (
            scores_of_tiny_steps,
            "its scores are multiples of 1e-05, so that its table of the exponential would have",
        ),
        (scores_of_different_scales, "its scores have different scales"),
        (over_samples, "it is taken over the first axis, that of the samples"),
        (with_a_bias_between_steps, "what is added to its scores is no multiple of their step"),
    ],
)
def test_what_has_no_integer_form_is_refused_by_name(
    network: Callable[[Builder], str], found: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        loaded(network, tmp_path)
    (problem,) = (p for p in caught.value.problems if p.operation == "Softmax")
    assert found in problem.found
    assert problem.hint
