# SPDX-License-Identifier: Apache-2.0
"""What a host has to know of a board's design: its network, its streams, and how numbers become integers.

A build writes it to ``board/host.json``; the design says the same of itself when a session is opened
(:meth:`Description.identity`), so that a device with another network is found at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.codec import Codec
from tailrace.core.errors import TailraceError
from tailrace.core.fixed import FixedFormat
from tailrace.core.steps import Steps
from tailrace.core.types import FixedType, IntType
from tailrace.graph import host
from tailrace.graph.softmax import TfliteSoftmax

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
PROTOCOL = 1
"""The version of the protocol on the line (docs/internals/link.md)."""

DIGEST_BYTES = 16
"""So many bytes of the digest of its network a design carries."""

FILE = "board/host.json"
HINT = "build again from the start: tailrace build MODEL --board BOARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputStream:
    """A stream from the host: ``integers`` of ``type`` a frame, each in ``pad_bytes`` bytes; lowest byte first.

    ``marked``: a byte before each frame says whether a sequence begins. ``ring_bytes`` is how much the board keeps.
    """

    name: str
    integers: int
    type: IntType
    pad_bytes: int
    marked: bool
    ring_bytes: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame on the line, without packets around them."""
        return self.integers * self.pad_bytes + self.marked


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStream:
    """A stream to the host: ``integers`` of ``type`` a frame, each in ``pad_bytes`` bytes; lowest byte first.

    A packet carries ``packet_bytes`` of a frame, or what is left of it.
    """

    name: str
    integers: int
    type: IntType
    pad_bytes: int
    packet_bytes: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame on the line, without packets around them."""
        return self.integers * self.pad_bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Description:
    """A design on a board.

    ``digest`` is the SHA-256, in hexadecimal digits, of the integer graph that the hardware computes; ``host`` turns
    the network's numbers into integers and back. ``payload_bytes`` are those of the longest packet to the board,
    ``interval_cycles`` a frame at ``clock_mhz``.
    """

    design: str
    board: str
    digest: str
    baud: int
    clock_mhz: float
    interval_cycles: int
    payload_bytes: int
    inputs: tuple[InputStream, ...]
    outputs: tuple[OutputStream, ...]
    host: host.Host

    @property
    def identity(self) -> bytes:
        """What the design says of itself: protocol, numbers of streams, digest, and the bytes of their frames."""
        frames = [*(each.frame_bytes for each in self.inputs), *(each.frame_bytes for each in self.outputs)]
        sizes = [self.payload_bytes, *frames]
        return bytes(
            [
                PROTOCOL,
                len(self.inputs),
                len(self.outputs),
                *bytes.fromhex(self.digest)[:DIGEST_BYTES],
                *(byte for size in sizes for byte in size.to_bytes(4, "little")),
            ]
        )

    @property
    def fps_of_fabric(self) -> float:
        """Frames a second that the design takes."""
        return self.clock_mhz * 1e6 / self.interval_cycles

    def fps_of_link(self, packet_overhead: int) -> float:
        """Frames a second that the line carries, where each packet costs so many bytes beside its payload.

        The line goes both ways at once; bytes that are escaped are not counted.
        """
        down = sum(each.frame_bytes * (1 + packet_overhead / self.payload_bytes) for each in self.inputs)
        up = sum(
            each.frame_bytes + packet_overhead * -(-each.frame_bytes // each.packet_bytes)
            for each in self.outputs
        )
        return self.baud / 10 / max(down, up)


def codec() -> Codec:
    """Return the codec of descriptions."""
    records: tuple[type, ...] = (
        Description,
        InputStream,
        OutputStream,
        host.Host,
        host.HostInput,
        host.HostOutput,
        host.FloatProgram,
        host.UniformQuantizer,
        host.BipolarQuantizer,
        host.ThresholdQuantizer,
        host.GridQuantizer,
        host.FixedQuantizer,
        host.AffineQuantizer,
        FixedFormat,
        TfliteSoftmax,
        Steps,
        IntType,
        FixedType,
    )
    return Codec({kind.__name__: kind for kind in records}, names={"host": host})


def dumps(description: Description) -> str:
    """Return the JSON text of a description."""
    return codec().dumps(description, SCHEMA)


def load(path: Path) -> Description:
    """Read what :func:`dumps` wrote; TailraceError where there is none, or it is damaged."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise TailraceError(
            "this describes no design on a board",
            where=str(path),
            hint="build for a board with a serial line: tailrace build MODEL --board BOARD (tailrace boards)",
        ) from None
    found: Description = codec().loads(text, SCHEMA, Description, where=str(path), hint=HINT)
    return found
