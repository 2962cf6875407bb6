# SPDX-License-Identifier: Apache-2.0
"""Take a network from a file or from a model in memory; what is neither is named for what it is, with the way out."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from tailrace.core.errors import ModelError, UsageError
from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.frontend.normalization import normalize

if TYPE_CHECKING:
    from qonnx.core.modelwrapper import ModelWrapper

    from tailrace.frontend.network import Network

    Source = str | os.PathLike[str] | onnx.ModelProto | ModelWrapper

MODULE_HINTS = {
    "torch": "tailrace.from_brevitas(module, example), for a module of Brevitas' layers in evaluation mode",
    "brevitas": "tailrace.from_brevitas(module, example), for a module of Brevitas' layers in evaluation mode",
    "keras": "convert it first: qonnx.converters.keras.from_keras(model), then load what that returns",
    "tensorflow": "convert it first: qonnx.converters.keras.from_keras(model), then load what that returns",
    "qkeras": "convert it first: qonnx.converters.keras.from_keras(model), then load what that returns",
}
"""How a model of another library becomes a network, by the first word of the module of its class."""


def network_of(source: object, limits: Limits = DEFAULT_LIMITS) -> Network:
    """Return the network in a file (a path), in an ``onnx.ModelProto`` or in a ``ModelWrapper`` of qonnx."""
    if isinstance(source, str | os.PathLike):
        return read(Path(source), limits)
    model = source if isinstance(source, onnx.ModelProto) else getattr(source, "model", None)
    if isinstance(model, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        digest = hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
        return _normalized(copy, model.graph.name or "network", digest, limits)
    raise _no_model(source)


def _no_model(source: object) -> UsageError:
    """Return the answer to what is no model."""
    modules = [cls.__module__.partition(".")[0] for cls in type(source).__mro__]
    return UsageError(
        f"got {'bytes' if isinstance(source, bytes) else f'an object of type {type(source).__qualname__}'}, "
        "wanted the path of an ONNX file, an onnx.ModelProto or a qonnx ModelWrapper",
        hint=next((MODULE_HINTS[m] for m in modules if m in MODULE_HINTS), 'tailrace.load("network.onnx")'),
    )


def _normalized(model: onnx.ModelProto, name: str, digest: str, limits: Limits) -> Network:
    if not model.graph.node:
        raise ModelError("its graph has no nodes", where=name, hint="give the model of a whole network")
    return normalize(model, name, sha256=digest, limits=limits)


def content(path: Path) -> bytes:
    """Return the bytes of a network's file; ModelError where there is none, or it is a folder."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            "there is no such file", where=str(path), hint="give the path of an ONNX file"
        ) from None
    except IsADirectoryError:
        raise _folder(path) from None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=str(path)) from None


