# SPDX-License-Identifier: Apache-2.0
"""``frontend/files.py``: files of other kinds are named for what they are; models in memory are taken."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from onnx import helper, printer
from qonnx.core.modelwrapper import ModelWrapper
from tailrace.core.errors import ModelError, UsageError
from tailrace.frontend.files import kind_of


def small_model() -> onnx.ModelProto:
    build = Builder()
    w = build.quant(build.constant(build.rng.normal(0, 1, (4, 3))), bits=4)
    return build.model(build.node("MatMul", build.quant(build.input([1, 4])), w))


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name, content in parts.items():
            whole.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file (Keras .h5)", "qonnx.converters.keras.from_keras"),
        (archive(**{"m/data.pkl": b"1"}), "a PyTorch archive (.pt, .pth)", "tailrace.from_brevitas"),
        (
            archive(**{"metadata.json": b"{}", "model.weights.h5": b""}),
            "a Keras archive (.keras)",
            "qonnx.converters",
        ),
        (archive(readme=b""), "a zip archive", "give the ONNX file in it"),
        (pickle.dumps({}), "a pickle of Python (an old PyTorch .pt or .pth)", "tailrace.from_brevitas"),
        (gzip.compress(b"x", mtime=0), "a gzip archive", "gunzip"),
        (b"\x18\x00\x00\x00ORTM" + bytes(9), "a model in ONNX Runtime's own format (.ort)", "the ONNX file"),
        (b"\x93NUMPY\x01\x00", "a NumPy array", "--vectors"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "a picture, document or program", "the path of an ONNX file"),
        (b"\x08\x01\x12\x80serving_default\x00", "a SavedModel of TensorFlow", "tf2onnx"),
        (str(small_model()).encode(), "ONNX as text", 'format="textproto"'),
        (printer.to_text(small_model()).encode(), "ONNX as text", "onnx.parser.parse_model"),
        (
            b'{"class_name": "Functional"}',
            "the JSON of a Keras model, without its weights",
            "qonnx.converters",
        ),
        (b"[1, 2]", "JSON", "the path of an ONNX file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "a web page", "download the file itself"),
        ("Schicht 1: 64 Neuronen, größer\n".encode(), "a text", "the path of an ONNX file"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(content, what, hint, tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        tailrace.load(path)
    assert caught.value.message == f"this is {what}, not ONNX"
    assert hint in str(caught.value.hint)


def test_no_public_network_is_taken_for_a_file_of_another_kind(shared_models):
    paths = sorted(shared_models.glob("*.onnx"))
    assert len(paths) > 20
    assert [path.name for path in paths if kind_of(path.read_bytes()) is not None] == []


def test_a_saved_model_folder_is_named(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelError, match="this is a SavedModel of TensorFlow, not ONNX"):
        tailrace.load(tmp_path)


def test_the_texts_that_hints_promise_lead_back_to_the_network(tmp_path):
    model = small_model()
    (tmp_path / "text").write_text(str(model))
    assert onnx.load(tmp_path / "text", format="textproto") == model
    parsed = onnx.parser.parse_model(printer.to_text(model))
    assert [node.op_type for node in parsed.graph.node] == [node.op_type for node in model.graph.node]


def test_a_model_in_memory_is_taken_and_left_as_it_is(tmp_path):
    model = small_model()
    before = model.SerializeToString(deterministic=True)
    onnx.save(model, tmp_path / "net.onnx")
    x = np.random.default_rng(3).normal(0, 1, (5, 1, 4)).astype(np.float32)
    expected = tailrace.load(tmp_path / "net.onnx").predict(x)
    assert np.array_equal(expected, tailrace.load(str(tmp_path / "net.onnx")).predict(x))
    assert np.array_equal(expected, tailrace.load(model).predict(x))
    assert model.SerializeToString(deterministic=True) == before
    assert np.array_equal(expected, tailrace.load(ModelWrapper(model)).predict(x))


def test_a_model_without_nodes_is_refused():
    with pytest.raises(ModelError, match="its graph has no nodes"):
        tailrace.load(helper.make_model(helper.make_graph([], "empty", [], [])))


class Module:
    """Stands for a network of torch, which the core does without."""


Module.__module__ = "torch.nn.modules.module"


class Net(Module):
    """A user's network."""


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (Net(), "got an object of type Net, wanted", "tailrace.from_brevitas(module, example)"),
        (
            b"\x08\x07",
            "got bytes, wanted the path of an ONNX file, an onnx.ModelProto or a qonnx ModelWrapper",
            "load(",
        ),
        (None, "got an object of type NoneType, wanted the path", 'tailrace.load("network.onnx")'),
    ],
)
def test_anything_else_is_told_what_is_taken(source, message, hint):
    with pytest.raises(UsageError) as caught:
        tailrace.load(source)
    assert message in caught.value.message
    assert hint in str(caught.value.hint)
