# SPDX-License-Identifier: Apache-2.0
"""What cannot be mapped is refused by name: operator, what came, what is accepted, the way out; damage is told."""

from __future__ import annotations

import time

import numpy as np
import pytest
import tailrace

pytest.importorskip("tflite", reason="the package tflite is not installed: pip install 'tailrace[tflite]'")

from tailrace.core.errors import ModelError, TailraceError, UsageError
from tailrace.core.limits import Limits
from tailrace.frontend.problems import UnsupportedError
from tailrace.frontend.tflite import load_tflite, reader
from tailrace.frontend.tflite.records import FlatModel
from tflite_models import MAKERS, Model

FULL_INTEGER = "quantize it whole: converter.optimizations = [tf.lite.Optimize.DEFAULT]"


def dense(**changes):
    """A dense layer of 4 inputs and 3 outputs; ``changes`` are the tensors' keywords, by their letter."""
    m = Model()
    x = m.tensor((1, 4), **{"kind": "INT8", "scale": 0.1, **changes.get("x", {})})
    w = m.tensor((3, 4), **{"kind": "INT8", "scale": 0.01, "data": np.ones((3, 4)), **changes.get("w", {})})
    b = m.tensor((3,), **{"kind": "INT32", "scale": 0.001, "data": np.zeros(3), **changes.get("b", {})})
    y = m.tensor((1, 3), **{"kind": "INT8", "scale": 0.2, "name": "y", **changes.get("y", {})})
    m.operator("FULLY_CONNECTED", [x, w, b], [y], **changes.get("o", {}))
    return m.bytes([x], [y])


def one(kind, x=(1, 4, 4, 2), y=(1, 4, 4, 2), more=(), **options):
    """A model of one operator with an int8 input and output; ``more`` are arrays of constants."""
    m = Model()
    a = m.tensor(x, "INT8", 0.1)
    b = m.tensor(y, "INT8", 0.1, name="y")
    m.operator(kind, [a, *(m.constant(v) for v in more)], [b], **options)
    return m.bytes([a], [b])


def chain(*kinds):
    """A model of several operators of one input, one behind the other."""
    m = Model()
    tensors = [m.tensor((1, 4), "INT8", 1 / 256, zero=-128, name=f"n{i}") for i in range(len(kinds) + 1)]
    for i, kind in enumerate(kinds):
        m.operator(kind, [tensors[i]], [tensors[i + 1]], **({"Beta": 1.0} if kind == "SOFTMAX" else {}))
    return m.bytes([tensors[0]], [tensors[-1]])


def problems(raw):
    with pytest.raises(UnsupportedError) as caught:
        load_tflite(raw, "model")
    return [(p.node, p.operation, p.found, p.hint) for p in caught.value.problems]


FLOAT = {"kind": "FLOAT32", "scale": None}


