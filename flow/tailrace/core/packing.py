# SPDX-License-Identifier: Apache-2.0
"""Integers to hardware words and back: lane 0 in the lowest bits, as on every stream and in every memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BITS_AT_ONCE = 1 << 20
"""Bits taken apart or put together at a time: each takes nine bytes meanwhile."""


def pack(values: NDArray[np.int64], bits: int) -> NDArray[np.uint32]:
    """Pack (words, lanes) integers of ``bits`` bits (at most 64) into (words, chunks) little-endian 32-bit chunks."""
    words, lanes = values.shape
    chunks = -(-lanes * bits // 32)
    shifts = np.arange(bits, dtype=np.uint64)
    packed = np.empty((words, chunks), np.uint32)
    for part in _parts(words, lanes * bits):
        some = values[part].astype(np.uint64)
        padded = np.zeros((len(some), chunks * 32), np.uint8)
        padded[:, : lanes * bits] = ((some[:, :, None] >> shifts) & np.uint64(1)).reshape(len(some), -1)
        packed[part] = np.packbits(padded, axis=1, bitorder="little").view("<u4")
    return packed


def unpack(words: NDArray[np.uint32], lanes: int, bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Undo :func:`pack`: (words, chunks) 32-bit chunks to (words, lanes) integers of ``bits`` bits (at most 64)."""
    weights = np.uint64(1) << np.arange(bits, dtype=np.uint64)
    values = np.empty((len(words), lanes), np.uint64)
    for part in _parts(len(words), lanes * bits):
        as_bytes = np.ascontiguousarray(words[part].astype("<u4")).view(np.uint8)
        as_bits = np.unpackbits(as_bytes, axis=1, bitorder="little")[:, : lanes * bits]
        values[part] = (as_bits.reshape(-1, lanes, bits) * weights).sum(axis=2, dtype=np.uint64)
    result: NDArray[np.int64] = values.view(np.int64)
    if signed and bits < 64:
        result <<= 64 - bits
        result >>= 64 - bits
    return result


def _parts(words: int, bits: int) -> Iterator[slice]:
    """Return which of the words, of so many bits each, to take at a time."""
    count = max(1, BITS_AT_ONCE // max(bits, 1))
    return (slice(start, start + count) for start in range(0, words, count))
