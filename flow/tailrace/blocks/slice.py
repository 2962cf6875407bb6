# SPDX-License-Identifier: Apache-2.0
"""Slice: keeps a range of the channels of an image and drops the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.lanes import carry_cells, divisors
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Block):
    """Per pixel the values ``start`` to ``stop - 1`` of its ``channels``; the others are dropped.

    ``stream`` is that of a whole frame. Any slice along one axis is of this form: rows of an image are channels of
    its one pixel of (height * width * channels), columns are channels of pixels of (width * channels).

    Raises:
        MappingError: the lanes do not divide ``channels``, ``start`` and ``stop``.
        ValueError: the range is empty or not inside of the channels, or the words are no whole pixels.

    """

    name: ClassVar[str] = "slice"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream
    channels: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop <= self.channels:
            raise ValueError(
                f"start={self.start} and stop={self.stop} are no range of the {self.channels} channels"
            )
        for number, what in (
            (self.channels, f"the {self.channels} channels"),
            (self.start, f"start={self.start}"),
            (self.stop, f"stop={self.stop}"),
        ):
            if self.stream.lanes < 1 or number % self.stream.lanes:
                common = np.gcd.reduce([self.channels, self.start, self.stop])
                raise MappingError(
                    f"{self.stream.lanes} lanes do not divide {what}",
                    hint=f"use one of {', '.join(map(str, divisors(int(common))))}",
                )
        values = self.stream.words * self.stream.lanes
        if not values or values % self.channels:
            raise ValueError(f"{self.stream.words} words are no whole pixels of {self.channels} channels")

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.stream.words * self.stream.lanes // self.channels

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The whole image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The channels that are kept."""
        words = self.pixels * (self.stop - self.start) // self.stream.lanes
        return (replace(self.stream, words=words),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word in every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first word kept."""
        return self.start // self.stream.lanes + 1

    def schedule(self) -> automata.Schedule:
        """A register; the words that are not kept are taken at any time."""
        return automata.in_a_row(automata.in_order(self.kept()))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, CHANNELS, START, STOP."""
        return {
            "LANES": self.stream.lanes,
            "BITS": self.stream.type.bits,
            "CHANNELS": self.channels,
            "START": self.start,
            "STOP": self.stop,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def kept(self) -> NDArray[np.bool_]:
        """Return for each word of a pixel whether it is kept; one that is not is taken whenever it is offered."""
        words = np.arange(self.channels // self.stream.lanes) * self.stream.lanes
        kept: NDArray[np.bool_] = (words >= self.start) & (words < self.stop)
        return kept

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, pixels * (stop - start)) for (frames, pixels * channels) integers."""
        pixels = frames.reshape(len(frames), self.pixels, self.channels)
        return pixels[:, :, self.start : self.stop].reshape(len(frames), -1)

    def cost(self, family: Family) -> Resources:
        """A register of the word; a counter of the words of a run, loaded with one of two constants."""
        kept = (self.stop - self.start) // self.stream.lanes
        dropped = self.channels // self.stream.lanes - kept
        if not dropped:
            return Resources(lut=1, ff=self.stream.bits + 1)
        count = (max(kept, dropped) - 1).bit_length()
        per_bit = 2.8 if family.carry.in_luts else 2.2
        carry = carry_cells(family, count) if count > 3 else 0
        return Resources(lut=4 + per_bit * count, ff=self.stream.bits + 2 + count, carry=carry)