@pytest.mark.parametrize(
    ("raw", "operation", "found", "hint"),
    [
        (
            dense(x=FLOAT, w={**FLOAT, "data": np.ones((3, 4))}, y=FLOAT),
            "FULLY_CONNECTED",
            "t0 is FLOAT32",
            FULL_INTEGER,
        ),
        (
            dense(x=FLOAT, y=FLOAT),
            "FULLY_CONNECTED",
            "its weights are INT8, but its activations are FLOAT32 (dynamic-range quantization)",
            FULL_INTEGER,
        ),
        (
            dense(x={"kind": "UINT8"}),
            "FULLY_CONNECTED",
            "t0 is UINT8, the older scheme",
            "a converter of TensorFlow 2",
        ),
        (
            dense(y={"kind": "INT16"}),
            "FULLY_CONNECTED",
            "its inputs are INT8 and its output is INT16",
            "convert it",
        ),
        (dense(w={"data": None}), "FULLY_CONNECTED", "its weights t1 are no constant", "two activations"),
        (
            dense(w={"scale": None}),
            "FULLY_CONNECTED",
            "its weights t1 are INT8 without scale",
            "representative data",
        ),
        (dense(b={"kind": "INT64"}), "FULLY_CONNECTED", "its bias t2 is INT64", "representative data"),
        (
            dense(o={"FusedActivationFunction": 4}),
            "FULLY_CONNECTED",
            "its fused activation is TANH",
            "of its own",
        ),
        (dense(o={"WeightsFormat": 1}), "FULLY_CONNECTED", "in a shuffled order", "convert it again"),
        (
            dense(x={"kind": "INT16", "zero": 3}, y={"kind": "INT16"}, b={"kind": "INT64"}),
            "FULLY_CONNECTED",
            "t0 of type INT16 has the zero point 3",
            FULL_INTEGER,
        ),
        (
            dense(b={"data": np.full(3, 2**31 - 1)}),
            "FULLY_CONNECTED",
            "the kernel's 32 bits overflow",
            "smaller weights",
        ),
        (one("SVDF"), "SVDF", "SVDF keeps a state from step to step", "run it in software"),
        (
            one("RESIZE_BILINEAR"),
            "RESIZE_BILINEAR",
            "RESIZE_BILINEAR is not supported",
            "RESIZE_NEAREST_NEIGHBOR",
        ),
        (one("CUSTOM"), "CUSTOM", "the custom operator (without a name)", "end the network in front of it"),
        (
            chain("RELU", "SOFTMAX", "RELU"),
            "SOFTMAX",
            "it stands in front of n3 (RELU), but only the host",
            "end the",
        ),
        (
            one("RESIZE_NEAREST_NEIGHBOR", y=(1, 6, 4, 2), more=([6, 4],)),
            "RESIZE_NEAREST_NEIGHBOR",
            "it takes the rows [0, 0, 1, 2, 2, 3] of 4",
            "resize by a whole factor",
        ),
        (
            one("MAX_POOL_2D", y=(1, 3, 3, 2), FilterHeight=2, FilterWidth=2, StrideH=2, StrideW=2),
            "MAX_POOL_2D",
            "it makes the shape [1, 2, 2, 2], and its output has [1, 3, 3, 2]",
            "convert it again",
        ),
        (one("MEAN", y=(1, 2), more=([9],)), "MEAN", "is not some of the 4 axes", "convert it again"),
        (
            one("RELU", y=(1, 3)),
            "RELU",
            "it makes 32 elements for an output of the shape [1, 3]",
            "convert it again",
        ),
        (one("RELU", y=(1, 0)), "RELU", "y is empty", "convert it again"),
    ],
)
def test_a_refusal_names_operator_what_came_and_the_way_out(raw, operation, found, hint):
    (problem,) = problems(raw)
    assert problem[1] == operation
    assert found in problem[2]
    assert hint in problem[3]


def test_the_message_lists_every_operator_once_with_what_is_accepted():
    m = Model()
    x = m.tensor((1, 4), "INT8", 0.1, name="x")
    a = m.tensor((1, 4), "INT8", 0.1, name="a")
    b = m.tensor((1, 4), "INT8", 0.1, name="b")
    m.operator("FLOOR", [x], [a])
    m.operator("SVDF", [a], [b])
    with pytest.raises(UnsupportedError) as caught:
        load_tflite(m.bytes([x], [b]), "model")
    text = str(caught.value)
    assert text.startswith("model: 2 nodes cannot be mapped:\n  1. a (FLOOR): FLOOR is not supported\n")
    assert "  2. b (SVDF): SVDF keeps a state from step to step, which no block does\n" in text
    assert "accepted: one of ADD, AVERAGE_POOL_2D, CONCATENATION" in text


def test_several_inputs_or_outputs_and_a_batch_are_refused():
    m = Model()
    x, z = (m.tensor((1, 4), "INT8", 0.1) for _ in range(2))
    y, u = (m.tensor((1, 4), "INT8", 0.1) for _ in range(2))
    m.operator("ADD", [x, z], [y])
    m.operator("RELU", [x], [u])
    assert problems(m.bytes([x, z], [y]))[0][1:3] == ("input", "the network has 2 inputs")
    assert problems(m.bytes([x], [u, x]))[0][1:3] == ("output", "the network has 2 outputs")
    n = Model()
    x, y = (n.tensor((4, 4), "INT8", 0.1) for _ in range(2))
    n.operator("RELU", [x], [y])
    assert problems(n.bytes([x], [y]))[0][2] == "its shape is [4, 4], which has no batch axis of 1"