def model_of(source: object) -> tuple[onnx.ModelProto, str]:
    """Return the model of a file (a path), an ``onnx.ModelProto`` or a ``ModelWrapper`` as it is, and its name."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        model = parsed(path, content(path))
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
        return model, path.stem
    found = source if isinstance(source, onnx.ModelProto) else getattr(source, "model", None)
    if isinstance(found, onnx.ModelProto):
        return found, found.graph.name or "network"
    raise _no_model(source)


def read(path: Path, limits: Limits = DEFAULT_LIMITS) -> Network:
    """Read and normalize the network in ``path``; ModelError where it is no ONNX file or has no usable input."""
    raw = content(path)
    return normalize(
        parsed(path, raw),
        path.stem,
        sha256=hashlib.sha256(raw).hexdigest(),
        where=str(path),
        folder=path.parent,
        limits=limits,
    )


def parsed(path: Path, raw: bytes) -> onnx.ModelProto:
    """Return the model in the bytes of a file; ModelError where they are something else, or not all of it."""
    found = kind_of(raw)
    if found is not None:
        what, hint = found
        raise ModelError(f"this is {what}, not ONNX", where=str(path), hint=hint)
    try:
        model = onnx.load_model_from_string(raw)
    except Exception as error:  # noqa: BLE001 - protobuf's DecodeError is in a module of its implementation
        raise ModelError(
            f"this is not a whole ONNX file ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            where=str(path),
            hint="export it again, or copy it again: it may be truncated",
        ) from None
    if not model.graph.node:
        raise ModelError(
            "this is not a whole ONNX file: its graph has no nodes",
            where=str(path),
            hint="export it again, or copy it again: it may be truncated",
        )
    return model


def _folder(path: Path) -> ModelError:
    if (path / "saved_model.pb").is_file() or (path / "keras_metadata.pb").is_file():
        return ModelError("this is a SavedModel of TensorFlow, not ONNX", where=str(path), hint=KERAS)
    return ModelError("this is a folder", where=str(path), hint="give the path of an ONNX file")


# Files of other kinds

PYTORCH = (
    "load it in Python and give the module: tailrace.from_brevitas(module, example); "
    "weights alone (a state_dict) need the module that they belong to"
)
KERAS = "load it in Python and convert the model: qonnx.converters.keras.from_keras (QKeras), or tf2onnx"


def kind_of(raw: bytes) -> tuple[str, str] | None:
    """Return what a file of another kind than ONNX is, by its content, and the way out; None where nothing says so."""
    start = raw[:4096]
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "an HDF5 file (Keras .h5)", KERAS
    if start.startswith(b"PK\x03\x04"):
        return _zip_kind(raw)
    if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return "a pickle of Python (an old PyTorch .pt or .pth)", PYTORCH
    if start.startswith(b"\x1f\x8b"):
        return "a gzip archive", "unpack it: gunzip, or tar xzf"
    if start[4:8] == b"ORTM":
        return "a model in ONNX Runtime's own format (.ort)", "give the ONNX file that it was made of"
    if start.startswith(b"\x93NUMPY"):
        return "a NumPy array", "give the network; arrays are for --vectors"
    if start.startswith((b"\x89PNG", b"%PDF", b"\x7fELF", b"\xff\xd8\xff")):
        return "a picture, document or program", "give the path of an ONNX file"
    if start.startswith(b"\x08\x01\x12") and b"serving_default" in raw:
        return "a SavedModel of TensorFlow", KERAS
    return _text_kind(start)


def _zip_kind(raw: bytes) -> tuple[str, str]:
    """Return what a zip archive is, by the names of its parts, which stand in it in plain."""
    if b"metadata.json" in raw and b"model.weights.h5" in raw:
        return "a Keras archive (.keras)", KERAS
    if b"data.pkl" in raw or b"constants.pkl" in raw:
        return "a PyTorch archive (.pt, .pth)", PYTORCH
    return "a zip archive", "unpack it, and give the ONNX file in it"


def _text_kind(start: bytes) -> tuple[str, str] | None:
    """Return what a file of plain text is."""
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:  # else a character may be cut
            return None
        text = start[: error.start].decode()
    if not text.strip() or any(ord(c) < 32 and c not in "\t\n\r\f" for c in text):
        return None
    head = text.lstrip()
    if head.startswith("version https://git-lfs"):
        return "a pointer of Git LFS", "fetch the file itself: git lfs pull"
    if head.startswith(("<!DOCTYPE", "<html")):
        return "a web page", "download the file itself (on GitHub: Raw)"
    if (
        head.startswith(("ir_version:", "graph {", "producer_name:", "<\n", "< \n"))
        or "ir_version" in head[:200]
    ):
        hint = 'write it as binary: onnx.save(onnx.load(FILE, format="textproto"), "network.onnx")'
        if head.startswith("<"):
            hint = 'write it as binary: onnx.save(onnx.parser.parse_model(text), "network.onnx")'
        if head.startswith("{"):
            hint = 'write it as binary: onnx.save(onnx.load(FILE, format="json"), "network.onnx")'
        return "ONNX as text", hint
    if head.startswith(("{", "[")):
        if '"class_name"' in text:
            return "the JSON of a Keras model, without its weights", KERAS
        return "JSON", "give the path of an ONNX file"
    return "a text", "give the path of an ONNX file"
