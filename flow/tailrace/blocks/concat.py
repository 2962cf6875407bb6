# SPDX-License-Identifier: Apache-2.0
"""Concat: joins two images channel by channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role, stream_names
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Block):
    """Per pixel the ``a_channels`` values of ``a``, then the ``b_channels`` of ``b``.

    ``a`` and ``b`` are the streams of whole frames, of as many pixels each and with the same lanes and type.

    Raises:
        MappingError: the lanes do not divide the channels of both sides.
        ValueError: the streams differ in lanes, type or pixels.

    """

    name: ClassVar[str] = "concat"
    role: ClassVar[Role] = Role.COMPUTES

    a: Stream
    b: Stream
    a_channels: int
    b_channels: int

    def __post_init__(self) -> None:
        if (self.a.lanes, self.a.type) != (self.b.lanes, self.b.type):
            raise ValueError(
                f"a has {self.a.lanes} lanes of {self.a.type}, b {self.b.lanes} of {self.b.type}"
            )
        check_sides(lanes=self.a.lanes, a_channels=self.a_channels, b_channels=self.b_channels)
        pixels = [
            divmod(stream.words * stream.lanes, channels)
            for stream, channels in ((self.a, self.a_channels), (self.b, self.b_channels))
        ]
        if pixels[0] != pixels[1] or pixels[0][1] or not pixels[0][0]:
            raise ValueError(
                f"{self.a.words} words of {self.a_channels} channels and {self.b.words} of {self.b_channels} "
                f"are not the same number of pixels"
            )

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.a.words * self.a.lanes // self.a_channels

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """``a`` and ``b``."""
        return (self.a, self.b)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The joined image."""
        return (replace(self.a, words=self.a.words + self.b.words),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word out every cycle."""
        return self.a.words + self.b.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take it from the output."""
        return 1

    def schedule(self) -> automata.Schedule:
        """A register that takes the words of a pixel from ``a``, then those from ``b``."""
        a, b = self.a_channels // self.a.lanes, self.b_channels // self.b.lanes
        program = automata.rows(automata.step(a, takes=0b01), automata.step(b, takes=0b10))
        pipeline = automata.Pipeline(program=program, depth=1, inputs=2)
        return automata.in_a_row(pipeline, inputs=stream_names(self.input_ports))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, A_CHANNELS, B_CHANNELS."""
        return {
            "LANES": self.a.lanes,
            "BITS": self.a.type.bits,
            "A_CHANNELS": self.a_channels,
            "B_CHANNELS": self.b_channels,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, a_frames: Integers, b_frames: Integers) -> Integers:
        """Return (frames, pixels * (a_channels + b_channels)) integers."""
        count = len(a_frames)
        sides = (
            a_frames.reshape(count, self.pixels, self.a_channels),
            b_frames.reshape(count, self.pixels, self.b_channels),
        )
        return np.concatenate(sides, axis=2).reshape(count, -1)

    def cost(self, family: Family) -> Resources:
        """One register of the word behind a choice of two, a counter."""
        del family
        counter = counter_bits(self.a_channels, self.b_channels, self.a.lanes)
        return Resources(lut=self.a.bits + 5 + 1.5 * counter, ff=self.a.bits + 2 + counter)


def check_sides(*, lanes: int, a_channels: int, b_channels: int) -> None:
    """Raise MappingError where a word would hold channels of both sides, ValueError where a side is empty."""
    if a_channels < 1 or b_channels < 1:
        raise ValueError(f"a_channels={a_channels} and b_channels={b_channels} must be at least 1")
    for channels in (a_channels, b_channels):
        if lanes < 1 or channels % lanes:
            common = [n for n in range(1, lanes + 1) if a_channels % n == 0 and b_channels % n == 0]
            raise MappingError(
                f"{lanes} lanes do not divide the {channels} channels",
                hint=f"use one of {', '.join(map(str, common or [1]))}",
            )


def counter_bits(a_channels: int, b_channels: int, lanes: int) -> int:
    """Return the bits of the counter of a pixel's words."""
    return (max(a_channels, b_channels) // lanes - 1).bit_length()