def test_a_network_of_nothing_for_the_hardware_is_told():
    with pytest.raises(ModelError, match="it has no layer: what it does, the host does"):
        load_tflite(chain("SOFTMAX"), "model")


def test_an_input_type_has_no_meaning(tmp_path):
    (tmp_path / "m.tflite").write_bytes(dense())
    with pytest.raises(UsageError, match="says itself of which type its input is"):
        tailrace.load(tmp_path / "m.tflite", "fixed<8,4>")


def test_without_its_package_the_file_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tflite", None)
    with pytest.raises(ModelError) as caught:
        load_tflite(b"\x1c\x00\x00\x00TFL3", "model")
    assert str(caught.value) == (
        "model: the package tflite, which reads such files, is missing\n  hint: pip install 'tailrace[tflite]'"
    )


def test_limits_are_kept_before_anything_is_made():
    raw = dense(x={"scale": 0.1})
    with pytest.raises(ModelError, match="is too large: 12 elements, 8 are allowed"):
        load_tflite(raw, "model", limits=Limits(elements=8))


# Damage


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_a_file_cut_off_is_told(share, shared_models):
    raw = (shared_models / "mlperf_tiny_kws.tflite").read_bytes()
    with pytest.raises(ModelError, match="this is not a whole TensorFlow Lite file") as caught:
        load_tflite(raw[: int(len(raw) * share)], "model")
    assert caught.value.hint == "copy it, or convert it again: it may be truncated"


def mutated(seed: int) -> bytes:
    """A model with one to three bytes, words, or pieces of it changed."""
    rng = np.random.default_rng(seed)
    maker = sorted(MAKERS)[int(rng.integers(0, len(MAKERS)))]
    raw = bytearray(MAKERS[maker](rng, str(rng.choice(["INT8", "INT16"]))).raw)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(8, len(raw)))
        match int(rng.choice([0, 0, 0, 0, 1, 1, 2, 3])):
            case 0:
                raw[at] = int(rng.integers(0, 256))
            case 1:
                word = int(
                    rng.choice([0, 1, -1, 1 << 30, -(1 << 31), 0x7FFFFFFF, int(rng.integers(-999, 999))])
                )
                raw[at : at + 4] = word.to_bytes(4, "little", signed=True)
            case 2:
                raw[at : at + 8] = raw[8:16]
            case _:
                del raw[at : at + int(rng.integers(1, 9))]
    return bytes(raw)


def test_hostile_bytes_are_answered_in_bounded_time():
    kinds = {"loaded": 0, "refused": 0}
    start = time.process_time()
    for seed in range(300):
        try:
            load_tflite(mutated(seed), "model")
            kinds["loaded"] += 1
        except TailraceError:
            kinds["refused"] += 1
    assert time.process_time() - start < 120
    assert min(kinds.values()) > 12, kinds


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_thousands_of_hostile_files_are_answered(part):
    for seed in range(1000 + 2000 * part, 3000 + 2000 * part):
        try:
            load_tflite(mutated(seed), "model")
        except TailraceError:
            continue


def test_names_of_the_file_are_one_line_and_each_its_own():
    m = Model()
    x = m.tensor((1, 4), "INT8", 0.1, name="a/b;c\n\x1b[31m")
    y = m.tensor((1, 4), "INT8", 0.1, name="a/b;d")
    z = m.tensor((1, 4), "INT8", 0.1, name="")
    m.operator("RELU", [x], [y])
    m.operator("RELU", [y], [z])
    model = reader.read(m.bytes([x], [z]), "model")
    assert isinstance(model, FlatModel)
    assert [t.name for t in model.tensors] == ["a/b;c__[31m", "a/b;d", "tensor #2"]
