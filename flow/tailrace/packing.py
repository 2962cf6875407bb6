# SPDX-License-Identifier: Apache-2.0
"""Integers to hardware words and back: lane 0 in the lowest bits, as on every stream and in every memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pack(values: NDArray[np.int64], bits: int) -> NDArray[np.uint32]:
    """Pack (words, lanes) integers of ``bits`` bits (at most 64) into (words, chunks) little-endian 32-bit chunks."""
    words, lanes = values.shape
    shifts = np.arange(bits, dtype=np.uint64)
    as_bits = ((values.astype(np.uint64)[:, :, None] >> shifts) & np.uint64(1)).astype(np.uint8)
    flat = as_bits.reshape(words, lanes * bits)
    chunks = -(-lanes * bits // 32)
    padded = np.zeros((words, chunks * 32), np.uint8)
    padded[:, : lanes * bits] = flat
    return np.packbits(padded, axis=1, bitorder="little").view("<u4").reshape(words, chunks)


def unpack(words: NDArray[np.uint32], lanes: int, bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Undo :func:`pack`: (words, chunks) 32-bit chunks to (words, lanes) integers of ``bits`` bits (at most 64)."""
    as_bytes = np.ascontiguousarray(words.astype("<u4")).view(np.uint8).reshape(len(words), -1)
    as_bits = np.unpackbits(as_bytes, axis=1, bitorder="little")[:, : lanes * bits]
    weights = np.uint64(1) << np.arange(bits, dtype=np.uint64)
    values = (as_bits.reshape(len(words), lanes, bits).astype(np.uint64) * weights).sum(
        axis=2, dtype=np.uint64
    )
    result: NDArray[np.int64] = (
        values.view(np.int64) if values.flags.c_contiguous else values.astype(np.int64)
    )
    if signed and bits < 64:
        result = (result << (64 - bits)) >> (64 - bits)
    return result
