# SPDX-License-Identifier: Apache-2.0
"""A design on a board, at the other end of a serial line: frames in, answers out, and nothing lost without being told.

Every packet has a number and a checksum, and the board sends only what it made of whole packets. Whatever goes wrong
on the way (a byte, a packet, the cable) ends the session; the device opens a new one, which resets the design, and
sends the frames that have no answer yet again, those of a sequence from its beginning. So an answer is either right or
there is an error.
"""

from __future__ import annotations

import contextlib
import importlib
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import TailraceError, UsageError
from tailrace.host.description import DIGEST_BYTES, PROTOCOL, Description
from tailrace.host.packets import END, FAULTS, NONCE_BYTES, OVERHEAD, Kind, Packet, Receiver
from tailrace.host.packing import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tailrace.graph.values import Values

Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

ATTEMPTS = 5
"""So often a session is opened anew without an answer in between, before the device gives up, ..."""

SMALLER = 4
"""... each time with so many times less on the way at once, and in a packet: a line that turns bits spoils less."""

TIMEOUT_SECONDS = 2.0
"""How long nothing may come, beside what the design itself takes."""

UNANSWERED_BYTES = 2048
"""Results that may be on their way: so many fit into the buffers of every serial driver."""

READ_SECONDS = 0.02


class LinkError(TailraceError):
    """The board does not answer, answers wrongly, or holds another network."""


class _BrokenError(Exception):
    """The session is of no use any more, and why."""


@dataclass(slots=True, kw_only=True)
class _Session:
    """What has gone over the line since the session was opened, in bytes of each stream, and the next numbers."""

    sent: list[int]
    taken: list[int]
    results: list[bytearray]
    next_sent: int = 0
    next_came: int = 1  # OPENED was 0
    receiver: Receiver = field(default_factory=Receiver)


