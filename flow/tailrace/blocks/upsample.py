# SPDX-License-Identifier: Apache-2.0
"""Upsample: nearest neighbour, every pixel and every row several times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.ring import RingSchedule, check_image, loop_sources, over_rounds, ring_cost, ring_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.core.resources import Resources
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsample(Block):
    """Every row of an image ``factor[0]`` times, every pixel of it ``factor[1]`` times.

    ``stream`` is a whole frame of (``height``, ``width``, ``channels``); its lanes divide the channels.

    Raises:
        MappingError: the lanes do not divide the channels.

    """

    name: ClassVar[str] = "upsample"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream
    height: int
    width: int
    channels: int
    factor: tuple[int, int]

    def __post_init__(self) -> None:
        check_image(self.stream, height=self.height, width=self.width, channels=self.channels)
        if min(self.factor) < 1:
            raise ValueError(f"factor={self.factor} must be at least 1")

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self.height * self.factor[0]

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self.width * self.factor[1]

    @property
    def out_channels(self) -> int:
        """Channels of the output: those of the input."""
        return self.channels

    @property
    def groups(self) -> int:
        """Words of a pixel."""
        return self.channels // self.stream.lanes

    @property
    def round_words(self) -> int:
        """Words of what is repeated as a whole: a row, a pixel where rows are not, a word where nothing is."""
        if self.factor[0] > 1:
            return self.width * self.groups
        return self.groups if self.factor[1] > 1 else 1

    @property
    def depth(self) -> int:
        """Words of the ring: what is repeated as a whole, and two at least."""
        return max(2, self.round_words)

    @property
    def loops(self) -> tuple[int, ...]:
        """Words of a pixel, its copies, pixels of a row, copies of the row."""
        pixel = self.groups if self.factor[1] > 1 else 1
        return (pixel, self.factor[1], self.round_words // pixel, self.factor[0])

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The larger image."""
        return (replace(self.stream, words=self.stream.words * self.factor[0] * self.factor[1]),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: an output word every cycle."""
        return self.outputs[0].words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first output word."""
        return 2

    def schedule(self) -> automata.Schedule:
        """The ring."""
        return automata.in_a_row(ring_store(self.ring()))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, CHANNELS, HEIGHT, WIDTH, FACTOR_H, FACTOR_W."""
        return {
            "LANES": self.stream.lanes,
            "BITS": self.stream.type.bits,
            "CHANNELS": self.channels,
            "HEIGHT": self.height,
            "WIDTH": self.width,
            "FACTOR_H": self.factor[0],
            "FACTOR_W": self.factor[1],
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The ring."""
        return self.depth * self.stream.bits

    def ring(self) -> RingSchedule:
        """Return what each output word is and frees; every input word is kept."""
        pixel = self.loops[0]
        sources = loop_sources(self.loops, (1, 0, pixel, 0))
        copies = loop_sources(self.loops, (0, 1, 0, self.factor[1]))
        freed = (copies == self.factor[0] * self.factor[1] - 1).astype(np.int64)
        rounds = self.stream.words // self.round_words
        sources, freed = over_rounds(sources, freed, period=self.round_words, rounds=rounds)
        kept = np.ones(self.stream.words, np.bool_)
        return RingSchedule(kept=kept, sources=sources, freed=freed, depth=self.depth)

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, values of the larger image) for (frames, values)."""
        image = frames.reshape(len(frames), self.height, 1, self.width, 1, self.channels)
        rows, columns = self.factor
        shape = (len(frames), self.height, rows, self.width, columns, self.channels)
        return np.broadcast_to(image, shape).reshape(len(frames), -1)

    def cost(self, family: Family) -> Resources:
        """The ring of a row with its loops."""
        return ring_cost(depth=self.depth, bits=self.stream.bits, loops=self.loops, family=family)
