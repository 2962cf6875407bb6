# SPDX-License-Identifier: Apache-2.0
"""Integers to the bytes of a stream and back: each in whole bytes, the lowest first, in two's complement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import TailraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.host.description import Description, OutputStream

Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def pack(description: Description, q: Integers) -> list[Bytes]:
    """Return the bytes of (n, size) integers of frames, an array (n, frame bytes) for each input of the design.

    The integers are those of ``Host.encode``: of all inputs, one after the other, and the mark of a sequence behind
    them. Raises TailraceError where their number is another, or one does not fit its type.
    """
    marked = any(each.marked for each in description.inputs)
    size = sum(each.integers for each in description.inputs) + marked
    if q.ndim != 2 or q.shape[1] != size:
        raise TailraceError(f"got integers of shape {q.shape}, wanted (n, {size})", where=description.design)
    found, start = [], 0
    for stream in description.inputs:
        part = q[:, start : start + stream.integers]
        start += stream.integers
        kind = stream.type
        if part.size and (int(part.min()) < kind.min or int(part.max()) > kind.max):
            raise TailraceError(
                f"the integers go from {part.min()} to {part.max()}", where=stream.name, hint=f"wanted {kind}"
            )
        eight = np.ascontiguousarray(part, "<i8").view(np.uint8).reshape(len(q), stream.integers, 8)
        data = eight[:, :, : stream.pad_bytes].reshape(len(q), stream.integers * stream.pad_bytes)
        marks = [q[:, -1:].astype(np.uint8)] if stream.marked else []
        found.append(np.ascontiguousarray(np.concatenate([*marks, data], axis=1)))
    return found


def unpack(description: Description, frames: Sequence[Bytes]) -> Integers:
    """Return the (n, size) integers of all outputs, one after the other, of an array (n, frame bytes) for each."""
    parts = [_integers(stream, data) for stream, data in zip(description.outputs, frames, strict=True)]
    return np.concatenate(parts, axis=1)


def _integers(stream: OutputStream, data: Bytes) -> Integers:
    lanes = data.reshape(len(data), stream.integers, stream.pad_bytes)
    eight = np.zeros((len(data), stream.integers, 8), np.uint8)
    eight[:, :, : stream.pad_bytes] = lanes
    if stream.type.signed and stream.pad_bytes < 8:
        eight[:, :, stream.pad_bytes :] = np.where(lanes[:, :, -1:] >> 7, 255, 0)
    found: Integers = eight.view("<i8").reshape(len(data), stream.integers).astype(np.int64)
    return found
