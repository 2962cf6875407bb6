# SPDX-License-Identifier: Apache-2.0
"""Packets on a run of bytes: header, number, payload, CRC-32, between delimiters and escaped as in RFC 1055.

``ip/link/tr_link_rx.v`` and ``tr_link_tx.v`` are the other end; docs/internals/link.md has the protocol.
"""

from __future__ import annotations

import enum
import zlib
from dataclasses import dataclass

END, ESC = b"\xc0", b"\xdb"
ESC_END, ESC_ESC = b"\xdb\xdc", b"\xdb\xdd"

OVERHEAD = 8
"""Bytes of a packet beside its payload: two delimiters, header, number and CRC."""

NONCE_BYTES = 4


class Kind(enum.IntEnum):
    """What a packet is: the upper half of its header; the lower half is the number of a stream."""

    OPEN = 1
    DATA = 2
    OPENED = 3
    RESULT = 4
    CREDIT = 5
    ERROR = 6


FAULTS = {
    1: "a byte was broken on the line",
    2: "a packet was too long",
    3: "a packet was too short",
    4: "the checksum of a packet was wrong",
    5: "a packet of an unknown kind came",
    6: "data came without a session",
    7: "data came for a stream that the design has not",
    8: "a packet was missing",
    9: "more data came than there was room for",
}
"""What the board says of an error."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet; ``number`` counts those of its direction since the session was opened, modulo 256."""

    kind: int
    stream: int
    number: int
    payload: bytes

    def encoded(self) -> bytes:
        """Return the bytes on the line, delimiters included."""
        body = bytes([self.kind << 4 | self.stream, self.number]) + self.payload
        body += zlib.crc32(body).to_bytes(4, "little")
        return END + body.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


class Receiver:
    """Takes bytes as they come and gives packets; ``None`` stands for what was none."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> list[Packet | None]:
        """Return the packets that are whole now; what is behind the last delimiter is kept."""
        *runs, self._rest = (self._rest + data).split(END)
        return [decoded(run) for run in runs if run]


def decoded(run: bytes) -> Packet | None:
    """Return the packet between two delimiters, None where it is damaged."""
    if run.replace(ESC_END, b"").replace(ESC_ESC, b"").find(ESC) >= 0:
        return None
    body = run.replace(ESC_END, END).replace(ESC_ESC, ESC)
    if len(body) < 6 or zlib.crc32(body[:-4]) != int.from_bytes(body[-4:], "little"):
        return None
    return Packet(body[0] >> 4, body[0] & 15, body[1], body[2:-4])
