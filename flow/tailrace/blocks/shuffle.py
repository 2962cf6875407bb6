# SPDX-License-Identifier: Apache-2.0
"""Shuffle: channels become pixels or pixels become channels (ONNX DepthToSpace and SpaceToDepth)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.ring import (
    RingSchedule,
    check_channel_lanes,
    check_image,
    loop_sources,
    over_rounds,
    ring_cost,
    ring_store,
)
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family

MODES: tuple[str, ...] = ("dcr", "crd", "space_to_depth")
"""As numbered by the parameter MODE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shuffle(Block):
    """Blocks of ``block`` x ``block`` pixels from the channels of one pixel, or the other way.

    ``mode`` is ``dcr`` or ``crd`` (depth to space: place in the block, channel; or channel, place in the block)
    or ``space_to_depth``. ``stream`` is a whole frame of (``height``, ``width``, ``channels``), the input's; its
    lanes divide the channels of both sides.

    Raises:
        MappingError: the lanes do not divide the channels of both sides, or the block does not divide the
            channels (depth to space) or the image (space to depth).

    """

    name: ClassVar[str] = "shuffle"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream
    height: int
    width: int
    channels: int
    block: int
    mode: str

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode={self.mode!r} is none of {', '.join(MODES)}")
        if self.block < 1:
            raise ValueError(f"block={self.block} must be at least 1")
        check_image(self.stream, height=self.height, width=self.width, channels=self.channels)
        size = self.block
        if self.to_depth:
            if self.height % size or self.width % size:
                raise MappingError(
                    f"blocks of {size} x {size} do not divide an image of {self.height} x {self.width}",
                    hint="pad or crop the image to a multiple of the block",
                )
        elif self.channels % (size * size):
            raise MappingError(
                f"blocks of {size} x {size} do not divide the {self.channels} channels",
                hint=f"depth to space needs a multiple of {size * size} channels",
            )
        check_channel_lanes(self.stream.lanes, min(self.channels, self.out_channels))

    @property
    def to_depth(self) -> bool:
        """Whether pixels become channels."""
        return self.mode == "space_to_depth"

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self.height // self.block if self.to_depth else self.height * self.block

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self.width // self.block if self.to_depth else self.width * self.block

    @property
    def out_channels(self) -> int:
        """Channels of the output."""
        square = self.block * self.block
        return self.channels * square if self.to_depth else self.channels // square

    @property
    def part(self) -> int:
        """Words of a pixel on the side with more pixels."""
        return min(self.channels, self.out_channels) // self.stream.lanes

    @property
    def columns(self) -> int:
        """Pixels of a row on the side with less pixels."""
        return min(self.width, self.out_width)

    @property
    def round_words(self) -> int:
        """Words of a block row: a row of the side with less pixels."""
        return self.columns * self.block * self.block * self.part

    @property
    def transposed(self) -> bool:
        """Whether lanes change places, in registers before the ring."""
        return self.mode == "crd" and self.stream.lanes > 1 and self.block > 1

    @property
    def depth(self) -> int:
        """Words of the ring, the smallest with which words come and go without a pause; see ``tr_shuffle``."""
        columns, size, part = self.columns, self.block, self.part
        delay = (columns - 1) * (size - 1) * size * part
        if self.mode == "crd":
            delay += (part - 1) * (size * size - 1)
        if self.to_depth:
            largest = self.round_words - 1 - (columns - 1) * size * part
        else:
            largest = (size - 1) * (columns * size + 1) * part
        return delay + largest + 2

    @property
    def loops(self) -> tuple[int, ...]:
        """Extents of the loops in which words go, the innermost first."""
        outer = (self.block, self.columns) if self.to_depth else (self.columns, self.block)
        return (self.part, self.block, *outer)

    @property
    def strides(self) -> tuple[int, ...]:
        """How far apart in the input the words of the loops are, the innermost first."""
        size, part = self.block, self.part
        if self.to_depth:
            return (1, part, self.columns * size * part, size * part)
        if self.mode == "crd":
            return (size * size, 1, size * size * part, size)
        return (1, part, size * size * part, size * part)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """As many words, in another order."""
        return (replace(self.stream),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first output word."""
        return 2 + (self.block * self.block if self.transposed else 0)

    def schedule(self) -> automata.Schedule:
        """The ring; behind registers in which lanes change places, where they do."""
        ring = ring_store(self.ring())
        if not self.transposed:
            return automata.in_a_row(ring)
        return automata.in_a_row(automata.Exchange(words=self.block**2), ring)

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, CHANNELS, HEIGHT, WIDTH, BLOCK, MODE."""
        return {
            "LANES": self.stream.lanes,
            "BITS": self.stream.type.bits,
            "CHANNELS": self.channels,
            "HEIGHT": self.height,
            "WIDTH": self.width,
            "BLOCK": self.block,
            "MODE": MODES.index(self.mode),
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The ring."""
        return self.depth * self.stream.bits

    def ring(self) -> RingSchedule:
        """Return what each output word is and frees, of the words as they reach the ring (see ``transposed``)."""
        part, columns, size = self.part, self.columns, self.block
        sources = loop_sources(self.loops, self.strides)
        freed = np.zeros(len(sources), np.int64)
        if self.to_depth:
            freed[size * size * part - 1 :: size * size * part] = size * part
            freed[-1] = self.round_words - (columns - 1) * size * part
        else:
            last = loop_sources(self.loops, (0, 1, 0, size)) == size * size - 1
            freed[last] = size * size
        rounds = self.stream.words // self.round_words
        sources, freed = over_rounds(sources, freed, period=self.round_words, rounds=rounds)
        kept = np.ones(self.stream.words, np.bool_)
        return RingSchedule(kept=kept, sources=sources, freed=freed, depth=self.depth)

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, values) in the order of the output for (frames, values)."""
        count, size = len(frames), self.block
        if self.to_depth:
            shape = (count, self.out_height, size, self.out_width, size, self.channels)
            order = (0, 1, 3, 2, 4, 5)
        elif self.mode == "crd":
            shape = (count, self.height, self.width, self.out_channels, size, size)
            order = (0, 1, 4, 2, 5, 3)
        else:
            shape = (count, self.height, self.width, size, size, self.out_channels)
            order = (0, 1, 3, 2, 4, 5)
        return frames.reshape(shape).transpose(order).reshape(count, -1)

    def cost(self, family: Family) -> Resources:
        """The ring with its loops; for CRD with several lanes, two groups of words in registers."""
        ring = ring_cost(depth=self.depth, bits=self.stream.bits, loops=self.loops, family=family)
        if not self.transposed:
            return ring
        square = self.block * self.block
        count = (square - 1).bit_length()
        registers = (2 * square - 1) * self.stream.bits
        return ring + Resources(lut=square * self.stream.bits + 2 * count + 8, ff=registers + 2 * count + 1)