class Device:
    """A board that is opened; a context manager. Made by :meth:`open`."""

    def __init__(self, port: str, description: Description, timeout_seconds: float) -> None:
        self.port = port
        self.description = description
        interval = description.interval_cycles / (description.clock_mhz * 1e6)
        self.timeout_seconds = timeout_seconds + 20 * interval
        self.sessions = 0
        """How often a session was opened: once, unless something went wrong on the way."""
        self._line: Any = None  # a serial.Serial, which has no types
        self._session: _Session | None = None

    @classmethod
    def open(cls, port: str, description: Description, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Self:
        """Open the board at the serial ``port`` and make sure that it holds the design of ``description``.

        Raises LinkError where the port cannot be opened, nothing answers within ``timeout_seconds``, again and again,
        or another network does; UsageError where pyserial is missing.
        """
        device = cls(port, description, timeout_seconds)
        try:
            device._attempt_session()
        except BaseException:
            device.close()
            raise
        return device

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; the board stays as it is."""
        self._session = None
        if self._line is not None:
            self._line.close()
            self._line = None

    def predict(self, x: Values) -> Any:  # noqa: ANN401 - an array, or a dict of several
        """Return the network's outputs for network inputs, batch first, as ``Graph.predict`` does."""
        try:
            q = self.description.host.encode(x)
            return self.description.host.decode(self.predict_int(q))
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{error.name} is missing, which runs the network's own float operations on the host",
                hint=f"pip install {error.name}; or send integers with predict_int",
            ) from None

    def predict_int(self, q: Integers) -> Integers:
        """Return the (n, size) integers that the hardware gives for the (n, size) integers of frames.

        Raises LinkError where the board does not answer any more; no answer is returned then.
        """
        frames = pack(self.description, q)
        done: list[bytearray] = [bytearray() for _ in self.description.outputs]
        failures = 0
        while True:
            answered = self._whole(done)
            if answered == len(q):
                break
            begin = self._resume(q, answered)
            for each, stream in zip(done, self.description.outputs, strict=True):
                del each[begin * stream.frame_bytes :]
            try:
                if self._session is None:
                    self._attempt_session()
                self._exchange([data[begin:] for data in frames], len(q) - begin, done, SMALLER**failures)
            except _BrokenError as error:
                self._session = None
                failures = 0 if self._whole(done) > answered else failures + 1
                if failures == ATTEMPTS:
                    raise LinkError(
                        f"{error}, {ATTEMPTS} times in a row, after {self._whole(done)} of {len(q)} answers",
                        where=self.port,
                        hint="check the cable and that no other program has the port open",
                    ) from None
            except BaseException:  # Ctrl-C: what is on its way belongs to nobody
                self._session = None
                raise
        return unpack(
            self.description,
            [
                np.frombuffer(bytes(each), np.uint8).reshape(len(q), stream.frame_bytes)
                for each, stream in zip(done, self.description.outputs, strict=True)
            ],
        )

    def _whole(self, done: Sequence[bytearray]) -> int:
        """Return how many frames have all their answers."""
        return min(
            len(each) // stream.frame_bytes
            for each, stream in zip(done, self.description.outputs, strict=True)
        )

    def _resume(self, q: Integers, answered: int) -> int:
        """Return the frame to go on with in a new session: the first without an answer, or of its sequence."""
        if self._session is not None or not any(each.marked for each in self.description.inputs):
            return answered
        firsts = np.flatnonzero(q[: answered + 1, -1])
        if not len(firsts):
            raise LinkError(
                "the session was lost in a sequence that began in an earlier call",
                where=self.port,
                hint="send the sequence again from its first frame",
            )
        return int(firsts[-1])

    # --- sessions ---

    def _attempt_session(self) -> None:
        """Open the port if need be, and a session on it; LinkError where that fails, or another design answers."""
        for _ in range(ATTEMPTS):
            try:
                self._begin_session()
            except _BrokenError as error:
                reason = str(error)
                self._session = None
            else:
                return
        raise LinkError(
            reason,
            where=self.port,
            hint="check the port, the power of the board, and that it holds the bitstream (tailrace flash DIR)",
        )

    def _begin_session(self) -> None:
        self._connect()
        nonce = secrets.token_bytes(NONCE_BYTES)
        self._write(END + Packet(Kind.OPEN, 0, 0, nonce).encoded())
        receiver = Receiver()
        end = time.monotonic() + self.timeout_seconds
        while time.monotonic() < end:
            packets = receiver.take(self._read())
            for place, packet in enumerate(packets):
                if packet is None or packet.kind != Kind.OPENED or packet.payload[:NONCE_BYTES] != nonce:
                    continue  # what was on its way before the session began
                self._require_identity(packet.payload[NONCE_BYTES:])
                self.sessions += 1
                inputs, outputs = len(self.description.inputs), len(self.description.outputs)
                self._session = _Session(
                    sent=[0] * inputs,
                    taken=[0] * inputs,
                    results=[bytearray() for _ in range(outputs)],
                    receiver=receiver,
                )
                for later in packets[place + 1 :]:
                    self._take(self._session, later)
                return
        raise _BrokenError("nothing answers")

    def _require_identity(self, said: bytes) -> None:
        """Raise LinkError where the board says that it holds something else."""
        wanted = self.description.identity
        if said == wanted:
            return
        digest = slice(3, 3 + DIGEST_BYTES)
        if said[:1] != bytes([PROTOCOL]):
            raise LinkError(
                f"the board speaks version {said[:1].hex()} of the protocol, this tailrace {PROTOCOL:02x}",
                where=self.port,
                hint="build and load the design again with this tailrace",
            )
        if said[digest] != wanted[digest]:
            raise LinkError(
                f"the board holds another network: {said[digest].hex()}, not {wanted[digest].hex()} "
                f"({self.description.design})",
                where=self.port,
                hint="load the bitstream of this folder (tailrace flash DIR), or give the folder of what it holds",
            )
        raise LinkError(
            "the board holds this network with streams of other sizes",
            where=self.port,
            hint="load the bitstream of this folder: tailrace flash DIR",
        )

    def _connect(self) -> None:
        """Open the port, if it is not open; a port that is gone is waited for."""
        if self._line is not None:
            return
        try:
            serial = importlib.import_module("serial")
        except ModuleNotFoundError:
            raise UsageError(
                "pyserial is missing, which opens serial ports", hint="pip install 'tailrace[board]'"
            ) from None
        end = time.monotonic() + (self.timeout_seconds if self.sessions else 0)
        while True:
            try:
                self._line = serial.Serial(
                    self.port, self.description.baud, timeout=READ_SECONDS, write_timeout=self.timeout_seconds
                )
            except (OSError, ValueError) as error:  # a SerialException is an OSError
                if time.monotonic() < end:
                    time.sleep(READ_SECONDS)
                    continue
                raise LinkError(
                    f"the port cannot be opened: {error}",
                    where=self.port,
                    hint="python -m serial.tools.list_ports says which there are; on Linux be in the group dialout",
                ) from None
            return

    def _write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except OSError as error:
            self._lose(error)

    def _read(self) -> bytes:
        try:
            return bytes(self._line.read(max(1, self._line.in_waiting)))
        except OSError as error:
            self._lose(error)
            return b""

    def _lose(self, error: OSError) -> None:
        """Close a port that is gone."""
        line, self._line = self._line, None
        with contextlib.suppress(OSError):
            line.close()
        raise _BrokenError(f"the port was lost ({error})") from None

    # --- frames ---

    def _exchange(self, frames: Sequence[Bytes], count: int, done: Sequence[bytearray], caution: int) -> None:
        """Send ``count`` frames, of an array (n, frame bytes) for each input, and put their answers behind ``done``.

        With ``caution`` above 1, so many times less is on the way at once. Raises _BrokenError where the session ended;
        ``done`` then has the answers that came.
        """
        session = self._session
        if session is None:
            raise ValueError("frames are exchanged in a session")
        streams = self.description.inputs
        before = list(session.sent)
        data = [array.tobytes() for array in frames]
        lengths = [stream.frame_bytes * count for stream in self.description.outputs]
        per_frame = sum(
            each.frame_bytes + OVERHEAD * -(-each.frame_bytes // each.packet_bytes)
            for each in self.description.outputs
        )
        most = max(2 if caution == 1 else 1, UNANSWERED_BYTES // per_frame // caution)
        size = max(1, self.description.payload_bytes // caution)
        try:
            heard = time.monotonic()
            while any(len(got) < n for got, n in zip(session.results, lengths, strict=True)):
                limit = min(count, self._whole(session.results) + most)
                for number, stream in enumerate(streams):
                    start = session.sent[number] - before[number]
                    room = stream.ring_bytes - (session.sent[number] - session.taken[number])
                    stop = min(limit * stream.frame_bytes, start + room)
                    self._send(session, number, data[number][start:stop], size)
                packets = session.receiver.take(self._read())
                for packet in packets:
                    self._take(session, packet)
                if packets:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.timeout_seconds:
                    raise _BrokenError(f"nothing came for {self.timeout_seconds:.1f} s")
        finally:
            for got, length, whole in zip(session.results, lengths, done, strict=True):
                whole.extend(got[:length])
                del got[:length]

    def _send(self, session: _Session, number: int, data: bytes, size: int) -> None:
        for start in range(0, len(data), size):
            payload = data[start : start + size]
            self._write(Packet(Kind.DATA, number, session.next_sent, payload).encoded())
            session.next_sent = (session.next_sent + 1) % 256
            session.sent[number] += len(payload)

    def _take(self, session: _Session, packet: Packet | None) -> None:
        """Note what a packet of the board says; _BrokenError where it is none, not the next, or an error."""
        if packet is None:
            raise _BrokenError("a damaged packet came")
        if packet.number != session.next_came:
            raise _BrokenError(f"packet {packet.number} came, and {session.next_came} was the next")
        session.next_came = (session.next_came + 1) % 256
        if packet.kind == Kind.CREDIT and packet.stream < len(session.taken) and len(packet.payload) == 2:
            old = session.taken[packet.stream]
            new = old + ((int.from_bytes(packet.payload, "little") - old) & 0xFFFF)
            if new > session.sent[packet.stream]:
                raise _BrokenError("the board took more than it was sent")
            session.taken[packet.stream] = new
        elif packet.kind == Kind.RESULT and packet.stream < len(session.results):
            stream = self.description.outputs[packet.stream]
            got = session.results[packet.stream]
            wanted = min(stream.packet_bytes, stream.frame_bytes - len(got) % stream.frame_bytes)
            if len(packet.payload) != wanted:
                raise _BrokenError(f"a result of {len(packet.payload)} bytes came, and {wanted} were wanted")
            got += packet.payload
        elif packet.kind == Kind.ERROR and len(packet.payload) == 1:
            code = packet.payload[0]
            raise _BrokenError(f"the board says: {FAULTS.get(code, f'error {code}')}")
        else:
            raise _BrokenError(f"a packet of the kind {packet.kind} came")
