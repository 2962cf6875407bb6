# SPDX-License-Identifier: Apache-2.0
"""Read a network from a file, and tell files of other kinds by what is in them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import onnx

from tailrace.core.errors import ModelError
from tailrace.frontend.limits import DEFAULT_LIMITS, Limits
from tailrace.frontend.normalization import normalize

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.frontend.network import Network


def read(path: Path, limits: Limits = DEFAULT_LIMITS) -> Network:
    """Read and normalize the network in ``path``; ModelError where it is no ONNX file or has no usable input."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            "there is no such file", where=str(path), hint="give the path of an ONNX file"
        ) from None
    except IsADirectoryError:
        raise ModelError("this is a folder", where=str(path), hint="give the path of an ONNX file") from None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=str(path)) from None
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
    return normalize(
        model,
        path.stem,
        sha256=hashlib.sha256(raw).hexdigest(),
        where=str(path),
        folder=path.parent,
        limits=limits,
    )
