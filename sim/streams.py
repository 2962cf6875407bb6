# SPDX-License-Identifier: Apache-2.0
"""AXI-Stream sources and sinks with random stalls for cocotb test benches.

    sinks = await exchange(dut, {"s_axis": words}, {"m_axis": len(words)}, stall=0.3, seed=1)
    assert sinks["m_axis"].words == words

or, step by step:

    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    source = StreamSource(dut, "s_axis", stall=0.3, random=Random(1))
    sink = StreamSink(dut, "m_axis", stall=0.3, random=Random(2))
    await reset(dut)
    cocotb.start_soon(source.send(words))
    assert await sink.receive(len(words)) == words

A word is a Python integer: the payload as it stands on ``tdata``. :func:`pack_lanes` makes it from lanes,
:func:`unpack_lanes` makes it lanes again.

Signals change on the falling edge of ``clk`` and are read, settled, before the rising edge that transfers the
word. So it does not matter in which order a simulator runs what happens on one edge.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class StreamSource:
    """Drives ``<prefix>_tdata``, ``_tvalid``, maybe ``_tuser``: offers words in order, each until it is taken."""

    def __init__(self, dut: Any, prefix: str = "s_axis", *, stall: float = 0.0, random: Random) -> None:
        """Begin idle. ``stall`` is the probability per cycle that no new word is offered."""
        self.clk = dut.clk
        self.data, self.valid, self.ready = stream_signals(dut, prefix)
        self.user = getattr(dut, f"{prefix}_tuser", None)
        self.stall = stall
        self.random = random
        self.valid.value = 0

    async def send(self, words: Iterable[int], users: Sequence[int] = ()) -> None:
        """Send ``words``, with the ``users`` of the first of them; returns after the edge that took the last one."""
        for number, word in enumerate(words):
            await FallingEdge(self.clk)
            while self.random.random() < self.stall:
                self.valid.value = 0
                await FallingEdge(self.clk)
            self.data.value = word
            if self.user is not None:
                self.user.value = users[number] if number < len(users) else 0
            self.valid.value = 1
            await ReadOnly()
            while not int(self.ready.value):
                await FallingEdge(self.clk)
                await ReadOnly()
        await FallingEdge(self.clk)
        self.valid.value = 0


class StreamSink:
    """Drives ``<prefix>_tready``, takes words, and checks that an offered word stays until it is taken.

    ``words`` collects what it takes, ``last`` the ``<prefix>_tlast`` of each, 0 where there is none.
    """

    def __init__(self, dut: Any, prefix: str = "m_axis", *, stall: float = 0.0, random: Random) -> None:
        """Begin not ready. ``stall`` is the probability per cycle that no word is taken."""
        self.clk = dut.clk
        self.data, self.valid, self.ready = stream_signals(dut, prefix)
        self.tlast = getattr(dut, f"{prefix}_tlast", None)
        self.words: list[int] = []
        self.last: list[int] = []
        self.stall = stall
        self.random = random
        self.offered: tuple[int, int] | None = None
        self.ready.value = 0

    async def receive(self, count: int, *, timeout_cycles: int = 100_000) -> list[int]:
        """Take ``count`` words and return them; fails after ``timeout_cycles`` without one."""
        words: list[int] = []
        waited = 0
        while len(words) < count:
            await FallingEdge(self.clk)
            ready = self.random.random() >= self.stall
            self.ready.value = int(ready)
            await ReadOnly()
            offer = self._offer()
            if ready and offer is not None:
                words.append(offer[0])
                self.words.append(offer[0])
                self.last.append(offer[1])
            self.offered = None if ready else offer
            waited = 0 if ready and offer is not None else waited + 1
            assert waited < timeout_cycles, (
                f"no word for {timeout_cycles} cycles after {len(words)} of {count}"
            )
        await FallingEdge(self.clk)
        self.ready.value = 0
        return words

    async def expect_silence(self, cycles: int) -> None:
        """Check that no word comes for ``cycles`` cycles (a surplus word is as wrong as a lost one)."""
        for _ in range(cycles):
            await FallingEdge(self.clk)
            await ReadOnly()
            assert self._offer() is None, "a word that nobody expects"

    def _offer(self) -> tuple[int, int] | None:
        """Return the offered (payload, last), or None; check that an offer not taken is unchanged."""
        offer = None
        if int(self.valid.value):
            offer = (int(self.data.value), int(self.tlast.value) if self.tlast is not None else 0)
        if self.offered is not None:
            assert offer == self.offered, (
                f"offered {self.offered}, then {offer}, though tready was low all the time"
            )
        return offer


async def exchange(
    dut: Any, words: Mapping[str, Sequence[int]], expect: Mapping[str, int], *, stall: float, seed: int
) -> dict[str, StreamSink]:
    """Start the clock, reset, send ``words`` into the inputs, receive ``expect`` words from each output.

    Streams are named by their prefix. Returns the sinks, whose ``words`` are what came; one more is an error.
    """
    cocotb.log.info("stall=%s seed=%s", stall, seed)
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    random = Random(seed)
    sources = {prefix: StreamSource(dut, prefix, stall=stall, random=random) for prefix in words}
    sinks = {prefix: StreamSink(dut, prefix, stall=stall, random=random) for prefix in expect}
    await reset(dut)
    for prefix, source in sources.items():
        cocotb.start_soon(source.send(words[prefix]))
    receivers = [cocotb.start_soon(sinks[prefix].receive(count)) for prefix, count in expect.items()]
    for receiver in receivers:
        await receiver
    for sink in sinks.values():
        await sink.expect_silence(20)
    return sinks


async def reset(dut: Any, cycles: int = 2) -> None:
    """Hold ``rst`` for ``cycles`` rising edges."""
    dut.rst.value = 1
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


def stream_signals(dut: Any, prefix: str) -> tuple[Any, Any, Any]:
    """Return the handles of tdata, tvalid and tready of one stream."""
    return tuple(getattr(dut, f"{prefix}_{signal}") for signal in ("tdata", "tvalid", "tready"))


def setting(name: str, default: float) -> Any:
    """Return the number given as ``+NAME=value`` or as ``TR_NAME`` in the environment, else ``default``."""
    text = str(cocotb.plusargs.get(name, os.environ.get(f"TR_{name}", "")))
    return type(default)(text) if text else default


def pack_lanes(lanes: Sequence[int], bits: int) -> int:
    """Return the word of ``lanes`` integers of ``bits`` bits, lane 0 in the lowest bits."""
    mask = (1 << bits) - 1
    return sum((int(value) & mask) << (index * bits) for index, value in enumerate(lanes))


def unpack_lanes(word: int, lanes: int, bits: int, *, signed: bool) -> list[int]:
    """Undo :func:`pack_lanes`."""
    mask = (1 << bits) - 1
    values = [(word >> (index * bits)) & mask for index in range(lanes)]
    return [value - (1 << bits) if signed and value >> (bits - 1) else value for value in values]


def to_words(values: Sequence[int], lanes: int, bits: int) -> list[int]:
    """Cut ``values``, in stream order, into words of ``lanes`` lanes."""
    return [pack_lanes(values[start : start + lanes], bits) for start in range(0, len(values), lanes)]


def from_words(words: Iterable[int], lanes: int, bits: int, *, signed: bool) -> list[int]:
    """Undo :func:`to_words`."""
    return [value for word in words for value in unpack_lanes(word, lanes, bits, signed=signed)]
