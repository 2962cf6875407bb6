# SPDX-License-Identifier: Apache-2.0
"""Split: parts an image by channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from tailrace.blocks.concat import check_sides, counter_bits
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Per pixel the first ``a_channels`` values to output 0, the other ``b_channels`` to output 1.

    ``stream`` is that of a whole frame.

    Raises:
        MappingError: the lanes do not divide the channels of both sides.
        ValueError: the words of the stream are no whole pixels.

    """

    name: ClassVar[str] = "split"

    stream: Stream
    a_channels: int
    b_channels: int

    def __post_init__(self) -> None:
        check_sides(lanes=self.stream.lanes, a_channels=self.a_channels, b_channels=self.b_channels)
        values, channels = self.stream.words * self.stream.lanes, self.a_channels + self.b_channels
        if not values or values % channels:
            raise ValueError(f"{self.stream.words} words are no whole pixels of {channels} channels")

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.stream.words * self.stream.lanes // (self.a_channels + self.b_channels)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The whole image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The first channels, and the others."""
        lanes = self.stream.lanes
        return (
            replace(self.stream, words=self.pixels * (self.a_channels // lanes)),
            replace(self.stream, words=self.pixels * (self.b_channels // lanes)),
        )

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word in every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes a word to the edge that can take it from its output."""
        return 1

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, A_CHANNELS, B_CHANNELS."""
        return {
            "LANES": self.stream.lanes,
            "BITS": self.stream.type.bits,
            "A_CHANNELS": self.a_channels,
            "B_CHANNELS": self.b_channels,
        }

    def memories(self) -> tuple[Memory, ...]:
        """None."""
        return ()

    def evaluate(self, frames: Integers) -> tuple[Integers, ...]:
        """Return (frames, pixels * a_channels) and (frames, pixels * b_channels) integers."""
        pixels = frames.reshape(len(frames), self.pixels, self.a_channels + self.b_channels)
        sides = (pixels[:, :, : self.a_channels], pixels[:, :, self.a_channels :])
        return tuple(side.reshape(len(frames), -1) for side in sides)

    def cost(self, family: str) -> Resources:
        """Two registers of the word, a counter."""
        del family
        counter = counter_bits(self.a_channels, self.b_channels, self.stream.lanes)
        return Resources(lut=9 + 1.5 * counter, ff=2 * self.stream.bits + 3 + counter)
